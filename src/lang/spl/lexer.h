// Words, quoted strings and symbols of expanded search text.
//
// SPL has no one token grammar: what ends a word depends on where it stands. A Lexer therefore
// takes the mode with each request and can be put back to any position. Escapes in double quotes:
// `\"`, `\\` and `\|`; every other sequence stays as written (Splunk Search Reference, search
// command). In the strings of eval `\n`, `\r` and `\t` are characters too. Tests:
// tests/unit/lang/spl/lexer_test.cc.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "lang/spl/ast.h"
#include "lang/spl/expand.h"

namespace postern::lang::spl {

enum class TokenKind : uint8_t { kEnd, kWord, kString, kSymbol, kUnterminated };

/// A piece of the expanded text.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  ///< as written; a string without its quotes, still escaped
  size_t begin = 0;
  size_t end = 0;

  bool is_symbol(std::string_view s) const { return kind == TokenKind::kSymbol && text == s; }
};

enum class Words : uint8_t {
  kTerm,   ///< ends at blanks ( ) [ ] | , " = < > !=
  kValue,  ///< ends at blanks ( ) [ ] | , "
  kEval,   ///< identifiers, numbers, 'quoted fields', operators
};

class Lexer {
 public:
  explicit Lexer(const Expansion& expansion)
      : expansion_(expansion), text_(expansion.text()), end_(text_.size()) {}

  size_t position() const { return at_; }

  void set_position(size_t at) { at_ = at; }

  std::string_view text() const { return text_; }

  void skip_blanks();
  /// Next character that is not blank, 0 at the end.
  char peek();
  /// True at `|`, `]` or the end of the text: the command is over.
  bool at_command_end();
  Token next(Words words);
  Token peek(Words words);
  /// Takes the symbol character if it is next.
  bool take(char symbol);
  /// Takes a whole word, ignoring case, if it is next.
  bool take_word(std::string_view word);
  bool peek_word(std::string_view word);
  /// Goes on to the `|` or `]` that ends this command, over quotes and brackets.
  void skip_command();

  Span span(size_t begin, size_t end) const { return expansion_.span(begin, end); }

  Span span(const Token& t) const { return expansion_.span(t.begin, t.end); }

  const Expansion& expansion() const { return expansion_; }

 private:
  Token symbol(size_t length);
  Token quoted(char quote);
  Token word(Words words);
  Token eval_token();

  const Expansion& expansion_;
  std::string_view text_;
  size_t end_;
  size_t at_ = 0;
};

/// Text of a value of `search` or of a command's argument.
std::string unescape(std::string_view written);
/// Text of a string of `eval`.
std::string unescape_eval(std::string_view written);
/// Backslash sequences that unescape() leaves alone although their author meant an escape: the
/// character after the backslash is punctuation that only regular expressions escape, and the value
/// does not use single backslashes as path separators elsewhere. Positions in `written`.
std::vector<size_t> stray_escapes(std::string_view written);

}  // namespace postern::lang::spl
