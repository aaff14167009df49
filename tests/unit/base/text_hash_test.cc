#include "base/text_hash.h"

#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(TextHash, LoadsExactlyTheBytesThatAreThere) {
  const std::string s = "abcdefgh";
  for (size_t n = 0; n <= s.size(); ++n) {
    uint64_t expected = 0;
    for (size_t i = 0; i < n; ++i)
      expected |= uint64_t{static_cast<uint8_t>(s[i])} << (8 * i);
    // A copy of just that size, so that a sanitizer sees a byte too many.
    const std::string exact = s.substr(0, n);
    EXPECT_EQ(load_bytes(exact.data(), n), expected) << n;
  }
}

TEST(TextHash, DependsOnEveryByteAndOnTheLength) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 80; ++size) {
    std::string s;
    for (size_t i = 0; i < size; ++i)
      s += static_cast<char>(random());
    std::set<uint64_t> seen{text_hash(s)};
    for (size_t i = 0; i < size; ++i) {
      std::string other = s;
      other[i] = static_cast<char>(other[i] ^ 1);
      EXPECT_TRUE(seen.insert(text_hash(other)).second) << size << " " << i;
    }
    EXPECT_TRUE(seen.insert(text_hash(s + '\0')).second) << size;
    EXPECT_EQ(text_hash(s), text_hash(std::string(s)));
  }
}

TEST(TextHash, IsNeverZero) {
  for (int i = 0; i < 100'000; ++i)
    ASSERT_NE(text_hash(std::to_string(i)), 0U);
}

}  // namespace
}  // namespace postern
