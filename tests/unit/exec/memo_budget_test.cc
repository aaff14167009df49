#include "exec/memo_budget.h"

#include <optional>

#include <gtest/gtest.h>

namespace postern::exec {
namespace {

TEST(MemoBudget, WhoKeepsMoreThanItsPartForgetsWhenAllKeepTooMuch) {
  const auto budget = std::make_shared<MemoBudget>(1000);
  MemoBudget::Account a(budget);
  EXPECT_FALSE(a.is_over(400));
  EXPECT_FALSE(a.is_over(500));
  EXPECT_TRUE(a.is_over(501));
  std::optional<MemoBudget::Account> b(budget);
  EXPECT_FALSE(b->is_over(100));  // too much, but less than its part
  EXPECT_TRUE(b->is_over(251));
  EXPECT_FALSE(b->is_over(0));
  EXPECT_TRUE(a.is_over(501));
  EXPECT_FALSE(a.is_over(20));
  EXPECT_EQ(budget->peak(), 752U);
}

TEST(MemoBudget, WhatIsGoneCountsNoMore) {
  const auto budget = std::make_shared<MemoBudget>(1000);
  std::optional<MemoBudget::Account> a(budget);
  MemoBudget::Account b(budget);
  EXPECT_FALSE(a->is_over(200));
  EXPECT_TRUE(b.is_over(350));
  a.reset();
  EXPECT_FALSE(b.is_over(350));
}

TEST(MemoBudget, WhoKeepsMoreThanItsPartNeedNotForgetWhileAllKeepLittle) {
  const auto budget = std::make_shared<MemoBudget>(1000);
  MemoBudget::Account a(budget);
  std::optional<MemoBudget::Account> b(budget);
  std::optional<MemoBudget::Account> c(budget);
  EXPECT_FALSE(a.is_over(300));
  EXPECT_TRUE(b->is_over(310));
  c.reset();
  EXPECT_FALSE(a.is_over(200)) << "its part grew";
  b.reset();
  MemoBudget::Account d(budget);
  EXPECT_FALSE(a.is_over(260)) << "what is gone keeps nothing";
}

TEST(MemoBudget, NoBudgetIsNeverOver) {
  MemoBudget::Account a(nullptr);
  EXPECT_FALSE(a.is_over(uint64_t{1} << 40));
}

}  // namespace
}  // namespace postern::exec
