#include "lang/sigma/value.h"

#include <gtest/gtest.h>

#include "adapt/yaml.h"
#include "sigma_fixture.h"

namespace postern::lang::sigma {
namespace {

/// Kind and value of a YAML scalar: "number 25", "a text", …
std::string typed(const std::string& yaml) {
  Diagnostics diag;
  const auto docs = adapt::parse_yaml({"y", yaml}, diag);
  if (docs.size() != 1) return "no document";
  const Scalar s = scalar_of(docs[0]);
  std::string out(kind_name(s.kind));
  if (s.kind == Scalar::Kind::kNumber || s.kind == Scalar::Kind::kBool) out += " " + s.value.json();
  return out;
}

TEST(Scalar, TypesFollowYamlCore) {
  EXPECT_EQ(typed("25"), "a number 25");
  EXPECT_EQ(typed("-1"), "a number -1");
  EXPECT_EQ(typed("1.5"), "a number 1.5");
  EXPECT_EQ(typed("'25'"), "a text");
  EXPECT_EQ(typed("\"25\""), "a text");
  EXPECT_EQ(typed("true"), "a boolean true");
  EXPECT_EQ(typed("'true'"), "a text");
  EXPECT_EQ(typed("False"), "a boolean false");
  EXPECT_EQ(typed("null"), "null");
  EXPECT_EQ(typed("~"), "null");
  EXPECT_EQ(typed("''"), "a text");
  EXPECT_EQ(typed("yes"), "a text");
  EXPECT_EQ(typed("0x1F"), "a text");
  EXPECT_EQ(typed("2026-01-01"), "a text");
}

TEST(Scalar, AWholeRealIsAnInteger) {
  EXPECT_EQ(typed("1.0"), "a number 1");
  EXPECT_EQ(typed("1e3"), "a number 1000");
}

TEST(Scalar, ANumberTooLargeIsNotCutOff) {
  EXPECT_EQ(typed("99999999999999999999").substr(0, 8), "a number");
  EXPECT_EQ(typed("9223372036854775807"), "a number 9223372036854775807");
}

std::string expanded(const std::string& text, const Placeholders& values, PlaceholderStyle style) {
  Diagnostics diag;
  const std::string yaml = "'" + text + "'";
  const auto docs = adapt::parse_yaml({"y", yaml}, diag);
  std::string out;
  for (const std::string& s : expand_placeholders(scalar_of(docs.at(0)), values, style, 100, diag))
    out += (out.empty() ? "" : " | ") + s;
  for (const Diagnostic& d : diag.all())
    out += render({"y", yaml}, d);
  return out;
}

TEST(Placeholders, EachValueMakesAText) {
  const Placeholders p = {{"a", {"1", "2"}}, {"b", {"x", "y"}}};
  EXPECT_EQ(expanded("<%a%>", p, PlaceholderStyle::kPlain), "<1> | <2>");
  EXPECT_EQ(expanded("%a%-%b%", p, PlaceholderStyle::kPlain), "1-x | 1-y | 2-x | 2-y");
}

TEST(Placeholders, AnEscapedPercentSignIsItself) {
  const Placeholders p = {{"x", {"1"}}};
  EXPECT_EQ(expanded(R"(%x% \%y%)", p, PlaceholderStyle::kPlain), "1 %y%");
  EXPECT_EQ(expanded("100% of 5%", p, PlaceholderStyle::kPlain), "100% of 5%");
}

TEST(Placeholders, ValuesArePlainText) {
  const Placeholders p = {{"x", {R"(a*\b.c)"}}};
  EXPECT_EQ(expanded("*%x%", p, PlaceholderStyle::kPattern), R"(*a\*\\b.c)");
  EXPECT_EQ(expanded(".*%x%", p, PlaceholderStyle::kRegex), R"(.*a\*\\b\.c)");
}

TEST(Placeholders, UnknownOnesAreNamedWhereTheyStand) {
  EXPECT_EQ(expanded("a %Admins% %b%", {{"b", {}}}, PlaceholderStyle::kPlain),
            R"(error[sigma-unresolved-placeholder]: no values for placeholder: Admins
 --> y:1:4
1 | 'a %Admins% %b%'
  |    ^^^^^^^^ must be replaced before the rule can run
  = hint: give its values with --placeholders FILE
error[sigma-unresolved-placeholder]: no values for placeholder: b
 --> y:1:13
1 | 'a %Admins% %b%'
  |             ^^^ must be replaced before the rule can run
  = hint: give its values with --placeholders FILE
)");
}

TEST(Placeholders, TooManyTextsAreRefused) {
  Placeholders p;
  for (int i = 0; i < 20; ++i)
    p["v"].push_back(std::to_string(i));
  EXPECT_NE(expanded("%v%%v%", p, PlaceholderStyle::kPlain).find("sigma-too-many-alternatives"),
            std::string::npos);
}

}  // namespace
}  // namespace postern::lang::sigma
