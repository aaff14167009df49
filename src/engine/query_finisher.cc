#include "engine/query_finisher.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace postern::engine {
namespace {

/// Results that may wait for their turn.
constexpr size_t kMostAhead = 64;

/// Memory is given back without telling anybody.
constexpr std::chrono::milliseconds kLookAgain{20};

}  // namespace

QueryFinisher::QueryFinisher(const std::vector<QueryRun*>& runs,
                             const exec::MemoryBudget& budget,
                             Finish finish,
                             Take take)
    : budget_(budget), finish_(std::move(finish)), take_(std::move(take)), results_(runs.size()) {
  uint64_t behind = 0;
  for (size_t i = runs.size(); i-- > 0;) {
    const uint64_t limit = budget.limit() - std::min(budget.limit(), behind);
    runs[i]->set_limit(limit, [this, i] { wait_for_turn(i); });
    behind += runs[i]->memory_bytes();
  }
}

void QueryFinisher::run(size_t threads) {
  std::vector<std::thread> pool;
  for (size_t i = 1; i < std::min(threads, results_.size()); ++i)
    pool.emplace_back([this] { work(); });
  work();
  for (std::thread& t : pool)
    t.join();
}

/// Numbers are handed out in order, so of those in work the least never waits: all before it are
/// there, and whoever brought the last of them takes it.
void QueryFinisher::wait_for_turn(size_t i) {
  if (has_room()) return;
  std::unique_lock lock(mutex_);
  while (next_to_take_ != i && !has_room())
    changed_.wait_for(lock, kLookAgain);
}

void QueryFinisher::work() {
  std::unique_lock lock(mutex_);
  while (next_to_finish_ < results_.size()) {
    const size_t i = next_to_finish_;
    if (i != next_to_take_ && (i - next_to_take_ > kMostAhead || !has_room())) {
      changed_.wait_for(lock, kLookAgain);
      continue;
    }
    ++next_to_finish_;
    lock.unlock();
    QueryResults results = finish_(i);
    lock.lock();
    results_[i] = std::move(results);
    // Whoever is taking comes to it.
    if (is_taking_) continue;
    is_taking_ = true;
    while (next_to_take_ < next_to_finish_ && results_[next_to_take_]) {
      QueryResults taken = std::move(*results_[next_to_take_]);
      results_[next_to_take_].reset();
      lock.unlock();
      take_(next_to_take_, std::move(taken));
      lock.lock();
      ++next_to_take_;
      changed_.notify_all();
    }
    is_taking_ = false;
  }
}

}  // namespace postern::engine
