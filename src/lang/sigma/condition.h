// The condition: selections joined by `and`, `or`, `not`, `1 of`, `all of`.
//
//   condition := or-expression            a list of conditions is their disjunction
//   or        := and ("or" and)*          precedence: or < and < not < x of < ()
//   and       := not ("and" not)*
//   not       := "not" not | primary
//   primary   := "(" or ")" | ("1" | "any" | "all") "of" ("them" | pattern) | name
//
// A pattern has `*` anywhere; names that begin with `_` belong to neither `them` nor a pattern.
// What names no selection is an error, never an empty truth. Source: Sigma specification 2.1,
// "Condition". Tests: tests/unit/lang/sigma/condition_test.cc, tests/cases/sigma.
#pragma once
#include <string>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "plan/expr.h"

namespace postern::lang::sigma {

struct Selection {
  std::string name;
  Span span;                  ///< of its name
  plan::ExprPtr expr;         ///< null: it had errors
  bool used = false;          ///< set by the conditions
  bool used_plainly = false;  ///< somewhere not below a `not`
};

struct Condition {
  plan::ExprPtr expr;  ///< null once errors were added, or when a selection it uses had errors
  std::string text;    ///< names resolved, for `explain`: "sel and not (filter_a or filter_b)"
};

/// Reads a scalar condition against the selections of its rule.
Condition parse_condition(const adapt::YamlNode& node,
                          std::vector<Selection>& selections,
                          Diagnostics& diag);

}  // namespace postern::lang::sigma
