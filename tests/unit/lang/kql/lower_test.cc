// Lets, functions and queries inside expressions, by the plans and answers they give.
#include "lang/kql/lower.h"

#include <gtest/gtest.h>

#include "kql_run.h"

namespace postern::lang::kql {
namespace {

std::string rows_of(const std::string& query) {
  const testing::Answer a = testing::run(query);
  if (!a.error.empty()) return "error " + a.error;
  std::string out;
  for (const std::vector<data::Value>& row : a.rows) {
    out += out.empty() ? "" : "; ";
    for (size_t i = 0; i < row.size(); ++i)
      out += (i > 0 ? "," : "") + (row[i].is_null() ? "null" : row[i].text());
  }
  return out;
}

std::string plan_of(const std::string& query, Diagnostics* out = nullptr) {
  Diagnostics diag;
  const plan::OpPtr plan = read_query({"query", query}, {}, diag);
  if (out) *out = diag;
  return plan ? plan::to_text(*plan) : "none";
}

const std::string kData = "let D = datatable(k:string, v:long)['a', 1, 'a', 2, 'b', 3]; ";

TEST(KqlLowering, LetsKeepTheScopeOfTheirDefinition) {
  EXPECT_EQ(rows_of("let x = 1; let f = () { x }; let y = x; print f(), y, x"), "1,1,1");
  EXPECT_EQ(rows_of("let x = 1; let f = (x:long) { x + 1 }; print f(x * 10)"), "11");
  EXPECT_EQ(rows_of("let f = (a:long, b:long = 5) { let c = a + b; c * 2 }; print f(1), f(b=1, "
                    "a=2), f(1, 1)"),
            "12,6,4");
}

TEST(KqlLowering, TabularFunctionsTakeTables) {
  EXPECT_EQ(
      rows_of(kData +
              "let over = (T:(v:long), n:long) { T | where v > n }; over(D, 1) | summarize sum(v)"),
      "5");
  EXPECT_EQ(rows_of(kData + "let view1 = view () { D | take 1 }; view1 | count"), "1");
  EXPECT_EQ(rows_of(kData + "let m = materialize(D | where k == 'b'); m | union m | count"), "2");
  EXPECT_EQ(rows_of(kData + "let f = (T:(*)) { T | count }; D | invoke f()"), "3");
}

TEST(KqlLowering, WrongCallsAreTold) {
  EXPECT_EQ(rows_of("let f = (a:long) { a }; print f()"),
            "error kql-argument-count: `f` needs a value for `a`");
  EXPECT_EQ(rows_of("let f = (a:long) { a }; print f(1, 2)"),
            "error kql-argument-count: `f` takes 1 arguments");
  EXPECT_EQ(rows_of("let f = (a:long) { a }; print f(b=1)"),
            "error kql-unknown-argument: `f` has no parameter `b`");
  EXPECT_EQ(rows_of("let a = 1; let a = 2; print a"),
            "error kql-duplicate-let: `a` is defined twice");
  EXPECT_EQ(rows_of("print count()"),
            "error kql-aggregate-here: `count` is an aggregate: it belongs into `summarize`");
  EXPECT_EQ(rows_of("let x = 5; x | count"),
            "error kql-not-a-table: a value where a table is needed");
}

TEST(KqlLowering, DoublingLetsAreStopped) {
  std::string query = "let a0 = datatable(x:long)[1]; ";
  for (int i = 1; i <= 40; ++i)
    query += "let a" + std::to_string(i) + " = union a" + std::to_string(i - 1) + ", a" +
             std::to_string(i - 1) + "; ";
  EXPECT_EQ(rows_of(query + "a40").substr(0, 20), "error kql-too-large:");
  std::string chain = "let b0 = 1; ";
  for (int i = 1; i <= 3000; ++i)
    chain += "let b" + std::to_string(i) + " = b" + std::to_string(i - 1) + " + 1; ";
  EXPECT_EQ(rows_of(chain + "print b3000").substr(0, 19), "error kql-too-deep:");
}

TEST(KqlLowering, QueriesInsideExpressions) {
  EXPECT_EQ(rows_of(kData + "D | where v == toscalar(D | summarize max(v)) | project k"), "b");
  EXPECT_EQ(rows_of(kData + "print n = toscalar(D | where v > 9 | project v)"), "null");
  EXPECT_EQ(rows_of(kData + "D | where k in (D | where v == 3 | project k) | project v"), "3");
  EXPECT_EQ(
      rows_of(kData +
              "let bs = D | where v == 3 | project k; D | where k !in (bs) | summarize sum(v)"),
      "3");
  EXPECT_EQ(
      rows_of(kData + "D | where v == 1 or k in ((D | where v == 3 | project k)) | project v"),
      "1; 3");
  EXPECT_EQ(rows_of(kData + "D | where k has_any ((D | where v == 3 | project k)) | project v"),
            "3");
  EXPECT_EQ(rows_of("datatable(x:int)[1, int(null)] | where x in ((datatable(y:long)[1, "
                    "long(null)])) | count"),
            "1");
}

TEST(KqlLowering, HiddenColumnsDoNotShow) {
  EXPECT_EQ(testing::columns_of(kData + "D | extend m = toscalar(D | summarize max(v))"),
            "k:string, v:long, m:long");
  EXPECT_EQ(testing::columns_of(kData + "D | where k in ((D | project k)) or v == 1"),
            "k:string, v:long");
  EXPECT_EQ(testing::columns_of(kData + "D | parse k with 'a' x"), "k:string, v:long, x:string");
}

TEST(KqlLowering, ConstantArraysInListsAreTheirMembers) {
  EXPECT_EQ(plan_of("let l = dynamic(['a', 2]); T | where x in (l, 'c')"),
            "filter in(x, \"a\", 2, \"c\")\n  scan T\n");
}

TEST(KqlLowering, FilterOnlyQueriesAreEventRules) {
  Diagnostics diag;
  const auto kind = [&](const char* text) { return read({"a.kql", text}, {}, diag).at(0).kind; };
  EXPECT_EQ(kind("T | where a == 1 | where b == 2"), plan::RuleKind::kEvent);
  EXPECT_EQ(kind("T | where t > ago(1d)"), plan::RuleKind::kQuery);
  EXPECT_EQ(kind("T | where a == 1 | project a"), plan::RuleKind::kQuery);
}

TEST(KqlLowering, ParametersTakeGivenValues) {
  Diagnostics diag;
  ReadOptions options;
  options.parameters["n"] = data::Value::string("7");
  const std::string text =
      "declare query_parameters(n:long = 1, d:timespan = 1h); T | where x == n and y > ago(d)";
  const plan::OpPtr plan = read_query({"query", text}, options, diag);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan::to_text(*plan), "filter eq(x, 7) and gt(y, ago(1h))\n  scan T\n");
  options.parameters["n"] = data::Value::string("seven");
  EXPECT_EQ(read_query({"query", text}, options, diag), nullptr);
  EXPECT_EQ(diag.all().back().code, "kql-bad-parameter");
}

TEST(KqlLowering, RangeAndExpandAgree) {
  EXPECT_EQ(rows_of("range x from 1 to 7 step 3"), "1; 4; 7");
  EXPECT_EQ(rows_of("range t from datetime(2024-01-01) to datetime(2024-01-02) step 12h | count"),
            "3");
  EXPECT_EQ(rows_of("print d = dynamic({'a':1,'b':2}) | mv-expand kind=array d | project d"),
            "[\"a\",1]; [\"b\",2]");
  EXPECT_EQ(rows_of("print a = dynamic([1,2]) | mv-expand a limit 1 | project a"), "1");
}

}  // namespace
}  // namespace postern::lang::kql
