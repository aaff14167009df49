#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::Type;

size_t memory_bytes(const Chunk& c) {
  size_t n = c.times.size() * sizeof(int64_t) +
             (c.refs.begin.size() + c.refs.ids.size()) * sizeof(uint32_t);
  for (const Column& column : c.columns)
    n += column.memory_bytes();
  return n;
}

Chunk gather(const Chunk& c, data::Rows rows) {
  Chunk out;
  out.num_rows = static_cast<uint32_t>(rows.size());
  for (const Column& column : c.columns)
    out.columns.push_back(column.gather(rows));
  for (const uint32_t row : rows) {
    out.times.push_back(c.times[row]);
    out.refs.copy_row(c.refs, row);
  }
  return out;
}

std::vector<Column> evaluate_all(const std::vector<Program>& exprs,
                                 const Chunk& c,
                                 RunState& state) {
  std::vector<Column> out;
  out.reserve(exprs.size());
  for (const Program& e : exprs)
    out.push_back(e->evaluate(c.columns, all_rows(c), c.num_rows, state.context));
  return out;
}

void append_key(std::string& key, const Column& c, uint32_t row, bool as_real) {
  if (c.type() == Type::kNull || !c.valid(row)) {
    key += '\0';
    return;
  }
  key += '\1';
  switch (data::physical(c.type())) {
    case data::Physical::kByte:
      key += static_cast<char>(c.view<uint8_t>()[row]);
      return;
    case data::Physical::kInt64: {
      char bytes[8];
      const int64_t v = c.view<int64_t>()[row];
      const double d = static_cast<double>(v);
      if (as_real)
        std::memcpy(bytes, &d, 8);
      else
        std::memcpy(bytes, &v, 8);
      key.append(bytes, 8);
      return;
    }
    case data::Physical::kDouble: {
      char bytes[8];
      const double d = c.view<double>()[row] + 0.0;  // -0.0 equals 0.0
      std::memcpy(bytes, &d, 8);
      key.append(bytes, 8);
      return;
    }
    case data::Physical::kBytes: {
      const std::string_view s = c.view<std::string_view>()[row];
      const auto n = static_cast<uint32_t>(s.size());
      char bytes[4];
      std::memcpy(bytes, &n, 4);
      key.append(bytes, 4).append(s);
      return;
    }
  }
}

namespace {

template <class T>
T take(std::string_view& key) {
  T v{};
  std::memcpy(&v, key.data(), sizeof v);
  key.remove_prefix(sizeof v);
  return v;
}

}  // namespace

void take_cell(std::string_view& key, data::ColumnBuilder& out) {
  const bool valid = key[0] != '\0';
  key.remove_prefix(1);
  if (!valid) return out.append_null();
  switch (data::physical(out.type())) {
    case data::Physical::kByte:
      return out.append(take<char>(key) != '\0');
    case data::Physical::kInt64:
      return out.append(take<int64_t>(key));
    case data::Physical::kDouble:
      return out.append(take<double>(key));
    case data::Physical::kBytes: {
      const auto size = take<uint32_t>(key);
      out.append_copy(key.substr(0, size));
      key.remove_prefix(size);
      return;
    }
  }
}

size_t RowStore::add(const Chunk& c, bool compact) {
  Chunk kept;
  kept.num_rows = c.num_rows;
  kept.times = c.times;
  kept.refs = c.refs;
  for (const Column& column : c.columns)
    kept.columns.push_back(compact && !column.is_constant() ? column.compact() : column);
  for (uint32_t row = 0; row < c.num_rows; ++row)
    locations_.push_back({static_cast<uint32_t>(chunks_.size()), row});
  chunks_.push_back(std::move(kept));
  return memory_bytes(chunks_.back()) + c.num_rows * sizeof(Location);
}

namespace {

/// Cells of one column of many chunks, row after row: `cell(i)` is the column (null: no cell) and
/// its row.
template <class T, class Cells>
void copy_cells(size_t n, const Cells& cells, data::ColumnBuilder& out) {
  for (uint32_t i = 0; i < n; ++i) {
    const auto [from, row] = cells(i);
    if (!from || from->type() == Type::kNull) continue;
    if (data::physical(from->type()) != data::physical(out.type())) {
      out.set(i, from->value(row));  // a number of another kind
      continue;
    }
    const data::ColumnView<T> v = from->template view<T>();
    if (!v.valid(row)) continue;
    if constexpr (std::is_same_v<T, std::string_view>)
      out.set_borrowed(i, v[row]);
    else if constexpr (std::is_same_v<T, uint8_t>)
      out.set(i, v[row] != 0);
    else
      out.set(i, v[row]);
  }
}

}  // namespace

std::vector<uint32_t> RowStore::chunks_with(const size_t* rows, size_t n) const {
  std::vector<uint32_t> out;
  for (size_t r = 0; r < n; ++r)
    if (rows[r] != kNoRow) out.push_back(locations_[rows[r]].chunk);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Column RowStore::take_column(Type type,
                             size_t column,
                             const size_t* rows,
                             size_t n,
                             const std::vector<uint32_t>& from,
                             bool pad) const {
  const auto cells = [&](uint32_t r) -> std::pair<const Column*, uint32_t> {
    if (rows[r] == kNoRow) return {nullptr, 0};
    return {&chunk_of(rows[r]).columns[column], row_in_chunk(rows[r])};
  };
  data::ColumnBuilder b(type, static_cast<uint32_t>(n));
  switch (data::physical(type)) {
    case data::Physical::kByte:
      copy_cells<uint8_t>(n, cells, b);
      break;
    case data::Physical::kInt64:
      copy_cells<int64_t>(n, cells, b);
      break;
    case data::Physical::kDouble:
      copy_cells<double>(n, cells, b);
      break;
    case data::Physical::kBytes: {
      copy_cells<std::string_view>(n, cells, b);
      if (pad && type == Type::kString)
        for (uint32_t r = 0; r < n; ++r)
          if (rows[r] == kNoRow) b.set_borrowed(r, "");
      // The strings stay alive with this store's columns.
      auto keep = std::make_shared<std::vector<Column>>();
      for (const uint32_t c : from)
        keep->push_back(chunks_[c].columns[column]);
      b.keep(keep);
      break;
    }
  }
  return b.finish();
}

Chunk RowStore::take(const plan::Schema& schema, const size_t* rows, size_t n) const {
  Chunk out;
  out.num_rows = static_cast<uint32_t>(n);
  const std::vector<uint32_t> from = chunks_with(rows, n);
  for (size_t i = 0; i < schema.size(); ++i)
    out.columns.push_back(take_column(schema[i].type, i, rows, n, from));
  for (size_t r = 0; r < n; ++r) {
    out.times.push_back(chunk_of(rows[r]).times[row_in_chunk(rows[r])]);
    out.refs.copy_row(chunk_of(rows[r]).refs, row_in_chunk(rows[r]));
  }
  return out;
}

}  // namespace postern::exec
