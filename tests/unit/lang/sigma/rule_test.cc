#include <gtest/gtest.h>

#include "lang/sigma/sigma.h"
#include "sigma_fixture.h"

namespace postern::lang::sigma {
namespace {

using test::read_text;

constexpr const char* kWhole = R"(title: Suspicious Thing
id: 11111111-2222-4333-8444-555555555555
status: test
description: |
    What it is.
references:
    - https://example.org/a
author: Somebody
date: 2025-01-02
modified: 2026-03-04
tags:
    - attack.exfiltration
    - attack.t1048.003
    - attack.T1071
    - attack.t12
    - cve.2021-1
logsource:
    product: Windows
    category: process_creation
    definition: 'needs auditing'
detection:
    sel:
        Image|endswith: '\x.exe'
    condition: sel
falsepositives:
    - Unlikely
level: High
)";

TEST(SigmaRule, SaysOfItselfWhatWasPublished) {
  const auto r = read_text(kWhole);
  ASSERT_EQ(r.rules.size(), 1U) << r.messages();
  const plan::Rule& rule = r.rules[0];
  EXPECT_EQ(rule.info.title, "Suspicious Thing");
  EXPECT_EQ(rule.info.id, "11111111-2222-4333-8444-555555555555");
  EXPECT_EQ(rule.info.language, "sigma");
  EXPECT_EQ(rule.info.level, "high");
  EXPECT_EQ(rule.info.status, "test");
  EXPECT_EQ(rule.info.version, "2026-03-04");
  EXPECT_EQ(rule.info.author, "Somebody");
  EXPECT_EQ(rule.info.description, "What it is.\n");
  EXPECT_EQ(rule.info.attack, (std::vector<std::string>{"T1048.003", "T1071"}));
  EXPECT_EQ(rule.info.tags.size(), 5U);
  EXPECT_EQ(rule.info.references, std::vector<std::string>{"https://example.org/a"});
  EXPECT_EQ(rule.info.false_positives, std::vector<std::string>{"Unlikely"});
  EXPECT_EQ(rule.info.path, "rule");
  EXPECT_EQ(rule.kind, plan::RuleKind::kEvent);
  EXPECT_EQ(rule.vocabulary, "sigma");
  EXPECT_EQ(r.summary(), "");
}

TEST(SigmaRule, IsAFilterOverTheScanOfItsLogSource) {
  const auto r = read_text(kWhole);
  ASSERT_EQ(r.rules.size(), 1U);
  EXPECT_EQ(to_text(*r.rules[0].plan),
            "filter endswith(Image, \"\\\\x.exe\")\n"
            "  scan category=process_creation product=windows\n");
  EXPECT_TRUE(r.rules[0].plan->inputs[0]->open);
}

TEST(SigmaRule, SpansPointIntoTheFile) {
  const auto r = read_text(std::string("---\n") + kWhole);
  ASSERT_EQ(r.rules.size(), 1U);
  const auto at = [&](Span s) { return r.text.substr(s.begin, s.end - s.begin); };
  const plan::Expr& call = *r.rules[0].plan->predicate;
  EXPECT_EQ(at(call.span), R"(Image|endswith: '\x.exe')");
  EXPECT_EQ(at(call.args[0]->span), "Image");
  EXPECT_EQ(at(call.args[1]->span), R"('\x.exe')");
}

TEST(SigmaRule, AFileMayHoldSeveralAndABrokenOneSparesTheOthers) {
  const std::string one =
      "title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, condition: s }\n";
  const std::string broken =
      "title: B\nlogsource: { product: x }\ndetection: { s: { f|no: a }, condition: s }\n";
  const auto r = read_text(one + "---\n" + broken + "---\n---\n" + one);
  EXPECT_EQ(r.rules.size(), 2U);
  EXPECT_EQ(r.summary(), "sigma-unknown-modifier: unknown modifier: no\n");
}

TEST(SigmaRule, AConditionListIsADisjunction) {
  const auto r = read_text(
      "title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, t: { g: b }, condition: [ s, "
      "not t ] }\n");
  EXPECT_EQ(test::condition_text(r), R"(equals(f, "a") or not equals(g, "b"))");
  EXPECT_EQ(r.rules.at(0).stages.at(0).text(),
            "s: equals(f, \"a\")\nt: equals(g, \"b\")\ncondition: s\nor not t");
}

TEST(SigmaRule, WithoutIdGetsOneOfPathAndTitle) {
  const auto r =
      read_text("title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, condition: s }\n");
  ASSERT_EQ(r.rules.size(), 1U);
  EXPECT_EQ(r.rules[0].info.id, "rule: A");
}

TEST(SigmaRule, OtherDocumentsAreToldApart) {
  const auto correlation = read_text("title: A\ncorrelation:\n  type: event_count\n");
  EXPECT_EQ(correlation.messages(),
            R"(error[sigma-bad-correlation]: a correlation needs the rules it is made of
 --> rule:2:1
2 | correlation:
  | ^^^^^^^^^^^
  = hint: add `rules`
error[sigma-bad-correlation]: a correlation needs a timespan
 --> rule:2:1
2 | correlation:
  | ^^^^^^^^^^^
  = hint: for example `timespan: 10m`
)");
  // A filter is no rule, and not an error either: Filters reads it.
  EXPECT_EQ(read_text("title: A\nlogsource: { product: x }\nfilter:\n  rules: [ a ]\n").summary(),
            "");
  const auto global = read_text(
      "action: global\ntitle: A\n---\nlogsource: { product: x }\ndetection: { s: { f: a }, "
      "condition: s }\n");
  EXPECT_EQ(global.summary(), "sigma-unsupported: multi-document rule (`action: global`)\n");
  EXPECT_TRUE(global.rules.empty());
}

TEST(SigmaRule, MissingPartsAreTold) {
  EXPECT_EQ(read_text("title: A\n").summary(),
            "sigma-no-logsource: a rule needs a logsource\nsigma-no-detection: a rule needs a "
            "detection\n");
  EXPECT_EQ(
      read_text("title: A\nlogsource: { product: x }\ndetection: { s: { f: a } }\n").summary(),
      "sigma-no-condition: a detection needs a condition\n");
  EXPECT_EQ(
      read_text("title: A\nlogsource: { product: x }\ndetection: { condition: s }\n").summary(),
      "sigma-no-selection: a detection needs at least one selection\n");
  EXPECT_EQ(
      read_text("title: A\nlogsource: {}\ndetection: { s: { f: a }, condition: s }\n").summary(),
      "sigma-bad-logsource: a logsource needs a category, a product or a service\n");
  EXPECT_EQ(read_text("- a\n- b\n").summary(),
            "sigma-bad-document: a rule is a map with title, logsource and detection\n");
}

TEST(SigmaRule, ATypingMistakeInTheLogSourceDoesNotWidenTheRule) {
  const auto r = read_text(
      "title: A\nlogsource: { product: x, catgory: y }\ndetection: { s: { f: a }, condition: s "
      "}\n");
  EXPECT_TRUE(r.rules.empty());
  EXPECT_EQ(r.diag.all().at(0).hint, "did you mean `category`?");
}

TEST(SigmaRule, ADuplicateKeyRefusesItsRuleOnly) {
  const std::string one =
      "title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, condition: s }\n";
  const auto r = read_text(
      "title: B\nlogsource: { product: x }\ndetection:\n  s: { f: a }\n  condition: s\n  s: { g: b "
      "}\n---\n" +
      one);
  ASSERT_EQ(r.rules.size(), 1U);
  EXPECT_EQ(r.rules[0].info.title, "A");
  EXPECT_EQ(r.diag.all().at(0).code, "yaml-duplicate-key");
}

TEST(SigmaRule, DocumentsBeforeASyntaxErrorAreRead) {
  const std::string one =
      "title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, condition: s }\n";
  const auto r = read_text(one + "---\ntitle: [\n");
  EXPECT_EQ(r.rules.size(), 1U);
  EXPECT_EQ(r.diag.all().at(0).code, "yaml-syntax");
}

TEST(SigmaRule, SlipsAreWarnings) {
  EXPECT_EQ(read_text("title: A\nlogsource: { product: x }\ndetection: { s: { f: a }, t: { f: b }, "
                      "timeframe: 5m, condition: s }\nlevel: hihg\n")
                .summary(),
            "sigma-unknown-level: unknown level: hihg\n"
            "sigma-timeframe: `timeframe` belongs to aggregations, which this rule has none of\n"
            "sigma-unused-selection: no condition uses the selection t\n");
  EXPECT_EQ(
      read_text("logsource: { product: x }\ndetection: { s: { f: a }, condition: s }\n").summary(),
      "sigma-no-title: a rule needs a title\n");
}

TEST(SigmaRule, IsRecognisedByItsKeys) {
  EXPECT_TRUE(recognises({"a.yml", kWhole}));
  EXPECT_TRUE(recognises({"a.yml", "\xef\xbb\xbf\"detection\" : {}\r\n"}));
  EXPECT_TRUE(recognises({"a.yml", "title: x\ncorrelation:\n  type: event_count\n"}));
  EXPECT_TRUE(recognises({"a.yml", "title: x\nlogsource:\n  product: x\nfilter:\n"}));
  EXPECT_FALSE(recognises({"a.yml", "name: x\nsearch: '`sysmon`'\ndetection: x\n"}));
  EXPECT_FALSE(recognises({"a.yml", "name: x\nquery: |\n  T | where x\n"}));
  EXPECT_FALSE(recognises({"a.txt", "the detection: of things\n detection: x\n"}));
  EXPECT_FALSE(recognises({"a.txt", ""}));
}

}  // namespace
}  // namespace postern::lang::sigma
