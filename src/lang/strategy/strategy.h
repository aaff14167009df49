// ATT&CK detection strategies: STIX objects, and the binding files that make their analytics run.
//
// A strategy is a contract in prose: log sources, and tunable elements without defaults. A binding
// of ours gives each analytic what it requires, a typed parameter with a default for each mutable
// element, and a KQL query that runs. Format of bindings: docs/strategies.md. Tests:
// tests/unit/lang/strategy.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "data/value.h"
#include "plan/rule.h"

namespace postern::lang::strategy {

/// Native tables (with event ids; empty: any event) of which any one provides a log source.
struct RequiredSource {
  std::string table;
  std::vector<int64_t> event_ids;
};

struct Requirement {
  std::string name;  ///< "WinEventLog:Sysmon EventCode=3, 22"
  std::vector<RequiredSource> sources;
};

struct Analytic {
  plan::RuleInfo info;  ///< id "AN0379", language "strategy"
  std::string query;    ///< KQL with `declare query_parameters`
  std::map<std::string, data::Value, std::less<>> parameters;
  std::vector<Requirement> requirements;
  std::vector<std::string> key;    ///< columns that identify a finding
  std::vector<std::string> shown;  ///< columns of the finding's row; empty: all
  Span span;                       ///< of the analytic's id in the STIX text
  size_t binding = 0;              ///< of read_bound: index of its file in ReadOptions::bindings
};

struct BindingFile {
  Source source;
  Diagnostics* diagnostics = nullptr;  ///< what is wrong with the binding goes here
};

struct ReadOptions {
  std::vector<BindingFile> bindings;
  /// "AN0380.TransferSizeThreshold" -> "5MB".
  std::vector<std::pair<std::string, std::string>> settings;
};

/// True for our binding files (YAML with `strategy:`).
bool is_binding(const Source& file);
/// True for JSON that holds detection strategies or analytics.
bool recognises(const Source& file);
/// Analytics of the bindings alone, in our own words, for those ids that are not in `except`: what
/// a hunt runs when nobody gives a STIX file.
std::vector<Analytic> read_bound(const ReadOptions& options,
                                 const std::set<std::string>& except,
                                 Diagnostics& diag);
/// Analytics of a STIX file that a binding makes executable; an unbound one is a named refusal.
std::vector<Analytic> read(const Source& stix, const ReadOptions& options, Diagnostics& diag);

}  // namespace postern::lang::strategy
