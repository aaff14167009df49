#include "check/regex_sample.h"

#include <gtest/gtest.h>

#include "match/regex.h"

namespace postern::check {
namespace {

TEST(RegexSample, MatchesWhatItWasMadeFrom) {
  const char* const patterns[] = {"abc",
                                  "a|bb|ccc",
                                  "^a.c$",
                                  R"(\d{2,4}-[a-f]+)",
                                  R"([^a-z\\]{3})",
                                  "(?:x|y){2}z?",
                                  R"(\\\\[0-9a-fA-F]{8}\\)",
                                  "(?i)Foo(Bar)?",
                                  R"(\x41\.\s\w\W\S\D)",
                                  ".{1000,}",
                                  R"((?P<n>a)b*?c+)",
                                  "[]x]",
                                  "[a-]",
                                  "[[:digit:]]{3}",
                                  R"(\$\{jndi:(?:ldap|rmi)s?://)"};
  for (const char* p : patterns) {
    const auto regex = match::Regex::compile(p, match::RegexDialect::kSigma);
    ASSERT_TRUE(regex.ok()) << p;
    for (uint32_t seed = 0; seed < 20; ++seed) {
      const auto sample = regex_sample(p, seed);
      ASSERT_TRUE(sample) << p;
      EXPECT_TRUE((*regex)->matches(*sample)) << p << " does not match " << *sample;
    }
  }
}

TEST(RegexSample, OtherSeedsGiveOtherAlternatives) {
  std::string seen;
  for (uint32_t seed = 0; seed < 30; ++seed)
    seen += *regex_sample("a|b|c", seed);
  for (const char c : {'a', 'b', 'c'})
    EXPECT_NE(seen.find(c), std::string::npos) << c;
}

TEST(RegexSample, WhatIsNotUnderstoodGivesNone) {
  EXPECT_FALSE(regex_sample("(?=a)b", 0));
  EXPECT_FALSE(regex_sample("(a", 0));
  EXPECT_FALSE(regex_sample("[a", 0));
  EXPECT_FALSE(regex_sample("(a{60000}){60000}", 0));
  EXPECT_FALSE(regex_sample(std::string(100000, '('), 0));
}

}  // namespace
}  // namespace postern::check
