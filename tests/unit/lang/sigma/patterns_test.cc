#include <random>

#include <gtest/gtest.h>

#include "exec/functions/sigma_patterns.h"
#include "match/sigma_pattern.h"

namespace postern::exec {
namespace {

using Operator = SigmaPatterns::Operator;

bool matches(Operator op,
             const std::vector<data::Value>& values,
             std::string_view text,
             bool cased = false) {
  SigmaPatterns p(op, cased);
  for (const data::Value& v : values)
    p.add(v);
  p.seal();
  std::string scratch;
  return p.matches(text, scratch);
}

data::Value text(const char* s) {
  return data::Value::string(s);
}

TEST(SigmaPatterns, ManyValuesAnswerAsFewDo) {
  std::vector<data::Value> values;
  for (int i = 0; i < 100; ++i)
    values.push_back(text(("\\tool" + std::to_string(i) + ".EXE").c_str()));
  EXPECT_TRUE(matches(Operator::kEndsWith, values, R"(C:\TOOL7.exe)"));
  EXPECT_FALSE(matches(Operator::kEndsWith, values, R"(C:\TOOL7.exe )"));
  EXPECT_TRUE(matches(Operator::kContains, values, R"(C:\TOOL99.exe -x)"));
  EXPECT_TRUE(matches(Operator::kStartsWith, values, R"(\tool42.exe x)"));
  EXPECT_TRUE(matches(Operator::kEquals, values, R"(\tool42.exe)"));
  EXPECT_FALSE(matches(Operator::kEquals, values, R"(\tool42.exe)", true));
  EXPECT_TRUE(matches(Operator::kEquals, values, R"(\tool42.EXE)", true));
}

// One pattern at a time through Wildcard is the meaning; all at once must agree with it.
TEST(SigmaPatterns, AgreeWithEachPatternAlone) {
  std::mt19937 random(20260104);
  const std::vector<std::string> alphabet = {"a",  "b", "A",      "B",      "*",   "?",
                                             "\\", "1", "\u00E9", "\u00C9", "\xFF"};
  const auto word = [&](size_t size) {
    std::string s;
    for (size_t i = 0; i < size; ++i)
      s += alphabet[random() % alphabet.size()];
    return s;
  };
  for (int round = 0; round < 600; ++round) {
    const auto op = static_cast<Operator>(random() % 4);
    const bool cased = random() % 2 == 0;
    std::vector<std::string> values;
    for (size_t n = 1 + random() % 14; n > 0; --n)
      values.push_back(word(random() % 6));
    SigmaPatterns all(op, cased);
    for (const std::string& v : values)
      all.add(data::Value::string(v));
    all.seal();
    std::string scratch;
    for (int i = 0; i < 30; ++i) {
      const std::string subject = word(random() % 8);
      bool expected = false;
      for (const std::string& v : values) {
        match::Wildcard w;
        if (op == Operator::kContains || op == Operator::kEndsWith) w.any_run();
        const match::SigmaPattern pattern = match::SigmaPattern::parse(v);
        for (const auto& piece : pattern.pieces()) {
          if (piece.part == match::Wildcard::Part::kLiteral)
            w.literal(piece.text);
          else if (piece.part == match::Wildcard::Part::kAnyRun)
            w.any_run();
          else
            w.any_one();
        }
        if (op == Operator::kContains || op == Operator::kStartsWith) w.any_run();
        w.seal(!cased);
        expected = expected || w.matches(subject);
      }
      ASSERT_EQ(all.matches(subject, scratch), expected) << subject << " round " << round;
    }
  }
}

TEST(SigmaPatterns, NumbersEqualTextsOfTheSameNumber) {
  const std::vector<data::Value> seven = {data::Value::integer(7)};
  EXPECT_TRUE(matches(Operator::kEquals, seven, "7"));
  EXPECT_TRUE(matches(Operator::kEquals, seven, " 7.0"));
  EXPECT_TRUE(matches(Operator::kEquals, seven, "007"));
  EXPECT_FALSE(matches(Operator::kEquals, seven, "77"));
  EXPECT_FALSE(matches(Operator::kEquals, seven, "0x7"));
  EXPECT_FALSE(matches(Operator::kEquals, seven, ""));
  EXPECT_TRUE(matches(Operator::kEquals, {data::Value::real(1.5)}, "1.50"));
  EXPECT_FALSE(matches(Operator::kEquals, {text("7")}, "007")) << "a text is compared as text";
}

TEST(SigmaPatterns, IntegersAreComparedWithoutText) {
  SigmaPatterns p(Operator::kEquals, false);
  p.add(data::Value::integer(25));
  p.add(text("587"));
  p.add(text("0465"));
  p.add(text("smtp"));
  p.seal();
  EXPECT_TRUE(p.takes_integers());
  EXPECT_TRUE(p.matches(25));
  EXPECT_TRUE(p.matches(587));
  EXPECT_FALSE(p.matches(465)) << "the text of 465 is not 0465";
  SigmaPatterns wild(Operator::kEquals, false);
  wild.add(text("46*"));
  wild.seal();
  EXPECT_FALSE(wild.takes_integers());
}

}  // namespace
}  // namespace postern::exec
