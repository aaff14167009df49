// Tests of rules: both forms, what they expect, and what is said when it does not come.
#include "check/rule_tests.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace postern::check {
namespace {

constexpr const char* kRule = R"(title: Whoami
id: 11111111-1111-1111-1111-111111111111
logsource: { product: windows, category: process_creation }
detection:
  sel:
    Image|endswith: '\whoami.exe'
  condition: sel
)";

class Folder {
 public:
  Folder() {
    path_ = std::filesystem::temp_directory_path() /
            ("postern-" + std::to_string(getpid()) + "-" +
             testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(path_);
  }

  ~Folder() { std::filesystem::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path p = path_ / name;
    std::filesystem::create_directories(p.parent_path());
    std::ofstream(p) << text;
  }

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

RuleTestRun run(const Folder& f, bool json_twin = false) {
  const auto setup = engine::make_setup();
  EXPECT_TRUE(setup.ok());
  auto r = run_rule_tests(f.path(), json_twin, *setup, {}, {});
  EXPECT_TRUE(r.ok()) << r.error().message;
  return r ? *r : RuleTestRun{};
}

std::string summary(const RuleTestRun& r) {
  std::string out;
  for (const RuleTestResult& t : r.results)
    out += r.tests[t.test].name + ": " + (t.passed ? "ok" : t.message) + "\n";
  return out;
}

TEST(RuleTests, OurOwnFormExpectsCountsRowsAndSilence) {
  const Folder f;
  f.write("whoami.yml", kRule);
  f.write("whoami.test.yml", R"(tests:
  - name: one
    events: &events
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\whoami.exe' }
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: B, Image: 'C:\cmd.exe' }
    findings: 1
  - name: row
    events: *events
    findings: [ { Computer: A } ]
  - name: wrong row
    events: *events
    findings: [ { Computer: B } ]
  - name: silent
    events: |
      {"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"Microsoft-Windows-Sysmon","Image":"C:\\cmd.exe"}
    silence: true
  - name: not silent
    events: *events
    silence: true
  - name: nothing expected
    events: *events
)");
  EXPECT_EQ(summary(run(f)),
            "one: ok\nrow: ok\nwrong row: no finding has {Computer: B}\nsilent: ok\n"
            "not silent: expected 0 findings, got 1\n"
            "nothing expected: a test needs `findings` or `silence`\n");
}

TEST(RuleTests, EvidenceOfOneTestIsNoneOfAnother) {
  const Folder f;
  f.write("count.yml", R"(id: 22222222-2222-2222-2222-222222222222
name: Three of one machine
severity: Low
query: HostProcesses | summarize n = count() by Host | where n >= 3
)");
  f.write("count.test.yml", R"(tests:
  - name: three
    events: &events
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\a.exe' }
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\b.exe' }
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\c.exe' }
    findings: [ { n: 3 } ]
  - name: three again
    events: *events
    findings: [ { n: 3 } ]
  - name: one
    events:
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\d.exe' }
    silence: true
)");
  EXPECT_EQ(summary(run(f)), "three: ok\nthree again: ok\none: ok\n");
}

TEST(RuleTests, ATestFileIsNoRule) {
  const Folder f;
  f.write("whoami.yml", kRule);
  f.write("whoami.test.yml", "tests: [ { name: n, events: [ { a: 1 } ], silence: true } ]\n");
  const auto setup = engine::make_setup();
  ASSERT_TRUE(setup.ok());
  engine::RuleOptions options;
  options.builtin = false;
  options.paths = {f.path()};
  const auto rules = engine::RuleSet::load(*setup, options);
  EXPECT_EQ(rules->rules().size(), 1u);
  EXPECT_EQ(rules->num_refused(), 0u);
}

TEST(RuleTests, ABindingOfAnAnalyticIsTestedAlone) {
  const Folder f;
  f.write("DET9001.yml", R"(strategy: DET9001
analytics:
  - analytic: AN9001
    level: low
    requires:
      - { name: "x", any_of: [{ table: windows.sysmon, event_ids: [1] }] }
    key: [Host]
    query: |
      HostProcesses | project Host, ImageName
)");
  f.write("DET9001.test.yml", R"(tests:
  - name: it runs
    events:
      - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName: Microsoft-Windows-Sysmon, Hostname: A, Image: 'C:\a.exe' }
    findings: [ { Host: A, ImageName: a.exe } ]
)");
  EXPECT_EQ(summary(run(f)), "it runs: ok\n");
}

TEST(RuleTests, RegressionFoldersNameTheirRuleByTheirPath) {
  const Folder f;
  f.write("rules/windows/whoami.yml", kRule);
  const std::string folder = "regression_data/rules/windows/whoami/";
  f.write(folder + "info.yml", R"(rule_metadata:
  - id: 11111111-1111-1111-1111-111111111111
regression_tests_info:
  - { name: Positive, type: evtx, match_count: 2, path: x/11111111-1111-1111-1111-111111111111.evtx }
)");
  const std::string event =
      R"({"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"Microsoft-Windows-Sysmon","Image":"C:\\whoami.exe"})";
  const std::string twin = folder + "11111111-1111-1111-1111-111111111111.json";
  f.write(twin, event + "\n");
  EXPECT_EQ(summary(run(f, true)), "whoami.yml: Positive: expected at least 2 findings, got 1\n");
  f.write(twin, event + "\n" + event + "\n" + event + "\n");
  const RuleTestRun three = run(f, true);
  EXPECT_EQ(summary(three), "whoami.yml: Positive: ok\n");
  EXPECT_EQ(three.results.at(0).note, "3 findings, expected 2");
  EXPECT_NE(summary(run(f, false)).find("no evidence at"), std::string::npos);
}

TEST(RuleTests, ARefusedRuleFailsItsTestsWithItsError) {
  const Folder f;
  f.write(
      "bad.yml",
      "title: A\nlogsource: { product: windows }\ndetection: { s: { a|x: 1 }, condition: s }\n");
  f.write("bad.test.yml", "tests: [ { name: n, events: [ { a: 1 } ], findings: 1 } ]\n");
  EXPECT_EQ(summary(run(f)), "n: the rule is refused: unknown modifier: x\n");
}

TEST(RuleTests, JunitEscapesWhatXmlCannotHold) {
  RuleTestRun r;
  r.tests.push_back({});
  r.tests[0].file = "a&b.yml";
  r.tests[0].name = "less < \x01 \"more\"";
  r.results.push_back({0, false, 0, "<none>", ""});
  std::ostringstream out;
  write_junit(out, r);
  EXPECT_NE(out.str().find("classname=\"a&amp;b.yml\" name=\"less &lt;   &quot;more&quot;\""),
            std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("<failure message=\"&lt;none&gt;\">"), std::string::npos);
  EXPECT_NE(out.str().find("failures=\"1\""), std::string::npos);
}

}  // namespace
}  // namespace postern::check
