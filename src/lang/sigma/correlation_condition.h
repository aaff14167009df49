// Conditions of correlations: bounds of a number, or an expression over rule names.
//
// An expression is kept as the ways in which it can hold (disjunctive normal form): which rules
// must be seen, which must not. Tests: tests/cases/sigma/correlation_condition_*.case.
#pragma once
#include <string>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "plan/rule.h"
#include "plan/window.h"

namespace postern::lang::sigma {

/// More ways than this are refused.
inline constexpr size_t kMaxTerms = 1024;

/// `{gte: 10, lt: 20}`: entries of other names are left to the caller. False once errors were
/// added.
bool read_bounds(const adapt::YamlNode& node,
                 std::vector<plan::WindowBound>& bounds,
                 Diagnostics& diag);

/// Rules that an expression names, in order of appearance, each once.
std::vector<plan::RuleReference> rules_in(const adapt::YamlNode& node);

/// An expression over `rules`; steps of the terms are their indices, ascending. Empty once errors
/// were added.
std::vector<plan::WindowTerm> read_expression(const adapt::YamlNode& node,
                                              const std::vector<plan::RuleReference>& rules,
                                              Diagnostics& diag);

/// All ways to choose `count` of `num_steps` steps; none when there are more than kMaxTerms.
std::vector<plan::WindowTerm> choose(size_t num_steps, size_t count);

/// Whether a whole number above 0 passes all bounds: a window is never empty.
bool can_hold(const std::vector<plan::WindowBound>& bounds);

}  // namespace postern::lang::sigma
