// Windows of scheduled queries over the same rows: which of them must be run?
#include "engine/query_run.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/time.h"
#include "engine/rule_set.h"

namespace postern::engine {
namespace {

using data::Column;
using data::ColumnBuilder;
using data::Type;

constexpr int64_t kHour = 3600 * kTicksPerSecond;
constexpr int64_t kMidnight = 730'000 * kTicksPerDay;

class QueryRunTest : public testing::Test {
 protected:
  const LoadedRule& load(const std::string& text) {
    RuleOptions options;
    options.builtin = false;
    options.texts = {{"rule", text, "kql"}};
    set_ = RuleSet::load(*make_setup(), options);
    EXPECT_EQ(set_->num_refused(), 0U);
    EXPECT_EQ(set_->rules().size(), 1U);
    return set_->rules().front();
  }

  /// Rows of the rule's first scan: these times (0: none), all else null.
  exec::Chunk rows(const LoadedRule& rule, const std::vector<int64_t>& times) {
    exec::Chunk c;
    c.num_rows = static_cast<uint32_t>(times.size());
    c.times = times;
    for (const plan::ColumnInfo& info : rule.compiled->scans()[0]->schema) {
      ColumnBuilder b(info.type);
      for (const int64_t t : times)
        if (info.type == Type::kDatetime && t != 0)
          b.append(t);
        else
          b.append_null();
      c.columns.push_back(b.finish());
    }
    for (uint32_t r = 0; r < c.num_rows; ++r)
      c.refs.add_row(&r, 1);
    return c;
  }

  static plan::RunContext at(int64_t now) {
    plan::RunContext context;
    context.now_ticks = now;
    return context;
  }

  std::unique_ptr<RuleSet> set_;
};

TEST_F(QueryRunTest, FiltersThatAskTheTimeAgreeWhereTheyLetTheSameRowsThrough) {
  const LoadedRule& rule = load(
      "DeviceProcessEvents | where Timestamp > ago(1d) | extend n = strlen(FileName) | sort by n");
  const auto filters = NowFilters::of(*rule.optimized);
  ASSERT_TRUE(filters);
  const exec::Chunk c = rows(rule, {kMidnight + kHour, kMidnight + 2 * kHour});
  const std::vector<uint32_t> all = {0, 1};
  const auto noon = at(kMidnight + 12 * kHour);
  EXPECT_TRUE(filters->agree(0, c, all, noon, at(kMidnight + 24 * kHour)));
  EXPECT_FALSE(filters->agree(0, c, all, noon, at(kMidnight + 26 * kHour))) << "the first is gone";
  EXPECT_TRUE(filters->agree(0, c, std::vector<uint32_t>{1}, noon, at(kMidnight + 25 * kHour)));
}

TEST_F(QueryRunTest, WhatShowsTheTimeOrComparesWithItLaterIsRunForEachWindow) {
  for (const char* text :
       {"DeviceProcessEvents | where Timestamp > ago(1d) | extend age = now() - Timestamp",
        "DeviceProcessEvents | where Timestamp > ago(1d) | summarize t = max(Timestamp) by "
        "DeviceName | where t < ago(1h)",
        "DeviceProcessEvents | where Timestamp > ago(1d) | summarize n = count() by h = now() - "
        "Timestamp",
        "DeviceProcessEvents | where Timestamp > ago(1d) | sort by (now() - Timestamp) % 7h",
        "DeviceProcessEvents | where Timestamp > ago(1d) | summarize max(now() - Timestamp)",
        "DeviceProcessEvents | where Timestamp > ago(1d) | mv-apply p = split(FileName, '.') on "
        "(where Timestamp > ago(1h))",
        "DeviceProcessEvents | where Timestamp > ago(1d) | mv-apply p = split(FileName, '.') on "
        "(extend age = now() - Timestamp)"})
    EXPECT_FALSE(NowFilters::of(*load(text).optimized)) << text;
}

TEST_F(QueryRunTest, EachScanHasTheFiltersAboveIt) {
  const LoadedRule& rule = load(
      "union (DeviceProcessEvents | where Timestamp > ago(1d)), (DeviceProcessEvents | where "
      "Timestamp > ago(2h) | sort by Timestamp)");
  ASSERT_EQ(rule.compiled->scans().size(), 2U);
  const auto filters = NowFilters::of(*rule.optimized);
  ASSERT_TRUE(filters);
  const exec::Chunk c = rows(rule, {kMidnight + kHour});
  const std::vector<uint32_t> all = {0};
  const auto soon = at(kMidnight + 2 * kHour);
  EXPECT_TRUE(filters->agree(0, c, all, soon, at(kMidnight + 4 * kHour)));
  EXPECT_FALSE(filters->agree(1, c, all, soon, at(kMidnight + 4 * kHour)));
  EXPECT_FALSE(filters->agree(0, c, all, soon, at(kMidnight + 26 * kHour)));
}

TEST_F(QueryRunTest, AWindowThatRepeatsTheOneBeforeGivesNothingOfItsOwn) {
  // The rows of an hour lie in the window of the day and in the one that begins at noon before.
  const LoadedRule& rule =
      load("DeviceProcessEvents | where Timestamp > ago(1d) | sort by Timestamp desc");
  QueryRun run(rule, std::nullopt);
  run.push(0, rows(rule, {kMidnight + kHour, kMidnight + 2 * kHour}));
  const QueryResults r = run.finish();
  EXPECT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.windows.size(), 1U);
  EXPECT_EQ(r.windows.at(0).from, kMidnight - 12 * kHour) << "the first that has them";
}

TEST_F(QueryRunTest, AWindowWithTheSameRowsIsRunWhereItsFiltersSayOtherwise) {
  const LoadedRule& rule = load(
      "DeviceProcessEvents | where Timestamp > ago(1d) | where Timestamp < ago(12h) | sort by "
      "Timestamp desc");
  QueryRun run(rule, std::nullopt);
  run.push(0, rows(rule, {kMidnight + kHour, kMidnight + 2 * kHour}));
  const QueryResults r = run.finish();
  EXPECT_EQ(r.rows.size(), 2U) << "at noon they are too young";
  ASSERT_EQ(r.windows.size(), 2U);
  ASSERT_TRUE(r.window_of(r.rows.at(0)));
  EXPECT_EQ(r.window_of(r.rows.at(0))->from, kMidnight);
}

// Rows of one window that rest on the same evidence say different things of it.
TEST_F(QueryRunTest, ARowIsNoPartOfAnotherOfItsOwnWindow) {
  const LoadedRule& rule = load(
      "let some = DeviceProcessEvents | where Timestamp > ago(1d); union (some | summarize n = "
      "count()), (some | summarize m = count() by Timestamp)");
  QueryRun run(rule, std::nullopt);
  for (size_t scan = 0; scan < rule.compiled->scans().size(); ++scan)
    run.push(scan, rows(rule, {kMidnight + kHour, kMidnight + 2 * kHour}));
  EXPECT_EQ(run.finish().rows.size(), 3U);
}

TEST_F(QueryRunTest, RowsWithoutATimeBelongToEveryWindow) {
  const LoadedRule& rule = load(
      "DeviceProcessEvents | where Timestamp > ago(1d) or isnull(Timestamp) | summarize n = "
      "count(), last = max(Timestamp)");
  QueryRun run(rule, std::nullopt);
  uint32_t number = 0;
  for (const int64_t t : {int64_t{0}, kMidnight + kHour, int64_t{0}, kMidnight + 25 * kHour}) {
    exec::Chunk c = rows(rule, {t});
    c.refs = {};
    c.refs.add_row(&number, 1);
    ++number;
    run.push(0, std::move(c));
  }
  const QueryResults r = run.finish();
  ASSERT_EQ(r.rows.size(), 2U) << "of four windows, of which two see the same";
  for (const QueryResults::Row& row : r.rows)
    EXPECT_EQ(r.chunks[row.chunk].columns[0].value(row.row).as_int(), 3);
}

TEST_F(QueryRunTest, AWindowWithOtherRowsIsRun) {
  const LoadedRule& rule =
      load("DeviceProcessEvents | where Timestamp > ago(1d) | sort by Timestamp desc");
  QueryRun run(rule, std::nullopt);
  run.push(0, rows(rule, {kMidnight + kHour, kMidnight + 13 * kHour}));
  const QueryResults r = run.finish();
  EXPECT_EQ(r.rows.size(), 2U);
  EXPECT_EQ(r.windows.size(), 3U);
}

// The evidence that is kept of both groups is the same, but not what they hold.
TEST_F(QueryRunTest, ALargeGroupOfAWindowIsNoPartOfAnothers) {
  const LoadedRule& rule =
      load("DeviceProcessEvents | where Timestamp > ago(1d) | summarize n = count() by FileName");
  QueryRun run(rule, std::nullopt);
  std::vector<int64_t> times(20, kMidnight + kHour);
  times.push_back(kMidnight + 13 * kHour);
  run.push(0, rows(rule, times));
  const QueryResults r = run.finish();
  std::vector<int64_t> counts;
  for (const QueryResults::Row& row : r.rows)
    counts.push_back(r.chunks[row.chunk].columns[1].value(row.row).as_int());
  std::sort(counts.begin(), counts.end());
  EXPECT_EQ(counts, (std::vector<int64_t>{1, 20, 21}));
}

}  // namespace
}  // namespace postern::engine
