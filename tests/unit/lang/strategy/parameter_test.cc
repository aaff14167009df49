#include "lang/strategy/parameter.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace postern::lang::strategy {
namespace {

std::string set(ParameterType type, std::string_view text) {
  const Result<ParameterValues> v = parameter_from_setting("X", type, text);
  if (!v) return "error: " + v.error().message;
  std::string out;
  for (const auto& [name, value] : *v)
    out += (out.empty() ? "" : " ") + name + "=" + kql_literal(value);
  return out;
}

TEST(Parameter, SizesHaveDecimalAndBinaryUnits) {
  EXPECT_EQ(set(ParameterType::kSize, "5MB"), "X=5000000");
  EXPECT_EQ(set(ParameterType::kSize, "512KiB"), "X=524288");
  EXPECT_EQ(set(ParameterType::kSize, "1.5 gb"), "X=1500000000");
  EXPECT_EQ(set(ParameterType::kSize, "900"), "X=900");
  EXPECT_EQ(set(ParameterType::kSize, "900b"), "X=900");
  for (const char* bad : {"", "MB", "-1", "5XB", "5 MB extra", "1.0001", "9999999TB", "5i"})
    EXPECT_EQ(set(ParameterType::kSize, bad).substr(0, 6), "error:") << bad;
}

TEST(Parameter, ListsAreSeparatedByCommas) {
  EXPECT_EQ(set(ParameterType::kStrings, ".zip, .7z"), R"(X=dynamic([".zip",".7z"]))");
  EXPECT_EQ(set(ParameterType::kStrings, ""), "X=dynamic([])");
  EXPECT_EQ(set(ParameterType::kInts, "25,587"), "X=dynamic([25,587])");
  EXPECT_EQ(set(ParameterType::kInts, "25,smtp"), "error: `smtp` is not a list such as 25,587");
}

TEST(Parameter, AddressesAndRangesAreChecked) {
  EXPECT_EQ(set(ParameterType::kCidrs, "10.0.0.0/8,::1"), R"(X=dynamic(["10.0.0.0/8","::1"]))");
  for (const char* bad : {"10.0.0.0/33", "10.0.0", "10.0.0.300", "fe80::/129", "relay.example"})
    EXPECT_EQ(set(ParameterType::kCidrs, bad).substr(0, 6), "error:") << bad;
}

TEST(Parameter, HoursAreTwoTimesOfDayInUtc) {
  EXPECT_EQ(set(ParameterType::kHours, "20:00-06:00"),
            "XFrom=timespan(20:00:00) XTo=timespan(06:00:00)");
  EXPECT_EQ(set(ParameterType::kHours, "20:00-06:00+01:00"),
            "XFrom=timespan(19:00:00) XTo=timespan(05:00:00)");
  EXPECT_EQ(set(ParameterType::kHours, "20:00-06:00-05:30"),
            "XFrom=timespan(01:30:00) XTo=timespan(11:30:00)");
  EXPECT_EQ(set(ParameterType::kHours, "00:00-24:00"),
            "XFrom=timespan(00:00:00) XTo=timespan(1.00:00:00)");
  for (const char* bad : {"20-06", "25:00-06:00", "20:60-06:00", "20:00", "20:00-06:00+25:00",
                          "night", "24:30-06:00"})
    EXPECT_EQ(set(ParameterType::kHours, bad).substr(0, 6), "error:") << bad;
}

TEST(Parameter, DurationsRealsAndExpressions) {
  EXPECT_EQ(set(ParameterType::kDuration, "90s"), "X=timespan(00:01:30)");
  EXPECT_EQ(set(ParameterType::kDuration, "soon").substr(0, 6), "error:");
  EXPECT_EQ(set(ParameterType::kReal, "2.5"), "X=real(2.5)");
  EXPECT_EQ(set(ParameterType::kReal, "much").substr(0, 6), "error:");
  EXPECT_EQ(set(ParameterType::kRegex, R"(^a"b$)"), R"(X="^a\"b$")");
}

TEST(Parameter, TypesHaveNamesAndExamples) {
  for (const std::string_view name : parameter_type_names()) {
    ParameterType t{};
    ASSERT_TRUE(parameter_type_from_name(name, t));
    EXPECT_EQ(parameter_type_name(t), name);
    EXPECT_FALSE(parameter_example(t).empty());
  }
}

}  // namespace
}  // namespace postern::lang::strategy
