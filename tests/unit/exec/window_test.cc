// What the random streams of check_correlations do not reach: lateness, limits, large windows.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/column.h"
#include "exec/memory.h"
#include "exec/run.h"
#include "exec/window/window_engine.h"
#include "plan/op.h"

namespace postern::exec {
namespace {

using plan::BoundOp;
using plan::WindowKind;
using plan::WindowSpec;

class Collect final : public WindowSink {
 public:
  void fired(std::string_view key, WindowResult& r) override {
    keys.emplace_back(key);
    results.push_back(r);
  }

  std::vector<std::string> keys;
  std::vector<WindowResult> results;
};

WindowSpec counting(WindowKind kind, int64_t length, BoundOp op, double value) {
  WindowSpec s;
  s.kind = kind;
  s.length = length;
  s.bounds.push_back({op, value});
  return s;
}

WindowRow row(int64_t time, uint64_t value = 0) {
  WindowRow r;
  r.time = time;
  r.value = value;
  return r;
}

WindowRow number(int64_t time, double value) {
  return row(time, WindowRow::of_number(value));
}

constexpr uint64_t kPlenty = uint64_t{1} << 30;

TEST(WindowEngine, a_row_before_the_watermark_is_late_and_counts_for_nothing) {
  const WindowSpec spec = counting(WindowKind::kCount, 100, BoundOp::kGreaterEqual, 2);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  engine.add("a", row(50));
  engine.advance(60);
  engine.add("a", row(59));
  EXPECT_EQ(engine.counts().late, 1U);
  EXPECT_TRUE(sink.results.empty());
  engine.add("a", row(60));  // the watermark itself is in time
  engine.advance(61);
  EXPECT_EQ(sink.results.size(), 1U);
}

TEST(WindowEngine, findings_come_as_soon_as_the_watermark_lets_them) {
  const WindowSpec spec = counting(WindowKind::kCount, 100, BoundOp::kLess, 3);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  engine.add("a", row(50));
  engine.advance(149);
  EXPECT_TRUE(sink.results.empty());
  engine.advance(150);  // the window [50, 150) is over
  ASSERT_EQ(sink.results.size(), 1U);
  EXPECT_EQ(sink.results[0].time, 150);
}

TEST(WindowEngine, state_leaves_with_its_window) {
  for (const BoundOp op : {BoundOp::kGreaterEqual, BoundOp::kLess}) {
    const WindowSpec spec = counting(WindowKind::kCount, 100, op, 1000);
    Collect sink;
    WindowEngine engine(spec, kPlenty, sink);
    for (int64_t t = 0; t < 100'000; ++t) {
      engine.add("group " + std::to_string(t), row(t));
      if (t % 10 == 0) engine.advance(t);
      ASSERT_LE(engine.num_groups(), 120U);
    }
    EXPECT_LT(engine.used_bytes(), 100'000U);
  }
}

TEST(WindowEngine, what_a_count_cannot_need_is_not_kept) {
  const WindowSpec spec = counting(WindowKind::kCount, 1'000'000'000, BoundOp::kGreaterEqual, 10);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  for (int64_t t = 0; t < 100'000; ++t) {
    engine.add("a", row(t));
    engine.advance(t);
  }
  EXPECT_LT(engine.used_bytes(), 10'000U);
}

TEST(WindowEngine, at_its_limit_the_oldest_groups_are_forgotten_and_counted) {
  const WindowSpec spec = counting(WindowKind::kCount, 1'000'000'000, BoundOp::kGreaterEqual, 3);
  Collect sink;
  WindowEngine engine(spec, 1'000'000, sink);
  for (int64_t t = 0; t < 100'000; ++t) {
    engine.add("group " + std::to_string(t), row(t));
    engine.advance(t);
    ASSERT_LT(engine.used_bytes(), 1'300'000U);
  }
  EXPECT_GT(engine.counts().forgotten, 80'000U);
  // The newest are whole.
  engine.add("group 99999", row(100'001));
  engine.add("group 99999", row(100'002));
  engine.finish();
  EXPECT_EQ(sink.keys, std::vector<std::string>{"group 99999"});
}

TEST(WindowEngine, at_its_limit_waiting_rows_are_taken_before_their_time_and_counted) {
  const WindowSpec spec = counting(WindowKind::kCount, 10, BoundOp::kGreaterEqual, 2);
  Collect sink;
  WindowEngine engine(spec, 1'000'000, sink);
  for (int64_t t = 0; t < 200'000; ++t) {  // no watermark, as in a hunt
    engine.add("g", row(t % 2 == 0 ? t : 7));
    ASSERT_LT(engine.used_bytes(), 1'400'000U);
  }
  EXPECT_GT(engine.counts().hurried, 0U);
  EXPECT_GT(engine.counts().late, 0U);  // those at 7 that came after the hurry
}

TEST(WindowEngine, many_rows_of_one_time_do_not_get_stuck_at_the_limit) {
  const WindowSpec spec = counting(WindowKind::kSum, 10, BoundOp::kGreaterEqual, 1e9);
  Collect sink;
  WindowEngine engine(spec, 1'000'000, sink);
  for (int i = 0; i < 200'000; ++i)
    engine.add("g", number(5, 1));
  engine.finish();
  EXPECT_GT(engine.counts().hurried, 0U);
}

TEST(WindowEngine, many_different_values_beyond_those_that_are_scanned) {
  const WindowSpec spec = counting(WindowKind::kDistinct, 1000, BoundOp::kGreaterEqual, 500);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  // Each value twice, 501 times apart: 500 different ones lie in any 1,000.
  for (int64_t t = 0; t < 499; ++t)
    engine.add("a", row(t, static_cast<uint64_t>(t)));
  for (int64_t t = 499; t < 900; ++t)
    engine.add("a", row(t, static_cast<uint64_t>(t % 499)));
  engine.add("a", row(998, 4000));
  engine.finish();
  ASSERT_EQ(sink.results.size(), 1U);
  EXPECT_EQ(sink.results[0].time, 998);
  EXPECT_EQ(sink.results[0].value, 500);
  EXPECT_EQ(sink.results[0].evidence.size(), kMaxWindowEvidence);
}

TEST(WindowEngine, a_value_that_left_is_new_when_it_comes_again) {
  const WindowSpec spec = counting(WindowKind::kDistinct, 100, BoundOp::kGreaterEqual, 70);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  for (int64_t t = 0; t < 69; ++t)
    engine.add("a", row(t, static_cast<uint64_t>(t)));
  engine.add("a", row(100, 0));   // value 0 left at 100, and is back
  engine.add("a", row(101, 99));  // 1 left at 101: 0, 2 .. 68 and 99
  engine.finish();
  EXPECT_TRUE(sink.results.empty());
}

TEST(WindowEngine, sums_do_not_drift) {
  // Of numbers that doubles cannot hold, after a million of them came and left.
  const WindowSpec spec = counting(WindowKind::kSum, 3, BoundOp::kGreaterEqual, 1e15);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  for (int64_t t = 0; t < 300'000; ++t) {
    engine.add("a", number(t, t % 2 == 0 ? 0.1 : 1e14));
    engine.advance(t);
  }
  engine.add("a", number(400'000, 1e15));
  engine.finish();
  ASSERT_EQ(sink.results.size(), 1U);
  EXPECT_EQ(sink.results[0].value, 1e15);
}

TEST(WindowEngine, a_median_over_many_rows) {
  WindowSpec spec = counting(WindowKind::kPercentile, 1'000'000, BoundOp::kGreaterEqual, 50'000);
  Collect sink;
  WindowEngine engine(spec, kPlenty, sink);
  for (int64_t t = 0; t < 100'001; ++t)
    engine.add("a", number(t, static_cast<double>(t)));
  engine.finish();
  ASSERT_EQ(sink.results.size(), 1U);
  EXPECT_EQ(sink.results[0].time, 100'000);
  EXPECT_EQ(sink.results[0].value, 50'000);
}

TEST(TimeWindow, what_it_keeps_is_charged_and_given_back) {
  auto column = std::make_shared<plan::Expr>(*plan::column("key"));
  column->type = data::Type::kString;
  auto scan = std::make_shared<plan::Op>(*plan::scan("native", "events"));
  scan->schema = {{"key", data::Type::kString}};
  auto op = std::make_shared<plan::Op>();
  op->kind = plan::OpKind::kTimeWindow;
  op->inputs = {scan};
  op->keys.push_back({"key", column, {}});
  op->schema = {{"key", data::Type::kString},
                {"event_count", data::Type::kLong},
                {plan::kWindowFrom, data::Type::kDatetime},
                {plan::kWindowTo, data::Type::kDatetime}};
  WindowSpec spec = counting(WindowKind::kCount, 1000, BoundOp::kGreaterEqual, 5);
  spec.name = "event_count";
  op->window = std::make_shared<WindowSpec>(spec);
  const auto plan = CompiledPlan::make(op);
  ASSERT_TRUE(plan);
  MemoryBudget budget(100'000);
  RowCollector rows;
  auto run = Run::start(*plan, {}, rows, &budget);
  const auto push = [&](int64_t from) {
    data::ColumnBuilder key(data::Type::kString);
    Chunk c;
    for (; c.num_rows < data::kBatchRows; ++c.num_rows) {
      key.append_copy("group " + std::to_string(from + c.num_rows));
      c.times.push_back(from + c.num_rows);
      c.refs.add_row(&c.num_rows, 1);
    }
    c.columns = {key.finish()};
    run->push(0, std::move(c));
  };
  push(1);
  EXPECT_GT(run->memory_bytes(), data::kBatchRows * 50U);
  EXPECT_EQ(budget.used(), run->memory_bytes());
  EXPECT_TRUE(budget.exceeded());  // and nobody drops rows behind the back of who watches it
  run->advance(1'000'000);
  EXPECT_LT(budget.used(), data::kBatchRows * 30U);  // the table of groups stays
  run.reset();
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace postern::exec
