// The gate against what it stands for: a record of which it says no holds none of the keywords, in
// whatever way JSON writes them.
#include "exec/text_gate.h"

#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "exec/functions/functions.h"

namespace postern::exec {
namespace {

using data::Type;
using data::Value;
using plan::ExprPtr;

ExprPtr bound(const std::string& name, std::vector<ExprPtr> args) {
  auto e = std::make_shared<plan::Expr>(*plan::call(name, std::move(args)));
  e->function = all_functions().function(name);
  e->type = Type::kBool;
  return e;
}

ExprPtr column(std::string_view name) {
  auto e = std::make_shared<plan::Expr>(*plan::column(std::string(name)));
  e->type = name == data::kValuesColumn ? Type::kDynamic : Type::kString;
  return e;
}

ExprPtr keyword(const std::vector<std::string>& words) {
  std::vector<ExprPtr> args = {column(data::kValuesColumn), column(data::kTextColumn)};
  for (const std::string& w : words)
    args.push_back(plan::literal(Value::string(w)));
  return bound("sigma.keyword", std::move(args));
}

/// `text` as a JSON string, each character in one of the ways that JSON has for it.
std::string json_of(const std::string& text, std::mt19937& random, bool numbers) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || (numbers && byte < 0x80 && random() % 16 == 0)) {
      char number[8];
      std::snprintf(number, sizeof number, "\\u%04x", byte);
      out += number;
    } else if (c == '"' || c == '\\' || (c == '/' && random() % 2 == 0)) {
      out += '\\';
      out += c;
    } else {
      out += random() % 2 == 0 && ascii_alpha(c) ? static_cast<char>(c ^ 32) : c;
    }
  }
  return out + "\"";
}

TEST(TextGate, NeverMissesAKeywordHoweverJsonWritesIt) {
  std::mt19937 random(11);
  uint64_t num_no = 0;
  for (int round = 0; round < 200; ++round) {
    const auto word = [&](size_t size) {
      std::string s;
      for (size_t i = 0; i < size; ++i)
        s += "abcusk:/\\\"{}. \n"[random() % 15];
      return s;
    };
    // At least one run of characters that stand for themselves.
    const std::vector<std::string> words = {word(random() % 4) + "sekurlsa::" + word(random() % 4),
                                            "mimi" + word(1) + "kerberos", "drop"};
    const auto gate = text_gate({keyword(words)}, {});
    ASSERT_NE(gate, nullptr);
    for (int i = 0; i < 100; ++i) {
      std::string text = word(random() % 60);
      const bool holds = random() % 2 == 0;
      if (holds) text += fold(words[random() % words.size()]) + word(random() % 60);
      const std::string json = "{\"x\":" + json_of(text, random, random() % 2 == 0) + "}";
      if (holds)
        ASSERT_TRUE(gate->may_hold(json)) << json;
      else if (!gate->may_hold(json))
        ++num_no;
    }
  }
  EXPECT_GT(num_no, 1000u);
}

TEST(TextGate, KnowsAnEscapeFromAnEscapedBackslash) {
  const auto gate = text_gate({keyword({"mimikatz"})}, {});
  ASSERT_NE(gate, nullptr);
  EXPECT_FALSE(gate->may_hold(R"({"Image":"C:\\users\\u.exe"})"));
  EXPECT_FALSE(gate->may_hold(R"({"Image":"C:\\\\u0041, a share; and more of the same"})"));
  EXPECT_TRUE(gate->may_hold(R"({"Image":"C:\\\u0041"})"));
  EXPECT_TRUE(gate->may_hold(R"({"Image":"\u006dimikatz"})"));
  EXPECT_TRUE(
      gate->may_hold(R"({"Image":"some more than sixteen bytes before it \u006dimikatz"})"));
  EXPECT_FALSE(gate->may_hold("\\"));
  EXPECT_FALSE(gate->may_hold(""));
}

TEST(TextGate, SearchesPlainTextForAllOfALiteral) {
  const auto gate = text_gate({keyword({"a\\b/c\"d", "MimiKatz", "mimikatz"})}, {});
  ASSERT_NE(gate, nullptr);
  EXPECT_EQ(gate->literals(), (std::vector<std::string>{"a\\b/c\"d", "mimikatz"}));
  EXPECT_TRUE(gate->may_hold_plain("x A\\B/C\"D y"));
  EXPECT_TRUE(
      gate->may_hold_plain("mimi\xE2\x84\xAA"
                           "atz"))
      << "the Kelvin sign";
  EXPECT_FALSE(gate->may_hold_plain("C:\\u0041\\u.exe")) << "no escape there";
  EXPECT_FALSE(gate->may_hold_plain(""));
  EXPECT_TRUE(gate->may_hold(R"({"x":"nothing"})")) << "no piece that JSON writes in one way";
}

TEST(TextGate, IsOnlyThereWhereKeywordsAreAllThatIsAsked) {
  const ExprPtr image =
      bound("sigma.endswith", {column("Image"), plan::literal(Value::string("\\cmd.exe"))});
  EXPECT_EQ(text_gate({image, nullptr}, {}), nullptr) << "nothing is asked";
  EXPECT_NE(text_gate({bound("and", {image, bound("not", {keyword({"word"})})})}, {}), nullptr);
  EXPECT_EQ(text_gate({keyword({"word"})}, {column(data::kValuesColumn)}), nullptr);
  EXPECT_EQ(text_gate({keyword({"word", "ab"})}, {}), nullptr) << "too short";
  const ExprPtr other =
      bound("kql.has", {column(data::kTextColumn), plan::literal(Value::string("word"))});
  EXPECT_EQ(text_gate({keyword({"word"}), other}, {}), nullptr) << "null is not false there";
}

}  // namespace
}  // namespace postern::exec
