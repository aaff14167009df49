#include "lang/sigma/modifier.h"

#include <gtest/gtest.h>

#include "sigma_fixture.h"

namespace postern::lang::sigma {
namespace {

using test::condition_of;
using test::read_detection;

std::string with_key(const std::string& key, const std::string& value = "x") {
  return "  sel:\n    " + key + ": " + value + "\n  condition: sel\n";
}

TEST(Modifiers, ChainsDoNotDependOnOrder) {
  EXPECT_EQ(condition_of(with_key("f|contains|windash")),
            condition_of(with_key("f|windash|contains")));
  EXPECT_EQ(condition_of(with_key("f|all|contains|cased", "[a, b]")),
            condition_of(with_key("f|cased|contains|all", "[a, b]")));
  EXPECT_EQ(condition_of(with_key("f|neq|endswith")), condition_of(with_key("f|endswith|neq")));
}

TEST(Modifiers, EncodingsApplyInTheOrderWritten) {
  EXPECT_EQ(condition_of(with_key("f|wide|base64offset|contains", "ping")),
            R"(contains(f, base64offset(wide("ping"))))");
  EXPECT_EQ(condition_of(with_key("f|contains|base64|utf16be", "ping")),
            R"(contains(f, utf16be(base64("ping"))))");
}

TEST(Modifiers, WideIsUtf16LittleEndian) {
  EXPECT_EQ(condition_of(with_key("f|wide")), condition_of(with_key("f|utf16le")));
}

TEST(Modifiers, UnknownOnesAreAllToldWithAHint) {
  EXPECT_EQ(read_detection(with_key("f|containz|foo")).messages(),
            R"(error[sigma-unknown-modifier]: unknown modifier: containz
 --> rule:6:7
6 |     f|containz|foo: x
  |       ^^^^^^^^ not a Sigma modifier
  = hint: did you mean `contains`?
error[sigma-unknown-modifier]: unknown modifier: foo
 --> rule:6:16
6 |     f|containz|foo: x
  |                ^^^ not a Sigma modifier
)");
}

TEST(Modifiers, NamesAreLowerCase) {
  EXPECT_EQ(read_detection(with_key("f|Contains")).summary(),
            "sigma-unknown-modifier: unknown modifier: Contains\n");
}

TEST(Modifiers, ThoseThatDoNotGoTogetherAreRefused) {
  struct Case {
    const char* key;
    const char* value;
    const char* message;
  };

  const Case cases[] = {
      {"f|contains|startswith", "x", "`contains` and `startswith` cannot be combined"},
      {"f|cidr|contains", "10.0.0.0/8", "`cidr` and `contains` cannot be combined"},
      {"f|startswith|exists", "true", "`startswith` and `exists` cannot be combined"},
      {"f|exists|neq", "true", "`exists` and `neq` cannot be combined"},
      {"f|contains|re", "x", "`re` must come before `contains`"},
      {"f|re|base64", "x", "`re` and `base64` cannot be combined"},
      {"f|re|cased", "x", "`re` and `cased` cannot be combined"},
      {"f|lt|contains", "5", "`lt` and `contains` cannot be combined"},
      {"f|i", "x", "`i` is a flag of `re`"},
      {"f|contains|contains", "x", "modifier given twice: contains"},
      {"f|fieldref|re", "g", "`fieldref` and `re` cannot be combined"},
      {"f|hour|contains", "5", "`hour` and `contains` cannot be combined"},
      {"f|fieldref|expand", "g", "`fieldref` and `expand` cannot be combined"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(read_detection(with_key(c.key, c.value)).summary(),
              std::string("sigma-modifier-conflict: ") + c.message + "\n")
        << c.key;
}

TEST(Modifiers, RegexFlagsMayStandInAnyOrder) {
  EXPECT_EQ(condition_of(with_key("f|re|s|i|m")), R"(re_ims(f, "x"))");
  EXPECT_EQ(condition_of(with_key("f|re|i")), R"(re_i(f, "x"))");
  EXPECT_EQ(condition_of(with_key("f|re")), R"(re(f, "x"))");
}

TEST(Modifiers, ARegexMayBeAnchored) {
  EXPECT_EQ(condition_of(with_key("f|re|contains", "x.*y")), R"(re(f, "x.*y"))");
  EXPECT_EQ(condition_of(with_key("f|re|startswith")), R"x(re(f, "\\A(?:x)"))x");
  EXPECT_EQ(condition_of(with_key("f|re|endswith")), R"x(re(f, "(?:x)\\z"))x");
}

TEST(Modifiers, AnEmptyOneIsUnknown) {
  EXPECT_EQ(read_detection(with_key("f|")).summary(),
            "sigma-unknown-modifier: unknown modifier: \n");
}

}  // namespace
}  // namespace postern::lang::sigma
