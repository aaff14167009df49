// The condition of `search` and of `tstats … where`.
//
//   and  := or (AND? or)*        or := not (OR not)*        not := NOT* primary
//   primary := ( and ) | [ subsearch ] | field op value | field IN ( value, … ) | term
// Operators are upper case; `and`, `or`, `not` and `in` in lower case are terms (warned about).
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {
namespace {

SearchPtr make(SearchExpr::Kind kind, Span span) {
  auto e = std::make_unique<SearchExpr>();
  e->kind = kind;
  e->span = span;
  return e;
}

SearchPtr junction(SearchExpr::Kind kind, std::vector<SearchPtr> children) {
  if (children.size() == 1) return std::move(children[0]);
  const Span span =
      children.empty() ? Span{} : Span{children.front()->span.begin, children.back()->span.end};
  SearchPtr e = make(kind, span);
  e->children = std::move(children);
  return e;
}

bool is_word(const Token& t, std::string_view text) {
  return t.kind == TokenKind::kWord && t.text == text;
}

bool comparison_of(const Token& t, Comparison& out) {
  if (t.kind != TokenKind::kSymbol) return false;
  if (t.text == "=" || t.text == "==")
    out = Comparison::kEqual;
  else if (t.text == "!=")
    out = Comparison::kNotEqual;
  else if (t.text == "<")
    out = Comparison::kLess;
  else if (t.text == "<=")
    out = Comparison::kLessEqual;
  else if (t.text == ">")
    out = Comparison::kGreater;
  else if (t.text == ">=")
    out = Comparison::kGreaterEqual;
  else
    return false;
  return true;
}

}  // namespace

bool Parser::search_condition(SearchPtr& out, bool stop_at_by) {
  if (lex_.at_command_end() || (stop_at_by && (lex_.peek_word("by") || lex_.peek_word("groupby"))))
    return true;
  out = search_and(stop_at_by);
  return out != nullptr;
}

SearchPtr Parser::search_and(bool stop_at_by) {
  std::vector<SearchPtr> children;
  for (;;) {
    while (lex_.take(',')) {
    }
    if (lex_.at_command_end() || lex_.peek() == ')') break;
    if (stop_at_by && (lex_.peek_word("by") || lex_.peek_word("groupby"))) break;
    if (is_word(lex_.peek(Words::kTerm), "AND")) {
      const Token t = lex_.next(Words::kTerm);
      const char next = lex_.peek();
      if (children.empty() || next == '\0' || next == '|' || next == ')' || next == ']') {
        syntax("AND needs a condition on both sides", t);
        return nullptr;
      }
      continue;
    }
    SearchPtr e = search_or(stop_at_by);
    if (!e) return nullptr;
    children.push_back(std::move(e));
  }
  if (children.empty()) {
    const Token t = lex_.peek(Words::kTerm);
    syntax("expected a condition", t);
    return nullptr;
  }
  return junction(SearchExpr::Kind::kAnd, std::move(children));
}

SearchPtr Parser::search_or(bool stop_at_by) {
  std::vector<SearchPtr> children;
  for (;;) {
    SearchPtr e = search_not(stop_at_by);
    if (!e) return nullptr;
    children.push_back(std::move(e));
    if (!is_word(lex_.peek(Words::kTerm), "OR")) break;
    lex_.next(Words::kTerm);
  }
  return junction(SearchExpr::Kind::kOr, std::move(children));
}

SearchPtr Parser::search_not(bool stop_at_by) {
  std::vector<Token> nots;
  while (is_word(lex_.peek(Words::kTerm), "NOT")) {
    nots.push_back(lex_.next(Words::kTerm));
    if (nots.size() > static_cast<size_t>(kMaxDepth)) {
      error("spl-too-deep", "more than " + std::to_string(kMaxDepth) + " NOT in a row",
            lex_.span(nots.back()));
      return nullptr;
    }
  }
  const Token t = lex_.peek(Words::kTerm);
  if (is_word(t, "OR") || is_word(t, "AND") || t.is_symbol(")") ||
      (stop_at_by && !nots.empty() && lex_.peek_word("by"))) {
    syntax("expected a condition before `" + std::string(t.text) + "`", t);
    return nullptr;
  }
  SearchPtr e = search_primary();
  for (auto it = nots.rbegin(); e && it != nots.rend(); ++it) {
    SearchPtr n = make(SearchExpr::Kind::kNot, {lex_.span(*it).begin, e->span.end});
    n->children.push_back(std::move(e));
    e = std::move(n);
  }
  return e;
}

SearchPtr Parser::search_primary() {
  const Token t = lex_.next(Words::kTerm);
  if (t.is_symbol("(")) {
    if (!enter(lex_.span(t))) return nullptr;
    SearchPtr e;
    if (lex_.peek() == ')') {
      // `()` restricts nothing: the default of the data models' index macros.
      e = make(SearchExpr::Kind::kAnd, lex_.span(t));
    } else {
      e = search_and(false);
    }
    leave();
    if (e && !lex_.take(')')) {
      syntax("this parenthesis is never closed", t);
      return nullptr;
    }
    // The children keep their spans; a whole group is shown with its parentheses.
    if (e && e->kind != SearchExpr::Kind::kCompare) e->span = lex_.span(t.begin, lex_.position());
    return e;
  }
  if (t.is_symbol("[")) {
    lex_.set_position(t.begin);
    auto sub = std::make_unique<Pipeline>();
    if (!sub_pipeline(*sub, Start::kCommand)) return nullptr;
    SearchPtr e = make(SearchExpr::Kind::kSubsearch, lex_.span(t.begin, lex_.position()));
    e->subsearch = std::move(sub);
    return e;
  }
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
    syntax(t.kind == TokenKind::kEnd ? "expected a condition"
                                     : "unexpected `" + std::string(t.text) + "`",
           t);
    return nullptr;
  }
  const size_t after = lex_.position();
  const Token op = lex_.next(Words::kTerm);
  Comparison comparison;
  if (comparison_of(op, comparison)) {
    FieldName field{t.kind == TokenKind::kString ? unescape(t.text) : std::string(t.text),
                    lex_.span(t)};
    SearchPtr e = search_comparison(std::move(field), op);
    if (e) e->span = lex_.span(t.begin, lex_.position());
    return e;
  }
  if (is_word(op, "IN") && lex_.peek() == '(') {
    FieldName field{t.kind == TokenKind::kString ? unescape(t.text) : std::string(t.text),
                    lex_.span(t)};
    SearchPtr e = search_in(std::move(field));
    if (e) e->span = lex_.span(t.begin, lex_.position());
    return e;
  }
  // TERM(…) and CASE(…) only without a blank before the parenthesis.
  if (op.is_symbol("(") && op.begin == t.end && t.kind == TokenKind::kWord &&
      (t.text == "TERM" || t.text == "CASE")) {
    const size_t close = lex_.text().find(')', op.end);
    if (close == std::string_view::npos) {
      syntax("this parenthesis is never closed", op);
      return nullptr;
    }
    std::string_view inner = trim(lex_.text().substr(op.end, close - op.end));
    if (inner.size() >= 2 && inner.front() == '"' && inner.back() == '"')
      inner = inner.substr(1, inner.size() - 2);
    const size_t at = static_cast<size_t>(inner.data() - lex_.text().data());
    const Token value{TokenKind::kWord, inner, at, at + inner.size()};
    lex_.set_position(close + 1);
    if (inner.empty()) {
      syntax("expected a term", op);
      return nullptr;
    }
    return term(value, t.text == "TERM" ? TermKind::kMajorBreakersOnly : TermKind::kCaseSensitive);
  }
  lex_.set_position(after);
  const bool operator_word =
      t.kind == TokenKind::kWord && (t.text == "and" || t.text == "or" || t.text == "not" ||
                                     (t.text == "in" && lex_.peek() == '('));
  if (operator_word) {
    std::string upper(t.text);
    for (char& c : upper)
      c = static_cast<char>(c - 32);
    diag_.warning("spl-lowercase-operator",
                  "`" + std::string(t.text) + "` is searched for as a word here", lex_.span(t),
                  "operators are upper case", "write `" + upper + "`");
  }
  return term(t, TermKind::kTerm);
}

SearchPtr Parser::term(const Token& t, TermKind kind) {
  SearchPtr e = make(SearchExpr::Kind::kTerm, lex_.span(t));
  e->term = kind;
  SearchValue v;
  v.raw = t.text;
  v.text = unescape(t.text);
  v.quoted = t.kind == TokenKind::kString;
  v.span = e->span;
  e->values.push_back(std::move(v));
  return e;
}

SearchPtr Parser::search_comparison(FieldName field, const Token& op) {
  SearchPtr e = make(SearchExpr::Kind::kCompare, lex_.span(op));
  comparison_of(op, e->comparison);
  e->field = std::move(field);
  SearchValue v;
  if (!search_value(v, "comparison")) return nullptr;
  e->values.push_back(std::move(v));
  return e;
}

SearchPtr Parser::search_in(FieldName field) {
  const Token open = lex_.next(Words::kTerm);
  SearchPtr e = make(SearchExpr::Kind::kCompare, lex_.span(open));
  e->field = std::move(field);
  e->in_list = true;
  for (;;) {
    if (lex_.take(',')) continue;
    if (lex_.take(')')) break;
    SearchValue v;
    if (!search_value(v, "list")) return nullptr;
    e->values.push_back(std::move(v));
  }
  if (e->values.empty()) {
    syntax("IN needs at least one value", open);
    return nullptr;
  }
  return e;
}

bool Parser::search_value(SearchValue& out, const char* after) {
  const Token t = lex_.next(Words::kValue);
  if (t.is_symbol("[")) {
    unsupported("subsearch as a value", lex_.span(t));
    return false;
  }
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
    syntax(std::string("expected a value in this ") + after, t);
    return false;
  }
  out.quoted = t.kind == TokenKind::kString;
  out.raw = t.text;
  out.text = unescape(t.text);
  out.span = lex_.span(t);
  if (out.quoted)
    for (const size_t at : stray_escapes(t.text))
      out.stray.push_back({at, lex_.span(t.begin + 1 + at, t.begin + 1 + at + 2)});
  return true;
}

}  // namespace postern::lang::spl
