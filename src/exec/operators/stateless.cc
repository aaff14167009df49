// Filter, Project, Extend, Limit, Union: rows pass one chunk at a time.
#include <algorithm>
#include <limits>
#include <utility>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::Type;

namespace {

class Filter final : public ChunkSink {
 public:
  Filter(const CompiledOp& op, RunState& state, ChunkSink& next)
      : predicate_(op.exprs[0]), state_(state), next_(next) {}

  void push(Chunk&& c, int) override {
    rows_.clear();
    predicate_->select(c.columns, all_rows(c), c.num_rows, state_.context, rows_);
    if (rows_.size() == c.num_rows) return next_.push(std::move(c), 0);
    if (!rows_.empty()) next_.push(gather(c, rows_), 0);
  }

  void finish(int) override { next_.finish(0); }

  void advance(int64_t watermark, int) override { next_.advance(watermark, 0); }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

 private:
  Program predicate_;
  RunState& state_;
  ChunkSink& next_;
  std::vector<uint32_t> rows_;
};

/// Project keeps only its items; Extend puts them over (or after) the input's columns.
class Compute final : public ChunkSink {
 public:
  Compute(const CompiledOp& op, RunState& state, ChunkSink& next)
      : op_(op), state_(state), next_(next) {}

  void push(Chunk&& c, int) override {
    std::vector<Column> items = evaluate_all(op_.exprs, c, state_);
    std::vector<Column> columns;
    columns.reserve(op_.sources.size());
    for (size_t i = 0; i < op_.sources.size(); ++i) {
      const auto& [computed, slot] = op_.sources[i];
      Column column = computed ? items[slot] : c.columns[slot];
      // A bare null has no type of its own: it takes the schema's.
      if (column.type() == Type::kNull) column = Column::nulls(op_.op->schema[i].type, c.num_rows);
      columns.push_back(std::move(column));
    }
    c.columns = std::move(columns);
    next_.push(std::move(c), 0);
  }

  void finish(int) override { next_.finish(0); }

  void advance(int64_t watermark, int) override { next_.advance(watermark, 0); }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

 private:
  const CompiledOp& op_;
  RunState& state_;
  ChunkSink& next_;
};

class Limit final : public ChunkSink {
 public:
  Limit(const CompiledOp& op, ChunkSink& next) : left_(op.op->limit.value_or(0)), next_(next) {}

  void push(Chunk&& c, int) override {
    if (left_ <= 0) return;
    if (c.num_rows > left_) c = gather(c, all_rows(c).first(static_cast<size_t>(left_)));
    left_ -= c.num_rows;
    next_.push(std::move(c), 0);
  }

  void finish(int) override { next_.finish(0); }

  bool wants_rows(int) const override { return left_ > 0 && next_.wants_rows(0); }

 private:
  int64_t left_;
  ChunkSink& next_;
};

/// Inputs already have the union's schema (the binder projects them).
class Union final : public ChunkSink {
 public:
  Union(const CompiledOp& op, ChunkSink& next)
      : open_(op.inputs.size()),
        watermarks_(op.inputs.size(), std::numeric_limits<int64_t>::min()),
        next_(next) {}

  void push(Chunk&& c, int) override { next_.push(std::move(c), 0); }

  void finish(int port) override {
    advance(std::numeric_limits<int64_t>::max(), port);
    if (--open_ == 0) next_.finish(0);
  }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

  // The input that is furthest behind tells how far the union is.
  void advance(int64_t watermark, int port) override {
    watermarks_[static_cast<size_t>(port)] = watermark;
    const int64_t least = *std::min_element(watermarks_.begin(), watermarks_.end());
    if (least > told_) next_.advance(told_ = least, 0);
  }

 private:
  size_t open_;
  std::vector<int64_t> watermarks_;
  int64_t told_ = std::numeric_limits<int64_t>::min();
  ChunkSink& next_;
};

}  // namespace

OperatorPtr make_filter(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Filter>(op, state, next);
}

OperatorPtr make_compute(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Compute>(op, state, next);
}

OperatorPtr make_limit(const CompiledOp& op, RunState&, ChunkSink& next) {
  return std::make_unique<Limit>(op, next);
}

OperatorPtr make_union(const CompiledOp& op, ChunkSink& next) {
  return std::make_unique<Union>(op, next);
}

}  // namespace postern::exec
