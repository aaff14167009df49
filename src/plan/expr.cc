#include "plan/expr.h"

#include <functional>
#include <utility>

#include "base/check.h"

namespace postern::plan {

using data::Type;
using data::Value;

ExprPtr literal(Value v, Span span) {
  auto e = std::make_shared<Expr>();
  e->kind = Expr::Kind::kLiteral;
  e->span = span;
  e->type = v.type();
  e->literal = std::move(v);
  return e;
}

ExprPtr column(std::string name, Span span) {
  auto e = std::make_shared<Expr>();
  e->kind = Expr::Kind::kColumn;
  e->span = span;
  e->name = std::move(name);
  return e;
}

ExprPtr call(std::string function, std::vector<ExprPtr> args, Span span) {
  auto e = std::make_shared<Expr>();
  e->kind = Expr::Kind::kCall;
  e->span = span;
  e->name = std::move(function);
  e->args = std::move(args);
  return e;
}

namespace {

ExprPtr combine(std::string_view name, bool empty_value, std::vector<ExprPtr> terms, Span span) {
  std::vector<ExprPtr> flat;
  for (ExprPtr& t : terms) {
    if (t->is_call(name))
      flat.insert(flat.end(), t->args.begin(), t->args.end());
    else
      flat.push_back(std::move(t));
  }
  if (flat.empty()) return literal(Value::boolean(empty_value), span);
  if (flat.size() == 1) return flat.front();
  return call(std::string(name), std::move(flat), span);
}

void mix(size_t& seed, size_t h) {
  seed ^= h + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2);
}

}  // namespace

ExprPtr conjunction(std::vector<ExprPtr> terms, Span span) {
  return combine("and", true, std::move(terms), span);
}

ExprPtr disjunction(std::vector<ExprPtr> terms, Span span) {
  return combine("or", false, std::move(terms), span);
}

ExprPtr negation(ExprPtr e) {
  const Span span = e->span;
  return call("not", {std::move(e)}, span);
}

std::vector<ExprPtr> conjuncts(const ExprPtr& e) {
  if (e->is_call("and")) {
    std::vector<ExprPtr> out;
    for (const ExprPtr& a : e->args) {
      std::vector<ExprPtr> inner = conjuncts(a);
      out.insert(out.end(), inner.begin(), inner.end());
    }
    return out;
  }
  return {e};
}

void collect_columns(const ExprPtr& e, std::set<std::string>& out) {
  if (!e) return;
  if (e->is_column()) out.insert(e->name);
  // Names its column in a text.
  if (e->is_call("kql.column_ifexists") && !e->args.empty() && e->args[0]->is_literal() &&
      e->args[0]->literal.type() == data::Type::kString)
    out.insert(e->args[0]->literal.as_bytes());
  for (const ExprPtr& a : e->args)
    collect_columns(a, out);
}

ExprPtr rewrite(const ExprPtr& e, const std::function<ExprPtr(const ExprPtr&)>& f) {
  // Mostly nothing changes: then nothing is copied either.
  std::shared_ptr<Expr> copy;
  for (size_t i = 0; i < e->args.size(); ++i) {
    ExprPtr a = rewrite(e->args[i], f);
    if (a == e->args[i]) continue;
    if (!copy) copy = std::make_shared<Expr>(*e);
    copy->args[i] = std::move(a);
  }
  return f(copy ? ExprPtr(std::move(copy)) : e);
}

bool same(const Expr& a, const Expr& b) {
  if (a.kind != b.kind || a.name != b.name || a.args.size() != b.args.size()) return false;
  if (a.kind == Expr::Kind::kLiteral && !(a.literal == b.literal && a.type == b.type)) return false;
  for (size_t i = 0; i < a.args.size(); ++i)
    if (!same(*a.args[i], *b.args[i])) return false;
  return true;
}

size_t hash(const Expr& e) {
  size_t h = static_cast<size_t>(e.kind) * 31 + std::hash<std::string>{}(e.name);
  if (e.is_literal()) {
    mix(h, static_cast<size_t>(e.type));
    mix(h, std::hash<std::string>{}(e.literal.as_bytes()));
    mix(h, std::hash<int64_t>{}(e.literal.as_int()));
    mix(h, std::hash<double>{}(e.literal.as_real()));
  }
  for (const ExprPtr& a : e.args)
    mix(h, hash(*a));
  return h;
}

}  // namespace postern::plan
