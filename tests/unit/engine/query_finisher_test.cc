// Queries that end on several threads: the order of their results, and what the limit lets them
// keep.
#include "engine/query_finisher.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "base/time.h"
#include "engine/rule_set.h"

namespace postern::engine {
namespace {

using data::ColumnBuilder;
using data::Type;

constexpr uint32_t kRows = 500;
constexpr size_t kTextBytes = 200;

/// Queries of which each gives `copies` rows for each row, once all have come.
class QueryFinisherTest : public testing::Test {
 protected:
  void load(const std::vector<int>& copies) {
    RuleOptions options;
    options.builtin = false;
    for (size_t i = 0; i < copies.size(); ++i)
      options.texts.push_back({"q" + std::to_string(i),
                               "DeviceProcessEvents | extend i = range(1, " +
                                   std::to_string(copies[i]) +
                                   ") | mv-expand i | where now() > ago(1d) | extend n = now()",
                               "kql"});
    set_ = RuleSet::load(*make_setup(), options);
    ASSERT_EQ(set_->rules().size(), copies.size());
  }

  static exec::Chunk rows(const LoadedRule& rule) {
    exec::Chunk c;
    c.num_rows = kRows;
    c.times.assign(kRows, 730'000 * kTicksPerDay);
    for (const plan::ColumnInfo& info : rule.compiled->scans()[0]->schema) {
      ColumnBuilder b(info.type);
      for (uint32_t r = 0; r < kRows; ++r)
        if (info.name == "ProcessCommandLine")
          b.append_copy(std::string(kTextBytes, 'x') + std::to_string(r));
        else
          b.append_null();
      c.columns.push_back(b.finish());
    }
    for (uint32_t r = 0; r < kRows; ++r)
      c.refs.add_row(&r, 1);
    return c;
  }

  struct Answer {
    std::vector<size_t> rows;  // of each query in the order in which they were taken
    std::vector<bool> over_budget;
    uint64_t peak = 0;

    friend bool operator==(const Answer& a, const Answer& b) {
      return a.rows == b.rows && a.over_budget == b.over_budget;
    }
  };

  Answer finish(uint64_t limit, size_t threads) {
    exec::MemoryBudget budget(limit);
    std::vector<std::unique_ptr<QueryRun>> runs;
    std::vector<QueryRun*> list;
    for (const LoadedRule& rule : set_->rules()) {
      runs.push_back(std::make_unique<QueryRun>(rule, std::nullopt, &budget));
      runs.back()->push(0, rows(rule));
      list.push_back(runs.back().get());
    }
    kept_ = budget.used();
    Answer out;
    QueryFinisher(
        list, budget,
        [&](size_t i) {
          if (i == slow_) std::this_thread::sleep_for(std::chrono::milliseconds(30));
          return list[i]->finish();
        },
        [&](size_t i, QueryResults&& results) {
          EXPECT_EQ(i, out.rows.size());
          out.rows.push_back(results.rows.size());
          out.over_budget.push_back(list[i]->over_budget());
          runs[i].reset();
        })
        .run(threads);
    EXPECT_EQ(budget.used(), 0U);
    out.peak = budget.peak();
    return out;
  }

  std::unique_ptr<RuleSet> set_;
  uint64_t kept_ = 0;  // of all queries, before they end
  size_t slow_ = SIZE_MAX;
};

TEST_F(QueryFinisherTest, GivesTheResultsInOrder) {
  load({1, 2, 3, 4, 5, 6, 7, 8});
  slow_ = 0;
  const Answer one = finish(uint64_t{1} << 30, 1);
  std::vector<size_t> expected;
  for (size_t i = 1; i <= 8; ++i)
    expected.push_back(i * kRows);
  EXPECT_EQ(one.rows, expected);
  for (const size_t threads : {2, 3, 20})
    EXPECT_EQ(finish(uint64_t{1} << 30, threads), one) << threads;
}

TEST_F(QueryFinisherTest, AnyNumberOfThreadsStopsTheSameQueries) {
  load({1, 9, 1, 3, 1, 9, 2, 1});
  finish(uint64_t{1} << 30, 1);
  const uint64_t kept = kept_;
  bool some_stop = false;
  for (uint64_t limit = kept; limit < 3 * kept; limit += kept / 4) {
    const Answer one = finish(limit, 1);
    size_t num_over = 0;
    for (const bool over : one.over_budget)
      num_over += over;
    some_stop = some_stop || (num_over > 0 && num_over < one.rows.size());
    for (const size_t threads : {2, 4}) {
      const Answer more = finish(limit, threads);
      EXPECT_EQ(more, one) << limit << " bytes, " << threads << " threads";
      EXPECT_LT(more.peak, limit + limit / 2 + kept / 4);
    }
  }
  EXPECT_TRUE(some_stop);
}

}  // namespace
}  // namespace postern::engine
