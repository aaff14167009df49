// Which records may hold a keyword? One look at the text of a whole record, before its values are
// even taken apart.
//
// Keywords (of Sigma) are looked for in every value of an event and in its text, which makes
// decoders collect every value. Where filters ask nothing else of `_values` and `_text`, a record
// that has none of the keywords needs neither column. A record of JSON is searched as it is
// written: a piece of each keyword is chosen that JSON writes in one way only, or else as a \u
// escape, and a record with such an escape may hold anything. Other decoders show the gate the
// values themselves. Tests: tests/unit/exec/text_gate_test.cc.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/batch.h"
#include "plan/expr.h"

namespace postern::exec {

/// The gate of a table that is read by these filters and makes these columns of results; null:
/// something else is asked of `_values` or `_text`, or the keywords are too short.
std::shared_ptr<const data::TextGate> text_gate(const std::vector<plan::ExprPtr>& filters,
                                                const std::vector<plan::ExprPtr>& results);

/// The gate that looks for these literals (folded); null: they are too short.
std::shared_ptr<const data::TextGate> text_gate(std::vector<std::string> literals);

}  // namespace postern::exec
