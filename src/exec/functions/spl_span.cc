// Times moved, snapped and put into spans: relative_time, now, ago, bin.
//
// Relative times: "-1d@d", "@w1", "+2h@m"; weeks snap to Sunday (@w, @w0) or to the day given
// (@w1 … @w6; @w7 is Sunday again) (Splunk Search Reference, time modifiers).
#include <algorithm>
#include <cmath>

#include "base/time.h"
#include "exec/functions/spl_time.h"
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
  SplFormat spec(call.args[1]);
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

void register_spl_spans(plan::FunctionCatalog& c) {
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
