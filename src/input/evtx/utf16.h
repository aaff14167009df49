// UTF-16LE to UTF-8 for the values of a record: the hottest loop of the decoder.
//
// Nearly all values are ASCII, so sixteen units are narrowed at a time while nothing above 0x7F is
// seen; the rest goes through the general converter. Lone surrogates become U+FFFD.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/arena.h"

namespace postern::input::evtx {

/// Without trailing NUL units (writers often count the terminator) and without an odd last byte.
std::string_view trim_utf16(std::string_view utf16);

/// UTF-8 text of `utf16`, in the arena.
std::string_view utf8_in_arena(Arena& arena, std::string_view utf16);
/// Appends the UTF-8 text of `utf16`.
void append_utf8_from_utf16(std::string& out, std::string_view utf16);

/// What narrow_to_search may write behind the units.
inline constexpr size_t kNarrowedMore = 16;

/// What the bytes do not show of the units, and rarely of what lies behind them.
struct Narrowed {
  bool folds = false;   ///< one is a character that folds to a letter of ASCII
  bool beyond = false;  ///< one is no ASCII
};

/// Writes a byte for each unit: ASCII as it is, all else as a byte that is no ASCII or NUL. May
/// read on until `stop` and write kNarrowedMore bytes more.
Narrowed narrow_to_search(const char* in, size_t units, const char* stop, char* out);

}  // namespace postern::input::evtx
