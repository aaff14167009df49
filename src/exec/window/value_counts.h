// How often each value occurs in each group: one flat table for all groups of a window.
//
// Values are known by 64-bit hashes, mixed with the group: of a million values two are taken for
// one with a chance of one in thirty million. 16 bytes a slot.
#pragma once
#include <cstdint>

#include "exec/window/flat_map.h"
#include "exec/window/mix.h"

namespace postern::exec {

class ValueCounts {
 public:
  /// Counts after one more, after one less. A value removed is one that was added.
  uint32_t add(uint32_t group, uint64_t hash) { return ++counts_[key_of(group, hash)]; }

  uint32_t remove(uint32_t group, uint64_t hash) {
    const uint64_t key = key_of(group, hash);
    const uint32_t left = --*counts_.find(key);
    if (left == 0) counts_.erase(key);
    return left;
  }

  uint64_t used_bytes() const { return counts_.used_bytes(); }

 private:
  static uint64_t key_of(uint32_t group, uint64_t hash) {
    // All ones is no key of the map.
    return mix64(hash ^ (uint64_t{group} << 32 | group), 0x9e3779b97f4a7c15) & (UINT64_MAX >> 1);
  }

  FlatMap<uint64_t, uint32_t> counts_;
};

}  // namespace postern::exec
