#include "exec/functions/literal_scan.h"

#include <random>

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

bool found(const std::vector<std::string>& literals, std::string_view text) {
  LiteralScan scan;
  for (const std::string& s : literals)
    scan.add(s);
  scan.seal();
  return scan.found_in(text);
}

TEST(LiteralScan, FindsLiteralsOfEveryLength) {
  const std::vector<std::string> all = {"a", "bc", "def", "ghij", "klmnop"};
  for (const std::string& s : all)
    EXPECT_TRUE(found(all, "..." + s)) << s;
  EXPECT_FALSE(found(all, "b.c.de.ghi.klmno"));
  EXPECT_FALSE(found(all, ""));
  EXPECT_FALSE(found({}, "abc"));
}

TEST(LiteralScan, CutsNothingAtTheEdges) {
  EXPECT_TRUE(found({"abcdef"}, "abcdef"));
  EXPECT_FALSE(found({"abcdef"}, "abcde"));
  EXPECT_FALSE(found({"abcdef"}, "bcdef"));
}

TEST(LiteralScan, AgreesWithAPlainSearch) {
  std::mt19937 random(20260103);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> literals;
    const size_t letters = 2 + random() % 3;
    const auto word = [&](size_t size) {
      std::string s;
      for (size_t i = 0; i < size; ++i)
        s += static_cast<char>('a' + random() % letters);
      return s;
    };
    for (size_t n = 1 + random() % 40; n > 0; --n)
      literals.push_back(word(3 + random() % 12));
    LiteralScan scan;
    for (const std::string& s : literals)
      scan.add(s);
    scan.seal();
    for (int i = 0; i < 50; ++i) {
      const std::string text = word(random() % 30);
      bool expected = false;
      for (const std::string& s : literals)
        expected = expected || text.find(s) != std::string::npos;
      ASSERT_EQ(scan.found_in(text), expected) << text;
    }
  }
}

}  // namespace
}  // namespace postern::exec
