// Whether a JSON text writes any character by its number (\u0041): then what it says cannot be
// found by looking for its bytes. Tests: tests/unit/match/json_escape_test.cc.
#pragma once
#include <cstddef>
#include <string_view>

namespace postern::match {

/// True for a `\u` whose backslash is not itself escaped.
bool has_unicode_escape(std::string_view json);

/// Whether the backslash at `at` begins an escape: those before it come in pairs.
bool begins_escape(std::string_view json, size_t at);

}  // namespace postern::match
