// Which filters let a row through that touches certain predicates? Worked out once for each
// combination of touched predicates and remembered: that a row is of a kind met before is the rule,
// even where its values are not.
//
// A kind that is new is decided by the boolean programs of the filters it may satisfy: each filter
// is filed under predicates (anchors) that it cannot hold without, those that so far were touched
// least, and tried only where another one (its guard) is touched too. Columns that matter for few
// rows (late_columns.h) are looked up only for kinds that the others leave open. What one thread
// keeps over one table. Tests: tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "exec/column_lookup.h"
#include "exec/distinct_lists.h"
#include "exec/filter_program.h"
#include "exec/late_columns.h"

namespace postern::exec {

class FilterVerdicts {
 public:
  /// What is known of a filter and a row.
  struct Verdict {
    uint32_t filter;
    bool sure;  ///< the filter holds; else it must be asked
  };

  FilterVerdicts(const FilterPrograms& programs, const ColumnLookup& lookup);

  /// Rows to which the same filters apply; gives the group's number, from 1.
  uint32_t add_group(std::vector<uint32_t> filters);

  /// Indexed columns that any filter of a group tests: those to look up for every row, and those
  /// for the rows that they leave open.
  const std::vector<size_t>& first_columns(uint32_t group) const { return groups_[group].first; }

  const std::vector<size_t>& late_columns(uint32_t group) const { return groups_[group].late; }

  /// What a looked up row begins with, before and after its late columns are known.
  uint32_t mark(uint32_t group) const { return 2 * group + (groups_[group].late.empty() ? 1 : 0); }

  uint32_t late_mark(uint32_t group) const { return 2 * group + 1; }

  /// To be called before kinds(): files the filters anew when much more is known of the predicates,
  /// and forgets where too much is remembered. True: kinds have other numbers from now on.
  bool make_room();
  /// Forgets all kinds, because lists of predicates get other numbers.
  void forget();

  /// The kinds of the first `num_rows` rows of the last lookup, which begin with a mark: the same
  /// number for equal rows. Until make_room() says otherwise.
  const std::vector<uint32_t>& kinds(size_t num_rows);
  /// The rows of these kinds that the late columns must be looked up for, by their places, which
  /// are ascending.
  const std::vector<uint32_t>& open_rows();
  /// Tells the kinds of these rows anew, once their late columns are looked up.
  void decide_open_rows();
  /// Counts the rows of the last kinds(), all of one group.
  void count_rows(uint32_t group);

  /// Rows that touched each predicate so far; of late columns those that were looked up.
  std::vector<uint64_t> num_rows_touching() const;

  uint64_t num_rows() const { return num_rows_; }

  /// Of what forget() forgets.
  size_t memory_bytes() const {
    return kinds_.memory_bytes() + decided_.capacity() * sizeof(Decided) +
           verdicts_.capacity() * sizeof(Verdict);
  }

  /// Filters that let rows of this kind through, in no order; until the next kinds().
  std::span<const Verdict> of_kind(uint32_t kind) const {
    return {verdicts_.data() + decided_[kind].begin, decided_[kind].num_verdicts};
  }

  /// Kinds for which each filter's program was run; counted into `tried` from now on.
  void count_tried(std::vector<uint64_t>* tried) { num_tried_ = tried; }

 private:
  struct Group {
    std::vector<uint32_t> filters;
    std::vector<uint64_t> is_member;  // bit per filter
    std::vector<uint32_t> open;       // filters that may hold whatever is touched
    std::vector<size_t> first;        // columns
    std::vector<size_t> late;
    std::vector<uint64_t> is_late;  // bit per predicate
    uint64_t num_rows = 0;
    uint64_t num_open_rows = 0;  // for which late columns were looked up
    bool never_late = false;

    bool has(uint32_t filter) const { return ((is_member[filter / 64] >> (filter % 64)) & 1) != 0; }

    /// Of a group with late columns: whether a predicate reads any of them.
    bool has_late(uint32_t predicate) const {
      return ((is_late[predicate / 64] >> (predicate % 64)) & 1) != 0;
    }
  };

  /// What is remembered of a kind.
  struct Decided {
    uint32_t begin = 0;  // in verdicts_
    uint32_t num_verdicts = 0;
    uint64_t num_rows = 0;
    bool is_open = false;  // depends on late columns
  };

  /// A filter that is filed under a predicate.
  struct Anchored {
    uint32_t filter;
    uint32_t guard;  // need not be tried unless this is touched too; kNoPredicate: always
  };

  double share(uint32_t predicate, uint64_t num_rows) const;
  RowSample sample(uint32_t group) const;
  bool choose_late_columns();
  void set_late_columns(Group& g, std::vector<size_t> late) const;
  void file_filters();
  void find_open(Group& g) const;
  uint32_t kind_of(std::span<const uint32_t> row, uint64_t hash);
  void decide_kind(std::span<const uint32_t> row);
  void decide(const Group& g, bool all_known, uint32_t filter);
  void next_epoch();

  const FilterPrograms& programs_;
  const ColumnLookup& lookup_;
  std::vector<Group> groups_;  // none at 0
  DistinctLists kinds_;
  std::vector<Decided> decided_;  // by kind
  std::vector<Verdict> verdicts_;
  std::vector<uint32_t> row_kinds_;
  std::vector<uint32_t> open_rows_;
  std::vector<uint64_t> rows_of_forgotten_;  // by predicate, of kinds before forget()
  uint64_t num_rows_ = 0;

  // Filters by the predicates that they are filed under, over all groups.
  std::vector<uint64_t> touching_;  // rows that touched each predicate, when they were filed
  uint64_t num_filed_rows_ = 0;     // behind touching_
  uint64_t next_filing_ = 0;
  std::vector<uint32_t> anchor_starts_;  // by predicate, and one more: into anchored_
  std::vector<Anchored> anchored_;
  std::vector<bool> is_open_;  // by filter: filed under nothing

  // While a kind is decided.
  std::vector<uint32_t> bits_;   // by predicate: epoch in which it was touched
  std::vector<uint32_t> tried_;  // by filter: epoch in which it was decided
  uint32_t epoch_ = 0;
  bool depends_ = false;  // on late columns
  std::vector<uint64_t>* num_tried_ = nullptr;
};

}  // namespace postern::exec
