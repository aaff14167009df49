// Operators that hold a query over their own rows, or an aggregation over time: mv-apply,
// make-series; evaluate, search, parse-kv.
#include "lang/kql/parser_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

/// `[with_itemindex=i] a, b = c to typeof(long) [limit n]`, of mv-expand and mv-apply.
bool Parser::expanded_items(Operator& op) {
  while ((word("bagexpansion") || word("kind") || word("with_itemindex")) && peek().is("="))
    option(op);
  do {
    NamedItem i;
    if (!item(i)) return false;
    Type type = Type::kNull;
    if (word("to") && peek().is("typeof")) {
      next();
      Expr* t = typeof_();
      if (!t) return false;
      type = t->type;
    }
    op.items.push_back(std::move(i));
    op.types.push_back(type);
  } while (take(","));
  if (word("limit")) {
    next();
    op.value = expression();
    if (!op.value) return false;
  }
  return true;
}

bool Parser::mv_expand(Operator& op) {
  return expanded_items(op);
}

/// `mv-apply x = d on ( operator | … )`: the query in parentheses begins with its first operator.
bool Parser::mv_apply(Operator& op) {
  if (!expanded_items(op) || !expect("on", "before the query of `mv-apply`")) return false;
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span) != nullptr;
  const size_t first = at_;
  if (!expect("(", "before the query of `mv-apply`")) return false;
  Expr* query = ast_.expr(ExprKind::kPipe, now().span);
  do {
    query->operators.push_back(operator_());
    if (query->operators.size() > kMaxNesting) return too_deep(now().span) != nullptr;
  } while (take("|"));
  if (!expect(")", "after the query of `mv-apply`")) return false;
  query->span = span_from(first);
  for (const Operator* o : query->operators)
    query->depth = std::max(query->depth, 1 + o->depth);
  if (!checked(query)) return false;
  op.tables.push_back(query);
  return true;
}

/// `make-series [name=] aggregate [default=v], … on axis [from a] [to b] step s [by keys]`; of old
/// also `on axis in range(a, b, s)`.
bool Parser::make_series(Operator& op) {
  while ((word("kind") || word("hint")) && (peek().is("=") || peek().is(".")))
    if (!option(op)) break;
  do {
    NamedItem i;
    if (!item(i)) return false;
    op.items.push_back(std::move(i));
    Expr* absent = nullptr;
    if (word("default") && peek().is("=")) {
      next();
      next();
      absent = expression();
      if (!absent) return false;
    }
    op.defaults.push_back(absent);
  } while (take(","));
  if (!expect("on", "before the axis")) return false;
  NamedItem axis;
  if (!item(axis)) return false;
  if (axis.expr->kind != ExprKind::kName && axis.names.empty()) {
    fail(axis.span, "the axis of `make-series` is a column, or has a name");
    return false;
  }
  op.axis.push_back(std::move(axis));
  op.range.assign(3, nullptr);
  if (word("in") && peek().is("range")) {
    next();
    Expr* range = postfix();
    if (!range) return false;
    if (range->kind != ExprKind::kCall || range->children.size() != 3) {
      fail(range->span, "`range` takes a start, an end and a step");
      return false;
    }
    op.range = range->children;
    op.old_range = true;
  } else {
    static constexpr std::string_view kParts[] = {"from", "to", "step"};
    for (size_t i = 0; i < 3; ++i) {
      if (i < 2 && !word(kParts[i])) continue;
      if (!expect(kParts[i], "in `make-series`")) return false;
      op.range[i] = expression();
      if (!op.range[i]) return false;
    }
  }
  if (!word("by")) return true;
  next();
  return item_list(op.by);
}

/// `evaluate [hint.…] plugin(arguments) [: (columns)]`
bool Parser::evaluate(Operator& op) {
  options(op, true);
  op.value = postfix();
  if (!op.value) return false;
  if (op.value->kind != ExprKind::kCall) {
    fail(op.value->span, "`evaluate` takes the call of a plugin");
    return false;
  }
  if (take(":") && !column_list(op.columns)) return false;
  return true;
}

/// `search [in (T1, T2)] [kind=…] condition`, where a text stands for `* has "text"`.
bool Parser::search(Operator& op) {
  while (word("kind") && peek().is("="))
    option(op);
  if (word("in") && peek().is("(")) {
    next();
    next();
    do {
      Expr* table = table_operand();
      if (!table) return false;
      op.tables.push_back(table);
    } while (take(","));
    if (!expect(")", "after the tables")) return false;
  }
  in_condition_ = true;
  op.value = expression();
  in_condition_ = false;
  return op.value != nullptr;
}

/// `parse-kv text as (columns) [with (pair_delimiter=";", kv_delimiter="=", quote='"', …)]`
bool Parser::parse_kv(Operator& op) {
  op.value = expression();
  if (!op.value || !expect("as", "before the columns")) return false;
  if (!column_list(op.columns)) return false;
  if (!word("with")) return true;
  next();
  if (!expect("(", "before the delimiters")) return false;
  do {
    if (!option(op)) {
      fail(now().span, "an option of `parse-kv` is `name = value`");
      return false;
    }
  } while (take(","));
  return expect(")", "after the delimiters");
}

/// `getschema` and its kin: nothing follows.
bool Parser::no_operand(Operator&) {
  return true;
}

}  // namespace postern::lang::kql
