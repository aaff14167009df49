// Tokens of KQL text.
//
// The lexer knows what the grammar cannot see: literals of all spellings (strings with escapes,
// verbatim, obfuscated and multi-line; numbers; timespans; typed literals such as
// `datetime(2024-01-02)`, whose inside is no expression), and comments. Keywords are names; the
// parser decides by place. Source: Kusto documentation (scalar data types, identifiers). Tests:
// tests/unit/lang/kql/lexer_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "data/value.h"
#include "lang/kql/text_map.h"

namespace postern::lang::kql {

enum class TokenKind : uint8_t {
  kEnd,
  kName,         ///< identifier or keyword; also `$left`
  kLiteral,      ///< number, timespan, typed literal, `true`/`false`: see value
  kString,       ///< one string literal: see value (adjacent ones are joined by the parser)
  kDynamic,      ///< `dynamic(...)`: value holds the encoded data
  kPunctuation,  ///< operators and brackets, as written; `!` with its word: `!in~`, `!has`
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Span span;           ///< in the file
  uint32_t begin = 0;  ///< in the query's text
  uint32_t end = 0;
  std::string_view text;  ///< as written
  data::Value value;
  bool bad = false;  ///< a diagnostic was given; the token stands for something of its kind

  bool is(std::string_view t) const {
    return (kind == TokenKind::kName || kind == TokenKind::kPunctuation) && text == t;
  }
};

/// All tokens of a text, the last one kEnd. Faults are diagnosed (`kql-syntax`, `kql-bad-literal`)
/// and lexing goes on behind them.
std::vector<Token> tokenize(const TextMap& map, Diagnostics& diag);

}  // namespace postern::lang::kql
