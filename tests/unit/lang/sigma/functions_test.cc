// Meaning of Sigma's functions, through reading, binding and evaluating rules.
#include <gtest/gtest.h>

#include "sigma_fixture.h"

namespace postern::lang::sigma::test {
namespace {

/// Whether one item matches one event.
std::string item(const std::string& key,
                 const std::string& value,
                 std::string_view event,
                 std::string_view raw = "") {
  return matches("  sel:\n    " + key + ": " + value + "\n  condition: sel\n", event, raw);
}

TEST(SigmaEquals, IsAnchoredAndIgnoresCase) {
  EXPECT_EQ(item("f", "abc", R"({"f":"ABC"})"), "yes");
  EXPECT_EQ(item("f", "abc", R"({"f":"abcd"})"), "no");
  EXPECT_EQ(item("f|cased", "abc", R"({"f":"ABC"})"), "no");
  EXPECT_EQ(item("f", "Ж", R"({"f":"ж"})"), "yes") << "beyond ASCII too";
}

TEST(SigmaEquals, TakesWildcards) {
  EXPECT_EQ(item("f", "'a*c'", R"({"f":"aXXc"})"), "yes");
  EXPECT_EQ(item("f", "'a?c'", R"({"f":"aéc"})"), "yes");
  EXPECT_EQ(item("f", "'a?c'", R"({"f":"ac"})"), "no");
  EXPECT_EQ(item("f", R"('C:\Windows\*')", R"({"f":"C:\\Windows\\x"})"), "no")
      << "the star is literal";
  EXPECT_EQ(item("f", R"('C:\Windows\*')", R"({"f":"C:\\Windows*"})"), "yes");
  EXPECT_EQ(item("f", R"('C:\Windows\\*')", R"({"f":"C:\\Windows\\x"})"), "yes");
}

TEST(SigmaEquals, AStarIsAnyValueButNoMissingOne) {
  EXPECT_EQ(item("f", "'*'", R"({"f":""})"), "yes");
  EXPECT_EQ(item("f", "'*'", R"({"g":""})"), "no");
  EXPECT_EQ(item("f|contains", "'*'", R"({"f":"x"})"), "yes");
  EXPECT_EQ(item("f|contains", "''", R"({"f":"x"})"), "yes");
  EXPECT_EQ(item("f|endswith", "''", R"({"g":"x"})"), "no");
}

TEST(SigmaEquals, NumbersAndTextsMeet) {
  EXPECT_EQ(item("f", "25", R"({"f":25})"), "yes");
  EXPECT_EQ(item("f", "25", R"({"f":"25"})"), "yes");
  EXPECT_EQ(item("f", "'25'", R"({"f":25})"), "yes");
  EXPECT_EQ(item("f", "25", R"({"f":25.0})"), "yes");
  EXPECT_EQ(item("f", "1.0", R"({"f":"1"})"), "yes");
  EXPECT_EQ(item("f", "'2*'", R"({"f":25})"), "yes");
  EXPECT_EQ(item("f", "25", R"({"f":"0x19"})"), "no");
}

TEST(SigmaEquals, BooleansMeetTexts) {
  EXPECT_EQ(item("f", "true", R"({"f":"True"})"), "yes");
  EXPECT_EQ(item("f", "'true'", R"({"f":true})"), "yes");
  EXPECT_EQ(item("f", "true", R"({"f":true})"), "yes");
  EXPECT_EQ(item("f", "true", R"({"f":false})"), "no");
}

TEST(SigmaNull, IsMissingNullOrEmpty) {
  EXPECT_EQ(item("f", "null", R"({"g":1})"), "yes");
  EXPECT_EQ(item("f", "null", R"({"f":null})"), "yes");
  EXPECT_EQ(item("f", "null", R"({"f":""})"), "yes");
  EXPECT_EQ(item("f", "null", R"({"f":"-"})"), "no");
  EXPECT_EQ(item("f", "null", R"({"f":0})"), "no");
  EXPECT_EQ(item("f", "''", R"({"f":""})"), "yes");
  EXPECT_EQ(item("f", "''", R"({"g":1})"), "no") << "an empty text is a value";
}

TEST(SigmaMissing, FieldIsFalseAndTrueUnderNot) {
  EXPECT_EQ(matches("  sel:\n    f|contains: a\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(matches("  sel:\n    f|re: a\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(matches("  sel:\n    f|gt: 1\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(matches("  sel:\n    f|cidr: 10.0.0.0/8\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(matches("  sel:\n    f|fieldref: h\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(matches("  sel:\n    f|hour: 1\n  condition: not sel\n", R"({"g":1})"), "yes");
  EXPECT_EQ(item("f|neq", "a", R"({"g":1})"), "yes");
}

TEST(SigmaExists, IsPresenceAlone) {
  EXPECT_EQ(item("f|exists", "true", R"({"f":""})"), "yes");
  EXPECT_EQ(item("f|exists", "true", R"({"g":""})"), "no");
  EXPECT_EQ(item("f|exists", "false", R"({"g":""})"), "yes");
}

TEST(SigmaText, ModifiedValuesKeepTheirWildcards) {
  EXPECT_EQ(item("f|contains", "'Send*-Attachments'", R"({"f":"x SEND-Mail -attachments y"})"),
            "yes");
  EXPECT_EQ(item("f|startswith", "'a?c'", R"({"f":"abcd"})"), "yes");
  EXPECT_EQ(item("f|endswith", "'*.ex?'", R"({"f":"C:\\a.exe"})"), "yes");
  EXPECT_EQ(item("f|contains|cased", "Enc", R"({"f":"-enc"})"), "no");
}

TEST(SigmaText, MultivaluedFieldsMatchByAnyMember) {
  EXPECT_EQ(item("f|endswith", ".com", R"({"f":["a.org","b.com"]})"), "yes");
  EXPECT_EQ(item("f|contains|all", "[a, b]", R"({"f":["xa","bx"]})"), "yes")
      << "each by a member of its own";
  EXPECT_EQ(matches("  sel:\n    f: a\n  condition: not sel\n", R"({"f":["b","a"]})"), "no");
  EXPECT_EQ(item("f", "2", R"({"f":[1,2]})"), "yes");
  EXPECT_EQ(item("f", "null", R"({"f":[]})"), "yes");
  EXPECT_EQ(item("f|gt", "5", R"({"f":["1","9"]})"), "yes");
}

TEST(SigmaRegex, SearchesWithCaseUnlessToldOtherwise) {
  EXPECT_EQ(item("f|re", "'a.c'", R"({"f":"xxabcxx"})"), "yes");
  EXPECT_EQ(item("f|re", "'A.C'", R"({"f":"xxabcxx"})"), "no");
  EXPECT_EQ(item("f|re|i", "'A.C'", R"({"f":"xxabcxx"})"), "yes");
  EXPECT_EQ(item("f|re", "'(?i)A.C'", R"({"f":"xxabcxx"})"), "yes");
  EXPECT_EQ(item("f|re", "'^b$'", R"({"f":"a\nb\nc"})"), "no");
  EXPECT_EQ(item("f|re|m", "'^b$'", R"({"f":"a\nb\nc"})"), "yes");
  EXPECT_EQ(item("f|re", "'a.b'", R"({"f":"a\nb"})"), "no");
  EXPECT_EQ(item("f|re|s", "'a.b'", R"({"f":"a\nb"})"), "yes");
  EXPECT_EQ(item("f|re", R"('a\*b')", R"({"f":"a*b"})"), "yes") << "no escapes but its own";
  EXPECT_EQ(item("f|re|startswith", "'b|c'", R"({"f":"ab"})"), "no");
  EXPECT_EQ(item("f|re|endswith", "'a|b'", R"({"f":"ab"})"), "yes");
}

TEST(SigmaCidr, MatchesAddressesOnly) {
  EXPECT_EQ(item("f|cidr", "10.0.0.0/8", R"({"f":"10.1.2.3"})"), "yes");
  EXPECT_EQ(item("f|cidr", "10.0.0.0/8", R"({"f":"11.1.2.3"})"), "no");
  EXPECT_EQ(item("f|cidr", "'fe80::/10'", R"({"f":"fe80:0:0:0:1:2:3:4"})"), "yes");
  EXPECT_EQ(item("f|cidr", "10.0.0.0/8", R"({"f":"::ffff:10.1.2.3"})"), "yes");
  EXPECT_EQ(item("f|cidr", "10.0.0.0/8", R"({"f":"10.host"})"), "no");
}

TEST(SigmaOrder, ComparesNumbers) {
  EXPECT_EQ(item("f|gt", "5", R"({"f":6})"), "yes");
  EXPECT_EQ(item("f|gt", "5", R"({"f":5})"), "no");
  EXPECT_EQ(item("f|gte", "5", R"({"f":"5"})"), "yes");
  EXPECT_EQ(item("f|lt", "5", R"({"f":"4.9"})"), "yes");
  EXPECT_EQ(item("f|lte", "5.5", R"({"f":5})"), "yes");
  EXPECT_EQ(item("f|lt", "5", R"({"f":"abc"})"), "no");
  EXPECT_EQ(item("f|gt", "9223372036854775806", R"({"f":9223372036854775807})"), "yes")
      << "exact beyond doubles";
}

TEST(SigmaTime, PartsAreReadAsWritten) {
  EXPECT_EQ(item("f|hour", "23", R"({"f":"2026-11-20T23:59:01+05:00"})"), "yes")
      << "no zone is converted";
  EXPECT_EQ(item("f|minute", "59", R"({"f":"2026-11-20 23:59:01.123"})"), "yes");
  EXPECT_EQ(item("f|day", "20", R"({"f":"2026/11/20"})"), "yes");
  EXPECT_EQ(item("f|month", "11", R"({"f":"2026-11-20T23:59:01Z"})"), "yes");
  EXPECT_EQ(item("f|year", "2026", R"({"f":"2026-11-20T23:59:01Z"})"), "yes");
  EXPECT_EQ(item("f|hour|lt", "6", R"({"f":"2026-11-20T05:00:00Z"})"), "yes");
  EXPECT_EQ(item("f|hour", "0", R"({"f":"2026-11-20"})"), "no") << "no hour is written";
  EXPECT_EQ(item("f|month", "13", R"({"f":"2026-13-20"})"), "no");
  EXPECT_EQ(item("f|year", "2026", R"({"f":"yesterday"})"), "no");
}

TEST(SigmaTime, WeeksAreThoseOfIso8601) {
  EXPECT_EQ(item("f|week", "53", R"({"f":"2027-01-03"})"), "yes");
  EXPECT_EQ(item("f|week", "1", R"({"f":"2024-12-30"})"), "yes");
  EXPECT_EQ(item("f|week", "1", R"({"f":"2027-01-04"})"), "yes");
  EXPECT_EQ(item("f|week", "53", R"({"f":"2020-12-31"})"), "yes");
}

TEST(SigmaFieldRef, ComparesTwoFieldsOfTheEvent) {
  EXPECT_EQ(item("f|fieldref", "g", R"({"f":"Abc","g":"aBC"})"), "yes");
  EXPECT_EQ(item("f|fieldref|cased", "g", R"({"f":"Abc","g":"aBC"})"), "no");
  EXPECT_EQ(item("f|fieldref", "g", R"({"f":"1","g":1})"), "yes");
  EXPECT_EQ(item("f|fieldref|startswith", "g", R"({"f":"C:\\a\\b.exe","g":"c:\\A"})"), "yes");
  EXPECT_EQ(item("f|fieldref|endswith", "g", R"({"f":"a.exe","g":".EXE"})"), "yes");
  EXPECT_EQ(item("f|fieldref|contains", "g", R"({"f":"xay","g":"A"})"), "yes");
  EXPECT_EQ(item("f|fieldref", "g", R"({"f":["a","b"],"g":"B"})"), "yes");
  EXPECT_EQ(item("f|fieldref", "g", R"({"f":"a*","g":"ab"})"), "no")
      << "the other field is no pattern";
  EXPECT_EQ(item("f|fieldref", "g", R"({"f":"a"})"), "no");
  EXPECT_EQ(item("f|fieldref|neq", "g", R"({"f":"a"})"), "yes");
}

TEST(SigmaEncodings, AreAlternativesOfOneValue) {
  EXPECT_EQ(item("f|contains|windash", "' -enc'", R"({"f":"powershell /ENC x"})"), "yes");
  EXPECT_EQ(item("f|contains|windash", "' /f '", R"({"f":"a –f b"})"), "yes");
  EXPECT_EQ(item("f|contains|all|windash", "[' -a', ' -b']", R"({"f":"x /a /b"})"), "yes");
  EXPECT_EQ(item("f|contains|all|windash", "[' -a', ' -b']", R"({"f":"x /a"})"), "no");
  EXPECT_EQ(item("f|base64", "foobar", R"({"f":"Zm9vYmFy"})"), "yes");
  EXPECT_EQ(item("f|base64|contains", "foobar", R"({"f":"x zM9VyMFY y"})"), "yes")
      << "case is ignored all the same";
  EXPECT_EQ(item("f|base64|contains|cased", "foobar", R"({"f":"x zM9VyMFY y"})"), "no");
  EXPECT_EQ(item("f|base64offset|contains", "foobar", R"({"f":"eHhmb29iYXJ4"})"), "yes");
  EXPECT_EQ(item("f|wide|base64offset|contains", "ping", R"({"f":"ABCcABpAG4AZwAx"})"), "yes");
  EXPECT_EQ(item("f|utf16|base64", "a", R"({"f":"//5hAA=="})"), "yes") << "the mark is FF FE";
  EXPECT_EQ(item("f|windash", "'-a\\*'", R"({"f":"/a*"})"), "yes")
      << "an escaped star stays a star";
  EXPECT_EQ(item("f|windash", "'-a\\*'", R"({"f":"/abc"})"), "no");
}

TEST(SigmaKeyword, SearchesEveryValueAndTheRecord) {
  EXPECT_EQ(item("'|all'", "[evil, 'c?d']", R"({"f":"so EVIL","g":"xcodx"})"), "yes");
  EXPECT_EQ(matches("  sel: [ evil ]\n  condition: sel\n", R"({"evil":"x"})"), "no")
      << "no field names";
  EXPECT_EQ(
      matches("  sel: [ 'a=\"b c\"' ]\n  condition: sel\n", R"({"a":"b c"})", R"(x a="b c" y)"),
      "yes");
  EXPECT_EQ(matches("  sel: [ 4625 ]\n  condition: sel\n", R"({"f":4625})"), "yes");
  EXPECT_EQ(matches("  sel: [ 'a*c' ]\n  condition: not sel\n", R"({"f":"xabcx"})"), "no");
  EXPECT_EQ(matches("  sel: [ one, two ]\n  condition: sel\n", R"({"f":["x","a Two"]})"), "yes");
  EXPECT_EQ(item("'|cased'", "Evil", R"({"f":"evil"})"), "no");
  EXPECT_EQ(item("'|re'", "'e.il$'", R"({"f":"so evil","g":"x"})"), "yes");
}

}  // namespace
}  // namespace postern::lang::sigma::test
