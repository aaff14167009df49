// Binding of scalar expressions: columns, functions, types, constant folding.
#include <algorithm>

#include "base/text.h"
#include "plan/binder.h"

namespace postern::plan {

using data::Type;
using data::Value;

void Binder::error(
    std::string c, std::string message, Span at, std::string label, std::string hint) {
  failed_ = true;
  diag_.error(std::move(c), std::move(message), at, std::move(label), std::move(hint));
}

void Binder::degrade(
    std::string c, std::string message, Span at, std::string label, std::string hint) {
  if (context_.strict)
    return error(std::move(c), std::move(message), at, std::move(label), std::move(hint));
  report_.degraded = true;
  diag_.warning(std::move(c), std::move(message), at, std::move(label), std::move(hint));
}

ExprPtr Binder::bind(const ExprPtr& e, const Schema& schema) {
  if (!e) return nullptr;
  switch (e->kind) {
    case Expr::Kind::kLiteral:
      return e;
    case Expr::Kind::kColumn:
      return bind_column(e, schema);
    case Expr::Kind::kCall:
      return bind_call(e, schema);
  }
  return nullptr;
}

// An unknown column of a strict vocabulary is taken to have the type that the same name has
// elsewhere.
Type Binder::guess_type(const std::string& column) const {
  const auto v = context_.catalog.vocabularies().find(rule_.vocabulary);
  if (v == context_.catalog.vocabularies().end()) return Type::kDynamic;
  for (const VocabularyTable& t : v->second.tables)
    if (const FieldDef* f = t.find(column)) return f->type;
  return Type::kDynamic;
}

ExprPtr Binder::bind_column(const ExprPtr& e, const Schema& schema) {
  if (e->name == kFirstColumn && !schema.empty())
    return bind_column(column(schema[0].name, e->span), schema);
  if (const ColumnInfo* c = find_column(schema, e->name)) {
    if (e->type == c->type) return e;
    auto copy = std::make_shared<Expr>(*e);
    copy->type = c->type;
    return copy;
  }
  if (open_) return literal(Value::null(Type::kString), e->span);
  std::vector<std::string_view> names;
  for (const ColumnInfo& c : schema)
    names.push_back(c.name);
  std::string near = nearest_name(e->name, names);
  // A published rule often drops the prefix of a column: AccountName for
  // InitiatingProcessAccountName.
  if (near.empty())
    for (const std::string_view n : names)
      if (near.empty() && n.size() > e->name.size() && ends_with_ignore_case(n, e->name))
        near = std::string(n);
  const Type guessed = guess_type(e->name);
  if (told_.insert(e->name).second)
    degrade(code("unknown-column"), "unknown column: " + e->name, e->span,
            "not a column of this table",
            near.empty() ? "its value is taken as null" : "did you mean `" + near + "`?");
  return failed_ && context_.strict ? nullptr : literal(Value::null(guessed), e->span);
}

bool depends_on_run(const Expr& e) {
  if (e.kind == Expr::Kind::kCall && e.function && !e.function->deterministic) return true;
  return std::any_of(e.args.begin(), e.args.end(),
                     [](const ExprPtr& a) { return depends_on_run(*a); });
}

ExprPtr Binder::fold(const std::shared_ptr<Expr>& e) {
  for (const ExprPtr& a : e->args)
    if (!a->is_literal()) return e;
  if (e->args.empty() || !e->function || !e->function->deterministic) return e;
  Result<Value> v = context_.evaluate(e, RunContext{});
  if (!v) {
    error(code("bad-argument"), v.error().message, e->span);
    return nullptr;
  }
  ExprPtr folded = literal(*v, e->span);
  if (folded->type != e->type && v->is_null()) folded = literal(Value::null(e->type), e->span);
  return folded;
}

ExprPtr Binder::bind_call(const ExprPtr& e, const Schema& schema) {
  const FunctionDef* f = context_.functions.function(e->name);
  if (!f) {
    if (const ExprPtr stands_for = special_form(*e, schema)) return bind(stands_for, schema);
    if (failed_) return nullptr;
    const size_t dot = e->name.find('.');
    const std::string bare = dot == std::string::npos ? e->name : e->name.substr(dot + 1);
    const std::string prefix = dot == std::string::npos ? "" : e->name.substr(0, dot + 1);
    std::vector<std::string_view> names = context_.functions.function_names(prefix);
    for (std::string_view& n : names)
      n.remove_prefix(prefix.size());
    const std::string near = nearest_name(bare, names);
    error(code("unknown-function"), "unknown function: " + bare, e->span, "",
          near.empty() ? "" : "did you mean `" + near + "`?");
    return nullptr;
  }
  auto out = std::make_shared<Expr>(*e);
  out->function = f;
  std::vector<Type> types;
  std::vector<const Value*> constants;
  types.reserve(out->args.size());
  constants.reserve(out->args.size());
  bool ok = true;
  for (ExprPtr& a : out->args) {
    a = bind(a, schema);
    ok = ok && a;
    if (!a) continue;
    types.push_back(a->type);
    constants.push_back(a->is_literal() ? &a->literal : nullptr);
  }
  if (!ok) return nullptr;
  const auto n = static_cast<int>(out->args.size());
  if (n < f->min_args || (f->max_args >= 0 && n > f->max_args)) {
    error(code("argument-count"),
          "`" + to_text(*e).substr(0, to_text(*e).find('(')) + "` takes " +
              (f->max_args == f->min_args ? std::to_string(f->min_args)
               : f->max_args < 0
                   ? "at least " + std::to_string(f->min_args)
                   : std::to_string(f->min_args) + " to " + std::to_string(f->max_args)) +
              " arguments, not " + std::to_string(n),
          e->span);
    return nullptr;
  }
  const Typing t = f->typing({types, constants});
  if (!t.error.empty()) {
    if (t.coercible)
      degrade(code("type-mismatch"), t.error, e->span, "", "compared by the text of the number");
    else
      error(code("type-mismatch"), t.error, e->span);
    if (!t.coercible || (context_.strict && failed_)) return nullptr;
  }
  out->type = t.type;
  // A regex that does not compile is told with its place, wherever the call ends up. Lists of Sigma
  // are large, and its front end has checked them.
  const bool constant = std::any_of(constants.begin(), constants.end(), [](auto* c) { return c; });
  if (f->prepare && constant && rule_.info.language != "sigma") {
    const Result<std::shared_ptr<const void>> prepared = f->prepare(constants, types);
    if (!prepared) {
      error(code("bad-argument"), prepared.error().message, e->span);
      return nullptr;
    }
  }
  return fold(out);
}

}  // namespace postern::plan
