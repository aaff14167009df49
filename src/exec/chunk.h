// What flows between operators: columns of an operator's schema, with where each row came from.
#pragma once
#include <cstdint>
#include <vector>

#include "data/column.h"

namespace postern::exec {

/// Evidence that is kept of a group: the first ones are enough to look at. Behind a row with as
/// many there may be more.
inline constexpr size_t kMostGroupRefs = 16;

/// Evidence behind each row, as ids the engine gave out: row i has ids[begin[i] .. begin[i+1]).
struct RowRefs {
  std::vector<uint32_t> begin = {0};
  std::vector<uint32_t> ids;

  void add_row(const uint32_t* first, size_t n) {
    ids.insert(ids.end(), first, first + n);
    begin.push_back(static_cast<uint32_t>(ids.size()));
  }

  void copy_row(const RowRefs& from, uint32_t row) {
    add_row(from.ids.data() + from.begin[row], from.begin[row + 1] - from.begin[row]);
  }
};

/// At most data::kBatchRows rows of one schema.
struct Chunk {
  uint32_t num_rows = 0;
  std::vector<data::Column> columns;
  std::vector<int64_t> times;  ///< first event time behind each row, in ticks; 0 unknown
  RowRefs refs;
};

/// Memory that the chunk's own buffers take.
size_t memory_bytes(const Chunk& c);

/// Rows of `c` in the given order, columns shared.
Chunk gather(const Chunk& c, data::Rows rows);

/// Takes rows; `port` tells a join's sides apart (0 left, 1 right).
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  virtual void push(Chunk&& chunk, int port) = 0;
  virtual void finish(int port) = 0;

  /// False: no row that comes to this port from now on changes anything, so operators that hold
  /// theirs until the end need not give them. To be asked once the evidence has ended.
  virtual bool wants_rows(int /*port*/) const { return true; }

  /// No row before `watermark` (ticks of event time) comes to this port any more. Operators that do
  /// not know what it means for their output keep it to themselves.
  virtual void advance(int64_t /*watermark*/, int /*port*/) {}
};

}  // namespace postern::exec
