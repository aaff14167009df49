// How often each value occurs in each group: one flat table for all groups of a window.
//
// Values are known by 64-bit hashes, mixed with the group: of a million values two are taken for
// one with a chance of one in thirty million. 16 bytes a slot, linear probing, holes closed on
// removal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace postern::exec {

class ValueCounts {
 public:
  /// Counts after one more, after one less. A value removed is one that was added.
  uint32_t add(uint32_t group, uint64_t hash);
  uint32_t remove(uint32_t group, uint64_t hash);

  uint64_t used_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t count = 0;  ///< 0: free
  };

  static uint64_t key_of(uint32_t group, uint64_t hash);
  size_t find(uint64_t key) const;
  void grow();

  std::vector<Slot> slots_;
  size_t live_ = 0;
};

}  // namespace postern::exec
