// What the time functions of SPL share: cells as ticks, and the calendar.
#pragma once
#include <optional>
#include <string>

#include "base/time.h"
#include "exec/functions/spl_value.h"

namespace postern::exec {

inline std::optional<int64_t> ticks_of(SplCells& cells, uint32_t row) {
  if (!cells.valid(row)) return std::nullopt;
  if (const auto t = cells.ticks(row)) return t;
  const auto n = cells.number(row);
  return n ? spl_ticks(*n) : std::nullopt;
}

inline int64_t floor_to(int64_t ticks, int64_t unit) {
  // Ticks count from year 1, never below zero.
  return ticks - ticks % unit;
}

inline int weekday(int64_t ticks) {
  return static_cast<int>((ticks / kTicksPerDay + 1) % 7);
}  // 0001-01-01 was a Monday

inline int days_in_month(int year, int month) {
  static constexpr int kDaysOf[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDaysOf[month - 1];
}

/// A format or time modifier per row, kept while it stays the same.
class SplFormat {
 public:
  explicit SplFormat(const data::Column& c) : cells_(c) {}

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

/// relative_time, now, ago and bin (spl_span.cc); called by register_spl_times.
void register_spl_spans(plan::FunctionCatalog& c);

}  // namespace postern::exec
