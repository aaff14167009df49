#include "check/lint.h"

#include "rules_fixture.h"

namespace postern::check {
namespace {

using test::load;
using test::process_rule;

std::string linted(const std::vector<std::string>& rules) {
  const auto set = load(rules);
  std::string out;
  for (const engine::RuleFile& f : set->files())
    for (const Diagnostic& d : f.diagnostics.all())
      if (f.path.rfind("builtin:", 0) != 0 && d.severity == Severity::kError)
        out += d.message + "\n";
  for (const LintFinding& l : lint(*set)) {
    const engine::RuleFile& f = set->files()[l.file];
    out += f.path + ":" + std::to_string(line_column(f.text, l.diagnostic.primary.begin).line) +
           " " + l.diagnostic.code + ": " + l.diagnostic.message +
           (l.diagnostic.hint.empty() ? "" : " (" + l.diagnostic.hint + ")") + "\n";
  }
  return out;
}

TEST(Lint, ARuleInOrderHasNothing) {
  EXPECT_EQ(
      linted({process_rule("  sel:\n    Image|endswith: '\\a.exe'\n    CommandLine|contains: x\n"
                           "  filter:\n    User: y\n  condition: sel and not filter\n")}),
      "");
}

TEST(Lint, PartsThatExcludeEachOtherAreAProof) {
  EXPECT_EQ(linted({process_rule(
                "  sel:\n    Image|endswith: '\\a.exe'\n  other:\n    Image: 'C:\\b.exe'\n"
                "  condition: sel and other\n")}),
            "rule0:8 sigma-never-true: this condition can never be true: Image endswith "
            "\"\\\\a.exe\" and "
            "Image = \"C:\\\\b.exe\" exclude each other\n");
  EXPECT_NE(linted({process_rule("  sel:\n    Image: a\n  condition: sel and not sel\n")})
                .find("is asked for and ruled out"),
            std::string::npos);
  // One way out is enough.
  EXPECT_EQ(linted({process_rule("  sel:\n    Image: [a, b]\n  other:\n    Image: b\n"
                                 "  condition: sel and other\n")}),
            "");
}

TEST(Lint, AValueThatItsColumnCannotHoldIsImpossible) {
  EXPECT_NE(linted({"title: T\nlogsource: { product: windows, category: network_connection }\n"
                    "detection:\n  sel:\n    Initiated: outbound\n  condition: sel\n"})
                .find("sigma-never-true"),
            std::string::npos);
  EXPECT_NE(linted({"title: T\nlogsource: { product: windows, category: network_connection }\n"
                    "detection:\n  sel:\n    DestinationPort: https\n  condition: sel\n"})
                .find("has a value that the field cannot hold"),
            std::string::npos);
}

TEST(Lint, ValuesThatMatchEverythingAreTold) {
  for (const char* item : {"CommandLine|contains: ''", "CommandLine|contains: '*'",
                           "CommandLine|re: '.*'", "CommandLine|endswith: '**'"})
    EXPECT_NE(linted({process_rule(std::string("  sel:\n    ") + item + "\n  condition: sel\n")})
                  .find("rule0:5 sigma-matches-everything"),
              std::string::npos)
        << item;
  EXPECT_EQ(linted({process_rule("  sel:\n    CommandLine: '*'\n  condition: sel\n")}), "");
  EXPECT_EQ(linted({process_rule("  sel:\n    CommandLine|re: '^.+$'\n  condition: sel\n")}), "");
}

TEST(Lint, FieldsThatTheLogSourceLacksAreTold) {
  EXPECT_EQ(
      linted({"title: T\nlogsource: { product: windows, category: file_event }\ndetection:\n"
              "  sel:\n    TargetFileName: a\n  condition: sel\n"}),
      "rule0:5 sigma-unknown-field: field names keep their case: no field TargetFileName (did you "
      "mean `TargetFilename`?)\n");
  EXPECT_EQ(
      linted({"title: T\nlogsource: { product: windows, category: registry_set }\ndetection:\n"
              "  sel:\n    CommandLine: a\n  condition: sel\n"}),
      "rule0:5 sigma-unknown-field: this log source has no field CommandLine\n");
}

TEST(Lint, EqualAndShadowedRulesNameTheOther) {
  const std::string one = process_rule("  s:\n    Image: a\n    User: b\n  condition: s\n", "One");
  const std::string two =
      process_rule("  x:\n    User: b\n  y:\n    Image: a\n  condition: x and y\n", "Two");
  const std::string wide =
      process_rule("  s:\n    Image|endswith: [a, c]\n  condition: s\n", "Wide");
  EXPECT_EQ(linted({one, two}),
            "rule1:8 sigma-equal-rules: says the same as One (rule0) (keep one of them)\n");
  EXPECT_EQ(linted({one, wide}),
            "rule0:5 sigma-shadowed-rule: fires only where Wide (rule1) fires too\n");
  // Another log source is another rule.
  EXPECT_EQ(linted({one,
                    "title: T\nlogsource: { product: linux, category: process_creation }\n"
                    "detection:\n  s: { Image: a, User: b }\n  condition: s\n"}),
            "");
}

}  // namespace
}  // namespace postern::check
