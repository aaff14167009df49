// The rows of a batch that each branch of a table's program lets through: the shared filter of
// exec, asked per kind of event, and the filters themselves where it leaves a row open.
// Tests: tests/unit/engine/hunt_test.cc, tests/cases (every case runs with and without it).
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "data/column.h"
#include "exec/shared_filter.h"

namespace postern::engine {

struct TableProgram;

/// Rows of one batch by event id (0 where there is none), ascending.
using RowsById = std::map<int64_t, std::vector<uint32_t>>;

/// State of one thread over one table.
class RowFilter {
 public:
  explicit RowFilter(const TableProgram& table);

  /// `columns` are the batch's, then its time. Afterwards passed() names the branches with rows.
  void run(std::span<const data::Column> columns, const RowsById& rows, uint32_t num_rows);

  /// Numbers of branches that let rows through, ascending.
  const std::vector<uint32_t>& passed() const { return passed_; }

  const std::vector<uint32_t>& rows(uint32_t branch) const { return survivors_[branch].sure; }

 private:
  const TableProgram& table_;
  std::unique_ptr<exec::SharedFilter::State> state_;
  std::vector<exec::Survivors> survivors_;  // by branch; empty outside of passed_
  std::vector<uint32_t> passed_;
};

/// States that no thread uses at the moment: what one file taught serves the next.
class RowFilterPool {
 public:
  std::unique_ptr<RowFilter> take(const TableProgram& table);
  void give_back(std::unique_ptr<RowFilter> filter);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RowFilter>> free_;
};

}  // namespace postern::engine
