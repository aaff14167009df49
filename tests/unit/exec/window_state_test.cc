// The data structures below windows: blocks, groups, counts of values, ordered numbers.
#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "exec/window/flat_map.h"
#include "exec/window/group_ages.h"
#include "exec/window/group_table.h"
#include "exec/window/ordered_values.h"
#include "exec/window/slab_pool.h"
#include "exec/window/value_counts.h"
#include "exec/window/waiting_rows.h"
#include "exec/window/window_ring.h"

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
  EXPECT_EQ(pool.used_bytes(), SlabPool::words_of(0) * sizeof(uint32_t));
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

TEST(GroupTable, many_keys_at_once_are_the_groups_of_each) {
  SlabPool pool;
  GroupTable table(pool, false);
  std::vector<std::string> texts;
  for (int i = 0; i < 100'000; ++i)
    texts.push_back(std::string(static_cast<size_t>(i % 300), 'x') + std::to_string(i / 2));
  const std::vector<std::string_view> keys(texts.begin(), texts.end());
  std::vector<uint32_t> groups(keys.size());
  table.find_or_add(keys, groups.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(table.key(groups[i]), keys[i]);
    ASSERT_EQ(table.find_or_add(keys[i]), groups[i]);
  }
}

TEST(GroupAges, a_group_leaves_once_it_had_no_row_for_so_long) {
  SlabPool pool;
  GroupTable table(pool, false);
  GroupAges ages(table, 1000);
  const uint32_t quiet = table.find_or_add("quiet");
  const uint32_t busy = table.find_or_add("busy");
  for (const uint32_t g : {quiet, busy}) {
    table[g].last = 5000;
    ages.add(g);
  }
  for (int64_t t = 5100; t < 6100; t += 100) {
    table[busy].last = t;
    EXPECT_EQ(ages.take_until(t), SlabPool::kNone) << t;
  }
  EXPECT_EQ(ages.take_until(6100), quiet);
  EXPECT_EQ(ages.take_until(6900), SlabPool::kNone);
  EXPECT_EQ(ages.take_until(7100), busy);
  EXPECT_EQ(ages.take_oldest(), SlabPool::kNone);
}

TEST(WaitingRows, come_in_order_whenever_they_are_asked_for) {
  std::mt19937 random(5);
  WaitingRows waiting;
  std::vector<int64_t> wanted;
  std::vector<WindowRow> out;
  for (int64_t now = 0; now < 3000; ++now) {
    for (auto n = random() % 6; n > 0; --n) {
      WindowRow r;
      r.time = now + static_cast<int64_t>(random() % 50);
      r.ref = static_cast<uint32_t>(random());
      waiting.add(r);
      wanted.push_back(r.time);
    }
    if (random() % 4 > 0) continue;
    waiting.take_before(now, out);
    std::sort(wanted.begin(), wanted.end());
    std::vector<int64_t> times;
    for (const WindowRow& r : out)
      times.push_back(r.time);
    const auto due = std::lower_bound(wanted.begin(), wanted.end(), now);
    ASSERT_EQ(times, std::vector<int64_t>(wanted.begin(), due));
    wanted.erase(wanted.begin(), due);
    ASSERT_EQ(waiting.size(), wanted.size());
    if (wanted.empty()) continue;
    std::nth_element(wanted.begin(),
                     wanted.begin() + static_cast<std::ptrdiff_t>(wanted.size() / 2), wanted.end());
    ASSERT_EQ(waiting.middle(), wanted[wanted.size() / 2]);
  }
}

TEST(WindowRing, gives_back_what_was_put_in_however_large_and_long_the_window) {
  for (const int64_t span : {int64_t{1}, int64_t{1} << 31, int64_t{1} << 39, int64_t{1} << 57}) {
    SlabPool pool;
    WindowRing ring(pool, 1, 3, span, false);
    WindowGroup group;
    std::deque<std::pair<int64_t, uint32_t>> wanted;
    std::mt19937_64 random(6);
    int64_t now = int64_t{1} << 58;
    for (uint32_t i = 0; i < 20'000; ++i) {
      // Up to some hundreds, then fewer, so that the ring turns in small blocks and in large ones.
      const size_t most = i < 10'000 ? 900 : 20;
      const auto step = static_cast<int64_t>(random() % static_cast<uint64_t>(span / 1000 + 1));
      while (wanted.size() > most || (!wanted.empty() && wanted[0].first <= now + step - span)) {
        ASSERT_EQ(ring.time(group, 0), wanted[0].first);
        ASSERT_EQ(ring.ref(group, 0), wanted[0].second);
        ring.pop(group);
        wanted.pop_front();
      }
      now += step;
      WindowRow row;
      row.time = now;
      row.ref = i;
      ring.push(group, row)[2] = static_cast<uint8_t>(i);
      group.last = now;
      wanted.emplace_back(now, i);
      const auto at = static_cast<uint32_t>(random() % wanted.size());
      ASSERT_EQ(ring.time(group, at), wanted[at].first);
      ASSERT_EQ(ring.payload(group, at)[2], static_cast<uint8_t>(wanted[at].second));
      ASSERT_EQ(group.count, wanted.size());
    }
    ring.release(group);
    EXPECT_EQ(pool.used_bytes(), 0U);
  }
}

TEST(FlatMap, agrees_with_a_map) {
  FlatMap<uint32_t, int64_t> map;
  std::map<uint32_t, int64_t> wanted;
  std::mt19937 random(7);
  for (int64_t i = 0; i < 100'000; ++i) {
    const auto key = static_cast<uint32_t>(random() % 500);
    int64_t* found = map.find(key);
    ASSERT_EQ(found != nullptr, wanted.count(key) > 0);
    if (found) {
      ASSERT_EQ(*found, wanted[key]);
      if (random() % 2 == 0) {
        map.erase(key);
        wanted.erase(key);
        continue;
      }
    }
    map[key] = i;
    wanted[key] = i;
  }
  EXPECT_EQ(map.size(), wanted.size());
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
