#include "plan/expr.h"

#include <gtest/gtest.h>

namespace postern::plan {
namespace {

std::string round_trip(const std::string& text) {
  Diagnostics diag;
  OrFailed<ExprPtr> e = parse_expr_text({"test", text}, diag);
  if (!e) return "error: " + (diag.all().empty() ? "none" : diag.all()[0].message);
  return to_text(**e);
}

TEST(ExprText, ReadsWhatItPrints) {
  EXPECT_EQ(round_trip("EventID"), "EventID");
  EXPECT_EQ(round_trip("id.orig_h"), "id.orig_h");
  EXPECT_EQ(round_trip("['odd name']"), "['odd name']");
  EXPECT_EQ(round_trip("if(Initiated, \"out\", 'in')"), "if(Initiated, \"out\", \"in\")");
  EXPECT_EQ(round_trip("a and not b or c"), "a and not b or c");
  EXPECT_EQ(round_trip("a and (b or c)"), "a and (b or c)");
  EXPECT_EQ(round_trip("5m"), "5m");
  EXPECT_EQ(round_trip("-3"), "-3");
}

TEST(ExprText, ArithmeticBindsTighterThanComparison) {
  Diagnostics diag;
  OrFailed<ExprPtr> e = parse_expr_text({"test", "a + 1 * 2 == b"}, diag);
  ASSERT_TRUE(e);
  EXPECT_EQ((*e)->name, "==");
  EXPECT_EQ((*e)->args[0]->name, "+");
  EXPECT_EQ((*e)->args[0]->args[1]->name, "*");
}

TEST(ExprText, ListsBecomeArguments) {
  Diagnostics diag;
  OrFailed<ExprPtr> e = parse_expr_text({"test", "port in (25, 587)"}, diag);
  ASSERT_TRUE(e);
  EXPECT_EQ((*e)->name, "in");
  EXPECT_EQ((*e)->args.size(), 3u);
}

TEST(ExprText, SaysWhatIsWrongAndWhere) {
  Diagnostics diag;
  EXPECT_FALSE(parse_expr_text({"test", "a == "}, diag));
  ASSERT_EQ(diag.all().size(), 1u);
  EXPECT_EQ(diag.all()[0].message, "expression expected");
  EXPECT_EQ(round_trip("f(a"), "error: `,` or `)` expected");
  EXPECT_EQ(round_trip("\"abc"), "error: string without an end");
  EXPECT_EQ(round_trip("a b"), "error: unexpected text after the expression");
  EXPECT_EQ(round_trip(std::string(5000, '(')), "error: expression nested too deep");
}

TEST(Expr, JunctionsFlattenAndVanish) {
  const ExprPtr a = column("a");
  const ExprPtr b = column("b");
  const ExprPtr c = column("c");
  EXPECT_EQ(conjunction({conjunction({a, b}), c})->args.size(), 3u);
  EXPECT_EQ(conjunction({a}), a);
  EXPECT_EQ(to_text(*conjunction({})), "true");
  EXPECT_EQ(to_text(*disjunction({})), "false");
}

TEST(Expr, SameIgnoresSpansOnly) {
  const ExprPtr a = call("f", {column("x", {1, 2}), literal(data::Value::integer(1))}, {0, 9});
  const ExprPtr b = call("f", {column("x"), literal(data::Value::integer(1))});
  const ExprPtr c = call("f", {column("x"), literal(data::Value::string("1"))});
  EXPECT_TRUE(same(*a, *b));
  EXPECT_EQ(hash(*a), hash(*b));
  EXPECT_FALSE(same(*a, *c));
}

TEST(Expr, RewriteKeepsWhatDoesNotChange) {
  const ExprPtr e = call("f", {column("x"), column("y")});
  EXPECT_EQ(rewrite(e, [](const ExprPtr& n) { return n; }), e);
  const ExprPtr r = rewrite(
      e, [](const ExprPtr& n) { return n->is_column() && n->name == "x" ? column("z") : n; });
  EXPECT_EQ(to_text(*r), "f(z, y)");
}

}  // namespace
}  // namespace postern::plan
