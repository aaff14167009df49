// What shared filters remember: texts, lists, and answers of filters.
#include "exec/value_memo.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "exec/asked_memo.h"
#include "exec/distinct_lists.h"

namespace postern::exec {
namespace {

TEST(DistinctLists, NumbersEachListOnce) {
  std::mt19937 random(7);
  DistinctLists lists;
  std::map<std::vector<uint32_t>, uint32_t> known = {{{}, 0}};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20'000; ++i) {
      std::vector<uint32_t> list(random() % 5);
      for (uint32_t& n : list)
        n = static_cast<uint32_t>(random() % 9);
      const auto [it, is_new] = known.try_emplace(list, static_cast<uint32_t>(known.size()));
      ASSERT_EQ(lists.number_of(list), it->second);
    }
    EXPECT_EQ(lists.size(), known.size());
    for (const auto& [list, number] : known) {
      const auto got = lists[number];
      ASSERT_EQ(std::vector<uint32_t>(got.begin(), got.end()), list);
    }
    lists.clear();
    known = {{{}, 0}};
  }
}

ValueMemo::Answer get(ValueMemo& memo, std::string_view text, uint32_t list, int* made) {
  return memo.get(text, text_hash(text), [&] {
    ++*made;
    return list;
  });
}

TEST(ValueMemo, RemembersWhatComesAgain) {
  ValueMemo memo;
  memo.clear();
  int made = 0;
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(get(memo, "x", 12, &made).list, 12u);
  EXPECT_EQ(made, 1);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(get(memo, "", 0, &made).list, 0u);
  EXPECT_EQ(made, 2);
  EXPECT_NE(get(memo, "x", 12, &made).value, 0u);
  EXPECT_NE(get(memo, "x", 12, &made).value, get(memo, "", 0, &made).value);
}

TEST(ValueMemo, IsPickyOnceItIsHalfFull) {
  ValueMemo memo;
  memo.clear();
  int made = 0;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5000; ++j)
      get(memo, std::to_string(j + i / 2 * 15'000), 1, &made);  // each twice
  for (int j = 0; j < 10'000; ++j)
    get(memo, "more" + std::to_string(j), 1, &made);
  made = 0;
  for (int i = 0; i < 4; ++i)
    get(memo, "y", 12, &made);
  EXPECT_EQ(made, 2) << "remembered when it comes for the second time";
}

TEST(ValueMemo, AgreesWithAMap) {
  std::mt19937 random(3);
  ValueMemo memo;
  std::map<std::string, uint32_t> values;
  for (int i = 0; i < 300'000; ++i) {
    if (memo.full()) {
      memo.clear();
      values.clear();
    }
    // Some often, most seldom, some never again; of all lengths.
    std::string text(random() % 40, 'a');
    text += std::to_string(random() % (random() % 3 == 0 ? 50 : 50'000));
    int made = 0;
    const auto list = static_cast<uint32_t>(text.size() * 7 + static_cast<size_t>(text.back()));
    const ValueMemo::Answer answer = get(memo, text, list, &made);
    ASSERT_EQ(answer.list, list);
    if (answer.value == 0) continue;
    ASSERT_EQ(values.try_emplace(text, answer.value).first->second, answer.value);
  }
  EXPECT_LT(memo.memory_bytes(), size_t{16} << 20);
}

TEST(ValueMemo, StepsAsideWhereNothingComesAgain) {
  ValueMemo memo;
  int made = 0;
  bool bypassed = false;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(get(memo, "v" + std::to_string(i), 2, &made).list, 2u);
    bypassed = bypassed || memo.bypasses();
  }
  EXPECT_TRUE(bypassed);
  EXPECT_EQ(made, 100'000);
}

TEST(AskedValues, RemembersWhatWasSaid) {
  AskedValues said;
  EXPECT_EQ(said.find(7), std::nullopt);
  said.add(7, true);
  said.add(3, false);
  EXPECT_EQ(said.find(7), true);
  EXPECT_EQ(said.find(3), false);
  EXPECT_EQ(said.find(4), std::nullopt);
  EXPECT_EQ(said.find(70'000), std::nullopt);
  said.clear();
  EXPECT_EQ(said.find(7), std::nullopt);
}

// Within one batch more texts may come than there is room for.
TEST(ValueMemo, NumbersNoMoreTextsThanItCan) {
  ValueMemo memo;
  memo.clear();
  int made = 0;
  std::map<uint32_t, int> texts;
  for (int i = 0; i < 100'000; ++i)
    for (int j = 0; j < 3; ++j) {
      const ValueMemo::Answer answer = get(memo, std::to_string(i), 5, &made);
      ASSERT_EQ(answer.list, 5u);
      if (answer.value == 0) continue;
      ASSERT_EQ(texts.try_emplace(answer.value, i).first->second, i);
    }
  EXPECT_GT(texts.size(), 60'000u);
}

TEST(AskedMemo, AgreesWithAMap) {
  std::mt19937 random(5);
  AskedMemo memo;
  uint64_t found = 0;
  for (int i = 0; i < 500'000; ++i) {
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    const AskedMemo::Key key = {below(4), below(8), below(64), below(512)};
    const bool says = (key[0] + key[1] + key[2] + key[3]) % 3 == 0;
    if (const auto said = memo.find(key)) {
      ++found;
      ASSERT_EQ(*said, says);
    } else {
      memo.add(key, says);
      ASSERT_EQ(memo.find(key), says);
    }
  }
  EXPECT_GT(found, 10'000u);
}

}  // namespace
}  // namespace postern::exec
