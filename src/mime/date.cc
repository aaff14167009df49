#include "mime/date.h"

#include <vector>

#include "base/text.h"
#include "base/time.h"

namespace postern::mime {
namespace {

/// The words of a date, comments left out.
std::vector<std::string_view> words(std::string_view s) {
  std::vector<std::string_view> out;
  constexpr size_t kMaxWords = 12;
  int depth = 0;
  size_t begin = s.size();
  const auto end_word = [&](size_t at) {
    if (begin < at && out.size() < kMaxWords) out.push_back(s.substr(begin, at - begin));
    begin = s.size();
  };
  for (size_t i = 0; i <= s.size(); ++i) {
    const char c = i < s.size() ? s[i] : ' ';
    if (c == '(') ++depth;
    const bool separates = depth > 0 || ascii_space(c) || c == ',';
    if (c == ')' && depth > 0) --depth;
    if (separates) {
      end_word(i);
    } else if (begin == s.size()) {
      begin = i;
    }
  }
  return out;
}

std::optional<int> month(std::string_view w) {
  constexpr std::string_view kNames = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (w.size() < 3) return std::nullopt;
  const size_t at = find_ignore_case(kNames, w.substr(0, 3));
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  return static_cast<int>(at / 3) + 1;
}

bool clock(std::string_view w, CivilTime& c) {
  const auto parts = split(w, ':');
  if (parts.size() < 2 || parts.size() > 3) return false;
  const auto h = parse_int(parts[0]);
  const auto m = parse_int(parts[1]);
  const auto s = parts.size() == 3 ? parse_int(parts[2].substr(0, parts[2].find('.')))
                                   : std::optional<int64_t>(0);
  if (!h || !m || !s || *h < 0 || *h > 23 || *m < 0 || *m > 59 || *s < 0 || *s > 60) return false;
  c.hour = static_cast<int>(*h);
  c.minute = static_cast<int>(*m);
  c.second = static_cast<int>(*s);
  return true;
}

bool year(std::string_view w, CivilTime& c) {
  const auto y = parse_int(w);
  if (!y || *y < 0 || *y > 9999) return false;
  // Two and three digits: RFC 5322, 4.3.
  int v = static_cast<int>(*y);
  if (w.size() == 2) v += v < 50 ? 2000 : 1900;
  if (w.size() == 3) v += 1900;
  c.year = v;
  return true;
}

/// Minutes east of UTC; what is not known is UTC, as RFC 5322 says.
int zone(std::string_view w) {
  if (w.size() == 5 && (w[0] == '+' || w[0] == '-')) {
    const auto v = parse_int(w.substr(1));
    if (!v || *v < 0) return 0;
    const int minutes = static_cast<int>(*v / 100 * 60 + *v % 100);
    return w[0] == '-' ? -minutes : minutes;
  }

  struct Named {
    std::string_view name;
    int hours;
  };

  static constexpr Named kNamed[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                                     {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
  for (const Named& n : kNamed)
    if (equal_ignore_case(n.name, w)) return n.hours * 60;
  return 0;
}

std::optional<int64_t> ticks(const CivilTime& c, int east_minutes) {
  const auto t = ticks_from_civil(c);
  if (!t) return std::nullopt;
  return *t - east_minutes * kTicksPerMinute;
}

}  // namespace

std::optional<int64_t> parse_date(std::string_view text) {
  const auto w = words(text);
  size_t at = 0;
  if (at < w.size() && ascii_alpha(w[at][0])) ++at;  // day of week
  if (w.size() < at + 4) return std::nullopt;
  CivilTime c;
  const auto day = parse_int(w[at]);
  const auto m = month(w[at + 1]);
  if (!day || *day < 1 || *day > 31 || !m || !year(w[at + 2], c) || !clock(w[at + 3], c))
    return std::nullopt;
  c.day = static_cast<int>(*day);
  c.month = *m;
  return ticks(c, w.size() > at + 4 ? zone(w[at + 4]) : 0);
}

std::optional<int64_t> parse_ctime(std::string_view text) {
  const auto w = words(text);
  if (w.size() < 5) return std::nullopt;
  CivilTime c;
  const auto m = month(w[1]);
  const auto day = parse_int(w[2]);
  if (!m || !day || *day < 1 || *day > 31 || !clock(w[3], c)) return std::nullopt;
  c.month = *m;
  c.day = static_cast<int>(*day);
  // A zone stands before or after the year.
  if (year(w[4], c)) return ticks(c, w.size() > 5 ? zone(w[5]) : 0);
  if (w.size() > 5 && year(w[5], c)) return ticks(c, zone(w[4]));
  return std::nullopt;
}

}  // namespace postern::mime
