// Escapes of JSON strings (RFC 8259, section 7) resolved into plain text.
//
// Paths of Windows are full of backslashes, so this is a good part of reading a log: with SSSE3,
// sixteen bytes a step, whatever of them are escapes; every machine can do eight a step up to the
// next backslash. Tests: tests/unit/input/json_unescape_test.cc holds both against each other.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/arena.h"

namespace postern::input::json {

/// Bytes that the fast way may read behind a string and write behind what it is asked for.
inline constexpr size_t kUnescapeSlack = 16;

/// Resolves the escapes of a JSON string (without its quotes) into `out`, which has room for
/// raw.size() bytes; gives the length. Lone surrogates become U+FFFD; a broken escape is kept as
/// written. So the length is that of `raw` only if nothing was escaped.
size_t unescape(std::string_view raw, char* out);

/// The same where kUnescapeSlack bytes behind `raw` can be read, and written behind `out`.
size_t unescape_with_slack(std::string_view raw, char* out);

inline void append_unescaped(std::string& out, std::string_view raw) {
  const size_t before = out.size();
  out.resize(before + raw.size());
  out.resize(before + unescape(raw, out.data() + before));
}

/// Eight bytes at a time: most values are too short for a call to pay.
inline bool has_escape(std::string_view raw) {
  constexpr size_t kWord = sizeof(uint64_t);
  constexpr uint64_t kOnes = 0x0101010101010101U;
  const auto holds = [](uint64_t word) {
    const uint64_t x = word ^ (kOnes * '\\');
    return ((x - kOnes) & ~x & (kOnes << 7)) != 0;
  };
  const auto load = [&](size_t at) {
    uint64_t word = 0;
    std::memcpy(&word, raw.data() + at, kWord);
    return word;
  };
  size_t at = 0;
  for (; at + kWord <= raw.size(); at += kWord)
    if (holds(load(at))) return true;
  if (at >= kWord) return at < raw.size() && holds(load(raw.size() - kWord));
  for (; at < raw.size(); ++at)
    if (raw[at] == '\\') return true;
  return false;
}

/// The value of a string item: its text when nothing is escaped, else unescaped in `scratch`.
inline std::string_view unescaped(std::string_view raw, std::string& scratch) {
  if (!has_escape(raw)) return raw;
  scratch.clear();
  append_unescaped(scratch, raw);
  return scratch;
}

/// The faster of both for a part of `text`, all of which can be read; `out` has room for
/// kUnescapeSlack bytes more.
inline size_t unescape_within(std::string_view raw, std::string_view text, char* out) {
  const std::ptrdiff_t behind = (text.data() + text.size()) - (raw.data() + raw.size());
  return behind >= std::ptrdiff_t{kUnescapeSlack} ? unescape_with_slack(raw, out)
                                                  : unescape(raw, out);
}

/// The value of a string as unescaped() gives it, but in `arena`. `text`: what `raw` is a part of.
inline std::string_view unescaped(std::string_view raw, std::string_view text, Arena& arena) {
  if (!has_escape(raw)) return raw;
  char* const to = arena.allocate(raw.size() + kUnescapeSlack);
  return {to, unescape_within(raw, text, to)};
}

}  // namespace postern::input::json
