// Parser of the text form of expressions used in catalog files: a Pratt parser over a small lexer.
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "plan/expr.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

enum class Token : uint8_t { kEnd, kName, kNumber, kString, kSymbol };

class Parser {
 public:
  Parser(const Source& source, Diagnostics& diag) : text_(source.text), diag_(diag) { next(); }

  OrFailed<ExprPtr> whole() {
    ExprPtr e = expression(0);
    if (!failed_ && token_ != Token::kEnd) fail("unexpected text after the expression");
    if (failed_) return Failed{};
    return e;
  }

 private:
  void fail(const std::string& message) {
    if (!failed_) diag_.error("catalog-expression", message, {begin_, static_cast<uint32_t>(at_)});
    failed_ = true;
    token_ = Token::kEnd;
  }

  static bool name_char(char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '.'; }

  void next() {
    if (failed_) return;
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    begin_ = static_cast<uint32_t>(at_);
    if (at_ >= text_.size()) {
      token_ = Token::kEnd;
      return;
    }
    const char c = text_[at_];
    if (c == '"' || c == '\'') return string(c);
    if (c == '[' && text_.substr(at_, 2) == "['") return quoted_name();
    if (ascii_digit(c)) {
      while (at_ < text_.size() && name_char(text_[at_]))
        ++at_;
      token_ = Token::kNumber;
    } else if (ascii_alpha(c) || c == '_') {
      while (at_ < text_.size() && name_char(text_[at_]))
        ++at_;
      token_ = Token::kName;
    } else {
      const std::string_view two = text_.substr(at_, 2);
      at_ += two == "==" || two == "!=" || two == "<=" || two == ">=" ? 2 : 1;
      token_ = Token::kSymbol;
    }
    value_ = std::string(text_.substr(begin_, at_ - begin_));
  }

  void string(char quote) {
    value_.clear();
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value_ += text_[at_];
    }
    if (at_ >= text_.size()) return fail("string without an end");
    ++at_;
    token_ = Token::kString;
  }

  void quoted_name() {
    const size_t end = text_.find("']", at_);
    if (end == std::string_view::npos) return fail("name without an end");
    value_ = std::string(text_.substr(at_ + 2, end - at_ - 2));
    at_ = end + 2;
    token_ = Token::kName;
  }

  Span span_from(uint32_t begin) const { return {begin, begin_}; }

  struct Infix {
    const char* symbol;
    int power;
    const char* function;
  };

  const Infix* infix() const {
    static constexpr Infix kInfix[] = {
        {"or", 1, "or"}, {"and", 2, "and"}, {"==", 4, "=="}, {"!=", 4, "!="}, {"<", 4, "<"},
        {"<=", 4, "<="}, {">", 4, ">"},     {">=", 4, ">="}, {"in", 4, "in"}, {"+", 5, "+"},
        {"-", 5, "-"},   {"*", 6, "*"},     {"/", 6, "/"}};
    if (token_ != Token::kName && token_ != Token::kSymbol) return nullptr;
    for (const Infix& i : kInfix)
      if (value_ == i.symbol) return &i;
    return nullptr;
  }

  ExprPtr expression(int least) {
    const uint32_t begin = begin_;
    if (++depth_ > 200) fail("expression nested too deep");
    ExprPtr left = primary();
    for (const Infix* op = infix(); !failed_ && op && op->power > least; op = infix()) {
      const std::string function = op->function;
      const int power = op->power;
      next();
      if (function == "in") {
        std::vector<ExprPtr> args = arguments();
        args.insert(args.begin(), left);
        left = call(function, std::move(args), span_from(begin));
      } else {
        ExprPtr right = expression(power);
        left = call(function, {left, right}, span_from(begin));
      }
    }
    --depth_;
    return left;
  }

  std::vector<ExprPtr> arguments() {
    std::vector<ExprPtr> args;
    if (value_ != "(" || token_ != Token::kSymbol) {
      fail("`(` expected");
      return args;
    }
    next();
    while (!failed_ && !(token_ == Token::kSymbol && value_ == ")")) {
      args.push_back(expression(0));
      if (token_ == Token::kSymbol && value_ == ",")
        next();
      else if (!(token_ == Token::kSymbol && value_ == ")"))
        fail("`,` or `)` expected");
    }
    next();
    return args;
  }

  ExprPtr primary() {
    const uint32_t begin = begin_;
    const ExprPtr nothing = literal(Value());
    if (failed_) return nothing;
    const std::string text = value_;
    switch (token_) {
      case Token::kString:
        next();
        return literal(Value::string(text), span_from(begin));
      case Token::kNumber:
        return number();
      case Token::kName: {
        const bool quoted = text_[begin] == '[';
        next();
        if (!quoted && text == "not") return call("not", {expression(3)}, span_from(begin));
        if (!quoted && text == "true") return literal(Value::boolean(true), span_from(begin));
        if (!quoted && text == "false") return literal(Value::boolean(false), span_from(begin));
        if (!quoted && text == "null") return literal(Value(), span_from(begin));
        if (!quoted && token_ == Token::kSymbol && value_ == "(")
          return call(text, arguments(), span_from(begin));
        return column(text, span_from(begin));
      }
      case Token::kSymbol:
        if (text == "(") {
          next();
          ExprPtr e = expression(0);
          if (token_ != Token::kSymbol || value_ != ")")
            fail("`)` expected");
          else
            next();
          return e;
        }
        if (text == "-") {
          next();
          const ExprPtr e = number();
          if (failed_) return nothing;
          if (e->type == Type::kReal) return literal(Value::real(-e->literal.as_real()), e->span);
          return literal(Value::integer(-e->literal.as_int(), e->type), e->span);
        }
        [[fallthrough]];
      case Token::kEnd:
        fail("expression expected");
    }
    return nothing;
  }

  ExprPtr number() {
    const uint32_t begin = begin_;
    const std::string text = value_;
    if (token_ != Token::kNumber) {
      fail("number expected");
      return literal(Value());
    }
    next();
    if (const auto i = parse_int(text)) return literal(Value::integer(*i), span_from(begin));
    if (const auto r = parse_real(text)) return literal(Value::real(*r), span_from(begin));
    if (const auto t = parse_timespan(text)) return literal(Value::timespan(*t), span_from(begin));
    fail("not a number or timespan: " + text);
    return literal(Value());
  }

  std::string_view text_;
  Diagnostics& diag_;
  size_t at_ = 0;
  uint32_t begin_ = 0;
  Token token_ = Token::kEnd;
  std::string value_;
  bool failed_ = false;
  int depth_ = 0;
};

}  // namespace

OrFailed<ExprPtr> parse_expr_text(const Source& source, Diagnostics& diag) {
  return Parser(source, diag).whole();
}

}  // namespace postern::plan
