// Values as Splunk sees them: every field is text, text that looks like a number is one, a field
// may hold several values, and a time is a number of seconds since 1970.
//
// Typed columns keep their types where that changes nothing. A datetime reads as seconds with their
// fraction, a bool as "true"/"false", a dynamic array as the values of a multivalue field; an empty
// array is a missing field, "" is not. Tests: tests/unit/lang/spl/functions_test.cc,
// tests/cases/spl.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "data/column.h"
#include "data/dynamic.h"
#include "plan/function.h"

namespace postern::exec {

/// A number, exact while it is whole and fits.
struct SplNumber {
  bool whole = true;
  int64_t integer = 0;
  double real = 0;

  static SplNumber of(int64_t i) { return {true, i, static_cast<double>(i)}; }

  static SplNumber of(double d);
};

int compare(const SplNumber& a, const SplNumber& b);
/// Nullopt when the text is not entirely a number.
std::optional<SplNumber> spl_number(std::string_view text);
/// "25", "0.5"; "nan" and "inf" as C writes them.
std::string spl_number_text(const SplNumber& n);
/// Seconds since 1970 of a tick count, with up to seven digits of fraction: "1700000000.25".
std::string spl_time_text(int64_t ticks);
SplNumber spl_time_number(int64_t ticks);
/// Nearest tick of a number of seconds; nullopt outside of years 1 to 9999.
std::optional<int64_t> spl_ticks(const SplNumber& seconds);

/// Reads the cells of one column.
class SplCells {
 public:
  explicit SplCells(const data::Column& column);

  data::Type type() const { return type_; }

  /// Number of values: 0 missing, more than 1 only for dynamic arrays.
  uint32_t count(uint32_t row) const;

  bool valid(uint32_t row) const { return count(row) > 0; }

  bool multivalue(uint32_t row) const { return type_ == data::Type::kDynamic && count(row) > 1; }

  /// Value `i` as text; lives until the next call.
  std::string_view text(uint32_t row, uint32_t i = 0);
  std::optional<SplNumber> number(uint32_t row, uint32_t i = 0);
  /// Event time or another datetime as it is.
  std::optional<int64_t> ticks(uint32_t row) const;

 private:
  data::Dynamic member(uint32_t row, uint32_t i) const;

  data::Type type_;
  data::ColumnView<std::string_view> bytes_;
  data::ColumnView<int64_t> ints_;
  data::ColumnView<double> reals_;
  data::ColumnView<uint8_t> bools_;
  std::string buffer_;
};

/// Type that can hold values of all the given ones: itself when they agree, the wider number,
/// dynamic when one is, else string. Nulls do not count; string when there is nothing else.
data::Type spl_common_type(std::span<const data::Type> types);

/// Copies a cell into row `row` of `out`, whatever the types.
void spl_copy(SplCells& from, uint32_t row, data::ColumnBuilder& out);

/// Writes several values into one cell: none is null, one is a plain text, more are an array.
void spl_set_values(data::ColumnBuilder& out, uint32_t row, const std::vector<std::string>& values);
std::string spl_encode_values(const std::vector<std::string>& values);

/// The literal argument `i` as text, or nullopt when it is no literal (or null).
std::optional<std::string> spl_constant(std::span<const data::Value* const> constants, size_t i);

/// Applies `f(std::string_view) -> std::optional<std::string>` to each value of the first argument.
/// The result column is call.type: string, or dynamic when the argument is.
template <class F>
data::Column spl_map_text(const plan::KernelCall& call, F&& f) {
  data::ColumnBuilder out(call.type, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    if (n == 0) continue;
    if (call.type == data::Type::kString) {
      if (std::optional<std::string> s = f(cells.text(row))) out.set_copy(row, *s);
      continue;
    }
    values.clear();
    for (uint32_t i = 0; i < n; ++i)
      if (std::optional<std::string> s = f(cells.text(row, i))) values.push_back(std::move(*s));
    spl_set_values(out, row, values);
  }
  return out.finish();
}

/// True for each row with a value that passes; `when_missing` for a row without one (null when
/// nullopt).
template <class F>
data::Column spl_any_value(const plan::KernelCall& call,
                           size_t arg,
                           std::optional<bool> when_missing,
                           F&& test) {
  data::ColumnBuilder out(data::Type::kBool, call.num_rows);
  SplCells cells(call.args[arg]);
  // A dictionary's distinct values are tested once.
  const data::Column& column = call.args[arg];
  const bool bytes = data::physical(column.type()) == data::Physical::kBytes;
  const auto positions = column.view<std::string_view>();
  const bool memoise = bytes && !column.is_flat() && column.num_values() < call.rows.size();
  std::vector<int8_t> memo(memoise ? column.num_values() : 0, -1);
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    if (n == 0) {
      if (when_missing) out.set(row, *when_missing);
      continue;
    }
    int8_t* known = memoise ? &memo[positions.position(row)] : nullptr;
    if (known && *known >= 0) {
      out.set(row, *known == 1);
      continue;
    }
    bool hit = false;
    for (uint32_t i = 0; i < n && !hit; ++i)
      hit = test(cells.text(row, i));
    if (known) *known = hit ? 1 : 0;
    out.set(row, hit);
  }
  return out.finish();
}

/// Entries of the catalog, family by family (spl_*.cc); spl_search.cc registers them all.
void register_spl_comparisons(plan::FunctionCatalog& c);
void register_spl_numbers(plan::FunctionCatalog& c);
void register_spl_texts(plan::FunctionCatalog& c);
void register_spl_regexes(plan::FunctionCatalog& c);
void register_spl_multivalues(plan::FunctionCatalog& c);
void register_spl_times(plan::FunctionCatalog& c);
void register_spl_choices(plan::FunctionCatalog& c);
void register_spl_lookups(plan::FunctionCatalog& c);
void register_spl_structures(plan::FunctionCatalog& c);

plan::FunctionDef spl_function(std::string name,
                               int min_args,
                               int max_args,
                               plan::Typing (*typing)(const plan::TypeRequest&),
                               plan::Kernel kernel,
                               std::string doc,
                               plan::Prepare prepare = nullptr,
                               std::string symbol = "");

inline plan::Typing spl_gives_bool(const plan::TypeRequest&) {
  return plan::Typing::ok(data::Type::kBool);
}

inline plan::Typing spl_gives_long(const plan::TypeRequest&) {
  return plan::Typing::ok(data::Type::kLong);
}

inline plan::Typing spl_gives_real(const plan::TypeRequest&) {
  return plan::Typing::ok(data::Type::kReal);
}

inline plan::Typing spl_gives_string(const plan::TypeRequest&) {
  return plan::Typing::ok(data::Type::kString);
}

inline plan::Typing spl_gives_dynamic(const plan::TypeRequest&) {
  return plan::Typing::ok(data::Type::kDynamic);
}

/// Text in, text out, value by value: dynamic when the first argument is.
inline plan::Typing spl_gives_text(const plan::TypeRequest& r) {
  return plan::Typing::ok(r.types[0] == data::Type::kDynamic ? data::Type::kDynamic
                                                             : data::Type::kString);
}

}  // namespace postern::exec
