// Reads datetimes part by part with a small scanner; the date's first token decides which family of
// spellings it is. Source: Kusto documentation, "The datetime data type" (supported formats).
#include "base/datetime_text.h"

#include "base/text.h"
#include "base/time.h"

namespace postern {
namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kLongMonths[] = {"january",   "february", "march",    "april",
                                            "may",       "june",     "july",     "august",
                                            "september", "october",  "november", "december"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::string_view kLongDays[] = {"sunday",   "monday", "tuesday", "wednesday",
                                          "thursday", "friday", "saturday"};

/// Two-digit years up to this one belong to the 21st century (as .NET's calendar does).
constexpr int kLastShortYear = 49;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : s_(trim(text)) {}

  std::optional<int64_t> read() {
    skip_weekday();
    const bool date = ascii_digit(peek()) ? numeric_date() : month_first();
    if (!date || !time() || !zone() || at_ != s_.size()) return std::nullopt;
    const std::optional<int64_t> ticks = ticks_from_civil(civil_);
    if (!ticks) return std::nullopt;
    const int64_t utc = *ticks - offset_;
    if (utc < 0 || utc > kMaxTicks) return std::nullopt;
    return utc;
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < s_.size() ? s_[at_ + ahead] : '\0'; }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void blanks() {
    while (ascii_space(peek()))
      ++at_;
  }

  /// Digits, at most `most`; false when there is none.
  bool number(int& out, size_t most, size_t& digits) {
    out = 0;
    digits = 0;
    while (digits < most && ascii_digit(peek())) {
      out = out * 10 + (peek() - '0');
      ++at_;
      ++digits;
    }
    return digits > 0 && !ascii_digit(peek());
  }

  bool number(int& out, size_t most) {
    size_t digits = 0;
    return number(out, most, digits);
  }

  std::string_view word() const {
    size_t end = at_;
    while (end < s_.size() && ascii_alpha(s_[end]))
      ++end;
    return s_.substr(at_, end - at_);
  }

  bool month_name(int& month) {
    const std::string_view w = word();
    for (size_t i = 0; i < 12; ++i) {
      if (!equal_ignore_case(w, kMonths[i]) && !equal_ignore_case(w, kLongMonths[i])) continue;
      month = static_cast<int>(i) + 1;
      at_ += w.size();
      return true;
    }
    return false;
  }

  void skip_weekday() {
    const std::string_view w = word();
    for (size_t i = 0; i < 7; ++i) {
      if (!equal_ignore_case(w, kDays[i]) && !equal_ignore_case(w, kLongDays[i])) continue;
      at_ += w.size();
      take(',');
      blanks();
      return;
    }
  }

  void set_year(int year, size_t digits) {
    if (digits <= 2) year += year <= kLastShortYear ? 2000 : 1900;
    civil_.year = year;
  }

  // yyyy[-MM[-dd]], yyyy/MM/dd, MM/dd/yyyy, dd MMM yy, dd-MMM-yyyy
  bool numeric_date() {
    int first = 0;
    size_t digits = 0;
    if (!number(first, 4, digits)) return false;
    if (digits == 4) {
      civil_.year = first;
      const char separator = peek();
      if (separator != '-' && separator != '/') return true;
      ++at_;
      if (!number(civil_.month, 2)) return false;
      if (!take(separator)) return separator == '-';
      return number(civil_.day, 2);
    }
    if (digits > 2) return false;
    if (take('/')) {
      civil_.month = first;
      int year = 0;
      if (!number(civil_.day, 2) || !take('/') || !number(year, 4, digits) || digits == 3)
        return false;
      set_year(year, digits);
      return true;
    }
    civil_.day = first;
    if (!take('-')) blanks();
    if (!month_name(civil_.month)) return false;
    if (!take('-')) blanks();
    int year = 0;
    if (!number(year, 4, digits) || digits == 3) return false;
    set_year(year, digits);
    return true;
  }

  // MMM dd, yyyy
  bool month_first() {
    if (!month_name(civil_.month)) return false;
    blanks();
    if (!number(civil_.day, 2)) return false;
    take(',');
    blanks();
    int year = 0;
    size_t digits = 0;
    if (!number(year, 4, digits) || digits == 3) return false;
    set_year(year, digits);
    return true;
  }

  // [T]hh:mm[:ss[.fffffff…]] [AM|PM]
  bool time() {
    const size_t before = at_;
    if (!take('T') && !take('t')) blanks();
    if (!ascii_digit(peek())) {
      at_ = before;
      return true;
    }
    if (!number(civil_.hour, 2) || !take(':') || !number(civil_.minute, 2)) return false;
    if (take(':')) {
      if (!number(civil_.second, 2)) return false;
      if (take('.') && !fraction()) return false;
    }
    return half_of_day();
  }

  // Digits beyond the seventh are less than a tick.
  bool fraction() {
    int64_t scale = kTicksPerSecond;
    if (!ascii_digit(peek())) return false;
    for (; ascii_digit(peek()); ++at_) {
      scale /= 10;
      civil_.sub_ticks += (peek() - '0') * scale;
    }
    return true;
  }

  bool half_of_day() {
    const size_t before = at_;
    blanks();
    const std::string_view w = word();
    const bool am = equal_ignore_case(w, "am");
    const bool pm = equal_ignore_case(w, "pm");
    if (!am && !pm) {
      at_ = before;
      return true;
    }
    if (civil_.hour < 1 || civil_.hour > 12) return false;
    civil_.hour = civil_.hour % 12 + (pm ? 12 : 0);
    at_ += 2;
    return true;
  }

  // Z, GMT, UTC, +hh, +hhmm, +hh:mm
  bool zone() {
    blanks();
    const std::string_view w = word();
    if (equal_ignore_case(w, "z") || equal_ignore_case(w, "gmt") || equal_ignore_case(w, "utc")) {
      at_ += w.size();
      return true;
    }
    const char sign = peek();
    if (sign != '+' && sign != '-') return true;
    ++at_;
    int value = 0;
    size_t digits = 0;
    if (!number(value, 4, digits) || digits == 3) return false;
    int hours = value;
    int minutes = 0;
    if (digits == 4) {
      hours = value / 100;
      minutes = value % 100;
    } else if (take(':') && !number(minutes, 2)) {
      return false;
    }
    if (hours > 14 || minutes > 59) return false;
    offset_ = (hours * kTicksPerHour + minutes * kTicksPerMinute) * (sign == '-' ? -1 : 1);
    return true;
  }

  std::string_view s_;
  size_t at_ = 0;
  CivilTime civil_;
  int64_t offset_ = 0;
};

}  // namespace

std::optional<int64_t> parse_datetime_text(std::string_view text) {
  return Scanner(text).read();
}

}  // namespace postern
