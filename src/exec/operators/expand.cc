// Expand and Apply: rows out of the arrays in a row.
//
// Expand gives one row per element (mv-expand). Apply runs a query of its own over the elements of
// each row (mv-apply): a compiled plan whose only scan is the elements, so that a sort, a limit or
// an aggregation in it is about this row alone. Source: Kusto documentation, mv-expand and mv-apply
// operators. Tests: tests/cases/kql/mv_*.case.
#include <algorithm>

#include "data/dynamic.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

uint32_t element_count(const Column& column, uint32_t row) {
  if (column.type() != Type::kDynamic || !column.valid(row)) return 1;
  const data::Dynamic d(column.view<std::string_view>()[row]);
  return d.is_array() || d.is_object() ? d.size() : 1;
}

void append_element(const Column& column, uint32_t row, uint32_t i, ColumnBuilder& out) {
  if (column.type() == Type::kNull || !column.valid(row)) return out.append_null();
  if (column.type() != Type::kDynamic)
    return i == 0 ? out.append(column.value(row)) : out.append_null();
  const data::Dynamic d(column.view<std::string_view>()[row]);
  if (d.is_object()) {
    if (i >= d.size()) return out.append_null();
    data::DynamicWriter w;
    w.begin_object();
    w.key(d.key_at(i));
    w.value(d.at(i));
    w.end();
    return out.append_copy(w.take());
  }
  const data::Dynamic e =
      d.is_array() ? (i < d.size() ? d.at(i) : data::Dynamic()) : (i == 0 ? d : data::Dynamic());
  if (e.is_null())
    out.append_null();
  else
    out.append_copy(e.encoded());
}

namespace {

/// mv-expand: one row per array element, several columns in parallel; null gives one row, [] none.
class Expand final : public ChunkSink {
 public:
  Expand(const CompiledOp& op, ChunkSink& next) : op_(*op.op), next_(next) {}

  void push(Chunk&& c, int) override {
    const plan::Schema& input = op_.inputs[0]->schema;
    std::vector<size_t> slots;
    for (const std::string& name : op_.patterns)
      for (size_t i = 0; i < input.size(); ++i)
        if (input[i].name == name) slots.push_back(i);
    std::vector<uint32_t> rows;
    std::vector<uint32_t> elements;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      uint32_t n = 0;
      for (const size_t s : slots)
        n = std::max(n, element_count(c.columns[s], row));
      if (op_.limit) n = static_cast<uint32_t>(std::min<int64_t>(n, *op_.limit));
      for (uint32_t i = 0; i < n; ++i) {
        rows.push_back(row);
        elements.push_back(i);
        if (rows.size() == data::kBatchRows) flush(c, slots, rows, elements);
      }
    }
    flush(c, slots, rows, elements);
  }

  void finish(int) override { next_.finish(0); }

  bool wants_rows(int) const override { return next_.wants_rows(0); }

 private:
  void flush(const Chunk& c,
             const std::vector<size_t>& slots,
             std::vector<uint32_t>& rows,
             std::vector<uint32_t>& elements) {
    if (rows.empty()) return;
    Chunk out = gather(c, rows);
    const plan::Schema& input = op_.inputs[0]->schema;
    out.columns.clear();
    for (const plan::ColumnInfo& info : op_.schema) {
      if (info.name == op_.index_column && !op_.index_column.empty()) {
        ColumnBuilder b(Type::kLong);
        for (const uint32_t e : elements)
          b.append(static_cast<int64_t>(e));
        out.columns.push_back(b.finish());
        continue;
      }
      int expanded = -1;
      for (size_t s = 0; s < slots.size(); ++s) {
        const std::string& name = s < op_.item_names.size() ? op_.item_names[s] : op_.patterns[s];
        if (name == info.name) expanded = static_cast<int>(s);
      }
      if (expanded >= 0) {
        ColumnBuilder b(info.type);
        for (size_t r = 0; r < rows.size(); ++r)
          append_element(c.columns[slots[static_cast<size_t>(expanded)]], rows[r], elements[r], b);
        out.columns.push_back(b.finish());
        continue;
      }
      for (size_t i = 0; i < input.size(); ++i)
        if (input[i].name == info.name) out.columns.push_back(c.columns[i].gather(rows));
    }
    rows.clear();
    elements.clear();
    next_.push(std::move(out), 0);
  }

  const plan::Op& op_;
  ChunkSink& next_;
};

/// mv-apply: the rows of the inner query beside the columns of the outer row.
class Apply final : public ChunkSink {
 public:
  Apply(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    const plan::Schema& outer = op_.inputs[0]->schema;
    const plan::Schema& inner = op.sub->schema();
    for (const std::string& name : op_.patterns)
      arrays_.push_back(index_of(outer, name));
    for (const plan::ColumnInfo& c : op.sub->scans()[0]->schema) {
      const auto item = std::find(op_.item_names.begin(), op_.item_names.end(), c.name);
      if (item != op_.item_names.end())
        elements_.push_back({true, static_cast<size_t>(item - op_.item_names.begin()), c.type});
      else if (c.name == op_.index_column)
        elements_.push_back({true, op_.item_names.size(), c.type});
      else
        elements_.push_back({false, index_of(outer, c.name), c.type});
    }
    for (const plan::ColumnInfo& c : op_.schema) {
      const bool item =
          std::find(op_.item_names.begin(), op_.item_names.end(), c.name) != op_.item_names.end();
      const size_t from_outer = item ? outer.size() : index_of(outer, c.name);
      const bool inside = from_outer == outer.size();
      results_.push_back({inside, inside ? index_of(inner, c.name) : from_outer, c.type});
    }
  }

  void push(Chunk&& c, int) override {
    for (uint32_t row = 0; row < c.num_rows; ++row)
      run(c, row);
  }

  void finish(int) override { next_.finish(0); }

 private:
  struct Slot {
    bool inner;    // of the elements (or the inner query), not of the outer row
    size_t index;  // column there
    Type type;
  };

  static size_t index_of(const plan::Schema& schema, std::string_view name) {
    size_t i = 0;
    while (i < schema.size() && schema[i].name != name)
      ++i;
    return i;
  }

  /// Takes what the inner query gives for the row at hand.
  class Results final : public ChunkSink {
   public:
    explicit Results(Apply& to) : to_(to) {}

    void push(Chunk&& c, int) override { to_.emit(std::move(c)); }

    void finish(int) override {}

   private:
    Apply& to_;
  };

  void run(const Chunk& c, uint32_t row) {
    chunk_ = &c;
    row_ = row;
    Results results(*this);
    const std::unique_ptr<Run> inner = Run::start(compiled_.sub, state_.context, results);
    uint32_t n = 0;
    for (const size_t a : arrays_)
      n = std::max(n, element_count(c.columns[a], row));
    if (op_.limit) n = static_cast<uint32_t>(std::min<int64_t>(n, *op_.limit));
    for (uint32_t from = 0; from < n; from += data::kBatchRows)
      inner->push(0, elements(c, row, from, std::min(n, from + data::kBatchRows)));
    inner->finish();
  }

  Chunk elements(const Chunk& c, uint32_t row, uint32_t from, uint32_t to) const {
    const std::vector<uint32_t> rows(to - from, row);
    Chunk out;
    out.num_rows = to - from;
    for (const Slot& s : elements_) {
      if (!s.inner) {
        out.columns.push_back(c.columns[s.index].gather(rows));
        continue;
      }
      ColumnBuilder b(s.type);
      for (uint32_t i = from; i < to; ++i) {
        if (s.index == arrays_.size())
          b.append(static_cast<int64_t>(i));
        else
          append_element(c.columns[arrays_[s.index]], row, i, b);
      }
      out.columns.push_back(b.finish());
    }
    for (uint32_t i = from; i < to; ++i) {
      out.times.push_back(c.times[row]);
      out.refs.copy_row(c.refs, row);
    }
    return out;
  }

  void emit(Chunk&& inner) {
    const std::vector<uint32_t> rows(inner.num_rows, row_);
    Chunk out;
    out.num_rows = inner.num_rows;
    for (const Slot& s : results_)
      out.columns.push_back(s.inner ? inner.columns[s.index]
                                    : chunk_->columns[s.index].gather(rows));
    for (uint32_t i = 0; i < inner.num_rows; ++i) {
      out.times.push_back(chunk_->times[row_]);
      out.refs.copy_row(chunk_->refs, row_);
    }
    next_.push(std::move(out), 0);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::vector<size_t> arrays_;  // columns of the outer rows
  std::vector<Slot> elements_;  // columns that the inner query reads
  std::vector<Slot> results_;   // columns of the output
  const Chunk* chunk_ = nullptr;
  uint32_t row_ = 0;
};

}  // namespace

OperatorPtr make_expand(const CompiledOp& op, RunState&, ChunkSink& next) {
  return std::make_unique<Expand>(op, next);
}

OperatorPtr make_apply(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Apply>(op, state, next);
}

}  // namespace postern::exec
