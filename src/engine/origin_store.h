// Where the rows that queries keep came from, by evidence id, in little memory.
//
// A query that counts every event of 10 GB gives an id to each of millions of rows, and shows a few
// of them in the end. Rows come in the order of the evidence, so each is written as its difference
// from the one before (some three bytes), in blocks that can be read alone; beyond a few megabytes
// the blocks go to an unnamed file (base/spill.h). Rows are added first and looked up afterwards.
// Not thread-safe. Tests: tests/unit/engine/origin_store_test.cc.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/spill.h"
#include "base/varint.h"
#include "engine/finding.h"

namespace postern::engine {

class OriginStore {
 public:
  /// Encoded rows that are kept in memory before a file is used.
  static constexpr size_t kMemoryBytes = size_t{16} << 20;
  /// Ids are 32 bits wide, and the largest stands for "none" in windows.
  static constexpr uint64_t kMaxRows = std::numeric_limits<uint32_t>::max();

  explicit OriginStore(size_t memory_bytes = kMemoryBytes) : bytes_(memory_bytes) {}

  /// Number of a table and file, the same one each time it is asked for.
  uint32_t source(RowSource source);

  /// The id of the first of `n` rows that are about to be added, or nothing where there are no ids
  /// left for them.
  std::optional<uint32_t> reserve(uint64_t n) const;

  /// Adds a row; its id is the number of rows before it.
  void add(const RowOrigin& row);

  /// No row is added any more. Error: there was no room for the file; no row has a place then.
  Result<bool> seal();

  /// Sealed only; nothing for a row that is not there. Rows in ascending order cost least. One
  /// thread.
  std::optional<RowOrigin> find(uint32_t id) const;

  const RowSource& source(uint32_t number) const { return sources_[number]; }

  uint64_t size() const { return num_rows_; }

  /// True once a file is used.
  bool is_in_file() const { return bytes_.is_in_file(); }

 private:
  void put_block();

  std::vector<RowSource> sources_;
  std::map<std::pair<std::string, std::string>, uint32_t> numbers_;  // by table and path
  std::string block_;                                                // being filled
  RowOrigin last_;
  uint64_t num_rows_ = 0;
  std::vector<uint64_t> starts_;  // of each block in bytes_
  Spill bytes_;
  std::optional<Error> error_;
  std::shared_ptr<const FileBytes> sealed_;

  /// Behind the row that was found last, in its block.
  struct Cursor {
    uint64_t block = 0;
    uint64_t next = 0;  // row that is read next
    RowOrigin row;      // the one before it
    VarintReader in;
  };

  mutable std::optional<Cursor> cursor_;
};

}  // namespace postern::engine
