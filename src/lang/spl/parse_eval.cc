// Expressions of `eval`, `where` and `func(eval(…))`.
//
// Tightest first: unary minus; * / %; + - and . (concatenation); comparisons, LIKE, IN; NOT; AND;
// OR; XOR. Word operators ignore case. Function names are checked when lowered (lower_eval.cc).
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {
namespace {

using Op = EvalExpr::Op;

bool is_keyword(const Token& t, std::string_view word) {
  return t.kind == TokenKind::kWord && equal_ignore_case(t.text, word);
}

EvalPtr make(EvalExpr::Kind kind, Span span, std::string text = "") {
  auto e = std::make_unique<EvalExpr>();
  e->kind = kind;
  e->span = span;
  e->text = std::move(text);
  return e;
}

Span around(const EvalExpr& a, const EvalExpr& b) {
  return {a.span.begin, b.span.end};
}

}  // namespace

EvalPtr Parser::eval_expr() {
  const Token t = lex_.peek(Words::kEval);
  if (!enter(lex_.span(t))) return nullptr;
  EvalPtr e = eval_xor();
  leave();
  return e;
}

EvalPtr Parser::eval_chain(Op op, std::vector<EvalPtr> args) {
  if (args.size() == 1) return std::move(args[0]);
  EvalPtr e = make(EvalExpr::Kind::kBinary, around(*args.front(), *args.back()));
  e->op = op;
  e->args = std::move(args);
  return e;
}

EvalPtr Parser::eval_binary(Op op, EvalPtr left, EvalPtr right) {
  std::vector<EvalPtr> args;
  args.push_back(std::move(left));
  args.push_back(std::move(right));
  return eval_chain(op, std::move(args));
}

EvalPtr Parser::eval_xor() {
  EvalPtr left = eval_or();
  size_t n = 0;
  while (left && is_keyword(lex_.peek(Words::kEval), "xor")) {
    const Token t = lex_.next(Words::kEval);
    if (++n > kMaxOperators) {
      error("spl-too-deep", "more than " + std::to_string(kMaxOperators) + " operators in a row",
            lex_.span(t));
      return nullptr;
    }
    EvalPtr right = eval_or();
    if (!right) return nullptr;
    left = eval_binary(Op::kXor, std::move(left), std::move(right));
  }
  return left;
}

EvalPtr Parser::eval_or() {
  std::vector<EvalPtr> args;
  do {
    EvalPtr e = eval_and();
    if (!e) return nullptr;
    args.push_back(std::move(e));
  } while (is_keyword(lex_.peek(Words::kEval), "or") && (lex_.next(Words::kEval), true));
  return eval_chain(Op::kOr, std::move(args));
}

EvalPtr Parser::eval_and() {
  std::vector<EvalPtr> args;
  do {
    EvalPtr e = eval_not();
    if (!e) return nullptr;
    args.push_back(std::move(e));
  } while (is_keyword(lex_.peek(Words::kEval), "and") && (lex_.next(Words::kEval), true));
  return eval_chain(Op::kAnd, std::move(args));
}

EvalPtr Parser::eval_not() {
  const Token t = lex_.peek(Words::kEval);
  if (!is_keyword(t, "not") && !t.is_symbol("!")) return eval_compare();
  lex_.next(Words::kEval);
  if (!enter(lex_.span(t))) return nullptr;
  EvalPtr inner = eval_not();
  leave();
  if (!inner) return nullptr;
  EvalPtr e = make(EvalExpr::Kind::kNot, {lex_.span(t).begin, inner->span.end});
  e->args.push_back(std::move(inner));
  return e;
}

EvalPtr Parser::eval_compare() {
  EvalPtr left = eval_sum();
  if (!left) return nullptr;
  const size_t at = lex_.position();
  const Token t = lex_.next(Words::kEval);
  Op op;
  if (t.is_symbol("=") || t.is_symbol("=="))
    op = Op::kEqual;
  else if (t.is_symbol("!="))
    op = Op::kNotEqual;
  else if (t.is_symbol("<"))
    op = Op::kLess;
  else if (t.is_symbol("<="))
    op = Op::kLessEqual;
  else if (t.is_symbol(">"))
    op = Op::kGreater;
  else if (t.is_symbol(">="))
    op = Op::kGreaterEqual;
  else if (is_keyword(t, "like"))
    op = Op::kLike;
  else if (is_keyword(t, "in"))
    return eval_in(std::move(left));
  else if (is_keyword(t, "not") && is_keyword(lex_.peek(Words::kEval), "in")) {
    lex_.next(Words::kEval);
    EvalPtr in = eval_in(std::move(left));
    if (!in) return nullptr;
    EvalPtr e = make(EvalExpr::Kind::kNot, in->span);
    e->args.push_back(std::move(in));
    return e;
  } else {
    lex_.set_position(at);
    return left;
  }
  EvalPtr right = eval_sum();
  if (!right) return nullptr;
  return eval_binary(op, std::move(left), std::move(right));
}

EvalPtr Parser::eval_in(EvalPtr left) {
  const Token open = lex_.next(Words::kEval);
  if (!open.is_symbol("(")) {
    syntax("expected `(` after IN", open);
    return nullptr;
  }
  EvalPtr e = make(EvalExpr::Kind::kCall, left->span, "in");
  e->args.push_back(std::move(left));
  if (!eval_arguments(e->args)) return nullptr;
  e->span.end = lex_.span(open.begin, lex_.position()).end;
  return e;
}

EvalPtr Parser::eval_sum() {
  EvalPtr left = eval_product();
  size_t n = 0;
  while (left) {
    const Token t = lex_.peek(Words::kEval);
    const bool concat = t.is_symbol(".");
    if (!concat && !t.is_symbol("+") && !t.is_symbol("-")) break;
    lex_.next(Words::kEval);
    EvalPtr right = eval_product();
    if (!right) return nullptr;
    const Op op = concat ? Op::kConcat : t.text == "+" ? Op::kAdd : Op::kSubtract;
    // Concatenations stay flat: rules build command lines of dozens of pieces.
    if (concat && left->kind == EvalExpr::Kind::kBinary && left->op == Op::kConcat) {
      left->span.end = right->span.end;
      left->args.push_back(std::move(right));
      continue;
    }
    if (++n > kMaxOperators) {
      error("spl-too-deep", "more than " + std::to_string(kMaxOperators) + " operators in a row",
            lex_.span(t));
      return nullptr;
    }
    left = eval_binary(op, std::move(left), std::move(right));
  }
  return left;
}

EvalPtr Parser::eval_product() {
  EvalPtr left = eval_unary();
  size_t n = 0;
  while (left) {
    const Token t = lex_.peek(Words::kEval);
    if (!t.is_symbol("*") && !t.is_symbol("/") && !t.is_symbol("%")) break;
    lex_.next(Words::kEval);
    if (++n > kMaxOperators) {
      error("spl-too-deep", "more than " + std::to_string(kMaxOperators) + " operators in a row",
            lex_.span(t));
      return nullptr;
    }
    EvalPtr right = eval_unary();
    if (!right) return nullptr;
    const Op op = t.text == "*" ? Op::kMultiply : t.text == "/" ? Op::kDivide : Op::kModulo;
    left = eval_binary(op, std::move(left), std::move(right));
  }
  return left;
}

EvalPtr Parser::eval_unary() {
  const Token t = lex_.peek(Words::kEval);
  if (!t.is_symbol("-") && !t.is_symbol("+")) return eval_primary();
  lex_.next(Words::kEval);
  if (!enter(lex_.span(t))) return nullptr;
  EvalPtr inner = eval_unary();
  leave();
  if (!inner || t.text == "+") return inner;
  EvalPtr e = make(EvalExpr::Kind::kNegate, {lex_.span(t).begin, inner->span.end});
  e->args.push_back(std::move(inner));
  return e;
}

EvalPtr Parser::eval_primary() {
  const Token t = lex_.next(Words::kEval);
  const Span span = lex_.span(t);
  if (t.is_symbol("(")) {
    EvalPtr e = eval_expr();
    if (e && !lex_.take(')')) {
      syntax("this parenthesis is never closed", t);
      return nullptr;
    }
    if (e) e->span = lex_.span(t.begin, lex_.position());
    return e;
  }
  if (t.is_symbol("[")) {
    unsupported("subsearch in an expression", span);
    return nullptr;
  }
  if (t.kind == TokenKind::kString) {
    if (lex_.text()[t.begin] != '\'')
      return make(EvalExpr::Kind::kString, span, unescape_eval(t.text));
    EvalPtr e = make(EvalExpr::Kind::kField, span, std::string(t.text));
    e->quoted = true;
    return e;
  }
  if (t.kind != TokenKind::kWord) {
    if (t.kind == TokenKind::kEnd || t.is_symbol("|") || t.is_symbol("]") || t.is_symbol(")"))
      syntax("expected a value", t);
    else if (t.kind != TokenKind::kUnterminated)
      syntax("unexpected `" + std::string(t.text) + "`", t,
             t.text == "{" || t.text == "$" ? "a field with such a name needs single quotes" : "");
    else
      syntax("", t);
    return nullptr;
  }
  if (ascii_digit(t.text[0]) || t.text[0] == '.') {
    if (parse_real(t.text)) return make(EvalExpr::Kind::kNumber, span, std::string(t.text));
    error("spl-syntax", "not a number: " + std::string(t.text), span, "",
          "a field whose name begins with a digit needs single quotes");
    return nullptr;
  }
  if (lex_.peek() == '(') {
    lex_.take('(');
    EvalPtr e = make(EvalExpr::Kind::kCall, span);
    for (const char c : t.text)
      e->text += ascii_lower(c);
    if (!enter(span)) return nullptr;
    const bool ok = eval_arguments(e->args);
    leave();
    if (!ok) return nullptr;
    e->span = lex_.span(t.begin, lex_.position());
    return e;
  }
  for (const char* word : {"and", "or", "xor", "like", "in", "not"}) {
    if (!is_keyword(t, word)) continue;
    syntax("expected a value before `" + std::string(t.text) + "`", t);
    return nullptr;
  }
  // The names of Microsoft's and the clouds' JSON fields hold `{}`; eval wants such names quoted.
  if (lex_.position() < lex_.text().size() && lex_.text()[lex_.position()] == '{') {
    error("spl-syntax", "unexpected `{`", lex_.span(lex_.position(), lex_.position() + 1), "",
          "a field with such a name needs single quotes");
    return nullptr;
  }
  return make(EvalExpr::Kind::kField, span, std::string(t.text));
}

// After the opening parenthesis, up to and with the closing one.
bool Parser::eval_arguments(std::vector<EvalPtr>& out) {
  if (lex_.take(')')) return true;
  for (;;) {
    EvalPtr e = eval_expr();
    if (!e) return false;
    out.push_back(std::move(e));
    if (lex_.take(',')) continue;
    if (lex_.take(')')) return true;
    const Token t = lex_.next(Words::kEval);
    syntax(t.kind == TokenKind::kEnd ? "expected `)`"
                                     : "expected `,` or `)` before `" + std::string(t.text) + "`",
           t);
    return false;
  }
}

}  // namespace postern::lang::spl
