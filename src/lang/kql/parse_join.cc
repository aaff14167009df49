// Operators that bring other tables in: union, join, lookup.
#include <algorithm>

#include "lang/kql/parser_state.h"

namespace postern::lang::kql {

/// A table: name, function call, or a query in parentheses; `Device*` is every table of such a
/// name.
Expr* Parser::table_operand() {
  const size_t first = at_;
  if (is("*") || (is_name() && peek().is("*") && adjacent(1))) {
    std::string pattern;
    for (; (is_name() || is("*")) && (at_ == first || tokens_[at_ - 1].end == now().begin); next())
      pattern += now().text;
    if (pattern == "*") {
      unsupported(span_from(first), "all tables at once are not supported", "name the tables");
      return ast_.expr(ExprKind::kStar, span_from(first));
    }
    Expr* e = ast_.expr(ExprKind::kName, span_from(first));
    e->name = std::move(pattern);
    e->name_span = e->span;
    return e;
  }
  if (source_operator_ahead()) return fail(now().span, "put this query in parentheses");
  return postfix();
}

/// `union [kind=outer] [withsource=name] [isfuzzy=true] T1, (T2 | …), …`
bool Parser::union_(Operator& op) {
  options(op, false);
  do {
    Expr* table = table_operand();
    if (!table) return false;
    op.tables.push_back(table);
    // `(T | …) as name` names the rows for withsource.
  } while (take(","));
  return true;
}

/// `join [kind=inner] [hint.strategy=…] (T | …) on keys`; lookup is read alike.
bool Parser::join(Operator& op) {
  options(op, false);
  Expr* right = table_operand();
  if (!right) return false;
  op.tables.push_back(right);
  if (word("where")) {
    unsupported(now().span, "`where` inside `join` is not supported",
                "put it into a `where` of its own");
    return false;
  }
  if (!word("on")) {
    fail(now().span, "`on` is missing in `" + op.word + "`");
    return false;
  }
  next();
  return join_keys(op);
}

/// `on a, $left.b == $right.c`; `and` between keys is the same as a comma. Other conditions have no
/// meaning in Kusto either.
bool Parser::join_keys(Operator& op) {
  do {
    Expr* e = expression();
    if (!e) return false;
    std::vector<Expr*> terms = {e};
    if (e->kind == ExprKind::kAnd) terms = e->children;
    for (Expr* term : terms) {
      JoinKey key;
      if (term->kind == ExprKind::kName) {
        key.left = term;
        key.right = term;
      } else if (term->kind == ExprKind::kBinary && term->name == "kql.eq") {
        const auto side = [](const Expr* x) {
          if (x->kind != ExprKind::kMember || x->children[0]->kind != ExprKind::kName)
            return std::string_view();
          return std::string_view(x->children[0]->name);
        };
        key.left = term->children[0];
        key.right = term->children[1];
        if (side(key.left) == "$right" && side(key.right) == "$left")
          std::swap(key.left, key.right);
        if (side(key.left) != "$left" || side(key.right) != "$right") {
          fail(term->span, "a join key is `column` or `$left.a == $right.b`");
          return false;
        }
      } else {
        fail(term->span, "a join key is `column` or `$left.a == $right.b`");
        return false;
      }
      op.on.push_back(key);
    }
  } while (take(","));
  return true;
}

}  // namespace postern::lang::kql
