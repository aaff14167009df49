// One query rule over a whole run of evidence: streaming, or replayed window by window.
//
// A rule without a look-back takes its rows as they come. A rule with one (`Timestamp > ago(24h)`)
// keeps the rows that its filters let through, and is replayed in windows of that length, counted
// from the UTC midnight before the first row, and once more shifted by half a length, so that
// nothing hides on a border; each window has its own now(). Two windows' rows are one finding when
// they are equal, or when the evidence of one is part of the other's. A window that can only repeat
// the one before it (now_filters.h) is left out.
//
// Where rows flow straight into an aggregate and windows of that length begin at the same times
// whatever the first row is (the length divides a day), no row is kept: all windows run side by
// side and each holds its groups. Tests: tests/unit/engine/query_run_test.cc.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/finding.h"
#include "engine/now_filters.h"
#include "engine/rule_set.h"
#include "exec/operators/operators.h"

namespace postern::engine {

/// What a query gave: rows with their evidence ids, as columns.
struct QueryResults {
  struct Row {
    uint32_t chunk = 0;
    uint32_t row = 0;     ///< of the chunk
    uint32_t window = 0;  ///< its number + 1; 0: of no window
  };

  std::vector<exec::Chunk> chunks;
  std::vector<Window> windows;
  std::vector<Row> rows;  ///< in the order of the results

  bool empty() const { return rows.empty(); }

  std::optional<Window> window_of(const Row& r) const {
    return r.window > 0 ? std::optional(windows[r.window - 1]) : std::nullopt;
  }
};

/// The machine that each row of a chunk tells of; the same for all rules that let the rows through.
using HostsOfRows = std::shared_ptr<const std::vector<std::string>>;

class QueryRun {
 public:
  /// `now`: run once with this now(), in ticks. `budget`: of all queries together.
  QueryRun(const LoadedRule& rule,
           std::optional<int64_t> now,
           exec::MemoryBudget* budget = nullptr);

  /// What this query may keep from now on, and when its results may grow
  /// (exec::MemoryBudget::set_limit). Of a query that has a budget.
  void set_limit(uint64_t limit, std::function<void()> gate) {
    budget_->set_limit(limit, std::move(gate));
  }

  /// Rows of a scan that passed its branch filters, in evidence order.
  void push(size_t scan, exec::Chunk&& chunk);
  /// The same for a scan that reads its vocabulary's own table and foreign ones: a machine's
  /// foreign rows count only when the own table has none for it, so that no connection is counted
  /// twice.
  void push(size_t scan, exec::Chunk&& chunk, const HostsOfRows& hosts, bool own);
  /// Result rows that nothing to come can change: those of a plan without state. finish() gives
  /// the others.
  QueryResults take_ready();
  /// The last call; what was kept for it is given back.
  QueryResults finish();

  const exec::RunNotes& notes() const { return notes_; }

  /// Memory of all that is kept: rows, groups, results.
  uint64_t memory_bytes() const;

  /// True when its results did not fit into the budget; finish() then gives none.
  bool over_budget() const { return rows_.over_budget; }

 private:
  exec::Run& run();
  void push_windows(const exec::Chunk& chunk);
  exec::Run& window(int64_t from);
  QueryResults results();
  void finish_run(exec::Run& run, std::optional<Window> window, QueryResults& out);
  void take_rows(QueryResults& out);

  /// A row that is kept, in the order of the evidence.
  struct StoredRow {
    uint32_t scan;
    uint32_t chunk;
    uint32_t row;

    auto operator<=>(const StoredRow&) const = default;
  };

  template <class F>
  void each_chunk(const std::vector<StoredRow>& rows, const F& f) const;
  /// Runs the plan over some of the kept rows, as of some time.
  void replay(const plan::RunContext& context,
              const std::vector<StoredRow>& rows,
              std::optional<Window> window,
              QueryResults& out);
  bool repeats(const plan::RunContext& last,
               const plan::RunContext& context,
               const std::vector<StoredRow>& rows);
  /// Rows with a time in `timed`, with that time, others in `untimed`; both in order.
  void list_rows(std::vector<std::pair<int64_t, StoredRow>>& timed,
                 std::vector<StoredRow>& untimed) const;
  void add_notes(const exec::RunNotes& n);
  const LoadedRule& rule_;
  std::optional<int64_t> now_;
  std::unique_ptr<exec::MemoryBudget> budget_;  // this query's part of it; null: none
  exec::MemoryAccount memory_;                  // of rows kept here
  exec::ChunkCollector rows_;                   // results, of all windows
  bool is_streaming_ = false;                   // without look-back
  std::unique_ptr<exec::Run> run_;              // then; started by the first row
  std::vector<exec::RowStore> stores_;          // with: per scan
  bool has_windows_ = false;
  bool is_stateless_ = false;  // each result row is known when its row has come
  /// Of a rule that keeps no rows, by their start; stores_ then has the rows without time.
  std::map<int64_t, std::unique_ptr<exec::Run>> windows_;
  int64_t last_time_ = 0;

  struct Foreign {
    size_t scan;
    exec::Chunk chunk;
    HostsOfRows hosts;
  };

  std::vector<Foreign> foreign_;
  std::vector<std::unordered_set<std::string>> own_hosts_;  // by scan
  exec::RunNotes notes_;
  exec::RunNotes last_notes_;  // of the window before
  std::optional<NowFilters> now_filters_;
  bool looked_for_now_ = false;
};

}  // namespace postern::engine
