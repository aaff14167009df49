// Aggregate: groups by a hash table over encoded keys; each aggregate call holds all groups'
// states.
//
// With SPL's rule, rows with a null key are dropped and counted per column, and a multivalue key
// puts its row into one group per value (Search Reference, stats).
#include <limits>
#include <unordered_map>

#include "data/dynamic.h"
#include "exec/functions/functions.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

/// Evidence of a group kept: the first ones are enough to look at.
constexpr size_t kRefsPerGroup = 16;

class Aggregate final : public ChunkSink {
 public:
  Aggregate(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    for (size_t i = 0; i < op_.keys.size(); ++i)
      keys_.emplace_back(op_.schema[i].type);
    for (size_t i = 0; i < op_.aggregates.size(); ++i) {
      const plan::AggregateItem& item = op_.aggregates[i];
      const plan::AggregateDef* def = all_functions().aggregate(item.function);
      POSTERN_CHECK(def != nullptr);
      std::vector<const data::Value*> constants;
      std::vector<Type> types;
      for (const plan::ExprPtr& a : item.args) {
        constants.push_back(a->is_literal() ? &a->literal : nullptr);
        types.push_back(a->type);
      }
      aggregators_.push_back(def->make(constants, types, op_.schema[op_.keys.size() + i].type));
    }
  }

  void push(Chunk&& c, int) override {
    std::vector<Column> keys = evaluate_all(compiled_.exprs, c, state_);
    if (op_.drop_null_keys) {
      for (;;) {
        const int multi = multivalue_key(keys, c);
        if (multi < 0) break;
        explode(c, keys, static_cast<size_t>(multi));
      }
      drop_null_rows(c, keys);
    }
    for (uint32_t from = 0; from < c.num_rows; from += data::kBatchRows) {
      if (c.num_rows <= data::kBatchRows) {
        update(c, keys);
        break;
      }
      std::vector<uint32_t> rows;
      for (uint32_t r = from; r < c.num_rows && r < from + data::kBatchRows; ++r)
        rows.push_back(r);
      const Chunk part = gather(c, rows);
      std::vector<Column> part_keys;
      for (const Column& k : keys)
        part_keys.push_back(k.gather(rows));
      update(part, part_keys);
    }
  }

  void finish(int) override {
    if (times_.empty() && op_.keys.empty() && op_.row_when_empty) {
      group_of_.emplace("", 0);
      new_group({}, 0, 0);
      for (auto& a : aggregators_)
        a->resize(1);
    }
    const auto num_groups = static_cast<uint32_t>(times_.size());
    std::vector<Column> keys;
    for (ColumnBuilder& b : keys_)
      keys.push_back(b.finish());
    for (uint32_t from = 0; from < num_groups; from += data::kBatchRows) {
      const uint32_t to = std::min(num_groups, from + data::kBatchRows);
      std::vector<uint32_t> groups;
      for (uint32_t g = from; g < to; ++g)
        groups.push_back(g);
      Chunk out;
      out.num_rows = to - from;
      for (const Column& k : keys)
        out.columns.push_back(k.gather(groups));
      for (size_t i = 0; i < aggregators_.size(); ++i) {
        ColumnBuilder b(op_.schema[op_.keys.size() + i].type);
        for (const uint32_t g : groups)
          aggregators_[i]->finish(g, b);
        out.columns.push_back(b.finish());
      }
      for (const uint32_t g : groups) {
        out.times.push_back(times_[g] == std::numeric_limits<int64_t>::max() ? 0 : times_[g]);
        out.refs.add_row(refs_[g].data(), refs_[g].size());
      }
      next_.push(std::move(out), 0);
    }
    next_.finish(0);
  }

 private:
  void new_group(const std::vector<Column>& keys, uint32_t row, size_t key_bytes) {
    // The key twice (encoded and as values), and a few words of each aggregate.
    constexpr size_t kBytesPerAggregate = 32;
    state_.memory.charge(kHashEntryBytes + 2 * key_bytes + kRefsPerGroup * sizeof(uint32_t) +
                         aggregators_.size() * kBytesPerAggregate);
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].type() == Type::kNull || !keys[k].valid(row))
        keys_[k].append_null();
      else if (data::physical(keys_[k].type()) == data::Physical::kBytes)
        keys_[k].append_copy(keys[k].view<std::string_view>()[row]);
      else
        keys_[k].append(keys[k].value(row));
    }
    times_.push_back(std::numeric_limits<int64_t>::max());
    refs_.emplace_back();
  }

  void update(const Chunk& c, const std::vector<Column>& keys) {
    groups_.resize(c.num_rows);
    std::string key;
    ColumnBuilder time(Type::kDatetime, c.num_rows);
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key.clear();
      for (const Column& k : keys)
        append_key(key, k, row);
      const auto [it, added] = group_of_.try_emplace(key, static_cast<uint32_t>(times_.size()));
      if (added) new_group(keys, row, key.size());
      const uint32_t g = it->second;
      groups_[row] = g;
      if (c.times[row] != 0) {
        times_[g] = std::min(times_[g], c.times[row]);
        time.set(row, c.times[row]);
      }
      for (uint32_t r = c.refs.begin[row];
           r < c.refs.begin[row + 1] && refs_[g].size() < kRefsPerGroup; ++r)
        refs_[g].push_back(c.refs.ids[r]);
    }
    const Column times = time.finish();
    for (size_t i = 0; i < aggregators_.size(); ++i) {
      aggregators_[i]->resize(static_cast<uint32_t>(times_.size()));
      const std::vector<Column> args = evaluate_all(compiled_.aggregate_args[i], c, state_);
      const uint64_t before = aggregators_[i]->memory_bytes();
      aggregators_[i]->update(args, times, all_rows(c), groups_.data());
      state_.memory.charge(aggregators_[i]->memory_bytes() - before);
    }
  }

  static int multivalue_key(const std::vector<Column>& keys, const Chunk& c) {
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].type() != Type::kDynamic) continue;
      const auto v = keys[k].view<std::string_view>();
      for (uint32_t row = 0; row < c.num_rows; ++row)
        if (v.valid(row) && data::Dynamic(v[row]).is_array()) return static_cast<int>(k);
    }
    return -1;
  }

  static void explode(Chunk& c, std::vector<Column>& keys, size_t k) {
    std::vector<uint32_t> rows;
    ColumnBuilder values(Type::kDynamic);
    const auto v = keys[k].view<std::string_view>();
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      const data::Dynamic d = v.valid(row) ? data::Dynamic(v[row]) : data::Dynamic();
      const uint32_t n = d.is_array() ? d.size() : 1;
      for (uint32_t i = 0; i < n; ++i) {
        const data::Dynamic cell = d.is_array() ? d.at(i) : d;
        rows.push_back(row);
        if (cell.is_null())
          values.append_null();
        else
          values.append_copy(cell.encoded());
      }
    }
    for (size_t i = 0; i < keys.size(); ++i)
      if (i != k) keys[i] = keys[i].gather(rows);
    keys[k] = values.finish();
    c = gather(c, rows);
  }

  void drop_null_rows(Chunk& c, std::vector<Column>& keys) {
    std::vector<uint32_t> kept;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      bool complete = true;
      for (size_t k = 0; k < keys.size(); ++k) {
        if (keys[k].type() != Type::kNull && keys[k].valid(row)) continue;
        complete = false;
        ++state_.notes.null_key_rows[op_.keys[k].name];
      }
      if (complete)
        kept.push_back(row);
      else
        ++state_.notes.rows_dropped;
    }
    if (kept.size() == c.num_rows) return;
    for (Column& k : keys)
      k = k.gather(kept);
    c = gather(c, kept);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::unordered_map<std::string, uint32_t> group_of_;
  std::vector<ColumnBuilder> keys_;
  std::vector<std::unique_ptr<plan::Aggregator>> aggregators_;
  std::vector<int64_t> times_;
  std::vector<std::vector<uint32_t>> refs_;
  std::vector<uint32_t> groups_;
};

}  // namespace

OperatorPtr make_aggregate(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Aggregate>(op, state, next);
}

}  // namespace postern::exec
