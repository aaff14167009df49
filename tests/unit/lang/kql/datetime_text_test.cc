#include "base/datetime_text.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace postern {
namespace {

std::string read(std::string_view text) {
  const std::optional<int64_t> t = parse_datetime_text(text);
  return t ? format_rfc3339(*t) : "none";
}

TEST(DatetimeText, PartsThatAreMissingBegin) {
  EXPECT_EQ(read("2024"), "2024-01-01T00:00:00Z");
  EXPECT_EQ(read("2024-03"), "2024-03-01T00:00:00Z");
  EXPECT_EQ(read("2024-01-02 03:04"), "2024-01-02T03:04:00Z");
}

TEST(DatetimeText, OffsetsAreTakenOff) {
  EXPECT_EQ(read("2024-01-02T03:04:05+02:00"), "2024-01-02T01:04:05Z");
  EXPECT_EQ(read("2024-01-02T03:04:05-0530"), "2024-01-02T08:34:05Z");
  EXPECT_EQ(read("2024-01-02T03:04:05.1234567Z"), "2024-01-02T03:04:05.1234567Z");
}

TEST(DatetimeText, OtherOrders) {
  EXPECT_EQ(read("01/02/2024"), "2024-01-02T00:00:00Z");
  EXPECT_EQ(read("6/15/2020 1:45:09 PM"), "2020-06-15T13:45:09Z");
  EXPECT_EQ(read("2024/01/02 12:00"), "2024-01-02T12:00:00Z");
  EXPECT_EQ(read("8 Nov 22"), "2022-11-08T00:00:00Z");
  EXPECT_EQ(read("Sat, 8 Nov 14 15:05:02 GMT"), "2014-11-08T15:05:02Z");
  EXPECT_EQ(read("Saturday, 08-Nov-14 15:05:02 UTC"), "2014-11-08T15:05:02Z");
  EXPECT_EQ(read("Nov 8, 2014 12:00 AM"), "2014-11-08T00:00:00Z");
}

TEST(DatetimeText, WhatIsNone) {
  for (const char* text :
       {"", "soon", "2024-13-01", "2024-02-30", "25:00", "2024-01-02T", "2024-01-02 3",
        "12/40/2024", "2024-01-02T03:04:05+25:00", "0001-01-01T00:00:00+01:00"})
    EXPECT_EQ(read(text), "none") << text;
}

}  // namespace
}  // namespace postern
