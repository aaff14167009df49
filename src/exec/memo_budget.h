// How much the shared filters of a hunt may remember, of all threads and tables together. What they
// remember only saves time, so whoever keeps more than its part while all keep too much forgets.
// Threads may use it at the same time. Tests: tests/unit/exec/memo_budget_test.cc.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace postern::exec {

class MemoBudget {
 public:
  /// Bytes of tables' contents; allocators take some more.
  explicit MemoBudget(uint64_t limit) : limit_(limit) {}

  uint64_t limit() const { return limit_; }

  uint64_t peak() const { return peak_; }

  /// Of one who remembers; gives back what it told when it dies. Used by one thread at a time.
  class Account {
   public:
    /// No budget: there is always room.
    explicit Account(std::shared_ptr<MemoBudget> budget) : budget_(std::move(budget)) {
      if (budget_) ++budget_->num_accounts_;
    }

    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    ~Account() {
      if (!budget_) return;
      tell(0);
      --budget_->num_accounts_;
    }

    /// Tells how much it keeps now; true: it should forget. Half of the limit is divided by the
    /// number of accounts, so that those who are idle and do not forget stay within the other half.
    bool is_over(uint64_t bytes) {
      if (!budget_) return false;
      const uint64_t all = tell(bytes);
      return all > budget_->limit_ / 2 && bytes > budget_->limit_ / 2 / budget_->num_accounts_;
    }

   private:
    /// What all keep now.
    uint64_t tell(uint64_t bytes) {
      const uint64_t all = budget_->used_ += bytes - told_;  // wraps where it is less
      told_ = bytes;
      uint64_t peak = budget_->peak_;
      while (all > peak && !budget_->peak_.compare_exchange_weak(peak, all)) {
      }
      return all;
    }

    std::shared_ptr<MemoBudget> budget_;
    uint64_t told_ = 0;
  };

 private:
  uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> peak_ = 0;
  std::atomic<uint64_t> num_accounts_ = 0;
};

}  // namespace postern::exec
