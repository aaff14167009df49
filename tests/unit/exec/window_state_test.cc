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
    table[g].set_last(5000);
    ages.add(g);
  }
  for (int64_t t = 5100; t < 6100; t += 100) {
    table[busy].set_last(t);
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

/// A ring beside what it should hold.
class RingCheck {
 public:
  RingCheck(WindowRing::Shape shape, int64_t span, bool closing)
      : shape_(shape), span_(span), closing_(closing), ring_(pool_, shape, span, closing) {}

  void pop() {
    ring_.pop(group_);
    wanted_.pop_front();
  }

  /// Takes out what leaves the window that ends at `time`, then puts in a row.
  void push(int64_t time, uint32_t ref, double number) {
    while (!closing_ && !wanted_.empty() && wanted_[0].time <= time - span_)
      pop();
    if (closing_ && wanted_.empty()) group_.set_last(time);
    WindowRow row;
    row.time = time;
    row.ref = ref;
    row.value = WindowRow::of_number(number);
    uint8_t* payload = ring_.push(group_, row);
    if (!shape_.number && shape_.payload > 2) payload[2] = static_cast<uint8_t>(ref);
    if (!closing_) group_.set_last(time);
    wanted_.push_back({time, ref, number});
  }

  void compare(uint32_t at) {
    ASSERT_EQ(ring_.count(group_), wanted_.size());
    ASSERT_EQ(ring_.time(group_, at), wanted_[at].time);
    if (shape_.number) {
      ASSERT_EQ(ring_.number(group_, at), wanted_[at].number);
    } else if (shape_.payload > 2) {
      ASSERT_EQ(ring_.payload(group_, at)[2], static_cast<uint8_t>(wanted_[at].ref));
    }
    if (!shape_.compact) {
      ASSERT_EQ(ring_.ref(group_, at), wanted_[at].ref);
    }
  }

  void compare_evidence() {
    std::vector<WindowEvidence> evidence;
    ring_.evidence(group_, evidence);
    ASSERT_EQ(evidence.size(), std::min(wanted_.size(), kMaxWindowEvidence));
    for (size_t i = 0; i < evidence.size(); ++i) {
      ASSERT_EQ(evidence[i].time, wanted_[i].time) << i;
      ASSERT_EQ(evidence[i].ref, wanted_[i].ref) << i;
    }
  }

  void clear() {
    ring_.release(group_);
    wanted_.clear();
    EXPECT_EQ(pool_.used_bytes(), 0U);
  }

  size_t size() const { return wanted_.size(); }

  int64_t first_time() const { return wanted_[0].time; }

  uint64_t used_bytes() const { return pool_.used_bytes(); }

 private:
  struct Entry {
    int64_t time;
    uint32_t ref;
    double number;
  };

  WindowRing::Shape shape_;
  int64_t span_;
  bool closing_;
  SlabPool pool_;
  WindowRing ring_;
  WindowGroup group_;
  std::deque<Entry> wanted_;
};

TEST(WindowRing, gives_back_what_was_put_in_however_large_and_long_the_window) {
  const WindowRing::Shape shapes[] = {
      {.header = 1, .payload = 3},
      {.compact = true},
      {.header = 2, .payload = 3, .compact = true},
      {.header = 4, .plain = 32, .payload = 8, .compact = true, .number = true}};
  for (const WindowRing::Shape& shape : shapes) {
    for (const int64_t span : {int64_t{1}, int64_t{1} << 31, int64_t{36'000'000'000},
                               int64_t{1} << 39, int64_t{1} << 57}) {
      for (const bool closing : {false, true}) {
        RingCheck check(shape, span, closing);
        std::mt19937_64 random(6);
        int64_t now = (int64_t{1} << 58) / 10 * 10;
        uint32_t ref = 0;
        // Whole microseconds, whole small numbers and rows near each other first; then what needs
        // larger forms, from the 500th entry on or from the first one.
        for (uint32_t i = 0, odd = 500; i < 15'000; ++i) {
          // Up to some hundreds, then fewer, so that the ring turns in small blocks and large ones.
          const size_t most = i < 8'000 ? 900 : 20;
          while (check.size() > most)
            check.pop();
          if (i % 3'000 == 0) {
            check.clear();
            odd = random() % 2 == 0 ? i : i + 500;
          }
          auto step = static_cast<int64_t>(random() % static_cast<uint64_t>(span / 1000 + 1));
          if (i < odd || i % 2 == 0) step = step / 10 * 10;
          if (closing && check.size() > 0 && now + step >= check.first_time() + span) step = 0;
          now += step;
          if (closing && check.size() == 0) now = now / 10 * 10;
          ref += static_cast<uint32_t>(random() % 100'000);
          if (i >= odd && random() % 200 == 0) ref += 20'000'000;
          if (random() % 2 == 0) ref -= 70'000;
          const double number = i < odd ? static_cast<double>(random() % 1000)
                                        : static_cast<double>(random() % 1000) / 7;
          check.push(now, ref, number);
          check.compare(static_cast<uint32_t>(random() % check.size()));
          if (i % 97 == 0) check.compare_evidence();
          if (testing::Test::HasFatalFailure()) return;
        }
        check.clear();
      }
    }
  }
}

TEST(WindowRing, eight_rows_of_an_hour_are_small) {
  const auto bytes = [](int64_t unit, uint32_t apart, double number, WindowRing::Shape shape) {
    RingCheck check(shape, 36'000'000'000, false);
    for (int i = 0; i < 8; ++i)
      check.push(1001 * unit + i * 100 * unit, static_cast<uint32_t>(i) * apart, number);
    return check.used_bytes();
  };
  const WindowRing::Shape rows = {.compact = true};
  const WindowRing::Shape numbers = {
      .header = 4, .plain = 32, .payload = 8, .compact = true, .number = true};
  EXPECT_EQ(bytes(10, 1'000'000, 0, rows), 56U);
  EXPECT_EQ(bytes(1, 1'000'000, 0, rows), 64U);
  EXPECT_EQ(bytes(1, 10'000'000, 0, rows), 72U);
  EXPECT_EQ(bytes(10, 1'000'000, 7.5, numbers), 88U);
  EXPECT_EQ(bytes(1, 1'000'000, 0.1, numbers), 136U);
}

TEST(GroupTable, rows_that_wait_are_counted_however_many) {
  SlabPool pool;
  GroupTable table(pool, false);
  std::map<uint32_t, uint32_t> wanted;
  std::mt19937 random(9);
  for (const char* key : {"a", "b", "c"})
    wanted[table.find_or_add(key)] = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto it = wanted.begin();
    std::advance(it, random() % 3);
    auto& [group, n] = *it;
    if (n > 0 && random() % 3 == 0) {
      const auto taken = static_cast<uint32_t>(1 + random() % std::min(n, 40U));
      table.take_pending(group, taken);
      n -= taken;
    } else {
      table.add_pending(group);
      ++n;
    }
    ASSERT_EQ(table.has_pending(group), n > 0);
  }
  for (auto& [group, n] : wanted) {
    if (n > 0) table.take_pending(group, n);
    EXPECT_FALSE(table.has_pending(group));
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
