#include "lang/spl/lookups.h"

#include <gtest/gtest.h>

namespace postern::lang::spl {
namespace {

std::string shown(std::string_view csv) {
  const auto table = parse_csv(csv);
  if (!table) return "! " + table.error().message;
  std::string out;
  for (const std::string& c : table->columns)
    out += "<" + c + ">";
  for (const auto& row : table->rows) {
    out += "\n";
    for (const std::string& cell : row)
      out += "<" + cell + ">";
  }
  return out;
}

TEST(LookupsTest, CsvIsReadByItsRules) {
  EXPECT_EQ(shown("a,b\n1,2\n"), "<a><b>\n<1><2>");
  EXPECT_EQ(shown("\xEF\xBB\xBF"
                  "a,b\r\n\"x, \"\"y\"\"\r\nz\",2"),
            "<a><b>\n<x, \"y\"\r\nz><2>");
  EXPECT_EQ(shown("a,b\n1\n\n1,2,3\n,\n"), "<a><b>\n<1><>\n<1><2>\n<><>");
  EXPECT_EQ(shown("a\n\"open"), "! a quote is never closed");
  EXPECT_EQ(shown(""), "! no header line");
}

TEST(LookupsTest, DefinitionsOfBothForms) {
  LookupTables tables;
  Diagnostics diag;
  EXPECT_TRUE(
      tables.add(Source{"transforms.conf",
                        "# lookups\n[tools]\nfilename = t.csv\n"
                        "match_type = WILDCARD(name), CIDR(ip)\n"
                        "case_sensitive_match = false\nmax_matches = 1\n[other]\nREGEX = x\n"},
                 diag));
  EXPECT_TRUE(tables.add(
      Source{"lookups/seen.yml", "name: seen\ncollection: seen\nfields_list: a, b\n"}, diag));
  EXPECT_FALSE(
      tables.add(Source{"rule.yml", "name: x\nsearch: '| inputlookup filename: y'\n"}, diag));
  const LookupDefinition* tools = tables.definition("tools");
  ASSERT_NE(tools, nullptr);
  EXPECT_EQ(tools->filename, "t.csv");
  EXPECT_EQ(tools->match_of("name"), LookupDefinition::Match::kWildcard);
  EXPECT_EQ(tools->match_of("ip"), LookupDefinition::Match::kCidr);
  EXPECT_EQ(tools->match_of("else"), LookupDefinition::Match::kExact);
  EXPECT_FALSE(tools->case_sensitive);
  EXPECT_EQ(tools->max_matches, 1);
  EXPECT_EQ(tables.definition("other"), nullptr);
  ASSERT_NE(tables.definition("seen"), nullptr);
  EXPECT_TRUE(tables.definition("seen")->collection);
}

TEST(LookupsTest, AFileStandsInForACollection) {
  LookupLibrary library;
  Diagnostics diag;
  library.user.add(Source{"transforms.conf", "[seen]\ncollection = seen\n"}, diag);
  EXPECT_EQ(library.find("seen", "").problem,
            "lookup seen is a collection that other searches fill");
  library.user.add(Source{"lookups/seen.csv", "user\nann\n"}, diag);
  const auto found = library.find("seen", "");
  ASSERT_NE(found.lookup, nullptr);
  EXPECT_EQ(found.lookup->table->rows.size(), 1U);
}

TEST(LookupsTest, AMisspeltNameIsGuessed) {
  LookupLibrary library;
  Diagnostics diag;
  library.user.add(Source{"lookups/users.csv", "user\nann\n"}, diag);
  const auto found = library.find("user.csv", "");
  EXPECT_EQ(found.problem, "unknown lookup: user.csv");
  EXPECT_EQ(found.hint, "did you mean `users.csv`?");
}

}  // namespace
}  // namespace postern::lang::spl
