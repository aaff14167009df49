// Times as logs write them, besides RFC 3339. Tests: tests/unit/input/time_field_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::input {

/// A count since 1970, with or without fraction: seconds, or by its size milli-, micro- or
/// nanoseconds.
std::optional<int64_t> time_from_epoch(std::string_view number);

/// "10/25/2023, 9:43:21.990 AM", the US form of portal exports; fraction and comma are optional.
std::optional<int64_t> time_from_us_text(std::string_view text);

/// Any of the forms above, or RFC 3339; nullopt for all else.
std::optional<int64_t> time_from_text(std::string_view text);

}  // namespace postern::input
