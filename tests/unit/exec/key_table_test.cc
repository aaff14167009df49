// Keys and their numbers: as a map would give them.
#include "exec/operators/key_table.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

TEST(KeyTable, NumbersKeysInTheOrderInWhichTheyCome) {
  KeyTable table;
  std::map<std::string, uint32_t> model;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    // Keys of all lengths, one the beginning of another, and many twice.
    std::string key(random() % 40, 'k');
    if (!key.empty()) key.back() = static_cast<char>(random() % 256);
    if (key.size() > 8) key[3] = static_cast<char>(random() % 8);
    const auto [it, is_new] = model.try_emplace(key, static_cast<uint32_t>(model.size()));
    const auto [number, added] = table.add(key);
    ASSERT_EQ(number, it->second);
    ASSERT_EQ(added, is_new);
  }
  ASSERT_EQ(table.size(), model.size());
  for (const auto& [key, number] : model)
    EXPECT_EQ(table.key(number), key);
}

}  // namespace
}  // namespace postern::exec
