// Expressions of `eval` and `where` as calls of `spl.*` functions; and/or/not are the shared ones.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "lang/spl/eval_functions.h"
#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::ExprPtr;

namespace {

using Op = EvalExpr::Op;

bool gives_condition(const EvalExpr& e) {
  switch (e.kind) {
    case EvalExpr::Kind::kNot:
      return true;
    case EvalExpr::Kind::kBinary:
      return e.op <= Op::kLike;
    case EvalExpr::Kind::kCall: {
      const EvalFunction* f = eval_function(e.text);
      return f && f->gives == EvalFunction::Gives::kCondition;
    }
    default:
      return false;
  }
}

// Calls whose branches may be conditions: if(a, true(), b==c).
bool may_give_condition(const EvalExpr& e) {
  return e.kind == EvalExpr::Kind::kCall &&
         (e.text == "if" || e.text == "case" || e.text == "coalesce" || e.text == "null" ||
          e.text == "validate");
}

void fields_of(const EvalExpr& e, std::set<std::string>& out) {
  if (e.kind == EvalExpr::Kind::kField) out.insert(e.text);
  for (const EvalPtr& a : e.args)
    fields_of(*a, out);
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// The text form that parse_expr_text reads back, with full function names; `field` becomes
/// `member`.
std::string member_text(const plan::Expr& e, const std::string& field) {
  switch (e.kind) {
    case plan::Expr::Kind::kColumn:
      return e.name == field ? "member" : "['" + e.name + "']";
    case plan::Expr::Kind::kLiteral:
      if (e.literal.is_null()) return "null";
      if (e.literal.type() == data::Type::kString) return quoted(e.literal.as_bytes());
      return e.literal.text();
    case plan::Expr::Kind::kCall:
      break;
  }
  std::string out;
  if (e.name == "and" || e.name == "or") {
    for (const ExprPtr& a : e.args)
      out += (out.empty() ? "(" : " " + e.name + " ") + member_text(*a, field);
    return out + ")";
  }
  for (const ExprPtr& a : e.args)
    out += (out.empty() ? "" : ", ") + member_text(*a, field);
  return e.name + "(" + out + ")";
}

}  // namespace

bool Lowering::where(const WhereCommand& c, Rows& rows, Span at) {
  rows_ = &rows;
  ExprPtr e = truth(*c.condition);
  if (!e) return false;
  if (rows.open) {
    std::set<std::string> names;
    fields_of(*c.condition, names);
    for (const std::string& n : names)
      rows.add(n);
  }
  rows.op = plan::filter(rows.op, std::move(e), at);
  return true;
}

bool Lowering::eval(const EvalCommand& c, Rows& rows, Span at) {
  rows_ = &rows;
  // Assignments go left to right; those that do not read one another share an operator.
  std::vector<plan::NamedExpr> batch;
  for (const Assignment& a : c.assignments) {
    if (gives_condition(*a.value)) {
      error("spl-boolean-value", "a field cannot hold a condition", a.value->span, "true or false",
            "write if(condition, \"true\", \"false\")");
      continue;
    }
    ExprPtr e = value(*a.value);
    if (!e) continue;
    std::set<std::string> read;
    plan::collect_columns(e, read);
    const bool depends = std::any_of(batch.begin(), batch.end(), [&](const plan::NamedExpr& n) {
      return n.name == a.target.name || read.count(n.name) > 0;
    });
    if (depends) {
      extend(rows, std::move(batch), at);
      batch.clear();
    }
    if (rows.open)
      for (const std::string& n : read)
        rows.add(n);
    batch.push_back({a.target.name, std::move(e), a.target.span});
  }
  if (failed_) return false;
  if (!batch.empty()) extend(rows, std::move(batch), at);
  return true;
}

ExprPtr Lowering::truth(const EvalExpr& e) {
  if (gives_condition(e)) return value(e);
  if (may_give_condition(e)) {
    ExprPtr v = value(e);
    return v ? plan::call("spl.truth", {std::move(v)}, e.span) : nullptr;
  }
  error("spl-not-a-condition", "expected a condition", e.span, "a value",
        e.kind == EvalExpr::Kind::kField ? "compare it: isnotnull(" + e.text + ")" : "");
  return nullptr;
}

ExprPtr Lowering::value(const EvalExpr& e) {
  switch (e.kind) {
    case EvalExpr::Kind::kNumber:
      return scalar_literal(e.text, e.span);
    case EvalExpr::Kind::kString:
      return plan::literal(Value::string(e.text), e.span);
    case EvalExpr::Kind::kField:
      // A bare `null` is how rules spell the missing value; no field has that name.
      if (!e.quoted && e.text == "null") return plan::literal(Value(), e.span);
      return plan::column(e.text, e.span);
    case EvalExpr::Kind::kNegate: {
      ExprPtr inner = value(*e.args[0]);
      if (!inner) return nullptr;
      if (inner->is_literal() && inner->literal.type() == data::Type::kLong)
        return plan::literal(Value::integer(-inner->literal.as_int()), e.span);
      if (inner->is_literal() && inner->literal.type() == data::Type::kReal)
        return plan::literal(Value::real(-inner->literal.as_real()), e.span);
      return plan::call("spl.sub", {plan::literal(Value::integer(0), e.span), std::move(inner)},
                        e.span);
    }
    case EvalExpr::Kind::kNot: {
      ExprPtr inner = truth(*e.args[0]);
      return inner ? plan::call("not", {std::move(inner)}, e.span) : nullptr;
    }
    case EvalExpr::Kind::kCall:
      return value_call(e);
    case EvalExpr::Kind::kBinary:
      break;
  }
  static constexpr const char* kFunctions[] = {
      "and",    "or",       "spl.xor", "spl.eq",  "spl.ne",  "spl.lt",  "spl.le",  "spl.gt",
      "spl.ge", "spl.like", "spl.add", "spl.sub", "spl.mul", "spl.div", "spl.mod", "spl.concat"};
  const bool logic = e.op <= Op::kXor;
  std::vector<ExprPtr> args;
  for (const EvalPtr& a : e.args) {
    ExprPtr v = logic ? truth(*a) : value(*a);
    if (v) args.push_back(std::move(v));
  }
  if (args.size() != e.args.size()) return nullptr;
  // `a.b` without blanks joins two fields, while its author mostly means one field of that name.
  if (e.op == Op::kConcat) {
    for (size_t i = 0; i + 1 < e.args.size(); ++i) {
      const EvalExpr& l = *e.args[i];
      const EvalExpr& r = *e.args[i + 1];
      if (l.kind != EvalExpr::Kind::kField || r.kind != EvalExpr::Kind::kField || l.quoted ||
          r.quoted || l.span.end + 1 != r.span.begin ||
          (rows_ && (rows_->has(l.text) || rows_->has(r.text))))
        continue;
      diag_.warning(
          "spl-dotted-name", "`" + l.text + "." + r.text + "` joins the texts of two fields",
          {l.span.begin, r.span.end}, "a dot concatenates here",
          "a field with a dot in its name needs single quotes: '" + l.text + "." + r.text + "'");
      break;
    }
  }
  return plan::call(kFunctions[static_cast<size_t>(e.op)], std::move(args), e.span);
}

ExprPtr Lowering::value_call(const EvalExpr& e) {
  const EvalFunction* f = eval_function(e.text);
  if (!f) {
    if (is_refused_eval_function(e.text)) {
      unsupported("function: " + e.text, e.span);
      return nullptr;
    }
    const std::string near = nearest_name(e.text, eval_function_names());
    error("spl-unknown-function", "unknown function: " + e.text, e.span, "",
          near.empty() ? "" : "did you mean `" + near + "`?");
    return nullptr;
  }
  const auto n = static_cast<int>(e.args.size());
  if (n < f->min_args || (f->max_args >= 0 && n > f->max_args)) {
    const std::string wanted =
        f->max_args == f->min_args ? std::to_string(f->min_args)
        : f->max_args < 0          ? "at least " + std::to_string(f->min_args)
                          : std::to_string(f->min_args) + " to " + std::to_string(f->max_args);
    error("spl-argument-count",
          "`" + e.text + "` takes " + wanted + " arguments, not " + std::to_string(n), e.span);
    return nullptr;
  }
  if (e.text == "true" || e.text == "false")
    return plan::literal(Value::boolean(e.text == "true"), e.span);
  if (e.text == "null") return plan::literal(Value(), e.span);
  if (e.text == "mvfilter" || e.text == "mvmap") return member_call(e);
  if ((e.text == "case" || e.text == "validate") && n % 2 != 0) {
    error("spl-argument-count", "`" + e.text + "` takes pairs of condition and value", e.span);
    return nullptr;
  }
  std::vector<ExprPtr> args;
  for (size_t i = 0; i < e.args.size(); ++i) {
    const bool condition =
        (e.text == "if" && i == 0) || ((e.text == "case" || e.text == "validate") && i % 2 == 0);
    ExprPtr a = condition ? truth(*e.args[i]) : value(*e.args[i]);
    if (a) args.push_back(std::move(a));
  }
  if (args.size() != e.args.size()) return nullptr;
  if (f->regex_argument >= 0) {
    const EvalExpr& pattern = *e.args[static_cast<size_t>(f->regex_argument)];
    if (pattern.kind == EvalExpr::Kind::kString &&
        !check_regex(pattern.text, pattern.span, nullptr))
      return nullptr;
  }
  std::string name = e.text == "ceiling" ? "ceil" : e.text == "time" ? "now" : e.text;
  return plan::call("spl." + name, std::move(args), e.span);
}

// mvfilter(condition on x) and mvmap(x, expression of x): the expression runs once per value of x.
// Plans have no functions of functions, so that it travels as text, which the kernel compiles once.
ExprPtr Lowering::member_call(const EvalExpr& e) {
  const bool filter = e.text == "mvfilter";
  const EvalExpr& body = *e.args[filter ? 0 : 1];
  std::set<std::string> names;
  fields_of(body, names);
  if (!filter) {
    const EvalExpr& x = *e.args[0];
    if (x.kind == EvalExpr::Kind::kField) names.insert(x.text);
  }
  names.erase("null");
  if (names.size() != 1) {
    unsupported("form: " + e.text + " over other than one field", e.span);
    return nullptr;
  }
  ExprPtr inner = filter ? truth(body) : value(body);
  if (!inner) return nullptr;
  const std::string& field = *names.begin();
  return plan::call("spl." + e.text,
                    {plan::column(field, e.span),
                     plan::literal(Value::string(member_text(*inner, field)), body.span)},
                    e.span);
}

}  // namespace postern::lang::spl
