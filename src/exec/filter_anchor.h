// What a row must touch for a filter to hold: of the predicates of a boolean program, a few that
// are touched seldom and one of which at least must be. Tests:
// tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "exec/filter_program.h"

namespace postern::exec {

struct Anchor {
  std::vector<uint32_t> predicates;  ///< of which one at least must be touched
  double share = 0;                  ///< of rows that touch any, at most
  uint32_t guard = kNoPredicate;     ///< one more that the filter cannot hold without
  double guard_share = 1;
};

/// The part of the rows that touches a predicate, 0 to 1; nullopt: it is not to be used.
using Share = std::function<std::optional<double>(uint32_t predicate)>;

/// The anchor that the fewest rows touch; nullopt: the node may hold without any.
std::optional<Anchor> anchor_of(const FilterNode& n, const Share& share);

}  // namespace postern::exec
