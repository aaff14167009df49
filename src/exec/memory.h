// How much memory queries may keep: one budget for all of them, a part of it for each, and accounts
// for what a query's operators keep.
//
// Operators charge what they keep (rows, groups, keys of joins) to the account of their run; nobody
// is stopped by charging. Whoever drives the runs looks at the budget between chunks and stops the
// run that keeps most. Counts are of the buffers' contents, allocators take some more. Parts of one
// budget may be charged by several threads, each part by one at a time. Tests:
// tests/unit/engine/hunt_test.cc, tests/unit/exec/memory_test.cc.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace postern::exec {

class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}

  /// A part of `whole`: exceeded when that is, until it has a limit of its own.
  explicit MemoryBudget(MemoryBudget& whole) : whole_(&whole) {}

  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// From now on this limit alone says whether the part is exceeded, whatever others keep; and
  /// `gate` is called before results grow, by the thread that lets them grow. It may wait.
  void set_limit(uint64_t limit, std::function<void()> gate) {
    limit_ = limit;
    gate_ = std::move(gate);
  }

  /// Of all parts together.
  uint64_t limit() const { return whole_ ? whole_->limit() : *limit_; }

  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

  bool exceeded() const { return limit_ ? used() > *limit_ : whole_->exceeded(); }

 private:
  friend class MemoryAccount;

  void charge(uint64_t bytes) {
    const uint64_t now = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    for (uint64_t most = peak(); most < now;)
      if (peak_.compare_exchange_weak(most, now, std::memory_order_relaxed)) break;
    if (whole_) whole_->charge(bytes);
  }

  void give_back(uint64_t bytes) {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    if (whole_) whole_->give_back(bytes);
  }

  std::optional<uint64_t> limit_;
  MemoryBudget* whole_ = nullptr;
  std::function<void()> gate_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<uint64_t> peak_ = 0;
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
    if (budget_) budget_->charge(bytes);
  }

  /// Of what was charged.
  void give_back(uint64_t bytes) {
    used_ -= bytes;
    if (budget_) budget_->give_back(bytes);
  }

  bool has_budget() const { return budget_ != nullptr; }

  void release() {
    if (budget_) budget_->give_back(used_);
    used_ = 0;
  }

  uint64_t used() const { return used_; }

  uint64_t peak() const { return peak_; }

  /// To be called before results grow: true when too much is kept.
  bool over_budget() const {
    if (!budget_) return false;
    if (budget_->gate_) budget_->gate_();
    return budget_->exceeded();
  }

 private:
  MemoryBudget* budget_;
  uint64_t used_ = 0;
  uint64_t peak_ = 0;
};

}  // namespace postern::exec
