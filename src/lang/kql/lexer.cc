// One pass over the text; a fault gives a diagnostic and a token that stands for the intended
// thing.
#include "lang/kql/lexer.h"

#include <limits>

#include "base/text.h"
#include "lang/kql/dynamic_literal.h"
#include "lang/kql/literal.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

namespace {

bool name_start(char c) {
  return ascii_alpha(c) || c == '_' || c == '$';
}

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

/// Words that `!` may stand before, and that end in `~`.
bool negatable(std::string_view word) {
  for (const std::string_view w :
       {"in", "has", "has_cs", "contains", "contains_cs", "startswith", "startswith_cs", "endswith",
        "endswith_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "between"})
    if (w == word) return true;
  return false;
}

class Lexer {
 public:
  Lexer(const TextMap& map, Diagnostics& diag) : map_(map), s_(map.text()), diag_(diag) {}

  std::vector<Token> run() {
    while (skip_blanks())
      token();
    emit(TokenKind::kEnd, s_.size(), s_.size());
    return std::move(tokens_);
  }

 private:
  bool skip_blanks() {
    while (at_ < s_.size()) {
      if (ascii_space(s_[at_]))
        ++at_;
      else if (const size_t blank = odd_blank(s_.substr(at_)))
        at_ += blank;
      else if (s_.substr(at_, 2) == "//")
        skip_line();
      else if (s_[at_] == '#' && (at_ == 0 || s_[at_ - 1] == '\n'))
        skip_line();  // directives of Kusto's clients
      else
        return true;
    }
    return false;
  }

  void skip_line() { at_ = std::min(s_.find('\n', at_), s_.size()); }

  Token& emit(TokenKind kind, size_t begin, size_t end) {
    Token t;
    t.kind = kind;
    t.begin = static_cast<uint32_t>(begin);
    t.end = static_cast<uint32_t>(end);
    t.span = map_.span(begin, end);
    t.text = s_.substr(begin, end - begin);
    tokens_.push_back(std::move(t));
    at_ = end;
    return tokens_.back();
  }

  void token() {
    const char c = s_[at_];
    if (const StringLiteral string = scan_string(s_, at_); string.found)
      return string_token(string);
    if (ascii_digit(c)) return number_or_name();
    if (name_start(c)) return name();
    if (c == '!' && at_ + 1 < s_.size() && ascii_alpha(s_[at_ + 1])) return negation();
    for (const std::string_view two : {"==", "!=", "=~", "!~", "<=", ">=", "<>", "..", "=>"})
      if (s_.substr(at_, 2) == two) {
        emit(TokenKind::kPunctuation, at_, at_ + 2);
        return;
      }
    if (std::string_view("()[]{}|,;:.=<>+-*/%").find(c) != std::string_view::npos) {
      emit(TokenKind::kPunctuation, at_, at_ + 1);
      return;
    }
    unexpected();
  }

  void unexpected() {
    const size_t begin = at_;
    size_t end = at_;
    const char32_t c = next_code_point(s_, end);
    const bool quote = c == U'\u201C' || c == U'\u201D' || c == U'\u2018' || c == U'\u2019';
    diag_.error("kql-syntax", "unexpected character: " + std::string(s_.substr(begin, end - begin)),
                map_.span(begin, end), "", quote ? "use the straight quotes \" or '" : "");
    at_ = end;
  }

  void string_token(const StringLiteral& string) {
    const size_t begin = at_;
    Token& t = emit(TokenKind::kString, begin, string.end);
    t.value = Value::string(string.value);
    if (string.error.empty()) return;
    t.bad = true;
    const size_t caret_end =
        string.error_at == begin ? string.end : std::min(string.error_at + 2, string.end);
    diag_.error("kql-bad-string", string.error, map_.span(string.error_at, caret_end), "",
                string.hint);
  }

  void number_or_name() {
    const size_t begin = at_;
    const NumberLiteral n = scan_number(s_, begin);
    if (!n.found) {
      // Names may begin with a digit: `1us` is one.
      size_t end = begin;
      while (end < s_.size() && name_char(s_[end]))
        ++end;
      emit(TokenKind::kName, begin, end);
      return;
    }
    Token& t = emit(TokenKind::kLiteral, begin, n.end);
    t.value = n.value;
    if (n.error.empty()) return;
    // The magnitude of the least long only makes sense behind a minus sign, which the parser sees.
    if (t.text == "9223372036854775808" && tokens_.size() > 1 &&
        tokens_[tokens_.size() - 2].is("-")) {
      t.value = Value::integer(std::numeric_limits<int64_t>::min());
      return;
    }
    t.bad = true;
    t.value = Value::integer(0);
    diag_.error("kql-bad-literal", n.error, t.span);
  }

  void negation() {
    size_t end = at_ + 1;
    while (end < s_.size() && name_char(s_[end]))
      ++end;
    const std::string_view word = s_.substr(at_ + 1, end - at_ - 1);
    if (!negatable(word)) {
      diag_.error("kql-syntax", "`!` cannot stand before `" + std::string(word) + "`",
                  map_.span(at_, at_ + 1), "", "negate with not(...)");
      ++at_;
      return;
    }
    if (word == "in" && end < s_.size() && s_[end] == '~') ++end;
    emit(TokenKind::kPunctuation, at_, end);
  }

  void name() {
    const size_t begin = at_;
    size_t end = at_ + 1;
    while (end < s_.size() && name_char(s_[end]))
      ++end;
    const std::string_view word = s_.substr(begin, end - begin);
    if (word == "in" && end < s_.size() && s_[end] == '~') {
      emit(TokenKind::kPunctuation, begin, end + 1);
      return;
    }
    if (word == "true" || word == "false" || word == "True" || word == "False" || word == "TRUE" ||
        word == "FALSE") {
      emit(TokenKind::kLiteral, begin, end).value = Value::boolean((word[0] | 32) == 't');
      return;
    }
    if ((word == "dynamic" || is_literal_type(word)) && typed(begin, end, word)) return;
    emit(TokenKind::kName, begin, end);
  }

  /// `type(inside)` as one token; false when no parenthesis follows, or this is no place for a
  /// literal.
  bool typed(size_t begin, size_t name_end, std::string_view type) {
    size_t open = name_end;
    while (open < s_.size() && ascii_space(s_[open]))
      ++open;
    if (open >= s_.size() || s_[open] != '(') return false;
    // `x:dynamic (…)`: a type behind a colon is a declaration.
    if (!tokens_.empty() && tokens_.back().is(":")) return false;
    const size_t close = closing_parenthesis(open);
    const std::string_view inside = s_.substr(open + 1, close - open - 1);
    const size_t end = std::min(close + 1, s_.size());
    Token& t = emit(type == "dynamic" ? TokenKind::kDynamic : TokenKind::kLiteral, begin, end);
    if (close >= s_.size()) {
      t.bad = true;
      t.value = Value::null(Type::kDynamic);
      diag_.error("kql-syntax", "`(` without `)`", map_.span(open, open + 1));
      return true;
    }
    if (type == "dynamic")
      dynamic(t, open + 1, inside);
    else
      scalar(t, type, inside);
    return true;
  }

  void dynamic(Token& t, size_t from, std::string_view inside) {
    DynamicLiteral literal = parse_dynamic_literal(inside);
    if (literal.encoded) {
      t.value = trim(inside) == "null" ? Value::null(Type::kDynamic)
                                       : Value::dynamic(std::move(*literal.encoded));
      return;
    }
    t.bad = true;
    t.value = Value::null(Type::kDynamic);
    const size_t at = from + std::min(literal.error_at, inside.size());
    diag_.error("kql-bad-dynamic", literal.error, map_.span(at, at + 1));
  }

  void scalar(Token& t, std::string_view type, std::string_view inside) {
    if (const std::optional<Value> v = typed_literal(type, inside)) {
      t.value = *v;
      return;
    }
    t.bad = true;
    t.value = Value::null(Type::kReal);
    if (type == "decimal") {
      diag_.error("kql-unsupported", "decimal numbers are not supported", t.span, "",
                  "use real(...)");
      return;
    }
    diag_.error("kql-bad-literal", "not a " + std::string(type) + ": " + std::string(trim(inside)),
                t.span);
  }

  size_t closing_parenthesis(size_t open) const {
    int depth = 0;
    for (size_t i = open; i < s_.size(); ++i) {
      if (const StringLiteral string = scan_string(s_, i); string.found) {
        i = string.end - 1;
        continue;
      }
      if (s_.substr(i, 2) == "//") {
        i = std::min(s_.find('\n', i), s_.size());
        continue;
      }
      if (s_[i] == '(') ++depth;
      if (s_[i] == ')' && --depth == 0) return i;
    }
    return s_.size();
  }

  const TextMap& map_;
  std::string_view s_;
  Diagnostics& diag_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(const TextMap& map, Diagnostics& diag) {
  return Lexer(map, diag).run();
}

}  // namespace postern::lang::kql
