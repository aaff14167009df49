#include "lang/spl/parser.h"

#include <gtest/gtest.h>

namespace postern::lang::spl {
namespace {

/// The AST as text on one line, or the codes of the errors.
std::string parsed(std::string_view text, Start start = Start::kImplicitSearch) {
  Diagnostics diag;
  auto e = expand(
      text, {}, [](size_t at) { return static_cast<uint32_t>(at); }, diag);
  if (!e) return "! expansion";
  auto p = Parser(*e, diag).parse(start);
  std::string out;
  if (!p) {
    for (const Diagnostic& d : diag.all())
      out += (out.empty() ? "! " : ", ") + d.code;
    return out;
  }
  out = to_text(*p);
  for (char& c : out)
    if (c == '\n') c = ';';
  return out;
}

TEST(ParserTest, OrBindsTighterThanAndInSearch) {
  EXPECT_EQ(parsed("a=1 b=2 OR b=3"), R"(search (a="1" AND (b="2" OR b="3"));)");
  EXPECT_EQ(parsed("a=1 OR b=2 AND c=3 d=4"), R"(search ((a="1" OR b="2") AND c="3" AND d="4");)");
  EXPECT_EQ(parsed("NOT a=1 OR b=2 NOT(c=3 d=4)"),
            R"(search ((NOT a="1" OR b="2") AND NOT (c="3" AND d="4"));)");
}

TEST(ParserTest, AndBindsTighterThanOrInWhere) {
  EXPECT_EQ(parsed("| where a=1 OR b=2 AND NOT c=3 XOR d=4"),
            "where (((a = 1) or ((b = 2) and not (c = 3))) xor (d = 4));");
}

TEST(ParserTest, EvalPrecedence) {
  EXPECT_EQ(parsed("| eval x=1+2*3-4, y=\"a\".b.\"c\", z=-a*2"),
            R"(eval x=((1 + (2 * 3)) - 4), y=("a" . b . "c"), z=(-a * 2);)");
  EXPECT_EQ(parsed("| where a+1>b AND c IN (1,2) AND d NOT IN (\"x\") AND e LIKE \"y%\""),
            R"(where (((a + 1) > b) and in(c, 1, 2) and not in(d, "x") and (e like "y%"));)");
}

TEST(ParserTest, SearchAcceptsBlanksAroundOperatorsAndNone) {
  EXPECT_EQ(parsed("Image = \"*\\\\calc.exe\" port IN(25,587)NOT x!=1"),
            R"(search (Image="*\\calc.exe" AND port IN ("25", "587") AND NOT x!="1");)");
}

TEST(ParserTest, QuotedTextBeforeAnOperatorIsAField) {
  EXPECT_EQ(parsed("\"src ip\"=1 \"a phrase\" \"b\" IN (x)"),
            R"(search (src ip="1" AND "a phrase" AND b IN ("x"));)");
}

TEST(ParserTest, TermsOfAllKinds) {
  EXPECT_EQ(parsed("fail* CASE(EHLO) TERM(10.0.0.1) (x)"),
            R"(search ("fail*" AND CASE("EHLO") AND TERM("10.0.0.1") AND "x");)");
}

TEST(ParserTest, StatsItems) {
  EXPECT_EQ(parsed("* | stats count, dc(user) as users values(a.b{}) AS v p95(x) count(eval(a>1)) "
                   "as n by a, \"b c\""),
            "search \"*\";stats count, dc(user) as users, values(a.b{}) as v, perc95.000000(x), "
            "count(eval((a > 1))) as n by a, b c;");
  EXPECT_EQ(parsed("* | stats values(x) as aceFlags(inheritance) c by y"),
            "search \"*\";stats values(x) as aceFlags(inheritance), count by y;");
}

TEST(ParserTest, Tstats) {
  EXPECT_EQ(
      parsed("| tstats summariesonly=false fillnull_value=null count from "
             "datamodel=Endpoint.Processes where "
             "Processes.user=a OR Processes.user=b nodename=x by Processes.dest _time span=1h"),
      R"(tstats count from Endpoint.Processes where ((Processes.user="a" OR Processes.user="b") AND )"
      R"(nodename="x") by Processes.dest, _time span=1h fillnull="null";)");
}

TEST(ParserTest, CommandsIgnoreCase) {
  EXPECT_EQ(parsed("SEARCH * | STATS count BY a | SORT - count | HEAD 5"),
            "search \"*\";stats count by a;sort 10000 -count;head 5;");
}

TEST(ParserTest, Sort) {
  EXPECT_EQ(parsed("* | sort 0 -a, +b num(c)"), "search \"*\";sort 0 -a, +b, +c;");
  EXPECT_EQ(parsed("* | sort a, -b desc"), "search \"*\";sort 10000 -a, +b;");
  EXPECT_EQ(parsed("* | sort limit=5 - a"), "search \"*\";sort 5 -a;");
}

TEST(ParserTest, RexRegexAndTheRest) {
  EXPECT_EQ(parsed("* | rex field=a max_match=0 \"(?<x>\\\\w+)\""),
            R"x(search "*";rex field=a max_match=0 "(?<x>\\w+)";)x");
  EXPECT_EQ(parsed("* | regex a!=\"^x\" | regex \"y\""),
            R"(search "*";regex a!="^x";regex _raw="y";)");
  EXPECT_EQ(parsed("* | rename \"A.*\" as \"*\", b AS c | fields - x y* | table a, b"),
            "search \"*\";rename A.* as *, b as c;fields - x, y*;table a, b;");
  EXPECT_EQ(
      parsed("* | bucket span=1h _time as t | dedup 2 a b sortby -t | fillnull value=\"N/A\" a"),
      R"(search "*";bucket _time span=1h as t;dedup 2 a, b sortby -t;fillnull value="N/A" a;)");
}

TEST(ParserTest, Subsearches) {
  EXPECT_EQ(
      parsed("* | append [ search x | stats count ] | join type=left a [| tstats count by a]"),
      R"(search "*";append [ search "x" | stats count ];join left a [ tstats count by a ];)");
  EXPECT_EQ(parsed("a=1 NOT [ search x | fields y ]"),
            R"(search (a="1" AND NOT [ search "x" | fields y ]);)");
}

TEST(ParserTest, APieceOfASearchBeginsWithACommand) {
  EXPECT_EQ(parsed("stats count", Start::kCommand), "stats count;");
  EXPECT_EQ(parsed("stats count"), R"(search ("stats" AND "count");)");
}

TEST(ParserTest, EveryErrorOfTheSearchIsFound) {
  EXPECT_EQ(parsed("a= | statz x | eval y=lower( | timechart z"),
            "! spl-syntax, spl-unknown-command, spl-syntax, spl-unsupported");
}

TEST(ParserTest, BrokenTextsAreErrorsAtTheirPlace) {
  EXPECT_EQ(parsed("(a=1"), "! spl-syntax");
  EXPECT_EQ(parsed("a=1)"), "! spl-syntax");
  EXPECT_EQ(parsed("a=\"x"), "! spl-unterminated-string");
  EXPECT_EQ(parsed("a=1 AND"), "! spl-syntax");
  EXPECT_EQ(parsed("OR a=1"), "! spl-syntax");
  EXPECT_EQ(parsed("a IN ()"), "! spl-syntax");
  EXPECT_EQ(parsed("* |"), "! spl-syntax");
  EXPECT_EQ(parsed("* | | stats count"), "! spl-syntax");
  EXPECT_EQ(parsed("* | eval x"), "! spl-syntax");
  EXPECT_EQ(parsed("* | eval 'x"), "! spl-unterminated-string");
  EXPECT_EQ(parsed("* | stats count by"), "! spl-syntax");
  EXPECT_EQ(parsed("* | where x=="), "! spl-syntax");
  EXPECT_EQ(parsed("* ]"), "! spl-syntax");
  EXPECT_EQ(parsed("* | append [ search x"), "! spl-syntax");
  EXPECT_EQ(parsed("* | rename a* as b"), "! spl-rename-wildcards");
}

TEST(ParserTest, NestingAndLengthAreBounded) {
  EXPECT_EQ(parsed(std::string(5000, '(') + "a"), "! spl-too-deep");
  EXPECT_EQ(parsed("* | eval x=" + std::string(5000, '(') + "1"), "! spl-too-deep");
  EXPECT_EQ(parsed("* | eval x=" + std::string(5000, '-') + "1"), "! spl-too-deep");
  std::string nots = "*";
  for (int i = 0; i < 5000; ++i)
    nots = "NOT " + nots;
  EXPECT_EQ(parsed(nots), "! spl-too-deep");
  std::string sum = "1";
  for (int i = 0; i < 5000; ++i)
    sum += "+1";
  EXPECT_EQ(parsed("* | eval x=" + sum), "! spl-too-deep");
  std::string pipes = "*";
  for (int i = 0; i < 5000; ++i)
    pipes += "|head";
  EXPECT_EQ(parsed(pipes), "! spl-too-long");
  std::string brackets;
  for (int i = 0; i < 5000; ++i)
    brackets += "* | append [ ";
  EXPECT_EQ(parsed(brackets).substr(0, 14), "! spl-too-deep");
  // Long lists are no nesting.
  std::string terms = "a=1";
  for (int i = 0; i < 20000; ++i)
    terms += " OR a=1";
  EXPECT_EQ(parsed(terms).substr(0, 12), "search (a=\"1");
}

}  // namespace
}  // namespace postern::lang::spl
