// Syntax tree to unbound plan.
//
// Lets, lambdas and views are substituted where they are used, each with the scope of its
// definition; `materialize` and `as` change nothing. Queries inside expressions become joins: `x in
// (Q)` a semi or anti join (or, inside a larger condition, an outer join with a mark),
// `toscalar(Q)` an outer join on a constant. What cannot be kept in full is refused with
// `kql-unsupported`. Source: Kusto documentation; result names as the official analyzer gives them.
// Tests: tests/unit/lang/kql/lower_test.cc.
#pragma once
#include <vector>

#include "lang/kql/ast.h"
#include "lang/kql/kql.h"
#include "plan/op.h"

namespace postern::lang::kql {

struct LoweredQuery {
  plan::OpPtr plan;
  Span span;
  /// Only filters over one table, none of which depends on the time of the run.
  bool is_event_filter = false;
};

/// The query statements of a text, in order; those that fail are left out, with errors in `diag`.
std::vector<LoweredQuery> lower(const Ast& ast, const ReadOptions& options, Diagnostics& diag);

}  // namespace postern::lang::kql
