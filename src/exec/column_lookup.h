// Which predicates do the values of a batch touch? Column by column, each distinct text once: its
// list of predicates is remembered (value_memo.h), and equal lists have one number
// (distinct_lists.h), so that a row is known by a few numbers, which recur far more often than its
// values. What one thread keeps over one table. Tests: tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/column.h"
#include "exec/distinct_lists.h"
#include "exec/filter_program.h"
#include "exec/shared_filter.h"
#include "exec/value_memo.h"

namespace postern::exec {

class ColumnLookup {
 public:
  explicit ColumnLookup(const FilterPrograms& programs);

  /// To be asked before run(): whether too much is remembered, so that it is time to forget().
  bool full() const;
  /// Forgets what is full, or all. Numbers of lists, or of values, mean something else from now on.
  void forget(bool all = false);

  /// Looks up `rows` in the indexed columns `which`; `mark` is the first number of each row. At
  /// most `num_more` columns are left for run_more().
  void run(std::span<const size_t> which,
           std::span<const data::Column> columns,
           data::Rows rows,
           uint32_t mark,
           size_t num_more = 0);

  /// Looks up more columns for some of these rows: `rows` are rows[places[i]] of the last run.
  void run_more(std::span<const size_t> which,
                std::span<const data::Column> columns,
                data::Rows rows,
                std::span<const uint32_t> places,
                uint32_t mark);

  /// Of rows[k] of the last run: its mark, then the lists of predicates that it touches, by number
  /// and in order of the columns. Rows with equal numbers touch the same predicates.
  std::span<const uint32_t> row(size_t k) const {
    return {row_numbers_.data() + k * width_, row_sizes_[k]};
  }

  /// The predicates of a list, ascending.
  std::span<const uint32_t> predicates(uint32_t list) const { return lists_[list]; }

  /// The number of the value that an indexed column has in rows[k], a small one: equal for equal
  /// values. Only of columns that FilterProgram::asked_columns names.
  uint32_t value(size_t column, size_t k) const { return values_[column][k]; }

  /// value() of what is not remembered, and of null. Others follow.
  static constexpr uint32_t kUnknown = 0;
  static constexpr uint32_t kNull = 1;

  /// Counts into `profile` from now on.
  void set_profile(FilterProfile* profile) { profile_ = profile; }

  size_t memory_bytes() const;

 private:
  /// What is kept of one column.
  struct Known {
    ValueMemo memo;
    match::LiteralIndex::Marks marks;
    DistinctLists literals;         // that were found in one text, as they were found
    std::vector<uint32_t> touched;  // by number of such a list: the list of predicates
    std::unordered_map<double, uint32_t> numbers;  // to lists
    bool identified = false;                       // value() is asked for
  };

  void clear();
  bool too_many_lists() const;
  void look_up(std::span<const size_t> which,
               std::span<const data::Column> columns,
               data::Rows rows);
  void add(size_t k, uint32_t list);

  /// Where what is known of rows[k] stands.
  size_t place_of(size_t k) const { return places_.empty() ? k : places_[k]; }

  void look_up_texts(size_t c, const data::Column& column, data::Rows rows);
  void look_up_members(size_t c, const data::Column& column, data::Rows rows);
  void look_up_numbers(size_t c, const data::Column& column, data::Rows rows);
  uint32_t list_of(size_t c, std::string_view text);

  const FilterPrograms& programs_;
  std::vector<Known> known_;  // by indexed column
  DistinctLists lists_;

  // Of the last run.
  size_t width_ = 1;
  size_t num_rows_ = 0;
  std::span<const uint32_t> places_;   // while more columns are looked up
  std::vector<uint32_t> row_numbers_;  // width_ of each row
  std::vector<uint32_t> row_sizes_;
  std::vector<std::vector<uint32_t>> values_;  // by indexed column

  std::string folded_;
  std::vector<uint32_t> found_;
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> merged_;
  FilterProfile* profile_ = nullptr;
};

}  // namespace postern::exec
