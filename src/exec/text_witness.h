// What must be in a column for a test of it to hold: the literals by which many rules' filters are
// looked up at once (shared_filter.h).
//
// A witness is necessary, never wrong: where the test holds, at least one of its literals is in the
// folded text (base/text.h, fold) or one of its numbers is the value. A function that is not known
// here has none; its test is then evaluated row by row.
// Tests: tests/unit/exec/text_witness_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "match/literal_index.h"
#include "plan/expr.h"

namespace postern::exec {

struct TextWitness {
  struct Literal {
    match::LiteralIndex::Place place;
    std::string text;  ///< folded, not empty
  };

  std::vector<Literal> literals;
  std::vector<double> numbers;  ///< the text, trimmed, is written as one of these
  size_t num_columns = 1;       ///< leading arguments that are searched
  bool takes_members = false;   ///< of an array, the test looks at each member by itself
  /// The test holds just where one of them does, and is never null: on string columns.
  bool exact = false;
  /// The test holds just where one of the numbers is the value: on columns of integers.
  bool exact_numbers = false;
  bool never_null = false;  ///< the test is true or false, also of what is absent
};

/// Witness of a call of columns and then literals; nullopt: none. The literals are looked for in
/// each of the columns (one, but for keywords), in an array in each of its members.
std::optional<TextWitness> text_witness(const plan::Expr& call);

/// The longest text (folded) that every match of a regular expression contains, as far as a plain
/// reading of its top level tells; "" when there is none to rely on.
std::string required_literal(std::string_view regex);

}  // namespace postern::exec
