// How much memory queries may keep: one budget for all of them, an account for each.
//
// Operators charge what they keep (rows, groups, keys of joins) to the account of their run; nobody
// is stopped by charging. Whoever drives the runs looks at the budget between chunks and stops the
// run that keeps most. Counts are of the buffers' contents, allocators take some more. One thread
// at a time. Tests: tests/unit/engine/hunt_test.cc.
#pragma once
#include <algorithm>
#include <cstdint>

namespace postern::exec {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}

  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  uint64_t limit() const { return limit_; }

  uint64_t used() const { return used_; }

  uint64_t peak() const { return peak_; }

  bool exceeded() const { return used_ > limit_; }

 private:
  friend class MemoryAccount;

  uint64_t limit_;
  uint64_t used_ = 0;
  uint64_t peak_ = 0;
};

/// Gives back what it was charged when it dies.
class MemoryAccount {
 public:
  /// No budget: nothing is counted.
  explicit MemoryAccount(MemoryBudget* budget = nullptr) : budget_(budget) {}

  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  ~MemoryAccount() { release(); }

  void charge(uint64_t bytes) {
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    if (!budget_) return;
    budget_->used_ += bytes;
    budget_->peak_ = std::max(budget_->peak_, budget_->used_);
  }

  /// Of what was charged.
  void give_back(uint64_t bytes) {
    used_ -= bytes;
    if (budget_) budget_->used_ -= bytes;
  }

  bool has_budget() const { return budget_ != nullptr; }

  void release() {
    if (budget_) budget_->used_ -= used_;
    used_ = 0;
  }

  uint64_t used() const { return used_; }

  uint64_t peak() const { return peak_; }

  /// True when all queries together keep too much.
  bool over_budget() const { return budget_ && budget_->exceeded(); }

 private:
  MemoryBudget* budget_;
  uint64_t used_ = 0;
  uint64_t peak_ = 0;
};

}  // namespace postern::exec
