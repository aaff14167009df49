#include "input/time_field.h"

#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "base/time.h"

namespace postern::input {
namespace {

/// Takes a decimal number of 1 to `max_digits` digits from the front.
std::optional<int> take_number(std::string_view& s, size_t max_digits) {
  size_t n = 0;
  int v = 0;
  while (n < s.size() && n < max_digits && ascii_digit(s[n]))
    v = v * 10 + (s[n++] - '0');
  if (n == 0) return std::nullopt;
  s.remove_prefix(n);
  return v;
}

bool take(std::string_view& s, char c) {
  if (s.empty() || s[0] != c) return false;
  s.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<int64_t> time_from_epoch(std::string_view number) {
  if (number.find_first_of("eE") != std::string_view::npos) {
    const auto real = parse_real(number);
    if (!real || !(*real > -1e10 && *real < 1e11)) return std::nullopt;
    // A double of this size tells microseconds, no more.
    return kUnixEpochTicks + std::llround(*real * 1e6) * kTicksPerMicrosecond;
  }
  const auto whole = parse_int(number.substr(0, number.find('.')));
  if (!whole) return std::nullopt;
  // 1e11 seconds is the year 5138, 1e11 milliseconds is 1973: no log is read wrongly between them.
  const int64_t size = *whole == INT64_MIN ? INT64_MAX : std::abs(*whole);
  constexpr int64_t kLimit = 100'000'000'000;
  if (size < kLimit) return ticks_from_unix_text(number);
  if (size < kLimit * 1'000) return kUnixEpochTicks + *whole * kTicksPerMillisecond;
  if (size < kLimit * 1'000'000) return kUnixEpochTicks + *whole * kTicksPerMicrosecond;
  return kUnixEpochTicks + *whole / 100;
}

std::optional<int64_t> time_from_us_text(std::string_view s) {
  s = trim(s);
  CivilTime c;
  const auto month = take_number(s, 2);
  if (!month || !take(s, '/')) return std::nullopt;
  const auto day = take_number(s, 2);
  if (!day || !take(s, '/')) return std::nullopt;
  const auto year = take_number(s, 4);
  if (!year) return std::nullopt;
  take(s, ',');
  if (!take(s, ' ')) return std::nullopt;
  const auto hour = take_number(s, 2);
  if (!hour || !take(s, ':')) return std::nullopt;
  const auto minute = take_number(s, 2);
  if (!minute) return std::nullopt;
  c.year = *year;
  c.month = *month;
  c.day = *day;
  c.hour = *hour;
  c.minute = *minute;
  if (take(s, ':')) {
    const auto second = take_number(s, 2);
    if (!second) return std::nullopt;
    c.second = *second;
    if (take(s, '.')) {
      int64_t unit = kTicksPerSecond;
      size_t digits = 0;
      for (; digits < s.size() && ascii_digit(s[digits]); ++digits) {
        unit /= 10;
        c.sub_ticks += (s[digits] - '0') * unit;
      }
      if (digits == 0) return std::nullopt;
      s.remove_prefix(digits);
    }
  }
  s = trim(s);
  if (!s.empty()) {
    const bool pm = equal_ignore_case(s, "PM");
    if ((!pm && !equal_ignore_case(s, "AM")) || c.hour < 1 || c.hour > 12) return std::nullopt;
    c.hour = c.hour % 12 + (pm ? 12 : 0);
  }
  return ticks_from_civil(c);
}

std::optional<int64_t> time_from_text(std::string_view text) {
  if (const auto t = parse_rfc3339(text)) return t;
  if (const auto t = time_from_epoch(text)) return t;
  return time_from_us_text(text);
}

}  // namespace postern::input
