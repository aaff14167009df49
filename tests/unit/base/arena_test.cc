#include "base/arena.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Arena, CopiesStayWhereTheyAre) {
  Arena arena(4096);
  std::vector<std::string_view> copies;
  for (size_t i = 0; i < 2000; ++i)
    copies.push_back(arena.copy(std::string(i % 100, 'x')));
  for (size_t i = 0; i < copies.size(); ++i)
    EXPECT_EQ(copies[i], std::string(i % 100, 'x'));
}

TEST(Arena, AlignsToEight) {
  Arena arena;
  for (const size_t n : {1U, 7U, 8U, 9U, 100000U})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.allocate(n)) % 8, 0U) << n;
}

TEST(Arena, EmptyTextTakesNothingAndIsNotNull) {
  Arena arena;
  EXPECT_NE(arena.copy("").data(), nullptr);
  EXPECT_EQ(arena.bytes_used(), 0U);
}

TEST(Arena, CountsWhatIsUsed) {
  Arena arena;
  arena.copy("12345");
  arena.copy("123456789");
  EXPECT_EQ(arena.bytes_used(), 24U);
}

}  // namespace
}  // namespace postern
