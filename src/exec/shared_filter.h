// The filters of many rules over one table, answered together.
//
// Equal tests of all filters are one predicate. A predicate whose literals are known
// (text_witness.h) is filed under them in its column's index; each distinct value of a column is
// looked up once, gives the list of predicates it touches, and is remembered across batches
// (column_lookup.h). A filter is then a small boolean program over those bits; which filters a
// combination of touched predicates satisfies is remembered too (filter_verdicts.h). What the bits
// leave open (a regular expression, a test of two fields, a null) is answered by the filter itself
// on the few rows that are left, once for equal values (asked_memo.h), so the answer is always the
// filter's own.
//
// SharedFilter is immutable; each thread has a State. The plain way, filter after filter, is the
// oracle. Tests: tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/column.h"
#include "exec/evaluate.h"
#include "exec/memo_budget.h"
#include "plan/expr.h"
#include "plan/op.h"

namespace postern::exec {

/// Rows of a batch that one filter lets through so far.
struct Survivors {
  std::vector<uint32_t> sure;   ///< the filter holds
  std::vector<uint32_t> maybe;  ///< the filter must be asked
};

/// What the filters cost while they ran (State::set_profiling).
struct FilterProfile {
  struct Column {
    size_t slot = 0;        ///< in the schema
    uint64_t texts = 0;     ///< that were looked up
    uint64_t computed = 0;  ///< of these, not remembered
    double seconds = 0;
  };

  std::vector<uint64_t> tried;    ///< by filter: kinds of rows on which its program was run
  std::vector<uint64_t> touched;  ///< by predicate: rows
  std::vector<Column> columns;
  uint64_t num_rows = 0;
};

class SharedFilter {
 public:
  /// `filters[i]` is a bound bool expression over `schema`, or null: holds for every row.
  static std::shared_ptr<const SharedFilter> make(const std::vector<plan::ExprPtr>& filters,
                                                  const plan::Schema& schema);
  virtual ~SharedFilter() = default;

  /// What one thread keeps: remembered values and verdicts, counts of hits, groups.
  class State {
   public:
    virtual ~State() = default;

    /// Which filters apply to a kind of row; `key` names the kind, and always the same filters.
    virtual bool has_group(int64_t key) const = 0;
    virtual void add_group(int64_t key, std::vector<uint32_t> filters) = 0;

    /// Sorts `rows`, all of kind `key`, into `out[filter]`; fills `touched` with the filters for
    /// which anything was added to empty lists, in no order. Rows stay in order within one call.
    virtual void run(int64_t key,
                     std::span<const data::Column> columns,
                     data::Rows rows,
                     std::vector<Survivors>& out,
                     std::vector<uint32_t>& touched) = 0;

    /// What a filter said when it was asked of its `maybe` rows of this batch: those that it lets
    /// through, ascending. For later batches; need not be called.
    virtual void learn(uint32_t filter, data::Rows passed) = 0;

    /// Counts from now on, which takes time itself.
    virtual void set_profiling() = 0;
    virtual const FilterProfile& profile() = 0;
  };

  /// `memos`: shared by the states of a hunt; null: each keeps what it is worth.
  virtual std::unique_ptr<State> start(std::shared_ptr<MemoBudget> memos = nullptr) const = 0;
  /// True when the answer about a filter is always sure: it is never asked itself.
  virtual bool decides(uint32_t filter) const = 0;
  virtual size_t num_predicates() const = 0;
  /// A predicate as its rules say it: `sigma.endswith(Image, "\\cmd.exe")`.
  virtual std::string predicate_text(uint32_t predicate) const = 0;
};

}  // namespace postern::exec
