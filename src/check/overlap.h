// Rules that say the same, or of which one fires only where another does.
//
// A rule is the conjunction of its conditions. It implies another of the same log source when each
// condition of the other follows from one of its own: the same formula, or tests of one field where
// every value of the one has what the other asks (value_test.h). That is enough to be sure, not all
// that could be found. Tests: tests/unit/check/overlap_test.cc.
#pragma once
#include <vector>

#include "engine/rule_set.h"

namespace postern::check {

struct Overlap {
  const engine::LoadedRule* rule = nullptr;   ///< the one to tell it of: the later, or the narrower
  const engine::LoadedRule* other = nullptr;  ///< the earlier, or the wider
  bool equal = false;
};

/// In the order of `rules`; of several wider rules the first is told.
std::vector<Overlap> find_overlaps(const std::vector<const engine::LoadedRule*>& rules);

}  // namespace postern::check
