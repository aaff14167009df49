// Loading for a hunt, which keeps no more of a rule than what runs, against loading for those who
// explain rules.
#include "engine/rule_set.h"

#include <gtest/gtest.h>

#include "engine/hunt.h"

namespace postern::engine {
namespace {

std::shared_ptr<const Setup> setup() {
  static const auto made = make_setup();
  EXPECT_TRUE(made.ok());
  return *made;
}

std::unique_ptr<RuleSet> load(const std::vector<RuleText>& texts, bool keep_stages) {
  RuleOptions options;
  options.builtin = false;
  options.keep_stages = keep_stages;
  options.texts = texts;
  return RuleSet::load(setup(), options);
}

const char* const kSource = "logsource: { product: windows, category: process_creation }\n";

// Two rules in one file, of which a correlation in another file names the second.
std::vector<RuleText> correlated() {
  const std::string source = kSource;
  return {{"many",
           "title: Many\ncorrelation:\n  type: event_count\n  rules: [ second ]\n"
           "  group-by: [ User ]\n  timespan: 1m\n  condition: { gte: 2 }\n",
           "sigma"},
          {"both",
           "title: Broken\nname: none\n" + source +
               "detection:\n  sel: { CommandLine|gt: x }\n  condition: sel\n---\n"
               "title: First\nname: first\n" +
               source +
               "detection:\n  sel: { CommandLine: one }\n  condition: sel\n---\n"
               "title: Second\nname: second\n" +
               source + "detection:\n  sel: { CommandLine: two }\n  condition: sel\n",
           "sigma"}};
}

TEST(RuleSet, AHuntKeepsNoPlansAndResolvesCorrelationsAllTheSame) {
  const auto whole = load(correlated(), true);
  const auto lean = load(correlated(), false);
  ASSERT_EQ(lean->rules().size(), 3U);
  ASSERT_EQ(whole->rules().size(), 3U);
  EXPECT_EQ(lean->num_refused(), 1U);
  for (size_t i = 0; i < 3; ++i) {
    const LoadedRule& r = lean->rules()[i];
    EXPECT_EQ(r.rule.plan, nullptr) << r.rule.info.title;
    EXPECT_EQ(r.bound, nullptr);
    EXPECT_TRUE(r.rule.stages.empty());
    ASSERT_NE(r.optimized, nullptr);
    EXPECT_EQ(plan::to_text(*r.optimized), plan::to_text(*whole->rules()[i].optimized));
  }
  EXPECT_NE(plan::to_text(*lean->rules()[2].optimized).find("two"), std::string::npos);
  EXPECT_TRUE(lean->files()[0].text.empty());
  EXPECT_FALSE(lean->files()[1].text.empty()) << "its errors are shown with their lines";
  // What is wrong with the first document is told once, although the file is read twice.
  EXPECT_EQ(lean->files()[1].diagnostics.all().size(), whole->files()[1].diagnostics.all().size());
}

TEST(RuleSet, OptimizingLeavesTheBoundPlanAsItIs) {
  const std::vector<RuleText> texts = {
      {"q",
       "SecurityEvent | where EventID == 4625 | extend a = strcat(Account, '!')\n"
       "| join kind=inner (SecurityEvent | where EventID == 4624) on Computer\n"
       "| where a == 'x!' | project a, Computer | sort by a",
       "kql"}};
  const auto set = load(texts, true);
  ASSERT_EQ(set->rules().size(), 1U);
  const LoadedRule& r = set->rules()[0];
  // The bound plan still has its filters above the scans, and every column of the table.
  EXPECT_NE(plan::to_text(*r.bound).find("filter EventID == 4625"), std::string::npos);
  const std::vector<const plan::Op*> bound = plan::scans(*r.bound);
  const std::vector<const plan::Op*> pruned = plan::scans(*r.optimized);
  ASSERT_EQ(bound.size(), 2U);
  ASSERT_EQ(pruned.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_GT(bound[i]->schema.size(), 100U);
    EXPECT_LT(pruned[i]->schema.size(), 5U);
    for (const plan::Branch& b : bound[i]->branches)
      EXPECT_TRUE(!b.where || plan::to_text(*b.where).find("4625") == std::string::npos);
  }
  EXPECT_EQ(plan::to_text(*load(texts, false)->rules()[0].optimized), plan::to_text(*r.optimized));
}

TEST(RuleSet, AggregatesThatNobodyReadGo) {
  const auto set = load(
      {{"q",
        "SecurityEvent | summarize arg_max(TimeGenerated, *), n = count() by Computer, Account\n"
        "| project Computer, EventID",
        "kql"}},
      false);
  ASSERT_EQ(set->rules().size(), 1U);
  const plan::Op& plan = *set->rules()[0].optimized;
  EXPECT_NE(plan::to_text(plan).find(
                "aggregate EventID=arg_max(TimeGenerated, EventID) by Computer, Account"),
            std::string::npos)
      << plan::to_text(plan);
  EXPECT_EQ(plan::scans(plan)[0]->schema.size(), 4U);
}

TEST(RuleSet, AConditionOnKeysIsAskedBeforeTheRowsAreGrouped) {
  const auto set = load({{"q",
                          "SecurityEvent | summarize n = count() by Account, d = bin(EventID, 10)\n"
                          "| where Account == 'x' and n > 1 and d < 5",
                          "kql"}},
                        false);
  ASSERT_EQ(set->rules().size(), 1U);
  const plan::Op& plan = *set->rules()[0].optimized;
  const std::string text = plan::to_text(plan);
  EXPECT_EQ(text.substr(0, text.find('\n')), "filter n > 1") << text;
  for (const plan::Branch& b : plan::scans(plan)[0]->branches) {
    ASSERT_NE(b.where, nullptr);
    const std::string where = plan::to_text(*b.where);
    EXPECT_NE(where.find("\"x\""), std::string::npos) << where;
    EXPECT_NE(where.find(", 10) < 5"), std::string::npos) << where;
  }
}

TEST(RuleSet, AMacroFileIsKnownByItsKeysNotByItsWords) {
  // `definition` of a log source is no macro, and what is wrong with the file is told once.
  const auto set = load({{"r.yml",
                          "title: T\nlogsource:\n  product: windows\n  definition: needs audit\n"
                          "detection: [\n",
                          "sigma"}},
                        false);
  ASSERT_EQ(set->files().front().diagnostics.all().size(), 1U);
}

}  // namespace
}  // namespace postern::engine
