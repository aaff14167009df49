// Sigma's parts of a time: minute, hour, day, week, month, year.
//
// The specification wants the numbers as they are written: no time zone and no format is converted.
// So a text gives its own digits (ISO 8601 order, `-` or `/` between, `T` or a blank before the
// time), a datetime column its UTC parts. Weeks are those of ISO 8601.
#include <optional>
#include <utility>

#include "exec/functions/kernel.h"
#include "exec/functions/sigma.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

enum class Part : uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };

struct WrittenTime {
  CivilTime civil;
  bool has_clock = false;
};

/// `size` digits at `at`, which moves on; nullopt when there are others.
std::optional<int> digits(std::string_view s, size_t& at, size_t size) {
  if (at + size > s.size()) return std::nullopt;
  int out = 0;
  for (size_t i = 0; i < size; ++i) {
    if (!ascii_digit(s[at + i])) return std::nullopt;
    out = out * 10 + (s[at + i] - '0');
  }
  at += size;
  return out;
}

bool skip(std::string_view s, size_t& at, std::string_view any_of) {
  if (at >= s.size() || any_of.find(s[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

std::optional<WrittenTime> written_time(std::string_view text) {
  const std::string_view s = trim(text);
  WrittenTime out;
  size_t at = 0;
  const auto year = digits(s, at, 4);
  if (!year || !skip(s, at, "-/")) return std::nullopt;
  const auto month = digits(s, at, 2);
  if (!month || !skip(s, at, "-/")) return std::nullopt;
  const auto day = digits(s, at, 2);
  if (!day) return std::nullopt;
  out.civil.year = *year;
  out.civil.month = *month;
  out.civil.day = *day;
  if (at < s.size()) {
    if (!skip(s, at, "Tt ")) return std::nullopt;
    const auto hour = digits(s, at, 2);
    if (!hour || !skip(s, at, ":")) return std::nullopt;
    const auto minute = digits(s, at, 2);
    if (!minute) return std::nullopt;
    out.civil.hour = *hour;
    out.civil.minute = *minute;
    out.has_clock = true;
  }
  if (!ticks_from_civil(out.civil)) return std::nullopt;
  return out;
}

int64_t day_number(int year, int month, int day) {
  CivilTime c;
  c.year = year;
  c.month = month;
  c.day = day;
  return ticks_from_civil(c).value_or(0) / kTicksPerDay;
}

// The week of a day is the week of its Thursday, counted within that Thursday's year.
int iso_week(const CivilTime& c) {
  const int64_t day = day_number(c.year, c.month, c.day);
  const int64_t thursday = day - day % 7 + 3;  // day 0, 0001-01-01, is a Monday
  const int year = civil_from_ticks(thursday * kTicksPerDay).year;
  return static_cast<int>((thursday - day_number(year, 1, 1)) / 7) + 1;
}

std::optional<int> part_of(const WrittenTime& t, Part part) {
  switch (part) {
    case Part::kMinute:
      return t.has_clock ? std::optional<int>(t.civil.minute) : std::nullopt;
    case Part::kHour:
      return t.has_clock ? std::optional<int>(t.civil.hour) : std::nullopt;
    case Part::kDay:
      return t.civil.day;
    case Part::kWeek:
      return iso_week(t.civil);
    case Part::kMonth:
      return t.civil.month;
    case Part::kYear:
      return t.civil.year;
  }
  return std::nullopt;
}

template <Part part>
Column part_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kLong, call.num_rows);
  const Column& field = call.args[0];
  const auto ticks = field.view<int64_t>();
  CellText text(field);
  for (const uint32_t row : call.rows) {
    if (!text.valid(row)) continue;
    std::optional<WrittenTime> t;
    if (field.type() == Type::kDatetime)
      t = WrittenTime{civil_from_ticks(ticks[row]), true};
    else if (field.type() == Type::kString || field.type() == Type::kDynamic)
      t = written_time(text[row]);
    if (!t) continue;
    if (const auto n = part_of(*t, part)) out.set(row, static_cast<int64_t>(*n));
  }
  return out.finish();
}

template <Part part>
void add(plan::FunctionCatalog& c, const std::string& name, const std::string& doc) {
  plan::FunctionDef f = sigma_function("sigma." + name, 1, 1, part_kernel<part>, "", doc);
  f.typing = [](const TypeRequest&) { return Typing::ok(Type::kLong); };
  c.add(std::move(f));
}

}  // namespace

void register_sigma_times(plan::FunctionCatalog& c) {
  add<Part::kMinute>(c, "minute", "Minute of a time as written, 0 to 59.");
  add<Part::kHour>(c, "hour", "Hour of a time as written, 0 to 23.");
  add<Part::kDay>(c, "day", "Day of the month, 1 to 31.");
  add<Part::kWeek>(c, "week", "Week of the year by ISO 8601, 1 to 53.");
  add<Part::kMonth>(c, "month", "Month, 1 to 12.");
  add<Part::kYear>(c, "year", "Year.");
}

}  // namespace postern::exec
