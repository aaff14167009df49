// Building blocks of kernels: cells as text, loops over rows, memo per distinct value.
#pragma once
#include <charconv>
#include <string>
#include <string_view>

#include "base/text.h"
#include "base/time.h"
#include "data/column.h"
#include "data/dynamic.h"
#include "plan/function.h"

namespace postern::exec {

/// Reads cells of any column as plain text without allocating for strings: numbers and times are
/// formatted into a buffer that lives until the next call. A null cell is not valid().
class CellText {
 public:
  explicit CellText(const data::Column& c);

  bool valid(uint32_t row) const;
  std::string_view operator[](uint32_t row);

  data::Type type() const { return type_; }

  /// For a dynamic cell: the value; arrays are the members of a multivalue field.
  data::Dynamic dynamic(uint32_t row) const { return data::Dynamic(bytes_[row]); }

 private:
  data::Type type_;
  data::ColumnView<std::string_view> bytes_;
  data::ColumnView<int64_t> ints_;
  data::ColumnView<double> reals_;
  data::ColumnView<uint8_t> bools_;
  std::string buffer_;
};

/// Calls `test(std::string_view)` on the text of each row's cell: for a dynamic array on each
/// member until one holds. The result is a bool column; a null cell gives `when_null` (null when
/// nullopt). For an indexed (dictionary) column each distinct value is tested once.
template <class Test>
data::Column test_text(const plan::KernelCall& call,
                       const data::Column& column,
                       std::optional<bool> when_null,
                       Test&& test) {
  data::ColumnBuilder out(data::Type::kBool, call.num_rows);
  CellText text(column);
  std::vector<int8_t> memo;
  const bool use_memo =
      !column.is_flat() && !column.is_constant() && column.num_values() < call.rows.size();
  data::ColumnView<std::string_view> positions = column.view<std::string_view>();
  if (use_memo) memo.assign(column.num_values(), -1);
  for (const uint32_t row : call.rows) {
    if (!text.valid(row)) {
      if (when_null) out.set(row, *when_null);
      continue;
    }
    if (use_memo && memo[positions.position(row)] >= 0) {
      out.set(row, memo[positions.position(row)] == 1);
      continue;
    }
    bool hit = false;
    if (column.type() == data::Type::kDynamic && text.dynamic(row).is_array()) {
      const data::Dynamic array = text.dynamic(row);
      for (uint32_t i = 0; i < array.size() && !hit; ++i) {
        const data::Dynamic member = array.at(i);
        if (member.is_string())
          hit = test(member.as_string());
        else if (!member.is_null())
          hit = test(std::string_view(member.text()));
      }
    } else {
      hit = test(text[row]);
    }
    if (use_memo) memo[positions.position(row)] = hit ? 1 : 0;
    out.set(row, hit);
  }
  return out.finish();
}

}  // namespace postern::exec
