#include "match/json_escape.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace postern::match {
namespace {

/// Reads it as JSON does, one character after the other.
bool obvious(std::string_view s) {
  for (size_t i = 0; i + 1 < s.size(); ++i) {
    if (s[i] != '\\') continue;
    if (s[i + 1] == 'u') return true;
    ++i;
  }
  return false;
}

TEST(JsonEscape, AgreesWithAReaderOfOneCharacterAfterTheOther) {
  std::mt19937 random(4);
  int num_true = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string s;
    const size_t size = random() % 70;
    for (size_t k = 0; k < size; ++k)
      s += random() % 8 == 0 ? '\\' : random() % 6 == 0 ? 'u' : 'x';
    ASSERT_EQ(has_unicode_escape(s), obvious(s)) << s;
    num_true += obvious(s);
  }
  EXPECT_GT(num_true, 1000);
}

}  // namespace
}  // namespace postern::match
