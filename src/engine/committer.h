// Takes what files and slices gave, in the order of the evidence: query rules see their rows as if
// one thread had read all of it. Thread-safe but for the constructor and finish(); one thread at a
// time runs the queries, and no other waits for it while there is evidence to decode.
// Tests: tests/unit/engine/hunt_test.cc.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/file_worker.h"
#include "engine/finding_maker.h"
#include "engine/finding_store.h"
#include "engine/hunt.h"
#include "engine/origin_store.h"
#include "engine/query_run.h"

namespace postern::engine {

/// What is known of a unit of work (a file, or a slice of one) when it is done.
struct UnitReport {
  bool is_first = true;         ///< of its file
  bool is_interrupted = false;  ///< before it was known what the file is
  FileSummary summary;
  data::Anomalies anomalies;
  std::vector<std::string> errors;
};

class Committer {
 public:
  /// `budget`: of all query rules together. `cancelled`: nobody waits any more.
  Committer(const RuleSet& rules,
            const HuntOptions& options,
            uint64_t budget,
            FindingStore& findings,
            HuntResult& result,
            Progress& progress,
            const std::atomic<bool>& cancelled);

  /// Takes part of a unit's outbox while it is that unit's turn; before that, an outbox that has
  /// grown large waits for it. Returns the events taken.
  uint64_t flush(size_t unit, Outbox& box);

  /// A unit is done; units come in any order.
  void done(size_t unit, Outbox&& box, UnitReport&& report);

  /// Returns when little enough waits for its turn that `unit` may begin. The unit whose turn it is
  /// never waits, so somebody always goes on.
  void wait_for_room(size_t unit);

  /// All units are done: query rules give their rows, worked out by `threads` threads.
  void finish(size_t threads);

  const std::vector<double>& query_seconds() const { return query_seconds_; }

 private:
  struct Waiting {
    Outbox box;
    UnitReport report;
  };

  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, const Ready& ready);
  double* seconds_of(size_t rule);
  void take(Outbox& box);
  void take_report(UnitReport& report);
  std::optional<uint32_t> take_origins(Outbox& box);
  void put_evidence(const exec::RowRefs& refs, uint32_t row, Finding& f);
  void add_findings(size_t rule, const QueryResults& results);
  QueryRun& run_of(size_t rule);
  void finish_queries(size_t threads);
  void take_results(size_t rule, const QueryResults& results);
  bool stop_largest();
  void stop(size_t rule);
  Coverage coverage(const LoadedRule& rule) const;

  const RuleSet& rules_;
  const HuntOptions& options_;
  HuntResult& result_;
  Progress& progress_;
  const std::atomic<bool>& cancelled_;
  exec::MemoryBudget budget_;
  FindingWriter findings_;  // of queries
  std::mutex mutex_;        // of these
  std::condition_variable turn_;
  size_t next_ = 0;         // whose turn it is
  bool is_taking_ = false;  // some thread has what follows for itself
  std::map<size_t, Waiting> waiting_;
  uint64_t waiting_bytes_ = 0;

  std::vector<std::unique_ptr<QueryRun>> runs_;  // by rule, of those that rows came for
  std::vector<bool> is_open_;  // rules that take rows: neither event rules nor stopped
  std::vector<std::unique_ptr<FindingMaker>> makers_;  // by rule, of those that gave rows
  std::vector<uint32_t> ids_;                          // of the row at hand
  std::vector<double> query_seconds_;                  // by rule, when profiling
  OriginStore origins_;                                // of rows that queries keep, by evidence id
  // Rows of the outbox that is being taken, which begin with this id.
  const std::vector<RowOrigin>* fresh_ = nullptr;
  uint32_t first_fresh_ = 0;
  bool told_of_no_ids_ = false;
  std::map<std::string, std::map<int64_t, uint64_t>, std::less<>> events_;
};

}  // namespace postern::engine
