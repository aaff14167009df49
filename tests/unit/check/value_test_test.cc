#include "check/value_test.h"

#include <gtest/gtest.h>

namespace postern::check {
namespace {

ValueTest test(const std::string& function,
               std::initializer_list<std::string> values,
               bool wanted = true) {
  std::vector<plan::ExprPtr> args = {plan::column("f")};
  for (const std::string& v : values)
    args.push_back(plan::literal(data::Value::string(v)));
  const auto read = read_test(*plan::call("sigma." + function, std::move(args)));
  EXPECT_TRUE(read) << function;
  return {read, wanted, -1};
}

ValueTest number(const std::string& function, int64_t n, bool wanted = true) {
  const auto read = read_test(*plan::call(
      "sigma." + function, {plan::column("f"), plan::literal(data::Value::integer(n))}));
  EXPECT_TRUE(read) << function;
  return {read, wanted, -1};
}

bool exclude(const ValueTest& a, const ValueTest& b) {
  EXPECT_EQ(contradict(a, b, false), contradict(b, a, false));
  return contradict(a, b, false);
}

TEST(ValueTest, ContradictionsAreCertain) {
  EXPECT_TRUE(exclude(test("equals", {"a"}), test("equals", {"b"})));
  EXPECT_FALSE(exclude(test("equals", {"a"}), test("equals", {"A"})));
  EXPECT_FALSE(exclude(test("equals", {"a"}), test("equals", {"a*"})));
  EXPECT_TRUE(exclude(test("equals", {"abc"}), test("contains", {"x"})));
  EXPECT_TRUE(exclude(test("startswith", {"C:\\"}), test("startswith", {"D:\\"})));
  EXPECT_FALSE(exclude(test("startswith", {"C:"}), test("startswith", {"C:\\Windows"})));
  EXPECT_TRUE(exclude(test("endswith", {".exe"}), test("endswith", {".dll"})));
  EXPECT_FALSE(exclude(test("contains", {"a"}), test("contains", {"b"})));
  EXPECT_TRUE(exclude(number("lt", 5), number("gt", 5)));
  EXPECT_TRUE(exclude(number("lt", 5), number("gte", 5)));
  EXPECT_FALSE(exclude(number("lte", 5), number("gte", 5)));
  EXPECT_TRUE(exclude(test("cidr", {"10.0.0.0/8"}), test("cidr", {"192.168.0.0/16"})));
  EXPECT_FALSE(exclude(test("cidr", {"10.0.0.0/8"}), test("cidr", {"10.1.0.0/16"})));
  EXPECT_TRUE(exclude(test("equals", {"RunWizard"}), test("re", {"^[0-9]+$"})));
  EXPECT_FALSE(exclude(test("equals", {"abc"}), test("re", {"^ABC$"})));  // case is open
  EXPECT_TRUE(exclude(test("is_null", {}), test("contains", {"a"})));
  EXPECT_FALSE(exclude(test("is_null", {}), test("equals", {""})));
}

TEST(ValueTest, SeveralValuesExcludeOnlyTogether) {
  EXPECT_TRUE(exclude(test("equals", {"a", "b"}), test("equals", {"c", "d"})));
  EXPECT_FALSE(exclude(test("equals", {"a", "b"}), test("equals", {"b", "c"})));
}

TEST(ValueTest, WhatIsRuledOutContradictsWhatImpliesIt) {
  EXPECT_TRUE(exclude(test("equals", {"abc"}), test("contains", {"b"}, false)));
  EXPECT_TRUE(exclude(test("contains", {"xabcx"}), test("contains", {"abc"}, false)));
  EXPECT_FALSE(exclude(test("contains", {"abc"}), test("contains", {"abcd"}, false)));
  EXPECT_TRUE(exclude(test("endswith", {"\\cmd.exe"}), test("endswith", {"cmd.exe"}, false)));
  EXPECT_TRUE(exclude(test("contains", {"a"}), test("contains", {""}, false)));
  EXPECT_TRUE(exclude(number("gt", 7), number("gt", 5, false)));
  EXPECT_FALSE(exclude(number("gt", 5), number("gt", 7, false)));
}

TEST(ValueTest, AFieldOfSeveralValuesMayHoldBoth) {
  EXPECT_FALSE(contradict(test("equals", {"a"}), test("equals", {"b"}), true));
  EXPECT_TRUE(contradict(test("equals", {"a"}), test("equals", {"a"}, false), true));
}

TEST(ValueTest, MadeValuesMeetAllTests) {
  const std::vector<std::vector<ValueTest>> all = {
      {test("equals", {"a\\*b"})},
      {test("contains", {"x*y?z"}), test("endswith", {".exe"}), test("startswith", {"C:\\"})},
      {test("contains", {"-enc"}), test("contains", {"-nop"}), test("contains", {"foo"}, false)},
      {test("re", {"^[a-f0-9]{8}$"}), test("contains", {"a1"}, false)},
      {test("re", {"\\d{3}"}), test("startswith", {"ab"}), test("endswith", {"yz"})},
      {test("cidr", {"10.0.0.0/8"}), test("cidr", {"10.0.0.0/24"}, false)},
      {test("cidr", {"10.0.0.0/8"}, false), test("is_null", {}, false)},
      {number("gt", 1024), number("lt", 1030), number("equals", 1025, false)},
      {test("endswith", {"\\a.exe"}), test("startswith", {"C:\\Windows\\"}, false)},
      {test("contains", {"x"}), test("contains", {"x "}, false), test("endswith", {"x"}, false)},
  };
  for (size_t i = 0; i < all.size(); ++i) {
    const MadeValue v = make_value(all[i], false, "x");
    ASSERT_TRUE(v.found) << i;
    ASSERT_TRUE(v.text) << i;
    for (const ValueTest& t : all[i])
      EXPECT_EQ(holds(t, v.text), t.wanted) << i << ": " << *v.text;
  }
}

TEST(ValueTest, WhatIsOnlyRuledOutIsLeftOut) {
  const MadeValue v = make_value({test("contains", {"a"}, false)}, false, "x");
  EXPECT_TRUE(v.found);
  EXPECT_FALSE(v.text);
}

}  // namespace
}  // namespace postern::check
