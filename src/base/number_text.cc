// Numbers and bytes as text, and the nearest name for "did you mean".
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace postern {
namespace {

// Where plain digits end and an exponent begins: 0.00001 and 999999999999999 are still plain.
constexpr double kPlainLeast = 1e-5;
constexpr double kPlainLimit = 1e15;

/// Edit distance (insert, delete, replace, swap of neighbours) ignoring ASCII case, or `limit` + 1
/// when it is greater. Three rows of the usual table.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  const size_t longer = std::max(a.size(), b.size());
  if (longer - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t least = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]);
      size_t d = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && ascii_lower(a[i - 1]) == ascii_lower(b[j - 2]) &&
          ascii_lower(a[i - 2]) == ascii_lower(b[j - 1]))
        d = std::min(d, before[j - 2] + 1);
      row[j] = d;
      least = std::min(least, d);
    }
    if (least > limit) return limit + 1;
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<int64_t> parse_int(std::string_view s) {
  if (s.starts_with('+')) {
    s.remove_prefix(1);
    if (s.starts_with('-')) return std::nullopt;
  }
  int64_t v = 0;
  const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
  if (r.ec != std::errc() || r.ptr != s.data() + s.size()) return std::nullopt;
  return v;
}

std::optional<double> parse_real(std::string_view s) {
  const size_t sign = s.starts_with('+') || s.starts_with('-') ? 1 : 0;
  // from_chars knows "inf" and "nan"; a number begins with a digit or a point.
  if (s.size() <= sign || !(ascii_digit(s[sign]) || s[sign] == '.')) return std::nullopt;
  if (s.starts_with('+')) s.remove_prefix(1);
  double v = 0;
  const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
  if (r.ptr != s.data() + s.size()) return std::nullopt;
  if (r.ec == std::errc::result_out_of_range) {
    // Too small is zero, too large is no number; only strtod tells which.
    v = std::strtod(std::string(s).c_str(), nullptr);
    return std::isfinite(v) ? std::optional(v) : std::nullopt;
  }
  return r.ec == std::errc() ? std::optional(v) : std::nullopt;
}

std::string real_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  const double size = std::fabs(v);
  const bool plain = v == 0 || (size >= kPlainLeast && size < kPlainLimit);
  char buffer[64];
  const auto r = std::to_chars(buffer, buffer + sizeof buffer, v,
                               plain ? std::chars_format::fixed : std::chars_format::scientific);
  return std::string(buffer, r.ptr);
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

std::string nearest_name(std::string_view word, const std::vector<std::string_view>& names) {
  std::string_view best;
  size_t limit = word.size() / 3;
  for (const std::string_view name : names) {
    const size_t d = edit_distance(word, name, limit);
    if (d > limit) continue;
    best = name;
    if (d == 0) break;
    limit = d - 1;  // only something nearer replaces it
  }
  return std::string(best);
}

std::string bytes_text(uint64_t n) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  double v = static_cast<double>(n);
  size_t u = 0;
  while (v >= 1000 && u < 4) {
    v /= 1000;
    ++u;
  }
  char text[32];
  std::snprintf(text, sizeof text, u == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, units[u]);
  return text;
}

std::optional<int64_t> parse_size(std::string_view text) {
  const std::string_view s = trim(text);
  size_t digits = 0;
  while (digits < s.size() && (ascii_digit(s[digits]) || s[digits] == '.'))
    ++digits;
  const auto number = parse_real(s.substr(0, digits));
  if (!number || digits == 0) return std::nullopt;
  std::string_view unit = trim(s.substr(digits));
  if (!unit.empty() && ascii_lower(unit.back()) == 'b') unit.remove_suffix(1);
  double factor = 1000;
  if (!unit.empty() && ascii_lower(unit.back()) == 'i') {
    unit.remove_suffix(1);
    factor = 1024;
    if (unit.empty()) return std::nullopt;
  }
  double scale = 1;
  if (!unit.empty()) {
    constexpr std::string_view kUnits = "kmgt";
    const size_t power =
        unit.size() == 1 ? kUnits.find(ascii_lower(unit[0])) : std::string_view::npos;
    if (power == std::string_view::npos) return std::nullopt;
    scale = std::pow(factor, static_cast<double>(power + 1));
  }
  const double bytes = *number * scale;
  if (!(bytes >= 0) || bytes > 9e18 || bytes != std::floor(bytes)) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

}  // namespace postern
