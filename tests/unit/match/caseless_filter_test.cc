#include "match/caseless_filter.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/text.h"
#include "match/json_escape.h"

namespace postern::match {
namespace {

TEST(CaselessFilter, NeverMissesALiteralInAnyCase) {
  std::mt19937 random(6);
  for (int round = 0; round < 300; ++round) {
    const auto word = [&](size_t size) {
      std::string s;
      for (size_t i = 0; i < size; ++i)
        s += static_cast<char>("abksxyz:. \\"[random() % 11]);
      return s;
    };
    std::vector<std::string> literals;
    for (size_t i = 0; i < 1 + random() % 20; ++i)
      literals.push_back(word(3 + random() % 10));
    const CaselessFilter filter({literals.begin(), literals.end()});
    for (int i = 0; i < 100; ++i) {
      std::string literal = literals[random() % literals.size()];
      for (char& c : literal)
        if (random() % 2 == 0 && ascii_alpha(c)) c = static_cast<char>(c - 32);
      const std::string text = word(random() % 40) + literal + word(random() % 40);
      ASSERT_TRUE(filter.may_hold(text)) << literal << " in " << text;
    }
  }
}

// More literals than there are groups for: their windows share the tables, and the answer is exact.
TEST(CaselessFilter, TellsManyLiteralsApart) {
  std::mt19937 random(8);
  const auto word = [&](size_t size) {
    std::string s;
    for (size_t i = 0; i < size; ++i)
      s += static_cast<char>("abcdeikrstuxyz0159:./ -_=\"<>;|"[random() % 31]);
    return s;
  };
  size_t num_no = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<std::string> literals;
    for (size_t i = 0; i < 1 + random() % 180; ++i)
      literals.push_back(word(3 + random() % 10));
    const CaselessFilter filter({literals.begin(), literals.end()}, 192);
    if (!filter.usable()) GTEST_SKIP() << "no SSSE3";
    for (int i = 0; i < 200; ++i) {
      std::string text = word(random() % 150);
      if (random() % 2 == 0) text.insert(random() % (text.size() + 1), literals[0], 0, 4);
      const bool is_there =
          std::any_of(literals.begin(), literals.end(),
                      [&](const std::string& l) { return text.find(l) != std::string::npos; });
      for (char& c : text)
        if (random() % 2 == 0 && ascii_alpha(c)) c = static_cast<char>(c - 32);
      ASSERT_EQ(filter.may_hold(text), is_there) << text;
      num_no += !is_there;
    }
  }
  EXPECT_GT(num_no, 1000u);
}

TEST(CaselessFilter, KnowsWhatFoldsToALetter) {
  const CaselessFilter filter({"sekurlsa::", "kerberos"});
  for (const std::string before : {"", "0123456789", "0123456789abcdef0123456789"}) {
    for (const std::string after : {"", "::", "erberos and more than a block of text"}) {
      EXPECT_TRUE(filter.may_hold(before + "\xC5\xBF" + after)) << before << after;      // U+017F
      EXPECT_TRUE(filter.may_hold(before + "\xE2\x84\xAA" + after)) << before << after;  // U+212A
    }
  }
}

TEST(CaselessFilter, SaysNoOfMostTexts) {
  const CaselessFilter filter({"sekurlsa::", "lsadump::"});
  if (!filter.usable()) GTEST_SKIP() << "no SSSE3";
  EXPECT_FALSE(filter.may_hold("C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s Schedule"));
  EXPECT_FALSE(filter.may_hold("x"));
  EXPECT_FALSE(filter.may_hold(""));
}

TEST(CaselessFilter, SaysTheSameWhateverItsStep) {
  std::mt19937 random(7);
  const std::vector<std::string_view> literals = {"sekurlsa::", "kerberos", "lsadump::", "mimi"};
  const CaselessFilter narrow(literals, 64, 16);
  const CaselessFilter wide(literals);
  if (!narrow.usable()) GTEST_SKIP() << "no SSSE3";
  uint64_t num_no = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    const size_t size = random() % 140;
    while (text.size() < size) {
      const size_t pick = random() % 60;
      if (pick < 3)
        text += std::string_view("\\u\\\\").substr(0, 1 + random() % 4);
      else if (pick == 3 && random() % 8 == 0)
        text += random() % 2 == 0 ? "\xC5\xBF" : "\xE2\x84\xAA";
      else if (pick == 4)
        text += literals[random() % 4].substr(0, 2 + random() % 8);
      else
        text += "abersku:\\/\xC5\x84"[random() % 12];
    }
    ASSERT_EQ(wide.may_hold(text), narrow.may_hold(text)) << text;
    ASSERT_EQ(wide.may_hold_json(text), wide.may_hold(text) || has_unicode_escape(text)) << text;
    ASSERT_EQ(narrow.may_hold_json(text), wide.may_hold_json(text)) << text;
    num_no += !wide.may_hold_json(text);
  }
  EXPECT_GT(num_no, 1000u);
}

TEST(CaselessFilter, FindsThreeBytesAtAnyPlace) {
  const CaselessFilter filter({"if=", "x:y", "longer"});
  if (!filter.usable()) GTEST_SKIP() << "no SSSE3";
  for (size_t size = 3; size < 120; ++size) {
    const std::string text(size, 'i');
    EXPECT_FALSE(filter.may_hold(text)) << size;
    EXPECT_FALSE(filter.may_hold(text + "if")) << "cut off, " << size;
    for (size_t at = 0; at + 3 <= size; ++at)
      EXPECT_TRUE(filter.may_hold(std::string(text).replace(at, 3, "If="))) << at << " of " << size;
  }
}

TEST(CaselessFilter, IsOfNoUseForLiteralsThatItCannotKnow) {
  EXPECT_FALSE(CaselessFilter({"ab"}).usable());
  EXPECT_FALSE(CaselessFilter({"abc\xC3\xA9"}).usable());
  EXPECT_TRUE(CaselessFilter({"ab"}).may_hold(""));
}

}  // namespace
}  // namespace postern::match
