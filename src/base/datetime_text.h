// Datetimes as people write them in KQL: the literal `datetime(...)` and what todatetime() accepts.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern {

/// Ticks (base/time.h) of a datetime in any spelling that Kusto documents: ISO 8601 with missing
/// parts
/// (`2024`, `2024-01`, `2024-01-02 03:04`), `yyyy/MM/dd`, `MM/dd/yyyy` with AM/PM, RFC 822, RFC 850
/// (`8 Nov 22`, `Saturday, 08-Nov-14 15:05:02 UTC`). An offset is converted to UTC, none means UTC.
/// Nullopt on anything else. Tests: tests/unit/lang/kql/datetime_text_test.cc.
std::optional<int64_t> parse_datetime_text(std::string_view text);

}  // namespace postern
