// Filters of many rules as boolean programs over shared predicates: what shared_filter.cc runs.
//
// Equal tests of all filters are one predicate, filed under its literals (text_witness.h) in its
// column's index. Negations are pushed down to the tests; what no index knows is a step that is
// left open, to be answered by the filter itself. Immutable once made. Tests:
// tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/type.h"
#include "exec/text_witness.h"
#include "match/literal_index.h"
#include "plan/expr.h"
#include "plan/op.h"

namespace postern::exec {

// Targets of a program's steps.
inline constexpr uint32_t kAccept = std::numeric_limits<uint32_t>::max();
inline constexpr uint32_t kReject = kAccept - 1;
inline constexpr uint32_t kNoPredicate = kAccept;

/// A filter with its negations pushed down to the tests.
struct FilterNode {
  enum class Kind : uint8_t { kAnd, kOr, kTest, kOpen, kTrue, kFalse };
  Kind kind = Kind::kOpen;
  bool negated = false;               // kTest; only where the predicate is never null
  uint32_t predicate = kNoPredicate;  // kTest
  std::vector<FilterNode> children;

  bool open() const {
    return kind == Kind::kOpen || std::any_of(children.begin(), children.end(),
                                              [](const FilterNode& c) { return c.open(); });
  }
};

/// One test that filters share.
struct Predicate {
  bool exact = false;                // it holds just where it is touched
  bool never_null = false;           // false where it is not touched
  std::vector<size_t> columns;       // numbers of indexed columns
  double prior = 0;                  // share of rows that touch it, guessed from its literals
  const plan::Expr* expr = nullptr;  // lives with the filters
};

/// One test of a program: where to go on.
struct FilterStep {
  uint32_t predicate = kNoPredicate;  // none: not known here
  bool negated = false;
  uint32_t on_true = kAccept;
  uint32_t on_false = kReject;
};

/// A filter, as a tree and as steps that say where to go on.
struct FilterProgram {
  FilterNode root;
  std::vector<FilterStep> steps;
  uint32_t entry = kAccept;
  /// Indexed columns that its predicates or its asked_columns are of, ascending.
  std::vector<uint32_t> columns;
  /// What the predicates that are known leave open depends on nothing but the texts of one or two
  /// indexed columns: those. Then the filter's answer is the same for rows that touch the same
  /// predicates and have these values.
  bool repeats = false;
  std::vector<size_t> asked_columns;
  /// What is known and what is asked are parts that must all hold: where the known ones do, the
  /// answer depends on the values alone, whatever else the row touches.
  bool splits = false;

  bool repeats_by_value() const { return repeats && splits && asked_columns.size() == 1; }
};

/// The literals and numbers of predicates over one column: of all, or, where many look for a few
/// bytes that nearly every text has, of those in an index of their own. They take long to find and
/// tell little, and nearly every filter that has them needs something rarer, too: so that they need
/// be looked for only where that is there (late_columns.h).
struct ColumnIndex {
  size_t slot = 0;
  data::Type type =
      data::Type::kString;  // kString, kDynamic (each member is a text), or an integer
  bool texts_only = false;  // a list with nothing but texts, and no numbers are looked for
  match::LiteralIndex texts;
  std::unordered_map<double, std::vector<uint32_t>> numbers;
};

class FilterPrograms {
 public:
  /// `filters[i]` is a bound bool expression over `schema`, or null: holds for every row.
  FilterPrograms(const std::vector<plan::ExprPtr>& filters, const plan::Schema& schema);

  const std::vector<FilterProgram>& filters() const { return filters_; }

  const std::vector<Predicate>& predicates() const { return predicates_; }

  const std::vector<std::unique_ptr<ColumnIndex>>& columns() const { return columns_; }

 private:
  FilterNode node_of(const plan::Expr& e, bool negated);
  uint32_t predicate_of(const plan::Expr& e);
  void file_predicates();
  std::vector<bool> find_set_apart() const;
  size_t file(const TextWitness& w, uint32_t predicate, size_t slot, bool apart);
  void find_asked(FilterProgram& f, const std::vector<const plan::Expr*>& tests) const;
  void find_columns(FilterProgram& f) const;

  std::vector<plan::ExprPtr> exprs_;
  std::vector<FilterProgram> filters_;
  std::vector<Predicate> predicates_;
  std::vector<std::unique_ptr<ColumnIndex>> columns_;

  // While it is made.
  struct ToFile {
    TextWitness witness;
    std::vector<size_t> slots;
  };

  std::vector<ToFile> to_file_;  // by predicate
  std::unordered_map<size_t, size_t> by_slot_;
  std::unordered_map<size_t, size_t> apart_by_slot_;
  std::unordered_map<std::string, size_t> slots_;

  struct ExprHash {
    size_t operator()(const plan::Expr* e) const { return plan::hash(*e); }
  };

  struct SameExpr {
    bool operator()(const plan::Expr* a, const plan::Expr* b) const { return plan::same(*a, *b); }
  };

  std::unordered_map<const plan::Expr*, uint32_t, ExprHash, SameExpr> known_;
  std::vector<const plan::Expr*> open_tests_;  // of the filter at hand: that bits do not decide
  const plan::Schema* schema_ = nullptr;
};

}  // namespace postern::exec
