// Case folding, UTF-8 and number text: the primitives that string semantics of all languages share.
//
// ASCII is the fast path everywhere; non-ASCII goes through simple (one to one) Unicode case
// folding (CaseFolding.txt, status C and S) for Latin, Greek, Cyrillic, Armenian, Georgian and
// full-width letters. Tests: tests/unit/base/text_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern {

inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

inline bool ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

inline bool ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

inline bool ascii_alpha(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}

bool is_ascii(std::string_view s);

/// Decodes one code point at s[at] and advances; malformed bytes give U+FFFD and advance by one.
char32_t next_code_point(std::string_view s, size_t& at);
void append_utf8(std::string& out, char32_t c);
/// True when `s` is well-formed UTF-8 (no surrogates, no overlong forms).
bool valid_utf8(std::string_view s);
/// Copy of `s` with every malformed byte replaced by U+FFFD.
std::string repair_utf8(std::string_view s);
/// UTF-16LE code units to UTF-8; lone surrogates become U+FFFD.
void append_utf16le(std::string& out, std::string_view utf16);

/// Simple case folding of one code point.
char32_t fold(char32_t c);
/// Simple case folding of a whole string.
std::string fold(std::string_view s);
/// The same into `out`, whose room is used again.
void fold(std::string_view s, std::string& out);
/// Letter or digit in the Unicode sense used by Kusto terms.
bool is_alnum(char32_t c);

bool equal_ignore_case(std::string_view a, std::string_view b);
bool starts_with_ignore_case(std::string_view s, std::string_view prefix);
bool ends_with_ignore_case(std::string_view s, std::string_view suffix);
/// Byte position of the first match of `needle` at or after `from`, or npos.
size_t find_ignore_case(std::string_view s, std::string_view needle, size_t from = 0);

std::string_view trim(std::string_view s);
std::vector<std::string_view> split(std::string_view s, char separator);

/// The number that plain digits are, as nearly all numbers in logs come. False for all else, also
/// for more digits than always fit: parse_int() knows.
inline bool parse_digits(std::string_view s, int64_t& v) {
  constexpr size_t kMostDigits = 18;
  if (s.empty() || s.size() > kMostDigits) return false;
  int64_t n = 0;
  for (const char c : s) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return false;
    n = n * 10 + digit;
  }
  v = n;
  return true;
}

/// Whole-text integer, decimal, optional sign; nullopt on anything else or overflow.
std::optional<int64_t> parse_int(std::string_view s);
/// Whole-text decimal or scientific number; nullopt on anything else ("inf", "nan", hex included).
std::optional<double> parse_real(std::string_view s);

/// A size in bytes: "5MB" is five million bytes, "5MiB" 5 x 2^20; B may be left out.
std::optional<int64_t> parse_size(std::string_view s);
/// Shortest text that reads back as the same double; "1" for 1.0 (callers add ".0" where wanted).
std::string real_text(double v);
/// Lower-case hex of bytes.
std::string hex(std::string_view bytes);
/// A number of bytes for people: "34 kB", "1.2 GB".
std::string bytes_text(uint64_t n);

/// Nearest of `names` to `word` by edit distance ignoring case (at most a third of its length
/// away), or "" when none is near: the "did you mean" of every diagnostic.
std::string nearest_name(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace postern
