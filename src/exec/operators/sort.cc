// Sort (with an optional limit: top n), Dedup.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/text.h"
#include "data/dynamic.h"
#include "exec/functions/kernel.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

/// Order of two cells of one column type; nulls are handled by the caller. NaN sorts before
/// numbers.
int compare_cells(const Column& a, uint32_t i, const Column& b, uint32_t j) {
  switch (data::physical(a.type())) {
    case data::Physical::kByte: {
      const int x = a.view<uint8_t>()[i];
      const int y = b.view<uint8_t>()[j];
      return x - y;
    }
    case data::Physical::kInt64: {
      const int64_t x = a.view<int64_t>()[i];
      const int64_t y = b.view<int64_t>()[j];
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case data::Physical::kDouble: {
      const double x = a.view<double>()[i];
      const double y = b.view<double>()[j];
      if (x != x || y != y) return (x == x ? 1 : 0) - (y == y ? 1 : 0);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case data::Physical::kBytes:
      break;
  }
  const std::string_view x = a.view<std::string_view>()[i];
  const std::string_view y = b.view<std::string_view>()[j];
  if (a.type() == Type::kDynamic) return data::Dynamic(x).text().compare(data::Dynamic(y).text());
  return x.compare(y);
}

/// SPL: numbers before text, numbers by value, text by bytes.
int compare_spl(const Column& a, uint32_t i, const Column& b, uint32_t j) {
  if (a.type() != Type::kString && a.type() != Type::kDynamic) return compare_cells(a, i, b, j);
  CellText x(a);
  CellText y(b);
  const std::string left(x[i]);
  const std::string right(y[j]);
  const auto p = parse_real(left);
  const auto q = parse_real(right);
  if (p && q) return *p < *q ? -1 : *p > *q ? 1 : 0;
  if (p || q) return p ? -1 : 1;
  return left.compare(right);
}

class Sort final : public ChunkSink {
 public:
  Sort(const CompiledOp& op, RunState& state, ChunkSink& next)
      : op_(op), state_(state), next_(next) {}

  void push(Chunk&& c, int) override {
    keys_.push_back(evaluate_all(op_.exprs, c, state_));
    for (Column& k : keys_.back()) {
      if (!k.is_constant()) k = k.compact();
      state_.memory.charge(k.memory_bytes());
    }
    for (uint32_t r = 0; r < c.num_rows; ++r)
      places_.push_back({static_cast<uint32_t>(keys_.size() - 1), r});
    state_.memory.charge(store_.add(c) + c.num_rows * sizeof(Place));
  }

  void finish(int) override {
    std::vector<size_t> order(places_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return less(a, b); });
    if (op_.op->limit && static_cast<size_t>(*op_.op->limit) < order.size())
      order.resize(static_cast<size_t>(std::max<int64_t>(0, *op_.op->limit)));
    for (size_t at = 0; at < order.size(); at += data::kBatchRows)
      next_.push(store_.take(op_.op->schema, order.data() + at,
                             std::min<size_t>(data::kBatchRows, order.size() - at)),
                 0);
    next_.finish(0);
  }

 private:
  struct Place {
    uint32_t chunk;
    uint32_t row;
  };

  bool less(size_t x, size_t y) const {
    const Place p = places_[x];
    const Place q = places_[y];
    for (size_t k = 0; k < op_.op->sort_keys.size(); ++k) {
      const plan::SortKey& key = op_.op->sort_keys[k];
      const Column& a = keys_[p.chunk][k];
      const Column& b = keys_[q.chunk][k];
      const bool av = a.type() != Type::kNull && a.valid(p.row);
      const bool bv = b.type() != Type::kNull && b.valid(q.row);
      if (!av || !bv) {
        if (av == bv) continue;
        return av != key.nulls_first;
      }
      const int c =
          key.spl_order ? compare_spl(a, p.row, b, q.row) : compare_cells(a, p.row, b, q.row);
      if (c != 0) return key.descending ? c > 0 : c < 0;
    }
    return false;
  }

  const CompiledOp& op_;
  RunState& state_;
  ChunkSink& next_;
  RowStore store_;
  std::vector<std::vector<Column>> keys_;
  std::vector<Place> places_;
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
