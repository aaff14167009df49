// The beacon score and its parts, against values worked out by hand (in the comments).
#include "exec/beacon.h"

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

TEST(Beacon, BowleyTakesQuartilesOfTheHalvesWithoutTheMiddle) {
  // Q1 = 15, Q2 = 30, Q3 = 70: |15 + 70 - 60| / 55 = 25 / 55
  EXPECT_NEAR(bowley_score({100, 10, 30, 20, 40}), 1 - 25.0 / 55, 1e-9);
  // Q1 = 3, Q3 = 8: a middle half of 5 is too narrow to have a skewness
  EXPECT_EQ(bowley_score({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), 1);
  // the median is the lower quartile: Q1 = Q2 = 10, Q3 = 60
  EXPECT_EQ(bowley_score({10, 10, 10, 10, 60, 60}), 1);
}

TEST(Beacon, SpreadIsTheDeviationFromTheMedian) {
  // median 30, deviations 0 10 10 20 70, of which the median is 10
  EXPECT_NEAR(spread_score({10, 20, 30, 40, 100}, 1), 20.0 / 30, 1e-9);
  EXPECT_EQ(spread_score({0, 0, 0.5}, 1), 1) << "a median under 1 gives the default";
  EXPECT_EQ(spread_score({0, 0, 0.5}, 0), 0);
  EXPECT_EQ(spread_score({}, 1), 0);
}

TEST(Beacon, SlicesHoldAllEventsAlsoThoseOnTheEdge) {
  const std::vector<uint32_t> s =
      slices(std::vector<double>{-5, 0, 9.9, 10, 239, 240, 900}, 0, 240);
  ASSERT_EQ(s.size(), 24u);
  EXPECT_EQ(s[0], 3u);
  EXPECT_EQ(s[1], 1u);
  EXPECT_EQ(s[23], 3u);
}

TEST(Beacon, HistogramIsEvenOrOfTwoLevels) {
  EXPECT_EQ(histogram_score(std::vector<uint32_t>(24, 7)), 1);
  EXPECT_EQ(histogram_score(std::vector<uint32_t>(24, 0)), 0);
  // one bar of 24: mean 1, variance (23^2 + 23) / 24 = 23, variation above 1; one bar is no level
  std::vector<uint32_t> one(24, 0);
  one[3] = 24;
  EXPECT_EQ(histogram_score(one), 0);
  // twelve of 10 and eleven of 20: (12 + 11) / (23 - 1), at most 1
  std::vector<uint32_t> two(24, 10);
  for (size_t i = 12; i < 23; ++i)
    two[i] = 20;
  two[23] = 0;
  EXPECT_EQ(histogram_score(two), 1);
  // four each of 10, 20 and 30: (4 + 4) / (12 - 1); the variation is 11.547 / 10, above 1
  std::vector<uint32_t> three(24, 0);
  for (size_t i = 0; i < 12; ++i)
    three[i * 2] = i < 4 ? 10 : i < 8 ? 20 : 30;
  EXPECT_NEAR(histogram_score(three), 0.727, 1e-9);
}

TEST(Beacon, DurationIsCoverOrTheLongestRunAroundTheClock) {
  std::vector<uint32_t> s(24, 0);
  for (const size_t i : {22u, 23u, 0u, 1u, 2u})
    s[i] = 1;
  EXPECT_EQ(duration_score(s, 1), 0) << "five slices are too few";
  s[3] = 1;
  // six in a row, over midnight: 6 / 12
  EXPECT_EQ(duration_score(s, 0.2), 0.5);
  EXPECT_EQ(duration_score(s, 0.8331), 0.834) << "rounded up";
}

TEST(Beacon, ScoreIsTheMeanOfTheParts) {
  // gaps 10 20 30 40 100: (1 - 25/55 + 20/30) / 2 = 0.606; two sizes are too few;
  // six bars of one: variation 1.73; covered 200 / 240, rounded up 0.834. (0.606 + 0.834) / 4
  const auto few =
      beacon_score(std::vector<double>{200, 0, 10, 30, 60, 100}, std::vector<double>{5, 5}, 0, 240);
  ASSERT_TRUE(few);
  EXPECT_NEAR(few->timing, 0.606, 1e-9);
  EXPECT_EQ(few->sizes, 0);
  EXPECT_EQ(few->histogram, 0);
  EXPECT_NEAR(few->duration, 0.834, 1e-9);
  EXPECT_NEAR(few->score, 0.36, 1e-9);
  std::vector<double> hourly;
  for (int i = 0; i < 24; ++i)
    hourly.push_back(i * 3600.0);
  const auto clock = beacon_score(hourly, std::vector<double>(24, 500), 0, 86400);
  ASSERT_TRUE(clock);
  EXPECT_EQ(clock->score, 1);
}

TEST(Beacon, NoScoreWithoutEnoughEvents) {
  const std::vector<double> sizes(4, 1);
  EXPECT_FALSE(beacon_score(std::vector<double>{0, 1, 2}, sizes, 0, 9));
  EXPECT_FALSE(beacon_score(std::vector<double>{0, 0, 1, 2}, sizes, 0, 9))
      << "two gaps that are not zero";
  EXPECT_FALSE(beacon_score(std::vector<double>{0, 1, 2, 3}, sizes, 9, 9));
  EXPECT_TRUE(beacon_score(std::vector<double>{0, 1, 2, 3}, sizes, 0, 9));
}

}  // namespace
}  // namespace postern::exec
