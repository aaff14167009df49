// What is left out of records of other kinds is what no filter looks at there.
#include "engine/record_kinds.h"

#include <gtest/gtest.h>

#include "engine/scan_program.h"

namespace postern::engine {
namespace {

using Texts = std::set<std::string>;

/// Rules for `service: auditd` with these selections and conditions.
std::unique_ptr<RuleSet> load(const std::vector<std::string>& detections) {
  static const auto setup = make_setup();
  EXPECT_TRUE(setup.ok());
  RuleOptions options;
  options.builtin = false;
  for (const std::string& d : detections) {
    const std::string name = "r" + std::to_string(options.texts.size()) + ".yml";
    options.texts.push_back({name,
                             "title: " + name +
                                 "\nlogsource:\n  product: linux\n  service: auditd\n"
                                 "detection:\n" +
                                 d + "level: low\n",
                             "sigma"});
  }
  return RuleSet::load(*setup, options);
}

std::optional<Texts> required(const std::string& detection) {
  const auto rules = load({detection});
  const auto programs = ScanPrograms::make(*rules);
  EXPECT_TRUE(programs.ok());
  const TableProgram* table = (*programs)->table("linux.auditd.record");
  EXPECT_TRUE(table && table->branches.size() == 1) << detection;
  return required_texts(table->branches[0].branch->where, "type");
}

TEST(RecordKinds, AreRequiredByTestsThatMustHold) {
  EXPECT_EQ(required("  s:\n    type: EXECVE\n    a0: x\n  condition: s\n"), Texts{"execve"});
  EXPECT_EQ(required("  s:\n    type: [EXECVE, Path]\n    a0: x\n  condition: s\n"),
            (Texts{"execve", "path"}));
  EXPECT_EQ(required("  s:\n    type: EXECVE\n  t:\n    type: PATH\n    name: y\n"
                     "  condition: s or t\n"),
            (Texts{"execve", "path"}));
  EXPECT_EQ(required("  s:\n    type: EXECVE\n  t:\n    a1: x\n  condition: s and not t\n"),
            Texts{"execve"});
}

TEST(RecordKinds, AreNotRequiredWhereAnotherMayPass) {
  for (const char* d :
       {"  s:\n    type: EXECVE\n  t:\n    a0: y\n  condition: s or t\n",
        "  s:\n    type: EXECVE\n  t:\n    a0: y\n  condition: t and not s\n",
        "  s:\n    type: 'EXEC*'\n    a0: x\n  condition: s\n",
        "  s:\n    type|contains: EXECVE\n    a0: x\n  condition: s\n",
        "  s:\n    type: 1309\n    a0: x\n  condition: s\n", "  s:\n    a0: x\n  condition: s\n",
        "  s:\n    key: EXECVE\n    a0: x\n  condition: s\n"})
    EXPECT_EQ(required(d), std::nullopt) << d;
}

const std::vector<std::string> kRules = {
    "  s:\n    type: EXECVE\n    a1: x\n  k:\n    - 'wget http'\n  condition: s and k\n",
    "  s:\n    type: path\n    name: y\n  condition: s\n",
    "  s:\n    exe: z\n  condition: s\n",
};

TEST(RecordKinds, HaveTheColumnsOfTheRulesThatWantThem) {
  const auto rules = load(kRules);
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const data::Layout& layout = *(*programs)->table("linux.auditd.record")->layout;
  const auto read = [&](const char* kind) {
    Texts names;
    for (const data::Layout::Field& f : layout.fields())
      if (layout.kind(kind)->reads[static_cast<size_t>(layout.slot(f.name))]) names.insert(f.name);
    return names;
  };
  EXPECT_EQ(read("execve"), (Texts{"type", "a1", "exe", "_values", "_text"}));
  EXPECT_EQ(read("path"), (Texts{"type", "name", "exe"}));
  EXPECT_EQ(read("syscall"), (Texts{"type", "exe"})) << "as any kind that no rule names";
  ASSERT_NE(layout.kind("execve")->text_gate, nullptr);
  EXPECT_TRUE(layout.kind("execve")->text_gate->may_hold_plain("x wget http y"));
  EXPECT_FALSE(layout.kind("execve")->text_gate->may_hold_plain("x wget ftp y"));
  EXPECT_EQ(layout.kind("path")->text_gate, nullptr);
}

TEST(RecordKinds, AreOneGroupWhereTheSameFiltersAskForThem) {
  const auto rules = load({"  s:\n    type: [EXECVE, PATH]\n    a1: x\n  condition: s\n",
                           "  s:\n    type: syscall\n    a0: y\n  condition: s\n", kRules[2]});
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const RecordKinds& kinds = (*programs)->table("linux.auditd.record")->kinds;
  EXPECT_EQ(kinds.filters, (std::vector<std::vector<uint32_t>>{{2}, {0, 2}, {1, 2}}));
  KindLookup lookup(kinds);
  for (const char* text : {"EXECVE", "execve", "Path", "PATH", "EXECVE"})
    EXPECT_EQ(lookup.group(text), 1U) << text;
  for (const char* text : {"SYSCALL", "syscall"})
    EXPECT_EQ(lookup.group(text), 2U) << text;
  for (const char* text : {"", "CWD", "EXEC"})
    EXPECT_EQ(lookup.group(text), 0U) << text;
}

TEST(RecordKinds, AreAllReadAlikeWhereNoRuleNamesOneOrNobodyAsked) {
  const auto no_kinds = load({kRules[2]});
  const auto programs = ScanPrograms::make(*no_kinds);
  ASSERT_TRUE(programs.ok());
  EXPECT_EQ((*programs)->table("linux.auditd.record")->layout->kind("execve"), nullptr);
  const auto rules = load(kRules);
  const auto plain = ScanPrograms::make(*rules, false, false);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ((*plain)->table("linux.auditd.record")->layout->kind("execve"), nullptr);
}

}  // namespace
}  // namespace postern::engine
