// The gate against what it stands for: a record of which it says no holds none of the keywords, in
// whatever way JSON writes them.
#include "exec/text_gate.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "exec/evaluate.h"
#include "searched_exprs.h"

namespace postern::exec {
namespace {

using data::Type;
using data::Value;
using plan::ExprPtr;

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

TEST(TextGate, LooksForOnePartOfWhatMustAllHold) {
  const auto literals = [](const ExprPtr& filter) {
    const auto gate = text_gate({filter}, {});
    return gate ? gate->literals() : std::vector<std::string>{"no gate"};
  };
  using Words = std::vector<std::string>;
  const ExprPtr zero = keyword({"0", "6"});
  const ExprPtr init = keyword({"init ", "telinit "});
  EXPECT_EQ(literals(bound("and", {zero, init})), (Words{"init ", "telinit "}));
  EXPECT_EQ(literals(bound("and", {keyword({"init "}), init})), (Words{"init "})) << "the fewer";
  EXPECT_EQ(literals(bound("and", {zero, bound("not", {init})})), (Words{"no gate"}))
      << "without them it may hold";
  EXPECT_EQ(literals(bound("or", {init, bound("and", {zero, keyword({"shutdown"})})})),
            (Words{"init ", "shutdown", "telinit "}));
}

TEST(TextGate, LooksForManyWordsToo) {
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i)
    words.push_back("word" + std::to_string(i) + "end");
  const auto gate = text_gate({keyword(words)}, {});
  ASSERT_NE(gate, nullptr);
  EXPECT_TRUE(gate->may_hold_plain("a WORD217END b"));
  EXPECT_FALSE(gate->may_hold_plain("a word317end b"));
  EXPECT_TRUE(gate->may_hold(R"({"x":"word0eND"})"));
  EXPECT_TRUE(gate->may_hold(R"({"x":"\u0077ord0end"})"));
  EXPECT_FALSE(gate->may_hold(R"({"x":"word0, end"})"));
}

TEST(TextGate, FindsManyWordsOfAnyLengthAsAPlainSearchDoes) {
  std::mt19937 random(162);
  const auto word = [&](size_t size) {
    std::string s;
    for (size_t i = 0; i < size; ++i)
      s += "abcdefghijklmnop :/=&"[random() % 21];
    return s;
  };
  // As many short ones as are looked for in passes over the text, and more.
  for (const size_t num_words : {20, 70, 150, 400}) {
    std::vector<std::string> words;
    while (words.size() < num_words)
      words.push_back(word(5 + random() % 12));
    words.push_back("i=f");
    words.push_back("e\xC3\xA9");
    const auto gate = text_gate({keyword(words)}, {});
    ASSERT_NE(gate, nullptr);
    size_t num_no = 0;
    for (int i = 0; i < 3000; ++i) {
      std::string text = word(random() % 150);
      if (random() % 2 == 0) {
        const std::string& w = words[random() % words.size()];
        text += w.substr(0, w.size() - random() % 2) + word(random() % 40);
      }
      const bool holds = std::any_of(words.begin(), words.end(), [&](const std::string& w) {
        return text.find(w) != std::string::npos;
      });
      num_no += !holds;
      ASSERT_EQ(gate->may_hold_plain(text), holds) << text;
    }
    EXPECT_GT(num_no, 100u) << num_words;
  }
}

// What the gate lets out must not change what any filter says.
TEST(TextGate, FiltersAreTheSameWithoutWhatItLeavesOut) {
  std::mt19937 random(20261121);
  static constexpr const char* kWords[] = {"alpha", "beta", "gamma", "delta", "omega"};
  const plan::Schema schema = {{std::string(data::kValuesColumn), Type::kDynamic},
                               {std::string(data::kTextColumn), Type::kString}};
  const auto random_filter = [&](int depth, const auto& self) -> ExprPtr {
    if (depth == 0 || random() % 4 == 0) {
      std::vector<std::string> words;
      for (size_t n = 1 + random() % 2; n > 0; --n)
        words.emplace_back(kWords[random() % std::size(kWords)]);
      return keyword(words);
    }
    if (random() % 3 == 0) return bound("not", {self(depth - 1, self)});
    std::vector<ExprPtr> args;
    for (size_t n = 1 + random() % 3; n > 0; --n)
      args.push_back(self(depth - 1, self));
    return bound(random() % 2 ? "and" : "or", std::move(args));
  };
  size_t num_left_out = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<ExprPtr> filters;
    std::vector<std::shared_ptr<const CompiledExpr>> compiled;
    for (size_t n = 1 + random() % 2; n > 0; --n) {
      filters.push_back(random_filter(3, random_filter));
      compiled.push_back(*compile(filters.back(), schema));
    }
    const auto gate = text_gate(filters, {});
    ASSERT_NE(gate, nullptr);
    for (int i = 0; i < 20; ++i) {
      std::string text = "a record with";
      for (const char* w : kWords)
        if (random() % 4 == 0) text += std::string(" ") + w;
      if (gate->may_hold_plain(text)) continue;
      ++num_left_out;
      data::ColumnBuilder texts(Type::kString);
      texts.append_copy(text);
      const std::vector<data::Column> whole = {data::Column::nulls(Type::kDynamic, 1),
                                               texts.finish()};
      const std::vector<data::Column> nothing = {data::Column::nulls(Type::kDynamic, 1),
                                                 data::Column::nulls(Type::kString, 1)};
      for (size_t f = 0; f < compiled.size(); ++f) {
        std::vector<uint32_t> with;
        std::vector<uint32_t> without;
        const std::vector<uint32_t> row = {0};
        compiled[f]->select(whole, row, 1, {}, with);
        compiled[f]->select(nothing, row, 1, {}, without);
        ASSERT_EQ(with, without) << plan::to_text(*filters[f]) << " on " << text;
      }
    }
  }
  EXPECT_GT(num_left_out, 500u);
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
