// Functions and aggregates where a `.case` would be clumsy: formats, edges, types.
#include <gtest/gtest.h>

#include "spl_run.h"

namespace postern::lang::spl {
namespace {

TestRows rows_of(const std::string& json) {
  TestRows rows;
  const auto parsed = adapt::parse_json(json);
  EXPECT_TRUE(parsed.ok());
  if (parsed) rows.rows = parsed->items;
  return rows;
}

/// `| eval r=<expression>` over one row, in all four ways of running it.
std::string value_of(const std::string& expression, const std::string& row = R"({"one":"1"})") {
  const TestRows rows = rows_of("[" + row + "]");
  const std::string query = "| eval r=" + expression + " | table r";
  const TestResult r = run_spl(query, rows, RunMode::kGivenRows);
  const TestResult plain = run_spl(query, rows, RunMode::kGivenRows, false);
  EXPECT_EQ(brief(r), brief(plain)) << expression;
  if (!r.ran) return "! " + r.problem;
  return r.rows.at(0).at(0);
}

TEST(SplFunctionsTest, PrintfFollowsC) {
  EXPECT_EQ(value_of(R"(printf("%d", 17))"), R"("17")");
  EXPECT_EQ(value_of(R"(printf("%5d|%-5d|%05d|%+d", 17, 17, 17, 17))"),
            R"("   17|17   |00017|+17")");
  EXPECT_EQ(value_of(R"(printf("%.2f %e %g", 3.14159, 1234.5, 0.5))"),
            R"("3.14 1.234500e+03 0.5")");
  EXPECT_EQ(value_of(R"(printf("%x %X %#o %%", 255, 255, 8))"), R"("ff FF 010 %")");
  EXPECT_EQ(value_of(R"(printf("%s and %.2s|%6s|%-6s|", "abc", "abc", "x", "y"))"),
            R"("abc and ab|     x|y     |")");
  EXPECT_EQ(value_of(R"(printf("%*d", 6, 42))"), R"("    42")");
  EXPECT_EQ(value_of(R"(printf("%'d", 1234567))"), R"("1,234,567")");
  EXPECT_EQ(value_of(R"(printf("%c", "xyz"))"), R"("x")");
  EXPECT_EQ(value_of(R"(printf("%d"))"), "null");
  EXPECT_EQ(value_of(R"(printf("%d", "abc"))"), "null");
  EXPECT_EQ(value_of(R"(printf("%n", 1))"), "null");
  EXPECT_EQ(value_of(R"(printf("%9999999999d", 1))").size(), 1002u);
}

TEST(SplFunctionsTest, NumbersKeepTheirKind) {
  EXPECT_EQ(value_of("1/0"), "null");
  EXPECT_EQ(value_of("7%0"), "null");
  EXPECT_EQ(value_of("6/4"), "1.5");
  EXPECT_EQ(value_of("0-9223372036854775807-1"), "-9223372036854775808");
  EXPECT_EQ(value_of("round(2.5)"), "3");
  EXPECT_EQ(value_of("round(-2.5)"), "-3");
  EXPECT_EQ(value_of("round(1.005, 2)"), "1.01");
  EXPECT_EQ(value_of("round(1234.5678, 2)"), "1234.57");
  EXPECT_EQ(value_of("floor(2.9)+ceil(2.1)"), "5");
  EXPECT_EQ(value_of("sqrt(0-1)"), "null");
  EXPECT_EQ(value_of("pow(2,10)"), "1024");
  EXPECT_EQ(value_of("log(1000)"), "3");
  EXPECT_EQ(value_of("log(8,2)"), "3");
  EXPECT_EQ(value_of("max(1, \"b\", 10)"), R"("b")");
  EXPECT_EQ(value_of("min(2, \"b\", 10)"), R"("2")");
  EXPECT_EQ(value_of("abs(0-5)"), "5");
}

TEST(SplFunctionsTest, SigfigKeepsTheDigitsThatWereWritten) {
  EXPECT_EQ(value_of("sigfig(1.00*1111)"), "1111");
  EXPECT_EQ(value_of("sigfig(n)", R"({"n":"0.0010"})"), "0.001");
}

TEST(SplFunctionsTest, Conversions) {
  EXPECT_EQ(value_of(R"(tonumber("0A4", 16))"), "164");
  EXPECT_EQ(value_of(R"(tonumber("0xff", 16))"), "255");
  EXPECT_EQ(value_of(R"(tonumber("zz", 10))"), "null");
  EXPECT_EQ(value_of(R"(tonumber(" 12.5 "))"), "12.5");
  EXPECT_EQ(value_of(R"(tonumber("12 apples"))"), "null");
  EXPECT_EQ(value_of(R"(tostring(615, "duration"))"), R"("00:10:15")");
  EXPECT_EQ(value_of(R"(tostring(90061, "duration"))"), R"("1+01:01:01")");
  EXPECT_EQ(value_of(R"(tostring(12345.6789, "commas"))"), R"("12,345.68")");
  EXPECT_EQ(value_of(R"(tostring(255, "hex"))"), R"("0xFF")");
  EXPECT_EQ(value_of("tostring(1==1)"), R"("True")");
  EXPECT_EQ(value_of("typeof(12).typeof(\"x\").typeof(nobody)"), R"("NumberStringInvalid")");
}

TEST(SplFunctionsTest, TextCountsCharacters) {
  EXPECT_EQ(value_of("len(\"Zürich\")"), "6");
  EXPECT_EQ(value_of("substr(\"Zürich\", 2, 3)"), R"("üri")");
  EXPECT_EQ(value_of("substr(\"splunk\", -3)"), R"("unk")");
  EXPECT_EQ(value_of("substr(\"splunk\", 1, 0)"), R"("")");
  EXPECT_EQ(value_of("substr(\"splunk\", 99)"), R"("")");
  EXPECT_EQ(value_of("trim(\"  x  \").ltrim(\"xxyxx\", \"x\").rtrim(\"xxyxx\",\"x\")"),
            R"("xyxxxxy")");
  EXPECT_EQ(value_of(R"(urldecode("a%20b%2Fc+d%zz"))"), R"("a b/c d%zz")");
  EXPECT_EQ(value_of(R"(upper("aé").lower("AÉ"))"), R"("Aéaé")");
}

TEST(SplFunctionsTest, ReplaceTerminatesOnEmptyMatches) {
  EXPECT_EQ(value_of(R"(replace("abc", "x*", "-"))"), R"("-a-b-c-")");
  EXPECT_EQ(value_of(R"(replace("aaa", "a", "b"))"), R"("bbb")");
  EXPECT_EQ(value_of(R"x(replace("2024-01", "(\d+)-(\d+)", "\2/\1 \9"))x"), R"("01/2024 ")");
}

TEST(SplFunctionsTest, LikeAndCidr) {
  EXPECT_EQ(value_of(R"(if(like("Outlook", "Out%k"), "y", "n"))"), R"("y")");
  EXPECT_EQ(value_of(R"(if(like("outlook", "Out%"), "y", "n"))"), R"("n")");
  EXPECT_EQ(value_of(R"(if(cidrmatch("10.0.0.0/8", "10.200.3.4"), "y", "n"))"), R"("y")");
  EXPECT_EQ(value_of(R"(if(cidrmatch("2001:db8::/32", "2001:db8::7"), "y", "n"))"), R"("y")");
  EXPECT_EQ(value_of(R"(if(cidrmatch("10.0.0.0/8", "here"), "y", "n"))"), R"("n")");
}

TEST(SplFunctionsTest, TimeFormats) {
  EXPECT_EQ(
      value_of(
          R"(strftime(1700000000.123456, "%Y-%m-%dT%H:%M:%S.%3N %6N %Q %a %A %b %j %p %I %y %s %z %Z"))"),
      R"("2023-11-14T22:13:20.123 123456 123 Tue Tuesday Nov 318 PM 10 23 1700000000 +0000 UTC")");
  EXPECT_EQ(value_of(R"(strftime(0, "%F %T %e|%-d|%V %G %u %w"))"),
            R"("1970-01-01 00:00:00  1|1|01 1970 4 4")");
  EXPECT_EQ(value_of(R"(strptime("14/Nov/2023:22:13:20 +0100", "%d/%b/%Y:%H:%M:%S %z"))"),
            "1699996400");
  EXPECT_EQ(value_of(R"(strptime("2023-11-14 10:13:20.5 PM", "%Y-%m-%d %I:%M:%S.%N %p"))"),
            "1700000000.5");
  EXPECT_EQ(value_of(R"(strptime("no date", "%Y-%m-%d"))"), "null");
  EXPECT_EQ(value_of(R"(relative_time(1700000000, "-1mon@mon"))"), "1696118400");
  EXPECT_EQ(value_of(R"(relative_time(1709164800, "+1y"))"), "1740700800");
  EXPECT_EQ(value_of(R"(relative_time(1700000000, "@w0"))"), "1699747200");
  EXPECT_EQ(value_of(R"(relative_time(1700000000, "@q"))"), "1696118400");
  EXPECT_EQ(value_of(R"(relative_time(1700000000, "nonsense"))"), "null");
  EXPECT_EQ(value_of("now()"), "1700000000");
}

TEST(SplFunctionsTest, Multivalues) {
  const std::string row = R"({"m":["b","a","c","a"],"n":["1","2"]})";
  EXPECT_EQ(value_of("mvindex(m, 1, -2)", row), R"(["a","c"])");
  EXPECT_EQ(value_of("mvindex(m, 9)", row), "null");
  EXPECT_EQ(value_of("mvdedup(m)", row), R"(["b","a","c"])");
  EXPECT_EQ(value_of("mvsort(m)", row), R"(["a","a","b","c"])");
  EXPECT_EQ(value_of("mvzip(m, n, \"-\")", row), R"(["b-1","a-2"])");
  EXPECT_EQ(value_of("mvappend(n, \"x\", null())", row), R"(["1","2","x"])");
  EXPECT_EQ(value_of("mvcount(split(\"a,b,,c\", \",\"))", row), "4");
  EXPECT_EQ(value_of("mvjoin(upper(m), \"\")", row), R"("BACA")");
  EXPECT_EQ(value_of("mvrange(1, 10, 3)", row), R"(["1","4","7"])");
  EXPECT_EQ(value_of("mvcount(mvrange(0, 100000000))", row), "10000");
  EXPECT_EQ(value_of("mvfilter(m!=\"a\" AND NOT match(m, \"^b\"))", row), R"("c")");
  EXPECT_EQ(value_of("mvmap(n, n*10)", row), R"(["10","20"])");
  EXPECT_EQ(value_of("mvcount(mvfilter(m=\"zz\"))", row), "null");
  EXPECT_EQ(value_of("mvfilter(m=n)", row).substr(0, 17), "! spl-unsupported");
}

std::string stats_of(const std::string& query, const std::string& json) {
  const TestRows rows = rows_of(json);
  const std::string all = brief(run_spl(query, rows, RunMode::kGivenRows));
  EXPECT_EQ(all, brief(run_spl(query, rows, RunMode::kGivenRows, false, 1)));
  return all;
}

TEST(SplAggregatesTest, Numbers) {
  const std::string rows =
      R"([{"x":"2"},{"x":"4"},{"x":"4"},{"x":"4"},{"x":"5"},{"x":"5"},{"x":"7"},{"x":"9"},{"x":"none"},{}])";
  EXPECT_EQ(stats_of("| stats count count(x) as n sum(x) as s avg(x) as a stdevp(x) as p var(x) as "
                     "v range(x) as r",
                     rows),
            "count=10 n=9 s=40 a=5 p=2 v=4.571428571428571 r=7");
  EXPECT_EQ(
      stats_of("| stats median(x) as m p25(x) as q perc90(x) as t mode(x) as mo dc(x) as d", rows),
      "m=5 q=4 t=9 mo=4 d=6");
  // Not all are numbers, so that least and largest go by bytes.
  EXPECT_EQ(stats_of("| stats min(x) as a max(x) as b", rows), "a=2 b=none");
  EXPECT_EQ(stats_of("| where isnum(x) | stats min(x) as a max(x) as b",
                     R"([{"x":"10"},{"x":"9"},{"x":"y"}])"),
            "a=9 b=10");
  EXPECT_EQ(stats_of("| stats stdev(x) as s var(x) as v", R"([{"x":"3"}])"), "s=0 v=0");
}

TEST(SplAggregatesTest, ListsAreBounded) {
  std::string rows = "[";
  for (int i = 0; i < 150; ++i)
    rows += std::string(i > 0 ? "," : "") + R"({"x":")" + std::to_string(i) + R"("})";
  EXPECT_EQ(stats_of("| stats list(x) as l dc(x) as n | eval l=mvcount(l)", rows + "]"),
            "l=100 n=150");
}

TEST(SplAggregatesTest, TimesOfEvents) {
  const std::string rows = R"([{"_time":20,"x":"b"},{"_time":10,"x":"a"},{"_time":30}])";
  EXPECT_EQ(
      stats_of(
          "| stats earliest(x) as e latest(x) as l earliest_time(x) as et latest_time(x) as lt",
          rows),
      "e=a l=b et=10 lt=20");
}

TEST(SplAggregatesTest, WildcardsNameTheKnownColumns) {
  EXPECT_EQ(stats_of("| table a, ab, c | stats values(a*) as x_* by c",
                     R"([{"a":"1","ab":"2","c":"3"}])"),
            "c=3 x_=1 x_b=2");
}

TEST(SplSearchTest, BatchesAndOptimizerChangeNothing) {
  const TestRows rows =
      rows_of(R"([{"_time":3,"h":"A","p":"25","_raw":"mail from h"},{"_time":1,"h":"B","p":"587"},
    {"_time":2,"h":"A","p":"x","_raw":"h.example"},{"_time":4,"p":"25"}])");
  for (const std::string query :
       {"p=25 OR p<600 | stats count by h", "NOT h=A | table p", "h | dedup h | table h, p",
        "* | eventstats count as n by h | where n>1 OR isnull(n) | table _time, n",
        "* | bin _time span=2s | stats count, values(p) as p by _time | sort 0 _time",
        "* | eval k=if(p=25, \"mail\", h) | search k=mail | fields k"}) {
    const std::string expected = brief(run_spl(query, rows, RunMode::kEvents));
    EXPECT_NE(expected.substr(0, 1), "!") << query << expected;
    for (const bool optimized : {true, false})
      for (const size_t batch : {size_t{1}, size_t{3}, size_t{2048}})
        EXPECT_EQ(brief(run_spl(query, rows, RunMode::kEvents, optimized, batch)), expected)
            << query;
  }
}

}  // namespace
}  // namespace postern::lang::spl
