// Groups of a window by their key: a flat hash table of 8-byte slots over records in the pool.
//
// A key is bytes; with `ignore_case`, keys that differ in the case of ASCII letters only are one
// group, known by the smallest of its spellings, so that which of them came first does not show.
// A record holds its key and does not move: its block's number is the group's, and is used again
// once the group is dropped. A large table grows by a quarter, so that it is never more than a
// third empty. Many keys are looked up at once: the cache misses of one hide behind those of the
// others. Tests: tests/unit/exec/window_state_test.cc.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/window/flat_map.h"
#include "exec/window/slab_pool.h"

namespace postern::exec {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

/// What is kept of a group whatever is asked of it; the rest lies in `block` (window_logic.h). Made
/// of parts that need no alignment above that of the pool's words.
struct WindowGroup {
  static constexpr uint32_t kManyPending = 15;

  /// Time of its last row; closing windows: where the open one began.
  int64_t last() const {
    return static_cast<int64_t>(uint64_t{last_high} << 32 | uint64_t{last_low});
  }

  void set_last(int64_t time) {
    last_low = static_cast<uint32_t>(static_cast<uint64_t>(time));
    last_high = static_cast<uint32_t>(static_cast<uint64_t>(time) >> 32);
  }

  uint32_t last_low = 0;
  uint32_t last_high = 0x80000000;  // kNever
  uint32_t block = SlabPool::kNone;
  uint32_t next = SlabPool::kNone;  ///< list of groups with state
  uint8_t block_class = 0;
  // Ring in `block` (window_ring.h), while it is small.
  uint8_t head = 0;      ///< first entry
  uint8_t count = 0;     ///< number of entries
  uint8_t ref_high = 0;  ///< of the last entry's evidence
  uint8_t form : 2 = 0;
  uint8_t pending : 4 = 0;  ///< rows that wait for their turn; kManyPending: GroupTable knows
  uint8_t fired : 1 = 0;    ///< when: known to the engine
  uint8_t listed : 1 = 0;
  uint8_t key_size = 0;
  char key[2] = {};  ///< its first bytes; the others follow
};

static_assert(sizeof(WindowGroup) == 24, "paid for each of a million groups");

class GroupTable {
 public:
  GroupTable(SlabPool& pool, bool ignore_case) : pool_(pool), ignore_case_(ignore_case) {}

  /// The key's group, made if new.
  uint32_t find_or_add(std::string_view key);
  /// The same for many: as many `groups` as keys.
  void find_or_add(std::span<const std::string_view> keys, uint32_t* groups);
  void drop(uint32_t group);

  WindowGroup& operator[](uint32_t group) {
    return *reinterpret_cast<WindowGroup*>(pool_.at(group));
  }

  /// Rows of a group that wait: one more; `n` fewer; any.
  void add_pending(uint32_t group);
  void take_pending(uint32_t group, uint32_t n);

  bool has_pending(uint32_t group) { return (*this)[group].pending != 0; }

  std::string_view key(uint32_t group);

  uint32_t size() const { return live_; }

  /// Beside the pool.
  uint64_t used_bytes() const { return slots_.size() * sizeof(Slot) + many_pending_.used_bytes(); }

 private:
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
  FlatMap<uint32_t, uint32_t> many_pending_;  // of groups with kManyPending rows or more
  uint32_t live_ = 0;
};

/// Mixes bytes into 64 bits; with `ignore_case` ASCII letters count as their small ones.
uint64_t hash_bytes(std::string_view bytes, bool ignore_case, uint64_t seed = 0);

}  // namespace postern::exec
