// Expressions by precedence climbing.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "lang/kql/literal.h"
#include "lang/kql/parser_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

namespace {

enum Precedence : int {
  kOrLevel = 1,
  kAndLevel,
  kEquality,
  kRelation,
  kAdditive,
  kMultiplicative,
  kStringLevel
};

struct OperatorName {
  std::string_view text;
  int precedence;
  int form;  // 0 two operands, 1 list, 2 range, 3 chain of and/or
  std::string_view function;
};

// Kusto's names of the operators and the functions of the plan that stand for them.
constexpr OperatorName kBinaryOperators[] = {
    {"or", kOrLevel, 3, "or"},
    {"and", kAndLevel, 3, "and"},
    {"==", kEquality, 0, "kql.eq"},
    {"!=", kEquality, 0, "kql.ne"},
    {"<>", kEquality, 0, "kql.ne"},
    {"in", kEquality, 1, "kql.in"},
    {"!in", kEquality, 1, "kql.not_in"},
    {"in~", kEquality, 1, "kql.in_ci"},
    {"!in~", kEquality, 1, "kql.not_in_ci"},
    {"has_any", kEquality, 1, "kql.has_any"},
    {"has_all", kEquality, 1, "kql.has_all"},
    {"between", kEquality, 2, "kql.between"},
    {"!between", kEquality, 2, "kql.not_between"},
    {"<", kRelation, 0, "kql.lt"},
    {"<=", kRelation, 0, "kql.le"},
    {">", kRelation, 0, "kql.gt"},
    {">=", kRelation, 0, "kql.ge"},
    {"+", kAdditive, 0, "kql.add"},
    {"-", kAdditive, 0, "kql.sub"},
    {"*", kMultiplicative, 0, "kql.mul"},
    {"/", kMultiplicative, 0, "kql.div"},
    {"%", kMultiplicative, 0, "kql.mod"},
    {"=~", kStringLevel, 0, "kql.eq_ci"},
    {"!~", kStringLevel, 0, "kql.ne_ci"},
    {"contains", kStringLevel, 0, "kql.contains"},
    {"!contains", kStringLevel, 0, "kql.not_contains"},
    {"contains_cs", kStringLevel, 0, "kql.contains_cs"},
    {"!contains_cs", kStringLevel, 0, "kql.not_contains_cs"},
    {"containscs", kStringLevel, 0, "kql.contains_cs"},
    {"notcontains", kStringLevel, 0, "kql.not_contains"},
    {"notcontainscs", kStringLevel, 0, "kql.not_contains_cs"},
    {"startswith", kStringLevel, 0, "kql.startswith"},
    {"!startswith", kStringLevel, 0, "kql.not_startswith"},
    {"startswith_cs", kStringLevel, 0, "kql.startswith_cs"},
    {"!startswith_cs", kStringLevel, 0, "kql.not_startswith_cs"},
    {"endswith", kStringLevel, 0, "kql.endswith"},
    {"!endswith", kStringLevel, 0, "kql.not_endswith"},
    {"endswith_cs", kStringLevel, 0, "kql.endswith_cs"},
    {"!endswith_cs", kStringLevel, 0, "kql.not_endswith_cs"},
    {"has", kStringLevel, 0, "kql.has"},
    {"!has", kStringLevel, 0, "kql.not_has"},
    {"has_cs", kStringLevel, 0, "kql.has_cs"},
    {"!has_cs", kStringLevel, 0, "kql.not_has_cs"},
    {"hasprefix", kStringLevel, 0, "kql.hasprefix"},
    {"!hasprefix", kStringLevel, 0, "kql.not_hasprefix"},
    {"hasprefix_cs", kStringLevel, 0, "kql.hasprefix_cs"},
    {"!hasprefix_cs", kStringLevel, 0, "kql.not_hasprefix_cs"},
    {"hassuffix", kStringLevel, 0, "kql.hassuffix"},
    {"!hassuffix", kStringLevel, 0, "kql.not_hassuffix"},
    {"hassuffix_cs", kStringLevel, 0, "kql.hassuffix_cs"},
    {"!hassuffix_cs", kStringLevel, 0, "kql.not_hassuffix_cs"}};

}  // namespace

/// The operator that begins at the current token; precedence 0 when none does. In a condition `=`
/// can only be meant as `==`; published rules have it.
Parser::BinaryOperator Parser::binary_operator() const {
  const Token& t = now();
  if (t.kind != TokenKind::kName && t.kind != TokenKind::kPunctuation) return {};
  if (in_condition_ && t.is("=")) return {kEquality, BinaryOperator::kTwo, "kql.eq", 1};
  if (t.text == "matches" && peek().text == "regex")
    return {kStringLevel, BinaryOperator::kTwo, "kql.matches_regex", 2};
  for (const OperatorName& o : kBinaryOperators)
    if (o.text == t.text)
      return {o.precedence, static_cast<BinaryOperator::Form>(o.form), o.function, 1};
  return {};
}

/// Sets the depth of a finished node; too deep a tree is refused here, whatever made it so.
Expr* Parser::checked(Expr* e) {
  for (const Expr* child : e->children)
    e->depth = std::max(e->depth, 1 + child->depth);
  return e->depth > kMaxNesting ? too_deep(e->span) : e;
}

/// Precedence climbing. Chains of `and` and `or` grow one flat node, so that ten thousand terms are
/// one level of the tree and every walker of it may recurse.
Expr* Parser::binary(int least) {
  const size_t first = at_;
  Expr* left = unary();
  const Expr* own_chain = nullptr;  // the and/or node that this loop grows
  while (left) {
    const BinaryOperator op = binary_operator();
    if (op.precedence == 0 || op.precedence < least) break;
    if (is("="))
      diag_.warning("kql-single-equals", "`=` in a condition is taken as `==`", now().span, "",
                    "write `==`");
    for (int i = 0; i < op.tokens; ++i)
      next();
    if (op.form != BinaryOperator::kChain) {
      left = finish_binary(op, left, first);
      continue;
    }
    Expr* right = binary(op.precedence + 1);
    if (!right) return nullptr;
    const ExprKind kind = op.function == "or" ? ExprKind::kOr : ExprKind::kAnd;
    // `a or b or c` is one node; a parenthesised `(a or b)` stays its own.
    if (left != own_chain || left->kind != kind) {
      Expr* node = ast_.expr(kind, left->span);
      node->children = {left};
      node->depth = 1 + left->depth;
      left = node;
      own_chain = node;
    }
    left->children.push_back(right);
    left->depth = std::max(left->depth, 1 + right->depth);
    left->span = span_from(first);
    if (left->depth > kMaxNesting) return too_deep(left->span);
  }
  return left;
}

/// The right side of an operator, in the form that it wants.
Expr* Parser::finish_binary(const BinaryOperator& op, Expr* left, size_t first) {
  std::vector<Expr*> operands = {left};
  if (op.form == BinaryOperator::kList) {
    if (!list_operand(operands)) return nullptr;
  } else if (op.form == BinaryOperator::kRange) {
    if (!range_operand(operands)) return nullptr;
  } else {
    Expr* right = binary(op.precedence + 1);
    if (!right) return nullptr;
    operands.push_back(right);
  }
  static constexpr ExprKind kKinds[] = {ExprKind::kBinary, ExprKind::kIn, ExprKind::kBetween};
  Expr* e = ast_.expr(kKinds[op.form], span_from(first));
  e->name = std::string(op.function);
  e->children = std::move(operands);
  return checked(e);
}

/// `(a, b, …)`, where each may also be a query.
bool Parser::list_operand(std::vector<Expr*>& out) {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span) != nullptr;
  if (!expect("(", "before the list")) return false;
  while (!is(")") && !at_end()) {
    Expr* e = pipe();
    if (!e) return false;
    out.push_back(e);
    if (!take(",")) break;
  }
  return expect(")", "after the list");
}

/// `(low .. high)`
bool Parser::range_operand(std::vector<Expr*>& out) {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span) != nullptr;
  if (!expect("(", "after `between`")) return false;
  Expr* low = expression();
  if (!low || !expect("..", "between the bounds")) return false;
  Expr* high = expression();
  if (!high) return false;
  out.push_back(low);
  out.push_back(high);
  return expect(")", "after the bounds");
}

/// `-x`, `+x`
Expr* Parser::unary() {
  const size_t first = at_;
  if (take("+")) return unary_operand();
  if (take("-")) return negated(first);
  return postfix();
}

Expr* Parser::unary_operand() {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span);
  return unary();
}

/// A minus sign before a number makes a number.
Expr* Parser::negated(size_t first) {
  Expr* operand = unary_operand();
  if (!operand) return nullptr;
  const Value& v = operand->value;
  const bool number = data::is_numeric(v.type()) || v.type() == Type::kTimespan;
  if (operand->kind == ExprKind::kLiteral && number && !v.is_null()) {
    // The lexer already gave the least long its sign.
    if (v.type() == Type::kReal)
      operand->value = Value::real(-v.as_real());
    else if (v.as_int() != std::numeric_limits<int64_t>::min())
      operand->value = v.type() == Type::kTimespan ? Value::timespan(-v.as_int())
                                                   : Value::integer(-v.as_int(), v.type());
    operand->span = span_from(first);
    return operand;
  }
  Expr* e = ast_.expr(ExprKind::kNegate, span_from(first));
  e->children = {operand};
  return checked(e);
}

/// `x.name`, `x["name"]`, `x[0]`, as many as follow. The tree leans left, so its depth is checked
/// node by node.
Expr* Parser::postfix() {
  const size_t first = at_;
  Expr* e = primary();
  while (e) {
    // `d.[0]` and `d.["a b"]` are d[0] and d["a b"].
    if (is(".") && peek().is("[")) next();
    if (is(".")) {
      next();
      Expr* member = ast_.expr(ExprKind::kMember, span_from(first));
      member->children = {e};
      if (!column_name(member->name, member->name_span))
        return fail(now().span, "the name of a property is missing after `.`");
      if (is("("))
        return unsupported(span_from(first), "functions of other databases are not supported");
      member->span = span_from(first);
      e = checked(member);
    } else if (is("[")) {
      const Nested level(depth_);
      if (depth_ > kMaxNesting) return too_deep(now().span);
      next();
      Expr* key = expression();
      if (!key || !expect("]", "after the index")) return nullptr;
      Expr* index = ast_.expr(ExprKind::kIndex, span_from(first));
      index->children = {e, key};
      e = checked(index);
    } else {
      break;
    }
  }
  return e;
}

/// A literal, a name, a call, or something in parentheses.
Expr* Parser::primary() {
  const size_t first = at_;
  switch (now().kind) {
    case TokenKind::kLiteral:
    case TokenKind::kDynamic:
      return literal();
    case TokenKind::kString:
      return string_literal();
    case TokenKind::kName:
      break;
    default:
      if (is("(")) return parenthesised();
      if (quoted_name_ahead()) {
        Expr* e = ast_.expr(ExprKind::kName, now().span);
        if (!column_name(e->name, e->name_span)) return nullptr;
        e->span = e->name_span;
        return e;
      }
      if (take("*")) return ast_.expr(ExprKind::kStar, span_from(first));
      return fail(now().span, "an expression is missing", at_end() ? "the text ends here" : "");
  }
  if (binary_operator().precedence != 0 || word("by"))
    return fail(now().span, "an expression is missing before `" + std::string(now().text) + "`");
  if (word("not") && !peek().is("("))
    return fail(now().span, "`not` is a function", "", "write not(...)");
  if (word("datatable") && peek().is("(")) return datatable();
  if (word("typeof") && peek().is("(")) return typeof_();
  if (peek().is("(")) return call(first);
  Expr* e = ast_.expr(ExprKind::kName, now().span);
  e->name = std::string(now().text);
  e->name_span = e->span;
  next();
  return e;
}

/// The lexer has read the value.
Expr* Parser::literal() {
  Expr* e = ast_.expr(ExprKind::kLiteral, now().span);
  e->value = now().value;
  next();
  return e;
}

/// Adjacent string literals are one.
Expr* Parser::string_literal() {
  const size_t first = at_;
  std::string text;
  for (; now().kind == TokenKind::kString; next())
    text += now().value.as_bytes();
  Expr* e = ast_.expr(ExprKind::kLiteral, span_from(first));
  e->value = Value::string(std::move(text));
  return e;
}

/// Parentheses hold an expression or a whole query; which it is shows when it is lowered.
Expr* Parser::parenthesised() {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span);
  const size_t first = at_;
  next();
  Expr* e = pipe();
  if (!e || !expect(")", "after the expression")) return nullptr;
  // The node stands for its parentheses too, so that carets show them.
  e->span = span_from(first);
  return e;
}

/// `name(a, b, name=c)`. Whether the function exists, and what it takes, is asked when it is
/// lowered.
Expr* Parser::call(size_t first) {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span);
  Expr* e = ast_.expr(ExprKind::kCall, now().span);
  e->name = std::string(now().text);
  e->name_span = now().span;
  next();
  next();  // (
  while (!is(")") && !at_end()) {
    if (!argument(*e)) return nullptr;
    if (!take(",")) break;
  }
  if (!expect(")", "after the arguments of `" + e->name + "`")) return nullptr;
  e->span = span_from(first);
  return checked(e);
}

/// Arguments may be queries: `toscalar(T | …)`, `materialize(T)`.
bool Parser::argument(Expr& call) {
  std::string name;
  if (is_name() && peek().is("=")) {
    name = std::string(now().text);
    next();
    next();
  }
  Expr* e = pipe();
  if (!e) return false;
  call.children.push_back(e);
  call.arg_names.push_back(std::move(name));
  return true;
}

/// `typeof(long)`
Expr* Parser::typeof_() {
  const size_t first = at_;
  next();
  if (!expect("(", "after `typeof`")) return nullptr;
  Expr* e = ast_.expr(ExprKind::kTypeof, now().span);
  if (is("*")) return unsupported(now().span, "`typeof(*)` is not supported");
  if (!type_name(e->type) || !expect(")", "after the type")) return nullptr;
  e->span = span_from(first);
  return e;
}

/// `datatable (a:long, b:string) [1, "x", 2, "y"]`
Expr* Parser::datatable() {
  const size_t first = at_;
  next();
  Expr* e = ast_.expr(ExprKind::kDatatable, now().span);
  if (!column_list(e->columns)) return nullptr;
  if (e->columns.empty()) return fail(span_from(first), "`datatable` without columns");
  if (!expect("[", "before the rows")) return nullptr;
  while (!is("]") && !at_end()) {
    if (!datatable_cell(e->columns[e->rows.size() % e->columns.size()].type, e->rows))
      return nullptr;
    if (!take(",")) break;
  }
  if (!expect("]", "after the rows")) return nullptr;
  e->span = span_from(first);
  if (e->rows.size() % e->columns.size() != 0)
    return fail(e->span, "the number of values is no multiple of the number of columns",
                std::to_string(e->rows.size()) + " values, " + std::to_string(e->columns.size()) +
                    " columns");
  return e;
}

/// A cell is converted here, where its place is known: a date in quotes is a date in a datetime
/// column, as the engine has it.
bool Parser::datatable_cell(Type type, std::vector<Value>& out) {
  const Expr* e = unary();
  if (!e) return false;
  if (e->kind != ExprKind::kLiteral) {
    fail(e->span, "a row of `datatable` holds literals only");
    return false;
  }
  std::optional<Value> v = convert_literal(e->value, type);
  if (!v) {
    fail(e->span, "not a " + std::string(data::type_name(type)));
    return false;
  }
  out.push_back(std::move(*v));
  return true;
}

}  // namespace postern::lang::kql
