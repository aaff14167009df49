// The rules of a run: read in any language, bound, optimized, compiled; and the load report.
//
// Every file is tried on its own: its diagnostics are kept with it, what cannot be honoured is
// refused by name, the rest runs. Tests: tests/unit/engine/rule_set_test.cc, tests/cases.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "engine/setup.h"
#include "exec/run.h"
#include "match/content_scanner.h"
#include "plan/bind.h"
#include "plan/rule.h"

namespace postern::engine {

/// A rule given as text, not as a file: a query typed by a person.
struct RuleText {
  std::string name;
  std::string text;
  std::string language;  ///< "kql" | "spl" | "sigma" | "pipeline"; "" = by content
};

struct RuleOptions {
  std::vector<RuleText> texts;
  std::vector<std::string> paths;      ///< files, folders, globs
  std::vector<std::string> pipelines;  ///< files of Sigma processing pipelines
  bool builtin = true;                 ///< also the rules of the program
  bool strict = false;                 ///< degraded is refused
  /// `--set NAME=VALUE`: "AN0380.TransferSizeThreshold" -> "5MB".
  std::vector<std::pair<std::string, std::string>> settings;
  /// Sigma placeholders: name -> values.
  std::map<std::string, std::vector<std::string>> placeholders;
  bool optimize = true;  ///< off in tests only
  /// The plans before the optimized one, and the front ends' stages: for who explains or checks
  /// rules. A hunt needs none of them, and they are most of what a rule takes.
  bool keep_stages = true;
};

/// One rule file and everything said about it.
struct RuleFile {
  std::string path;
  std::string text;      ///< gone after loading for a hunt, unless something is told about it
  std::string language;  ///< "" when it holds no rule (a README, a lookup)
  Diagnostics diagnostics;
  size_t num_loaded = 0;
  size_t num_refused = 0;
  bool read_error = false;
};

/// A log source that an analytic of a strategy needs, and what provides it.
struct Requirement {
  std::string name;  ///< "WinEventLog:Sysmon EventCode=3"

  /// Any one of these suffices: native table, and event ids there (empty: any event).
  struct Source {
    std::string table;
    std::vector<int64_t> event_ids;
  };

  std::vector<Source> sources;
};

struct LoadedRule {
  plan::Rule rule;
  size_t file = 0;    ///< index into RuleSet::files()
  size_t place = 0;   ///< Sigma: among the rules of its file
  plan::OpPtr bound;  ///< null unless RuleOptions::keep_stages; so is `rule.plan`
  plan::OpPtr optimized;
  plan::BindReport report;
  std::shared_ptr<const exec::CompiledPlan> compiled;  ///< null for YARA rules
  std::optional<int64_t> lookback;                     ///< ticks: a scheduled query's window
  bool silent = false;                                 ///< only feeds correlations: is not run
  // Strategies only.
  std::vector<Requirement> requirements;
  std::vector<std::string> key;    ///< columns that make two findings the same one
  std::vector<std::string> shown;  ///< row columns, in order; empty: all
};

class RuleSet {
 public:
  /// Never fails as a whole: a path that cannot be read is a RuleFile with `read_error`.
  static std::unique_ptr<RuleSet> load(std::shared_ptr<const Setup> setup,
                                       const RuleOptions& options);

  const Setup& setup() const { return *setup_; }

  const std::deque<RuleFile>& files() const { return files_; }

  const std::deque<LoadedRule>& rules() const { return rules_; }

  size_t num_refused() const;

  /// YARA rules of all files, compiled together; rule i of it is `*yara_rules()[i]`.
  const std::shared_ptr<const match::YaraRules>& yara() const { return yara_; }

  const std::vector<const LoadedRule*>& yara_rules() const { return yara_index_; }

 private:
  friend class RuleLoader;
  std::shared_ptr<const Setup> setup_;
  std::deque<RuleFile> files_;
  std::deque<LoadedRule> rules_;
  std::shared_ptr<const match::YaraRules> yara_;
  std::vector<const LoadedRule*> yara_index_;
};

}  // namespace postern::engine
