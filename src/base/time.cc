// The calendar is the proleptic Gregorian one; days and dates convert by the era algorithm of
// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Timespan text is in timespan.cc.
#include "base/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/text.h"

namespace postern {
namespace {

constexpr int64_t kUnixEpochDays = kUnixEpochTicks / kTicksPerDay;
constexpr int64_t kNanosecondsPerTick = 100;
constexpr size_t kFractionDigits = 7;  // of a second, in ticks
constexpr size_t kSecondsSize = 19;    // of a time up to the fraction

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

bool leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && leap(year) ? 1 : 0);
}

/// Days since 1970-01-01. Years count from March, so that the leap day is the last one.
int64_t days_from_civil(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = floor_div(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

/// Reads fixed-width numbers and separators off the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view s) : s_(s) {}

  bool done() const { return s_.empty(); }

  char peek() const { return s_.empty() ? '\0' : s_.front(); }

  bool eat(char c) {
    if (peek() != c || s_.empty()) return false;
    s_.remove_prefix(1);
    return true;
  }

  /// Exactly `width` digits.
  bool number(size_t width, int& out) {
    if (s_.size() < width) return false;
    int v = 0;
    for (size_t i = 0; i < width; ++i) {
      if (!ascii_digit(s_[i])) return false;
      v = v * 10 + (s_[i] - '0');
    }
    s_.remove_prefix(width);
    out = v;
    return true;
  }

  /// All digits that follow.
  std::string_view digits() {
    size_t n = 0;
    while (n < s_.size() && ascii_digit(s_[n]))
      ++n;
    const std::string_view d = s_.substr(0, n);
    s_.remove_prefix(n);
    return d;
  }

 private:
  std::string_view s_;
};

/// "965" of a second in ticks; digits beyond a tick are cut off.
int64_t fraction_ticks(std::string_view digits) {
  int64_t ticks = 0;
  for (size_t i = 0; i < kFractionDigits; ++i)
    ticks = ticks * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  return ticks;
}

/// Minutes east of UTC; nothing means UTC.
bool read_offset(Cursor& in, int& minutes) {
  minutes = 0;
  if (in.done() || ((in.eat('Z') || in.eat('z')) && in.done())) return true;
  const bool west = in.peek() == '-';
  if (!in.eat('+') && !in.eat('-')) return false;
  int h = 0, m = 0;
  if (!in.number(2, h)) return false;
  in.eat(':');
  if (!in.number(2, m) || h > 23 || m > 59 || !in.done()) return false;
  minutes = (h * 60 + m) * (west ? -1 : 1);
  return true;
}

/// Ticks of the beginning of a day, "2026-03-10"; nullopt where it is none, or written otherwise.
/// The days of a log are seldom other than that of the line before.
std::optional<int64_t> ticks_of_day(std::string_view date) {
  struct Day {
    std::array<char, 10> text;
    int64_t ticks;
  };

  thread_local Day last{{'0', '0', '0', '1', '-', '0', '1', '-', '0', '1'}, 0};
  if (std::memcmp(last.text.data(), date.data(), last.text.size()) == 0) return last.ticks;
  Cursor in(date);
  CivilTime c;
  if (!in.number(4, c.year) || !in.eat('-') || !in.number(2, c.month) || !in.eat('-') ||
      !in.number(2, c.day))
    return std::nullopt;
  const std::optional<int64_t> ticks = ticks_from_civil(c);
  if (!ticks) return std::nullopt;
  std::memcpy(last.text.data(), date.data(), last.text.size());
  last.ticks = *ticks;
  return ticks;
}

/// "2026-03-10T09:02:10.418Z", with a blank for the T, fewer or more digits of a second, or without
/// the Z: what nearly all times of logs look like. nullopt: it may be another one.
std::optional<int64_t> ticks_of_usual(std::string_view s) {
  constexpr int64_t kTicksOf[] = {10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  constexpr size_t kDateSize = 10;
  if (s.size() < kSecondsSize || (s[10] != 'T' && s[10] != ' ') || s[13] != ':' || s[16] != ':')
    return std::nullopt;
  // Asked once for all digits.
  uint32_t largest = 0;
  const auto digit = [&](size_t at) {
    const uint32_t d = static_cast<uint8_t>(s[at] - '0');
    largest = std::max(largest, d);
    return int64_t{d};
  };
  const int64_t hour = digit(11) * 10 + digit(12);
  const int64_t minute = digit(14) * 10 + digit(15);
  const int64_t second = digit(17) * 10 + digit(18);
  int64_t fraction = 0;
  const size_t end = s.size() - (s.back() == 'Z' ? 1 : 0);
  if (end > kSecondsSize) {
    const size_t first = kSecondsSize + 1;
    if (s[kSecondsSize] != '.' || end == first || end - first > kFractionDigits)
      return std::nullopt;
    for (size_t i = first; i < end; ++i)
      fraction = fraction * 10 + digit(i);
    fraction *= kTicksOf[end - first];
  }
  if (largest > 9 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::optional<int64_t> day = ticks_of_day(s.substr(0, kDateSize));
  if (!day) return std::nullopt;
  return *day + hour * kTicksPerHour + minute * kTicksPerMinute + second * kTicksPerSecond +
         fraction;
}

/// Decimal digits with leading zeros, the last one before `end`.
void put_digits(char* end, int64_t v, size_t width) {
  for (; width > 0; --width, v /= 10)
    *--end = static_cast<char>('0' + v % 10);
}

constexpr std::string_view kPattern = "0000-00-00T00:00:00.0000000Z";

/// The whole of kPattern; callers cut what they do not want.
std::string format_all(const CivilTime& c) {
  std::string out(kPattern);
  put_digits(out.data() + 4, c.year, 4);
  put_digits(out.data() + 7, c.month, 2);
  put_digits(out.data() + 10, c.day, 2);
  put_digits(out.data() + 13, c.hour, 2);
  put_digits(out.data() + 16, c.minute, 2);
  put_digits(out.data() + 19, c.second, 2);
  put_digits(out.data() + 27, c.sub_ticks, kFractionDigits);
  return out;
}

/// A column may hold what arithmetic made of a time; text stays within the calendar.
int64_t clamp_ticks(int64_t ticks) {
  return std::clamp(ticks, int64_t{0}, kMaxTicks);
}

}  // namespace

std::optional<int64_t> ticks_from_civil(const CivilTime& c) {
  if (c.year < 1 || c.year > 9999 || c.month < 1 || c.month > 12 || c.day < 1 ||
      c.day > days_in_month(c.year, c.month))
    return std::nullopt;
  if (c.hour < 0 || c.hour > 23 || c.minute < 0 || c.minute > 59 || c.second < 0 || c.second > 60 ||
      c.sub_ticks < 0 || c.sub_ticks >= kTicksPerSecond)
    return std::nullopt;
  const int64_t days = days_from_civil(c.year, c.month, c.day) + kUnixEpochDays;
  return days * kTicksPerDay + c.hour * kTicksPerHour + c.minute * kTicksPerMinute +
         std::min(c.second, 59) * kTicksPerSecond + c.sub_ticks;
}

CivilTime civil_from_ticks(int64_t ticks) {
  const int64_t day_number = floor_div(ticks, kTicksPerDay);
  const int64_t rest = ticks - day_number * kTicksPerDay;
  const int64_t z = day_number - kUnixEpochDays + 719468;
  const int64_t era = floor_div(z, 146097);
  const int64_t day_of_era = z - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilTime c;
  c.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  c.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  c.year = static_cast<int>(year_of_era + era * 400 + (c.month <= 2 ? 1 : 0));
  c.hour = static_cast<int>(rest / kTicksPerHour);
  c.minute = static_cast<int>(rest % kTicksPerHour / kTicksPerMinute);
  c.second = static_cast<int>(rest % kTicksPerMinute / kTicksPerSecond);
  c.sub_ticks = rest % kTicksPerSecond;
  return c;
}

int64_t ticks_from_unix(int64_t seconds, int64_t nanoseconds) {
  // Clamped first: no sum below can overflow.
  constexpr int64_t kLeast = -kUnixEpochTicks / kTicksPerSecond;
  constexpr int64_t kMost = (kMaxTicks - kUnixEpochTicks) / kTicksPerSecond;
  const int64_t fraction = floor_div(nanoseconds, kNanosecondsPerTick);
  return clamp_ticks(kUnixEpochTicks + std::clamp(seconds, kLeast, kMost) * kTicksPerSecond +
                     fraction);
}

std::optional<int64_t> ticks_from_unix_text(std::string_view text) {
  Cursor in(text);
  const bool negative = in.eat('-');
  const std::optional<int64_t> seconds = parse_int(in.digits());
  int64_t ticks = 0;
  if (in.eat('.')) {
    const std::string_view fraction = in.digits();
    if (fraction.empty()) return std::nullopt;
    ticks = fraction_ticks(fraction);
  }
  // A million years either way keeps the sum below from overflowing.
  if (!in.done() || !seconds || *seconds > kMaxTicks / kTicksPerSecond) return std::nullopt;
  ticks += *seconds * kTicksPerSecond;
  ticks = kUnixEpochTicks + (negative ? -ticks : ticks);
  if (ticks < 0 || ticks > kMaxTicks) return std::nullopt;
  return ticks;
}

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  if (const auto ticks = ticks_of_usual(text)) return ticks;
  Cursor in(text);
  CivilTime c;
  if (!in.number(4, c.year) || !in.eat('-') || !in.number(2, c.month) || !in.eat('-') ||
      !in.number(2, c.day))
    return std::nullopt;
  int offset = 0;
  if (!in.done()) {
    if (!in.eat('T') && !in.eat('t') && !in.eat(' ')) return std::nullopt;
    if (!in.number(2, c.hour) || !in.eat(':') || !in.number(2, c.minute)) return std::nullopt;
    if (in.eat(':')) {
      if (!in.number(2, c.second)) return std::nullopt;
      if (in.eat('.')) {
        const std::string_view fraction = in.digits();
        if (fraction.empty() || fraction.size() > 9) return std::nullopt;
        c.sub_ticks = fraction_ticks(fraction);
      }
    }
    if (!read_offset(in, offset)) return std::nullopt;
  }
  const std::optional<int64_t> local = ticks_from_civil(c);
  if (!local) return std::nullopt;
  const int64_t ticks = *local - offset * kTicksPerMinute;
  if (ticks < 0 || ticks > kMaxTicks) return std::nullopt;
  return ticks;
}

std::string format_rfc3339(int64_t ticks) {
  const CivilTime c = civil_from_ticks(clamp_ticks(ticks));
  std::string out = format_all(c);
  if (c.sub_ticks == 0)
    out.erase(kSecondsSize, 1 + kFractionDigits);
  else if (c.sub_ticks % kTicksPerMillisecond == 0)
    out.erase(kSecondsSize + 4, 4);
  return out;
}

std::string format_datetime_kusto(int64_t ticks) {
  return format_all(civil_from_ticks(clamp_ticks(ticks)));
}

int64_t wall_clock_ticks() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return ticks_from_unix(0,
                         std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count());
}

}  // namespace postern
