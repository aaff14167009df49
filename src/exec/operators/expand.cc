// Expand: one row per element of the arrays in a row (mv-expand). Source: Kusto documentation,
// mv-expand operator. Tests: tests/cases/kql/mv_*.case.
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

}  // namespace

OperatorPtr make_expand(const CompiledOp& op, RunState&, ChunkSink& next) {
  return std::make_unique<Expand>(op, next);
}

}  // namespace postern::exec
