// Why a row passed a filter: the conditions that hold, with the value of the rule that matched.
//
// Done only for findings: columns are replaced by the row's values and each condition is evaluated
// as a constant, the plain way.
#include <algorithm>
#include <set>

#include "engine/file_worker.h"
#include "exec/evaluate.h"

namespace postern::engine {

using data::Column;
using data::Value;
using plan::Expr;
using plan::ExprPtr;

namespace {

/// A list with more values than this is told by its first value that holds only when cheap.
constexpr size_t kMaxValuesTried = 256;

class Explainer {
 public:
  Explainer(const plan::Branch& branch,
            const plan::Schema& schema,
            std::span<const Column> columns,
            uint32_t row)
      : branch_(branch), schema_(schema), columns_(columns), row_(row) {}

  bool holds(const ExprPtr& e) const {
    const Result<Value> v = exec::evaluate_constant(substituted(e), {});
    return v && !v->is_null() && v->type() == data::Type::kBool && v->as_bool();
  }

  void explain(const ExprPtr& e, std::vector<Reason>& out) {
    if (e->is_call("and") || e->is_call("or")) {
      for (const ExprPtr& a : e->args)
        if (e->is_call("and") || holds(a)) explain(a, out);
      return;
    }
    if (e->kind != Expr::Kind::kCall || e->is_call("not") || e->args.empty()) return;
    std::set<std::string> names;
    plan::collect_columns(e, names);
    if (names.empty() || names.size() > 2) return;
    Reason r;
    r.field = view_name(*names.begin());
    r.op = e->function && !e->function->symbol.empty() ? e->function->symbol : bare(e->name);
    if (e->args.size() >= 2) r.value = matching_value(e);
    out.push_back(std::move(r));
  }

 private:
  static std::string bare(const std::string& name) {
    const size_t dot = name.find('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
  }

  ExprPtr substituted(const ExprPtr& e) const {
    return plan::rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is_column()) return node;
      for (size_t i = 0; i < schema_.size(); ++i)
        if (schema_[i].name == node->name)
          return plan::literal(columns_[i].type() == data::Type::kNull || !columns_[i].valid(row_)
                                   ? Value::null(schema_[i].type)
                                   : columns_[i].value(row_));
      return node;
    });
  }

  // The name that the rule's vocabulary has for a native column.
  std::string view_name(const std::string& native) const {
    for (const plan::NamedExpr& c : branch_.columns)
      if (c.expr->is_column() && c.expr->name == native) return c.name;
    return native;
  }

  Value matching_value(const ExprPtr& e) const {
    if (e->args.size() == 2 || !e->function || !e->function->any_of)
      return e->args[1]->is_literal() ? e->args[1]->literal : Value();
    const size_t n = std::min(e->args.size(), kMaxValuesTried + 1);
    for (size_t i = 1; i < n; ++i) {
      if (!e->args[i]->is_literal()) continue;
      auto one = std::make_shared<Expr>(*e);
      one->args = {e->args[0], e->args[i]};
      if (holds(one)) return e->args[i]->literal;
    }
    return Value();
  }

  const plan::Branch& branch_;
  const plan::Schema& schema_;
  std::span<const Column> columns_;
  uint32_t row_;
};

}  // namespace

std::vector<Reason> explain(const plan::Branch& branch,
                            const plan::Schema& schema,
                            std::span<const Column> columns,
                            uint32_t row) {
  std::vector<Reason> out;
  if (branch.where) Explainer(branch, schema, columns, row).explain(branch.where, out);
  std::vector<Reason> unique;
  for (Reason& r : out)
    if (std::none_of(unique.begin(), unique.end(), [&](const Reason& u) {
          return u.field == r.field && u.op == r.op && u.value == r.value;
        }))
      unique.push_back(std::move(r));
  return unique;
}

}  // namespace postern::engine
