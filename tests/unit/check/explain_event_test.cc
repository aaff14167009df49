#include "check/explain_event.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "check/rule_report.h"
#include "rules_fixture.h"

namespace postern::check {
namespace {

using test::load;
using test::process_rule;

std::string explained(const std::string& rule, const std::string& events) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("postern-explain-" + std::to_string(getpid()) + ".json");
  std::ofstream(path) << events;
  const auto set = load({rule});
  std::ostringstream out;
  const auto told = explain_event(out, *set, path.string());
  std::filesystem::remove(path);
  return told ? out.str() : told.error().message;
}

constexpr const char* kSysmon =
    R"("Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"Microsoft-Windows-Sysmon",)";

TEST(ExplainEvent, EachPartSaysWhetherItHeldAndOnWhat) {
  const std::string rule = process_rule(
      "  sel:\n    Image|endswith: ['\\a.exe', '\\b.exe']\n    User: bob\n"
      "  filter:\n    CommandLine|contains: ok\n  condition: sel and not filter\n");
  EXPECT_EQ(explained(rule, std::string("{\"EventID\":1,") + kSysmon +
                                R"("Image":"C:\\b.exe","CommandLine":"x ok"})" + "\n" +
                                R"({"EventID":3,)" + kSysmon + R"("Image":"C:\\b.exe"})" + "\n"),
            R"(rule: T
event 1 (windows.sysmon, record 1): does not fire
  log source: EventID == 1
  no   all of
    yes  Image endswith ("\\a.exe", "\\b.exe")   [Image: "C:\\b.exe"]   held: "\\b.exe"
    no   User = "bob"   [User is missing]
    no   not CommandLine contains "ok"   [CommandLine: "x ok"]
event 2 (windows.sysmon, record 2): not of this rule's log source
  no   EventID == 1   [EventID: 3]
)");
}

TEST(ExplainEvent, ThroughAViewTheRulesOwnWordsAreShown) {
  const std::string out = explained(
      process_rule("  sel:\n    Image|endswith: '\\a.exe'\n  condition: sel\n"),
      R"({"EventID":4688,"Channel":"Security","SourceName":"Microsoft-Windows-Security-Auditing","NewProcessName":"C:\\a.exe"})"
      "\n");
  EXPECT_NE(out.find("(windows.security, record 1): fires"), std::string::npos) << out;
  EXPECT_NE(out.find("[Image: \"C:\\\\a.exe\"]"), std::string::npos) << out;
}

TEST(ExplainEvent, AFileOfNoFormatIsAnError) {
  EXPECT_NE(explained(process_rule("  sel:\n    Image: a\n  condition: sel\n"), "\x01\x02\x03")
                .find("no known format"),
            std::string::npos);
}

TEST(RuleReport, JsonAndSarifHoldPlaceAndHint) {
  const auto set =
      load({"title: T\nlogsource: { product: windows, category: process_creation }\n"
            "detection:\n  sel: { \"Im\u00e4ge|containz\": a }\n  condition: sel\n"});
  std::ostringstream json;
  EXPECT_EQ(write_json(json, *set, {}), 1U);
  EXPECT_NE(
      json.str().find(R"("code":"sigma-unknown-modifier","message":"unknown modifier: containz")"),
      std::string::npos)
      << json.str();
  EXPECT_NE(json.str().find(R"("line":4)"), std::string::npos);
  EXPECT_NE(json.str().find(R"("hint":"did you mean `contains`?")"), std::string::npos);
  std::ostringstream sarif;
  EXPECT_EQ(write_sarif(sarif, *set, {}), 1U);
  for (const char* part : {R"("version":"2.1.0")", R"("ruleId":"sigma-unknown-modifier")",
                           R"("level":"error")", R"("uri":"rule0")", R"("startLine":4)"})
    EXPECT_NE(sarif.str().find(part), std::string::npos) << part << "\n" << sarif.str();
}

}  // namespace
}  // namespace postern::check
