// Groups of a window by their key: a flat hash table of 8-byte slots over fixed records.
//
// A key is bytes as append_window_key() makes them; with `ignore_case`, keys that differ in the
// case of ASCII letters only are one group, known by the smallest of its spellings, so that which
// of them came first does not show. Groups are numbered; numbers of dropped groups are used again.
// Tests: tests/unit/exec/window_state_test.cc.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exec/window/slab_pool.h"

namespace postern::exec {

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

/// What is kept of a group whatever is asked of it; the rest lies in `block` (window_logic.h).
struct WindowGroup {
  int64_t last = kNever;   ///< time of its last row; closing windows: where the open one began
  int64_t fired = kNever;  ///< when it last fired (an absent step: where that window began)
  uint32_t key = SlabPool::kNone;
  uint32_t prev = SlabPool::kNone;  ///< list of groups with state, oldest first
  uint32_t next = SlabPool::kNone;
  uint32_t block = SlabPool::kNone;
  uint32_t pending = 0;  ///< rows that wait for their turn
  uint32_t head = 0;     ///< ring in `block`: first entry and number of them
  uint32_t count = 0;
  uint8_t block_class = 0;
  uint8_t key_class = 0;
  bool listed = false;
};

class GroupTable {
 public:
  GroupTable(SlabPool& pool, bool ignore_case) : pool_(pool), ignore_case_(ignore_case) {}

  /// The key's group, made if new.
  uint32_t find_or_add(std::string_view key);
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

  struct Slot {
    uint32_t hash = 0;
    uint32_t group = SlabPool::kNone;
  };

  bool same(std::string_view a, std::string_view b) const;
  uint32_t hash_of(std::string_view key) const;
  uint32_t add(std::string_view key);
  void grow();

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
