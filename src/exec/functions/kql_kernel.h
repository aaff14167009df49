// Building blocks of the KQL kernels: cells as Kusto sees them, type rules, loops.
//
// A string column has no nulls: a missing string reads as "". Text of a cell is what tostring()
// gives. A dynamic cell stands for the value in it wherever a scalar is wanted. Source: Kusto
// documentation; answers of a real engine (tests/unit/exec/kql_*_test.cc, tests/cases/kql,
// tools/kql_cases.cc).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "data/column.h"
#include "data/dynamic.h"
#include "plan/function.h"

namespace postern::exec::kql {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::DynamicWriter;
using data::Type;
using data::Value;
using plan::FunctionDef;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

// ---- text forms
// -----------------------------------------------------------------------------------

/// tostring(real): the shortest text that reads back, with a point: "1.0", "1e+20", "inf", "NaN".
std::string real_to_text(double v);
/// Compact JSON as Kusto writes it; datetimes with seven digits.
void append_json(std::string& out, Dynamic d);
std::string to_json(Dynamic d);
/// tostring() of a dynamic value: a string as is, null "", the rest as JSON.
std::string to_text(Dynamic d);

// ---- values out of text: the conversions toint(), toreal(), … of strings
// ----------------------------

std::optional<int64_t> long_from_text(std::string_view s);  ///< blanks trimmed, 0x… accepted
std::optional<int64_t> int_from_text(std::string_view s);   ///< the same, 32 bits
std::optional<double> real_from_text(std::string_view s);
std::optional<bool> bool_from_text(std::string_view s);

/// Truncation with saturation, as a cast of the engine: NaN and the infinities are null.
std::optional<int64_t> long_from_real(double v);
std::optional<int64_t> int_from_real(double v);

// ---- cells
// ----------------------------------------------------------------------------------------

/// One argument of a kernel, read row by row in whatever form is wanted.
class Arg {
 public:
  explicit Arg(const Column& c);

  Type type() const { return type_; }

  bool is_constant() const { return constant_; }

  /// False for a null cell; a missing string is valid and empty, a dynamic null is not valid.
  bool valid(uint32_t row) const;
  /// tostring() of the cell, "" for null. Good until the next call on this argument.
  std::string_view text(uint32_t row);
  /// The cell as a number: numbers and bools by value, times as ticks, dynamic numbers; text is
  /// none.
  std::optional<double> number(uint32_t row) const;
  /// The same as whole number; a real is truncated.
  std::optional<int64_t> integer(uint32_t row) const;
  std::optional<bool> boolean(uint32_t row) const;
  /// Ticks of a datetime or timespan; of a dynamic, also text that spells one.
  std::optional<int64_t> datetime(uint32_t row) const;
  std::optional<int64_t> timespan(uint32_t row) const;
  /// The cell as a dynamic value; for other types it is encoded into a buffer of this argument.
  Dynamic dynamic(uint32_t row);

  /// Bytes of a string or encoded dynamic as they lie in the column.
  std::string_view raw(uint32_t row) const { return bytes_[row]; }

  int64_t ints(uint32_t row) const { return ints_[row]; }

  double reals(uint32_t row) const { return reals_[row]; }

  /// Position of the row's value behind the column's index: equal positions are equal cells.
  uint32_t position(uint32_t row) const { return bytes_.position(row); }

 private:
  Type type_;
  bool constant_;
  data::ColumnView<std::string_view> bytes_;
  data::ColumnView<int64_t> ints_;
  data::ColumnView<double> reals_;
  data::ColumnView<uint8_t> bools_;
  std::string buffer_;
  DynamicWriter writer_;
};

/// Writes the cell as a value of a dynamic; a missing string is "", any other null is null.
void write_cell(DynamicWriter& w, Arg& a, uint32_t row);

/// All arguments of a call.
std::vector<Arg> arguments(const KernelCall& call);

/// Sets a dynamic cell; a null value leaves it null.
void set_dynamic(ColumnBuilder& out, uint32_t row, Dynamic d);

// A cell that functions make ends at this size: a query that doubles a text forty times must not
// take the machine with it. No evidence comes near.
inline constexpr size_t kMaxMadeBytes = size_t{16} << 20;

/// Whether a cell in the making may still grow.
inline bool has_room(size_t made) {
  return made < kMaxMadeBytes;
}

/// Sets a text that a function made, cut to that size.
void set_made_text(ColumnBuilder& out, uint32_t row, std::string_view s);
/// Sets what the writer holds; too large a value is null, since half an array would be another one.
void set_made_dynamic(ColumnBuilder& out, uint32_t row, DynamicWriter& w);

// ---- loops
// ----------------------------------------------------------------------------------------

/// Calls `f(args, row, out)` for each row, which sets out[row] or leaves it null. Where the only
/// argument that varies is a dictionary or selection, each distinct value is computed once.
template <class F>
Column map_rows(const KernelCall& call, F&& f) {
  std::vector<Arg> args = arguments(call);
  ColumnBuilder out(call.type, call.num_rows);
  const Column* varying = nullptr;
  bool several = false;
  for (const Column& c : call.args) {
    if (c.is_constant()) continue;
    several = several || varying != nullptr;
    varying = &c;
  }
  if (!varying && !call.args.empty() && !call.rows.empty()) {
    // All constant: one row stands for the others.
    f(args, call.rows[0], out);
    const std::vector<uint32_t> index(call.num_rows, call.rows[0]);
    return out.finish().gather(index);
  }
  const bool distinct =
      varying && !several && !varying->is_flat() && varying->num_values() < call.rows.size();
  if (!distinct) {
    for (const uint32_t row : call.rows)
      f(args, row, out);
    return out.finish();
  }
  const data::ColumnView<std::string_view> positions = varying->view<std::string_view>();
  std::vector<uint32_t> first(varying->num_values(), UINT32_MAX);
  std::vector<uint32_t> index(call.num_rows, 0);
  for (const uint32_t row : call.rows) {
    uint32_t& stands = first[positions.position(row)];
    if (stands == UINT32_MAX) {
      stands = row;
      f(args, row, out);
    }
    index[row] = stands;
  }
  return out.finish().gather(index);
}

// ---- type rules
// -----------------------------------------------------------------------------------

using Mask = uint16_t;

constexpr Mask bit(Type t) {
  return static_cast<Mask>(1U << static_cast<unsigned>(t));
}

inline constexpr Mask kAnyArg = 0xFFFF;
inline constexpr Mask kDynamicArg = bit(Type::kDynamic);
/// Text; a number there is a fault of the query that every reader understands.
inline constexpr Mask kTextArg = bit(Type::kString) | bit(Type::kDynamic);
inline constexpr Mask kIntegerArg = bit(Type::kInt) | bit(Type::kLong) | bit(Type::kDynamic);
inline constexpr Mask kNumberArg = kIntegerArg | bit(Type::kReal);
inline constexpr Mask kBoolArg = bit(Type::kBool) | bit(Type::kDynamic);
inline constexpr Mask kDatetimeArg = bit(Type::kDatetime) | bit(Type::kDynamic);
inline constexpr Mask kTimespanArg = bit(Type::kTimespan) | bit(Type::kDynamic);

/// Checks argument i against masks[i], later ones against the last mask. Gives `result` when all
/// fit.
Typing check_arguments(const TypeRequest& r, std::span<const Mask> masks, Type result);

/// The type rule of a function with a fixed result type: `fixed<Type::kLong, kTextArg,
/// kIntegerArg>`.
template <Type result, Mask... masks>
Typing fixed(const TypeRequest& r) {
  static constexpr Mask kMasks[] = {masks..., kAnyArg};
  return check_arguments(r, std::span<const Mask>(kMasks, sizeof...(masks)), result);
}

/// The type rule of `==`, which a list's members follow too (kql_compare.cc).
Typing equality_typing(const TypeRequest& r);

/// The type that holds both: equal ones, the wider number (int and int stay int), else dynamic.
Type common_type(Type a, Type b);

/// A description of one function, for registration.
struct Spec {
  std::string_view name;  ///< without "kql."
  int min_args;
  int max_args;
  Typing (*typing)(const TypeRequest&);
  plan::Kernel kernel;
  std::string_view doc;
  plan::Prepare prepare = nullptr;
  std::string_view symbol = "";
  bool any_of = false;
  bool deterministic = true;
  int literals_from = -1;
};

void add(plan::FunctionCatalog& catalog, std::span<const Spec> specs);

// ---- families, one file each
// ------------------------------------------------------------------------

std::string url_decode(
    std::string_view s);  ///< %xx and + undone; bytes as they come (kql_encode.cc)
/// Equal values have equal keys: 1 and 1.0 are one value, 1 and "1" are two (kql_set.cc).
std::string key_of(Dynamic d);

void register_comparisons(plan::FunctionCatalog& c);     // kql_compare.cc
void register_membership(plan::FunctionCatalog& c);      // kql_in.cc
void register_text_matches(plan::FunctionCatalog& c);    // kql_match.cc
void register_arithmetic(plan::FunctionCatalog& c);      // kql_arithmetic.cc
void register_math(plan::FunctionCatalog& c);            // kql_math.cc
void register_conversions(plan::FunctionCatalog& c);     // kql_convert.cc
void register_strings(plan::FunctionCatalog& c);         // kql_string.cc
void register_regexes(plan::FunctionCatalog& c);         // kql_regex.cc
void register_parsers(plan::FunctionCatalog& c);         // kql_parse.cc
void register_encodings(plan::FunctionCatalog& c);       // kql_encode.cc
void register_dynamic(plan::FunctionCatalog& c);         // kql_dynamic.cc
void register_arrays(plan::FunctionCatalog& c);          // kql_array.cc
void register_sets(plan::FunctionCatalog& c);            // kql_set.cc
void register_datetimes(plan::FunctionCatalog& c);       // kql_datetime.cc
void register_time_formats(plan::FunctionCatalog& c);    // kql_format_time.cc
void register_addresses(plan::FunctionCatalog& c);       // kql_ip.cc
void register_parse_operator(plan::FunctionCatalog& c);  // kql_parse_operator.cc
void register_key_values(plan::FunctionCatalog& c);      // kql_parse_kv.cc
void register_xml(plan::FunctionCatalog& c);             // kql_xml.cc
void register_beacons(plan::FunctionCatalog& c);         // kql_beacon.cc
void register_windows(plan::FunctionCatalog& c);         // kql_window.cc

}  // namespace postern::exec::kql
