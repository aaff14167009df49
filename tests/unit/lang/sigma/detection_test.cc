#include "lang/sigma/detection.h"

#include <gtest/gtest.h>

#include "sigma_fixture.h"

namespace postern::lang::sigma {
namespace {

using test::condition_of;
using test::read_detection;

TEST(Detection, AMapIsAConjunctionAndAListOfValuesOneCall) {
  EXPECT_EQ(
      condition_of(
          "  sel:\n    Image|endswith: ['\\a.exe', '\\b.exe']\n    EventID: 1\n  condition: sel\n"),
      R"(endswith(Image, "\\a.exe", "\\b.exe") and equals(EventID, 1))");
}

TEST(Detection, AListOfMapsIsADisjunction) {
  EXPECT_EQ(condition_of("  sel:\n    - a: x\n      b: y\n    - c: z\n  condition: sel\n"),
            R"(equals(a, "x") and equals(b, "y") or equals(c, "z"))");
}

TEST(Detection, AllIsAConjunctionOfCalls) {
  EXPECT_EQ(condition_of("  sel:\n    f|contains|all: [a, b]\n  condition: sel\n"),
            R"(contains(f, "a") and contains(f, "b"))");
}

TEST(Detection, PublishedTextStays) {
  EXPECT_EQ(condition_of("  sel:\n    f|contains: 'a\\*b*C'\n  condition: sel\n"),
            R"(contains(f, "a\\*b*C"))");
}

TEST(Detection, TypesOfScalarsStay) {
  EXPECT_EQ(condition_of("  sel:\n    f: [25, '25', true, 1.5]\n  condition: sel\n"),
            R"(equals(f, 25, "25", true, 1.5))");
  EXPECT_EQ(condition_of("  sel:\n    f|contains: [25, true]\n  condition: sel\n"),
            R"(contains(f, "25", "true"))");
}

TEST(Detection, NullIsATestOfItsOwn) {
  EXPECT_EQ(condition_of("  sel:\n    f: null\n  condition: sel\n"), "is_null(f)");
  EXPECT_EQ(condition_of("  sel:\n    f:\n  condition: sel\n"), "is_null(f)");
  EXPECT_EQ(condition_of("  sel:\n    f: [null, '', a]\n  condition: sel\n"),
            R"(is_null(f) or equals(f, "", "a"))");
}

TEST(Detection, AnEmptyListIsReadAsNullWithAWarning) {
  const auto r = read_detection("  sel:\n    f: []\n  condition: sel\n");
  EXPECT_EQ(test::condition_text(r), "is_null(f)");
  EXPECT_EQ(r.summary(), "sigma-empty-list: an empty list is read as null\n");
}

TEST(Detection, NeqNegatesTheWholeItem) {
  EXPECT_EQ(condition_of("  sel:\n    f|neq: [a, b]\n  condition: sel\n"),
            R"(not equals(f, "a", "b"))");
  EXPECT_EQ(condition_of("  sel:\n    f|contains|all|neq: [a, b]\n  condition: sel\n"),
            R"(not (contains(f, "a") and contains(f, "b")))");
  EXPECT_EQ(condition_of("  sel:\n    f|neq: null\n  condition: sel\n"), "not is_null(f)");
}

TEST(Detection, KeywordsSearchValuesAndRecord) {
  EXPECT_EQ(condition_of("  sel:\n    - one\n    - 2\n  condition: sel\n"),
            R"(keyword(_values, _text, "one", "2"))");
  EXPECT_EQ(condition_of("  sel: one\n  condition: sel\n"), R"(keyword(_values, _text, "one"))");
  EXPECT_EQ(condition_of("  sel:\n    '|all': [a, b]\n  condition: sel\n"),
            R"(keyword(_values, _text, "a") and keyword(_values, _text, "b"))");
  EXPECT_EQ(condition_of("  sel:\n    '|re': 'a.b'\n  condition: sel\n"),
            R"(re(_values, "a.b") or re(_text, "a.b"))");
  EXPECT_EQ(condition_of("  sel:\n    '|cased': A\n  condition: sel\n"),
            R"(keyword_cased(_values, _text, "A"))");
  EXPECT_EQ(condition_of("  sel:\n    '|startswith': A\n  condition: sel\n"),
            R"(startswith(_values, "A"))");
}

TEST(Detection, MapsAndKeywordsMayMixInAList) {
  EXPECT_EQ(condition_of("  sel:\n    - a: x\n    - word\n  condition: sel\n"),
            R"(equals(a, "x") or keyword(_values, _text, "word"))");
}

TEST(Detection, FieldReferencesCompareColumns) {
  EXPECT_EQ(condition_of("  sel:\n    User|fieldref: ParentUser\n  condition: sel\n"),
            "field_equals(User, ParentUser)");
  EXPECT_EQ(condition_of("  sel:\n    a|fieldref|startswith|cased: [b, c]\n  condition: sel\n"),
            "field_startswith_cased(a, b) or field_startswith_cased(a, c)");
  EXPECT_EQ(condition_of("  sel:\n    a|neq|fieldref: b\n  condition: sel\n"),
            "not field_equals(a, b)");
}

TEST(Detection, ExistsTakesABooleanOnly) {
  EXPECT_EQ(condition_of("  sel:\n    f|exists: true\n  condition: sel\n"), "exists(f)");
  EXPECT_EQ(condition_of("  sel:\n    f|exists: false\n  condition: sel\n"), "not exists(f)");
  EXPECT_EQ(read_detection("  sel:\n    f|exists: 'true'\n  condition: sel\n").summary(),
            "sigma-bad-value: `exists` takes true or false\n");
}

TEST(Detection, ComparisonsAndTimesTakeNumbers) {
  EXPECT_EQ(condition_of("  sel:\n    f|gte: 5\n  condition: sel\n"), "gte(f, 5)");
  EXPECT_EQ(condition_of("  sel:\n    f|hour: [22, 23]\n  condition: sel\n"),
            "equals(hour(f), 22, 23)");
  EXPECT_EQ(condition_of("  sel:\n    f|hour|lt: 6\n  condition: sel\n"), "lt(hour(f), 6)");
  EXPECT_EQ(read_detection("  sel:\n    f|gt: abc\n  condition: sel\n").summary(),
            "sigma-bad-value: `gt` takes a number, not a text\n");
  const auto quoted = read_detection("  sel:\n    f|gt: '5'\n  condition: sel\n");
  EXPECT_EQ(test::condition_text(quoted), "gt(f, 5)");
  EXPECT_EQ(quoted.summary(), "sigma-quoted-number: a number in quotes is read as a number\n");
}

TEST(Detection, BlanksLeaveWindowsFieldNames) {
  const std::string detection = "detection:\n  sel:\n    Threat Name: x\n  condition: sel\n";
  EXPECT_EQ(test::condition_text(
                test::read_text("title: t\nlogsource: { product: windows }\n" + detection)),
            R"(equals(ThreatName, "x"))");
  EXPECT_EQ(
      test::condition_text(test::read_text("title: t\nlogsource: { product: aws }\n" + detection)),
      R"(equals(['Threat Name'], "x"))");
}

TEST(Detection, WrongValuesAreToldWithTheirPlace) {
  EXPECT_EQ(read_detection("  sel:\n    f|re: '(a'\n  condition: sel\n").diag.all().at(0).code,
            "sigma-bad-regex");
  EXPECT_EQ(read_detection("  sel:\n    f|cidr: 10.0.0.1/8\n  condition: sel\n").messages(),
            R"(error[sigma-bad-cidr]: not a network: 10.0.0.1/8
 --> rule:6:13
6 |     f|cidr: 10.0.0.1/8
  |             ^^^^^^^^^^ bits are set beyond the prefix
)");
  EXPECT_EQ(read_detection("  sel:\n    f|base64: a*b\n  condition: sel\n").summary(),
            "sigma-bad-value: base64 of a text with wildcards\n");
  EXPECT_EQ(read_detection("  sel:\n    f|base64offset|contains: a\n  condition: sel\n").summary(),
            "sigma-bad-value: one byte has no base64 text at every offset\n");
  EXPECT_EQ(read_detection("  sel:\n    f|contains: null\n  condition: sel\n").summary(),
            "sigma-bad-value: `contains` takes a text, not null\n");
  EXPECT_EQ(read_detection("  sel:\n    - null\n  condition: sel\n").summary(),
            "sigma-bad-value: a keyword takes a text, not null\n");
  EXPECT_EQ(read_detection("  sel:\n    '|gt': 5\n  condition: sel\n").summary(),
            "sigma-bad-keyword: this needs a field: a keyword is searched for in every field\n");
}

TEST(Detection, WrongShapesAreRefused) {
  EXPECT_EQ(read_detection("  sel:\n    f: { a: b }\n  condition: sel\n").summary(),
            "sigma-bad-selection: a map as value of a field\n");
  EXPECT_EQ(read_detection("  sel:\n    f: [ [ a ] ]\n  condition: sel\n").summary(),
            "sigma-bad-selection: a list inside of a list\n");
  EXPECT_EQ(read_detection("  sel: [ [ a ] ]\n  condition: sel\n").summary(),
            "sigma-bad-selection: a list inside of a list\n");
  EXPECT_EQ(read_detection("  sel: {}\n  condition: sel\n").summary(),
            "sigma-empty-selection: a selection needs at least one item\n");
  EXPECT_EQ(read_detection("  sel:\n  condition: sel\n").summary(),
            "sigma-empty-selection: a selection needs at least one item\n");
}

TEST(Detection, AllMistakesOfARuleAreToldAtOnce) {
  EXPECT_EQ(
      read_detection(
          "  sel:\n    a|foo: x\n    b|re: '('\n    c|cidr: x\n  condition: sel or nope\n")
          .summary(),
      "sigma-unknown-modifier: unknown modifier: foo\n"
      "sigma-bad-regex: " +
          read_detection("  sel:\n    b|re: '('\n  condition: sel\n").diag.all().at(0).message +
          "\n"
          "sigma-bad-cidr: not a network: x\n"
          "sigma-unknown-selection: unknown selection: nope\n");
}

TEST(Detection, WindashesAreBounded) {
  const auto dashes = [](int n) {
    std::string value;
    for (int i = 0; i < n; ++i)
      value += " -a";
    return read_detection("  sel:\n    f|windash: '" + value + "'\n  condition: sel\n").summary();
  };
  EXPECT_EQ(dashes(6), "");
  EXPECT_EQ(dashes(7),
            "sigma-too-many-alternatives: this value stands for more than 15625 texts\n");
  std::string many = "  sel:\n    f|windash:\n";
  for (int i = 0; i < 40; ++i)
    many += "      - ' -a -b -c -d -e -" + std::to_string(i) + "'\n";
  EXPECT_NE(read_detection(many + "  condition: sel\n").summary().find("this rule has more than"),
            std::string::npos);
}

TEST(Detection, PlaceholdersNeedExpandAndValues) {
  EXPECT_EQ(condition_of("  sel:\n    f: '%x%'\n  condition: sel\n"), R"(equals(f, "%x%"))");
  const ReadOptions options{{{"x", {"a", "b*"}}}};
  EXPECT_EQ(condition_of("  sel:\n    f|expand: '%x%-*'\n  condition: sel\n", options),
            R"(equals(f, "a-*", "b\\*-*"))");
  EXPECT_EQ(
      condition_of("  sel:\n    f|contains|all|expand: ['%x%', c]\n  condition: sel\n", options),
      R"(contains(f, "a", "b\\*") and contains(f, "c"))");
  EXPECT_EQ(read_detection("  sel:\n    f|expand: '%y%'\n  condition: sel\n").summary(),
            "sigma-unresolved-placeholder: no values for placeholder: y\n");
}

}  // namespace
}  // namespace postern::lang::sigma
