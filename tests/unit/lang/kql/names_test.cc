// Names and types of result columns, as the official analyzer gives them.
#include <gtest/gtest.h>

#include "kql_run.h"
#include "lang/kql/function_names.h"

namespace postern::lang::kql {
namespace {

std::string columns(const std::string& rest) {
  return testing::columns_of(
      "datatable(x:int, y:string, t:datetime, d:dynamic, z:real, b:bool, s:timespan)[] | " + rest);
}

TEST(KqlNames, OfAggregates) {
  EXPECT_EQ(
      columns("summarize count(), countif(x>1), sum(x), sum(x+1), avg(x), min(x), max(t)"),
      "count_:long, countif_:long, sum_x:long, sum_:long, avg_x:real, min_x:int, max_t:datetime");
  EXPECT_EQ(
      columns(
          "summarize make_list(x), make_set(tolower(y)), make_bag(d), make_set(d.a), makeset(y)"),
      "list_x:dynamic, set_:dynamic, bag_d:dynamic, set_d_a:dynamic, set_y:dynamic");
  EXPECT_EQ(columns("summarize any(y), take_any(y,x), arg_max(t,x), argmax(t,x)"),
            "any_y:string, y:string, x:int, t:datetime, x1:int, max_t:datetime, max_t_x:int");
  EXPECT_EQ(columns("summarize percentile(x,95), percentiles(z,5,50), stdev(x), dcountif(y,b), "
                    "take_anyif(y,b)"),
            "percentile_x_95:long, percentile_z_5:real, percentile_z_50:real, stdev_x:real, "
            "dcountif_y:long, y:string");
  EXPECT_EQ(columns("summarize arg_max(t, *)"),
            "t:datetime, x:int, y:string, d:dynamic, z:real, b:bool, s:timespan");
}

TEST(KqlNames, OfExpressionsOverAggregates) {
  EXPECT_EQ(columns("summarize strcat_array(make_set(y),\",\"), tostring(make_set(y)), "
                    "max(x)-min(x), round(avg(z),2)"),
            "Column1:string, set_y:string, Column2:long, avg_z:real");
}

TEST(KqlNames, DuplicatesAreNumbered) {
  EXPECT_EQ(columns("summarize count(), count(), sum(x), sum(x) by bin(t,1h), bin(t,1d)"),
            "t:datetime, t1:datetime, count_:long, count_1:long, sum_x:long, sum_x1:long");
}

TEST(KqlNames, OfKeysAndItems) {
  EXPECT_EQ(columns("summarize count() by bin(x,10), tostring(d[\"k v\"]), tostring(d[0]), "
                    "startofday(t), x%2"),
            "x:long, d_k v:string, d_0:string, t:datetime, Column1:long, count_:long");
  EXPECT_EQ(columns("project 1, tostring(x), toupper(y), d.a.b, d[\"q\"], split(y,\".\")[0], "
                    "strlen(y), -x, now()"),
            "Column1:long, x:string, Column2:string, d_a_b:dynamic, d_q:dynamic, y_0:dynamic, "
            "strlen_y:long, "
            "Column3:long, Column4:datetime");
  EXPECT_EQ(columns("project parse_url(y).Host, iff(b,x,z), iff(b,1,2), x+z, x/2, s/s, t-t, t-1d"),
            "Host:dynamic, Column1:real, Column2:long, Column3:real, Column4:long, Column5:real, "
            "Column6:timespan, "
            "Column7:datetime");
  EXPECT_EQ(columns("extend x=tostring(x)"),
            "x:string, y:string, t:datetime, d:dynamic, z:real, b:bool, s:timespan");
}

TEST(KqlNames, OfPrintAndOperators) {
  EXPECT_EQ(testing::columns_of("print 1, x=2, tostring(3)"),
            "print_0:long, x:long, print_2:string");
  EXPECT_EQ(columns("count"), "Count:long");
  EXPECT_EQ(columns("distinct *"),
            "x:int, y:string, t:datetime, d:dynamic, z:real, b:bool, s:timespan");
  EXPECT_EQ(columns("mv-expand d.a | project-keep d_a"), "d_a:dynamic");
  EXPECT_EQ(columns("mv-expand with_itemindex=i d to typeof(string) | project-keep i, d"),
            "i:long, d:string");
  EXPECT_EQ(columns("parse y with \"a\" q:long \"b\" w | project-keep q, w"), "q:long, w:string");
}

TEST(KqlNames, OfJoins) {
  const std::string right = "datatable(y2:string, x:int, x1:int)[]";
  EXPECT_EQ(columns("project x, y | join kind=leftouter (" + right + ") on $left.y==$right.y2"),
            "x:int, y:string, y2:string, x2:int, x1:int");
  EXPECT_EQ(columns("project x, y | lookup (" + right + " | project x, y=y2, z=1) on y"),
            "x:int, y:string, x1:int, z:long");
  EXPECT_EQ(columns("project x | union (datatable(x:string)[])"), "x_int:int, x_string:string");
}

TEST(KqlNames, TheListOfFunctionsIsTheCatalogs) {
  const plan::FunctionCatalog& catalog = exec::all_functions();
  for (const std::string_view name : catalog.function_names("kql.")) {
    const FunctionName f = find_function(name.substr(4));
    // Operators and helpers of the lowering have no name in the language.
    if (f.kind != FunctionKind::kScalar) continue;
    EXPECT_TRUE(f.plan_name == name) << name;
  }
  // Resolved by the binder, which knows columns and times.
  const std::set<std::string_view> special = {"toscalar", "kql.column_ifexists",
                                              "kql.ingestion_time", "kql.pack_all", "kql.replace"};
  for (const std::string_view name : supported_functions())
    EXPECT_TRUE(special.count(name) > 0 || catalog.function(name) || catalog.aggregate(name))
        << name;
}

}  // namespace
}  // namespace postern::lang::kql
