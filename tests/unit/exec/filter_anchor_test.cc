// Which predicates a filter is filed under, and what guards them.
#include "exec/filter_anchor.h"

#include <utility>

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

FilterNode test(uint32_t predicate, bool negated = false) {
  FilterNode n;
  n.kind = FilterNode::Kind::kTest;
  n.predicate = predicate;
  n.negated = negated;
  return n;
}

FilterNode node(FilterNode::Kind kind, std::vector<FilterNode> children = {}) {
  FilterNode n;
  n.kind = kind;
  n.children = std::move(children);
  return n;
}

FilterNode all(std::vector<FilterNode> children) {
  return node(FilterNode::Kind::kAnd, std::move(children));
}

FilterNode any(std::vector<FilterNode> children) {
  return node(FilterNode::Kind::kOr, std::move(children));
}

/// Predicate p is touched by a hundredth of p of the rows.
double hundredths(uint32_t p) {
  return 0.01 * p;
}

using Numbers = std::vector<uint32_t>;

Numbers found(const AnchorFinder& a) {
  return {a.predicates().begin(), a.predicates().end()};
}

TEST(FilterAnchor, OfPartsThatMustHoldTheRarest) {
  AnchorFinder a;
  ASSERT_TRUE(a.find(all({test(30), test(10), test(20)}), hundredths));
  EXPECT_EQ(found(a), Numbers({10}));
  EXPECT_DOUBLE_EQ(a.share(), 0.1);
  EXPECT_EQ(a.guard(), 20U);
}

TEST(FilterAnchor, OfAlternativesEachOne) {
  AnchorFinder a;
  ASSERT_TRUE(a.find(any({test(7), all({test(40), test(3)}), test(7)}), hundredths));
  EXPECT_EQ(found(a), Numbers({3, 7}));
  EXPECT_DOUBLE_EQ(a.share(), 0.17);
  EXPECT_EQ(a.guard(), kNoPredicate);  // 40 is needed by one alternative alone
}

// The best part comes last, in the middle, first: what was kept of the others is dropped.
TEST(FilterAnchor, PartsWithSeveralPredicatesInAnyOrder) {
  const FilterNode rare = any({test(2), test(1)});
  const FilterNode common = any({test(20), test(21)});
  for (const FilterNode& n : {all({common, test(50), rare}), all({common, rare, test(50)}),
                              all({rare, test(50), common})}) {
    AnchorFinder a;
    ASSERT_TRUE(a.find(n, hundredths));
    EXPECT_EQ(found(a), Numbers({1, 2}));
    EXPECT_EQ(a.guard(), 50U);  // of `common` one of two is needed, which guards nothing
  }
}

// A guard found inside of a part guards its neighbours too.
TEST(FilterAnchor, GuardOfAPartThatIsNotTaken) {
  AnchorFinder a;
  ASSERT_TRUE(a.find(all({test(5), all({any({test(30), test(31)}), test(80)})}), hundredths));
  EXPECT_EQ(found(a), Numbers({5}));
  EXPECT_EQ(a.guard(), 80U);
}

TEST(FilterAnchor, OpenWhereNothingNeedBeTouched) {
  AnchorFinder a;
  EXPECT_FALSE(a.find(test(1, true), hundredths));
  EXPECT_FALSE(a.find(node(FilterNode::Kind::kOpen), hundredths));
  EXPECT_FALSE(a.find(node(FilterNode::Kind::kTrue), hundredths));
  EXPECT_FALSE(a.find(any({test(1), test(2, true)}), hundredths));
  EXPECT_FALSE(a.find(all({test(1, true), node(FilterNode::Kind::kOpen)}), hundredths));
  EXPECT_FALSE(a.find(test(1), [](uint32_t) { return kUnusable; }));
}

TEST(FilterAnchor, OpenPartsAreLeftToTheOthers) {
  AnchorFinder a;
  const FilterNode open = any({test(1), node(FilterNode::Kind::kOpen)});
  ASSERT_TRUE(a.find(all({open, test(9), test(3, true)}), hundredths));
  EXPECT_EQ(found(a), Numbers({9}));
  EXPECT_EQ(a.guard(), kNoPredicate);
}

TEST(FilterAnchor, WhatNeverHoldsNeedsNothing) {
  AnchorFinder a;
  ASSERT_TRUE(a.find(all({test(4), node(FilterNode::Kind::kFalse)}), hundredths));
  EXPECT_EQ(found(a), Numbers());
}

}  // namespace
}  // namespace postern::exec
