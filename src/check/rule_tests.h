// Tests of rules: evidence, and what a rule must find in it.
//
// Two forms are read. SigmaHQ's `info.yml` of a regression_data folder: one rule (its id, and by
// convention the rule file of the same path beside regression_data), evidence files, `match_count`
// as the least number of findings (1 where absent). And our own, `NAME.test.yml` beside `NAME.yml`:
//
//   rule: other.yml              # default: NAME.yml
//   tests:
//     - name: fires on the tool
//       evidence: [ a.evtx ]     # files beside the test, or …
//       events:                  # … events as a log would hold them: maps, or a text of any format
//         - { EventID: 1, Channel: Microsoft-Windows-Sysmon/Operational, SourceName:
//             Microsoft-Windows-Sysmon, Image: 'C:\x.exe' }
//       findings: 1              # exactly so many, or a list of maps that each hold for one
//     - name: keeps quiet
//       events: …
//       silence: true
//
// SigmaHQ's tests run in one hunt, where findings are told apart by rule and evidence; each of our
// own has a hunt of its own, because a query counts and joins whatever evidence there is. Tests:
// tests/unit/check/rule_tests_test.cc; docs/rule-tests.md.
#pragma once
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "engine/hunt.h"
#include "engine/rule_set.h"

namespace postern::check {

struct RuleTest {
  std::string file;  ///< where it is written
  std::string name;
  std::string rule_id;    ///< SigmaHQ's form: of the rule that must fire
  std::string rule_path;  ///< file of the rule; "" when only its id is known
  std::vector<std::string> evidence;
  std::string events;  ///< evidence inside the test
  size_t at_least = 1;
  std::optional<size_t> exactly;
  std::vector<std::vector<std::pair<std::string, std::string>>> rows;  ///< one finding for each
  bool own_form = false;
  std::string broken;  ///< not empty: why it cannot run
};

struct RuleTestResult {
  size_t test = 0;  ///< index into RuleTestRun::tests
  bool passed = false;
  size_t findings = 0;
  std::string message;  ///< of a failed one
  std::string note;     ///< of a passed one: more findings than expected
};

struct RuleTestRun {
  std::vector<RuleTest> tests;
  std::vector<RuleTestResult> results;
  double seconds = 0;

  size_t num_passed() const;
};

/// Finds and runs all tests below `folder`. `options.paths` are the rules; empty: those that the
/// tests name. `json_twin`: `x.json` beside each `x.evtx` instead of it. Error: nothing to read.
Result<RuleTestRun> run_rule_tests(const std::string& folder,
                                   bool json_twin,
                                   const std::shared_ptr<const engine::Setup>& setup,
                                   engine::RuleOptions options,
                                   engine::HuntOptions hunt);

void write_text(std::ostream& out, const RuleTestRun& run, bool verbose);
void write_junit(std::ostream& out, const RuleTestRun& run);

}  // namespace postern::check
