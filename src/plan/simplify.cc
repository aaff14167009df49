#include "plan/simplify.h"

#include <utility>

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

// Folding keeps three-valued logic: a null literal under `and` is no false, for `not` may be above
// it.
ExprPtr fold_junction(const ExprPtr& e, bool conjunctive) {
  std::vector<ExprPtr> terms;
  for (const ExprPtr& a : e->args) {
    if (conjunctive ? is_true(*a) : (is_false(*a) && !a->literal.is_null())) continue;
    if (conjunctive ? (is_false(*a) && !a->literal.is_null()) : is_true(*a))
      return literal(Value::boolean(!conjunctive), e->span);
    if (a->is_call(e->name))
      terms.insert(terms.end(), a->args.begin(), a->args.end());
    else
      terms.push_back(a);
  }
  if (terms.size() == 1) return terms[0];
  if (terms.empty()) return literal(Value::boolean(conjunctive), e->span);
  if (terms.size() == e->args.size()) return e;
  auto copy = std::make_shared<Expr>(*e);
  copy->args = std::move(terms);
  return copy;
}

}  // namespace

ExprPtr simplify(const ExprPtr& root, const BindContext& context) {
  if (!context.simplify) return root;
  ExprPtr out = rewrite(root, [&](const ExprPtr& e) -> ExprPtr {
    if (e->kind != Expr::Kind::kCall) return e;
    if (e->name == "and" || e->name == "or") return fold_junction(e, e->name == "and");
    if (e->name == "not" && e->args[0]->is_literal()) {
      const Value& v = e->args[0]->literal;
      return v.is_null() ? literal(Value::null(Type::kBool), e->span)
                         : literal(Value::boolean(!v.as_bool()), e->span);
    }
    if (e->name == "not" && e->args[0]->is_call("not")) return e->args[0]->args[0];
    if (e->args.empty() || !e->function || !e->function->deterministic) return e;
    for (const ExprPtr& a : e->args)
      if (!a->is_literal()) return e;
    const Result<Value> v = context.evaluate(e, RunContext{});
    if (!v) return e;
    return v->is_null() ? literal(Value::null(e->type), e->span) : literal(*v, e->span);
  });
  // At the top of a filter null counts as false; so does a null conjunct.
  if (out->is_call("and"))
    for (const ExprPtr& a : out->args)
      if (is_false(*a)) return literal(Value::boolean(false), out->span);
  if (is_false(*out)) return literal(Value::boolean(false), out->span);
  return out;
}

}  // namespace postern::plan
