// Times of eval and convert as text: seconds since 1970, all in UTC, so that a run is the same
// everywhere. Moving, snapping and binning of times is in spl_span.cc.
//
// Formats are strftime's with Splunk's additions (%Q and %3Q milliseconds, %N and %9N subseconds,
// %s seconds since 1970). Relative times: "-1d@d", "@w1", "+2h@m"; weeks snap to Sunday (@w, @w0)
// or to the day given (@w1 … @w6; @w7 is Sunday again) (Splunk Search Reference, date and time
// functions; time modifiers).
#include "exec/functions/spl_time.h"

#include <algorithm>
#include <cmath>

#include "base/time.h"
#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                   "May",       "June",     "July",     "August",
                                   "September", "October",  "November", "December"};

int year_day(const CivilTime& c) {
  const auto start = ticks_from_civil({c.year, 1, 1, 0, 0, 0, 0});
  const auto day = ticks_from_civil({c.year, c.month, c.day, 0, 0, 0, 0});
  return start && day ? static_cast<int>((*day - *start) / kTicksPerDay) + 1 : 1;
}

// ---- strftime
// -------------------------------------------------------------------------------------------

void two(std::string& out, int v, char pad = '0') {
  if (v < 10) out += pad;
  out += std::to_string(v);
}

/// ISO 8601 week and its year.
void iso_week(int64_t ticks, int& year, int& week) {
  const int from_monday = (weekday(ticks) + 6) % 7;
  const int64_t thursday = ticks + (3 - from_monday) * kTicksPerDay;
  const CivilTime c = civil_from_ticks(thursday);
  year = c.year;
  week = (year_day(c) - 1) / 7 + 1;
}

void subseconds(std::string& out, int64_t sub_ticks, int digits) {
  std::string s = std::to_string(sub_ticks);
  s.insert(0, 7 - s.size(), '0');
  s.resize(static_cast<size_t>(digits), '0');
  out += s;
}

std::string format_time(int64_t ticks, std::string_view format) {
  const CivilTime c = civil_from_ticks(ticks);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char letter = format[++i];
    int digits = 0;
    bool no_pad = false;
    if (letter == '-' && i + 1 < format.size()) {
      no_pad = true;
      letter = format[++i];
    }
    if (ascii_digit(letter) && i + 1 < format.size() &&
        (format[i + 1] == 'N' || format[i + 1] == 'Q')) {
      digits = letter - '0';
      letter = format[++i];
    }
    if (letter == ':' && i + 1 < format.size() && format[i + 1] == 'z') {
      ++i;
      out += "+00:00";
      continue;
    }
    const auto number = [&](int v, char pad) {
      no_pad ? out += std::to_string(v) : (two(out, v, pad), out);
    };
    switch (letter) {
      case 'Y':
        out += std::to_string(c.year);
        break;
      case 'C':
        two(out, c.year / 100);
        break;
      case 'y':
        two(out, c.year % 100);
        break;
      case 'm':
        number(c.month, '0');
        break;
      case 'd':
        number(c.day, '0');
        break;
      case 'e':
        number(c.day, ' ');
        break;
      case 'H':
        number(c.hour, '0');
        break;
      case 'k':
        number(c.hour, ' ');
        break;
      case 'I':
        number((c.hour + 11) % 12 + 1, '0');
        break;
      case 'l':
        number((c.hour + 11) % 12 + 1, ' ');
        break;
      case 'M':
        number(c.minute, '0');
        break;
      case 'S':
        number(c.second, '0');
        break;
      case 'p':
        out += c.hour < 12 ? "AM" : "PM";
        break;
      case 'P':
        out += c.hour < 12 ? "am" : "pm";
        break;
      case 'j': {
        const std::string day = std::to_string(year_day(c));
        out += std::string(3 - day.size(), '0') + day;
        break;
      }
      case 'a':
        out += std::string(kDays[weekday(ticks)]).substr(0, 3);
        break;
      case 'A':
        out += kDays[weekday(ticks)];
        break;
      case 'b':
      case 'h':
        out += std::string(kMonths[c.month - 1]).substr(0, 3);
        break;
      case 'B':
        out += kMonths[c.month - 1];
        break;
      case 'w':
        out += std::to_string(weekday(ticks));
        break;
      case 'u':
        out += std::to_string((weekday(ticks) + 6) % 7 + 1);
        break;
      case 'U':
        two(out, (year_day(c) + 6 - weekday(ticks)) / 7);
        break;
      case 'W':
        two(out, (year_day(c) + 6 - (weekday(ticks) + 6) % 7) / 7);
        break;
      case 'V':
      case 'G': {
        int year = 0;
        int week = 0;
        iso_week(ticks, year, week);
        if (letter == 'V')
          two(out, week);
        else
          out += std::to_string(year);
        break;
      }
      case 's':
        out +=
            std::to_string((floor_to(ticks, kTicksPerSecond) - kUnixEpochTicks) / kTicksPerSecond);
        break;
      case 'T':
        out += format_time(ticks, "%H:%M:%S");
        break;
      case 'R':
        out += format_time(ticks, "%H:%M");
        break;
      case 'F':
        out += format_time(ticks, "%Y-%m-%d");
        break;
      case 'D':
        out += format_time(ticks, "%m/%d/%y");
        break;
      case 'x':
        out += format_time(ticks, "%m/%d/%Y");
        break;
      case 'X':
        out += format_time(ticks, "%H:%M:%S");
        break;
      case 'c':
        out += format_time(ticks, "%a %b %e %H:%M:%S %Y");
        break;
      case '+':
        out += format_time(ticks, "%a %b %e %H:%M:%S UTC %Y");
        break;
      case 'Q':
        subseconds(out, c.sub_ticks, digits > 0 ? digits : 3);
        break;
      case 'N':
        subseconds(out, c.sub_ticks, digits > 0 ? digits : 9);
        break;
      case 'f':
        subseconds(out, c.sub_ticks, 6);
        break;
      case 'z':
        out += "+0000";
        break;
      case 'Z':
        out += "UTC";
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '%':
        out += '%';
        break;
      default:
        out += '%';
        out += letter;
    }
  }
  return out;
}

// The format is the same in every row of a rule; one of a column is read per row.
Column strftime_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  SplFormat format(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto ticks = ticks_of(cells, row);
    const std::string* f = ticks ? format(row) : nullptr;
    if (f) out.set_copy(row, format_time(*ticks, *f));
  }
  return out.finish();
}

// convert ctime(): what is no number stays as it is.
Column ctime_kernel(const KernelCall& call) {
  SplFormat format(call.args[1]);
  const std::string* f = call.rows.empty() ? nullptr : format(call.rows[0]);
  if (call.args[0].type() == Type::kDatetime) return strftime_kernel(call);
  return spl_map_text(call, [&](std::string_view s) -> std::optional<std::string> {
    const auto n = spl_number(s);
    const auto ticks = n ? spl_ticks(*n) : std::nullopt;
    return ticks && f ? format_time(*ticks, *f) : std::string(s);
  });
}

// ---- strptime
// -------------------------------------------------------------------------------------------

class TimeReader {
 public:
  TimeReader(std::string_view text, std::string_view format) : text_(text), format_(format) {}

  std::optional<int64_t> run() {
    if (!read(format_)) return std::nullopt;
    if (epoch_) return kUnixEpochTicks + *epoch_ * kTicksPerSecond + c_.sub_ticks;
    if (pm_ && c_.hour < 12) c_.hour += 12;
    if (am_ && c_.hour == 12) c_.hour = 0;
    // Splunk needs a date; a format without one names no time.
    if (!has_day_) return std::nullopt;
    const auto ticks = ticks_from_civil(c_);
    return ticks ? std::optional(*ticks - offset_minutes_ * kTicksPerMinute) : std::nullopt;
  }

 private:
  bool number(int max_digits, int& out) {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
    int v = 0;
    int n = 0;
    while (n < max_digits && at_ < text_.size() && ascii_digit(text_[at_])) {
      v = v * 10 + (text_[at_++] - '0');
      ++n;
    }
    out = v;
    return n > 0;
  }

  bool name(const char* const* names, int count, int& index) {
    const std::string_view rest = text_.substr(at_);
    for (int i = 0; i < count; ++i) {
      const std::string_view full = names[i];
      for (const size_t length : {full.size(), size_t{3}}) {
        if (!starts_with_ignore_case(rest, full.substr(0, length))) continue;
        at_ += length;
        index = i;
        return true;
      }
    }
    return false;
  }

  bool subsecond() {
    int64_t ticks = 0;
    int n = 0;
    while (at_ < text_.size() && ascii_digit(text_[at_])) {
      if (n < 7) ticks = ticks * 10 + (text_[at_] - '0');
      ++n;
      ++at_;
    }
    for (int i = n; i < 7; ++i)
      ticks *= 10;
    c_.sub_ticks = ticks;
    return n > 0;
  }

  bool zone() {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
    if (at_ < text_.size() && (text_[at_] == 'Z' || text_[at_] == 'z')) {
      ++at_;
      return true;
    }
    if (at_ >= text_.size() || (text_[at_] != '+' && text_[at_] != '-')) return zone_name();
    const int sign = text_[at_++] == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!number(2, hours)) return false;
    if (at_ < text_.size() && text_[at_] == ':') ++at_;
    if (at_ < text_.size() && ascii_digit(text_[at_]) && !number(2, minutes)) return false;
    offset_minutes_ = sign * (hours * 60 + minutes);
    return true;
  }

  bool zone_name() {
    for (const std::string_view utc : {"UTC", "GMT"}) {
      if (!starts_with_ignore_case(text_.substr(at_), utc)) continue;
      at_ += 3;
      return true;
    }
    return false;
  }

  bool read(std::string_view format) {
    for (size_t i = 0; i < format.size(); ++i) {
      if (ascii_space(format[i])) {
        while (at_ < text_.size() && ascii_space(text_[at_]))
          ++at_;
        continue;
      }
      if (format[i] != '%' || i + 1 == format.size()) {
        if (at_ >= text_.size() || text_[at_] != format[i]) return false;
        ++at_;
        continue;
      }
      char letter = format[++i];
      while ((ascii_digit(letter) || letter == '-' || letter == ':') && i + 1 < format.size())
        letter = format[++i];
      if (!field(letter)) return false;
    }
    return true;
  }

  bool field(char letter) {
    int v = 0;
    switch (letter) {
      case 'Y':
        has_day_ = true;
        return number(4, c_.year);
      case 'y':
        if (!number(2, v)) return false;
        has_day_ = true;
        c_.year = v < 69 ? 2000 + v : 1900 + v;
        return true;
      case 'm':
        return number(2, c_.month);
      case 'd':
      case 'e':
        has_day_ = true;
        return number(2, c_.day);
      case 'H':
      case 'k':
      case 'I':
      case 'l':
        return number(2, c_.hour);
      case 'M':
        return number(2, c_.minute);
      case 'S':
        return number(2, c_.second);
      case 'p':
      case 'P': {
        const std::string_view rest = text_.substr(at_);
        am_ = starts_with_ignore_case(rest, "AM");
        pm_ = starts_with_ignore_case(rest, "PM");
        at_ += 2;
        return am_ || pm_;
      }
      case 'b':
      case 'B':
      case 'h':
        if (!name(kMonths, 12, v)) return false;
        c_.month = v + 1;
        return true;
      case 'a':
      case 'A':
        return name(kDays, 7, v);
      case 'Q':
      case 'N':
      case 'f':
        return subsecond();
      case 'z':
        return zone();
      case 'Z':
        return zone();
      case 's': {
        size_t end = at_;
        while (end < text_.size() && ascii_digit(text_[end]))
          ++end;
        epoch_ = parse_int(text_.substr(at_, end - at_));
        if (epoch_ && *epoch_ > 253'402'300'799) epoch_.reset();
        at_ = end;
        return epoch_.has_value();
      }
      case 'T':
      case 'X':
        return read("%H:%M:%S");
      case 'R':
        return read("%H:%M");
      case 'F':
        return read("%Y-%m-%d");
      case 'D':
        return read("%m/%d/%y");
      case 'x':
        return read("%m/%d/%Y");
      case 'c':
        return read("%a %b %e %H:%M:%S %Y");
      case '%':
        if (at_ >= text_.size() || text_[at_] != '%') return false;
        ++at_;
        return true;
      case 'n':
      case 't':
        while (at_ < text_.size() && ascii_space(text_[at_]))
          ++at_;
        return true;
      default:
        return false;
    }
  }

  std::string_view text_;
  std::string_view format_;
  size_t at_ = 0;
  CivilTime c_{1970, 1, 1, 0, 0, 0, 0};
  std::optional<int64_t> epoch_;
  int64_t offset_minutes_ = 0;
  bool has_day_ = false;
  bool am_ = false;
  bool pm_ = false;
};

Column strptime_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kReal, call.num_rows);
  SplCells cells(call.args[0]);
  SplFormat format(call.args[1]);
  for (const uint32_t row : call.rows) {
    const std::string* f = cells.valid(row) ? format(row) : nullptr;
    if (!f) continue;
    if (const auto ticks = TimeReader(cells.text(row), *f).run())
      out.set(row, spl_time_number(*ticks).real);
  }
  return out.finish();
}

}  // namespace

void register_spl_times(plan::FunctionCatalog& c) {
  c.add(spl_function("strftime", 2, 2, spl_gives_string, strftime_kernel,
                     "A time after a format, in UTC."));
  c.add(spl_function("ctime", 2, 2, spl_gives_text, ctime_kernel,
                     "convert ctime(): a time after a format."));
  c.add(spl_function("strptime", 2, 2, spl_gives_real, strptime_kernel,
                     "Seconds since 1970 of a time's text."));
  register_spl_spans(c);
}

}  // namespace postern::exec
