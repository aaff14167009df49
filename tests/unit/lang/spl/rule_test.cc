// Rule files: what a detection says of itself, where its errors point, what its plan looks like.
#include <gtest/gtest.h>

#include "lang/spl/spl.h"

namespace postern::lang::spl {
namespace {

constexpr const char* kDetection = R"(name: Mail From Odd Paths
id: 11111111-2222-4333-8444-555555555555
version: 7
author: Somebody
status: production
type: TTP
description: What it finds.
search: '`here` EventCode=3 Image="*''s*"
  | stats count by Image | `mail_from_odd_paths_filter`'
known_false_positives: Printers.
references:
- https://example.org/a
tags:
  analytic_story: [Mail]
  asset_type: Endpoint
  confidence: 80
  impact: 70
  mitre_attack_id: [t1071.003]
)";

struct With : MacroLibrary {
  With(std::string name, std::string definition) {
    user.add({std::move(name), {}, std::move(definition), false, "m.yml"});
  }
};

struct Reading {
  std::vector<plan::Rule> rules;
  Diagnostics diag;
};

Reading read_text(std::string_view name, std::string_view text, const MacroLibrary& macros) {
  Reading r;
  r.rules = read({name, text}, {&macros}, r.diag);
  return r;
}

std::string level_of(const std::string& type, const std::string& tags) {
  MacroLibrary none;
  const std::string text = "name: x\ntype: " + type + "\nsearch: index=main\n" + tags;
  const Reading r = read_text("x.yml", text, none);
  return r.rules.size() == 1 ? r.rules[0].info.level : "!";
}

TEST(RuleTest, ADetectionSaysWhatItIs) {
  const With macros("here", "index=main");
  const Reading r = read_text("d.yml", kDetection, macros);
  ASSERT_EQ(r.rules.size(), 1u);
  const plan::Rule& rule = r.rules[0];
  EXPECT_EQ(rule.info.title, "Mail From Odd Paths");
  EXPECT_EQ(rule.info.id, "11111111-2222-4333-8444-555555555555");
  EXPECT_EQ(rule.info.version, "7");
  EXPECT_EQ(rule.info.status, "production");
  EXPECT_EQ(rule.info.attack, std::vector<std::string>{"T1071.003"});
  EXPECT_EQ(rule.info.references, std::vector<std::string>{"https://example.org/a"});
  EXPECT_EQ(rule.info.false_positives, std::vector<std::string>{"Printers."});
  EXPECT_EQ(rule.info.tags, (std::vector<std::string>{"Mail", "Endpoint"}));
  EXPECT_EQ(rule.info.language, "spl");
  EXPECT_EQ(rule.vocabulary, "spl");
  EXPECT_EQ(rule.kind, plan::RuleKind::kQuery);
  EXPECT_EQ(plan::to_text(*rule.plan),
            "aggregate count=count() by Image (null keys dropped)\n"
            "  filter search_eq(index, \"main\") and search_eq(EventCode, \"3\") and "
            "search_eq(Image, \"*'s*\")\n"
            "    scan spl events\n");
  ASSERT_EQ(rule.stages.size(), 2u);
  EXPECT_EQ(rule.stages[0].name, "macros expanded");
}

TEST(RuleTest, LevelsComeFromTypeAndRiskScore) {
  EXPECT_EQ(level_of("Hunting", ""), "informational");
  EXPECT_EQ(level_of("Anomaly", "tags: {risk_score: 90}\n"), "low");
  EXPECT_EQ(level_of("TTP", "tags: {risk_score: 49}\n"), "medium");
  EXPECT_EQ(level_of("TTP", "tags: {risk_score: 50}\n"), "high");
  EXPECT_EQ(level_of("TTP", "tags: {confidence: 80, impact: 80}\n"), "high");
  EXPECT_EQ(
      level_of(
          "TTP",
          "rba:\n  risk_objects:\n  - {field: dest, score: 20}\n  - {field: user, score: 64}\n"),
      "high");
  EXPECT_EQ(level_of("Correlation", ""), "high");
  EXPECT_EQ(level_of("Baseline", ""), "");
}

TEST(RuleTest, ErrorsPointIntoQuotedScalarsOverManyLines) {
  const MacroLibrary macros;
  const Reading r = read_text("d.yml", kDetection, macros);
  EXPECT_TRUE(r.rules.empty());
  ASSERT_EQ(r.diag.all().size(), 1u);
  EXPECT_EQ(render({"d.yml", kDetection}, r.diag.all()[0]),
            "error[spl-undefined-macro]: undefined macro: here\n"
            " --> d.yml:8:10\n"
            "8 | search: '`here` EventCode=3 Image=\"*''s*\"\n"
            "  |          ^^^^^^ not defined\n"
            "  = hint: define it in a macros/*.yml or macros.conf beside the rule\n");
  const std::string text = "name: x\nsearch: 'a=''b''\n\n    c=1   d=2\n  | statz count'\n";
  const Reading folded = read_text("x.yml", text, macros);
  ASSERT_EQ(folded.diag.all().size(), 1u);
  EXPECT_EQ(line_column(text, folded.diag.all()[0].primary.begin).line, 5u);
  EXPECT_EQ(text.substr(folded.diag.all()[0].primary.begin, 5), "statz");
}

TEST(RuleTest, ErrorsPointIntoBlockAndDoubleQuotedScalars) {
  const MacroLibrary macros;
  for (const std::string text :
       {"name: x\nsearch: |\n  a=1\n    | statz\n", "name: x\nsearch: >-\n  a=1\n  | statz\n",
        "name: x\nsearch: \"a=\\\"1\\\" | statz\"\n", "name: x\nsearch: a=1 | statz\n",
        "name: x\nsearch: a=1\n  | statz\n"}) {
    const Reading r = read_text("x.yml", text, macros);
    ASSERT_EQ(r.diag.all().size(), 1u) << text;
    EXPECT_EQ(text.substr(r.diag.all()[0].primary.begin, 5), "statz") << text;
  }
}

TEST(RuleTest, WhatCameOutOfAMacroPointsAtItsCall) {
  const With macros("here", "index=main | statz count");
  const std::string text = "  `here` | head";
  const Reading r = read_text("x.spl", text, macros);
  ASSERT_EQ(r.diag.all().size(), 1u);
  EXPECT_EQ(r.diag.all()[0].primary.begin, 2u);
  EXPECT_EQ(r.diag.all()[0].primary.end, 8u);
}

TEST(RuleTest, AnEventRuleOnlyFilters) {
  const MacroLibrary macros;
  EXPECT_EQ(read_text("x.spl", "a=1 | where b>2 | regex c=\"x\"", macros).rules.at(0).kind,
            plan::RuleKind::kEvent);
  EXPECT_EQ(read_text("x.spl", "a=1 | eval b=2", macros).rules.at(0).kind, plan::RuleKind::kQuery);
}

TEST(RuleTest, RecognisesItsFilesOnly) {
  EXPECT_TRUE(recognises({"a.spl", "anything"}));
  EXPECT_TRUE(recognises({"a.yml", kDetection}));
  EXPECT_FALSE(recognises({"a.yml", "title: x\nlogsource: {}\ndetection: {}\n"}));
  EXPECT_FALSE(recognises({"a.kql", "SecurityEvent | search: x"}));
  EXPECT_FALSE(recognises({"m.yml", "name: m\ndefinition: x\n"}));
}

TEST(RuleTest, EmptySearchesAreErrors) {
  const MacroLibrary macros;
  EXPECT_EQ(read_text("x.spl", "  \n", macros).diag.all().at(0).code, "spl-empty");
  EXPECT_EQ(read_text("x.yml", "name: x\nsearch:\n- a\n", macros).diag.all().at(0).code,
            "spl-no-search");
}

TEST(RuleTest, ACommandThatNeedsRowsCannotBegin) {
  const MacroLibrary macros;
  EXPECT_EQ(read_text("x.spl", "| stats count", macros).diag.all().at(0).code, "spl-no-rows");
  EXPECT_EQ(read_text("x.spl", "index=a | tstats count", macros).diag.all().at(0).code,
            "spl-syntax");
}

std::string plan_of(std::string_view text) {
  const MacroLibrary macros;
  const Reading r = read_text("x.spl", text, macros);
  return r.rules.size() == 1 ? plan::to_text(*r.rules[0].plan)
                             : "! " + (r.diag.all().empty() ? "" : r.diag.all()[0].message);
}

TEST(RuleTest, AnOrderIsMadeOnlyWhereItMatters) {
  EXPECT_EQ(plan_of("a=1 | table user | dedup user"),
            "dedup 1 by user\n"
            "  filter isnotnull(user)\n"
            "    project user\n"
            "      sort _time desc\n"
            "        filter search_eq(a, \"1\")\n"
            "          scan spl events\n");
  EXPECT_EQ(plan_of("a=1 | stats count by user | head 2"),
            "limit 2\n"
            "  sort user asc nulls last\n"
            "    aggregate count=count() by user (null keys dropped)\n"
            "      filter search_eq(a, \"1\")\n"
            "        scan spl events\n");
  EXPECT_EQ(plan_of("a=1 | sort 0 user | dedup user").find("_time"), std::string::npos);
  EXPECT_EQ(plan_of("a=1 | stats first(x) by user").find("sort"), std::string::npos);
}

TEST(RuleTest, FixedLookBacksAreAgo) {
  EXPECT_NE(plan_of("earliest=-24h a=1").find("ge(_time, ago(1d))"), std::string::npos);
  EXPECT_NE(
      plan_of("earliest=-1d@d latest=@d a=1").find("ge(_time, relative_time(now(), \"-1d@d\"))"),
      std::string::npos);
  EXPECT_EQ(plan_of("earliest=soon a=1"), "! not a time: soon");
}

TEST(RuleTest, FieldsOfADatasetLoseItsName) {
  EXPECT_EQ(
      plan_of(
          "| tstats dc(All_Changes.Account_Management.src_user) as n from datamodel=Change where "
          "nodename=All_Changes.Account_Management All_Changes.action=created by All_Changes.dest"),
      "aggregate n=dc(src_user) by All_Changes.dest=dest (null keys dropped)\n"
      "  filter search_eq(action, \"created\")\n"
      "    scan Change.Account_Management\n");
  EXPECT_EQ(plan_of("| tstats count from datamodel=Network_Traffic where All_Traffic.dest_port=25"),
            "aggregate count=count()\n"
            "  filter search_eq(dest_port, \"25\")\n"
            "    scan Network_Traffic.All_Traffic\n");
}

}  // namespace
}  // namespace postern::lang::spl
