// Scalars: names, operators, calls.
#include <algorithm>

#include "data/dynamic.h"
#include "lang/kql/function_names.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Dynamic;
using data::Type;
using data::Value;
using plan::ExprPtr;

namespace {

/// A member of a dynamic array as a literal of its own type.
Value member_value(Dynamic d) {
  switch (d.kind()) {
    case Dynamic::Kind::kString:
      return Value::string(std::string(d.as_string()));
    case Dynamic::Kind::kLong:
      return Value::integer(d.as_long());
    case Dynamic::Kind::kReal:
      return Value::real(d.as_real());
    case Dynamic::Kind::kDatetime:
      return Value::datetime(d.as_long());
    case Dynamic::Kind::kTimespan:
      return Value::timespan(d.as_long());
    case Dynamic::Kind::kFalse:
    case Dynamic::Kind::kTrue:
      return Value::boolean(d.as_bool());
    default:
      return Value::dynamic(std::string(d.encoded()));
  }
}

bool is_dynamic_array(const plan::Expr& e) {
  return e.is_literal() && e.literal.type() == Type::kDynamic && !e.literal.is_null() &&
         Dynamic(e.literal.as_bytes()).is_array();
}

class Deeper {
 public:
  explicit Deeper(int& depth) : depth_(depth) { ++depth_; }

  ~Deeper() { --depth_; }

  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  int& depth_;
};

}  // namespace

/// An expression over the rows of `row`. Queries inside of it put joins under those rows (see
/// RowContext), so the input must be taken from `row` after, not before, lowering.
ExprPtr Lowering::scalar(const Expr& e, const Scope* scope, RowContext& row) {
  const Deeper deeper(depth_);
  if (!budget(e.span)) return nullptr;
  const auto child = [&](size_t i) { return scalar(*e.children[i], scope, row); };
  switch (e.kind) {
    case ExprKind::kLiteral:
      return plan::literal(e.value, e.span);
    case ExprKind::kName:
      return scalar_name(e, scope, row);
    case ExprKind::kCall:
      return call(e, scope, row);
    case ExprKind::kBinary:
      return binary(e, scope, row);
    case ExprKind::kIn:
      return in(e, scope, row);
    case ExprKind::kNegate: {
      ExprPtr x = child(0);
      return x ? plan::call("kql.neg", {x}, e.span) : nullptr;
    }
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kBetween: {
      std::vector<ExprPtr> terms;
      for (size_t i = 0; i < e.children.size(); ++i)
        terms.push_back(child(i));
      if (std::find(terms.begin(), terms.end(), nullptr) != terms.end()) return nullptr;
      if (e.kind == ExprKind::kAnd) return plan::conjunction(std::move(terms), e.span);
      if (e.kind == ExprKind::kOr) return plan::disjunction(std::move(terms), e.span);
      return plan::call(e.name, std::move(terms), e.span);
    }
    case ExprKind::kMember: {
      ExprPtr base = child(0);
      return base ? plan::call("kql.at", {base, plan::literal(Value::string(e.name), e.name_span)},
                               e.span)
                  : nullptr;
    }
    case ExprKind::kIndex: {
      ExprPtr base = child(0);
      ExprPtr key = child(1);
      return base && key ? plan::call("kql.at", {base, key}, e.span) : nullptr;
    }
    case ExprKind::kStar:
      return error("kql-syntax", e.span, "`*` cannot stand here");
    case ExprKind::kTypeof:
      return error("kql-syntax", e.span, "`typeof` cannot stand here");
    case ExprKind::kPipe:
    case ExprKind::kDatatable:
    case ExprKind::kLambda:
      return error("kql-not-a-value", e.span, "a table where a value is needed", "",
                   "wrap the query in toscalar(...)");
  }
  return nullptr;
}

namespace {

/// Whether the query itself gives its rows a column of this name. Columns of tables are not asked.
bool introduces(const plan::Op& op, const std::string& name) {
  const auto named = [&](const auto& list) {
    return std::any_of(list.begin(), list.end(), [&](const auto& x) { return x.name == name; });
  };
  const auto inside = [&] {
    return std::any_of(op.inputs.begin(), op.inputs.end(),
                       [&](const plan::OpPtr& i) { return introduces(*i, name); });
  };
  switch (op.kind) {
    case plan::OpKind::kProject:
      return named(op.items);
    case plan::OpKind::kAggregate:
      return named(op.keys) || named(op.aggregates);
    case plan::OpKind::kValues:
      return named(op.schema);
    case plan::OpKind::kExtend:
      return named(op.items) || inside();
    case plan::OpKind::kExpand:
    case plan::OpKind::kApply:
      return std::find(op.item_names.begin(), op.item_names.end(), name) != op.item_names.end() ||
             inside();
    case plan::OpKind::kSelect: {
      const auto at = std::find(op.patterns.begin(), op.patterns.end(), name);
      if (op.mode == plan::SelectMode::kRename && at != op.patterns.end())
        return (at - op.patterns.begin()) % 2 == 1;
      if (op.mode == plan::SelectMode::kAway && at != op.patterns.end()) return false;
      return inside();
    }
    default:
      return inside();
  }
}

}  // namespace

/// A column that the query made, a let, a parameter, or else a column: unknown names are the
/// binder's business.
ExprPtr Lowering::scalar_name(const Expr& e, const Scope* scope, RowContext& row) {
  const Binding* b = find(scope, e.name);
  if (!b || (row.input && introduces(*row.input, e.name))) return plan::column(e.name, e.span);
  if (b->value) return plan::literal(*b->value, e.span);
  // Where a value is needed, a table or a function of that name is not meant, but a column is.
  if (b->rows || !b->node || is_tabular(*b->node, b->scope)) return plan::column(e.name, e.span);
  if (b->node->kind == ExprKind::kLambda) {
    if (!b->node->parameters.empty()) return plan::column(e.name, e.span);
    // A function without parameters may be called by its bare name.
    const Scope* inner = enter(*b->node, b->scope, e, scope, nullptr);
    return inner ? scalar(*b->node->children[0], inner, row) : nullptr;
  }
  return scalar(*b->node, b->scope, row);
}

ExprPtr Lowering::binary(const Expr& e, const Scope* scope, RowContext& row) {
  if (e.children[0]->kind == ExprKind::kStar) return any_column(e, scope, row);
  ExprPtr left = scalar(*e.children[0], scope, row);
  ExprPtr right = scalar(*e.children[1], scope, row);
  return left && right ? plan::call(e.name, {left, right}, e.span) : nullptr;
}

/// `* has "x"`: one of all columns, which the binder puts in.
ExprPtr Lowering::any_column(const Expr& e, const Scope* scope, RowContext& row) {
  // None of the columns: the negated operator denies the whole.
  std::string f = e.name;
  const bool negated = f.starts_with("kql.not_") || f == "kql.ne_ci" || f == "kql.ne";
  if (negated) f = f == "kql.ne_ci" ? "kql.eq_ci" : f == "kql.ne" ? "kql.eq" : "kql." + f.substr(8);
  const bool text_operator = f.starts_with("kql.has") || f.starts_with("kql.contains") ||
                             f.starts_with("kql.startswith") || f.starts_with("kql.endswith") ||
                             f == "kql.eq_ci" || f == "kql.matches_regex" || f == "kql.eq";
  if (!text_operator) return error("kql-syntax", e.span, "`*` cannot stand before this operator");
  ExprPtr right = scalar(*e.children[1], scope, row);
  if (!right || !row.input) return nullptr;
  ExprPtr any =
      plan::call("kql.any_column", {plan::literal(Value::string(f), e.name_span), right}, e.span);
  return negated ? plan::negation(std::move(any)) : any;
}

ExprPtr Lowering::call(const Expr& e, const Scope* scope, RowContext& row) {
  if (const Binding* b = find(scope, e.name); b && b->node) {
    if (b->node->kind != ExprKind::kLambda)
      return error("kql-not-a-function", e.name_span, "`" + e.name + "` is no function");
    const Scope* inner = enter(*b->node, b->scope, e, scope, nullptr);
    return inner ? scalar(*b->node->children[0], inner, row) : nullptr;
  }
  const FunctionName f = find_function(e.name);
  switch (f.kind) {
    case FunctionKind::kScalar:
      return builtin(e, f.plan_name, scope, row);
    case FunctionKind::kUnsupported:
      return unsupported(e.name_span, "the function `" + e.name + "` is not supported");
    case FunctionKind::kAggregate: {
      if (!row.aggregates)
        return error("kql-aggregate-here", e.name_span,
                     "`" + e.name + "` is an aggregate: it belongs into `summarize`");
      std::vector<plan::AggregateItem> items = aggregate_call(e, scope, row);
      if (items.empty()) return nullptr;
      if (items.size() > 1 || items[0].star)
        return error("kql-syntax", e.span,
                     "`" + e.name + "` with several results cannot stand inside an expression");
      items[0].name = hidden_name("agg");
      row.aggregates->push_back(items[0]);
      return plan::column(items[0].name, e.span);
    }
    case FunctionKind::kUnknown:
      break;
  }
  if (e.name == "materialize")
    return error("kql-not-a-value", e.span, "a table where a value is needed", "",
                 "wrap the query in toscalar(...)");
  // The binder knows all functions, and the nearest name.
  return builtin(e, "kql." + e.name, scope, row);
}

ExprPtr Lowering::builtin(const Expr& e,
                          std::string_view plan_name,
                          const Scope* scope,
                          RowContext& row) {
  if (plan_name == "toscalar") return to_scalar(e, scope, row);
  if (plan_name == "kql.now" || plan_name == "kql.ago") depends_on_run_ = true;
  std::vector<ExprPtr> args;
  Type result = Type::kNull;
  for (size_t i = 0; i < e.children.size(); ++i) {
    const Expr& arg = *e.children[i];
    if (!e.arg_names[i].empty())
      warning("kql-argument-name", arg.span,
              "the name `" + e.arg_names[i] + "` of this argument is ignored",
              "arguments of built-in functions go by position");
    if (arg.kind == ExprKind::kTypeof && i + 1 == e.children.size() && i > 0) {
      result = arg.type;
      continue;
    }
    ExprPtr x = scalar(arg, scope, row);
    if (!x) return nullptr;
    args.push_back(std::move(x));
  }
  if (is_window_function(plan_name)) return window_call(e, plan_name, std::move(args), row);
  if (plan_name == "kql.replace") {
    // replace(regex, rewrite, source) is the old form of replace_regex(source, regex, rewrite).
    if (args.size() == 3) std::rotate(args.begin(), args.begin() + 2, args.end());
    plan_name = "kql.replace_regex";
  }
  if (plan_name == "not" && args.size() == 1) return plan::call("not", std::move(args), e.span);
  ExprPtr out = plan::call(std::string(plan_name), std::move(args), e.span);
  return result == Type::kNull ? out : typed_result(e, std::move(out), result);
}

/// extract(…, typeof(long)): the text as a value of that type, null where it is none.
ExprPtr Lowering::typed_result(const Expr& e, ExprPtr value, Type type) {
  if (type == Type::kString) return value;
  const std::string f =
      type == Type::kDynamic ? "parse_json" : "to" + std::string(data::type_name(type));
  return plan::call("kql." + f, {std::move(value)}, e.span);
}

/// `x in (a, b, list)`, or over a query.
ExprPtr Lowering::in(const Expr& e, const Scope* scope, RowContext& row) {
  if (e.children.size() == 2 && is_tabular(*e.children[1], scope)) {
    if (e.name != "kql.has_any" && e.name != "kql.has_all") return in_query(e, scope, row);
    ExprPtr x = scalar(*e.children[0], scope, row);
    ExprPtr terms = x ? scalar_query(*e.children[1], scope, row, true) : nullptr;
    return terms ? plan::call(e.name, {x, terms}, e.span) : nullptr;
  }
  std::vector<ExprPtr> args;
  for (const Expr* child : e.children) {
    ExprPtr x = scalar(*child, scope, row);
    if (!x) return nullptr;
    if (args.empty() || !is_dynamic_array(*x)) {
      args.push_back(std::move(x));
      continue;
    }
    // A constant array stands for its members, so that the plan shows (and indexes) the values.
    const Dynamic array(x->literal.as_bytes());
    for (uint32_t i = 0; i < array.size(); ++i) {
      if (!budget(e.span)) return nullptr;
      args.push_back(plan::literal(member_value(array.at(i)), x->span));
    }
  }
  return plan::call(e.name, std::move(args), e.span);
}

}  // namespace postern::lang::kql
