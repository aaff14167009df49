// What is known to be wrong with a set of rules, as text with carets, JSON or SARIF 2.1.0.
// Tests: tests/unit/check/rule_report_test.cc.
#pragma once
#include <ostream>

#include "check/lint.h"
#include "engine/rule_set.h"

namespace postern::check {

/// Diagnostics of user files, in file order, each file's own first, then what lint found in it;
/// then a line for each rule that can never fire. Returns the number of errors.
size_t write_text(std::ostream& out,
                  const engine::RuleSet& rules,
                  const std::vector<LintFinding>& lint = {},
                  bool warnings = true);
size_t write_json(std::ostream& out,
                  const engine::RuleSet& rules,
                  const std::vector<LintFinding>& lint = {});
size_t write_sarif(std::ostream& out,
                   const engine::RuleSet& rules,
                   const std::vector<LintFinding>& lint = {});

/// "N rules: N loaded, N refused" over the user's files, with degraded and never-firing ones told
/// apart on a line before.
void write_totals(std::ostream& out, const engine::RuleSet& rules);

/// The stages of each rule that `path_or_id` names: parsed, bound, optimized.
bool write_explanation(std::ostream& out, const engine::RuleSet& rules);

}  // namespace postern::check
