// Whether a JSON text writes any character by its number (\u0041): then what it says cannot be
// found by looking for its bytes. Tests: tests/unit/match/json_escape_test.cc.
#pragma once
#include <string_view>

namespace postern::match {

/// True for a `\u` whose backslash is not itself escaped.
bool has_unicode_escape(std::string_view json);

}  // namespace postern::match
