// Both ways of resolving escapes, held against each other over strings of nothing but odd places.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "input/json/unescape.h"

namespace postern::input::json {
namespace {

std::string random_raw(std::mt19937& random) {
  constexpr std::string_view kPieces[] = {
      "a",       "\\\\",    "\\\"", "\\/",    "\\n",  "\\u0041", "\\ud83d\\ude00",
      "\\ud83d", "\\ude00", "\\",   "\\q",    "\\u1", "C:\\\\",  "some longer ",
      "\"",      "/",       "0",    "\\u20ac"};
  std::string raw;
  for (size_t n = random() % 14; n > 0; --n)
    raw += kPieces[random() % std::size(kPieces)];
  return raw;
}

TEST(JsonUnescape, IsTheSameByBlocksAndByWords) {
  std::mt19937 random(5);
  for (int round = 0; round < 200'000; ++round) {
    const std::string raw = random_raw(random);
    std::string plain;
    append_unescaped(plain, raw);
    // What is behind the string is none of its business.
    const std::string text =
        raw + (round % 2 == 0 ? "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\" : "\"\"\"\"////nnnnuuuu");
    std::string out(raw.size() + kUnescapeSlack, 'x');
    const size_t n = unescape_with_slack(std::string_view(text).substr(0, raw.size()), out.data());
    ASSERT_EQ(out.substr(0, n), plain) << raw;
  }
}

TEST(JsonUnescape, LeavesATextWithoutEscapesWhereItIs) {
  Arena arena;
  const std::string text = R"({"a":"plain text","b":"C:\\x"})";
  const std::string_view all = text;
  const std::string_view plain = all.substr(6, 10);
  EXPECT_EQ(unescaped(plain, all, arena).data(), plain.data());
  EXPECT_EQ(arena.bytes_used(), 0u);
  // At the end of the text, too, where no more than the string can be read.
  const std::string_view last = all.substr(all.size() - 7, 5);
  ASSERT_EQ(last, R"(C:\\x)");
  EXPECT_EQ(unescaped(last, all, arena), R"(C:\x)");
}

}  // namespace
}  // namespace postern::input::json
