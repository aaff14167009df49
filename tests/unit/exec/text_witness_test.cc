#include "exec/text_witness.h"

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

using data::Value;

std::string shown(const std::string& function, const std::vector<Value>& values) {
  std::vector<plan::ExprPtr> args = {plan::column("f")};
  for (const Value& v : values)
    args.push_back(plan::literal(v));
  const auto w = text_witness(*plan::call(function, args));
  if (!w) return "none";
  static constexpr const char* kPlaces[] = {"whole", "prefix", "suffix", "part"};
  std::string out = w->exact ? "exact" : "loose";
  for (const auto& l : w->literals)
    out += std::string(" ") + kPlaces[static_cast<size_t>(l.place)] + ":" + l.text;
  for (const double n : w->numbers)
    out += " " + std::to_string(static_cast<int>(n));
  return out;
}

Value text(std::string s) {
  return Value::string(std::move(s));
}

TEST(TextWitness, OfSigmaValuesByTheirShape) {
  EXPECT_EQ(shown("sigma.equals", {text("Ab")}), "exact whole:ab");
  EXPECT_EQ(shown("sigma.equals", {text("*Ab")}), "exact suffix:ab");
  EXPECT_EQ(shown("sigma.endswith", {text("\\X.exe")}), "exact suffix:\\x.exe");
  EXPECT_EQ(shown("sigma.contains", {text("a*longer?b"), text("c")}), "loose part:longer part:c");
  EXPECT_EQ(shown("sigma.contains_cased", {text("Ab")}), "loose part:ab");
  EXPECT_EQ(shown("sigma.equals", {Value::integer(7, data::Type::kLong)}), "exact 7");
  EXPECT_EQ(shown("sigma.equals", {text("*")}), "none");
  EXPECT_EQ(shown("sigma.equals", {text("a"), text("")}), "none") << "an empty field holds too";
}

TEST(TextWitness, OfSigmaValuesWithBackslashes) {
  EXPECT_EQ(shown("sigma.contains", {text("\\\\Srv")}), "exact part:\\srv");
  EXPECT_EQ(shown("sigma.contains", {text("a\\b\\")}), "exact part:a\\b\\");
  EXPECT_EQ(shown("sigma.equals", {text("a\\*")}), "exact whole:a*");
  EXPECT_EQ(shown("sigma.equals", {text("a\\\\*")}), "exact prefix:a\\");
  EXPECT_EQ(shown("sigma.startswith", {text("\\?")}), "exact prefix:?");
}

TEST(TextWitness, OfKeywordsInTwoColumns) {
  const auto w = text_witness(*plan::call(
      "sigma.keyword", {plan::column("_values"), plan::column("_raw"), plan::literal(text("Ab"))}));
  ASSERT_TRUE(w);
  EXPECT_EQ(w->num_columns, 2u);
  EXPECT_EQ(w->literals.at(0).text, "ab");
  EXPECT_TRUE(w->exact && w->takes_members);
  const auto cased = text_witness(
      *plan::call("sigma.keyword_cased",
                  {plan::column("_values"), plan::column("_raw"), plan::literal(text("Ab"))}));
  ASSERT_TRUE(cased);
  EXPECT_FALSE(cased->exact) << "AB is no Ab";
}

TEST(TextWitness, OfKustoAndSplTests) {
  EXPECT_EQ(shown("kql.has", {text("Power")}), "loose part:power");
  EXPECT_FALSE(text_witness(*plan::call("kql.has", {plan::column("f"), plan::literal(text("A"))}))
                   ->takes_members)
      << "which looks at an array as one text";
  EXPECT_EQ(shown("kql.eq_ci", {text("A")}), "loose whole:a");
  EXPECT_EQ(shown("kql.contains", {Value::integer(7, data::Type::kLong)}), "none") << "or 17";
  EXPECT_EQ(shown("kql.has_all", {text("ab"), text("abc"), text("x")}), "loose part:abc");
  EXPECT_EQ(shown("spl.search_eq", {text("*\\Temp\\*")}), "exact part:\\temp\\");
  EXPECT_EQ(shown("spl.search_eq", {text("10.0.0.0/8")}), "none") << "a network";
  EXPECT_EQ(shown("spl.like", {text("%Cron_tab%x")}), "loose part:cron");
  EXPECT_EQ(shown("spl.like", {text("C:\\%")}), "loose prefix:c:\\");
  EXPECT_EQ(shown("spl.like", {text("%")}), "none");
  EXPECT_EQ(shown("spl.match", {text("^a+Bcd$")}), "loose part:bcd");
  EXPECT_EQ(shown("spl.match", {text("[0-9A-F]+")}), "none");
  EXPECT_EQ(shown("kql.not_has", {text("a")}), "none");
}

TEST(TextWitness, OfNumbersIsExactOnColumnsOfIntegers) {
  const auto exact = [](const std::string& function, const Value& v) {
    return text_witness(*plan::call(function, {plan::column("f"), plan::literal(v)}))
        ->exact_numbers;
  };
  EXPECT_TRUE(exact("==", Value::integer(7, data::Type::kLong)));
  EXPECT_TRUE(exact("kql.in", Value::integer(7, data::Type::kLong)));
  EXPECT_FALSE(exact("==", text("7")));
  EXPECT_FALSE(exact("==", Value::integer(9007199254740993, data::Type::kLong)))
      << "no double of its own";
}

TEST(TextWitness, OfARegexIsTextThatEveryMatchHolds) {
  EXPECT_EQ(required_literal("abc"), "abc");
  EXPECT_EQ(required_literal("(?i)INVOKE-.*Mimi"), "invoke-");
  EXPECT_EQ(required_literal("ab?cdef+g"), "cdef");
  EXPECT_EQ(required_literal("a{3}bcd"), "bcd");
  EXPECT_EQ(required_literal("foo(bar|baz)?quux"), "quux");
  EXPECT_EQ(required_literal("\\\\temp\\.exe$"), "\\temp.exe");
  EXPECT_EQ(required_literal("[abc]+def"), "def");
  EXPECT_EQ(required_literal("[^]]x"), "x");
  EXPECT_EQ(required_literal("(?P<n>a(b)c)?xyz"), "xyz");
  for (const char* none : {"abc|def", "\\x41bc", "", ".*", "(?x)a b", "\\Qab\\E", "(abc", "é?"})
    EXPECT_EQ(required_literal(none), "") << none;
}

}  // namespace
}  // namespace postern::exec
