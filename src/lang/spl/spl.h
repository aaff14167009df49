// SPL, the search language of Splunk: rule files to rules with unbound plans.
//
// Two kinds of files: detections as in Splunk's security_content (YAML with `name`, `search`,
// `tags`) and bare searches (.spl). The text goes through macros (expand.h), parser (parser.h),
// lints (lint.h) and lowering (lower.h); a rule that meets an error in one of them is not in the
// result. Tests: tests/unit/lang/spl, tests/cases/spl.
#pragma once
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "lang/spl/lookups.h"
#include "lang/spl/macros.h"
#include "plan/rule.h"

namespace postern::lang::spl {

struct ReadOptions {
  /// Macros the rules may use; null: none but the generated `*_filter`.
  const MacroLibrary* macros = nullptr;
  /// Lookups the rules may use; null: none.
  const LookupLibrary* lookups = nullptr;
};

/// True for .spl files and for YAML that has a `search` and is no Sigma rule.
bool recognises(const Source& file);

/// All rules of a file; file.name is its path, spans are positions in file.text.
///
/// Level of a rule: Splunk's detections state a type and a risk score (0-100), no severity. Hunting
/// is informational, Anomaly low, Correlation high; TTP high from a score of 50 on, else medium.
std::vector<plan::Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag);

/// The plan of one search as typed. With `input` the text is a pipeline over those rows, whose
/// columns are `columns` and whose order counts as given (a piece of a search, a test).
OrFailed<plan::OpPtr> read_query(const Source& query,
                                 const ReadOptions& options,
                                 Diagnostics& diag,
                                 plan::OpPtr input = nullptr,
                                 std::vector<std::string> columns = {});

}  // namespace postern::lang::spl
