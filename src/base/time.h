// Points in time and spans of time, as every language of postern sees them: 100-ns ticks, UTC.
//
// A datetime is a count of ticks since 0001-01-01T00:00:00Z (proleptic Gregorian), a timespan is a
// count of ticks; both are plain int64 so that they live in columns (Kusto scalar data types
// `datetime` and `timespan`). Tests: tests/unit/base/time_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

inline constexpr int64_t kTicksPerMicrosecond = 10;
inline constexpr int64_t kTicksPerMillisecond = 10'000;
inline constexpr int64_t kTicksPerSecond = 10'000'000;
inline constexpr int64_t kTicksPerMinute = 60 * kTicksPerSecond;
inline constexpr int64_t kTicksPerHour = 60 * kTicksPerMinute;
inline constexpr int64_t kTicksPerDay = 24 * kTicksPerHour;
/// 1970-01-01T00:00:00Z and 1601-01-01T00:00:00Z (FILETIME 0) in ticks.
inline constexpr int64_t kUnixEpochTicks = 621'355'968'000'000'000;
inline constexpr int64_t kFiletimeEpochTicks = 504'911'232'000'000'000;
/// Last valid tick, 9999-12-31T23:59:59.9999999Z.
inline constexpr int64_t kMaxTicks = 3'155'378'975'999'999'999;

/// A calendar point: month 1-12, day 1-31, ticks within the second 0-9,999,999.
struct CivilTime {
  int year = 1;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t sub_ticks = 0;
};

/// Ticks of a calendar point; nullopt when a part is out of range (leap seconds become :59).
std::optional<int64_t> ticks_from_civil(const CivilTime& c);
CivilTime civil_from_ticks(int64_t ticks);

/// Ticks from seconds since 1970 with fraction given in nanoseconds (truncated to 100 ns).
int64_t ticks_from_unix(int64_t seconds, int64_t nanoseconds = 0);
/// "1604996384.965" or "1543877987.381899" exactly, without passing through a double.
std::optional<int64_t> ticks_from_unix_text(std::string_view text);

/// RFC 3339 / ISO 8601 with 'T', 't' or blank between date and time, 0-9 fraction digits, offset
/// `Z`,
/// `+hh:mm`, `+hhmm` or none (= UTC), also without seconds, or a date alone. Nullopt on anything
/// else.
std::optional<int64_t> parse_rfc3339(std::string_view text);

/// "2026-11-20T10:00:00.123Z": fraction of 3 digits, or 7 where needed, none when zero.
std::string format_rfc3339(int64_t ticks);
/// Kusto `tostring(datetime)`: "2020-01-01T00:00:00.0000000Z".
std::string format_datetime_kusto(int64_t ticks);
/// Kusto `tostring(timespan)`: "1.00:00:00", "00:00:01.5000000".
std::string format_timespan(int64_t ticks);
/// Kusto timespan text "[-][d.]hh:mm[:ss[.fffffff]]"; also "24h", "5m", "1.5d", "30 seconds".
std::optional<int64_t> parse_timespan(std::string_view text);

/// Wall clock in ticks; the only place in the tree that reads it.
int64_t wall_clock_ticks();

}  // namespace postern
