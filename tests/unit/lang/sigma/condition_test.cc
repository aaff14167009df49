#include "lang/sigma/condition.h"

#include <gtest/gtest.h>

#include "sigma_fixture.h"

namespace postern::lang::sigma {
namespace {

/// Selections a, b, c, sel_x, sel_y, sub-x, _hidden: each a column test of its own name.
std::vector<Selection> selections() {
  std::vector<Selection> out;
  for (const char* name : {"a", "b", "c", "sel_x", "sel_y", "sub-x", "_hidden"}) {
    out.push_back({});
    out.back().name = name;
    out.back().expr = plan::column(name);
  }
  return out;
}

struct Parsed {
  std::string expr;  // or the diagnostics
  std::string text;
};

Parsed parse(const std::string& condition) {
  adapt::YamlNode node;
  node.text = condition;
  node.plain = true;
  node.text_begin = 0;
  node.span = {0, static_cast<uint32_t>(condition.size())};
  std::vector<Selection> all = selections();
  Diagnostics diag;
  const Condition c = parse_condition(node, all, diag);
  Parsed out;
  for (const Diagnostic& d : diag.all())
    out.expr += render({"c", condition}, d);
  if (c.expr) out.expr += to_text(*c.expr);
  out.text = c.text;
  return out;
}

TEST(Condition, PrecedenceIsOrThenAndThenNot) {
  EXPECT_EQ(parse("a or b and not c").expr, "a or b and not c");
  EXPECT_EQ(parse("(a or b) and c").expr, "(a or b) and c");
  EXPECT_EQ(parse("not a and b").expr, "not a and b");
  EXPECT_EQ(parse("not (a and b)").expr, "not (a and b)");
  EXPECT_EQ(parse("a and b or c and not not a").expr, "a and b or c and a");
}

TEST(Condition, QuantifiersTakePatternsAndThem) {
  EXPECT_EQ(parse("1 of sel_*").text, "sel_x or sel_y");
  EXPECT_EQ(parse("all of sel_*").text, "sel_x and sel_y");
  EXPECT_EQ(parse("a and not 1 of sel_*").text, "a and not (sel_x or sel_y)");
  EXPECT_EQ(parse("any of *x").text, "sel_x or sub-x");
  EXPECT_EQ(parse("1 of s*_*").text, "sel_x or sel_y");
  EXPECT_EQ(parse("1 of a").text, "a");
  EXPECT_EQ(parse("not all of sel_*").text, "not (sel_x and sel_y)");
}

TEST(Condition, ThemLeavesOutNamesWithUnderscore) {
  EXPECT_EQ(parse("1 of them").text, "a or b or c or sel_x or sel_y or sub-x");
  EXPECT_EQ(parse("1 of *hidden").expr.substr(0, 62),
            "error[sigma-unknown-selection]: no selection matches: *hidden\n");
  EXPECT_EQ(parse("_hidden").text, "_hidden") << "by its own name it may be used";
}

TEST(Condition, NamesMayHoldDashes) {
  EXPECT_EQ(parse("sub-x and a").expr, "['sub-x'] and a");
}

TEST(Condition, OperatorsInCapitalsAreReadWithAWarning) {
  EXPECT_EQ(parse("a AND NOT b").text, "a and not b");
  EXPECT_EQ(parse("a AND b").expr,
            R"(warning[sigma-operator-case]: operators are written in lower case
 --> c:1:3
1 | a AND b
  |   ^^^
  = hint: write `and`
a and b)");
}

TEST(Condition, NothingMatchedIsAnError) {
  EXPECT_EQ(parse("a and 1 of filter_*").expr,
            R"(error[sigma-unknown-selection]: no selection matches: filter_*
 --> c:1:12
1 | a and 1 of filter_*
  |            ^^^^^^^^ names that begin with `_` do not count
)");
}

TEST(Condition, EveryUnknownNameIsTold) {
  EXPECT_EQ(parse("sel_z and foo_bar").expr,
            R"(error[sigma-unknown-selection]: unknown selection: sel_z
 --> c:1:1
1 | sel_z and foo_bar
  | ^^^^^
  = hint: did you mean `sel_x`?
error[sigma-unknown-selection]: unknown selection: foo_bar
 --> c:1:11
1 | sel_z and foo_bar
  |           ^^^^^^^
)");
}

TEST(Condition, MistakesOfSyntaxPointAtTheirPlace) {
  EXPECT_EQ(parse("a b").expr,
            R"(error[sigma-bad-condition]: `and` or `or` expected before `b`
 --> c:1:3
1 | a b
  |   ^
)");
  EXPECT_EQ(parse("(a or b").expr,
            R"(error[sigma-bad-condition]: `)` expected
 --> c:1:1
1 | (a or b
  | ^ opened here
)");
  EXPECT_EQ(parse("a or b)").expr,
            R"(error[sigma-bad-condition]: `)` without `(`
 --> c:1:7
1 | a or b)
  |       ^
)");
  EXPECT_EQ(parse("a and").expr,
            R"(error[sigma-bad-condition]: a selection expected
 --> c:1:6
1 | a and
  |      ^ the condition ends here
)");
  EXPECT_EQ(parse("").expr,
            R"(error[sigma-bad-condition]: the condition is empty
 --> c:1:1
1 | 
  | ^
)");
  EXPECT_EQ(parse("1 of").expr.substr(0, 69),
            "error[sigma-bad-condition]: `them` or the name of selections expected");
  EXPECT_EQ(parse("1 of (a)").expr.substr(0, 81),
            "error[sigma-bad-condition]: `them` or the name of selections expected\n --> c:1:6\n");
}

TEST(Condition, OtherCountsAndAggregationsAreRefusedByName) {
  EXPECT_EQ(parse("2 of them").expr,
            R"(error[sigma-unsupported]: `2 of`
 --> c:1:1
1 | 2 of them
  | ^ not supported: only 1 and all
)");
  EXPECT_EQ(parse("a | count() by b > 5").expr,
            R"(error[sigma-unsupported]: aggregation in a condition
 --> c:1:3
1 | a | count() by b > 5
  |   ^^^^^^^^^^^^^^^^^^ not supported: removed from Sigma
  = hint: write a correlation rule
)");
}

TEST(Condition, DeepAndLongOnesAreBounded) {
  EXPECT_NE(parse(std::string(100'000, '(') + "a").expr.find("nested too deep"), std::string::npos);
  std::string nots;
  for (int i = 0; i < 100'001; ++i)
    nots += "not ";
  EXPECT_EQ(parse(nots + "a").text, "not a");
  std::string many = "a";
  for (int i = 0; i < 200'000; ++i)
    many += " or 1 of them";
  EXPECT_NE(parse(many).expr.find("the condition is too large"), std::string::npos);
}

TEST(Condition, ABrokenSelectionGivesNoSecondError) {
  std::vector<Selection> all = selections();
  all[0].expr = nullptr;
  adapt::YamlNode node;
  node.text = "a and b";
  Diagnostics diag;
  EXPECT_EQ(parse_condition(node, all, diag).expr, nullptr);
  EXPECT_TRUE(diag.all().empty());
  EXPECT_TRUE(all[0].used);
}

}  // namespace
}  // namespace postern::lang::sigma
