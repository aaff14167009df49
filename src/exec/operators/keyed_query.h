// One run of an inner query for many rows at once.
//
// mv-apply asks for a query over each row's elements alone. Where the query only computes, filters,
// sorts and aggregates, the elements of many rows can go through it together when each carries the
// number of its row, and rows of different numbers are kept apart: it becomes the first key.
// Tests: tests/cases/kql/mv_apply*.case.
#pragma once
#include <optional>

#include "plan/op.h"

namespace postern::exec {

struct KeyedQuery {
  plan::OpPtr plan;  ///< first column of its elements and of its results: the number, a long
  /// It gives just one row for each row's elements, also where there are none: those of its
  /// results that are missing are what the query itself gives for no elements.
  bool one_row_each = false;
};

/// Nullopt where `query` does more than that.
std::optional<KeyedQuery> keyed_query(const plan::Op& query);

}  // namespace postern::exec
