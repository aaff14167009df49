// Algebra on bound boolean expressions: literals folded, double negation removed, nested and/or
// flattened.
#pragma once
#include "plan/bind.h"

namespace postern::plan {

/// An equivalent expression for use as a filter (null and false are the same at the top).
ExprPtr simplify(const ExprPtr& e, const BindContext& context);

inline bool is_false(const Expr& e) {
  return e.is_literal() &&
         (e.literal.is_null() || (e.type == data::Type::kBool && !e.literal.as_bool()));
}

inline bool is_true(const Expr& e) {
  return e.is_literal() && e.type == data::Type::kBool && !e.literal.is_null() &&
         e.literal.as_bool();
}

}  // namespace postern::plan
