#include "cli/flags.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

TEST(Flags, TakesEveryWayOfGivingAValue) {
  const Result<Arguments> a =
      parse({"hunt", "-j4", "--rules", "a", "--rules=b", "--", "-odd", "evidence"});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->get("--threads"), "4");
  EXPECT_EQ(a->all("--rules"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(a->positional, (std::vector<std::string>{"-odd", "evidence"}));
}

TEST(Flags, HelpsWithTypingMistakes) {
  EXPECT_EQ(parse({"hnut"}).error().message, "unknown command: hnut; did you mean `hunt`?");
  EXPECT_EQ(parse({"hunt", "--rule", "x"}).error().message,
            "unknown option of `hunt`: --rule; did you mean `--rules`?");
  EXPECT_EQ(parse({"hunt", "--format"}).error().message, "option --format needs a value: FORMAT");
  EXPECT_EQ(parse({"hunt", "--strict=yes"}).error().message, "option --strict takes no value");
  EXPECT_EQ(parse({"hunt", "--now", "1", "--now", "2"}).error().message,
            "option --now is given twice");
}

TEST(Flags, KnowsTwoWordVerbs) {
  const Result<Arguments> a = parse({"rules", "check", "x"});
  ASSERT_TRUE(a);
  EXPECT_STREQ(a->verb->name, "rules check");
  EXPECT_FALSE(parse({"rules", "chek"}));
}

TEST(Flags, OneTableMakesHelpManPageAndCompletions) {
  for (const Verb& v : verbs()) {
    EXPECT_NE(help().find(v.name), std::string::npos) << v.name;
    for (const Flag& f : v.flags) {
      EXPECT_NE(help(v).find(f.name), std::string::npos) << f.name;
      EXPECT_NE(completions("bash").find(f.name), std::string::npos) << f.name;
    }
  }
  EXPECT_NE(man_page().find(".TH POSTERN 1"), std::string::npos);
}

}  // namespace
}  // namespace postern::cli
