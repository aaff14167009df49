// Columns: building, selecting, flattening. A value under a null is always 0 or "", so a kernel may
// compute on it before it looks at the validity bit.
#include "data/column.h"

#include <numeric>
#include <utility>

namespace postern::data {
namespace {

std::vector<uint32_t> identity_rows() {
  std::vector<uint32_t> rows(kBatchRows);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

bool bit(const std::vector<uint64_t>& bits, uint32_t i) {
  return (bits[i / 64] >> (i % 64)) & 1;
}

/// Strings of a column point at bytes, never at nothing: callers may memcpy them.
std::string_view not_null(std::string_view s) {
  return s.data() ? s : std::string_view("", 0);
}

}  // namespace

const std::vector<uint32_t> kIdentityRows = identity_rows();
const std::vector<uint32_t> kZeroRows(kBatchRows, 0);

bool Column::valid(uint32_t row) const {
  if (!data_) return false;
  if (data_->validity.empty()) return true;
  return bit(data_->validity, constant_ ? 0 : (index_ ? (*index_)[row] : row));
}

Value Column::value(uint32_t row) const {
  POSTERN_CHECK(row < num_rows_);
  if (!valid(row)) return Value::null(type_);
  switch (type_) {
    case Type::kBool:
      return Value::boolean(view<uint8_t>()[row] != 0);
    case Type::kReal:
      return Value::real(view<double>()[row]);
    case Type::kDatetime:
      return Value::datetime(view<int64_t>()[row]);
    case Type::kTimespan:
      return Value::timespan(view<int64_t>()[row]);
    case Type::kString:
      return Value::string(std::string(view<std::string_view>()[row]));
    case Type::kDynamic:
      return Value::dynamic(std::string(view<std::string_view>()[row]));
    default:
      return Value::integer(view<int64_t>()[row], type_);
  }
}

Column Column::constant(const Value& v, uint32_t n) {
  // One value serves all rows only as far as kZeroRows reaches.
  const uint32_t num_values = n > kBatchRows ? n : 1;
  ColumnBuilder b(v.type());
  if (v.is_null()) {
    b.append_nulls(num_values);
  } else if (physical(v.type()) == Physical::kBytes) {
    auto arena = std::make_shared<Arena>(v.as_bytes().size());  // no more than this one value
    const std::string_view bytes = arena->copy(v.as_bytes());
    b.keep(std::move(arena));
    for (uint32_t i = 0; i < num_values; ++i)
      b.append_borrowed(bytes);
  } else {
    for (uint32_t i = 0; i < num_values; ++i)
      b.append(v);
  }
  Column c = b.finish();
  c.constant_ = n <= kBatchRows;
  c.num_rows_ = n;
  return c;
}

Column Column::nulls(Type t, uint32_t n) {
  if (n > kBatchRows) return constant(Value::null(t), n);
  // One for all: rows of queries have many columns that their table does not.
  static const std::vector<Column> kNulls = [] {
    std::vector<Column> out;
    for (size_t i = 0; i <= static_cast<size_t>(Type::kDynamic); ++i)
      out.push_back(constant(Value::null(static_cast<Type>(i)), kBatchRows));
    return out;
  }();
  Column c = kNulls[static_cast<size_t>(t)];
  c.num_rows_ = n;
  return c;
}

Column Column::gather(Rows rows) const {
  Column c;
  c.type_ = type_;
  c.num_rows_ = static_cast<uint32_t>(rows.size());
  c.data_ = data_;
  if (constant_ && rows.size() <= kBatchRows) {
    c.constant_ = true;
    return c;
  }
  std::vector<uint32_t> index(rows.size(), 0);
  if (!constant_) {
    for (size_t i = 0; i < rows.size(); ++i) {
      POSTERN_CHECK(rows[i] < num_rows_);
      index[i] = index_ ? (*index_)[rows[i]] : rows[i];
    }
  }
  c.index_ = std::make_shared<const std::vector<uint32_t>>(std::move(index));
  return c;
}

Column Column::compact() const {
  Column c;
  c.type_ = type_;
  c.num_rows_ = num_rows_;
  auto data = std::make_shared<detail::ColumnData>();
  data->num_values = num_rows_;
  bool any_null = false;
  std::vector<uint64_t> validity((num_rows_ + 63) / 64, 0);
  for (uint32_t i = 0; i < num_rows_; ++i) {
    if (valid(i))
      validity[i / 64] |= uint64_t{1} << (i % 64);
    else
      any_null = true;
  }
  const auto flatten = [this](auto view, auto& out) {
    out.resize(num_rows_);
    for (uint32_t i = 0; i < num_rows_; ++i)
      out[i] = view[i];
  };
  switch (physical(type_)) {
    case Physical::kByte:
      flatten(view<uint8_t>(), data->bytes);
      break;
    case Physical::kInt64:
      flatten(view<int64_t>(), data->ints);
      break;
    case Physical::kDouble:
      flatten(view<double>(), data->reals);
      break;
    case Physical::kBytes: {
      flatten(view<std::string_view>(), data->strings);
      // A run of rows with the same bytes (a constant, a sorted dictionary) shares one copy.
      const auto same = [](std::string_view a, std::string_view b) {
        return a.data() == b.data() && a.size() == b.size();
      };
      size_t total = 0;
      std::string_view last;
      for (const std::string_view s : data->strings) {
        if (!same(s, last)) total += s.size();
        last = s;
      }
      data->text_bytes = total;
      auto arena = std::make_shared<Arena>(total);
      char* at = arena->allocate(total);
      last = {};
      std::string_view last_copy("", 0);
      for (std::string_view& s : data->strings) {
        if (!same(s, last)) {
          last = s;
          if (!s.empty()) std::memcpy(at, s.data(), s.size());
          last_copy = {at, s.size()};
          at += s.size();
        }
        s = s.empty() ? std::string_view("", 0) : last_copy;
      }
      data->keep.push_back(std::move(arena));
      break;
    }
  }
  if (any_null) data->validity = std::move(validity);
  c.data_ = std::move(data);
  return c;
}

size_t Column::memory_bytes() const {
  size_t n = sizeof(Column) + (index_ ? index_->size() * sizeof(uint32_t) : 0);
  if (!data_) return n;
  return n + sizeof(detail::ColumnData) + data_->bytes.size() + data_->ints.size() * 8 +
         data_->reals.size() * 8 + data_->strings.size() * sizeof(std::string_view) +
         data_->validity.size() * 8 + data_->text_bytes;
}

ColumnBuilder::ColumnBuilder(Type t, uint32_t preset_rows) : type_(t) {
  append_nulls(preset_rows);
}

void ColumnBuilder::start() {
  data_ = std::make_shared<detail::ColumnData>();
  // The next column of a builder is mostly as long as the last one.
  data_->validity.reserve((size_t{last_size_} + 63) / 64);
  switch (physical(type_)) {
    case Physical::kByte:
      data_->bytes.reserve(last_size_);
      break;
    case Physical::kInt64:
      data_->ints.reserve(last_size_);
      break;
    case Physical::kDouble:
      data_->reals.reserve(last_size_);
      break;
    case Physical::kBytes:
      data_->strings.reserve(last_size_);
      break;
  }
}

void ColumnBuilder::append_nulls(uint32_t n) {
  if (!data_) start();
  size_ += n;
  num_nulls_ += n;
  data_->validity.resize((size_t{size_} + 63) / 64, 0);
  switch (physical(type_)) {
    case Physical::kByte:
      data_->bytes.resize(size_, 0);
      break;
    case Physical::kInt64:
      data_->ints.resize(size_, 0);
      break;
    case Physical::kDouble:
      data_->reals.resize(size_, 0);
      break;
    case Physical::kBytes:
      data_->strings.resize(size_, std::string_view("", 0));
      break;
  }
}

/// Nulls up to row `row`: mostly a few, where a call of resize() costs more than they do.
void ColumnBuilder::pad(uint32_t row) {
  if (!data_) start();
  constexpr uint32_t kFew = 16;
  if (row - size_ > kFew || physical(type_) != Physical::kBytes) {
    if (row > size_) append_nulls(row - size_);
    return;
  }
  for (; size_ < row; ++size_, ++num_nulls_) {
    if (size_ % 64 == 0) data_->validity.push_back(0);
    data_->strings.emplace_back("", size_t{0});
  }
}

void ColumnBuilder::append_null() {
  grow();
}

/// append_nulls(1), by the path that every appended value takes.
void ColumnBuilder::grow() {
  if (!data_) start();
  if (size_ % 64 == 0) data_->validity.push_back(0);
  ++size_;
  ++num_nulls_;
  switch (physical(type_)) {
    case Physical::kByte:
      data_->bytes.push_back(0);
      break;
    case Physical::kInt64:
      data_->ints.push_back(0);
      break;
    case Physical::kDouble:
      data_->reals.push_back(0);
      break;
    case Physical::kBytes:
      data_->strings.emplace_back("", size_t{0});
      break;
  }
}

void ColumnBuilder::mark_valid(uint32_t row) {
  POSTERN_CHECK(row < size_);
  uint64_t& word = data_->validity[row / 64];
  const uint64_t mask = uint64_t{1} << (row % 64);
  num_nulls_ -= (word & mask) ? 0 : 1;
  word |= mask;
}

void ColumnBuilder::set(uint32_t row, bool v) {
  POSTERN_CHECK(type_ == Type::kBool);
  mark_valid(row);
  data_->bytes[row] = v ? 1 : 0;
}

void ColumnBuilder::set(uint32_t row, int64_t v) {
  mark_valid(row);
  switch (physical(type_)) {
    case Physical::kInt64:
      data_->ints[row] = v;
      break;
    case Physical::kDouble:
      data_->reals[row] = static_cast<double>(v);
      break;
    case Physical::kByte:
      data_->bytes[row] = v != 0 ? 1 : 0;
      break;
    case Physical::kBytes:
      POSTERN_CHECK(physical(type_) != Physical::kBytes);
  }
}

void ColumnBuilder::set(uint32_t row, double v) {
  if (physical(type_) == Physical::kInt64) {
    // Out of range has no int64: such a number is null here, as in Kusto's tolong().
    if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0)) return set_null(row);
    return set(row, static_cast<int64_t>(v));
  }
  if (type_ == Type::kBool) return set(row, v != 0);
  POSTERN_CHECK(type_ == Type::kReal);
  mark_valid(row);
  data_->reals[row] = v;
}

void ColumnBuilder::set_borrowed(uint32_t row, std::string_view v) {
  POSTERN_CHECK(physical(type_) == Physical::kBytes);
  mark_valid(row);
  data_->strings[row] = not_null(v);
}

void ColumnBuilder::set_copy(uint32_t row, std::string_view v) {
  set_borrowed(row, arena().copy(v));
}

void ColumnBuilder::set(uint32_t row, const Value& v) {
  if (v.is_null()) return set_null(row);
  switch (physical(v.type())) {
    case Physical::kDouble:
      return set(row, v.as_real());
    case Physical::kBytes:
      POSTERN_CHECK(v.type() == type_);
      return set_copy(row, v.as_bytes());
    default:
      return set(row, v.as_int());
  }
}

void ColumnBuilder::set_null(uint32_t row) {
  POSTERN_CHECK(row < size_);
  uint64_t& word = data_->validity[row / 64];
  const uint64_t mask = uint64_t{1} << (row % 64);
  num_nulls_ += (word & mask) ? 1 : 0;
  word &= ~mask;
  switch (physical(type_)) {
    case Physical::kByte:
      data_->bytes[row] = 0;
      break;
    case Physical::kInt64:
      data_->ints[row] = 0;
      break;
    case Physical::kDouble:
      data_->reals[row] = 0;
      break;
    case Physical::kBytes:
      data_->strings[row] = std::string_view("", 0);
      break;
  }
}

bool ColumnBuilder::is_set(uint32_t row) const {
  return row < size_ && bit(data_->validity, row);
}

std::string_view ColumnBuilder::bytes_at(uint32_t row) const {
  POSTERN_CHECK(physical(type_) == Physical::kBytes && row < size_);
  return data_->strings[row];
}

void ColumnBuilder::keep(std::shared_ptr<const void> owner) {
  if (!data_) start();
  data_->keep.push_back(std::move(owner));
}

Arena& ColumnBuilder::arena() {
  if (!arena_) arena_ = std::make_shared<Arena>();
  return *arena_;
}

Column ColumnBuilder::finish() {
  if (!data_) start();
  if (num_nulls_ == 0) data_->validity = {};
  if (arena_) {
    data_->text_bytes = arena_->bytes_used();
    data_->keep.push_back(std::move(arena_));
  }
  data_->num_values = size_;
  Column c;
  c.type_ = type_;
  c.num_rows_ = size_;
  c.data_ = std::move(data_);
  // Ready for the next column of the same type.
  data_ = nullptr;
  arena_ = nullptr;
  last_size_ = size_;
  size_ = 0;
  num_nulls_ = 0;
  return c;
}

}  // namespace postern::data
