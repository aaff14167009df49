// Texts that are numbers, for tests that compare texts with numbers by value.
// Tests: tests/unit/exec/shared_filter_test.cc, row_gate_test.cc.
#pragma once
#include <optional>
#include <string_view>

#include "base/text.h"

namespace postern::exec {

/// The number that a text is written as, when it is one.
inline std::optional<double> number_of(std::string_view text) {
  const std::string_view s = trim(text);
  if (s.empty() || !(ascii_digit(s[0]) || s[0] == '-' || s[0] == '+' || s[0] == '.'))
    return std::nullopt;
  if (const auto i = parse_int(s)) return static_cast<double>(*i);
  return parse_real(s);
}

}  // namespace postern::exec
