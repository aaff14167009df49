// Which filters let a row through that touches certain predicates? Worked out once for each
// combination of touched predicates and remembered: that a row is of a kind met before is the rule,
// even where its values are not.
//
// A kind that is new is decided by the boolean programs of the filters it may satisfy: each filter
// is filed under predicates (anchors) that it cannot hold without, those that so far were touched
// least, and tried only where another one (its guard) is touched too. What one thread keeps over
// one table. Tests: tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "exec/column_lookup.h"
#include "exec/distinct_lists.h"
#include "exec/filter_program.h"

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

  /// Indexed columns that any filter of a group tests.
  const std::vector<size_t>& columns(uint32_t group) const { return groups_[group].columns; }

  /// To be called before of(): files the filters anew when much more is known of the predicates,
  /// and forgets where too much is remembered. True: kinds have other numbers from now on.
  bool make_room();
  /// Forgets everything, because lists of predicates have other numbers.
  void forget();

  /// The kinds of the first `num_rows` rows of the last lookup, which begin with their group: the
  /// same number for equal rows. Until make_room() says otherwise.
  const std::vector<uint32_t>& kinds(size_t num_rows);

  /// Filters that let rows of this kind through, in no order; until the next kinds().
  std::span<const Verdict> of_kind(uint32_t kind) const {
    return {verdicts_.data() + starts_[kind], starts_[kind + 1] - starts_[kind]};
  }

  /// Kinds for which each filter's program was run; counted into `tried` from now on.
  void count_tried(std::vector<uint64_t>* tried) { num_tried_ = tried; }

 private:
  struct Group {
    std::vector<uint32_t> filters;
    std::vector<uint64_t> is_member;  // bit per filter
    std::vector<uint32_t> open;       // filters that may hold whatever is touched
    std::vector<size_t> columns;
  };

  struct Anchor {
    std::vector<uint32_t> predicates;
    double share = 0;
    uint32_t guard = kNoPredicate;  // one more that the filter cannot hold without
    double guard_share = 1;

    void guard_by(const Anchor& other);
  };

  /// A filter that is filed under a predicate.
  struct Anchored {
    uint32_t filter;
    uint32_t guard;  // need not be tried unless this is touched too; kNoPredicate: always
  };

  std::optional<Anchor> anchor_of(const FilterNode& n) const;
  double share(uint32_t predicate) const;
  void file_filters();
  void find_open(Group& g) const;
  uint32_t kind_of(std::span<const uint32_t> row, uint64_t hash);
  void decide_kind(std::span<const uint32_t> row);
  void decide(uint32_t filter);
  void next_epoch();

  const FilterPrograms& programs_;
  const ColumnLookup& lookup_;
  std::vector<Group> groups_;  // none at 0
  DistinctLists kinds_;
  std::vector<uint32_t> starts_;  // by kind, and one more: into verdicts_
  std::vector<Verdict> verdicts_;
  std::vector<uint32_t> row_kinds_;

  // Filters by the predicates that they are filed under, over all groups.
  std::vector<uint64_t> touching_;  // rows that touched each predicate, when they were filed
  uint64_t num_rows_ = 0;           // behind touching_
  uint64_t next_filing_ = 0;
  std::vector<uint32_t> anchor_starts_;  // by predicate, and one more: into anchored_
  std::vector<Anchored> anchored_;
  std::vector<bool> is_open_;  // by filter: filed under nothing

  // While a kind is decided.
  std::vector<uint32_t> bits_;   // by predicate: epoch in which it was touched
  std::vector<uint32_t> tried_;  // by filter: epoch in which it was decided
  uint32_t epoch_ = 0;
  std::vector<uint64_t>* num_tried_ = nullptr;
};

}  // namespace postern::exec
