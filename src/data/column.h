// Typed, immutable columns: a run of values, validity bits, and an optional index into them.
//
// A column is flat (row i is value i), constant (every row is value 0) or indexed (row i is value
// index[i]: a dictionary, or a selection of another column). Readers see all three through one
// ColumnView, so a kernel is one loop. Copying a column shares its buffers.
// Tests: tests/unit/data/column_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/check.h"
#include "data/type.h"
#include "data/value.h"

namespace postern::data {

/// Rows of a batch at most; kernels may rely on it.
inline constexpr uint32_t kBatchRows = 2048;

/// 0, 1, 2, … kBatchRows-1, and as many zeros: the identity and the constant index.
extern const std::vector<uint32_t> kIdentityRows;
extern const std::vector<uint32_t> kZeroRows;

/// A set of row numbers, ascending, of one batch; borrowed.
using Rows = std::span<const uint32_t>;

/// Reads any encoding: `view.valid(row)`, `view[row]`. T is the physical type (type.h):
/// uint8_t, int64_t, double, std::string_view.
template <class T>
struct ColumnView {
  const T* values = nullptr;
  const uint32_t* index = nullptr;     ///< null: flat
  const uint64_t* validity = nullptr;  ///< bit per value; null: all valid

  uint32_t position(uint32_t row) const { return index ? index[row] : row; }

  bool valid(uint32_t row) const {
    if (!validity) return true;
    const uint32_t p = position(row);
    return (validity[p / 64] >> (p % 64)) & 1;
  }

  const T& operator[](uint32_t row) const { return values[position(row)]; }
};

namespace detail {
struct ColumnData {
  std::vector<uint8_t> bytes;
  std::vector<int64_t> ints;
  std::vector<double> reals;
  std::vector<std::string_view> strings;
  std::vector<uint64_t> validity;  // empty: all valid
  uint32_t num_values = 0;
  size_t text_bytes = 0;                          // of the column's own arena
  std::vector<std::shared_ptr<const void>> keep;  // what the strings point into
};
}  // namespace detail

class Column {
 public:
  Column() = default;

  Type type() const { return type_; }

  uint32_t num_rows() const { return num_rows_; }

  bool is_constant() const { return constant_; }

  bool is_flat() const { return !index_ && !constant_; }

  /// Values behind the index: what a per-distinct-value memo is sized by.
  uint32_t num_values() const { return data_ ? data_->num_values : 0; }

  template <class T>
  ColumnView<T> view() const {
    ColumnView<T> v;
    if (!data_) return v;
    if constexpr (std::is_same_v<T, uint8_t>)
      v.values = data_->bytes.data();
    else if constexpr (std::is_same_v<T, int64_t>)
      v.values = data_->ints.data();
    else if constexpr (std::is_same_v<T, double>)
      v.values = data_->reals.data();
    else
      v.values = data_->strings.data();
    v.index = constant_ ? kZeroRows.data() : (index_ ? index_->data() : nullptr);
    v.validity = data_->validity.empty() ? nullptr : data_->validity.data();
    return v;
  }

  bool valid(uint32_t row) const;
  Value value(uint32_t row) const;  ///< slow; for finished rows and tests

  /// `n` rows of one value (n may exceed kBatchRows only for flat columns).
  static Column constant(const Value& v, uint32_t n);
  static Column nulls(Type t, uint32_t n);
  /// A column of the given rows, in that order (repeats allowed), sharing the values.
  Column gather(Rows rows) const;
  /// A flat copy that owns its strings and keeps nothing else alive.
  Column compact() const;

  /// Memory that the column's own buffers take; what it borrows is somebody else's.
  size_t memory_bytes() const;

 private:
  friend class ColumnBuilder;

  Type type_ = Type::kNull;
  uint32_t num_rows_ = 0;
  bool constant_ = false;
  std::shared_ptr<const detail::ColumnData> data_;
  std::shared_ptr<const std::vector<uint32_t>> index_;
};

/// Makes a flat column, by appending, or by setting rows of a preset size (unset rows are null).
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type t, uint32_t preset_rows = 0);

  Type type() const { return type_; }

  uint32_t size() const { return size_; }

  void append_null();
  void append_nulls(uint32_t n);

  void append(bool v) { grow(), set(size_ - 1, v); }

  void append(int64_t v) { grow(), set(size_ - 1, v); }

  void append(double v) { grow(), set(size_ - 1, v); }

  /// Bytes of a string or an encoded dynamic, borrowed: they must live as long as what `keep`
  /// names.
  void append_borrowed(std::string_view v) { grow(), set_borrowed(size_ - 1, v); }

  void append_copy(std::string_view v) { grow(), set_copy(size_ - 1, v); }

  void append(const Value& v) { grow(), set(size_ - 1, v); }

  void set(uint32_t row, bool v);
  void set(uint32_t row, int64_t v);
  void set(uint32_t row, double v);
  void set_borrowed(uint32_t row, std::string_view v);
  void set_copy(uint32_t row, std::string_view v);
  /// Coerces between physical number types; a null sets null. Other mismatches are a CHECK.
  void set(uint32_t row, const Value& v);
  void set_null(uint32_t row);

  // One row behind the other, as decoders write: `row` is size() or further on, and rows between
  // are null; a row before that is overwritten. The column's type must be stored as the value's.
  void put(uint32_t row, int64_t v) {
    if (!advance(row)) return set(row, v);
    data_->ints.push_back(v);
  }

  void put(uint32_t row, double v) {
    if (!advance(row)) return set(row, v);
    data_->reals.push_back(v);
  }

  void put_borrowed(uint32_t row, std::string_view v) {
    if (!advance(row)) return set_borrowed(row, v);
    data_->strings.push_back(v.data() ? v : std::string_view("", 0));
  }

  /// What was written so far: false for a null and beyond the end.
  bool is_set(uint32_t row) const;
  std::string_view bytes_at(uint32_t row) const;  ///< string and dynamic columns

  /// Keeps `owner` alive as long as the finished column (for borrowed strings).
  void keep(std::shared_ptr<const void> owner);
  /// Bytes of the finished column's own arena, for kernels that build strings in place.
  Arena& arena();

  /// The finished column; the builder is empty afterwards.
  Column finish();

 private:
  void start();
  void grow();
  void pad(uint32_t row);

  /// Makes row `row` the next one and counts it as valid; its value is to be pushed. False: it is
  /// there already.
  bool advance(uint32_t row) {
    if (row < size_) return false;
    if (row > size_ || !data_) pad(row);
    if (size_ % 64 == 0) data_->validity.push_back(0);
    data_->validity.back() |= uint64_t{1} << (size_ % 64);
    ++size_;
    return true;
  }

  void mark_valid(uint32_t row);

  Type type_;
  uint32_t size_ = 0;
  uint32_t last_size_ = 0;  // of the column finished before this one
  uint32_t num_nulls_ = 0;
  std::shared_ptr<detail::ColumnData> data_;
  std::shared_ptr<Arena> arena_;
};

}  // namespace postern::data
