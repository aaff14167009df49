#include <gtest/gtest.h>

#include "kql_run.h"

namespace postern::lang::kql {
namespace {

std::vector<plan::Rule> rules_of(const std::string& name,
                                 const std::string& text,
                                 Diagnostics& diag) {
  return read({name, text}, {}, diag);
}

TEST(KqlRuleFile, TitleComesFromTheLeadingComment) {
  Diagnostics diag;
  const auto rules = rules_of(
      "dir/my hunt.kql",
      "// =====\n// Author: x\n// Title: Mail from scripts\n// T1048.003, t1071\nT | take 1", diag);
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].info.title, "Mail from scripts");
  EXPECT_EQ(rules[0].info.attack, (std::vector<std::string>{"T1048.003", "T1071"}));
  EXPECT_EQ(rules[0].info.path, "dir/my hunt.kql");
  EXPECT_EQ(rules_of("dir/my hunt.kql", "T | take 1", diag).at(0).info.title, "my hunt");
}

TEST(KqlRuleFile, IdsAreStable) {
  Diagnostics diag;
  const std::string a = rules_of("x/a.kql", "T", diag).at(0).info.id;
  EXPECT_EQ(a, rules_of("y/a.kql", "R", diag).at(0).info.id);
  EXPECT_NE(a, rules_of("x/b.kql", "T", diag).at(0).info.id);
  EXPECT_EQ(a.size(), 20U);
}

TEST(KqlRuleFile, ParagraphsAreQueriesOnlyWhereTheWholeIsNone) {
  Diagnostics diag;
  EXPECT_EQ(rules_of("a.kql", "let x = 1;\n\nT\n\n| where a == x", diag).size(), 1U);
  EXPECT_EQ(rules_of("a.kql", "T | take 1\n\nR | take 2\n\n// only a comment\n", diag).size(), 2U);
  EXPECT_EQ(
      rules_of("a.kql", "let x = 1;\n\nT | where a == x\n\nlet x = 2;\nR | where a == x", diag)
          .size(),
      2U);
  EXPECT_TRUE(diag.all().empty());
}

TEST(KqlRuleFile, AFaultyParagraphKeepsNobodyElseOut) {
  Diagnostics diag;
  const std::string text = "T | take 1\n\nR | wehre a\n";
  EXPECT_EQ(rules_of("a.kql", text, diag).size(), 1U);
  ASSERT_EQ(diag.all().size(), 1U);
  EXPECT_EQ(text.substr(diag.all()[0].primary.begin, 5), "wehre");
}

TEST(KqlRuleFile, WithoutAQueryThereIsAnError) {
  Diagnostics diag;
  EXPECT_TRUE(rules_of("a.kql", "let f = () { 1 };", diag).empty());
  ASSERT_FALSE(diag.all().empty());
  EXPECT_EQ(diag.all()[0].code, "kql-no-query");
}

constexpr char kSentinel[] =
    "id: 11111111-0000-4000-8000-000000000001\n"
    "name: Mail ports\n"
    "description: |\n  Scripts that talk mail.\n"
    "severity: High\n"
    "tactics:\n  - Exfiltration\n"
    "relevantTechniques:\n  - T1048.003\n"
    "version: 1.0.2\n"
    "triggerOperator: gt\n"
    "triggerThreshold: 0\n"
    "query: |\n"
    "    T\n"
    "    | where port in (25, 587)\n";

TEST(KqlRuleFile, SentinelRulesSayWhatTheyAre) {
  Diagnostics diag;
  const auto rules = rules_of("a.yaml", kSentinel, diag);
  ASSERT_EQ(rules.size(), 1U);
  const plan::RuleInfo& i = rules[0].info;
  EXPECT_EQ(i.id, "11111111-0000-4000-8000-000000000001");
  EXPECT_EQ(i.title, "Mail ports");
  EXPECT_EQ(i.level, "high");
  EXPECT_EQ(i.version, "1.0.2");
  EXPECT_EQ(i.description, "Scripts that talk mail.");
  EXPECT_EQ(i.attack, std::vector<std::string>{"T1048.003"});
  EXPECT_EQ(i.tags, std::vector<std::string>{"Exfiltration"});
}

TEST(KqlRuleFile, SpansOfAYamlRuleLieInItsFile) {
  Diagnostics diag;
  const std::string text = kSentinel;
  const auto rules = rules_of("a.yaml", text, diag);
  const Span s = rules.at(0).plan->predicate->args.at(0)->span;
  EXPECT_EQ(text.substr(s.begin, s.end - s.begin), "port");
}

TEST(KqlRuleFile, ThresholdsThatNeedAbsenceAreRefused) {
  Diagnostics diag;
  EXPECT_TRUE(
      rules_of("a.yaml",
               "name: x\nseverity: Low\ntriggerOperator: lt\ntriggerThreshold: 5\nquery: T\n", diag)
          .empty());
  EXPECT_EQ(diag.all().at(0).code, "kql-unsupported");
}

TEST(KqlRuleFile, KnowsItsOwnByContent) {
  EXPECT_TRUE(recognises({"x.txt", "// hunt\nDeviceEvents\n| where a == 1"}));
  EXPECT_TRUE(recognises({"x.txt", "let a = 1;\nT"}));
  EXPECT_TRUE(recognises({"x.kql", "T"}));
  EXPECT_TRUE(recognises({"x.yaml", kSentinel}));
  EXPECT_FALSE(
      recognises({"x.yml", "title: t\ndetection:\n  sel: { a: 1 }\nquery: x\nseverity: low\n"}));
  EXPECT_FALSE(recognises({"x.txt", "index=main | stats count"}));
  EXPECT_FALSE(recognises({"x.txt", "T | stats count by a"}));
  EXPECT_FALSE(recognises({"x.yar", "rule a { condition: true }"}));
}

}  // namespace
}  // namespace postern::lang::kql
