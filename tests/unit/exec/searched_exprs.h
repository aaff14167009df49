// Bound expressions over text columns, for tests of the gates.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "exec/functions/functions.h"
#include "plan/expr.h"

namespace postern::exec {

/// A test by one of all functions.
inline plan::ExprPtr bound(const std::string& name, std::vector<plan::ExprPtr> args) {
  auto e = std::make_shared<plan::Expr>(*plan::call(name, std::move(args)));
  e->function = all_functions().function(name);
  e->type = data::Type::kBool;
  return e;
}

/// A text, or `_values`.
inline plan::ExprPtr column(std::string_view name) {
  auto e = std::make_shared<plan::Expr>(*plan::column(std::string(name)));
  e->type = name == data::kValuesColumn ? data::Type::kDynamic : data::Type::kString;
  return e;
}

}  // namespace postern::exec
