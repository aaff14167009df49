// Which records may any filter let through? So few, mostly, that decoders of texts need not make
// rows of the others.
//
// Of each filter something is chosen that it cannot do without (text_witness.h): literals that may
// lie anywhere in the text, where they are long enough to be seldom, or else what one column or two
// must be. The first are looked for in the whole record at once, the others in the values of these
// columns. Tests: tests/unit/exec/row_gate_test.cc.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "data/row_gate.h"
#include "plan/expr.h"

namespace postern::exec {

/// What is known of all the records that a gate is for: the texts (folded) that one column may
/// have.
struct KnownTexts {
  std::string column;
  std::function<bool(std::string_view)> may_be;
};

/// The gate of records that these filters read in columns of `layout`. Null: some filter may hold
/// whatever else is in a record, as far as this can tell.
std::shared_ptr<const data::RowGate> row_gate(const std::vector<plan::ExprPtr>& filters,
                                              const data::Layout& layout,
                                              const KnownTexts& known);

}  // namespace postern::exec
