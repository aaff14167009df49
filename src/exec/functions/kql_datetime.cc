// Points in time of KQL: parts, calendar arithmetic, beginnings and ends of periods, now() and
// ago().
//
// Weeks begin on Sunday; week_of_year() is that of ISO 8601; datetime_diff() counts the borders
// between two points; datetime_add() keeps to the last day of a shorter month. What leaves the
// years 1 to 9999 is null. Source: Kusto documentation; engine answers.
#include <cmath>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

enum class Part : uint8_t {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kDayOfYear,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
  kUnknown
};

/// Names of parts count no case; datetime_part() also knows the two of days and weeks within a
/// year.
Part part_from_name(std::string_view name) {
  static constexpr std::pair<std::string_view, Part> kNames[] = {
      {"year", Part::kYear},
      {"quarter", Part::kQuarter},
      {"month", Part::kMonth},
      {"week", Part::kWeek},
      {"week_of_year", Part::kWeek},
      {"weekofyear", Part::kWeek},
      {"day", Part::kDay},
      {"dayofyear", Part::kDayOfYear},
      {"hour", Part::kHour},
      {"minute", Part::kMinute},
      {"second", Part::kSecond},
      {"millisecond", Part::kMillisecond},
      {"microsecond", Part::kMicrosecond},
      {"nanosecond", Part::kNanosecond}};
  for (const auto& [n, part] : kNames)
    if (equal_ignore_case(n, name)) return part;
  return Part::kUnknown;
}

/// Ticks of parts of fixed length; 0 for the others.
int64_t ticks_of(Part p) {
  switch (p) {
    case Part::kWeek:
      return 7 * kTicksPerDay;
    case Part::kDay:
      return kTicksPerDay;
    case Part::kHour:
      return kTicksPerHour;
    case Part::kMinute:
      return kTicksPerMinute;
    case Part::kSecond:
      return kTicksPerSecond;
    case Part::kMillisecond:
      return kTicksPerMillisecond;
    case Part::kMicrosecond:
      return kTicksPerMicrosecond;
    default:
      return 0;
  }
}

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// Beyond the calendar is null.
void set_time(ColumnBuilder& out, uint32_t row, std::optional<int64_t> ticks) {
  if (ticks && *ticks >= 0 && *ticks <= kMaxTicks) out.set(row, *ticks);
}

/// First tick of the month that lies `months` after the one of `c`.
std::optional<int64_t> month_start(const CivilTime& c, int64_t months) {
  const int64_t count = int64_t{c.year} * 12 + (c.month - 1) + months;
  CivilTime first;
  const int64_t year = floor_div(count, 12);
  if (year < 1 || year > 9999) return std::nullopt;
  first.year = static_cast<int>(year);
  first.month = static_cast<int>(count - year * 12) + 1;
  return ticks_from_civil(first);
}

int days_in_month(const CivilTime& c) {
  const std::optional<int64_t> first = month_start(c, 0);
  const std::optional<int64_t> next = month_start(c, 1);
  return first && next ? static_cast<int>((*next - *first) / kTicksPerDay) : 31;  // December 9999
}

/// January 31 and a month is the last day of February.
std::optional<int64_t> add_months(int64_t ticks, int64_t months) {
  if (months > 120'000 || months < -120'000) return std::nullopt;
  CivilTime c = civil_from_ticks(ticks);
  const std::optional<int64_t> start = month_start(c, months);
  if (!start) return std::nullopt;
  const CivilTime target = civil_from_ticks(*start);
  c.year = target.year;
  c.month = target.month;
  c.day = std::min(c.day, days_in_month(target));
  return ticks_from_civil(c);
}

/// None when 64 bits cannot hold the sum.
std::optional<int64_t> add_ticks(int64_t t, int64_t n, int64_t unit) {
  int64_t product = 0;
  int64_t sum = 0;
  if (__builtin_mul_overflow(n, unit, &product) || __builtin_add_overflow(t, product, &sum))
    return std::nullopt;
  return sum;
}

/// The bounds keep products small; what passes them lies beyond the calendar anyhow.
std::optional<int64_t> add_part(Part p, int64_t n, int64_t t) {
  switch (p) {
    case Part::kYear:
      return n > 10'000 || n < -10'000 ? std::nullopt : add_months(t, n * 12);
    case Part::kQuarter:
      return n > 40'000 || n < -40'000 ? std::nullopt : add_months(t, n * 3);
    case Part::kMonth:
      return add_months(t, n);
    case Part::kNanosecond:
      return add_ticks(t, n / 100, 1);
    default:
      return ticks_of(p) != 0 ? add_ticks(t, n, ticks_of(p)) : std::nullopt;
  }
}

/// Days since the first Sunday-week's beginning: 0001-01-01 was a Monday.
int64_t week_number(int64_t t) {
  return floor_div(t + kTicksPerDay, 7 * kTicksPerDay);
}

int64_t week_start(int64_t week) {
  return week * 7 * kTicksPerDay - kTicksPerDay;
}

/// 1 for January 1.
int day_of_year(int64_t t) {
  CivilTime first;
  first.year = civil_from_ticks(t).year;
  return static_cast<int>((t - *ticks_from_civil(first)) / kTicksPerDay) + 1;
}

/// ISO 8601: the week of the Thursday that shares this Monday-week.
int week_of_year(int64_t t) {
  const int64_t monday = t / (7 * kTicksPerDay) * 7 * kTicksPerDay;
  // The last Thursday of all may lie beyond the calendar; its week number is then that of its
  // Monday.
  const int64_t thursday = std::min(monday + 3 * kTicksPerDay, kMaxTicks);
  return (day_of_year(thursday) - 1) / 7 + 1;
}

/// A plain function of a datetime.
template <std::optional<int64_t> (*f)(int64_t)>
Column of_time_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> t = args[0].datetime(row);
    const std::optional<int64_t> v = t ? f(*t) : std::nullopt;
    if (v) out.set(row, *v);
  });
}

std::optional<int64_t> year_of(int64_t t) {
  return civil_from_ticks(t).year;
}

std::optional<int64_t> month_of(int64_t t) {
  return civil_from_ticks(t).month;
}

std::optional<int64_t> day_of_month(int64_t t) {
  return civil_from_ticks(t).day;
}

std::optional<int64_t> day_of_year_of(int64_t t) {
  return day_of_year(t);
}

std::optional<int64_t> hour_of(int64_t t) {
  return civil_from_ticks(t).hour;
}

std::optional<int64_t> week_of(int64_t t) {
  return week_of_year(t);
}

std::optional<int64_t> day_of_week(int64_t t) {
  // As in the engine, a week that ends beyond the calendar has no days.
  if (week_start(week_number(t) + 1) - 1 > kMaxTicks) return std::nullopt;
  const int64_t start = week_start(week_number(t));
  return (t - start) / kTicksPerDay * kTicksPerDay;
}

// ---- periods
// ----------------------------------------------------------------------------------------

/// First tick of the period that lies `offset` after the one of t.
std::optional<int64_t> period_start(Part p, int64_t t, int64_t offset) {
  switch (p) {
    case Part::kDay:
      return add_ticks(t / kTicksPerDay * kTicksPerDay, offset, kTicksPerDay);
    case Part::kWeek:
      return add_ticks(week_start(week_number(t)), offset, 7 * kTicksPerDay);
    case Part::kMonth:
      return month_start(civil_from_ticks(t), offset);
    default: {
      CivilTime c = civil_from_ticks(t);
      if (offset > 10'000 || offset < -10'000) return std::nullopt;
      c.month = 1;
      return month_start(c, offset * 12);
    }
  }
}

/// startofday(t[, offset]) and its kin; the end is the last tick.
template <Part part, bool end>
Column period_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> t = args[0].datetime(row);
    const std::optional<int64_t> offset =
        args.size() > 1 ? args[1].integer(row) : std::optional<int64_t>(0);
    if (!t || !offset || *offset > 4'000'000 || *offset < -4'000'000) return;
    std::optional<int64_t> v = period_start(part, *t, *offset + (end ? 1 : 0));
    if (end && v) v = *v - 1;
    // The last period of all ends with the calendar.
    if (end && !v && part != Part::kDay && period_start(part, *t, *offset)) v = kMaxTicks;
    set_time(out, row, v);
  });
}

// ---- parts by name
// ------------------------------------------------------------------------------------

/// Prepares the part that is argument 0; a name that is none is refused.
Result<std::shared_ptr<const void>> prepare_part(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  if (!constants[0]) return std::shared_ptr<const void>();
  const Part p = part_from_name(constants[0]->text());
  if (p == Part::kUnknown)
    return Error{Code::kInvalid, "not a part of a datetime: " + constants[0]->text()};
  return std::shared_ptr<const void>(std::make_shared<Part>(p));
}

/// The part that was prepared, or that this row names.
Part part_at(const void* prepared, Arg& a, uint32_t row) {
  return prepared ? *static_cast<const Part*>(prepared) : part_from_name(a.text(row));
}

Column datetime_add_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Part p = part_at(call.state, args[0], row);
    const std::optional<int64_t> n = args[1].integer(row);
    const std::optional<int64_t> t = args[2].datetime(row);
    if (n && t) set_time(out, row, add_part(p, *n, *t));
  });
}

/// How many borders of the part lie before t; differences of these are what datetime_diff() counts.
int64_t border(Part p, int64_t t) {
  const CivilTime c = civil_from_ticks(t);
  switch (p) {
    case Part::kYear:
      return c.year;
    case Part::kQuarter:
      return int64_t{c.year} * 4 + (c.month - 1) / 3;
    case Part::kMonth:
      return int64_t{c.year} * 12 + c.month;
    case Part::kWeek:
      return week_number(t);
    case Part::kNanosecond:
      return t * 100;
    default:
      return t / ticks_of(p);
  }
}

/// datetime_diff(part, a, b): borders of the part between b and a.
Column datetime_diff_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Part p = part_at(call.state, args[0], row);
    const std::optional<int64_t> a = args[1].datetime(row);
    const std::optional<int64_t> b = args[2].datetime(row);
    if (!a || !b || p == Part::kUnknown || p == Part::kDayOfYear) return;
    if (p == Part::kNanosecond) {
      if (const auto v = add_ticks(0, *a - *b, 100)) out.set(row, *v);
      return;
    }
    out.set(row, border(p, *a) - border(p, *b));
  });
}

Column datetime_part_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Part p = part_at(call.state, args[0], row);
    const std::optional<int64_t> t = args[1].datetime(row);
    if (!t || p == Part::kUnknown) return;
    const CivilTime c = civil_from_ticks(*t);
    const int64_t values[] = {c.year,
                              (c.month - 1) / 3 + 1,
                              c.month,
                              week_of_year(*t),
                              c.day,
                              day_of_year(*t),
                              c.hour,
                              c.minute,
                              c.second,
                              c.sub_ticks / kTicksPerMillisecond,
                              c.sub_ticks / kTicksPerMicrosecond,
                              c.sub_ticks * 100};
    out.set(row, values[static_cast<size_t>(p)]);
  });
}

// ---- making
// -------------------------------------------------------------------------------------------

/// Seconds with a fraction, to the nearest tick.
std::optional<int64_t> seconds_in_ticks(double seconds) {
  if (!(seconds >= 0 && seconds < 60)) return std::nullopt;
  return static_cast<int64_t>(seconds * static_cast<double>(kTicksPerSecond) + 0.5);
}

/// make_datetime(year, month, day[, hour, minute[, second]])
Column make_datetime_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    int64_t parts[5] = {1, 1, 1, 0, 0};
    for (size_t i = 0; i < 5 && i < args.size(); ++i) {
      const std::optional<int64_t> v = args[i].integer(row);
      if (!v || *v < -1 || *v > 10'000) return;
      parts[i] = *v;
    }
    const std::optional<double> seconds =
        args.size() > 5 ? args[5].number(row) : std::optional<double>(0);
    const std::optional<int64_t> sub = seconds ? seconds_in_ticks(*seconds) : std::nullopt;
    CivilTime c;
    c.year = static_cast<int>(parts[0]);
    c.month = static_cast<int>(parts[1]);
    c.day = static_cast<int>(parts[2]);
    c.hour = static_cast<int>(parts[3]);
    c.minute = static_cast<int>(parts[4]);
    const std::optional<int64_t> t = ticks_from_civil(c);
    if (t && sub) set_time(out, row, *t + *sub);
  });
}

/// make_timespan([day,] hour, minute[, second])
Column make_timespan_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const bool days_given = args.size() == 4;
    const std::optional<int64_t> days =
        days_given ? args[0].integer(row) : std::optional<int64_t>(0);
    const size_t first = days_given ? 1 : 0;
    const std::optional<int64_t> hours = args[first].integer(row);
    const std::optional<int64_t> minutes = args[first + 1].integer(row);
    const std::optional<double> seconds =
        args.size() > 2 ? args[first + 2].number(row) : std::optional<double>(0);
    if (!days || !hours || !minutes || !seconds) return;
    const std::optional<int64_t> sub = seconds_in_ticks(*seconds);
    if (*hours < 0 || *hours > 23 || *minutes < 0 || *minutes > 59 || !sub || *days < 0 ||
        *days > 10'000'000)
      return;
    out.set(row, *days * kTicksPerDay + *hours * kTicksPerHour + *minutes * kTicksPerMinute + *sub);
  });
}

/// unixtime_seconds_todatetime() and its kin; reals keep their fraction.
template <int64_t ticks_per_unit, int64_t units_per_tick>
Column unixtime_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (args[0].type() == Type::kReal) {
      const double v = args[0].number(row).value_or(NAN) * static_cast<double>(ticks_per_unit) /
                       static_cast<double>(units_per_tick);
      const std::optional<int64_t> ticks = long_from_real(std::round(v));
      if (ticks) set_time(out, row, add_ticks(kUnixEpochTicks, *ticks, 1));
      return;
    }
    if (const std::optional<int64_t> v = args[0].integer(row))
      set_time(out, row, add_ticks(kUnixEpochTicks, floor_div(*v, units_per_tick), ticks_per_unit));
  });
}

// ---- now
// ----------------------------------------------------------------------------------------------

/// now([offset])
Column now_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> offset =
        args.empty() ? std::optional<int64_t>(0) : args[0].timespan(row);
    if (offset) set_time(out, row, add_ticks(call.run->now_ticks, *offset, 1));
  });
}

/// The time of the run is one for all rows and rules, so that windows of several rules meet.
Column ago_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<int64_t> span = args[0].timespan(row))
      set_time(out, row, add_ticks(call.run->now_ticks, *span, -1));
  });
}

constexpr auto kPeriod = fixed<Type::kDatetime, kDatetimeArg, kIntegerArg>;
constexpr auto kIntOf = fixed<Type::kInt, kDatetimeArg>;
constexpr auto kUnix = fixed<Type::kDatetime, kNumberArg>;

constexpr Spec kSpecs[] = {
    {"now", 0, 1, fixed<Type::kDatetime, kTimespanArg>, now_kernel, "The time of the run.", nullptr,
     "", false, false},
    {"ago", 1, 1, fixed<Type::kDatetime, kTimespanArg>, ago_kernel,
     "So long before the time of the run.", nullptr, "", false, false},
    {"startofday", 1, 2, kPeriod, period_kernel<Part::kDay, false>, "First tick of the day."},
    {"startofweek", 1, 2, kPeriod, period_kernel<Part::kWeek, false>,
     "First tick of the week, a Sunday."},
    {"startofmonth", 1, 2, kPeriod, period_kernel<Part::kMonth, false>, "First tick of the month."},
    {"startofyear", 1, 2, kPeriod, period_kernel<Part::kYear, false>, "First tick of the year."},
    {"endofday", 1, 2, kPeriod, period_kernel<Part::kDay, true>, "Last tick of the day."},
    {"endofweek", 1, 2, kPeriod, period_kernel<Part::kWeek, true>, "Last tick of the week."},
    {"endofmonth", 1, 2, kPeriod, period_kernel<Part::kMonth, true>, "Last tick of the month."},
    {"endofyear", 1, 2, kPeriod, period_kernel<Part::kYear, true>, "Last tick of the year."},
    {"getyear", 1, 1, kIntOf, of_time_kernel<year_of>, "Year."},
    {"monthofyear", 1, 1, kIntOf, of_time_kernel<month_of>, "Month, 1 to 12."},
    {"dayofmonth", 1, 1, kIntOf, of_time_kernel<day_of_month>, "Day of the month."},
    {"dayofyear", 1, 1, kIntOf, of_time_kernel<day_of_year_of>, "Day of the year."},
    {"dayofweek", 1, 1, fixed<Type::kTimespan, kDatetimeArg>, of_time_kernel<day_of_week>,
     "Days since Sunday."},
    {"hourofday", 1, 1, kIntOf, of_time_kernel<hour_of>, "Hour, 0 to 23."},
    {"week_of_year", 1, 1, kIntOf, of_time_kernel<week_of>, "Week of the year by ISO 8601."},
    {"datetime_add", 3, 3, fixed<Type::kDatetime, kTextArg, kIntegerArg, kDatetimeArg>,
     datetime_add_kernel, "A number of parts later.", prepare_part},
    {"datetime_diff", 3, 3, fixed<Type::kLong, kTextArg, kDatetimeArg>, datetime_diff_kernel,
     "Borders of a part between two points.", prepare_part},
    {"datetime_part", 2, 2, fixed<Type::kInt, kTextArg, kDatetimeArg>, datetime_part_kernel,
     "A part of a datetime.", prepare_part},
    {"make_datetime", 1, 6, fixed<Type::kDatetime, kNumberArg>, make_datetime_kernel,
     "A datetime of its parts."},
    {"make_timespan", 2, 4, fixed<Type::kTimespan, kNumberArg>, make_timespan_kernel,
     "A timespan of its parts."},
    {"unixtime_seconds_todatetime", 1, 1, kUnix, unixtime_kernel<kTicksPerSecond, 1>,
     "Seconds since 1970."},
    {"unixtime_milliseconds_todatetime", 1, 1, kUnix, unixtime_kernel<kTicksPerMillisecond, 1>,
     "Milliseconds since 1970."},
    {"unixtime_microseconds_todatetime", 1, 1, kUnix, unixtime_kernel<kTicksPerMicrosecond, 1>,
     "Microseconds since 1970."},
    {"unixtime_nanoseconds_todatetime", 1, 1, kUnix, unixtime_kernel<1, 100>,
     "Nanoseconds since 1970."},
};

}  // namespace

void register_datetimes(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
