// What a row must touch for a filter to hold: of the predicates of a boolean program, a few that
// are touched seldom and one of which at least must be. Found for thousands of filters at a time,
// so nothing is allocated per node. Tests: tests/unit/exec/filter_anchor_test.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "exec/filter_program.h"

namespace postern::exec {

/// What Share says of a predicate that is not to be used.
inline constexpr double kUnusable = -1;

/// Keeps its memory from one filter to the next.
class AnchorFinder {
 public:
  /// Finds the anchor that the fewest rows touch; false: the filter may hold without any.
  /// `share(predicate)` is the part of the rows that touches it, 0 to 1, or kUnusable.
  template <class Share>
  bool find(const FilterNode& root, const Share& share) {
    predicates_.clear();
    const Part found = part_of(root, share);
    share_ = found.share;
    guard_ = found.guard;
    if (found.is_open) return false;
    std::sort(predicates_.begin(), predicates_.end());
    predicates_.erase(std::unique(predicates_.begin(), predicates_.end()), predicates_.end());
    return true;
  }

  /// Of the last find(): the predicates of which one at least must be touched, ascending; none
  /// where the filter never holds.
  std::span<const uint32_t> predicates() const { return predicates_; }

  /// The part of the rows that touches any of them, at most; may be over 1.
  double share() const { return share_; }

  /// One more that the filter cannot hold without; kNoPredicate: there is none.
  uint32_t guard() const { return guard_; }

 private:
  /// The anchor of a node; its predicates are the last ones of predicates_.
  struct Part {
    bool is_open = false;  // it may hold whatever is touched: no predicates, then
    double share = 0;
    uint32_t guard = kNoPredicate;
    double guard_share = 1;
  };

  static void guard_by(Part& a, uint32_t predicate, double share) {
    if (share >= a.guard_share) return;
    a.guard = predicate;
    a.guard_share = share;
  }

  template <class Share>
  Part part_of(const FilterNode& n, const Share& share) {
    switch (n.kind) {
      case FilterNode::Kind::kTest: {
        const double part = n.negated ? kUnusable : share(n.predicate);
        if (part < 0) return {true};
        predicates_.push_back(n.predicate);
        return {false, part};
      }
      case FilterNode::Kind::kAnd:
        return part_of_all(n, share);
      case FilterNode::Kind::kOr: {
        const size_t begin = predicates_.size();
        Part all;
        for (const FilterNode& c : n.children) {
          const Part a = part_of(c, share);
          if (a.is_open) {
            predicates_.resize(begin);
            return {true};
          }
          all.share += a.share;
        }
        return all;  // what one of the alternatives needs guards no other
      }
      case FilterNode::Kind::kFalse:
        return {};
      case FilterNode::Kind::kOpen:
      case FilterNode::Kind::kTrue:
        return {true};
    }
    return {true};
  }

  /// Of parts that must all hold, that with the least share; the others guard it.
  template <class Share>
  Part part_of_all(const FilterNode& n, const Share& share) {
    const size_t begin = predicates_.size();
    size_t end = begin;  // of the best so far
    Part best{true};
    for (const FilterNode& c : n.children) {
      Part a = part_of(c, share);
      if (a.is_open) continue;
      if (!best.is_open) {
        const bool is_better = a.share < best.share;
        Part& kept = is_better ? a : best;
        const Part& other = is_better ? best : a;
        const size_t other_begin = is_better ? begin : end;
        const size_t other_size = is_better ? end - begin : predicates_.size() - end;
        if (other_size == 1) guard_by(kept, predicates_[other_begin], other.share);
        guard_by(kept, other.guard, other.guard_share);
        if (!is_better) {
          predicates_.resize(end);
          continue;
        }
        predicates_.erase(predicates_.begin() + static_cast<ptrdiff_t>(begin),
                          predicates_.begin() + static_cast<ptrdiff_t>(end));
      }
      best = a;
      end = predicates_.size();
    }
    return best;
  }

  std::vector<uint32_t> predicates_;
  double share_ = 0;
  uint32_t guard_ = kNoPredicate;
};

}  // namespace postern::exec
