// Events for windows as chunks of rows, in some order of arrival.
#pragma once
#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "correlation_model.h"
#include "data/column.h"
#include "exec/run.h"
#include "plan/op.h"

namespace postern::tests {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  /// 0 .. n - 1
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

  bool chance(uint32_t percent) { return below(100) < percent; }

  template <class T>
  void shuffle(std::vector<T>& v) {
    std::shuffle(v.begin(), v.end(), engine_);
  }

 private:
  std::mt19937_64 engine_;
};

inline plan::ExprPtr typed_column(const char* name, data::Type t) {
  auto e = std::make_shared<plan::Expr>(*plan::column(name));
  e->type = t;
  return e;
}

inline plan::Schema event_schema() {
  return {{"key", data::Type::kString},
          {"step", data::Type::kLong},
          {"value", data::Type::kReal},
          {"text", data::Type::kString}};
}

/// A window over rows of schema `input`, grouped by their column "key".
inline plan::OpPtr window_over(plan::Schema input,
                               std::vector<plan::NamedExpr> items,
                               const plan::WindowSpec& spec) {
  auto scan = std::make_shared<plan::Op>(*plan::scan("native", "events"));
  scan->schema = std::move(input);
  auto w = std::make_shared<plan::Op>();
  w->kind = plan::OpKind::kTimeWindow;
  w->inputs = {scan};
  w->keys.push_back({"key", typed_column("key", data::Type::kString), {}});
  w->items = std::move(items);
  const bool real = spec.kind == plan::WindowKind::kSum ||
                    spec.kind == plan::WindowKind::kAverage ||
                    spec.kind == plan::WindowKind::kPercentile;
  w->schema = {{"key", data::Type::kString},
               {spec.name, real ? data::Type::kReal : data::Type::kLong},
               {plan::kWindowFrom, data::Type::kDatetime},
               {plan::kWindowTo, data::Type::kDatetime}};
  w->window = std::make_shared<plan::WindowSpec>(spec);
  return w;
}

struct Arrival {
  ModelEvent event;
  uint32_t id = 0;
};

inline void push(exec::Run& run, size_t scan, const std::vector<Arrival>& rows) {
  data::ColumnBuilder key(data::Type::kString);
  data::ColumnBuilder step(data::Type::kLong);
  data::ColumnBuilder value(data::Type::kReal);
  data::ColumnBuilder text(data::Type::kString);
  exec::Chunk c;
  c.num_rows = static_cast<uint32_t>(rows.size());
  for (const Arrival& a : rows) {
    key.append_copy(a.event.key);
    step.append(static_cast<int64_t>(a.event.step));
    value.append(a.event.value);
    text.append_copy(a.event.text);
    c.times.push_back(a.event.time);
    c.refs.add_row(&a.id, 1);
  }
  c.columns = {key.finish(), step.finish(), value.finish(), text.finish()};
  run.push(scan, std::move(c));
}

/// With watermarks: each at most `lateness` after its time; without: the latest first.
inline std::vector<Arrival> arrive(const std::vector<ModelEvent>& events,
                                   bool watermarks,
                                   int64_t lateness,
                                   Random& random) {
  std::vector<std::pair<int64_t, Arrival>> order;
  for (uint32_t i = 0; i < events.size(); ++i)
    order.push_back(
        {events[i].time + random.below(static_cast<uint32_t>(lateness) + 1), {events[i], i}});
  random.shuffle(order);
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return watermarks ? a.first < b.first : a.second.event.time > b.second.event.time;
  });
  std::vector<Arrival> out;
  for (auto& o : order)
    out.push_back(o.second);
  return out;
}

}  // namespace postern::tests
