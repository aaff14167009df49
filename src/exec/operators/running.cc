// Running: each row with aggregates over the rows before it, in the order they come (Splunk's
// streamstats; Search Reference, streamstats).
//
// Without a limit each group has one running state that takes a row and tells its value. With a
// limit the last rows are kept and aggregated anew for each row: the aggregates cannot forget. A
// row whose key is missing belongs to no group and gets no values. Tests: tests/cases/spl.
#include <deque>
#include <unordered_map>

#include "exec/functions/functions.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

/// What the aggregates read of one chunk, kept while a window reaches back into it.
struct Arguments {
  std::vector<std::vector<Column>> args;  ///< per aggregate
  Column times;
};

struct PastRow {
  std::shared_ptr<const Arguments> from;
  uint32_t row = 0;
  uint32_t group = 0;
};

class Running final : public ChunkSink {
 public:
  Running(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    for (size_t i = 0; i < op_.aggregates.size(); ++i)
      running_.push_back(make(i));
  }

  void push(Chunk&& c, int) override {
    const std::vector<Column> keys = evaluate_all(compiled_.exprs, c, state_);
    auto arguments = std::make_shared<Arguments>();
    for (const std::vector<Program>& programs : compiled_.aggregate_args) {
      arguments->args.push_back(evaluate_all(programs, c, state_));
      for (Column& column : arguments->args.back())
        if (op_.limit && !column.is_constant()) column = column.compact();
    }
    ColumnBuilder time(Type::kDatetime, c.num_rows);
    for (uint32_t row = 0; row < c.num_rows; ++row)
      if (c.times[row] != 0) time.set(row, c.times[row]);
    arguments->times = time.finish();
    std::vector<ColumnBuilder> values;
    for (size_t i = 0; i < op_.aggregates.size(); ++i)
      values.emplace_back(result_type(i));
    std::string key;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key.clear();
      bool complete = true;
      for (const Column& k : keys) {
        complete = complete && k.type() != Type::kNull && k.valid(row);
        append_key(key, k, row);
      }
      if (!complete) {
        for (ColumnBuilder& v : values)
          v.append_null();
        continue;
      }
      const auto [it, added] = groups_.try_emplace(key, static_cast<uint32_t>(groups_.size()));
      if (added && op_.limit) past_.resize(op_.window_per_group ? groups_.size() : 1);
      if (op_.limit)
        slide({arguments, row, it->second}, values);
      else
        run({arguments, row, it->second}, values);
    }
    emit(std::move(c), values);
  }

  void finish(int) override { next_.finish(0); }

 private:
  Type result_type(size_t i) const {
    return plan::find_column(op_.schema, op_.aggregates[i].name)->type;
  }

  std::unique_ptr<plan::Aggregator> make(size_t i) const {
    const plan::AggregateItem& item = op_.aggregates[i];
    const plan::AggregateDef* def = all_functions().aggregate(item.function);
    POSTERN_CHECK(def != nullptr);
    std::vector<const data::Value*> constants;
    std::vector<Type> types;
    for (const plan::ExprPtr& a : item.args) {
      constants.push_back(a->is_literal() ? &a->literal : nullptr);
      types.push_back(a->type);
    }
    return def->make(constants, types, result_type(i));
  }

  static void take(plan::Aggregator& a, size_t i, const PastRow& r, uint32_t group) {
    a.update(r.from->args[i], r.from->times, data::Rows(&r.row, 1), &group);
  }

  void run(const PastRow& r, std::vector<ColumnBuilder>& values) {
    for (size_t i = 0; i < running_.size(); ++i) {
      running_[i]->resize(static_cast<uint32_t>(groups_.size()));
      if (op_.include_current) take(*running_[i], i, r, r.group);
      running_[i]->finish(r.group, values[i]);
      if (!op_.include_current) take(*running_[i], i, r, r.group);
    }
  }

  void slide(const PastRow& r, std::vector<ColumnBuilder>& values) {
    std::deque<PastRow>& past = past_[op_.window_per_group ? r.group : 0];
    const auto keep = static_cast<size_t>(*op_.limit);
    if (op_.include_current) past.push_back(r);
    while (past.size() > keep)
      past.pop_front();
    for (size_t i = 0; i < op_.aggregates.size(); ++i) {
      const auto a = make(i);
      a->resize(1);
      for (const PastRow& p : past)
        if (p.group == r.group) take(*a, i, p, 0);
      a->finish(0, values[i]);
    }
    if (!op_.include_current) past.push_back(r);
  }

  void emit(Chunk&& c, std::vector<ColumnBuilder>& values) {
    const plan::Schema& in = op_.inputs[0]->schema;
    std::vector<Column> made;
    for (ColumnBuilder& v : values)
      made.push_back(v.finish());
    std::vector<Column> columns;
    for (const plan::ColumnInfo& column : op_.schema) {
      size_t aggregate = 0;
      while (aggregate < made.size() && op_.aggregates[aggregate].name != column.name)
        ++aggregate;
      if (aggregate < made.size()) {
        columns.push_back(made[aggregate]);
        continue;
      }
      for (size_t i = 0; i < in.size(); ++i)
        if (in[i].name == column.name) columns.push_back(c.columns[i]);
    }
    c.columns = std::move(columns);
    next_.push(std::move(c), 0);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::unordered_map<std::string, uint32_t> groups_;
  std::vector<std::unique_ptr<plan::Aggregator>> running_;
  std::vector<std::deque<PastRow>> past_;  ///< of the stream, or per group
};

}  // namespace

OperatorPtr make_running(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Running>(op, state, next);
}

}  // namespace postern::exec
