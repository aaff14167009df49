// Timespan text: the literals of the Kusto language ("timespan data type" in its reference) and the
// constant format "[-][d.]hh:mm:ss.fffffff" that it prints.
#include <cmath>
#include <limits>

#include "base/text.h"
#include "base/time.h"

namespace postern {
namespace {

struct Unit {
  std::string_view name;
  int64_t ticks;
};

// Every spelling is listed: "1us" and "1w" are not Kusto, and "1M" must never mean a minute.
constexpr Unit kUnits[] = {{"d", kTicksPerDay},
                           {"day", kTicksPerDay},
                           {"days", kTicksPerDay},
                           {"h", kTicksPerHour},
                           {"hr", kTicksPerHour},
                           {"hrs", kTicksPerHour},
                           {"hour", kTicksPerHour},
                           {"hours", kTicksPerHour},
                           {"m", kTicksPerMinute},
                           {"min", kTicksPerMinute},
                           {"minute", kTicksPerMinute},
                           {"minutes", kTicksPerMinute},
                           {"s", kTicksPerSecond},
                           {"sec", kTicksPerSecond},
                           {"second", kTicksPerSecond},
                           {"seconds", kTicksPerSecond},
                           {"ms", kTicksPerMillisecond},
                           {"milli", kTicksPerMillisecond},
                           {"millis", kTicksPerMillisecond},
                           {"millisecond", kTicksPerMillisecond},
                           {"milliseconds", kTicksPerMillisecond},
                           {"micro", kTicksPerMicrosecond},
                           {"micros", kTicksPerMicrosecond},
                           {"microsecond", kTicksPerMicrosecond},
                           {"microseconds", kTicksPerMicrosecond},
                           {"tick", 1},
                           {"ticks", 1}};

constexpr size_t kFractionDigits = 7;

std::string_view take_digits(std::string_view& s) {
  size_t n = 0;
  while (n < s.size() && ascii_digit(s[n]))
    ++n;
  const std::string_view d = s.substr(0, n);
  s.remove_prefix(n);
  return d;
}

bool eat(std::string_view& s, char c) {
  if (!s.starts_with(c)) return false;
  s.remove_prefix(1);
  return true;
}

/// One clock part: one or two digits, at most `most`.
bool clock_part(std::string_view& s, int64_t most, int64_t& out) {
  const std::string_view d = take_digits(s);
  if (d.empty() || d.size() > 2) return false;
  out = *parse_int(d);
  return out <= most;
}

/// `a` * `b` + `c` of non-negative numbers; nullopt on overflow.
std::optional<int64_t> multiply_add(int64_t a, int64_t b, int64_t c) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  if (a > (kMost - c) / b) return std::nullopt;
  return a * b + c;
}

/// "[d.]hh:mm[:ss[.fffffff]]"
std::optional<int64_t> parse_clock(std::string_view s) {
  int64_t days = 0, hours = 0, minutes = 0, seconds = 0, fraction = 0;
  const size_t dot = s.find('.');
  if (dot < s.find(':')) {
    const std::optional<int64_t> d = parse_int(take_digits(s));
    if (!d || !eat(s, '.')) return std::nullopt;
    days = *d;
  }
  if (!clock_part(s, 23, hours) || !eat(s, ':') || !clock_part(s, 59, minutes)) return std::nullopt;
  if (eat(s, ':')) {
    if (!clock_part(s, 59, seconds)) return std::nullopt;
    if (eat(s, '.')) {
      std::string_view d = take_digits(s);
      if (d.empty() || d.size() > kFractionDigits) return std::nullopt;
      for (size_t i = 0; i < kFractionDigits; ++i)
        fraction = fraction * 10 + (i < d.size() ? d[i] - '0' : 0);
    }
  }
  if (!s.empty()) return std::nullopt;
  return multiply_add(
      days, kTicksPerDay,
      hours * kTicksPerHour + minutes * kTicksPerMinute + seconds * kTicksPerSecond + fraction);
}

/// "1.5d", "30 seconds"
std::optional<int64_t> parse_with_unit(std::string_view s) {
  const std::optional<int64_t> whole = parse_int(take_digits(s));
  if (!whole) return std::nullopt;
  double fraction = 0;
  if (eat(s, '.')) {
    const std::string_view d = take_digits(s);
    if (d.empty()) return std::nullopt;
    fraction = parse_real("0." + std::string(d)).value_or(0);
  }
  s = trim(s);
  for (const Unit& u : kUnits) {
    if (u.name != s) continue;
    const auto part = static_cast<int64_t>(std::llround(fraction * static_cast<double>(u.ticks)));
    return multiply_add(*whole, u.ticks, part);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_timespan(std::string_view text) {
  const bool negative = eat(text, '-');
  const std::optional<int64_t> ticks =
      text.find(':') != std::string_view::npos ? parse_clock(text) : parse_with_unit(text);
  if (!ticks) return std::nullopt;
  return negative ? -*ticks : *ticks;
}

std::string format_timespan(int64_t ticks) {
  // As unsigned: the smallest int64 has no positive counterpart.
  const uint64_t size =
      ticks < 0 ? ~static_cast<uint64_t>(ticks) + 1 : static_cast<uint64_t>(ticks);
  const auto per = [size](int64_t unit, int64_t modulus) {
    return size / static_cast<uint64_t>(unit) % static_cast<uint64_t>(modulus);
  };
  std::string out = ticks < 0 ? "-" : "";
  const auto append = [&out](uint64_t v, size_t width) {
    const std::string d = std::to_string(v);
    if (d.size() < width) out.append(width - d.size(), '0');
    out.append(d);
  };
  const uint64_t days = size / static_cast<uint64_t>(kTicksPerDay);
  if (days > 0) {
    append(days, 1);
    out.push_back('.');
  }
  append(per(kTicksPerHour, 24), 2);
  out.push_back(':');
  append(per(kTicksPerMinute, 60), 2);
  out.push_back(':');
  append(per(kTicksPerSecond, 60), 2);
  if (const uint64_t fraction = per(1, kTicksPerSecond); fraction != 0) {
    out.push_back('.');
    append(fraction, kFractionDigits);
  }
  return out;
}

}  // namespace postern
