#include "lang/spl/lexer.h"

#include <algorithm>

#include "base/text.h"

namespace postern::lang::spl {
namespace {

bool word_end(std::string_view s, size_t at, Words words) {
  switch (s[at]) {
    case '(':
    case ')':
    case '[':
    case ']':
    case '|':
    case ',':
    case '"':
      return true;
    case '=':
    case '<':
    case '>':
      return words == Words::kTerm;
    case '!':
      return words == Words::kTerm && at + 1 < s.size() && s[at + 1] == '=';
    default:
      return ascii_space(s[at]);
  }
}

bool identifier_char(char c) {
  // Bytes of UTF-8 letters belong to identifiers; SPL field names are any text.
  return ascii_alpha(c) || ascii_digit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

std::string unescape_with(std::string_view written, bool eval) {
  std::string out;
  out.reserve(written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\' || i + 1 == written.size()) {
      out += written[i];
      continue;
    }
    const char next = written[i + 1];
    if (next == '"' || next == '\\' || (next == '|' && !eval)) {
      out += next;
      ++i;
    } else if (eval && (next == 'n' || next == 'r' || next == 't')) {
      out += next == 'n' ? '\n' : next == 'r' ? '\r' : '\t';
      ++i;
    } else {
      out += '\\';
    }
  }
  return out;
}

}  // namespace

void Lexer::skip_blanks() {
  while (at_ < end_ && ascii_space(text_[at_]))
    ++at_;
}

char Lexer::peek() {
  skip_blanks();
  return at_ < end_ ? text_[at_] : '\0';
}

bool Lexer::at_command_end() {
  const char c = peek();
  return at_ >= end_ || c == '|' || c == ']';
}

bool Lexer::take(char symbol) {
  if (peek() != symbol || at_ >= end_) return false;
  ++at_;
  return true;
}

Token Lexer::peek(Words words) {
  const size_t at = at_;
  const Token t = next(words);
  at_ = at;
  return t;
}

bool Lexer::peek_word(std::string_view word) {
  const Token t = peek(Words::kTerm);
  return t.kind == TokenKind::kWord && equal_ignore_case(t.text, word);
}

bool Lexer::take_word(std::string_view word) {
  if (!peek_word(word)) return false;
  next(Words::kTerm);
  return true;
}

Token Lexer::symbol(size_t length) {
  Token t{TokenKind::kSymbol, text_.substr(at_, length), at_, at_ + length};
  at_ += length;
  return t;
}

Token Lexer::quoted(char quote) {
  const size_t begin = at_;
  for (size_t i = at_ + 1; i < end_; ++i) {
    if (text_[i] == '\\' && quote == '"')
      ++i;
    else if (text_[i] == quote) {
      at_ = i + 1;
      return {TokenKind::kString, text_.substr(begin + 1, i - begin - 1), begin, at_};
    }
  }
  at_ = end_;
  return {TokenKind::kUnterminated, text_.substr(begin), begin, begin + 1};
}

Token Lexer::word(Words words) {
  const size_t begin = at_;
  while (at_ < end_ && !word_end(text_, at_, words)) {
    // A backslash takes the next character with it, so that `\"` and `\|` do not end the word.
    if (text_[at_] == '\\' && at_ + 1 < end_ && !ascii_space(text_[at_ + 1])) ++at_;
    ++at_;
  }
  return {TokenKind::kWord, text_.substr(begin, at_ - begin), begin, at_};
}

Token Lexer::next(Words words) {
  skip_blanks();
  if (at_ >= end_) return {TokenKind::kEnd, {}, end_, end_};
  if (words == Words::kEval) return eval_token();
  const char c = text_[at_];
  if (c == '"') return quoted('"');
  if (!word_end(text_, at_, words)) return word(words);
  const bool equals = at_ + 1 < end_ && text_[at_ + 1] == '=';
  return symbol(equals && (c == '!' || c == '<' || c == '>' || c == '=') ? 2 : 1);
}

Token Lexer::eval_token() {
  const char c = text_[at_];
  if (c == '"') return quoted('"');
  if (c == '\'') {
    // The kind tells a quoted field from a string by the quote still at text().begin() - 1.
    return quoted('\'');
  }
  const bool number = ascii_digit(c) || (c == '.' && at_ + 1 < end_ && ascii_digit(text_[at_ + 1]));
  if (number) {
    const size_t begin = at_;
    while (at_ < end_ && ascii_digit(text_[at_]))
      ++at_;
    if (at_ + 1 < end_ && text_[at_] == '.' && ascii_digit(text_[at_ + 1])) {
      ++at_;
      while (at_ < end_ && ascii_digit(text_[at_]))
        ++at_;
    }
    if (at_ + 1 < end_ && (text_[at_] | 32) == 'e' &&
        (ascii_digit(text_[at_ + 1]) ||
         (at_ + 2 < end_ && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+') &&
          ascii_digit(text_[at_ + 2])))) {
      at_ += 2;
      while (at_ < end_ && ascii_digit(text_[at_]))
        ++at_;
    }
    // "4688x" and "0x1F" are one word that is no number; the parser says so.
    while (at_ < end_ && identifier_char(text_[at_]))
      ++at_;
    return {TokenKind::kWord, text_.substr(begin, at_ - begin), begin, at_};
  }
  if (identifier_char(c)) {
    const size_t begin = at_;
    while (at_ < end_ && identifier_char(text_[at_]))
      ++at_;
    return {TokenKind::kWord, text_.substr(begin, at_ - begin), begin, at_};
  }
  const bool equals = at_ + 1 < end_ && text_[at_ + 1] == '=';
  return symbol(equals && (c == '!' || c == '<' || c == '>' || c == '=') ? 2 : 1);
}

void Lexer::skip_command() {
  int depth = 0;
  while (at_ < end_) {
    const char c = text_[at_];
    if (c == '"') {
      quoted('"');
      continue;
    }
    if (c == '\\' && at_ + 1 < end_) {
      at_ += 2;
      continue;
    }
    if (c == '[') ++depth;
    if (c == ']' && --depth < 0) return;
    if (c == '|' && depth == 0) return;
    ++at_;
  }
}

std::string unescape(std::string_view written) {
  return unescape_with(written, false);
}

std::string unescape_eval(std::string_view written) {
  return unescape_with(written, true);
}

std::vector<size_t> stray_escapes(std::string_view written) {
  // What regular expressions escape. The first kind starts no file name, so that a backslash before
  // one is always meant as an escape; the second may: `\(Default)`, `\$Recycle.Bin`, `\.ssh`,
  // `\{guid}`. Others are left in peace: `\!` is a command of mysql, `\%TEMP%` and `\_x` are paths.
  constexpr std::string_view kNeverStartsName = ")]}+?^/:<>=,;";
  constexpr std::string_view kMayStartName = "([{.$-";
  std::vector<size_t> out;
  std::vector<size_t> unsure;
  bool single_separator = false;
  for (size_t i = 0; i + 1 < written.size(); ++i) {
    if (written[i] != '\\') continue;
    const char next = written[i + 1];
    if (kNeverStartsName.find(next) != std::string_view::npos) {
      out.push_back(i);
    } else if (kMayStartName.find(next) != std::string_view::npos) {
      unsure.push_back(i);
    } else if (ascii_alpha(next) || ascii_digit(next) || next == ' ') {
      // `\d+`, `\w+`, `\s+` is a regular expression; `\system32` a path written with single
      // backslashes.
      const bool regex_class =
          i + 2 < written.size() && written[i + 2] == '+' &&
          (next == 'd' || next == 'w' || next == 's' || next == 'S' || next == 'W' || next == 'D');
      if (regex_class)
        out.push_back(i);
      else
        single_separator = true;
    }
    ++i;
  }
  // A value that writes its separators as `\\` (or has none) has no other use for a single
  // backslash.
  if (!single_separator) out.insert(out.end(), unsure.begin(), unsure.end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace postern::lang::spl
