// Kusto Query Language: rules and hunts as published, to plans.
//
// Files: bare queries (.kql, .csl, .txt), Sentinel analytics and hunting rules (YAML with
// `query:`). Stages: lexer.h (tokens), parser.h (tree), lower.h (plan); rule_file.cc finds the
// queries of a file. What is supported and how it behaves: tests/cases/kql. Source of the language:
// Kusto documentation.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "data/value.h"
#include "plan/rule.h"

namespace postern::lang::kql {

struct ReadOptions {
  /// Values for `declare query_parameters(...)` by name; others keep their defaults.
  std::map<std::string, data::Value, std::less<>> parameters;
};

/// Every rule of a file, as far as it can be read; faults go to `diag`, with places in the file. A
/// file that is no single query is split at blank lines, as Kusto's editors do.
std::vector<plan::Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag);

/// The plan of one query text (for `postern query` and catalog views); null once errors were added.
plan::OpPtr read_query(const Source& text, const ReadOptions& options, Diagnostics& diag);

/// True when the file's content (or its name, for bare queries) says KQL.
bool recognises(const Source& file);

}  // namespace postern::lang::kql
