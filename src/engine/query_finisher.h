// The queries of a hunt come to their end on several threads, each query on one of them, and give
// their results in order, as one thread would.
//
// A query's results may take what the limit leaves beside what the queries behind it keep, just as
// if it were alone; so which query keeps too much does not depend on the number of threads. A query
// whose turn has not come lets its results grow only while everything together is within half of
// the limit, and waits else: the whole exceeds the limit by half of it at the most.
// Tests: tests/unit/engine/query_finisher_test.cc.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "engine/query_run.h"

namespace postern::engine {

class QueryFinisher {
 public:
  using Finish = std::function<QueryResults(size_t)>;
  using Take = std::function<void(size_t, QueryResults&&)>;

  /// `runs` are charged to `budget`. `finish` gives the results of a run by its number, on any of
  /// the threads; `take` gets them in order, one call at a time, and may end the run then.
  QueryFinisher(const std::vector<QueryRun*>& runs,
                const exec::MemoryBudget& budget,
                Finish finish,
                Take take);

  /// Returns when all results were taken.
  void run(size_t threads);

 private:
  void work();
  void wait_for_turn(size_t i);

  bool has_room() const { return budget_.used() <= budget_.limit() / 2; }

  const exec::MemoryBudget& budget_;
  const Finish finish_;
  const Take take_;

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_to_finish_ = 0;
  size_t next_to_take_ = 0;
  bool is_taking_ = false;
  std::vector<std::optional<QueryResults>> results_;  // that are ready
};

}  // namespace postern::engine
