// Which columns need be looked up only for few rows? Those whose tests decide no filter alone: each
// filter that asks them also needs something rare of other columns, which most rows lack, so that
// what a user or a directory was named is of no matter for them. Tests:
// tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "exec/filter_program.h"

namespace postern::exec {

/// The part of a group's rows that touches a predicate, as far as is known: 0 to 1.
using Share = std::function<double(uint32_t predicate)>;

/// Of the indexed columns `columns` (by number, ascending), those that may wait until the others
/// are known, ascending: at most every fifth row needs them then, by `share`, which must be right
/// for predicates over all other columns. Those in `late` stay in it.
std::vector<size_t> late_columns(const FilterPrograms& programs,
                                 std::span<const uint32_t> filters,
                                 std::span<const size_t> columns,
                                 const Share& share,
                                 const std::vector<size_t>& late);

}  // namespace postern::exec
