// The inside of `dynamic(...)`: JSON whose leaves may also be Kusto literals.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace postern::lang::kql {

/// What a dynamic literal reads as.
struct DynamicLiteral {
  std::optional<std::string> encoded;  ///< as data/dynamic.h; nothing when malformed
  size_t error_at = 0;                 ///< byte of the text where it went wrong
  std::string error;
};

/// Parses the text between the parentheses of `dynamic(...)`. Strings may be in single or double
/// quotes, leaves may be typed literals (`datetime(2020-01-01)`, `time(1d)`, `1d`, nested
/// `dynamic(...)`); object keys must be quoted, no trailing commas. At most 100 levels.
DynamicLiteral parse_dynamic_literal(std::string_view text);

}  // namespace postern::lang::kql
