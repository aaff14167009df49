// The rows of a batch that each branch of a table's program lets through: the shared filter of
// exec, asked per kind of event, and the filters themselves where it leaves a row open.
// Tests: tests/unit/engine/hunt_test.cc, tests/cases (every case runs with and without it).
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "data/column.h"
#include "engine/record_kinds.h"
#include "exec/shared_filter.h"

namespace postern::engine {

struct TableProgram;

/// Rows of one batch by event id (0 where there is none), ascending.
using RowsById = std::map<int64_t, std::vector<uint32_t>>;

/// What one branch of a rule cost: rows, and the time of asking its own filter.
struct BranchCost {
  uint64_t asked = 0;   ///< rows on which the filter itself was evaluated
  uint64_t passed = 0;  ///< rows that it let through
  double seconds = 0;
};

/// State of one thread over one table.
class RowFilter {
 public:
  /// `profiling`: count what each branch costs, which takes time itself.
  explicit RowFilter(const TableProgram& table, bool profiling = false);

  /// `columns` are the batch's, then its time. Afterwards passed() names the branches with rows.
  void run(std::span<const data::Column> columns, const RowsById& rows, uint32_t num_rows);

  /// Numbers of branches that let rows through, ascending.
  const std::vector<uint32_t>& passed() const { return passed_; }

  const std::vector<uint32_t>& rows(uint32_t branch) const { return survivors_[branch].sure; }

  /// By branch; empty where nothing was counted.
  const std::vector<BranchCost>& costs() const { return costs_; }

  const exec::FilterProfile& shared_costs() const { return state_->profile(); }

 private:
  /// Rows of one event id, or of all that no branch names.
  void run_group(int64_t group,
                 std::optional<int64_t> id,
                 std::span<const data::Column> columns,
                 data::Rows rows);

  /// Rows by the kind that a text tells (record_kinds.h), each with the filters of its kind.
  void run_kinds(std::span<const data::Column> columns, data::Rows rows);

  /// What a branch's filter said of rows that were left open.
  void learn(uint32_t branch, data::Rows passed);

  const TableProgram& table_;
  std::unique_ptr<exec::SharedFilter::State> state_;
  std::unique_ptr<KindLookup> kinds_;  // null: they are not told apart
  std::vector<std::unique_ptr<exec::SharedFilter::State>> kind_states_;  // by group
  std::vector<std::vector<uint32_t>> kind_rows_;                         // of a batch, likewise
  std::map<int64_t, int64_t> groups_;       // of event ids that any branch asks for
  std::vector<uint32_t> other_rows_;        // of a batch, with other ids
  std::vector<exec::Survivors> survivors_;  // by branch; empty outside of passed_
  std::vector<uint32_t> passed_;
  std::vector<uint32_t> passed_when_asked_;  // rows of one branch
  std::vector<BranchCost> costs_;            // by branch, when profiling
};

/// States that no thread uses at the moment: what one file taught serves the next.
class RowFilterPool {
 public:
  std::unique_ptr<RowFilter> take(const TableProgram& table, bool profiling = false);
  void give_back(std::unique_ptr<RowFilter> filter);

  /// Calls f(filter) for each; while no thread uses any.
  template <class F>
  void each(F&& f) const {
    for (const auto& filter : free_)
      f(*filter);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RowFilter>> free_;
};

}  // namespace postern::engine
