#include "lang/sigma/filter.h"

#include <gtest/gtest.h>

#include "lang/sigma/sigma.h"

namespace postern::lang::sigma {
namespace {

// A filter lives longer than the document it was read from: what it says about placeholders was
// looked up there while rules were read.
TEST(SigmaFilter, KeepsNothingOfItsDocument) {
  ReadOptions options;
  options.placeholders = {{"admins", {"x", "y*"}}};
  Diagnostics diag;
  Filters filters;
  {
    const std::string text =
        "title: F\nlogsource: { product: windows }\n"
        "filter: { rules: any, known: { User|expand: ['%admins%', b] }, list: [ { Host: c } ], "
        "condition: not known and not list }\n";
    EXPECT_EQ(filters.add({"filter", text}, options, diag).loaded, 1u);
  }
  const std::vector<FilterPart> parts = filters.for_rule("id", "name", {{"product", "windows"}});
  ASSERT_EQ(parts.size(), 1u);
  size_t num_values = 0;
  const auto visit = [&](const Detection& d, const auto& self) -> void {
    for (const Scalar& v : d.item.values) {
      ++num_values;
      EXPECT_EQ(v.node, nullptr) << v.text;
    }
    for (const Detection& part : d.parts)
      self(part, self);
  };
  for (const NamedDetection& s : parts[0].selections)
    visit(s.detection, visit);
  EXPECT_EQ(num_values, 3u);
}

}  // namespace
}  // namespace postern::lang::sigma
