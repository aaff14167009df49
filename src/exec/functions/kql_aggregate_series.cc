// The two aggregates behind make-series: the values of a series by bin, gaps filled, and its axis.
//
// series_values(bin, value, from, to, step, closed, default) and series_axis(bin, from, to, step,
// closed): one value per step from `from` up to `to`, which belongs to the series only where it is
// closed. A null bound is that of the group's own bins. Source: Kusto documentation, make-series.
// Tests: tests/cases/kql/make_series*.case.
#include <cmath>
#include <map>
#include <optional>

#include "exec/functions/kql_aggregates.h"

namespace postern::exec::kql {
namespace {

/// More steps than an array may have give null.
constexpr double kMaxSteps = 1'048'576;

/// Bins of one group on their axis. Times and whole numbers are exact in int64; reals have their
/// own.
class Axis {
 public:
  void set_bounds(Arg& from, Arg& to, Arg& step, Arg& closed, uint32_t row) {
    if (known_) return;
    known_ = true;
    real_ = step.type() == Type::kReal || from.type() == Type::kReal;
    read(from, row, from_);
    read(to, row, to_);
    read(step, row, step_);
    closed_ = closed.boolean(row).value_or(false);
  }

  void see(double real, int64_t whole) {
    if (!seen_ || (real_ ? real < low_.real : whole < low_.whole)) low_ = {real, whole};
    if (!seen_ || (real_ ? real > high_.real : whole > high_.whole)) high_ = {real, whole};
    seen_ = true;
  }

  /// Number of steps, or nothing when there is no sensible one.
  std::optional<uint32_t> size() const {
    if (!seen_ && (!from_ || !to_)) return 0;
    if (!step_ || (real_ ? !(step_->real > 0) : step_->whole <= 0)) return std::nullopt;
    const Point first = from_.value_or(low_);
    const Point last = to_.value_or(high_);
    const bool closed = closed_ || !to_;
    const double span = real_ ? last.real - first.real
                              : static_cast<double>(last.whole) - static_cast<double>(first.whole);
    const double steps = span / (real_ ? step_->real : static_cast<double>(step_->whole));
    const double n = closed ? std::floor(steps + 1e-9) + 1 : std::ceil(steps - 1e-9);
    if (!(n <= kMaxSteps)) return std::nullopt;
    return n <= 0 ? 0 : static_cast<uint32_t>(n);
  }

  /// Place of a bin in the series; negative or beyond its end for one outside.
  int64_t index(double real, int64_t whole) const {
    const Point first = from_.value_or(low_);
    if (real_) return static_cast<int64_t>(std::llround((real - first.real) / step_->real));
    return (whole - first.whole) / step_->whole;
  }

  void write(DynamicWriter& w, Type type, uint32_t i) const {
    const Point first = from_.value_or(low_);
    const int64_t whole = first.whole + static_cast<int64_t>(i) * (real_ ? 0 : step_->whole);
    if (real_)
      w.real(first.real + static_cast<double>(i) * step_->real);
    else if (type == Type::kDatetime)
      w.datetime(whole);
    else if (type == Type::kTimespan)
      w.timespan(whole);
    else
      w.integer(whole);
  }

 private:
  struct Point {
    double real = 0;
    int64_t whole = 0;
  };

  static void read(Arg& a, uint32_t row, std::optional<Point>& out) {
    const std::optional<double> real = a.number(row);
    const std::optional<int64_t> whole = a.integer(row);
    if (real) out = Point{*real, whole.value_or(0)};
  }

  bool known_ = false;
  bool real_ = false;
  bool closed_ = false;
  bool seen_ = false;
  std::optional<Point> from_, to_, step_;
  Point low_, high_;
};

class Series final : public Aggregator {
 public:
  explicit Series(bool values) : values_(values) {}

  void resize(uint32_t n) override { groups_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const size_t bounds = values_ ? 2 : 1;
    Arg bin(args[0]);
    Arg value(args[values_ ? 1 : 0]);
    Arg from(args[bounds]), to(args[bounds + 1]), step(args[bounds + 2]), closed(args[bounds + 3]);
    Arg absent(args[values_ ? 6 : 0]);
    type_ = bin.type();
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::optional<double> real = bin.number(rows[i]);
      if (!real) continue;
      const int64_t whole = bin.integer(rows[i]).value_or(0);
      Group& g = groups_[groups[i]];
      g.axis.set_bounds(from, to, step, closed, rows[i]);
      g.axis.see(*real, whole);
      if (!values_) continue;
      write_cell(writer_, value, rows[i]);
      g.cells.push_back({*real, whole, writer_.take()});
      if (!g.absent.empty()) continue;
      write_cell(writer_, absent, rows[i]);
      g.absent = writer_.take();
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    const Group& g = groups_[group];
    const std::optional<uint32_t> size = g.axis.size();
    if (!size) return out.append_null();
    DynamicWriter w;
    w.begin_array();
    if (!values_) {
      for (uint32_t i = 0; i < *size; ++i)
        g.axis.write(w, type_, i);
    } else {
      std::vector<const std::string*> cells(*size, nullptr);
      for (const Cell& c : g.cells)
        if (const int64_t i = g.axis.index(c.real, c.whole); i >= 0 && i < *size)
          cells[static_cast<size_t>(i)] = &c.value;
      for (const std::string* c : cells)
        w.value(Dynamic(c ? *c : g.absent));
    }
    w.end();
    out.append_copy(w.take());
  }

 private:
  struct Cell {
    double real;
    int64_t whole;
    std::string value;  // encoded
  };

  struct Group {
    Axis axis;
    std::vector<Cell> cells;
    std::string absent;  // encoded
  };

  bool values_;
  Type type_ = Type::kNull;
  std::vector<Group> groups_;
  DynamicWriter writer_;
};

template <bool values>
std::unique_ptr<Aggregator> make(Constants, std::span<const Type>, Type) {
  return std::make_unique<Series>(values);
}

Typing series_typing(const TypeRequest&) {
  return Typing::ok(Type::kDynamic);
}

constexpr AggregateSpec kSpecs[] = {
    {"series_values", 7, 7, series_typing, make<true>, "Values of make-series, gaps filled."},
    {"series_axis", 5, 5, series_typing, make<false>, "Axis of make-series."},
};

}  // namespace

void register_series_aggregates(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
