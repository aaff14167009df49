#include "lang/spl/expand.h"

#include <gtest/gtest.h>

namespace postern::lang::spl {
namespace {

struct Expanded {
  bool ok = false;
  Expansion expansion;
  std::string text;
  std::vector<Diagnostic> diagnostics;
};

MacroTable table(std::initializer_list<Macro> macros) {
  MacroTable t;
  for (const Macro& m : macros)
    t.add(m);
  return t;
}

Expanded run(std::string_view query, const MacroTable& t) {
  Expanded out;
  Diagnostics diag;
  auto e = expand(
      query, {&t}, [](size_t at) { return static_cast<uint32_t>(at); }, diag);
  out.diagnostics = diag.all();
  out.ok = static_cast<bool>(e);
  if (out.ok) {
    out.expansion = *std::move(e);
    out.text = out.expansion.text();
  }
  return out;
}

Macro macro(std::string name, std::string definition, std::vector<std::string> arguments = {}) {
  return {std::move(name), std::move(arguments), std::move(definition), false, "m.yml"};
}

TEST(ExpandTest, ArgumentsAreTextAndQuotesAroundThemFallAway) {
  const MacroTable t = table({macro("drop", "rename \"$object$.*\" as \"*\"", {"object"})});
  EXPECT_EQ(run("| `drop(Processes)`", t).text, "| rename \"Processes.*\" as \"*\"");
  EXPECT_EQ(run("| `drop(\"Processes\")`", t).text, "| rename \"Processes.*\" as \"*\"");
}

TEST(ExpandTest, AnArgumentMayHoldCommasInQuotesAndParentheses) {
  const MacroTable t = table({macro("two", "<$a$|$b$>", {"a", "b"})});
  EXPECT_EQ(run("`two(\"x,y\", f(1,2))`", t).text, "<x,y|f(1,2)>");
  EXPECT_EQ(run("`two(\"say \\\"hi\\\"\", )`", t).text, "<say \"hi\"|>");
}

TEST(ExpandTest, UnknownDollarsStay) {
  const MacroTable t = table({macro("m", "$a$ costs $5 and $b$", {"a"})});
  EXPECT_EQ(run("`m(it)`", t).text, "it costs $5 and $b$");
}

TEST(ExpandTest, MacrosNestAndPointAtTheOutermostCall) {
  const MacroTable t = table({macro("a", "x `b` y"), macro("b", "z")});
  const Expanded e = run("head `a` tail", t);
  ASSERT_TRUE(e.ok);
  EXPECT_EQ(e.text, "head x z y tail");
  const Span inner = e.expansion.span(7, 8);  // z
  EXPECT_EQ(inner.begin, 5u);
  EXPECT_EQ(inner.end, 8u);
  const Span tail = e.expansion.span(11, 15);
  EXPECT_EQ(tail.begin, 9u);
  EXPECT_EQ(tail.end, 13u);
  EXPECT_TRUE(e.expansion.from_macro(7));
  EXPECT_FALSE(e.expansion.from_macro(0));
}

TEST(ExpandTest, CommentsAreRemovedAndUnclosedOnesReported) {
  EXPECT_EQ(run("a ``` `nothing` \" ``` b", {}).text, "a  b");
  const Expanded e = run("a ``` b", {});
  EXPECT_FALSE(e.ok);
  EXPECT_EQ(e.diagnostics.at(0).code, "spl-unterminated-comment");
}

TEST(ExpandTest, BackticksInQuotesAreText) {
  const MacroTable t = table({macro("m", "x")});
  EXPECT_EQ(run("a=\"`\" b=\"`\"", t).text, "a=\"`\" b=\"`\"");
  const Expanded e = run("a=\"`m`\"", t);
  EXPECT_EQ(e.text, "a=\"`m`\"");
  ASSERT_EQ(e.diagnostics.size(), 1u);
  EXPECT_EQ(e.diagnostics[0].code, "spl-quoted-macro");
}

TEST(ExpandTest, TheFilterOfADetectionKeepsEverythingUnlessDefined) {
  EXPECT_EQ(run("| `some_rule_filter`", {}).text, "| search *");
  const MacroTable t = table({macro("some_rule_filter", "search NOT user=scanner")});
  EXPECT_EQ(run("| `some_rule_filter`", t).text, "| search NOT user=scanner");
}

TEST(ExpandTest, AllUndefinedMacrosAreReported) {
  const Expanded e = run("`one` `two(1)` ``", {});
  EXPECT_FALSE(e.ok);
  ASSERT_EQ(e.diagnostics.size(), 3u);
  EXPECT_EQ(e.diagnostics[0].message, "undefined macro: one");
  EXPECT_EQ(e.diagnostics[1].primary.begin, 6u);
  EXPECT_EQ(e.diagnostics[2].code, "spl-macro-syntax");
}

TEST(ExpandTest, CyclesDepthAndSizeAreBounded) {
  const MacroTable cycle = table({macro("a", "`b`"), macro("b", "`a`")});
  EXPECT_EQ(run("`a`", cycle).diagnostics.at(0).code, "spl-macro-cycle");
  MacroTable deep;
  for (int i = 0; i < 150; ++i)
    deep.add(macro("m" + std::to_string(i), "`m" + std::to_string(i + 1) + "`"));
  deep.add(macro("m150", "x"));
  EXPECT_EQ(run("`m0`", deep).diagnostics.at(0).code, "spl-macro-too-deep");
  EXPECT_EQ(run("`m60`", deep).text, "x");
  // Doubling at each level: neither 2^40 calls nor 2^40 bytes.
  MacroTable wide;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "`w" + std::to_string(i + 1) + "`";
    wide.add(macro("w" + std::to_string(i), next + next));
  }
  wide.add(macro("w40", ""));
  EXPECT_EQ(run("`w0`", wide).diagnostics.at(0).code, "spl-macro-too-large");
  MacroTable large = table({macro("big", std::string(300'000, 'x'))});
  EXPECT_EQ(run("`big``big``big``big`", large).diagnostics.at(0).code, "spl-macro-too-large");
}

}  // namespace
}  // namespace postern::lang::spl
