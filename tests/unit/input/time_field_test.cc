#include "input/time_field.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace postern::input {
namespace {

std::string text(std::optional<int64_t> ticks) {
  return ticks ? format_rfc3339(*ticks) : "none";
}

TEST(TimeField, ReadsCountsSince1970ByTheirSize) {
  EXPECT_EQ(text(time_from_epoch("1773133330")), "2026-03-10T09:02:10Z");
  EXPECT_EQ(text(time_from_epoch("1773133330.4182991")), "2026-03-10T09:02:10.4182991Z");
  EXPECT_EQ(text(time_from_epoch("1773133330418")), "2026-03-10T09:02:10.418Z");
  EXPECT_EQ(text(time_from_epoch("1773133330418299")), "2026-03-10T09:02:10.4182990Z");
  EXPECT_EQ(text(time_from_epoch("1773133330418299100")), "2026-03-10T09:02:10.4182991Z");
  EXPECT_EQ(text(time_from_epoch("-2.1504318496896954e+09")), "1901-11-09T17:49:10.3103050Z");
  EXPECT_EQ(text(time_from_epoch("0")), "1970-01-01T00:00:00Z");
  for (const char* bad : {"", "x", "1.5x", "1e99", "--1", "1773133330,5"})
    EXPECT_EQ(text(time_from_epoch(bad)), "none") << bad;
}

TEST(TimeField, ReadsTheUsFormOfPortals) {
  EXPECT_EQ(text(time_from_us_text("10/25/2023, 9:43:21.990 AM")), "2023-10-25T09:43:21.990Z");
  EXPECT_EQ(text(time_from_us_text("3/10/2026 12:02:10 PM")), "2026-03-10T12:02:10Z");
  EXPECT_EQ(text(time_from_us_text("3/10/2026, 12:02:10 AM")), "2026-03-10T00:02:10Z");
  EXPECT_EQ(text(time_from_us_text("3/10/2026, 21:02")), "2026-03-10T21:02:00Z");
  for (const char* bad : {"", "13/40/2026, 1:00:00 AM", "3/10/2026", "3/10/2026, 13:00:00 PM",
                          "3/10/2026, 1:00:00 XM", "3/10/2026, 1:00:00. AM"})
    EXPECT_EQ(text(time_from_us_text(bad)), "none") << bad;
}

TEST(TimeField, ReadsAnyForm) {
  EXPECT_EQ(text(time_from_text("2026-03-10T10:02:10+01:00")), "2026-03-10T09:02:10Z");
  EXPECT_EQ(text(time_from_text("1773133330")), "2026-03-10T09:02:10Z");
  EXPECT_EQ(text(time_from_text("3/10/2026, 9:02:10 AM")), "2026-03-10T09:02:10Z");
  EXPECT_EQ(text(time_from_text("soon")), "none");
}

}  // namespace
}  // namespace postern::input
