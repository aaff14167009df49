#include "exec/filter_anchor.h"

#include <utility>

namespace postern::exec {
namespace {

/// What `other`, of another part that must hold too, can do as a guard.
void guard_by(Anchor& a, const Anchor& other) {
  if (other.predicates.size() == 1 && other.share < a.guard_share) {
    a.guard = other.predicates[0];
    a.guard_share = other.share;
  }
  if (other.guard_share < a.guard_share) {
    a.guard = other.guard;
    a.guard_share = other.guard_share;
  }
}

}  // namespace

std::optional<Anchor> anchor_of(const FilterNode& n, const Share& share) {
  switch (n.kind) {
    case FilterNode::Kind::kTest: {
      const auto part = n.negated ? std::nullopt : share(n.predicate);
      if (!part) return std::nullopt;
      return Anchor{{n.predicate}, *part, kNoPredicate, 1};
    }
    case FilterNode::Kind::kAnd: {
      std::optional<Anchor> best;
      for (const FilterNode& c : n.children) {
        auto a = anchor_of(c, share);
        if (!a) continue;
        if (!best || a->share < best->share) std::swap(a, best);
        if (a) guard_by(*best, *a);
      }
      return best;
    }
    case FilterNode::Kind::kOr: {
      Anchor all;
      for (const FilterNode& c : n.children) {
        auto a = anchor_of(c, share);
        if (!a) return std::nullopt;
        all.predicates.insert(all.predicates.end(), a->predicates.begin(), a->predicates.end());
        all.share += a->share;
      }
      return all;  // what one of the alternatives needs guards no other
    }
    case FilterNode::Kind::kFalse:
      return Anchor{};
    case FilterNode::Kind::kOpen:
    case FilterNode::Kind::kTrue:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace postern::exec
