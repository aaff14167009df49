#include "exec/run.h"

#include <mutex>
#include <unordered_map>
#include <utility>

#include "exec/operators/keyed_query.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

/// Rows of a chunk that is worth columns of its own.
constexpr uint32_t kSmallChunk = 256;

/// Compiled when it first runs: the rows of most rules never come.
class Compiled final : public CompiledPlan {
 public:
  explicit Compiled(OpPtr plan) : plan_(std::move(plan)) { list_scans(plan_, true); }

  const plan::Schema& schema() const override { return plan_->schema; }

  const std::vector<const Op*>& scans() const override { return scan_list_; }

  bool gives_rows_of_none() const override { return gives_rows_of_none_; }

  /// What compiling would refuse.
  Result<bool> check(CompileCheck& calls) const { return check(*plan_, calls); }

  const CompiledOp& root() const {
    std::call_once(made_, [this] {
      size_t num_scans = 0;
      Result<CompiledOp> root = compile_op(plan_, num_scans);
      POSTERN_CHECK(root.ok());
      root_ = std::move(*root);
    });
    return root_;
  }

 private:
  /// `outside`: not of the query that is run for each row.
  void list_scans(const OpPtr& op, bool outside) {
    if (op->kind == OpKind::kValues ||
        (op->kind == OpKind::kAggregate && op->keys.empty() && op->row_when_empty))
      gives_rows_of_none_ = true;
    if (outside && (op->kind == OpKind::kScan || op->kind == OpKind::kElements))
      scan_list_.push_back(op.get());
    for (size_t i = 0; i < op->inputs.size(); ++i)
      list_scans(op->inputs[i], outside && (op->kind != OpKind::kApply || i == 0));
  }

  static Result<bool> check(const Op& op, CompileCheck& calls) {
    const plan::Schema none;
    const plan::Schema& in = op.inputs.empty() ? none : op.inputs[0]->schema;
    std::vector<const plan::Expr*> exprs;
    if (op.predicate) exprs.push_back(op.predicate.get());
    for (const plan::NamedExpr& i : op.items)
      exprs.push_back(i.expr.get());
    for (const plan::NamedExpr& k : op.keys)
      exprs.push_back(k.expr.get());
    for (const plan::SortKey& k : op.sort_keys)
      exprs.push_back(k.expr.get());
    for (const plan::AggregateItem& a : op.aggregates)
      for (const plan::ExprPtr& e : a.args)
        exprs.push_back(e.get());
    for (const plan::Expr* e : exprs)
      if (Result<bool> agreed = calls.check(*e, &in); !agreed) return agreed;
    for (const plan::ExprPtr& e : op.right_keys)
      if (Result<bool> agreed = calls.check(*e, &op.inputs[1]->schema); !agreed) return agreed;
    for (const OpPtr& input : op.inputs)
      if (Result<bool> agreed = check(*input, calls); !agreed) return agreed;
    return true;
  }

  /// Where each column of a Project or Extend comes from.
  static std::vector<CompiledOp::Source> sources_of(const Op& op) {
    std::unordered_map<std::string_view, CompiledOp::Source> known;
    const plan::Schema& input = op.inputs[0]->schema;
    for (size_t i = 0; i < input.size(); ++i)
      known.try_emplace(input[i].name, CompiledOp::Source{false, i});
    for (size_t i = 0; i < op.items.size(); ++i)
      known.insert_or_assign(op.items[i].name, CompiledOp::Source{true, i});
    std::vector<CompiledOp::Source> out;
    for (const plan::ColumnInfo& c : op.schema) {
      const auto source = known.find(c.name);
      POSTERN_CHECK(source != known.end());
      out.push_back(source->second);
    }
    return out;
  }

  static Result<CompiledOp> compile_op(const OpPtr& op, size_t& num_scans) {
    CompiledOp out;
    out.op = op;
    const bool apply = op->kind == OpKind::kApply;
    for (const OpPtr& input : op->inputs) {
      if (apply && !out.inputs.empty()) {
        POSTERN_TRY(out.sub, CompiledPlan::make(input));
        if (const auto keyed = keyed_query(*input)) {
          POSTERN_TRY(out.keyed_sub, CompiledPlan::make(keyed->plan));
          out.one_row_each = keyed->one_row_each;
        }
        break;
      }
      POSTERN_TRY(CompiledOp c, compile_op(input, num_scans));
      out.inputs.push_back(std::move(c));
    }
    if (op->kind == OpKind::kScan || op->kind == OpKind::kElements) out.scan_index = num_scans++;
    if (op->kind == OpKind::kProject || op->kind == OpKind::kExtend) out.sources = sources_of(*op);
    const plan::Schema none;
    const plan::Schema& in = op->inputs.empty() ? none : op->inputs[0]->schema;
    std::vector<plan::ExprPtr> exprs;
    if (op->predicate) exprs.push_back(op->predicate);
    for (const plan::NamedExpr& i : op->items)
      exprs.push_back(i.expr);
    for (const plan::NamedExpr& k : op->keys)  // Window: items, then keys
      exprs.push_back(k.expr);
    for (const plan::SortKey& k : op->sort_keys)
      exprs.push_back(k.expr);
    for (const plan::ExprPtr& e : exprs) {
      POSTERN_TRY(Program p, compile(e, in));
      out.exprs.push_back(std::move(p));
    }
    for (const plan::ExprPtr& e : op->right_keys) {
      POSTERN_TRY(Program p, compile(e, op->inputs[1]->schema));
      out.right_exprs.push_back(std::move(p));
    }
    for (const plan::AggregateItem& a : op->aggregates) {
      std::vector<Program> args;
      for (const plan::ExprPtr& e : a.args) {
        POSTERN_TRY(Program p, compile(e, in));
        args.push_back(std::move(p));
      }
      out.aggregate_args.push_back(std::move(args));
    }
    return out;
  }

  OpPtr plan_;
  std::vector<const Op*> scan_list_;
  bool gives_rows_of_none_ = false;
  mutable std::once_flag made_;
  mutable CompiledOp root_;
};

/// Hands rows to one port of an operator that has several inputs.
class Port final : public ChunkSink {
 public:
  Port(ChunkSink& to, int port) : to_(to), port_(port) {}

  void push(Chunk&& c, int) override { to_.push(std::move(c), port_); }

  void finish(int) override { to_.finish(port_); }

  void advance(int64_t watermark, int) override { to_.advance(watermark, port_); }

  bool wants_rows(int) const override { return to_.wants_rows(port_); }

 private:
  ChunkSink& to_;
  int port_;
};

class RunImpl final : public Run {
 public:
  RunImpl(std::shared_ptr<const Compiled> plan,
          const plan::RunContext& context,
          ChunkSink& sink,
          MemoryBudget* budget)
      : plan_(std::move(plan)), state_(budget), entries_(plan_->scans().size(), nullptr) {
    state_.context = context;
    build(plan_->root(), sink);
  }

  void push(size_t scan, Chunk&& chunk) override { entries_[scan]->push(std::move(chunk), 0); }

  void advance(int64_t watermark) override {
    for (ChunkSink* e : entries_)
      e->advance(watermark, 0);
  }

  void finish() override {
    for (const auto& [op, sink] : values_) {
      push_values(*op, *sink);
      sink->finish(0);
    }
    for (ChunkSink* e : entries_)
      e->finish(0);
  }

  const RunNotes& notes() const override { return state_.notes; }

  uint64_t memory_bytes() const override { return state_.memory.used(); }

 private:
  void build(const CompiledOp& op, ChunkSink& next) {
    OperatorPtr made;
    switch (op.op->kind) {
      case OpKind::kScan:
      case OpKind::kElements:
        entries_[op.scan_index] = &next;
        return;
      case OpKind::kValues:
        values_.emplace_back(op.op.get(), &next);
        return;
      case OpKind::kFilter:
        made = make_filter(op, state_, next);
        break;
      case OpKind::kProject:
      case OpKind::kExtend:
        made = make_compute(op, state_, next);
        break;
      case OpKind::kAggregate:
        made = make_aggregate(op, state_, next);
        break;
      case OpKind::kSort:
        made = make_sort(op, state_, next);
        break;
      case OpKind::kLimit:
        made = make_limit(op, state_, next);
        break;
      case OpKind::kDedup:
        made = make_dedup(op, state_, next);
        break;
      case OpKind::kExpand:
        made = make_expand(op, state_, next);
        break;
      case OpKind::kWindow:
        made = make_window(op, state_, next);
        break;
      case OpKind::kApply:
        made = make_apply(op, state_, next);
        break;
      case OpKind::kJoin:
        made = make_join(op, state_, next);
        break;
      case OpKind::kRunning:
        made = make_running(op, state_, next);
        break;
      case OpKind::kSessions:
        made = make_sessions(op, state_, next);
        break;
      case OpKind::kUnion:
        made = make_union(op, next);
        break;
      case OpKind::kTimeWindow:
        made = make_time_window(op, state_, next);
        break;
      case OpKind::kSelect:
        POSTERN_CHECK(false);  // the binder turned it into a Project
    }
    ChunkSink* sink = made.get();
    operators_.push_back(std::move(made));
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      if (op.inputs.size() == 1) {
        build(op.inputs[i], *sink);
        continue;
      }
      operators_.push_back(std::make_unique<Port>(*sink, static_cast<int>(i)));
      build(op.inputs[i], *operators_.back());
    }
  }

  static void push_values(const Op& op, ChunkSink& sink) {
    for (size_t at = 0; at < op.rows.size(); at += data::kBatchRows) {
      const size_t end = std::min<size_t>(op.rows.size(), at + data::kBatchRows);
      Chunk c;
      c.num_rows = static_cast<uint32_t>(end - at);
      for (size_t i = 0; i < op.schema.size(); ++i) {
        data::ColumnBuilder b(op.schema[i].type);
        for (size_t r = at; r < end; ++r)
          b.append(op.rows[r][i]);
        c.columns.push_back(b.finish());
      }
      for (size_t r = at; r < end; ++r) {
        c.times.push_back(0);
        c.refs.add_row(nullptr, 0);
      }
      sink.push(std::move(c), 0);
    }
  }

  std::shared_ptr<const Compiled> plan_;
  RunState state_;
  std::vector<OperatorPtr> operators_;
  std::vector<ChunkSink*> entries_;
  std::vector<std::pair<const Op*, ChunkSink*>> values_;
};

}  // namespace

Result<std::shared_ptr<const CompiledPlan>> CompiledPlan::make(OpPtr bound) {
  CompileCheck check;
  return make(std::move(bound), check);
}

Result<std::shared_ptr<const CompiledPlan>> CompiledPlan::make(OpPtr bound, CompileCheck& check) {
  auto out = std::make_shared<const Compiled>(std::move(bound));
  POSTERN_TRY(const bool agreed, out->check(check));
  POSTERN_CHECK(agreed);
  return std::shared_ptr<const CompiledPlan>(out);
}

std::unique_ptr<Run> Run::start(std::shared_ptr<const CompiledPlan> plan,
                                const plan::RunContext& context,
                                ChunkSink& sink,
                                MemoryBudget* budget) {
  return std::make_unique<RunImpl>(std::static_pointer_cast<const Compiled>(plan), context, sink,
                                   budget);
}

void ChunkCollector::push(Chunk&& c, int) {
  if (!over_budget && memory.over_budget()) {
    over_budget = true;
    take();
    memory.release();
  }
  if (over_budget || c.num_rows == 0) return;
  num_rows_ += c.num_rows;
  if (!memory.has_budget()) {
    chunks_.push_back(std::move(c));
    return;
  }
  if (c.num_rows < kSmallChunk) {
    memory.charge(memory_bytes(c));
    return join(c);
  }
  end_joined();
  // Rows must not hold the columns of all those that they were chosen from, nor half empty arenas.
  for (data::Column& column : c.columns)
    if (!column.is_constant()) column = column.compact();
  memory.charge(sizeof(Chunk) + memory_bytes(c));
  chunks_.push_back(std::move(c));
}

std::vector<Chunk> ChunkCollector::take() {
  end_joined();
  num_rows_ = 0;
  return std::exchange(chunks_, {});
}

bool ChunkCollector::fits(const Chunk& c) const {
  if (rows_of_joined_.num_rows + c.num_rows > data::kBatchRows) return false;
  for (size_t i = 0; i < joined_.size(); ++i)
    if (joined_[i].type != c.columns[i].type()) return false;
  return true;
}

void ChunkCollector::join(const Chunk& c) {
  if (!fits(c)) end_joined();
  if (joined_.empty())
    for (const data::Column& column : c.columns)
      joined_.push_back({column.type(), std::nullopt});
  Chunk& rows = rows_of_joined_;
  for (size_t i = 0; i < c.columns.size(); ++i) {
    const data::Column& from = c.columns[i];
    if (from.type() == data::Type::kNull || (from.is_constant() && !from.valid(0))) continue;
    std::optional<data::ColumnBuilder>& to = joined_[i].cells;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      if (!from.valid(row)) continue;
      if (!to) to.emplace(from.type());
      to->append_nulls(rows.num_rows + row - to->size());
      if (data::physical(from.type()) == data::Physical::kBytes)
        to->append_copy(from.view<std::string_view>()[row]);
      else
        to->append(from.value(row));
    }
  }
  rows.num_rows += c.num_rows;
  rows.times.insert(rows.times.end(), c.times.begin(), c.times.end());
  for (uint32_t row = 0; row < c.num_rows; ++row)
    rows.refs.copy_row(c.refs, row);
}

void ChunkCollector::end_joined() {
  Chunk out = std::exchange(rows_of_joined_, {});
  if (out.num_rows > 0) {
    for (Joined& j : joined_) {
      if (j.cells) j.cells->append_nulls(out.num_rows - j.cells->size());
      out.columns.push_back(j.cells ? j.cells->finish()
                                    : data::Column::nulls(j.type, out.num_rows));
    }
    chunks_.push_back(std::move(out));
  }
  joined_.clear();
}

void RowCollector::push(Chunk&& c, int) {
  for (uint32_t row = 0; row < c.num_rows; ++row) {
    std::vector<data::Value> values;
    for (const data::Column& column : c.columns)
      values.push_back(column.type() == data::Type::kNull ? data::Value() : column.value(row));
    rows.push_back(std::move(values));
    times.push_back(c.times[row]);
    refs.emplace_back(c.refs.ids.begin() + c.refs.begin[row],
                      c.refs.ids.begin() + c.refs.begin[row + 1]);
  }
}

Result<std::vector<std::vector<data::Value>>> run_values(const OpPtr& bound,
                                                         const plan::RunContext& context) {
  POSTERN_TRY(std::shared_ptr<const CompiledPlan> plan, CompiledPlan::make(bound));
  RowCollector sink;
  const std::unique_ptr<Run> run = Run::start(plan, context, sink);
  run->finish();
  return std::move(sink.rows);
}

}  // namespace postern::exec
