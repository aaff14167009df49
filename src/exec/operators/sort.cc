// Sort (with an optional limit: top n), Dedup.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "base/arena.h"
#include "base/text.h"
#include "data/dynamic.h"
#include "exec/functions/kernel.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::Type;

namespace {

/// A cell of a sort key as it compares: by `rank`, then `bits`, then the rest of a text. Made once
/// a row, because a row is compared some twenty times.
struct SortCell {
  enum Rank : uint8_t { kNull, kNan, kNumber, kText };

  uint64_t bits = 0;           ///< a number in the order of its values; of a text the first bytes
  const char* text = nullptr;  ///< lives as long as the key's column, or the texts made for it
  uint32_t size = 0;
  Rank rank = kNull;
};

SortCell cell_of(int64_t v) {
  SortCell c;
  c.rank = SortCell::kNumber;
  c.bits = static_cast<uint64_t>(v) ^ (uint64_t{1} << 63);
  return c;
}

/// NaN comes before all numbers.
SortCell cell_of(double v) {
  SortCell c;
  if (v != v) {
    c.rank = SortCell::kNan;
    return c;
  }
  c.rank = SortCell::kNumber;
  const double d = v + 0.0;  // -0.0 equals 0.0
  std::memcpy(&c.bits, &d, sizeof d);
  c.bits = c.bits >> 63 ? ~c.bits : c.bits | (uint64_t{1} << 63);
  return c;
}

SortCell cell_of(std::string_view text) {
  SortCell c;
  c.rank = SortCell::kText;
  c.text = text.data();
  c.size = static_cast<uint32_t>(text.size());
  for (size_t i = 0; i < sizeof c.bits; ++i)
    c.bits = c.bits << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0U);
  return c;
}

/// Ascending order of two cells, neither of them null.
int compare(const SortCell& a, const SortCell& b) {
  if (a.rank != b.rank) return a.rank < b.rank ? -1 : 1;
  if (a.bits != b.bits) return a.bits < b.bits ? -1 : 1;
  if (a.rank != SortCell::kText) return 0;
  return std::string_view(a.text, a.size).compare(std::string_view(b.text, b.size));
}

class Sort final : public ChunkSink {
 public:
  Sort(const CompiledOp& op, RunState& state, ChunkSink& next)
      : op_(op), state_(state), next_(next) {}

  void push(Chunk&& c, int) override {
    if (c.num_rows == 0) return;
    keys_.push_back(evaluate_all(op_.exprs, c, state_));
    for (Column& k : keys_.back()) {
      if (!k.is_constant()) k = k.compact();
      state_.memory.charge(k.memory_bytes());
    }
    state_.memory.charge(store_.add(c));
  }

  void finish(int) override {
    if (!next_.wants_rows(0)) return next_.finish(0);
    make_cells();
    std::vector<size_t> order(store_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (op_.op->limit && static_cast<size_t>(*op_.op->limit) < order.size()) {
      const auto limit = static_cast<size_t>(*op_.op->limit);
      // Equal rows keep their order here, too.
      std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(limit),
                        order.end(), [&](size_t a, size_t b) {
                          const int c = compare_rows(a, b);
                          return c != 0 ? c < 0 : a < b;
                        });
      order.resize(limit);
    } else {
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return compare_rows(a, b) < 0; });
    }
    state_.memory.give_back(cells_.size() * sizeof(SortCell));
    cells_ = {};
    for (size_t at = 0; at < order.size(); at += data::kBatchRows)
      next_.push(store_.take(op_.op->schema, order.data() + at,
                             std::min<size_t>(data::kBatchRows, order.size() - at)),
                 0);
    next_.finish(0);
  }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

 private:
  /// The cells of all rows, row after row.
  void make_cells() {
    const std::vector<plan::SortKey>& sort_keys = op_.op->sort_keys;
    cells_.resize(store_.size() * sort_keys.size());
    state_.memory.charge(cells_.size() * sizeof(SortCell));
    size_t row = 0;
    for (const std::vector<Column>& keys : keys_) {
      const uint32_t num_rows = store_.chunk_of(row).num_rows;
      for (size_t k = 0; k < sort_keys.size(); ++k)
        cells_of(keys[k], sort_keys[k].spl_order, num_rows,
                 cells_.data() + row * sort_keys.size() + k);
      row += num_rows;
    }
  }

  void cells_of(const Column& key, bool spl_order, uint32_t num_rows, SortCell* out) {
    if (key.type() == Type::kNull) return;
    const size_t step = op_.op->sort_keys.size();
    switch (data::physical(key.type())) {
      case data::Physical::kByte:
        return cells_of(key.view<uint8_t>(), num_rows, step, out,
                        [](uint8_t v) { return cell_of(static_cast<int64_t>(v)); });
      case data::Physical::kInt64:
        return cells_of(key.view<int64_t>(), num_rows, step, out,
                        [](int64_t v) { return cell_of(v); });
      case data::Physical::kDouble:
        return cells_of(key.view<double>(), num_rows, step, out,
                        [](double v) { return cell_of(v); });
      case data::Physical::kBytes:
        break;
    }
    const bool dynamic = key.type() == Type::kDynamic;
    cells_of(key.view<std::string_view>(), num_rows, step, out, [&](std::string_view v) {
      const std::string_view text = dynamic ? text_of(data::Dynamic(v)) : v;
      // SPL: numbers before text, numbers by value.
      const std::optional<double> number = spl_order ? parse_real(text) : std::nullopt;
      return number ? cell_of(*number) : cell_of(text);
    });
  }

  template <class T, class Make>
  static void cells_of(const data::ColumnView<T>& from,
                       uint32_t num_rows,
                       size_t step,
                       SortCell* out,
                       const Make& make) {
    for (uint32_t r = 0; r < num_rows; ++r, out += step)
      if (from.valid(r)) *out = make(from[r]);
  }

  /// As it stands in the column, or as long as this lives.
  std::string_view text_of(const data::Dynamic& d) {
    if (d.is_string()) return d.as_string();
    const std::string text = d.text();
    state_.memory.charge(text.size());
    return texts_.copy(text);
  }

  int compare_rows(size_t x, size_t y) const {
    const std::vector<plan::SortKey>& keys = op_.op->sort_keys;
    const SortCell* a = cells_.data() + x * keys.size();
    const SortCell* b = cells_.data() + y * keys.size();
    for (size_t k = 0; k < keys.size(); ++k, ++a, ++b) {
      if (a->rank == SortCell::kNull || b->rank == SortCell::kNull) {
        if (a->rank == b->rank) continue;
        return (a->rank == SortCell::kNull) == keys[k].nulls_first ? -1 : 1;
      }
      const int c = compare(*a, *b);
      if (c != 0) return keys[k].descending ? -c : c;
    }
    return 0;
  }

  const CompiledOp& op_;
  RunState& state_;
  ChunkSink& next_;
  RowStore store_;
  std::vector<std::vector<Column>> keys_;  // of each chunk
  std::vector<SortCell> cells_;
  Arena texts_;
};

/// Keeps the first `limit` rows of each key; rows without the key go (SPL dedup).
class Dedup final : public ChunkSink {
 public:
  Dedup(const CompiledOp& op, RunState& state, ChunkSink& next)
      : op_(*op.op), state_(state), next_(next) {
    for (const std::string& name : op_.patterns)
      for (size_t i = 0; i < op_.schema.size(); ++i)
        if (op_.schema[i].name == name) slots_.push_back(i);
  }

  void push(Chunk&& c, int) override {
    std::vector<uint32_t> kept;
    std::string key;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key.clear();
      bool complete = slots_.size() == op_.patterns.size();
      for (const size_t s : slots_) {
        complete = complete && c.columns[s].type() != Type::kNull && c.columns[s].valid(row);
        if (complete) append_key(key, c.columns[s], row);
      }
      if (!complete) continue;
      const auto [it, added] = seen_.try_emplace(key, 0);
      if (added) state_.memory.charge(kHashEntryBytes + key.size());
      if (++it->second <= op_.limit.value_or(1)) kept.push_back(row);
    }
    if (!kept.empty()) next_.push(gather(c, kept), 0);
  }

  void finish(int) override { next_.finish(0); }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

 private:
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::vector<size_t> slots_;
  std::unordered_map<std::string, int64_t> seen_;
};

}  // namespace

OperatorPtr make_sort(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Sort>(op, state, next);
}

OperatorPtr make_dedup(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Dedup>(op, state, next);
}

}  // namespace postern::exec
