// Evidence ids: every row is found again, wherever it lies in its block and however far it is from
// the one before, in memory and from the file.
#include "engine/origin_store.h"

#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

namespace postern::engine {
namespace {

void expect_same(const OriginStore& store, const std::vector<RowOrigin>& rows) {
  ASSERT_EQ(store.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::optional<RowOrigin> r = store.find(static_cast<uint32_t>(i));
    ASSERT_TRUE(r) << i;
    EXPECT_EQ(r->offset, rows[i].offset) << i;
    EXPECT_EQ(r->record, rows[i].record) << i;
    EXPECT_EQ(r->source, rows[i].source) << i;
  }
  EXPECT_FALSE(store.find(static_cast<uint32_t>(rows.size())));
}

TEST(OriginStore, FindsRowsOfAnyDistance) {
  const uint64_t values[] = {0,
                             1,
                             31,
                             32,
                             63,
                             64,
                             127,
                             128,
                             1u << 20,
                             uint64_t{1} << 57,
                             uint64_t{1} << 58,
                             uint64_t{1} << 63,
                             ~uint64_t{0}};
  OriginStore store;
  std::vector<RowOrigin> rows;
  for (const uint64_t offset : values)
    for (const uint64_t record : values)
      for (const uint32_t source : {0u, 1u, 0xFFFFFFFFu})
        rows.push_back({offset, record, source});
  for (const RowOrigin& r : rows)
    store.add(r);
  ASSERT_TRUE(store.seal());
  expect_same(store, rows);
}

TEST(OriginStore, FindsDrawnRowsInMemoryAndInAFile) {
  std::mt19937_64 random(7);
  for (const size_t memory : {size_t{0}, size_t{5000}, OriginStore::kMemoryBytes}) {
    for (const size_t n : {0, 1, 511, 512, 513, 5000}) {
      OriginStore store(memory);
      std::vector<RowOrigin> rows;
      for (size_t i = 0; i < n; ++i) {
        // Mostly a log that is read from front to back, now and then a jump.
        RowOrigin r = rows.empty() ? RowOrigin{} : rows.back();
        r.offset += random() % 2000;
        ++r.record;
        if (random() % 50 == 0) r = {random(), random(), static_cast<uint32_t>(random() % 5)};
        rows.push_back(r);
        store.add(r);
      }
      ASSERT_TRUE(store.seal());
      expect_same(store, rows);
    }
  }
}

TEST(OriginStore, SourcesAreNumberedOnce) {
  OriginStore store;
  EXPECT_EQ(store.source({"windows.security", "a.evtx"}), 0u);
  EXPECT_EQ(store.source({"windows.sysmon", "a.evtx"}), 1u);
  EXPECT_EQ(store.source({"windows.security", "a.evtx"}), 0u);
  EXPECT_EQ(store.source(1).table, "windows.sysmon");
  EXPECT_EQ(store.source(1).path, "a.evtx");
}

TEST(OriginStore, HasNoIdsBeyondThirtyTwoBits) {
  OriginStore store;
  EXPECT_EQ(store.reserve(OriginStore::kMaxRows), 0u);
  store.add({});
  EXPECT_EQ(store.reserve(OriginStore::kMaxRows - 1), 1u);
  EXPECT_FALSE(store.reserve(OriginStore::kMaxRows));
}

TEST(OriginStore, KnowsNothingBeforeItIsSealed) {
  OriginStore store;
  store.add({5, 6, 0});
  EXPECT_FALSE(store.find(0));
}

TEST(OriginStore, OrdinaryLogsTakeThreeBytesARow) {
  OriginStore store(size_t{3100} * 1000);
  for (uint64_t i = 0; i < 1'000'000; ++i)
    store.add({i * 1300, i, 0});
  EXPECT_FALSE(store.is_in_file());
}

}  // namespace
}  // namespace postern::engine
