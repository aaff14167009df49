// Statements, scopes, and the inlining of functions that a query defines.
#include "lang/kql/lower.h"

#include <algorithm>

#include "lang/kql/function_names.h"
#include "lang/kql/literal.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::OpPtr;

namespace {

/// Only filters above one scan.
bool only_filters(const plan::Op& op) {
  const plan::Op* at = &op;
  while (at->kind == plan::OpKind::kFilter)
    at = at->inputs[0].get();
  return at->kind == plan::OpKind::kScan;
}

}  // namespace

/// A let is lowered at each of its uses, so one fault may be met many times: it is told once.
std::nullptr_t Lowering::error(
    std::string code, Span at, std::string message, std::string label, std::string hint) {
  failed_ = true;
  if (told_.emplace(at.begin, code + message).second)
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
  return nullptr;
}

std::nullptr_t Lowering::unsupported(Span at, std::string message, std::string hint) {
  return error("kql-unsupported", at, std::move(message), "", std::move(hint));
}

void Lowering::warning(std::string code, Span at, std::string message, std::string hint) {
  if (told_.emplace(at.begin, code + message).second)
    diag_.warning(std::move(code), std::move(message), at, "", std::move(hint));
}

/// Counts one node of the plan; false once the query has grown beyond all bounds.
bool Lowering::budget(Span at) {
  if (depth_ > kMaxLoweredDepth) {
    error(
        "kql-too-deep", at,
        "nested more than " + std::to_string(kMaxLoweredDepth) + " deep once all lets are put in");
    return false;
  }
  if (too_large_) return false;
  if (++nodes_ <= kMaxLoweredNodes) return true;
  too_large_ = true;
  error("kql-too-large", at,
        "the query grows beyond " + std::to_string(kMaxLoweredNodes) +
            " nodes once all lets are put in");
  return false;
}

/// Scopes are a list that grows at its head; a let keeps the scope that it was written in.
const Scope* Lowering::extend(const Scope* outer, Binding binding) {
  scopes_.push_back({outer, std::move(binding)});
  return &scopes_.back();
}

const Binding* Lowering::find(const Scope* scope, std::string_view name) {
  for (; scope; scope = scope->outer)
    if (scope->binding.name == name) return &scope->binding;
  return nullptr;
}

/// Bound unlowered: what it means (rows, a value) depends on where it is used.
const Scope* Lowering::let(const Let& let, const Scope* scope) {
  Binding b;
  b.name = let.name;
  b.node = let.value;
  b.scope = scope;
  return extend(scope, std::move(b));
}

/// Parameters are literals in the plan: given values first, then defaults; computed defaults are
/// lets.
const Scope* Lowering::parameters(const Statement& s, const Scope* scope) {
  for (const QueryParameter& p : s.parameters) {
    Binding b;
    b.name = p.name;
    b.scope = scope;
    b.node = p.default_value;
    if (const auto given = options_.parameters.find(p.name); given != options_.parameters.end()) {
      std::optional<Value> v = convert_literal(given->second, p.type);
      if (!v) {
        error("kql-bad-parameter", p.span,
              "the value given for `" + p.name + "` is no " + std::string(data::type_name(p.type)) +
                  ": " + given->second.text());
        continue;
      }
      values_.push_back(std::move(*v));
      b.value = &values_.back();
    } else if (!p.default_value) {
      error("kql-missing-parameter", p.span, "no value is given for the parameter `" + p.name + "`",
            "", "set it, or give it a default");
      continue;
    } else if (p.default_value->kind == ExprKind::kLiteral) {
      std::optional<Value> v = convert_literal(p.default_value->value, p.type);
      if (!v) {
        error("kql-bad-parameter", p.default_value->span,
              "not a " + std::string(data::type_name(p.type)));
        continue;
      }
      values_.push_back(std::move(*v));
      b.value = &values_.back();
    }
    scope = extend(scope, std::move(b));
  }
  return scope;
}

/// Queries in the order of the text, each with the lets before it.
std::vector<LoweredQuery> Lowering::run() {
  std::vector<LoweredQuery> out;
  const Scope* scope = nullptr;
  std::set<std::string> names;
  for (const Statement& s : ast_.statements) {
    switch (s.kind) {
      case Statement::Kind::kLet:
        if (!names.insert(s.let.name).second)
          error("kql-duplicate-let", s.let.name_span, "`" + s.let.name + "` is defined twice");
        scope = let(s.let, scope);
        break;
      case Statement::Kind::kParameters:
        scope = parameters(s, scope);
        break;
      case Statement::Kind::kQuery: {
        failed_ = false;
        depends_on_run_ = false;
        LoweredQuery q;
        q.span = s.span;
        q.plan = table(*s.query, scope);
        if (!q.plan || failed_) break;
        q.is_event_filter = !depends_on_run_ && only_filters(*q.plan);
        out.push_back(std::move(q));
        break;
      }
    }
  }
  return out;
}

/// Whether an expression gives rows. A name that no let defines is a table where rows are wanted, a
/// column where a value is: here it is a value.
bool Lowering::is_tabular(const Expr& e, const Scope* scope, int depth) {
  if (depth > kMaxLoweredDepth) return false;
  switch (e.kind) {
    case ExprKind::kPipe:
    case ExprKind::kDatatable:
      return true;
    case ExprKind::kName: {
      const Binding* b = find(scope, e.name);
      if (!b || b->value) return false;
      if (b->rows) return true;
      if (!b->node) return false;
      if (b->node->kind == ExprKind::kName && !find(b->scope, b->node->name))
        return true;  // let T = Table
      return is_tabular(*b->node, b->scope, depth + 1);
    }
    case ExprKind::kLambda: {
      const Scope* inner = scope;
      for (const Parameter& p : e.parameters) {
        Binding b;
        b.name = p.name;
        b.node = p.default_value;
        b.scope = scope;
        if (p.tabular) b.rows = plan::scan("kql", p.name);
        inner = extend(inner, std::move(b));
      }
      for (const Let& l : e.lets)
        inner = let(l, inner);
      const Expr& body = *e.children[0];
      if (body.kind == ExprKind::kName && !find(inner, body.name))
        return true;  // view () { Table }
      return is_tabular(body, inner, depth + 1);
    }
    case ExprKind::kCall: {
      if (const Binding* b = find(scope, e.name))
        return b->node && is_tabular(*b->node, b->scope, depth + 1);
      if (e.name == "materialize" || e.name == "table") return true;
      return find_function(e.name).kind == FunctionKind::kUnknown && e.name.starts_with("_");
    }
    default:
      return false;
  }
}

/// The scope of a function's body: its definition's, its parameters bound to the call's arguments,
/// its lets. `piped` is the first argument of `T | invoke f(…)`.
const Scope* Lowering::enter(const Expr& lambda,
                             const Scope* definition,
                             const Expr& call,
                             const Scope* caller,
                             OpPtr piped) {
  const Scope* inner = definition;
  std::vector<const Expr*> given(lambda.parameters.size(), nullptr);
  const size_t first = piped ? 1 : 0;
  if (piped && lambda.parameters.empty())
    return error("kql-argument-count", call.span, "`" + call.name + "` takes no table");
  size_t next = first;
  for (size_t i = 0; i < call.children.size(); ++i) {
    size_t slot = next;
    if (!call.arg_names[i].empty()) {
      const auto p = std::find_if(lambda.parameters.begin(), lambda.parameters.end(),
                                  [&](const Parameter& x) { return x.name == call.arg_names[i]; });
      if (p == lambda.parameters.end())
        return error("kql-unknown-argument", call.children[i]->span,
                     "`" + call.name + "` has no parameter `" + call.arg_names[i] + "`");
      slot = static_cast<size_t>(p - lambda.parameters.begin());
    } else {
      ++next;
    }
    if (slot >= lambda.parameters.size())
      return error(
          "kql-argument-count", call.children[i]->span,
          "`" + call.name + "` takes " + std::to_string(lambda.parameters.size()) + " arguments");
    given[slot] = call.children[i];
  }
  for (size_t i = 0; i < lambda.parameters.size(); ++i) {
    const Parameter& p = lambda.parameters[i];
    Binding b;
    b.name = p.name;
    if (i == 0 && piped) {
      b.rows = piped;
    } else if (given[i]) {
      b.node = given[i];
      b.scope = caller;
    } else if (p.default_value) {
      b.node = p.default_value;
      b.scope = definition;
    } else {
      return error("kql-argument-count", call.span,
                   "`" + call.name + "` needs a value for `" + p.name + "`");
    }
    inner = extend(inner, std::move(b));
  }
  for (const Let& l : lambda.lets)
    inner = let(l, inner);
  // A function without parameters and lets still needs a scope of its own: null would mean failure.
  if (!inner) inner = extend(nullptr, Binding{});
  return inner;
}

/// The rows of a function or let of the query, by its body with the arguments in place.
OpPtr Lowering::user_table(const Expr& call,
                           const Binding& function,
                           const Scope* caller,
                           OpPtr piped) {
  if (!function.node)
    return error("kql-not-a-table", call.span, "`" + call.name + "` is no function");
  if (function.node->kind != ExprKind::kLambda) {
    if (call.children.empty() && !piped) return table(*function.node, function.scope);
    return error("kql-not-a-function", call.span, "`" + call.name + "` is no function");
  }
  const Scope* inner = enter(*function.node, function.scope, call, caller, std::move(piped));
  return inner ? table(*function.node->children[0], inner) : nullptr;
}

std::string Lowering::hidden_name(std::string_view what) {
  return "__" + std::string(what) + std::to_string(++hidden_);
}

std::vector<LoweredQuery> lower(const Ast& ast, const ReadOptions& options, Diagnostics& diag) {
  return Lowering(ast, options, diag).run();
}

}  // namespace postern::lang::kql
