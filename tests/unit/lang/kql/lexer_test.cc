#include "lang/kql/lexer.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "data/dynamic.h"
#include "lang/kql/literal.h"

namespace postern::lang::kql {
namespace {

/// Kinds and texts, values of literals behind `=`.
std::string tokens_of(std::string_view text, Diagnostics* out = nullptr) {
  Diagnostics diag;
  std::string s;
  for (const Token& t : tokenize(TextMap(text, 0), diag)) {
    if (t.kind == TokenKind::kEnd) break;
    if (!s.empty()) s += " ";
    const bool value = t.kind == TokenKind::kLiteral || t.kind == TokenKind::kString ||
                       t.kind == TokenKind::kDynamic;
    s += value ? "=" + t.value.text() : std::string(t.text);
  }
  if (out) *out = diag;
  return s;
}

std::string first_message(std::string_view text) {
  Diagnostics diag;
  tokens_of(text, &diag);
  return diag.all().empty() ? "" : diag.all()[0].message;
}

TEST(KqlLexer, NumbersTimespansAndRanges) {
  EXPECT_EQ(tokens_of("1 0x1F 1.5 1e3 2."), "=1 =31 =1.5 =1000 =2");
  EXPECT_EQ(tokens_of("1..5"), "=1 .. =5");
  EXPECT_EQ(tokens_of("1d 2hours 5min 100ms 1tick 1.5h"),
            "=1.00:00:00 =02:00:00 =00:05:00 =00:00:00.1000000 =00:00:00.0000001 =01:30:00");
}

TEST(KqlLexer, WhatIsNoUnitIsAName) {
  EXPECT_EQ(tokens_of("1us 1w 0L"), "1us 1w 0L");
}

TEST(KqlLexer, StringsOfAllSpellings) {
  EXPECT_EQ(tokens_of(R"("a\u00e9\x41\\")"), "=aéA\\");
  EXPECT_EQ(tokens_of(R"(@"a\b""c")"), "=a\\b\"c");
  EXPECT_EQ(tokens_of("h'secret' H@\"x\""), "=secret =x");
  EXPECT_EQ(tokens_of("```multi\nline \\n```"), "=multi\nline \\n");
  EXPECT_EQ(tokens_of(R"("\ud83d\ude00")"), "=\xF0\x9F\x98\x80");
}

TEST(KqlLexer, FaultsInStringsAreShownWhereTheyAre) {
  Diagnostics diag;
  tokens_of(R"(x == "a\qb")", &diag);
  ASSERT_EQ(diag.all().size(), 1U);
  EXPECT_EQ(diag.all()[0].code, "kql-bad-string");
  EXPECT_EQ(diag.all()[0].primary.begin, 7U);
  EXPECT_EQ(first_message("\"open"), "a string without an end");
  EXPECT_EQ(first_message("\xE2\x80\x9Cx"), "unexpected character: \xE2\x80\x9C");
}

TEST(KqlLexer, TypedLiterals) {
  EXPECT_EQ(tokens_of("datetime(2024-01-02) int(5) bool(1) real(+inf) long(null)"),
            "=2024-01-02T00:00:00Z =5 =true =Infinity =");
  EXPECT_EQ(tokens_of("guid(74BE27DE-1e4e-49d9-b579-fe0b331d3642)"),
            "=74be27de-1e4e-49d9-b579-fe0b331d3642");
  EXPECT_EQ(tokens_of("time(15 seconds) time(5) timespan('1.02:03:04')"),
            "=00:00:15 =5.00:00:00 =1.02:03:04");
  EXPECT_EQ(first_message("datetime(soon)"), "not a datetime: soon");
  EXPECT_EQ(first_message("decimal(1.5)"), "decimal numbers are not supported");
  EXPECT_EQ(tokens_of("(x:datetime, y:long)"), "( x : datetime , y : long )");
}

TEST(KqlLexer, TheLeastLongNeedsItsSign) {
  EXPECT_EQ(first_message("-9223372036854775808"), "");
  EXPECT_EQ(first_message("9223372036854775808"), "too large for a long");
}

TEST(KqlLexer, DynamicLiterals) {
  EXPECT_EQ(tokens_of(R"(dynamic({"a":1,'b':[true,null,datetime(2020-01-01)]}))"),
            R"(={"a":1,"b":[true,null,"2020-01-01T00:00:00Z"]})");
  EXPECT_EQ(tokens_of("dynamic([\"a\" \"b\", 1d])"), "=[\"ab\",\"1.00:00:00\"]");
  EXPECT_EQ(first_message("dynamic({a:1})"), "a name in quotes is missing");
  EXPECT_EQ(first_message("dynamic([1,2,])"), "a value is missing");
}

TEST(KqlLexer, NegatedOperatorsAreOneToken) {
  EXPECT_EQ(tokens_of("a !in~ b !has_cs c !between d != e"), "a !in~ b !has_cs c !between d != e");
  EXPECT_EQ(first_message("!x"), "`!` cannot stand before `x`");
}

TEST(KqlLexer, CommentsDirectivesAndOddBlanks) {
  EXPECT_EQ(tokens_of("#connect x\na // c | d\n\xC2\xA0| b"), "a | b");
}

TEST(KqlLiteral, ConvertsCellsToTheirColumn) {
  using data::Type;
  using data::Value;
  EXPECT_EQ(convert_literal(Value::string("7"), Type::kLong)->as_int(), 7);
  EXPECT_EQ(convert_literal(Value::integer(3), Type::kReal)->as_real(), 3.0);
  EXPECT_TRUE(convert_literal(Value::null(Type::kInt), Type::kDatetime)->is_null());
  EXPECT_FALSE(convert_literal(Value::string("x"), Type::kInt));
  EXPECT_FALSE(convert_literal(Value::integer(5'000'000'000), Type::kInt));
}

}  // namespace
}  // namespace postern::lang::kql
