// Values of literals, shared by the lexer and the inside of dynamic(...).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "data/value.h"

namespace postern::lang::kql {

/// Bytes of a blank that editors leave behind at the front of `s` (no-break spaces, BOM, zero-width
/// space, U+3000), or 0.
size_t odd_blank(std::string_view s);

/// A string literal that begins at text[at] (prefixes h, H, @ included).
struct StringLiteral {
  bool found = false;  ///< there is a string literal here
  std::string value;
  size_t end = 0;     ///< byte behind it
  std::string error;  ///< not empty: what is wrong at error_at
  size_t error_at = 0;
  std::string hint;
};

StringLiteral scan_string(std::string_view text, size_t at);

/// Number or timespan that begins at text[at] (a digit): `1`, `0x1F`, `1.5`, `1e3`, `2hours`.
struct NumberLiteral {
  bool found = false;  ///< false: a name that begins with a digit
  data::Value value;
  size_t end = 0;
  std::string error;
};

NumberLiteral scan_number(std::string_view text, size_t at);

/// Types whose name before a parenthesis begins a typed literal: "datetime", "time", "guid", …
bool is_literal_type(std::string_view name);

/// Value of `type(inside)`; nullopt when `inside` is no such value. `guid` gives canonical text.
std::optional<data::Value> typed_literal(std::string_view type, std::string_view inside);

/// A literal as a value of another type, as cells of a datatable and defaults of parameters take
/// it: numbers among themselves, strings as what they spell; nullopt when it is none.
std::optional<data::Value> convert_literal(const data::Value& v, data::Type to);

}  // namespace postern::lang::kql
