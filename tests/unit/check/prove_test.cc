// Witnesses, their texts, and the proof on the engine.
#include "check/prove.h"

#include <sstream>

#include "check/explain_event.h"
#include "check/solver.h"
#include "rules_fixture.h"

namespace postern::check {
namespace {

using test::load;
using test::process_rule;

Proof proof(const std::string& rule) {
  static std::vector<std::unique_ptr<engine::RuleSet>> kept;
  kept.push_back(load({rule}));
  const Proofs all = prove(*kept.back(), {});
  EXPECT_EQ(all.all.size(), 1U);
  return all.all.empty() ? Proof{} : all.all[0];
}

TEST(Prove, AWitnessFiresAndEachConditionHasANearMiss) {
  const Proof p = proof(process_rule(
      "  sel:\n    Image|endswith: '\\a.exe'\n    CommandLine|contains|all: [' -x ', '/y']\n"
      "  filter:\n    User: SYSTEM\n    Company: ACME\n  condition: sel and not filter\n"));
  EXPECT_TRUE(p.fires) << p.reason;
  EXPECT_EQ(p.table, "windows.sysmon");
  ASSERT_EQ(p.near_misses.size(), 4U);
  for (const ProvenNearMiss& m : p.near_misses) {
    EXPECT_FALSE(m.text.line.empty()) << m.condition << ": " << m.reason;
    EXPECT_TRUE(m.silent) << m.text.line;
  }
}

TEST(Prove, EachRefusedDocumentHasItsOwnReason) {
  const std::string good = process_rule("  sel: { CommandLine: x }\n  condition: sel\n");
  const std::string all = process_rule("  sel: { CommandLine|gt: x }\n  condition: sel\n") +
                          "---\n" + good + "---\ntitle: [ T\n---\n" +
                          process_rule("  sel: { CommandLine: x }\n  condition: other\n");
  const auto rules = load({all});
  std::vector<std::string> told;
  for (const Proof& p : prove(*rules, {}).all)
    told.push_back(p.fires ? "fires" : p.title + " " + p.reason.substr(0, 26));
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0], "rule0:4 refused: `gt` takes a numb");
  EXPECT_EQ(told[1].substr(0, 17), "rule0:13 refused:");
  EXPECT_EQ(told[2], "rule0:19 refused: unknown selection");
  EXPECT_EQ(told[3], "fires");
}

TEST(Prove, AllKindsOfTestsCanBeMet) {
  const char* const items[] = {"CommandLine|re: '^[a-z]{3}\\d+$'",
                               "CommandLine|windash|contains: ' -enc '",
                               "CommandLine|base64offset|contains: 'IEX'",
                               "CommandLine|wide|base64offset|contains: 'ping'",
                               "ProcessId|gt: 100",
                               "User|fieldref: ParentUser",
                               "User|cased: Bob",
                               "CommandLine: null",
                               "CommandLine|exists: false",
                               "CommandLine: ''",
                               "md5: 0123456789abcdef0123456789abcdef",
                               "Image: 'C:\\*\\?.exe'",
                               "'|all': [ one, two ]",
                               "UtcTime|hour|gte: 22",
                               "Image|neq: x"};
  for (const char* item : items) {
    const Proof p =
        proof(process_rule(std::string("  sel:\n    ") + item + "\n  condition: sel\n"));
    EXPECT_TRUE(p.fires) << item << ": " << p.reason << "\n" << p.text.line;
  }
}

TEST(Prove, SyslogIsWrittenAsMessagesOfTheProgramThatTheLogSourceMeans) {
  const auto rule = [](const std::string& logsource, const std::string& detection) {
    return "title: T\nid: 6e9f6a3c-0000-4000-8000-000000000001\nlogsource: { " + logsource +
           " }\ndetection:\n" + detection;
  };
  const std::string keywords =
      "  words: [ 'core dumped', 'worker * exited' ]\n  not_it: [ harmless ]\n"
      "  condition: words and not not_it\n";
  for (const char* logsource :
       {"product: linux, service: auth", "product: linux, service: cron", "service: nginx",
        "product: cisco, service: aaa", "product: jvm, category: application"}) {
    const Proof p = proof(rule(logsource, keywords));
    EXPECT_TRUE(p.fires) << logsource << ": " << p.reason << "\n" << p.text.line;
    EXPECT_EQ(p.text.form, Evidence::kSyslog);
    ASSERT_EQ(p.near_misses.size(), 2U);
    for (const ProvenNearMiss& m : p.near_misses)
      EXPECT_TRUE(m.silent) << m.condition << "\n" << m.text.line;
  }
  // A field that no message has a place for.
  EXPECT_FALSE(
      proof(rule("product: linux, service: sshd", "  sel: { Nothing: x }\n  condition: sel\n"))
          .fires);
}

TEST(Prove, OtherLogsHaveTheirOwnLayout) {
  const auto rule = [](const std::string& source, const std::string& items) {
    return "title: T\nlogsource: { " + source + " }\ndetection:\n  sel: { " + items +
           " }\n  condition: sel\n";
  };
  const std::pair<std::string, std::string> rules[] = {
      {rule("product: windows, service: security", "EventID: 4625, LogonType: 3"),
       "windows.security"},
      {rule("product: windows, category: ps_script", "ScriptBlockText|contains: x"),
       "windows.powershell"},
      {rule("product: windows, service: system", "EventID: 7045, Provider_Name: X"),
       "windows.event"},
      {rule("product: linux, service: auditd", "type: EXECVE, a0: 'rm x'"), "linux.auditd.record"},
      {rule("product: linux, category: process_creation", "Image: /bin/sh"), "linux.sysmon"},
      {rule("product: zeek, service: dns", "query|endswith: .example"), "zeek.dns"},
      {rule("product: macos, category: process_creation", "Image: /bin/sh"),
       "osquery.es_process_events"},
      {rule("product: aws, service: cloudtrail", "eventName: X, userIdentity.type: Root"),
       "json.object"}};
  for (const auto& [text, table] : rules) {
    const Proof p = proof(text);
    EXPECT_TRUE(p.fires) << text << p.reason << "\n" << p.text.line;
    EXPECT_EQ(p.table, table);
  }
}

TEST(Prove, WithoutAWitnessTheReasonIsTold) {
  EXPECT_EQ(proof(process_rule("  s:\n    Image: a\n  t:\n    Image: b\n  condition: s and t\n"))
                .reason.rfind("impossible: ", 0),
            0U);
  EXPECT_NE(
      proof("title: T\nlogsource: { product: nothing }\ndetection: { s: { a: b }, condition: s }\n")
          .reason.find("no evidence format"),
      std::string::npos);
  EXPECT_EQ(proof(process_rule("  s:\n    a|x: b\n  condition: s\n")).reason,
            "refused: unknown modifier: x");
}

TEST(Prove, TotalsAndReasonsAreWritten) {
  const auto set = load({process_rule("  s:\n    Image: a\n  condition: s\n"),
                         process_rule("  s:\n    Image: a\n  condition: s and not s\n", "Never")});
  std::ostringstream out;
  write_text(out, prove(*set, {}), false);
  EXPECT_NE(out.str().find("no witness: Never (rule1): impossible: "), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("1 of 1 conditions have a near miss that stays silent\n"
                           "1 of 2 rules have a witness\n"),
            std::string::npos)
      << out.str();
}

TEST(Solver, GivesUpRatherThanClaim) {
  // Many values on many fields: too many to try, but not impossible.
  std::vector<Goal> goals;
  for (int f = 0; f < 30; ++f) {
    std::vector<plan::ExprPtr> args = {plan::column("f" + std::to_string(f))};
    for (int v = 0; v < 30; ++v)
      args.push_back(plan::literal(data::Value::string("v" + std::to_string(v))));
    goals.push_back({plan::call("sigma.equals", std::move(args)), true});
  }
  Solver solver(nullptr, 500);
  EXPECT_EQ(solver.solve(goals, [](const std::vector<Literal>&) { return true; }),
            Solver::Answer::kFound);
  EXPECT_EQ(solver.solve(goals, [](const std::vector<Literal>&) { return false; }),
            Solver::Answer::kGaveUp);
}

}  // namespace
}  // namespace postern::check
