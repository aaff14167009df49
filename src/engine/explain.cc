#include "engine/explain.h"

#include <algorithm>
#include <set>
#include <string>

namespace postern::engine {

using data::Column;
using data::Value;
using plan::Expr;
using plan::ExprPtr;

namespace {

/// A list with more values than this is told by its first value that holds only when cheap.
constexpr size_t kMaxValuesTried = 256;

/// Programs that a branch keeps: a filter has few conditions, but a list many values.
constexpr size_t kMaxKept = 64;

std::string bare(const std::string& name) {
  const size_t dot = name.find('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

}  // namespace

/// Null where a function refuses its arguments.
Explanation::Program Explanation::program(const ExprPtr& e, size_t argument) const {
  const std::pair<const Expr*, size_t> key{e.get(), argument};
  const std::lock_guard lock(mutex_);
  if (const auto found = programs_.find(key); found != programs_.end()) return found->second;
  ExprPtr condition = e;
  if (argument > 0) {
    // Not a copy that is cut: a list may be long, and each of its values is tried.
    auto one = std::make_shared<Expr>();
    one->kind = e->kind;
    one->type = e->type;
    one->name = e->name;
    one->function = e->function;
    one->args = {e->args[0], e->args[argument]};
    condition = std::move(one);
  }
  auto compiled = exec::compile(condition, schema_);
  const Program p = compiled ? *compiled : nullptr;
  if (programs_.size() < kMaxKept) programs_.emplace(key, p);
  return p;
}

bool Explanation::holds(const ExprPtr& e, size_t argument, const Place& at) const {
  const Program p = program(e, argument);
  if (!p || p->type() != data::Type::kBool) return false;
  const Column c = p->evaluate(at.columns, data::Rows(&at.row, 1), at.num_rows, {});
  if (c.type() == data::Type::kNull || !c.valid(at.row)) return false;
  return c.value(at.row).as_bool();
}

void Explanation::explain(const ExprPtr& e, const Place& at, std::vector<Reason>& out) const {
  if (e->is_call("and") || e->is_call("or")) {
    for (const ExprPtr& a : e->args)
      if (e->is_call("and") || holds(a, 0, at)) explain(a, at, out);
    return;
  }
  if (e->kind != Expr::Kind::kCall || e->is_call("not") || e->args.empty()) return;
  std::set<std::string> names;
  plan::collect_columns(e, names);
  if (names.empty() || names.size() > 2) return;
  Reason r;
  r.field = view_name(*names.begin());
  r.op = e->function && !e->function->symbol.empty() ? e->function->symbol : bare(e->name);
  if (e->args.size() >= 2) r.value = matching_value(e, at);
  out.push_back(std::move(r));
}

/// The name that the rule's vocabulary has for a native column.
std::string Explanation::view_name(const std::string& native) const {
  for (const plan::NamedExpr& c : branch_.columns)
    if (c.expr->is_column() && c.expr->name == native) return c.name;
  return native;
}

Value Explanation::matching_value(const ExprPtr& e, const Place& at) const {
  if (e->args.size() == 2 || !e->function || !e->function->any_of)
    return e->args[1]->is_literal() ? e->args[1]->literal : Value();
  const size_t n = std::min(e->args.size(), kMaxValuesTried + 1);
  for (size_t i = 1; i < n; ++i)
    if (e->args[i]->is_literal() && holds(e, i, at)) return e->args[i]->literal;
  return Value();
}

std::vector<Reason> Explanation::of(std::span<const Column> columns,
                                    uint32_t row,
                                    uint32_t num_rows) const {
  std::vector<Reason> out;
  if (branch_.where) explain(branch_.where, {columns, row, num_rows}, out);
  std::vector<Reason> unique;
  for (Reason& r : out)
    if (std::none_of(unique.begin(), unique.end(), [&](const Reason& u) {
          return u.field == r.field && u.op == r.op && u.value == r.value;
        }))
      unique.push_back(std::move(r));
  return unique;
}

}  // namespace postern::engine
