// Which columns need be looked up only for few rows? Those whose tests decide no filter alone: each
// filter that asks them also needs something rare of other columns, which most rows lack, so that
// what a user or a directory was named is of no matter for them. Tests:
// tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "exec/filter_program.h"

namespace postern::exec {

/// Rows that were seen, by what they touch.
class RowSample {
 public:
  /// `num_rows` rows touch these predicates, told in any number of calls of add_predicates().
  void begin(uint64_t num_rows) {
    counts_.push_back(num_rows);
    starts_.push_back(predicates_.size());
    num_rows_ += num_rows;
  }

  void add_predicates(std::span<const uint32_t> predicates) {
    predicates_.insert(predicates_.end(), predicates.begin(), predicates.end());
  }

  uint64_t num_rows() const { return num_rows_; }

  /// Kinds of rows.
  size_t size() const { return counts_.size(); }

  uint64_t count(size_t kind) const { return counts_[kind]; }

  std::span<const uint32_t> predicates(size_t kind) const {
    const size_t end = kind + 1 < starts_.size() ? starts_[kind + 1] : predicates_.size();
    return {predicates_.data() + starts_[kind], end - starts_[kind]};
  }

 private:
  std::vector<uint64_t> counts_;
  std::vector<size_t> starts_;
  std::vector<uint32_t> predicates_;
  uint64_t num_rows_ = 0;
};

/// Of the indexed columns `columns` (by number, ascending), those that may wait until the others
/// are known, ascending: at most two of five rows of the sample need them then. Those in `late`
/// stay in it; the sample need not tell their predicates.
std::vector<size_t> late_columns(const FilterPrograms& programs,
                                 std::span<const uint32_t> filters,
                                 std::span<const size_t> columns,
                                 const RowSample& sample,
                                 const std::vector<size_t>& late);

}  // namespace postern::exec
