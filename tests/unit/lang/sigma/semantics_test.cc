// Vectors of values, modifiers and validity made with the reference implementation, where at hand.
//
// Where the specification says otherwise the reference is not followed: kDiffering names each case.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "match/sigma_pattern.h"
#include "sigma_fixture.h"

namespace postern::lang::sigma::test {
namespace {

using data::Dynamic;
using match::SigmaPattern;
using match::Wildcard;

const std::map<std::string, std::string> kDiffering = {
    {"f|base64offset|contains: a",
     "one byte has no text at one offset and would be found everywhere: refused"},
    {"f|utf16|base64offset|contains: ping", "the mark of UTF-16 is FF FE, not that of UTF-8"},
};

std::string yaml_of(Dynamic value) {
  if (value.is_string()) {
    std::string out = "'";
    for (const char c : value.as_string())
      out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
  }
  if (!value.is_array()) return value.json();
  std::string out = "[";
  for (uint32_t i = 0; i < value.size(); ++i)
    out += (i ? ", " : "") + yaml_of(value.at(i));
  return out + "]";
}

/// Wildcards of one expected pattern: "<*>", "<?>" and literals, "**" being one run.
SigmaPattern pattern_of(Dynamic tokens) {
  SigmaPattern p;
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    const std::string_view t = tokens.at(i).as_string();
    if (t == "<*>")
      p.add(Wildcard::Part::kAnyRun);
    else if (t == "<?>")
      p.add(Wildcard::Part::kAnyOne);
    else
      p.add_literal(t);
  }
  return p;
}

/// Texts of the patterns that one call of a plan tests, runs at the ends included.
std::vector<std::string> patterns_of_call(const plan::Expr& call) {
  const bool start = call.name == "sigma.contains" || call.name == "sigma.endswith" ||
                     call.name == "sigma.keyword";
  const bool end = call.name == "sigma.contains" || call.name == "sigma.startswith" ||
                   call.name == "sigma.keyword";
  std::vector<std::string> out;
  for (const plan::ExprPtr& a : call.args) {
    std::vector<std::string> texts;
    if (a->is_column()) continue;
    if (a->literal.type() == data::Type::kDynamic) {
      const Dynamic d(a->literal.as_bytes());
      for (uint32_t i = 0; i < d.size(); ++i)
        texts.push_back(d.at(i).text());
    } else {
      texts.push_back(a->literal.text());
    }
    for (const std::string& t : texts) {
      SigmaPattern p = SigmaPattern::parse(t);
      if (start && !p.begins_with_any_run()) p.prepend(Wildcard::Part::kAnyRun);
      if (end && !p.ends_with_any_run()) p.add(Wildcard::Part::kAnyRun);
      out.push_back(p.text());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// All calls of a bound condition that test text.
void collect(const plan::Expr& e, std::vector<std::vector<std::string>>& out) {
  if (e.name == "and" || e.name == "or" || e.name == "not") {
    for (const plan::ExprPtr& a : e.args)
      collect(*a, out);
  } else {
    out.push_back(patterns_of_call(e));
  }
}

TEST(SigmaSemantics, StringsParseAsTheReferenceSays) {
  const std::string json = shared_file("cases/sigma_semantics.json");
  if (json.empty()) GTEST_SKIP() << "cases/sigma_semantics.json is not at hand";
  const std::string encoded = data::dynamic_from_json(json).value_or("");
  const Dynamic all = Dynamic(encoded).find("string_parse");
  ASSERT_GT(all.size(), 20U);
  for (uint32_t i = 0; i < all.size(); ++i) {
    const std::string value(all.at(i).find("yaml_value").as_string());
    EXPECT_EQ(SigmaPattern::parse(value), pattern_of(all.at(i).find("tokens"))) << value;
  }
}

TEST(SigmaSemantics, ItemsGiveThePatternsOfTheReference) {
  const std::string json = shared_file("cases/sigma_semantics.json");
  if (json.empty()) GTEST_SKIP() << "cases/sigma_semantics.json is not at hand";
  const std::string encoded = data::dynamic_from_json(json).value_or("");
  const Dynamic all = Dynamic(encoded).find("items");
  size_t compared = 0;
  for (uint32_t i = 0; i < all.size(); ++i) {
    const Dynamic item = all.at(i);
    const std::string key(item.find("key").as_string());
    const std::string name = key + ": " + item.find("value").text();
    if (kDiffering.count(name)) continue;
    const ReadOptions options{{{"x", {"<x>"}}}};
    const ReadResult r = read_detection(
        "  sel:\n    " + key + ": " + yaml_of(item.find("value")) + "\n  condition: sel\n",
        options);
    ASSERT_EQ(r.rules.size(), 1U) << name << "\n" << r.messages();
    const bool negated = r.rules[0].plan->predicate->is_call("not");
    EXPECT_EQ(negated, item.find("negated").as_bool()) << name;
    // Regexes, networks, numbers and the like are printed by the reference as Python objects.
    const Dynamic values = item.find("values");
    std::vector<std::vector<std::string>> expected;
    std::vector<std::string> any;
    bool text = values.size() > 0 && !key.starts_with("f|expand");
    for (uint32_t k = 0; k < values.size(); ++k) {
      if (values.at(k).is_string()) {
        text = false;
        continue;
      }
      std::vector<std::string> one;
      const Dynamic alternatives = values.at(k).find("any_of");
      if (alternatives.is_array())
        for (uint32_t a = 0; a < alternatives.size(); ++a)
          one.push_back(pattern_of(alternatives.at(a)).text());
      else
        one.push_back(pattern_of(values.at(k)).text());
      any.insert(any.end(), one.begin(), one.end());
      std::sort(one.begin(), one.end());
      expected.push_back(std::move(one));
    }
    if (!text) continue;
    if (item.find("linking").as_string() == "ConditionOR") {
      std::sort(any.begin(), any.end());
      expected = {any};
    }
    std::string error;
    const plan::ExprPtr condition = bound_condition(r, Event(R"({"f":"x"})"), error);
    ASSERT_TRUE(condition) << name << "\n" << error;
    std::vector<std::vector<std::string>> got;
    collect(*condition, got);
    EXPECT_EQ(got, expected) << name;
    ++compared;
  }
  EXPECT_GE(compared, 15U);
}

TEST(SigmaSemantics, ValidityIsThatOfTheReference) {
  const std::string json = shared_file("cases/sigma_semantics.json");
  if (json.empty()) GTEST_SKIP() << "cases/sigma_semantics.json is not at hand";
  const std::string encoded = data::dynamic_from_json(json).value_or("");
  const Dynamic all = Dynamic(encoded).find("validity");
  ASSERT_GT(all.size(), 5U);
  for (uint32_t i = 0; i < all.size(); ++i) {
    const Dynamic item = all.at(i);
    const std::string key(item.find("key").as_string());
    const ReadResult r = read_detection(
        "  sel:\n    '" + key + "': " + yaml_of(item.find("value")) + "\n  condition: sel\n");
    EXPECT_EQ(r.rules.empty(), item.find("error").is_string()) << key << "\n" << r.messages();
  }
}

TEST(SigmaSemantics, DifferencesAreTheOnesDecidedOn) {
  EXPECT_EQ(read_detection("  sel:\n    f|base64offset|contains: a\n  condition: sel\n").summary(),
            "sigma-bad-value: one byte has no base64 text at every offset\n");
  EXPECT_EQ(match::base64_at_offsets(
                match::sigma_utf16(SigmaPattern::parse("ping"), match::Utf16Form::kWithMark)
                    .literal_text())[0],
            "//5wAGkAbgBnA");
}

}  // namespace
}  // namespace postern::lang::sigma::test
