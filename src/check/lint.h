// What no parser sees in a rule: that it can never be true, that a value matches everything, that a
// field is not there, that another rule says the same.
//
//   sigma-never-true           parts of the condition exclude each other (a proof, see solver.h)
//   sigma-matches-everything   a value that its modifier makes hold for every text
//   sigma-unknown-field        a field that no table behind the log source has
//   sigma-equal-rules          two rules of one log source with the same condition
//   sigma-shadowed-rule        a rule that fires only where another one fires too
//
// Warnings and notes: such rules load all the same. Tests: tests/unit/check/lint_test.cc.
#pragma once
#include <vector>

#include "base/diagnostic.h"
#include "engine/rule_set.h"

namespace postern::check {

struct LintFinding {
  size_t file = 0;  ///< index into RuleSet::files()
  Diagnostic diagnostic;
};

/// Of the user's Sigma rules, in their order.
std::vector<LintFinding> lint(const engine::RuleSet& rules);

}  // namespace postern::check
