// Binding of windows: keys, step and value columns, and the output's columns.
//
// Output: the keys, the carried columns, the value that was compared, and the window's two ends.
#include "base/check.h"
#include "plan/binder.h"

namespace postern::plan {

using data::Type;

OpPtr Binder::bind_time_window(const Op& op, OpPtr input) {
  POSTERN_CHECK(op.window && op.window->length > 0);
  auto out = std::make_shared<Op>(op);
  bool ok = true;
  auto bind_all = [&](std::vector<NamedExpr>& items) {
    for (NamedExpr& i : items) {
      if (i.name.empty() && i.expr->is_column()) i.name = i.expr->name;
      i.expr = bind(i.expr, input->schema);
      ok = ok && i.expr;
    }
  };
  bind_all(out->keys);
  bind_all(out->items);
  if (!ok) return nullptr;
  for (const NamedExpr& k : out->keys)
    out->schema.push_back({k.name, k.expr->type == Type::kNull ? Type::kString : k.expr->type});
  for (const std::string& name : op.window->carried) {
    const ColumnInfo* c = find_column(input->schema, name);
    out->schema.push_back({name, c ? c->type : Type::kString});
  }
  const WindowKind kind = op.window->kind;
  const bool real =
      kind == WindowKind::kSum || kind == WindowKind::kAverage || kind == WindowKind::kPercentile;
  out->schema.push_back({op.window->name, real ? Type::kReal : Type::kLong});
  out->schema.push_back({kWindowFrom, Type::kDatetime});
  out->schema.push_back({kWindowTo, Type::kDatetime});
  out->inputs = {std::move(input)};
  return out;
}

}  // namespace postern::plan
