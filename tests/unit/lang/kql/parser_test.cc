#include "lang/kql/parser.h"

#include <gtest/gtest.h>

#include "kql_run.h"

namespace postern::lang::kql {
namespace {

std::vector<Diagnostic> faults(const std::string& text) {
  Diagnostics diag;
  parse(TextMap(text, 0), diag);
  return diag.all();
}

std::string codes(const std::string& text) {
  std::string out;
  for (const Diagnostic& d : faults(text))
    out += (out.empty() ? "" : " ") + d.code;
  return out;
}

std::string repeated(const std::string& part, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i)
    out += part;
  return out;
}

TEST(KqlParser, PrecedenceOfOperators) {
  using testing::value_of;
  EXPECT_EQ(value_of("1 + 2 * 3 % 4"), "long:3");
  EXPECT_EQ(value_of("true or false and false"), "bool:true");
  EXPECT_EQ(value_of("'ab' has 'ab' == false"), "bool:false");
  EXPECT_EQ(value_of("1 + 1 == 2 and not(3 < 2)"), "bool:true");
  EXPECT_EQ(value_of("-2 - -3"), "long:1");
  EXPECT_EQ(value_of("10 - 2 - 3"), "long:5");
}

TEST(KqlParser, LongChainsOfOrAreOneNode) {
  const std::string query = "T | where " + repeated("a == 1 or ", 10'000) + "a == 2";
  Diagnostics diag;
  EXPECT_NE(read_query({"query", query}, {}, diag), nullptr);
  EXPECT_TRUE(diag.all().empty());
}

TEST(KqlParser, NestingHasALimit) {
  EXPECT_EQ(codes("print " + repeated("(", 400) + "1" + repeated(")", 400)), "");
  EXPECT_EQ(codes("print " + repeated("(", 600) + "1" + repeated(")", 600)), "kql-too-deep");
  EXPECT_EQ(codes("print " + repeated("(", 100'000)), "kql-too-deep");
  EXPECT_EQ(codes("print " + repeated("- ", 100'000) + "1"), "kql-too-deep");
  EXPECT_EQ(codes("print " + repeated("1 + ", 100'000) + "1"), "kql-too-deep");
  EXPECT_EQ(codes("print x" + repeated(".a", 100'000)), "kql-too-deep");
  EXPECT_EQ(codes("print " + repeated("f(", 100'000)), "kql-too-deep");
  EXPECT_EQ(codes("T" + repeated(" | where a", 100'000)), "kql-too-deep");
  EXPECT_EQ(codes("T | where " + repeated("a in (", 100'000)), "kql-too-deep");
  EXPECT_EQ(codes("let f = " + repeated("() { let g = ", 100'000)), "kql-too-deep");
}

TEST(KqlParser, EveryFaultOfATextIsTold) {
  const std::vector<Diagnostic> d = faults("T | where | extend x = | frobnicate | project a b");
  ASSERT_EQ(d.size(), 4U);
  EXPECT_EQ(d[0].message, "an expression is missing");
  EXPECT_EQ(d[1].message, "an expression is missing");
  EXPECT_EQ(d[2].code, "kql-unknown-operator");
  EXPECT_EQ(d[3].message, "unexpected `b` in `project`");
}

TEST(KqlParser, RefusalsNameWhatTheyRefuse) {
  EXPECT_EQ(faults("T | graph-match (a)").at(0).message,
            "the operator `graph-match` is not supported");
  EXPECT_EQ(faults("declare pattern p").at(0).code, "kql-unsupported");
  EXPECT_EQ(faults("union *").at(0).message, "all tables at once are not supported");
  EXPECT_EQ(faults("T | join (R) where a == 1").at(0).message,
            "`where` inside `join` is not supported");
}

TEST(KqlParser, FaultyDynamicLiteralsAreTold) {
  EXPECT_EQ(codes("print dynamic({\"k\":summarize 1})"), "kql-bad-dynamic");
  EXPECT_EQ(codes("print dynamic([{\"k\":[1,}])"), "kql-bad-dynamic");
}

TEST(KqlParser, NotIsAFunction) {
  EXPECT_EQ(faults("T | where not x").at(0).hint, "write not(...)");
}

TEST(KqlParser, DatatableHoldsWholeRows) {
  EXPECT_EQ(codes("datatable(a:long, b:string)[1, 'x', 2, 'y',]"), "");
  EXPECT_EQ(faults("datatable(a:long, b:string)[1, 'x', 2]").at(0).label, "3 values, 2 columns");
  EXPECT_EQ(faults("datatable(a:long)['x']").at(0).message, "not a long");
  EXPECT_EQ(faults("datatable(a:long)[1 + 1]").at(0).code, "kql-syntax");
  EXPECT_EQ(faults("datatable(a:long)[now()]").at(0).message,
            "a row of `datatable` holds literals only");
}

TEST(KqlParser, OptionsStandApartFromItems) {
  EXPECT_EQ(codes("T | mv-expand with_itemindex=i x = a, y = b to typeof(long) limit 5"), "");
  EXPECT_EQ(codes("T | join kind=inner hint.strategy=broadcast (R) on $left.a == $right.b and "
                  "$left.c == $right.d"),
            "");
  EXPECT_EQ(codes("T | summarize hint.shufflekey=a kind=count() by b"), "");
  EXPECT_EQ(codes("union kind=outer isfuzzy=true withsource=src (A | take 1), B"), "");
  EXPECT_EQ(codes("T | parse kind=regex flags=U s with 'a' x:long *"), "");
}

TEST(KqlParser, NamesMayBeQuoted) {
  EXPECT_EQ(codes("T | extend ['a b'] = d['x'].['y z'].[0] | project-away ['a b']"), "");
}

TEST(KqlParser, NoTextMakesItFall) {
  for (const char* text : {"",
                           ";",
                           "|",
                           "let",
                           "let x",
                           "let x =",
                           "T |",
                           "T | where x in",
                           "T | where x between (1",
                           "((",
                           "T | summarize by",
                           "print",
                           "datatable(",
                           "T | join",
                           "T | parse s with",
                           "range x from",
                           "'",
                           "T | project (a, b) = ",
                           "[",
                           "['a",
                           "T | where x == datetime(",
                           "declare query_parameters(",
                           "T | mv-expand to",
                           "T | top",
                           "T | project-rename a",
                           "let f = (a:",
                           "let f = () {"})
    faults(text);
}

}  // namespace
}  // namespace postern::lang::kql
