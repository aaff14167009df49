// The value of a hex digit. Tests: tests/unit/base/text_test.cc.
#pragma once
#include "base/text.h"

namespace postern {

/// 0 to 15, of either case; -1 for other characters.
inline int hex_digit(char c) {
  if (ascii_digit(c)) return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace postern
