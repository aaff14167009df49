// Aggregate: groups by a hash table over encoded keys, of which the result's key columns are made;
// each aggregate call holds all groups' states.
//
// With SPL's rule, rows with a null key are dropped and counted per column, and a multivalue key
// puts its row into one group per value (Search Reference, stats).
#include <cstring>
#include <limits>
#include <utility>

#include "data/dynamic.h"
#include "exec/functions/functions.h"
#include "exec/operators/key_table.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

class Aggregate final : public ChunkSink {
 public:
  Aggregate(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    for (size_t i = 0; i < op_.keys.size(); ++i) {
      key_types_.push_back(op_.schema[i].type);
      reals_.emplace_back(Type::kReal);
    }
    for (size_t i = 0; i < op_.aggregates.size(); ++i)
      aggregators_.push_back(make_aggregator(i));
  }

  void push(Chunk&& c, int) override {
    std::vector<Column> keys = evaluate_all(compiled_.exprs, c, state_);
    for (size_t k = 0; k < keys.size(); ++k)
      to_type(keys[k], key_types_[k]);
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
    if (groups_.empty() && op_.keys.empty() && op_.row_when_empty) {
      table_.add("");
      groups_.emplace_back();
      for (auto& a : aggregators_)
        a->resize(1);
    }
    const auto num_groups = static_cast<uint32_t>(next_.wants_rows(0) ? groups_.size() : 0);
    std::vector<Column> reals;
    for (ColumnBuilder& b : reals_)
      reals.push_back(b.finish());
    std::vector<uint32_t> numbers;
    for (uint32_t from = 0; from < num_groups; from += data::kBatchRows) {
      const uint32_t to = std::min(num_groups, from + data::kBatchRows);
      numbers.clear();
      for (uint32_t g = from; g < to; ++g)
        numbers.push_back(g);
      Chunk out;
      out.num_rows = to - from;
      out.columns = key_columns(numbers, reals);
      for (size_t i = 0; i < aggregators_.size(); ++i) {
        ColumnBuilder b(op_.schema[op_.keys.size() + i].type);
        for (const uint32_t g : numbers)
          aggregators_[i]->finish(g, b);
        out.columns.push_back(b.finish());
      }
      for (const uint32_t g : numbers) {
        const Group& group = groups_[g];
        out.times.push_back(group.time == std::numeric_limits<int64_t>::max() ? 0 : group.time);
        for (uint32_t r = group.first_ref; r != kNoRef; r = refs_[r].next)
          out.refs.ids.push_back(refs_[r].id);
        out.refs.begin.push_back(static_cast<uint32_t>(out.refs.ids.size()));
      }
      next_.push(std::move(out), 0);
    }
    next_.finish(0);
  }

 private:
  static constexpr uint32_t kNoRef = std::numeric_limits<uint32_t>::max();

  struct Group {
    int64_t time = std::numeric_limits<int64_t>::max();
    uint32_t first_ref = kNoRef;
    uint32_t last_ref = kNoRef;
    uint32_t num_refs = 0;
  };

  /// Evidence of a group, in a list.
  struct Ref {
    uint32_t row;  ///< the first id of the row that it belongs to: ascending
    uint32_t id;
    uint32_t next;
  };

  std::unique_ptr<plan::Aggregator> make_aggregator(size_t i) const {
    const plan::AggregateItem& item = op_.aggregates[i];
    const plan::AggregateDef* def = all_functions().aggregate(item.function);
    POSTERN_CHECK(def != nullptr);
    if (def->chosen_by >= 0)
      for (size_t j = 0; j < i; ++j)
        if (choose_alike(op_.aggregates[j], item, static_cast<size_t>(def->chosen_by)))
          return aggregators_[j]->companion();
    std::vector<const data::Value*> constants;
    std::vector<Type> types;
    for (const plan::ExprPtr& a : item.args) {
      constants.push_back(a->is_literal() ? &a->literal : nullptr);
      types.push_back(a->type);
    }
    return def->make(constants, types, op_.schema[op_.keys.size() + i].type);
  }

  static bool choose_alike(const plan::AggregateItem& a,
                           const plan::AggregateItem& b,
                           size_t num_args) {
    if (a.function != b.function) return false;
    for (size_t i = 0; i < num_args; ++i)
      if (!plan::same(*a.args[i], *b.args[i])) return false;
    return true;
  }

  /// Keys are encoded, and read again, as values of one type.
  static void to_type(Column& c, Type type) {
    if (c.type() == Type::kNull || data::physical(c.type()) == data::physical(type)) return;
    ColumnBuilder b(type, c.num_rows());
    for (uint32_t row = 0; row < c.num_rows(); ++row)
      b.set(row, c.value(row));
    c = b.finish();
  }

  void new_group(const std::vector<Column>& keys, uint32_t row, size_t key_bytes) {
    // And a few words of each aggregate.
    constexpr size_t kBytesPerAggregate = 32;
    state_.memory.charge(KeyTable::kBytesPerKey + key_bytes + sizeof(Group) +
                         aggregators_.size() * kBytesPerAggregate);
    // The encoded key does not tell -0.0 from 0.0.
    for (size_t k = 0; k < keys.size(); ++k) {
      if (data::physical(key_types_[k]) != data::Physical::kDouble) continue;
      if (keys[k].type() == Type::kNull || !keys[k].valid(row))
        reals_[k].append_null();
      else
        reals_[k].append(keys[k].value(row));
    }
    groups_.emplace_back();
  }

  /// The keys of some groups, out of their encoded form.
  std::vector<Column> key_columns(data::Rows numbers, const std::vector<Column>& reals) {
    std::vector<ColumnBuilder> builders;
    for (const Type t : key_types_)
      builders.emplace_back(t);
    for (const uint32_t g : numbers) {
      std::string_view key = table_.key(g);
      for (ColumnBuilder& b : builders)
        take_cell(key, b);
    }
    std::vector<Column> out;
    for (size_t k = 0; k < builders.size(); ++k)
      out.push_back(data::physical(key_types_[k]) == data::Physical::kDouble
                        ? reals[k].gather(numbers)
                        : builders[k].finish());
    return out;
  }

  /// The evidence of one row stays together, and rows are in order of the first of it: rows of
  /// several branches of a view come batch by batch, and what is kept must not depend on where
  /// batches end.
  void add_ref(Group& group, uint32_t row, uint32_t id) {
    if (group.num_refs == kMostGroupRefs && row >= refs_[group.last_ref].row) return;
    for (uint32_t r = group.first_ref, before = kNoRef; r != kNoRef;
         before = std::exchange(r, refs_[r].next))
      if (refs_[r].id == id) {
        if (refs_[r].row <= row) return;
        drop_ref(group, before, r);
        break;
      }
    if (free_refs_ == kNoRef) {
      free_refs_ = static_cast<uint32_t>(refs_.size());
      refs_.push_back({0, 0, kNoRef});
    }
    const bool is_last = group.num_refs > 0 && row >= refs_[group.last_ref].row;
    uint32_t* at = is_last ? &refs_[group.last_ref].next : &group.first_ref;
    while (*at != kNoRef && refs_[*at].row <= row)
      at = &refs_[*at].next;
    const uint32_t added = std::exchange(free_refs_, refs_[free_refs_].next);
    refs_[added] = {row, id, std::exchange(*at, added)};
    if (refs_[added].next == kNoRef) group.last_ref = added;
    if (++group.num_refs > kMostGroupRefs) drop_last_ref(group);
  }

  void drop_last_ref(Group& group) {
    uint32_t before = group.first_ref;
    while (refs_[before].next != group.last_ref)
      before = refs_[before].next;
    drop_ref(group, before, group.last_ref);
  }

  /// `before` stands before it in the group's list; kNoRef: it is the first.
  void drop_ref(Group& group, uint32_t before, uint32_t ref) {
    (before == kNoRef ? group.first_ref : refs_[before].next) = refs_[ref].next;
    if (group.last_ref == ref) group.last_ref = before;
    --group.num_refs;
    refs_[ref].next = std::exchange(free_refs_, ref);
  }

  void update(const Chunk& c, const std::vector<Column>& keys) {
    group_of_row_.resize(c.num_rows);
    ColumnBuilder time(Type::kDatetime, c.num_rows);
    const size_t refs_before = refs_.size();
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key_.clear();
      for (size_t k = 0; k < keys.size(); ++k)
        append_key(key_, keys[k], row);
      const auto [g, added] = table_.add(key_);
      if (added) new_group(keys, row, key_.size());
      Group& group = groups_[g];
      group_of_row_[row] = g;
      if (c.times[row] != 0) {
        group.time = std::min(group.time, c.times[row]);
        time.set(row, c.times[row]);
      }
      const uint32_t first = c.refs.begin[row];
      for (uint32_t r = first; r < c.refs.begin[row + 1]; ++r)
        add_ref(group, c.refs.ids[first], c.refs.ids[r]);
    }
    state_.memory.charge((refs_.size() - refs_before) * sizeof(Ref));
    const Column times = time.finish();
    for (size_t i = 0; i < aggregators_.size(); ++i) {
      aggregators_[i]->resize(static_cast<uint32_t>(groups_.size()));
      const std::vector<Column> args = evaluate_all(compiled_.aggregate_args[i], c, state_);
      const uint64_t before = aggregators_[i]->memory_bytes();
      aggregators_[i]->update(args, times, all_rows(c), group_of_row_.data());
      state_.memory.charge(aggregators_[i]->memory_bytes());
      state_.memory.give_back(before);
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
  KeyTable table_;  // keys by group
  std::vector<Type> key_types_;
  std::vector<ColumnBuilder> reals_;  // keys of that type, by group
  std::vector<std::unique_ptr<plan::Aggregator>> aggregators_;
  std::vector<Group> groups_;
  std::vector<Ref> refs_;
  uint32_t free_refs_ = kNoRef;         // a list, too
  std::vector<uint32_t> group_of_row_;  // of the chunk at hand
  std::string key_;
};

}  // namespace

OperatorPtr make_aggregate(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Aggregate>(op, state, next);
}

}  // namespace postern::exec
