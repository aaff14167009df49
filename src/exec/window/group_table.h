// Groups of a window by their key: a flat hash table of 8-byte slots over fixed records.
//
// A key is bytes; with `ignore_case`, keys that differ in the case of ASCII letters only are one
// group, known by the smallest of its spellings, so that which of them came first does not show.
// Groups are numbered; numbers of dropped groups are used again. A large table grows by a quarter,
// so that it is never more than a third empty. Many keys are looked up at once: the cache misses of
// one hide behind those of the others. Tests: tests/unit/exec/window_state_test.cc.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/window/slab_pool.h"

namespace postern::exec {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

/// What is kept of a group whatever is asked of it; the rest lies in `block` (window_logic.h).
struct WindowGroup {
  static constexpr uint32_t kMaxPending = (1U << 31) - 1;

  int64_t last = kNever;  ///< time of its last row; closing windows: where the open one began
  uint32_t block = SlabPool::kNone;
  uint32_t key = SlabPool::kNone;
  uint32_t next = SlabPool::kNone;  ///< list of groups with state
  uint32_t pending : 31 = 0;        ///< rows that wait for their turn
  uint32_t fired : 1 = 0;           ///< when: known to the engine
  uint32_t count = 0;               ///< ring in `block`: number of entries
  uint8_t block_class = 0;
  uint8_t head = 0;  ///< first entry of a small ring
  bool listed = false;
};

static_assert(sizeof(WindowGroup) == 32, "paid for each of a million groups");

class GroupTable {
 public:
  GroupTable(SlabPool& pool, bool ignore_case) : pool_(pool), ignore_case_(ignore_case) {}

  /// The key's group, made if new.
  uint32_t find_or_add(std::string_view key);
  /// The same for many: as many `groups` as keys.
  void find_or_add(std::span<const std::string_view> keys, uint32_t* groups);
  void drop(uint32_t group);

  WindowGroup& operator[](uint32_t group) {
    return pages_[group >> kPageBits][group & (kPageSize - 1)];
  }

  std::string_view key(uint32_t group);

  uint32_t size() const { return live_; }

  uint64_t used_bytes() const {
    return slots_.size() * sizeof(Slot) + uint64_t{live_} * sizeof(WindowGroup);
  }

 private:
  static constexpr uint32_t kPageBits = 12;
  static constexpr uint32_t kPageSize = 1U << kPageBits;
  /// Looked up at once: about as many as a core has outstanding misses.
  static constexpr size_t kAtOnce = 16;

  struct Slot {
    uint32_t hash = 0;
    uint32_t group = SlabPool::kNone;
  };

  bool same(std::string_view a, std::string_view b) const;
  uint32_t hash_of(std::string_view key) const;

  // The order of the hashes, so that growing reads and writes slots in their order.
  size_t home(uint32_t hash) const {
    return static_cast<size_t>(uint64_t{hash} * slots_.size() >> 32);
  }

  size_t after(size_t slot) const { return slot + 1 == slots_.size() ? 0 : slot + 1; }

  uint32_t find_or_add(std::string_view key, uint32_t hash);
  uint32_t add(std::string_view key);
  void reserve(uint64_t groups);

  SlabPool& pool_;
  bool ignore_case_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<WindowGroup[]>> pages_;
  uint32_t free_ = SlabPool::kNone;
  uint32_t num_groups_ = 0;  // ever numbered
  uint32_t live_ = 0;
};

/// Mixes bytes into 64 bits; with `ignore_case` ASCII letters count as their small ones.
uint64_t hash_bytes(std::string_view bytes, bool ignore_case, uint64_t seed = 0);

}  // namespace postern::exec
