#include "lang/strategy/predicate.h"

#include <gtest/gtest.h>

namespace postern::lang::strategy {
namespace {

std::string faults(std::string_view text) {
  std::string out;
  for (const PredicateFault& f : check_predicate(text).faults)
    out += std::string(text.substr(f.begin, f.end - f.begin)) + ": " + f.message + "\n";
  return out;
}

TEST(Predicate, AcceptsWhatTheGrammarHas) {
  for (
      const char* good : {
          R"(processImagePath CONTAINS "curl")",
          R"(processImagePath CONTAINS[cd] 'curl' OR processImagePath ENDSWITH "osascript")",
          R"(subsystem == "com.apple.mail" AND (category = "smtp" || category == "imap") && !(process == "Mail"))",
          R"(process IN {"curl", "osascript", 'nc'})",
          R"(processID BETWEEN {1, 100} and messageType >= 16)",
          R"(eventMessage MATCHES[c] ".*Mail.*" AND NOT eventMessage LIKE "a?b*")",
          R"(ANY tags.name == "x" OR ALL items.@count > 3 OR NONE a.b[0] != nil)",
          R"(TRUEPREDICATE)",
          R"(logType = error or FALSEPREDICATE)",
          R"((a + b) * 2 > -c ** 2)",
          R"(((a == 1)))",
          R"(length(eventMessage) > 10 AND FUNCTION(x, "y:", 3) == 1)",
          R"($user BEGINSWITH "a" AND x == %@ AND name UTI-CONFORMS-TO "public.data")",
          R"(x NOT IN {1, 2})",
          R"(x <> 0x1F AND y =< 1.5e-3 AND z => .5)",
      })
    EXPECT_EQ(faults(good), "") << good;
}

TEST(Predicate, TellsAValueThatIsNoComparison) {
  const PredicateCheck c = check_predicate(R"(processImagePath CONTAINS "curl" OR "osascript")");
  ASSERT_EQ(c.faults.size(), 1u);
  EXPECT_EQ(c.faults[0].begin, 36u);
  EXPECT_EQ(c.faults[0].end, 47u);
  EXPECT_EQ(c.corrected,
            R"(processImagePath CONTAINS "curl" OR processImagePath CONTAINS "osascript")");
}

TEST(Predicate, TellsEveryLoneValueAndKeepsTheOptionsInTheRepair) {
  const PredicateCheck c = check_predicate(R"(a == 1 AND (process CONTAINS[c] "x" || "y" || 'z'))");
  EXPECT_EQ(c.faults.size(), 2u);
  EXPECT_EQ(
      c.corrected,
      R"(a == 1 AND (process CONTAINS[c] "x" || process CONTAINS[c] "y" || process CONTAINS[c] 'z'))");
}

TEST(Predicate, SeparatesTheRepairFromTheWordBeforeIt) {
  EXPECT_EQ(check_predicate(R"(a == "x" OR"y")").corrected, R"(a == "x" OR a == "y")");
}

TEST(Predicate, HasNoRepairWhereNothingWasComparedBefore) {
  const PredicateCheck c = check_predicate(R"("osascript" OR a == 1)");
  EXPECT_EQ(c.faults.size(), 1u);
  EXPECT_EQ(c.corrected, "");
}

TEST(Predicate, TellsOtherFaultsWithTheirPlace) {
  EXPECT_EQ(faults("process"), "process: `process` is not a comparison\n");
  EXPECT_EQ(faults("process =="), ": a value was expected\n");
  EXPECT_EQ(faults("process == \"a"), "\"a: the string has no end\n");
  EXPECT_EQ(faults("process CONTAINS[q] \"a\""),
            "q: `q` are not options of a comparison: c, d, n, l, w\n");
  EXPECT_EQ(faults("(a == 1"), ": `)` was expected\n");
  EXPECT_EQ(faults("a == 1 b == 2"), "b: `AND`, `OR` or the end of the predicate was expected\n");
  EXPECT_EQ(faults(""), ": the predicate is empty\n");
  EXPECT_EQ(faults("a == AND"), "AND: a value was expected, not `AND`\n");
  EXPECT_EQ(faults("a ~ 1"), "a: `a` is not a comparison\n");
}

TEST(Predicate, BoundsTheDepthAndTheWork) {
  EXPECT_NE(faults(std::string(5000, '(') + "a == 1"), "");
  EXPECT_NE(faults(std::string(90, '(') + "a"), "");
  std::string nots;
  for (int i = 0; i < 5000; ++i)
    nots += "NOT ";
  EXPECT_EQ(faults(nots + "a == 1"), "");
}

TEST(PredicateOption, IsFoundInTheCommandLine) {
  const auto o = predicate_of_command(R"(log stream --predicate 'process == "x"' --info)");
  ASSERT_TRUE(o);
  EXPECT_EQ(o->text, R"(process == "x")");
  EXPECT_EQ(o->begin, 24u);
  EXPECT_EQ(predicate_of_command("log stream --predicate process==1")->text, "process==1");
  EXPECT_FALSE(predicate_of_command("log stream --predicate"));
  EXPECT_FALSE(predicate_of_command("log stream - file subsystem"));
  EXPECT_FALSE(predicate_of_command("EventCode=3"));
}

}  // namespace
}  // namespace postern::lang::strategy
