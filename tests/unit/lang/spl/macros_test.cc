#include "lang/spl/macros.h"

#include <gtest/gtest.h>

namespace postern::lang::spl {
namespace {

TEST(MacrosTest, ReadsOneMacroPerYamlFile) {
  MacroTable t;
  Diagnostics diag;
  EXPECT_TRUE(t.add(
      {"m.yml", "name: ctime\narguments:\n- field\ndefinition: 'convert ctime($field$)'\n"}, diag));
  ASSERT_NE(t.find("ctime", 1), nullptr);
  EXPECT_EQ(t.find("ctime", 1)->definition, "convert ctime($field$)");
  EXPECT_EQ(t.find("ctime", 0), nullptr);
  EXPECT_TRUE(diag.all().empty());
}

TEST(MacrosTest, OtherYamlIsNoMacroFile) {
  MacroTable t;
  Diagnostics diag;
  EXPECT_FALSE(
      t.add({"r.yml", "name: A rule\nsearch: index=main\ndescription: no definition\n"}, diag));
  EXPECT_FALSE(t.add({"s.yml", "title: Sigma\nlogsource: {product: windows}\n"}, diag));
  EXPECT_EQ(t.size(), 0u);
}

TEST(MacrosTest, ReadsStanzasOfMacrosConf) {
  MacroTable t;
  Diagnostics diag;
  EXPECT_TRUE(t.add(
      {"macros.conf",
       "# of an app\n[default]\nowner = x\n\n[sysmon]\ndefinition = (source=a OR \\\nsource=b)\n"
       "[two(2)]\nargs = x, y\ndefinition = $x$=$y$\niseval = 0\n[computed]\ndefinition = "
       "\"a\".\"b\"\niseval = 1\n"},
      diag));
  ASSERT_NE(t.find("sysmon", 0), nullptr);
  EXPECT_EQ(t.find("sysmon", 0)->definition, "(source=a OR \nsource=b)");
  ASSERT_NE(t.find("two", 2), nullptr);
  EXPECT_EQ(t.find("two", 2)->arguments, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(t.find("computed", 0)->is_eval);
  EXPECT_EQ(t.find("default", 0), nullptr);
}

TEST(MacrosTest, ArityOfAStanzaMustMatchItsArguments) {
  MacroTable t;
  Diagnostics diag;
  t.add({"macros.conf", "[two(2)]\nargs = x\ndefinition = $x$\n"}, diag);
  ASSERT_EQ(diag.all().size(), 1u);
  EXPECT_EQ(diag.all()[0].code, "spl-macro-arguments");
  EXPECT_EQ(t.size(), 0u);
}

TEST(MacrosTest, ALaterDefinitionWins) {
  MacroTable t;
  t.add({"m", {}, "old", false, "a"});
  t.add({"m", {}, "new", false, "b"});
  EXPECT_EQ(t.find("m", 0)->definition, "new");
  EXPECT_EQ(t.names(), std::vector<std::string_view>{"m"});
}

TEST(MacrosTest, OurOwnMacrosAreWellFormed) {
  MacroTable t;
  Diagnostics diag;
  const size_t n = MacroLibrary::add_path("rules/macros", t, diag);
  EXPECT_GE(n, 50u);
  EXPECT_EQ(t.size(), n);
  EXPECT_TRUE(diag.all().empty());
  EXPECT_NE(t.find("drop_dm_object_name", 1), nullptr);
}

}  // namespace
}  // namespace postern::lang::spl
