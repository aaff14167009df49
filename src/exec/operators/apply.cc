// Apply runs a query of its own over the elements of each row (mv-apply): a compiled plan whose
// only scan is the elements, so that a sort, a limit or an aggregation in it is about this row
// alone. A run of its own for each row costs more than most of these queries do, so where it can
// be, the elements of many rows go through one run, told apart by a number (keyed_query.h). Source:
// Kusto documentation, mv-apply operator. Tests: tests/cases/kql/mv_apply*.case.
#include <algorithm>
#include <optional>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

/// Takes what an inner query gives.
class Results final : public ChunkSink {
 public:
  void push(Chunk&& c, int) override { chunks.push_back(std::move(c)); }

  void finish(int) override {}

  std::vector<Chunk> chunks;
};

/// The rows of the inner query beside the columns of the outer row.
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
    if (!compiled_.keyed_sub) {
      for (uint32_t row = 0; row < c.num_rows; ++row)
        run_alone(c, row);
      return;
    }
    // As many rows together as one chunk holds the elements of.
    Elements some;
    uint32_t first = 0;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      const uint32_t n = num_elements(c, row);
      if (some.rows.size() + n > data::kBatchRows) {
        run_together(c, first, row, some);
        some = {};
        first = row;
      }
      if (n > data::kBatchRows) {
        run_alone(c, row);
        first = row + 1;
        continue;
      }
      some.add(row, 0, n);
    }
    run_together(c, first, c.num_rows, some);
  }

  void finish(int) override { next_.finish(0); }

 private:
  struct Slot {
    bool inner;    // of the elements (or the inner query), not of the outer row
    size_t index;  // column there
    Type type;
  };

  struct Elements {
    std::vector<uint32_t> rows;     // of the outer chunk
    std::vector<uint32_t> numbers;  // in the row's array

    void add(uint32_t row, uint32_t from, uint32_t to) {
      for (uint32_t i = from; i < to; ++i) {
        rows.push_back(row);
        numbers.push_back(i);
      }
    }
  };

  static size_t index_of(const plan::Schema& schema, std::string_view name) {
    size_t i = 0;
    while (i < schema.size() && schema[i].name != name)
      ++i;
    return i;
  }

  uint32_t num_elements(const Chunk& c, uint32_t row) const {
    uint32_t n = 0;
    for (const size_t a : arrays_)
      n = std::max(n, element_count(c.columns[a], row));
    return op_.limit ? static_cast<uint32_t>(std::min<int64_t>(n, *op_.limit)) : n;
  }

  /// A run for one row.
  void run_alone(const Chunk& c, uint32_t row) {
    Results results;
    const std::unique_ptr<Run> inner = Run::start(compiled_.sub, state_.context, results);
    const uint32_t n = num_elements(c, row);
    for (uint32_t from = 0; from < n; from += data::kBatchRows) {
      Elements some;
      some.add(row, from, std::min(n, from + data::kBatchRows));
      inner->push(0, elements(c, some, false));
    }
    inner->finish();
    for (const Chunk& r : results.chunks)
      emit(c, r, std::vector<uint32_t>(r.num_rows, row), 0);
  }

  /// One run for the rows from `first` to `end`, of which these are all elements.
  void run_together(const Chunk& c, uint32_t first, uint32_t end, const Elements& some) {
    if (first == end) return;
    Results results;
    if (!some.rows.empty()) {
      const std::unique_ptr<Run> inner = Run::start(compiled_.keyed_sub, state_.context, results);
      inner->push(0, elements(c, some, true));
      inner->finish();
    }
    uint32_t next = first;  // row that has not been given yet
    std::vector<uint32_t> rows;
    for (const Chunk& r : results.chunks) {
      const auto numbers = r.columns[0].view<int64_t>();
      uint32_t begin = 0;
      rows.clear();
      for (uint32_t i = 0; i < r.num_rows; ++i) {
        const auto row = static_cast<uint32_t>(numbers[i]);
        if (compiled_.one_row_each && row != next) {
          emit_part(c, r, begin, rows);
          begin = i;
          rows.clear();
          emit_none(c, next, row);
        }
        rows.push_back(row);
        next = row + 1;
      }
      emit_part(c, r, begin, rows);
    }
    if (compiled_.one_row_each) emit_none(c, next, end);
  }

  Chunk elements(const Chunk& c, const Elements& some, bool numbered) const {
    Chunk out;
    out.num_rows = static_cast<uint32_t>(some.rows.size());
    if (numbered) {
      ColumnBuilder b(Type::kLong);
      for (const uint32_t row : some.rows)
        b.append(static_cast<int64_t>(row));
      out.columns.push_back(b.finish());
    }
    for (const Slot& s : elements_) {
      if (!s.inner) {
        out.columns.push_back(c.columns[s.index].gather(some.rows));
        continue;
      }
      ColumnBuilder b(s.type);
      for (size_t i = 0; i < some.rows.size(); ++i) {
        if (s.index == arrays_.size())
          b.append(static_cast<int64_t>(some.numbers[i]));
        else
          append_element(c.columns[arrays_[s.index]], some.rows[i], some.numbers[i], b);
      }
      out.columns.push_back(b.finish());
    }
    // Results are of the outer row's evidence, whatever the query makes of it.
    for (const uint32_t row : some.rows)
      out.times.push_back(c.times[row]);
    out.refs.begin.resize(some.rows.size() + 1, 0);
    return out;
  }

  /// Some neighbouring results of a run of many rows, which belong to `rows`.
  void emit_part(const Chunk& c,
                 const Chunk& inner,
                 uint32_t begin,
                 const std::vector<uint32_t>& rows) {
    if (rows.empty()) return;
    if (rows.size() == inner.num_rows) return emit(c, inner, rows, 1);
    emit(c, gather(inner, data::Rows(data::kIdentityRows).subspan(begin, rows.size())), rows, 1);
  }

  /// What the query gives for no elements, for the rows from `first` to `end`.
  void emit_none(const Chunk& c, uint32_t first, uint32_t end) {
    if (first == end) return;
    if (!none_) {
      Results results;
      Run::start(compiled_.sub, state_.context, results)->finish();
      POSTERN_CHECK(results.chunks.size() == 1 && results.chunks[0].num_rows == 1);
      none_ = std::move(results.chunks[0]);
    }
    const std::vector<uint32_t> same(end - first, 0);
    std::vector<uint32_t> rows;
    for (uint32_t row = first; row < end; ++row)
      rows.push_back(row);
    emit(c, gather(*none_, same), rows, 0);
  }

  /// Results of the inner query, whose columns begin at `begin`, beside their outer rows.
  void emit(const Chunk& c, const Chunk& inner, const std::vector<uint32_t>& rows, size_t begin) {
    Chunk out;
    out.num_rows = inner.num_rows;
    for (const Slot& s : results_)
      out.columns.push_back(s.inner ? inner.columns[s.index + begin]
                                    : c.columns[s.index].gather(rows));
    for (const uint32_t row : rows) {
      out.times.push_back(c.times[row]);
      out.refs.copy_row(c.refs, row);
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
  std::optional<Chunk> none_;
};

}  // namespace

OperatorPtr make_apply(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Apply>(op, state, next);
}

}  // namespace postern::exec
