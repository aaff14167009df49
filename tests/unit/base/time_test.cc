#include "base/time.h"

#include <limits>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace postern {
namespace {

constexpr int64_t kTenOClock = 637'134'696'000'000'000;  // 2020-01-01T10:00:00Z

TEST(Calendar, KnownPoints) {
  EXPECT_EQ(ticks_from_civil({1, 1, 1, 0, 0, 0, 0}), 0);
  EXPECT_EQ(ticks_from_civil({1601, 1, 1, 0, 0, 0, 0}), kFiletimeEpochTicks);
  EXPECT_EQ(ticks_from_civil({1970, 1, 1, 0, 0, 0, 0}), kUnixEpochTicks);
  EXPECT_EQ(ticks_from_civil({9999, 12, 31, 23, 59, 59, 9'999'999}), kMaxTicks);
}

TEST(Calendar, EveryDayIsItsSuccessor) {
  int64_t ticks = 0;
  for (int year = 1; year <= 9999; ++year) {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    for (int month = 1; month <= 12; ++month) {
      const int days = month == 2
                           ? (leap ? 29 : 28)
                           : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
      for (int day = 1; day <= days; ++day, ticks += kTicksPerDay) {
        ASSERT_EQ(ticks_from_civil({year, month, day, 0, 0, 0, 0}), ticks);
        const CivilTime c = civil_from_ticks(ticks);
        ASSERT_TRUE(c.year == year && c.month == month && c.day == day)
            << year << "-" << month << "-" << day;
      }
      ASSERT_EQ(ticks_from_civil({year, month, days + 1, 0, 0, 0, 0}), std::nullopt);
    }
  }
  EXPECT_EQ(ticks, kMaxTicks + 1);
}

TEST(Calendar, RefusesPartsOutOfRange) {
  EXPECT_EQ(ticks_from_civil({0, 1, 1, 0, 0, 0, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 13, 1, 0, 0, 0, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 1, 0, 0, 0, 0, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 1, 1, 24, 0, 0, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 1, 1, 0, 60, 0, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 1, 1, 0, 0, 61, 0}), std::nullopt);
  EXPECT_EQ(ticks_from_civil({2020, 1, 1, 0, 0, 0, kTicksPerSecond}), std::nullopt);
}

TEST(Calendar, LeapSecondIsTheSecondBefore) {
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2016-12-31T23:59:59Z"));
}

TEST(UnixTime, CountsFrom1970) {
  EXPECT_EQ(ticks_from_unix(0), kUnixEpochTicks);
  EXPECT_EQ(ticks_from_unix(1, 199), kUnixEpochTicks + kTicksPerSecond + 1);
  EXPECT_EQ(ticks_from_unix(-1, 999'999'999), kUnixEpochTicks - 1);
  EXPECT_EQ(ticks_from_unix(0, -1), kUnixEpochTicks - 1);
}

TEST(UnixTime, StaysWithinTheCalendar) {
  EXPECT_EQ(ticks_from_unix(std::numeric_limits<int64_t>::max()), kMaxTicks - 9'999'999);
  EXPECT_EQ(ticks_from_unix(std::numeric_limits<int64_t>::min()), 0);
  EXPECT_EQ(
      ticks_from_unix(std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max()),
      kMaxTicks);
}

TEST(UnixTime, TextIsExact) {
  EXPECT_EQ(format_rfc3339(*ticks_from_unix_text("1604996384.965")), "2020-11-10T08:19:44.965Z");
  EXPECT_EQ(format_rfc3339(*ticks_from_unix_text("1543877987.381899")),
            "2018-12-03T22:59:47.3818990Z");
  EXPECT_EQ(ticks_from_unix_text("0"), kUnixEpochTicks);
  EXPECT_EQ(ticks_from_unix_text("-1.5"), kUnixEpochTicks - 15'000'000);
  EXPECT_EQ(ticks_from_unix_text("1.123456789"), ticks_from_unix(1, 123'456'700));
  for (const char* bad : {"", "-", ".5", "1.", "1.5x", "1e9", " 1", "99999999999999999999",
                          "999999999999", "-999999999999"})
    EXPECT_EQ(ticks_from_unix_text(bad), std::nullopt) << bad;
}

// A time with an offset is read part by part, one without it mostly at once.
TEST(Rfc3339, ReadsTheUsualFormAsAnyOther) {
  std::mt19937 random(1);
  const std::string usual = "2024-02-29T23:59:58.1234567";
  for (int round = 0; round < 200'000; ++round) {
    std::string text = usual.substr(0, 16 + random() % (usual.size() - 15));
    for (int odd = static_cast<int>(random() % 3); odd > 0; --odd)
      text[random() % text.size()] = "0123456789:. Tt/\xB2"[random() % 17];
    const auto ticks = parse_rfc3339(text + "+00:00");
    ASSERT_EQ(parse_rfc3339(text), ticks) << text;
    ASSERT_EQ(parse_rfc3339(text + "Z"), ticks) << text;
  }
}

TEST(Rfc3339, ReadsTheFormsOfLogs) {
  EXPECT_FALSE(parse_rfc3339(std::string(10, '\0') + "T10:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2020-01-01T10:00:00Z"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01t10:00:00z"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01 10:00:00"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01T12:30:00+02:30"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01T05:00:00-0500"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01 10:00"), kTenOClock);
  EXPECT_EQ(parse_rfc3339("2020-01-01"), kTenOClock - 10 * kTicksPerHour);
  EXPECT_EQ(parse_rfc3339("2020-01-01T10:00:00.5Z"), kTenOClock + 5'000'000);
  EXPECT_EQ(parse_rfc3339("2020-01-01T10:00:00.123456789Z"), kTenOClock + 1'234'567);
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* bad :
       {"", "2020", "2020-1-1", "2020-02-30", "2020-01-01T", "2020-01-01T10",
        "2020-01-01T10:00:", "2020-01-01T10:00:00.", "2020-01-01T10:00:00.1234567890Z",
        "2020-01-01T10:00:00ZZ", "2020-01-01T10:00:00 Z", "2020-01-01T10:00:00+2",
        "2020-01-01T10:00:00+24:00", "2020-01-01Z", "01/02/2020", "2020-01-01T24:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", " 2020-01-01"})
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
}

TEST(Rfc3339, PrintsTheFractionThatIsThere) {
  EXPECT_EQ(format_rfc3339(kTenOClock), "2020-01-01T10:00:00Z");
  EXPECT_EQ(format_rfc3339(kTenOClock + 1'230'000), "2020-01-01T10:00:00.123Z");
  EXPECT_EQ(format_rfc3339(kTenOClock + 1), "2020-01-01T10:00:00.0000001Z");
  EXPECT_EQ(format_rfc3339(0), "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(-5), "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(std::numeric_limits<int64_t>::max()), "9999-12-31T23:59:59.9999999Z");
  EXPECT_EQ(format_datetime_kusto(kTenOClock), "2020-01-01T10:00:00.0000000Z");
}

TEST(Timespan, ReadsKustoLiterals) {
  EXPECT_EQ(parse_timespan("1d"), kTicksPerDay);
  EXPECT_EQ(parse_timespan("1day"), kTicksPerDay);
  EXPECT_EQ(parse_timespan("2hours"), 2 * kTicksPerHour);
  EXPECT_EQ(parse_timespan("1hrs"), kTicksPerHour);
  EXPECT_EQ(parse_timespan("5min"), 5 * kTicksPerMinute);
  EXPECT_EQ(parse_timespan("5m"), 5 * kTicksPerMinute);
  EXPECT_EQ(parse_timespan("30 seconds"), 30 * kTicksPerSecond);
  EXPECT_EQ(parse_timespan("100ms"), 100 * kTicksPerMillisecond);
  EXPECT_EQ(parse_timespan("1microsecond"), 10);
  EXPECT_EQ(parse_timespan("1tick"), 1);
  EXPECT_EQ(parse_timespan("1.5h"), 90 * kTicksPerMinute);
  EXPECT_EQ(parse_timespan("0.1d"), kTicksPerDay / 10);
  EXPECT_EQ(parse_timespan("-7d"), -7 * kTicksPerDay);
}

TEST(Timespan, ReadsTheClockForm) {
  EXPECT_EQ(parse_timespan("00:30"), 30 * kTicksPerMinute);
  EXPECT_EQ(parse_timespan("9:9:9"), 9 * (kTicksPerHour + kTicksPerMinute + kTicksPerSecond));
  EXPECT_EQ(parse_timespan("1.02:03:04.5"), kTicksPerDay + 2 * kTicksPerHour + 3 * kTicksPerMinute +
                                                4 * kTicksPerSecond + 5'000'000);
  EXPECT_EQ(parse_timespan("-00:00:00.0000001"), -1);
}

TEST(Timespan, RefusesEverythingElse) {
  for (const char* bad : {"",
                          "-",
                          "d",
                          "5",
                          "1.5",
                          "1us",
                          "1w",
                          "1M",
                          "1D",
                          "1.d",
                          ".5h",
                          "1d2h",
                          "24:00",
                          "00:60",
                          "1:2:3:4",
                          "1.2:3.4",
                          "100:00",
                          "00:00:00.12345678",
                          "99999999999d",
                          "10675200.00:00:00",
                          "99999999999999999999s",
                          "1 d x"})
    EXPECT_EQ(parse_timespan(bad), std::nullopt) << bad;
}

TEST(Timespan, PrintsAsKusto) {
  EXPECT_EQ(format_timespan(0), "00:00:00");
  EXPECT_EQ(format_timespan(kTicksPerDay), "1.00:00:00");
  EXPECT_EQ(format_timespan(15'000'000), "00:00:01.5000000");
  EXPECT_EQ(format_timespan(-kTicksPerHour), "-01:00:00");
  EXPECT_EQ(format_timespan(std::numeric_limits<int64_t>::min()), "-10675199.02:48:05.4775808");
}

TEST(Timespan, TextReadsBack) {
  for (const int64_t t : {int64_t{1}, int64_t{-1}, kTicksPerDay - 1, 123'456'789'012'345,
                          std::numeric_limits<int64_t>::max()})
    EXPECT_EQ(parse_timespan(format_timespan(t)), t);
}

TEST(WallClock, IsAfterThisWasWritten) {
  EXPECT_GT(wall_clock_ticks(), kTenOClock);
}

}  // namespace
}  // namespace postern
