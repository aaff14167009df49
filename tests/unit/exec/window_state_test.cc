// The data structures below windows: blocks, groups, counts of values, ordered numbers.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "exec/window/group_table.h"
#include "exec/window/ordered_values.h"
#include "exec/window/slab_pool.h"
#include "exec/window/value_counts.h"

namespace postern::exec {
namespace {

TEST(SlabPool, the_smallest_class_that_holds_the_words) {
  for (uint64_t n = 1; n < 5000; ++n) {
    const uint32_t c = SlabPool::class_for(n);
    EXPECT_GE(SlabPool::words_of(c), n);
    if (c > 0) {
      EXPECT_LT(SlabPool::words_of(c - 1), std::max<uint64_t>(n, 2)) << n;
    }
  }
}

TEST(SlabPool, blocks_do_not_overlap_and_are_used_again) {
  SlabPool pool;
  std::mt19937 random(1);
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> blocks;  // block -> class, mark
  for (uint32_t i = 0; i < 20000; ++i) {
    if (blocks.size() > 500 || (!blocks.empty() && random() % 3 == 0)) {
      auto it = blocks.begin();
      std::advance(it, random() % blocks.size());
      const auto [c, mark] = it->second;
      for (uint64_t w = 0; w < SlabPool::words_of(c); ++w)
        ASSERT_EQ(pool.at(it->first)[w], mark);
      pool.release(it->first, c);
      blocks.erase(it);
      continue;
    }
    const uint32_t c = SlabPool::class_for(1 + random() % 200);
    const uint32_t block = pool.allocate(c);
    std::fill_n(pool.at(block), SlabPool::words_of(c), i);
    ASSERT_TRUE(blocks.emplace(block, std::make_pair(c, i)).second);
  }
}

TEST(SlabPool, a_block_may_be_larger_than_a_page) {
  SlabPool pool;
  const uint32_t c = SlabPool::class_for(5'000'000);
  const uint32_t large = pool.allocate(c);
  const uint32_t small = pool.allocate(0);
  std::fill_n(pool.at(large), SlabPool::words_of(c), 7U);
  *pool.at(small) = 8;
  EXPECT_EQ(pool.at(large)[SlabPool::words_of(c) - 1], 7U);
  pool.release(large, c);
  EXPECT_EQ(pool.used_bytes(), 2 * sizeof(uint32_t));
  EXPECT_EQ(pool.allocate(c), large);
}

TEST(GroupTable, agrees_with_a_map_while_groups_come_and_go) {
  SlabPool pool;
  GroupTable table(pool, false);
  std::map<std::string, uint32_t> known;
  std::mt19937 random(2);
  for (int i = 0; i < 50000; ++i) {
    const std::string key = "key " + std::to_string(random() % 3000);
    if (random() % 3 == 0 && known.count(key)) {
      table.drop(known[key]);
      known.erase(key);
      continue;
    }
    const uint32_t group = table.find_or_add(key);
    const auto [it, added] = known.emplace(key, group);
    ASSERT_EQ(it->second, group);
    ASSERT_EQ(table.key(group), key);
  }
  EXPECT_EQ(table.size(), known.size());
  std::set<uint32_t> numbers;
  for (const auto& [key, group] : known)
    EXPECT_TRUE(numbers.insert(group).second);
}

TEST(GroupTable, case_of_ascii_letters_is_ignored_when_asked_and_the_smallest_spelling_shown) {
  SlabPool pool;
  GroupTable ignoring(pool, true);
  const uint32_t group = ignoring.find_or_add("corp\\Bob [1]");
  EXPECT_EQ(ignoring.find_or_add("CORP\\bob [1]"), group);
  EXPECT_EQ(ignoring.key(group), "CORP\\bob [1]");
  EXPECT_NE(ignoring.find_or_add("CORP\\bob {1]"), group);  // '[' and '{' are no letters
  EXPECT_NE(ignoring.find_or_add("corp|bob [1]"), group);
  GroupTable exact(pool, false);
  EXPECT_NE(exact.find_or_add("a"), exact.find_or_add("A"));
}

TEST(ValueCounts, counts_per_group_and_forgets_what_leaves) {
  ValueCounts counts;
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> wanted;
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    const auto group = static_cast<uint32_t>(random() % 20);
    const uint64_t hash = random() % 200;
    uint32_t& n = wanted[{group, hash}];
    if (n > 0 && random() % 2 == 0) {
      ASSERT_EQ(counts.remove(group, hash), --n);
    } else {
      ASSERT_EQ(counts.add(group, hash), ++n);
    }
  }
}

TEST(OrderedValues, the_kth_of_a_changing_multiset) {
  OrderedValues values;
  uint32_t root = OrderedValues::kEmpty;
  std::vector<double> wanted;
  std::mt19937 random(4);
  for (int i = 0; i < 20000; ++i) {
    if (wanted.size() > 200 || (!wanted.empty() && random() % 3 == 0)) {
      const size_t at = random() % wanted.size();
      values.erase(root, wanted[at]);
      wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const auto v = static_cast<double>(random() % 30);  // many are equal
      values.insert(root, v);
      wanted.insert(std::upper_bound(wanted.begin(), wanted.end(), v), v);
    }
    ASSERT_EQ(values.size(root), wanted.size());
    if (!wanted.empty()) {
      const auto k = static_cast<uint32_t>(random() % wanted.size());
      ASSERT_EQ(values.kth(root, k), wanted[k]);
    }
  }
  values.clear(root);
  EXPECT_EQ(values.size(root), 0U);
}

}  // namespace
}  // namespace postern::exec
