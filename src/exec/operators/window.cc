// Window: columns whose value in a row depends on the rows around it (row_number, prev, next, …).
//
// The rows of a run are kept until its end, since `next` looks ahead; then each call fills its
// column in order. A call sees the rows in the order in which they come: the front end asks for a
// sort or a `serialize` before. Source: Kusto documentation, window functions. Tests:
// tests/cases/kql/window_*.case.
#include <optional>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;

namespace {

class Window final : public ChunkSink {
 public:
  Window(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next), args_(op.aggregate_args.size()) {}

  void push(Chunk&& c, int) override {
    for (size_t i = 0; i < args_.size(); ++i) {
      std::vector<Column> columns = evaluate_all(compiled_.aggregate_args[i], c, state_);
      for (Column& column : columns)
        if (!column.is_constant()) column = column.compact();
      args_[i].push_back(std::move(columns));
    }
    state_.memory.charge(rows_.add(c));
  }

  void finish(int) override {
    std::vector<ColumnBuilder> made;
    const size_t first = op_.schema.size() - op_.aggregates.size();
    std::vector<std::vector<Value>> values(op_.aggregates.size());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = compute(op_.aggregates[i].function, i);
    for (size_t from = 0; from < rows_.size(); from += data::kBatchRows) {
      const size_t n = std::min<size_t>(data::kBatchRows, rows_.size() - from);
      std::vector<size_t> order(n);
      for (size_t r = 0; r < n; ++r)
        order[r] = from + r;
      plan::Schema input(op_.schema.begin(), op_.schema.begin() + static_cast<long>(first));
      Chunk out = rows_.take(input, order.data(), n);
      for (size_t i = 0; i < values.size(); ++i) {
        ColumnBuilder b(op_.schema[first + i].type);
        for (size_t r = from; r < from + n; ++r) {
          if (values[i][r].is_null())
            b.append_null();
          else
            b.append(values[i][r]);
        }
        out.columns.push_back(b.finish());
      }
      next_.push(std::move(out), 0);
    }
    next_.finish(0);
  }

 private:
  /// Argument `arg` of call `call` in a row; null beyond the arguments that are given.
  Value at(size_t call, size_t arg, size_t row) const {
    const size_t chunk = chunk_of(row);
    const std::vector<Column>& columns = args_[call][chunk];
    if (arg >= columns.size() || columns[arg].type() == Type::kNull) return Value();
    return columns[arg].value(rows_.row_in_chunk(row));
  }

  size_t chunk_of(size_t row) const {
    return static_cast<size_t>(&rows_.chunk_of(row) - rows_.chunks().data());
  }

  bool truth(size_t call, size_t arg, size_t row) const {
    const Value v = at(call, arg, row);
    return v.type() == Type::kBool && !v.is_null() && v.as_bool();
  }

  std::vector<Value> compute(const std::string& function, size_t call) const {
    std::vector<Value> out;
    out.reserve(rows_.size());
    if (function == "kql.prev" || function == "kql.next") {
      neighbours(call, function == "kql.prev" ? -1 : 1, out);
    } else if (function == "kql.row_number") {
      int64_t n = 0;
      for (size_t r = 0; r < rows_.size(); ++r) {
        const Value start = at(call, 0, r);
        const int64_t first = start.is_null() ? 1 : start.as_int();
        n = r == 0 || truth(call, 1, r) ? first : n + 1;
        out.push_back(Value::integer(n));
      }
    } else if (function == "kql.row_cumsum") {
      cumulative(call, out);
    } else if (function == "kql.row_window_session") {
      sessions(call, out);
    } else {
      ranks(call, function == "kql.row_rank_dense", out);
    }
    return out;
  }

  /// The value `offset` rows away, or the default where there is none.
  void neighbours(size_t call, int64_t direction, std::vector<Value>& out) const {
    const auto size = static_cast<int64_t>(rows_.size());
    for (int64_t r = 0; r < size; ++r) {
      const Value given = at(call, 1, static_cast<size_t>(r));
      const int64_t offset = given.is_null() ? 1 : given.as_int();
      // Far offsets must not wrap around.
      const bool far = offset > size || offset < -size;
      const int64_t other = far ? -1 : r + direction * offset;
      out.push_back(other >= 0 && other < size ? at(call, 0, static_cast<size_t>(other))
                                               : at(call, 2, static_cast<size_t>(r)));
    }
  }

  /// Sums begin again where the second argument is true; a null adds nothing.
  void cumulative(size_t call, std::vector<Value>& out) const {
    const Type type = op_.schema[op_.schema.size() - op_.aggregates.size() + call].type;
    uint64_t whole = 0;  // longs wrap around, as the engine's do
    double real = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (truth(call, 1, r)) whole = 0, real = 0;
      const Value v = at(call, 0, r);
      if (!v.is_null()) {
        if (type == Type::kReal)
          real += v.type() == Type::kReal ? v.as_real() : static_cast<double>(v.as_int());
        else
          whole += static_cast<uint64_t>(v.as_int());
      }
      if (type == Type::kReal)
        out.push_back(Value::real(real));
      else if (type == Type::kTimespan)
        out.push_back(Value::timespan(static_cast<int64_t>(whole)));
      else
        out.push_back(Value::integer(static_cast<int64_t>(whole)));
    }
  }

  /// Ranks of runs of equal values: dense counts the runs, the other gives the first row's number.
  void ranks(size_t call, bool dense, std::vector<Value>& out) const {
    int64_t rank = 0;
    int64_t number = 0;
    std::string last;
    for (size_t r = 0; r < rows_.size(); ++r) {
      const Value v = at(call, 0, r);
      std::string key = v.is_null() ? std::string("null") : "=" + v.json();
      const bool restart = r == 0 || truth(call, 1, r);
      if (restart) rank = number = 0;
      ++number;
      if (restart || key != last) rank = dense ? rank + 1 : number;
      last = std::move(key);
      out.push_back(Value::integer(rank));
    }
  }

  /// The time at which the row's session began: a new one where the row is too far from the first
  /// or from the last row of it.
  void sessions(size_t call, std::vector<Value>& out) const {
    std::optional<int64_t> first;
    int64_t last = 0;
    for (size_t r = 0; r < rows_.size(); ++r) {
      const Value time = at(call, 0, r);
      if (time.is_null()) {
        out.push_back(Value::null(Type::kDatetime));
        continue;
      }
      const int64_t t = time.as_int();
      const Value from_first = at(call, 1, r);
      const Value between = at(call, 2, r);
      const bool fits = first && !truth(call, 3, r) &&
                        (from_first.is_null() || t - *first <= from_first.as_int()) &&
                        (between.is_null() || t - last <= between.as_int());
      if (!fits) first = t;
      last = t;
      out.push_back(Value::datetime(*first));
    }
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  RowStore rows_;
  std::vector<std::vector<std::vector<Column>>> args_;  // call, chunk, argument
};

}  // namespace

OperatorPtr make_window(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Window>(op, state, next);
}

}  // namespace postern::exec
