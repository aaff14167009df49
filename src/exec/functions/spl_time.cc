// Times of eval, convert and bin: seconds since 1970, all in UTC, so that a run is the same
// everywhere.
//
// Formats are strftime's with Splunk's additions (%Q and %3Q milliseconds, %N and %9N subseconds,
// %s seconds since 1970). Relative times: "-1d@d", "@w1", "+2h@m"; weeks snap to Sunday (@w, @w0)
// or to the day given (@w1 … @w6; @w7 is Sunday again) (Splunk Search Reference, date and time
// functions; time modifiers).
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

std::optional<int64_t> ticks_of(SplCells& cells, uint32_t row) {
  if (!cells.valid(row)) return std::nullopt;
  if (const auto t = cells.ticks(row)) return t;
  const auto n = cells.number(row);
  return n ? spl_ticks(*n) : std::nullopt;
}

int64_t floor_to(int64_t ticks, int64_t unit) {
  // Ticks count from year 1, never below zero.
  return ticks - ticks % unit;
}

int weekday(int64_t ticks) {
  return static_cast<int>((ticks / kTicksPerDay + 1) % 7);
}  // 0001-01-01 was a Monday

int year_day(const CivilTime& c) {
  const auto start = ticks_from_civil({c.year, 1, 1, 0, 0, 0, 0});
  const auto day = ticks_from_civil({c.year, c.month, c.day, 0, 0, 0, 0});
  return start && day ? static_cast<int>((*day - *start) / kTicksPerDay) + 1 : 1;
}

int days_in_month(int year, int month) {
  static constexpr int kDaysOf[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDaysOf[month - 1];
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
class Format {
 public:
  explicit Format(const Column& c) : cells_(c) {}

  const std::string* operator()(uint32_t row) {
    if (!cells_.valid(row)) return nullptr;
    const std::string_view text = cells_.text(row);
    if (text != last_) last_ = std::string(text);
    return &last_;
  }

 private:
  SplCells cells_;
  std::string last_;
};

Column strftime_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  Format format(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto ticks = ticks_of(cells, row);
    const std::string* f = ticks ? format(row) : nullptr;
    if (f) out.set_copy(row, format_time(*ticks, *f));
  }
  return out.finish();
}

// convert ctime(): what is no number stays as it is.
Column ctime_kernel(const KernelCall& call) {
  Format format(call.args[1]);
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
  Format format(call.args[1]);
  for (const uint32_t row : call.rows) {
    const std::string* f = cells.valid(row) ? format(row) : nullptr;
    if (!f) continue;
    if (const auto ticks = TimeReader(cells.text(row), *f).run())
      out.set(row, spl_time_number(*ticks).real);
  }
  return out.finish();
}

// ---- units, relative_time, bin
// -----------------------------------------------------------------------------

enum class Unit : uint8_t {
  kNone,
  kMicrosecond,
  kMillisecond,
  kCentisecond,
  kDecisecond,
  kSecond,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kQuarter,
  kYear
};

struct UnitName {
  std::string_view name;
  Unit unit;
};

constexpr UnitName kUnits[] = {
    {"us", Unit::kMicrosecond}, {"ms", Unit::kMillisecond},  {"cs", Unit::kCentisecond},
    {"ds", Unit::kDecisecond},  {"s", Unit::kSecond},        {"sec", Unit::kSecond},
    {"secs", Unit::kSecond},    {"second", Unit::kSecond},   {"seconds", Unit::kSecond},
    {"m", Unit::kMinute},       {"min", Unit::kMinute},      {"mins", Unit::kMinute},
    {"minute", Unit::kMinute},  {"minutes", Unit::kMinute},  {"h", Unit::kHour},
    {"hr", Unit::kHour},        {"hrs", Unit::kHour},        {"hour", Unit::kHour},
    {"hours", Unit::kHour},     {"d", Unit::kDay},           {"day", Unit::kDay},
    {"days", Unit::kDay},       {"w", Unit::kWeek},          {"week", Unit::kWeek},
    {"weeks", Unit::kWeek},     {"mon", Unit::kMonth},       {"month", Unit::kMonth},
    {"months", Unit::kMonth},   {"q", Unit::kQuarter},       {"qtr", Unit::kQuarter},
    {"qtrs", Unit::kQuarter},   {"quarter", Unit::kQuarter}, {"quarters", Unit::kQuarter},
    {"y", Unit::kYear},         {"yr", Unit::kYear},         {"yrs", Unit::kYear},
    {"year", Unit::kYear},      {"years", Unit::kYear},
};

Unit unit_of(std::string_view name) {
  for (const UnitName& u : kUnits)
    if (u.name == name) return u.unit;
  return Unit::kNone;
}

/// Ticks of one unit; 0 for those of the calendar.
int64_t ticks_in(Unit u) {
  switch (u) {
    case Unit::kMicrosecond:
      return kTicksPerMicrosecond;
    case Unit::kMillisecond:
      return kTicksPerMillisecond;
    case Unit::kCentisecond:
      return kTicksPerSecond / 100;
    case Unit::kDecisecond:
      return kTicksPerSecond / 10;
    case Unit::kSecond:
      return kTicksPerSecond;
    case Unit::kMinute:
      return kTicksPerMinute;
    case Unit::kHour:
      return kTicksPerHour;
    case Unit::kDay:
      return kTicksPerDay;
    case Unit::kWeek:
      return 7 * kTicksPerDay;
    default:
      return 0;
  }
}

int months_in(Unit u) {
  return u == Unit::kYear ? 12 : u == Unit::kQuarter ? 3 : u == Unit::kMonth ? 1 : 0;
}

std::optional<int64_t> add_months(int64_t ticks, int64_t months) {
  CivilTime c = civil_from_ticks(ticks);
  const int64_t total = int64_t{c.year} * 12 + (c.month - 1) + months;
  if (total < 12 || total >= 12 * 10'000) return std::nullopt;
  c.year = static_cast<int>(total / 12);
  c.month = static_cast<int>(total % 12) + 1;
  c.day = std::min(c.day, days_in_month(c.year, c.month));
  return ticks_from_civil(c);
}

/// The beginning of the unit that `ticks` lies in; `day` of the week for weeks.
std::optional<int64_t> snap(int64_t ticks, Unit u, int day = 0) {
  if (u == Unit::kWeek) {
    const int back = (weekday(ticks) - day % 7 + 7) % 7;
    return floor_to(ticks, kTicksPerDay) - back * kTicksPerDay;
  }
  if (const int64_t unit = ticks_in(u)) return floor_to(ticks, unit);
  CivilTime c = civil_from_ticks(ticks);
  const int months = months_in(u);
  return ticks_from_civil({c.year, (c.month - 1) / months * months + 1, 1, 0, 0, 0, 0});
}

std::optional<int64_t> relative(int64_t ticks, std::string_view spec) {
  if (spec == "now" || spec == "now()") return ticks;
  std::optional<int64_t> t = ticks;
  for (size_t i = 0; i < spec.size() && t;) {
    const char sign = spec[i++];
    size_t end = i;
    if (sign == '@') {
      while (end < spec.size() && ascii_alpha(spec[end]))
        ++end;
      const Unit u = unit_of(spec.substr(i, end - i));
      int day = 0;
      if (u == Unit::kWeek && end < spec.size() && ascii_digit(spec[end])) day = spec[end++] - '0';
      if (u == Unit::kNone) return std::nullopt;
      t = snap(*t, u, day);
    } else if (sign == '+' || sign == '-') {
      while (end < spec.size() && ascii_digit(spec[end]))
        ++end;
      const auto n = end == i ? std::optional<int64_t>(1) : parse_int(spec.substr(i, end - i));
      i = end;
      while (end < spec.size() && ascii_alpha(spec[end]))
        ++end;
      const Unit u = unit_of(spec.substr(i, end - i));
      if (!n || *n > 1'000'000'000 || u == Unit::kNone) return std::nullopt;
      const int64_t amount = sign == '-' ? -*n : *n;
      if (const int64_t unit = ticks_in(u)) {
        int64_t moved = 0;
        if (__builtin_mul_overflow(amount, unit, &moved) ||
            __builtin_add_overflow(moved, *t, &moved))
          return std::nullopt;
        t = moved;
      } else {
        t = add_months(*t, amount * months_in(u));
      }
    } else {
      return std::nullopt;
    }
    if (t && (*t < 0 || *t > kMaxTicks)) return std::nullopt;
    i = end;
  }
  return spec.empty() ? std::nullopt : t;
}

/// Gives a time back as the type it came in: a datetime, or seconds.
void set_time(ColumnBuilder& out, uint32_t row, int64_t ticks) {
  if (out.type() == Type::kDatetime) {
    out.set(row, ticks);
  } else if (out.type() == Type::kReal) {
    out.set(row, spl_time_number(ticks).real);
  } else if (out.type() == Type::kString) {
    out.set_copy(row, spl_time_text(ticks));
  } else {
    out.set(row, (floor_to(ticks, kTicksPerSecond) - kUnixEpochTicks) / kTicksPerSecond);
  }
}

Typing time_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  return Typing::ok(Type::kReal);
}

Column relative_time_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells cells(call.args[0]);
  Format spec(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto ticks = ticks_of(cells, row);
    const std::string* s = ticks ? spec(row) : nullptr;
    if (!s) continue;
    if (const auto t = relative(*ticks, *s)) set_time(out, row, *t);
  }
  return out.finish();
}

Column now_kernel(const KernelCall& call) {
  return Column::constant(
      Value::integer((floor_to(call.run->now_ticks, kTicksPerSecond) - kUnixEpochTicks) /
                     kTicksPerSecond),
      std::max<uint32_t>(call.num_rows, 1));
}

// ago(span): what `earliest=-24h` compares with.
Column ago_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDatetime, call.num_rows);
  const auto span = call.args[0].view<int64_t>();
  for (const uint32_t row : call.rows)
    if (span.valid(row)) out.set(row, std::max<int64_t>(0, call.run->now_ticks - span[row]));
  return out.finish();
}

Typing ago_typing(const TypeRequest& r) {
  if (r.types[0] != Type::kTimespan) return Typing::wrong("ago() takes a span of time");
  return Typing::ok(Type::kDatetime);
}

struct BinSpan {
  double amount = 1;
  Unit unit = Unit::kNone;
  std::string snap_to;  // "w1", "" none
};

std::optional<BinSpan> parse_span(std::string_view text) {
  BinSpan span;
  size_t i = 0;
  while (i < text.size() && (ascii_digit(text[i]) || text[i] == '.'))
    ++i;
  const auto amount = parse_real(text.substr(0, i));
  if (!amount || *amount <= 0 || *amount > 1e12) return std::nullopt;
  span.amount = *amount;
  size_t end = i;
  while (end < text.size() && ascii_alpha(text[end]))
    ++end;
  if (end > i) {
    span.unit = unit_of(text.substr(i, end - i));
    if (span.unit == Unit::kNone) return std::nullopt;
  }
  if (end < text.size() && text[end] == '@')
    span.snap_to = text.substr(end + 1);
  else if (end < text.size())
    return std::nullopt;
  return span;
}

Result<std::shared_ptr<const void>> prepare_bin(std::span<const Value* const> constants,
                                                std::span<const Type>) {
  const auto text = spl_constant(constants, 1);
  const auto span = text ? parse_span(*text) : std::nullopt;
  if (!span) return Error{Code::kInvalid, "not a span: " + text.value_or("")};
  return std::shared_ptr<const void>(std::make_shared<BinSpan>(*span));
}

// A time keeps its type; numbers without a unit become ranges such as "0-10", which is text. Text
// that is no number stays as it is.
Typing bin_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (t == Type::kDatetime) return Typing::ok(Type::kDatetime);
  const auto text = spl_constant(r.constants, 1);
  const auto span = text ? parse_span(*text) : std::nullopt;
  if (!span || span->unit == Unit::kNone || !data::is_numeric(t)) return Typing::ok(Type::kString);
  return Typing::ok(data::is_integer(t) ? Type::kLong : Type::kReal);
}

std::optional<int64_t> bin_time(int64_t ticks, const BinSpan& span) {
  const Unit u = span.unit == Unit::kNone ? Unit::kSecond : span.unit;
  if (!span.snap_to.empty()) {
    // "1w@w1": buckets that begin where the snap puts them.
    const bool day = span.snap_to.size() == 2 && ascii_digit(span.snap_to[1]);
    const Unit to =
        unit_of(std::string_view(span.snap_to).substr(0, day ? 1 : span.snap_to.size()));
    if (to != Unit::kNone) return snap(ticks, to, day ? span.snap_to[1] - '0' : 0);
  }
  if (const int64_t unit = ticks_in(u)) {
    const auto length = static_cast<int64_t>(span.amount * static_cast<double>(unit));
    if (length <= 0) return ticks;
    const int64_t since = ticks - kUnixEpochTicks;
    const int64_t rest = ((since % length) + length) % length;
    return ticks - rest;
  }
  // Months and longer count from the beginning of 1970 too.
  const int64_t months = static_cast<int64_t>(span.amount) * months_in(u);
  const CivilTime c = civil_from_ticks(ticks);
  const int64_t since = (int64_t{c.year} - 1970) * 12 + (c.month - 1);
  const int64_t rest = months > 0 ? ((since % months) + months) % months : 0;
  const auto month = ticks_from_civil({c.year, c.month, 1, 0, 0, 0, 0});
  return month ? add_months(*month, -rest) : std::nullopt;
}

Column bin_kernel(const KernelCall& call) {
  const auto& span = *static_cast<const BinSpan*>(call.state);
  ColumnBuilder out(call.type, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!cells.valid(row)) continue;
    const auto n = cells.number(row);
    if (span.unit != Unit::kNone || cells.type() == Type::kDatetime) {
      const auto ticks = ticks_of(cells, row);
      const auto t = ticks ? bin_time(*ticks, span) : std::nullopt;
      if (t)
        set_time(out, row, *t);
      else if (call.type == Type::kString && !n)
        out.set_copy(row, cells.text(row));
      continue;
    }
    if (!n) {
      out.set_copy(row, cells.text(row));
      continue;
    }
    const double low = std::floor(n->real / span.amount) * span.amount;
    out.set_copy(row, spl_number_text(SplNumber::of(low)) + "-" +
                          spl_number_text(SplNumber::of(low + span.amount)));
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
  c.add(spl_function("relative_time", 2, 2, time_typing, relative_time_kernel,
                     "A time moved and snapped: -1d@d."));
  plan::FunctionDef now =
      spl_function("now", 0, 0, spl_gives_long, now_kernel, "When the search runs, in seconds.");
  now.deterministic = false;
  c.add(now);
  plan::FunctionDef ago =
      spl_function("ago", 1, 1, ago_typing, ago_kernel, "A span of time before now.");
  ago.deterministic = false;
  c.add(ago);
  c.add(spl_function("bin", 2, 2, bin_typing, bin_kernel,
                     "Beginning of the span that a time or number lies in.", prepare_bin));
}

}  // namespace postern::exec
