// The meaning of each dialect, whichever engine has it.
#include "match/regex.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

namespace postern::match {
namespace {

constexpr RegexDialect kKusto = RegexDialect::kKusto;
constexpr RegexDialect kSigma = RegexDialect::kSigma;
constexpr RegexDialect kPcre = RegexDialect::kPcre;

std::shared_ptr<const Regex> compiled(std::string_view pattern,
                                      RegexDialect dialect,
                                      RegexFlags flags = {}) {
  auto regex = Regex::compile(pattern, dialect, flags);
  if (regex) return *regex;
  ADD_FAILURE() << pattern << ": " << regex.error().message;
  return *Regex::compile("(?!)", kPcre);
}

bool matches(std::string_view pattern,
             RegexDialect dialect,
             std::string_view subject,
             RegexFlags flags = {}) {
  return compiled(pattern, dialect, flags)->matches(subject);
}

std::string error_of(std::string_view pattern, RegexDialect dialect) {
  const auto regex = Regex::compile(pattern, dialect);
  return regex ? "compiled" : regex.error().message;
}

/// "0|1|2" of the first match; unset groups are "-".
std::string groups_of(std::string_view pattern,
                      RegexDialect dialect,
                      std::string_view subject,
                      size_t from = 0) {
  std::vector<std::string_view> groups;
  if (!compiled(pattern, dialect)->search(subject, from, groups)) return "no match";
  std::string out;
  for (const std::string_view g : groups) {
    if (!out.empty()) out += "|";
    out += g.data() == nullptr ? "-" : g.empty() ? "''" : std::string(g);
  }
  return out;
}

TEST(Regex, SearchIsUnanchoredAndCaseSensitive) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_TRUE(matches("b+c", d, "abbbcd"));
    EXPECT_FALSE(matches("B+c", d, "abbbcd"));
    EXPECT_TRUE(matches("B+c", d, "abbbcd", {.ignore_case = true}));
    EXPECT_TRUE(matches("(?i)B+c", d, "abbbcd"));
    EXPECT_TRUE(matches("", d, ""));
    EXPECT_TRUE(matches("^$", d, std::string_view()));
  }
}

TEST(Regex, FlagsMeanLinesAndLineEnds) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_FALSE(matches("^b$", d, "a\nb\nc"));
    EXPECT_TRUE(matches("^b$", d, "a\nb\nc", {.multi_line = true}));
    EXPECT_FALSE(matches("a.b", d, "a\nb"));
    EXPECT_TRUE(matches("a.b", d, "a\nb", {.dot_all = true}));
    EXPECT_TRUE(matches("(?s)a.b", d, "a\nb"));
    EXPECT_TRUE(matches("a.b", d, "a\rb"));
  }
}

TEST(Regex, DollarBeforeALastLineEndIsPcresAlone) {
  EXPECT_TRUE(matches("c$", kPcre, "abc\n"));
  EXPECT_TRUE(matches("c$", kSigma, "abc\n"));
  EXPECT_FALSE(matches("c$", kKusto, "abc\n"));
  EXPECT_FALSE(matches("c\\z", kPcre, "abc\n"));
  EXPECT_TRUE(matches("c[$]", kPcre, "abc$"));
  EXPECT_EQ(groups_of("c$", kPcre, "abc\n"), "c");
}

TEST(Regex, AnchorsAndBoundariesBesideLineEndsAndWideCharacters) {
  // PCRE has no line after a last line end; RE2 would find \B between the bytes of a character.
  EXPECT_FALSE(matches("b\n^", kSigma, "ab\n", {.multi_line = true}));
  EXPECT_TRUE(matches("b\n^", kSigma, "ab\nc", {.multi_line = true}));
  for (const RegexDialect d : {kSigma, kPcre})
    EXPECT_FALSE(matches("\\B", d,
                         "a\xc3\xa9"
                         "b"));
  EXPECT_TRUE(matches("\\B", kKusto,
                      "a\xc3\xa9"
                      "b"));
}

TEST(Regex, KustoClassesAreUnicode) {
  const char* arabic_digit = "\xd9\xa3";
  const char* cyrillic = "\xd0\xb6";
  const char* nbsp =
      "a\xc2\xa0"
      "b";
  EXPECT_TRUE(matches("^\\d$", kKusto, arabic_digit));
  EXPECT_FALSE(matches("^\\D$", kKusto, arabic_digit));
  EXPECT_TRUE(matches("^\\w$", kKusto, cyrillic));
  EXPECT_FALSE(matches("^\\W$", kKusto, cyrillic));
  EXPECT_TRUE(matches("a\\sb", kKusto, nbsp));
  EXPECT_FALSE(matches("a\\Sb", kKusto, nbsp));
  EXPECT_TRUE(matches("^[\\d_]+$", kKusto, std::string(arabic_digit) + "_"));
  EXPECT_TRUE(matches("^[\\s\\S]+$", kKusto, nbsp));
  EXPECT_TRUE(matches("^[^\\s]+$", kKusto, cyrillic));
  EXPECT_FALSE(matches("^[^\\s]+$", kKusto, nbsp));
  // The others mean ASCII.
  EXPECT_FALSE(matches("^\\d$", kSigma, arabic_digit));
  EXPECT_FALSE(matches("^\\w$", kPcre, cyrillic));
  EXPECT_FALSE(matches("a\\sb", kSigma, nbsp));
}

TEST(Regex, KustoNotWordInsideAClass) {
  const std::string cyrillic = "\xd0\xb6";
  EXPECT_TRUE(matches("^[\\W\xd0\xb6]$", kKusto, cyrillic));
  EXPECT_FALSE(matches("^[\\Wa]$", kKusto, cyrillic));
  EXPECT_TRUE(matches("^[\\Wa]$", kKusto, "\xe2\x82\xac"));  // euro sign
  EXPECT_TRUE(matches("^[^\\W_]+$", kKusto, "a1" + cyrillic));
  EXPECT_FALSE(matches("^[^\\W_]+$", kKusto, cyrillic + "_"));
  EXPECT_FALSE(matches("^[^\\W_]+$", kKusto, "\xe2\x82\xac"));
  EXPECT_TRUE(matches("^[^\\W_]+$", kKusto, "abc"));
  EXPECT_FALSE(matches("^[^\\W_]+$", kKusto, "a_c"));
}

TEST(Regex, KustoWordBoundariesAreUnicode) {
  const std::string subject =
      "\xd0\xb6"
      "abc";
  EXPECT_FALSE(matches("\\babc", kKusto, subject));
  EXPECT_TRUE(matches("\\babc", kSigma, subject));
  EXPECT_TRUE(matches("\\babc\\b", kKusto, "x abc y"));
  EXPECT_FALSE(matches("\\babc\\b", kKusto, "x_abc y"));
}

TEST(Regex, VerticalTabIsASpace) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_TRUE(matches("a\\sb", d, "a\vb"));
    EXPECT_TRUE(matches("a[\\s]b", d, "a\vb"));
    EXPECT_FALSE(matches("a\\Sb", d, "a\vb"));
    EXPECT_FALSE(matches("a[^\\s]b", d, "a\vb"));
    EXPECT_FALSE(matches("a[\\S]b", d, "a\vb"));
  }
  EXPECT_TRUE(matches("a\\vb", kKusto, "a\vb"));
  EXPECT_FALSE(matches("a\\vb", kKusto, "a\nb"));
  EXPECT_TRUE(matches("a\\vb", kPcre, "a\nb"));
  EXPECT_TRUE(matches("a[\\v]b", kPcre, "a\nb"));
}

TEST(Regex, PcreFeaturesRunOnPcre2) {
  for (const RegexDialect d : {kSigma, kPcre}) {
    EXPECT_TRUE(matches("a(?=b)", d, "ab"));
    EXPECT_FALSE(matches("(?<!x)ab", d, "xab"));
    EXPECT_TRUE(matches("(a+)-\\1$", d, "aa-aa"));
    EXPECT_TRUE(matches("a++b", d, "aab"));
    EXPECT_TRUE(matches("(?>a+)b", d, "aab"));
    EXPECT_TRUE(matches("(?x) a b # comment [", d, "ab"));
    EXPECT_TRUE(matches("\\Qa.b\\E", d, "a.b"));
    EXPECT_FALSE(matches("\\Qa.b\\E", d, "axb"));
    EXPECT_TRUE(matches("a\\hb\\R", d, "a b\r\n"));
    EXPECT_TRUE(matches("^(.){1500}$", d, std::string(1500, 'x')));
  }
}

TEST(Regex, KustoRefusesWhatItDoesNotHave) {
  EXPECT_EQ(error_of("ab(?=b)", kKusto), "Kusto has no look-arounds (at offset 2)");
  EXPECT_EQ(error_of("(a)\\1", kKusto), "Kusto has no back-references (at offset 3)");
  EXPECT_EQ(error_of("[a-z&&[^aeiou]]", kKusto),
            "class operators (&&, --, ~~) are not supported (at offset 4)");
  EXPECT_NE(error_of("a++", kKusto), "compiled");
  // Repeats beyond RE2's thousand are Kusto's, though.
  EXPECT_TRUE(matches("^\\w{1500}$", kKusto, std::string(1500, 'x')));
  EXPECT_TRUE(matches("(?x) a b # c", kKusto, "ab"));
  EXPECT_TRUE(matches("^\\u{1F600}\\u00e9$", kKusto, "\xf0\x9f\x98\x80\xc3\xa9"));
}

TEST(Regex, ErrorsNameTheFaultAndItsPlace) {
  EXPECT_EQ(error_of("a(b", kSigma), "missing closing parenthesis (at offset 3)");
  EXPECT_EQ(error_of("x[z-a]", kKusto), "invalid character class range: z-a (at offset 2)");
  EXPECT_EQ(error_of("x\\s[z-a]", kKusto), "invalid character class range: z-a (at offset 4)");
  EXPECT_EQ(error_of("a\xff", kSigma), "the expression is not valid UTF-8");
  const auto regex = Regex::compile("(", kPcre);
  ASSERT_FALSE(regex);
  EXPECT_EQ(static_cast<int>(regex.error().code), static_cast<int>(Code::kInvalid));
}

TEST(Regex, GroupsAreSetEmptyOrUnset) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_EQ(groups_of("(a)|(b)|(c*)d", d, "xd"), "d|-|-|''");
    EXPECT_EQ(groups_of("(\\d+)-(\\d+)", d, "on 12-345."), "12-345|12|345");
    EXPECT_EQ(groups_of("(a*)", d, ""), "''|''");
    EXPECT_EQ(groups_of("(a*)", d, std::string_view()), "''|''");
  }
  EXPECT_EQ(groups_of("(?=(a))(b)?", kPcre, "xa"), "''|a|-");
}

TEST(Regex, SearchGoesOnFromAPositionWithItsContext) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_EQ(groups_of("a.", d, "a1a2a3", 1), "a2");
    EXPECT_EQ(groups_of("^a", d, "aa", 1), "no match");
    EXPECT_EQ(groups_of("\\ba", d, "aa a", 1), "a");
    EXPECT_EQ(groups_of("a", d, "aa", 2), "no match");
    EXPECT_EQ(groups_of("a", d, "aa", 3), "no match");
    EXPECT_EQ(groups_of("a*", d, "aa", 2), "''");
  }
}

TEST(Regex, NamedGroupsInBothSpellings) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    const auto regex = compiled("(?<first>a)(b)(?P<third>c)", d);
    EXPECT_EQ(regex->num_groups(), 3);
    EXPECT_EQ(regex->group_names(), (std::vector<std::string>{"", "first", "", "third"}));
  }
  const auto regex = compiled("(?=x)(?<only>x)", kPcre);
  EXPECT_EQ(regex->group_names(), (std::vector<std::string>{"", "only"}));
}

TEST(Regex, InvalidUtf8IsMatchedBytewise) {
  const std::string subject =
      "ab\xff"
      "cd \xc3\xa9";
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_TRUE(matches("b.c", d, subject));
    EXPECT_TRUE(matches("cd \xc3\xa9", d, subject));
    EXPECT_TRUE(matches("\\xffc", d, subject));
    EXPECT_EQ(groups_of("b(.)c", d, subject),
              "b\xff"
              "c|\xff");
    EXPECT_FALSE(matches("\\x{20AC}", d, subject));
  }
  EXPECT_TRUE(matches("b(?=.c)", kSigma, subject));
  EXPECT_FALSE(matches("b(?=\\x{20AC})", kSigma, subject));
}

TEST(Regex, Utf8IsMatchedByCharacter) {
  for (const RegexDialect d : {kKusto, kSigma, kPcre}) {
    EXPECT_TRUE(matches("^.$", d, "\xf0\x9f\x98\x80"));
    EXPECT_TRUE(matches("(?i)^\xc3\x84$", d, "\xc3\xa4"));
    EXPECT_TRUE(matches("^[\xc3\xa4-\xc3\xb6]$", d, "\xc3\xa5"));
  }
}

TEST(Regex, RunawaySearchesEndAndAreCounted) {
  const auto regex = compiled("(?=x)(x+x+)+[yz]", kPcre);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(regex->matches(std::string(60, 'x')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(regex->limit_hits(), 1u);
  // RE2 needs no limit for the same question.
  const auto linear = compiled("(x+x+)+[yz]", kPcre);
  EXPECT_FALSE(linear->matches(std::string(6'000, 'x')));
  EXPECT_EQ(linear->limit_hits(), 0u);
}

TEST(Regex, OneExpressionServesManyThreads) {
  for (const RegexDialect d : {kKusto, kSigma}) {
    const auto regex = compiled(d == kKusto ? "\\b(\\w+)-(\\d+)\\b" : "(?=a)(\\w+)-(\\d+)", d);
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        const std::string subject = "x\xd0\xb6 abc-" + std::to_string(t);
        for (int i = 0; i < 500; ++i) {
          std::vector<std::string_view> groups;
          if (regex->search(subject, 0, groups) && groups[2] == std::to_string(t)) ++right;
        }
      });
    for (std::thread& t : threads)
      t.join();
    EXPECT_EQ(right, 2'000);
  }
}

}  // namespace
}  // namespace postern::match
