// Wildcards against their meaning, and against a plain backtracking matcher on random patterns.
#include "match/wildcard.h"

#include <random>

#include <gtest/gtest.h>

#include "base/text.h"

namespace postern::match {
namespace {

Wildcard pattern(std::string_view text, bool ignore_case = true) {
  return Wildcard::of_stars(text, ignore_case, '*', '?');
}

bool matches(std::string_view p, std::string_view subject, bool ignore_case = true) {
  return pattern(p, ignore_case).matches(subject);
}

TEST(Wildcard, IsAnchoredAtBothEnds) {
  EXPECT_TRUE(matches("abc", "abc"));
  EXPECT_FALSE(matches("abc", "abcd"));
  EXPECT_FALSE(matches("abc", "xabc"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("?", ""));
}

TEST(Wildcard, StarsAreRunsAndAllElseIsLiteral) {
  const Wildcard w = Wildcard::of_stars("a?*%b", false);
  EXPECT_TRUE(w.matches("a?xx%b"));
  EXPECT_FALSE(w.matches("a?xx%B"));
  EXPECT_FALSE(w.matches("ax%b"));
  EXPECT_EQ(Wildcard::Shape::kSuffix, Wildcard::of_stars("*b", true).shape());
  EXPECT_EQ(Wildcard::Shape::kPrefix, Wildcard::of_stars("b*", true).shape());
  EXPECT_EQ(Wildcard::Shape::kAny, Wildcard::of_stars("**", true).shape());
  EXPECT_TRUE(Wildcard::of_stars("", true).matches(""));
}

TEST(Wildcard, RunsTakeAnythingLineEndsIncluded) {
  EXPECT_TRUE(matches("a*b*c", "aXXbYYc"));
  EXPECT_TRUE(matches("a*b*c", "abc"));
  EXPECT_TRUE(matches("a*c", std::string_view("a\n\r\n\0c", 6)));
  EXPECT_FALSE(matches("a*b*c", "acb"));
  // The end may not overlap the beginning or the middle.
  EXPECT_FALSE(matches("ab*ba", "aba"));
  EXPECT_FALSE(matches("a*bc*c", "abc"));
  EXPECT_TRUE(matches("a*bc*c", "abcc"));
}

TEST(Wildcard, AnyOneIsOneCodePoint) {
  EXPECT_TRUE(matches("a?c",
                      "a\xc3\xa9"
                      "c"));
  EXPECT_TRUE(matches("a?c",
                      "a\xf0\x9f\x98\x80"
                      "c"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_FALSE(matches("a?c", "abbc"));
  EXPECT_TRUE(matches("*?c",
                      "\xf0\x9f\x98\x80"
                      "c"));
  EXPECT_FALSE(matches("*??c",
                       "\xf0\x9f\x98\x80"
                       "c"));
  // A malformed byte counts as one.
  EXPECT_TRUE(matches("a??c",
                      "a\xf0\x9f"
                      "c"));
  EXPECT_TRUE(matches("*??c",
                      "\xf0\x9f"
                      "c"));
}

TEST(Wildcard, AnyOneBesideARunMeansAtLeastOne) {
  for (const char* p : {"a*?", "a?*", "a*?*"}) {
    EXPECT_FALSE(matches(p, "a")) << p;
    EXPECT_TRUE(matches(p, "ab")) << p;
    EXPECT_TRUE(matches(p, "abcd")) << p;
  }
  EXPECT_FALSE(matches("?*?", "a"));
  EXPECT_TRUE(matches("?*?", "ab"));
}

TEST(Wildcard, CaseIsFoldedBySimpleUnicodeFolding) {
  EXPECT_TRUE(matches("*\\PowerShell.exe", "C:\\windows\\POWERSHELL.EXE"));
  EXPECT_FALSE(matches("*\\PowerShell.exe", "C:\\windows\\POWERSHELL.EXE", false));
  EXPECT_TRUE(matches("\xc3\x84*", "\xc3\xa4 x"));  // Ä, ä
  EXPECT_TRUE(matches("*\xd0\x96", "x \xd0\xb6"));  // Ж, ж
  EXPECT_FALSE(matches("\xc3\x84*", "\xc3\xa4 x", false));
  // KELVIN SIGN folds to k and has another length.
  EXPECT_TRUE(matches("a?k*z", "a-\xe2\x84\xaa--z"));
  EXPECT_TRUE(matches("k", "\xe2\x84\xaa"));
  EXPECT_TRUE(matches("*k", "x\xe2\x84\xaa"));
  EXPECT_TRUE(matches("\xe2\x84\xaa*", "kx"));
}

TEST(Wildcard, ShapesNameTheSoleLiteral) {
  using Shape = Wildcard::Shape;
  const auto check = [](std::string_view p, Shape shape, std::string_view literal) {
    const Wildcard w = pattern(p);
    EXPECT_EQ(static_cast<int>(w.shape()), static_cast<int>(shape)) << p;
    EXPECT_EQ(w.sole_literal(), literal) << p;
  };
  check("Abc", Shape::kExact, "abc");
  check("", Shape::kExact, "");
  check("Abc*", Shape::kPrefix, "abc");
  check("**Abc", Shape::kSuffix, "abc");
  check("*Abc***", Shape::kContains, "abc");
  check("*", Shape::kAny, "");
  check("***", Shape::kAny, "");
  check("*?", Shape::kGeneral, "");
  check("a*b", Shape::kGeneral, "");
  check("?a", Shape::kGeneral, "");
}

TEST(Wildcard, LongestLiteralIsFoldedAsThePatternIs) {
  EXPECT_EQ(pattern("a*BCD?ef*").longest_literal(), "bcd");
  EXPECT_EQ(pattern("a*BCD?ef*", false).longest_literal(), "BCD");
  EXPECT_EQ(pattern("*?*").longest_literal(), "");
  EXPECT_TRUE(pattern("").empty());
  EXPECT_FALSE(pattern("*").empty());
}

/// The obvious matcher: every way to split, one code point at a time.
bool matches_plainly(std::string_view p, std::string_view s) {
  if (p.empty()) return s.empty();
  if (p[0] == '*') {
    for (size_t at = 0;;) {
      if (matches_plainly(p.substr(1), s.substr(at))) return true;
      if (at == s.size()) return false;
      next_code_point(s, at);
    }
  }
  if (s.empty()) return false;
  size_t at = 0;
  const char32_t c = next_code_point(s, at);
  if (p[0] == '?') return matches_plainly(p.substr(1), s.substr(at));
  size_t p_at = 0;
  return fold(next_code_point(p, p_at)) == fold(c) && matches_plainly(p.substr(p_at), s.substr(at));
}

TEST(Wildcard, AgreesWithThePlainMatcherOnRandomPatterns) {
  const unsigned seed = 20260101;
  std::mt19937 random(seed);
  const std::vector<std::string> letters = {"a",        "b", "A",           "\xc3\xa4",
                                            "\xc3\x84", "k", "\xe2\x84\xaa"};
  const auto text = [&](size_t most, bool wild) {
    std::string s;
    for (size_t n = random() % (most + 1); n > 0; --n) {
      const auto pick = random() % 10;
      if (wild && pick < 3)
        s += '*';
      else if (wild && pick < 5)
        s += '?';
      else
        s += letters[random() % (pick < 8 ? 2 : letters.size())];
    }
    return s;
  };
  int hits = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string p = text(7, true);
    const std::string s = text(8, false);
    const bool expected = matches_plainly(p, s);
    hits += expected ? 1 : 0;
    ASSERT_EQ(matches(p, s), expected) << "seed " << seed << ": " << p << " on " << s;
  }
  EXPECT_GT(hits, 5'000);
}

TEST(Wildcard, ManyRunsStayLinear) {
  std::string p;
  for (int i = 0; i < 200; ++i)
    p += "a*";
  p += "b";
  const std::string subject(200'000, 'a');
  EXPECT_FALSE(matches(p, subject));
  EXPECT_FALSE(matches(p, subject + "\xc3\xa4"));
}

}  // namespace
}  // namespace postern::match
