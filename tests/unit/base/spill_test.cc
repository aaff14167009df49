#include "base/spill.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Spill, KeepsLittleInMemoryAndMuchInAFile) {
  for (const size_t limit : {size_t{1} << 20, size_t{10}}) {
    Spill s(limit);
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
      const std::string piece = "piece " + std::to_string(i) + "\n";
      ASSERT_TRUE(s.append(piece).ok());
      expected += piece;
    }
    EXPECT_EQ(s.is_in_file(), limit == 10);
    EXPECT_EQ(s.size(), expected.size());
    const auto bytes = s.take();
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ((*bytes)->view(), expected);
    EXPECT_EQ(s.size(), 0u);
  }
}

TEST(Spill, FillsGapsWithZeros) {
  Spill s(100);
  ASSERT_TRUE(s.append("a").ok());
  ASSERT_TRUE(s.extend(200'000).ok());
  ASSERT_TRUE(s.append("b").ok());
  const auto bytes = s.take();
  ASSERT_TRUE(bytes.ok());
  ASSERT_EQ((*bytes)->view().size(), 200'001u);
  EXPECT_EQ((*bytes)->view()[0], 'a');
  EXPECT_EQ((*bytes)->view()[100'000], '\0');
  EXPECT_EQ((*bytes)->view().back(), 'b');
}

TEST(Spill, CanBeReadWhileItGrows) {
  Spill s(0);
  std::string got(5, ' ');
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(s.append("hello" + std::to_string(i)).ok());
    ASSERT_TRUE(s.flush().ok());
    ASSERT_TRUE(s.read(static_cast<uint64_t>(i) * 6 + 1, got.data(), 5).ok());
    EXPECT_EQ(got, "ello" + std::to_string(i));
  }
  EXPECT_FALSE(s.read(17, got.data(), 5).ok());
}

TEST(Spill, NothingIsNoBytes) {
  Spill s;
  const auto bytes = s.take();
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ((*bytes)->view(), "");
}

}  // namespace
}  // namespace postern
