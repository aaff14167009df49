// Operators of a run: each takes chunks, keeps its own state, and pushes to the next one.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exec/memory.h"
#include "exec/run.h"

namespace postern::exec {

using Program = std::shared_ptr<const CompiledExpr>;

/// A bound operator with its expressions compiled against its inputs; immutable.
struct CompiledOp {
  struct Source {
    bool computed;  ///< an item, not a column of the input
    size_t index;
  };

  plan::OpPtr op;
  std::vector<Program> exprs;        ///< predicate, items, keys or sort keys
  std::vector<Program> right_exprs;  ///< Join: right keys
  std::vector<std::vector<Program>> aggregate_args;
  std::vector<Source> sources;  ///< Project, Extend: of each column
  std::vector<CompiledOp> inputs;
  size_t scan_index = 0;                    ///< Scan: which one
  std::shared_ptr<const CompiledPlan> sub;  ///< Apply: the query over the elements
  /// Apply: the same over the elements of many rows, where it can be (keyed_query.h).
  std::shared_ptr<const CompiledPlan> keyed_sub;
  bool one_row_each = false;
};

/// State and surroundings that operators of one run share.
struct RunState {
  explicit RunState(MemoryBudget* budget) : memory(budget) {}

  plan::RunContext context;
  RunNotes notes;
  MemoryAccount memory;  ///< what the operators keep
};

/// What an entry of a hash table takes beside its key, about.
inline constexpr size_t kHashEntryBytes = 80;

using OperatorPtr = std::unique_ptr<ChunkSink>;

OperatorPtr make_filter(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_compute(const CompiledOp& op,
                         RunState& state,
                         ChunkSink& next);  ///< Project, Extend
OperatorPtr make_aggregate(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_sort(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_limit(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_dedup(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_expand(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_window(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_apply(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_join(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_running(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_sessions(const CompiledOp& op, RunState& state, ChunkSink& next);
OperatorPtr make_union(const CompiledOp& op, ChunkSink& next);
OperatorPtr make_time_window(const CompiledOp& op, RunState& state, ChunkSink& next);

/// All rows of a chunk.
inline data::Rows all_rows(const Chunk& c) {
  return data::Rows(data::kIdentityRows).first(c.num_rows);
}

std::vector<data::Column> evaluate_all(const std::vector<Program>& exprs,
                                       const Chunk& c,
                                       RunState& state);

/// Appends a value of any cell as bytes that are equal exactly for equal values of one type (null
/// included): the key of hash tables. Numbers of different integer types compare equal; `as_real`
/// widens integers for comparison with reals.
void append_key(std::string& key, const data::Column& c, uint32_t row, bool as_real = false);

/// Takes the first cell off a key and appends it. The key's column had the builder's type; reals
/// come back without the sign of zero.
void take_cell(std::string_view& key, data::ColumnBuilder& out);

/// How many rows a cell is expanded to: an array's or bag's members, one for any other value and
/// for null.
uint32_t element_count(const data::Column& column, uint32_t row);
/// Element i of a cell, null beyond the end; of a bag, a bag of its one entry.
void append_element(const data::Column& column, uint32_t row, uint32_t i, data::ColumnBuilder& out);

/// Rows of many chunks kept for later, compacted; handed out again in order.
class RowStore {
 public:
  /// Returns the memory that it took.
  size_t add(const Chunk& c, bool compact = true);

  size_t size() const { return locations_.size(); }

  const Chunk& chunk_of(size_t row) const { return chunks_[locations_[row].chunk]; }

  uint32_t row_in_chunk(size_t row) const { return locations_[row].row; }

  const std::vector<Chunk>& chunks() const { return chunks_; }

  /// A chunk of the given rows (at most data::kBatchRows) with the schema's types.
  Chunk take(const plan::Schema& schema, const size_t* rows, size_t n) const;

  static constexpr size_t kNoRow = static_cast<size_t>(-1);

  /// The chunks that have any of the rows, ascending. A row may be kNoRow.
  std::vector<uint32_t> chunks_with(const size_t* rows, size_t n) const;
  /// One column of the given rows, of which chunks_with() gave `from`. kNoRow becomes null, or ""
  /// of strings where `pad` is set.
  data::Column take_column(data::Type type,
                           size_t column,
                           const size_t* rows,
                           size_t n,
                           const std::vector<uint32_t>& from,
                           bool pad = false) const;

 private:
  struct Location {
    uint32_t chunk;
    uint32_t row;
  };

  std::vector<Chunk> chunks_;
  std::vector<Location> locations_;
};

}  // namespace postern::exec
