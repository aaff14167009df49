// Numbers for keys (encoded by append_key), in the order in which they first come: a flat hash
// table over keys that lie one behind the other. Groups of aggregates and keys of joins are
// hundreds of thousands, and the nodes of a map cost more to make and to free than to fill.
// Tests: tests/unit/exec/key_table_test.cc.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/text_hash.h"

namespace postern::exec {

class KeyTable {
 public:
  /// What a key takes beside its bytes, about.
  static constexpr size_t kBytesPerKey = sizeof(std::string_view) + sizeof(uint64_t) + 8;

  size_t size() const { return keys_.size(); }

  /// Lives as long as the table.
  std::string_view key(uint32_t number) const { return keys_[number]; }

  /// The key's number, and whether it is new.
  std::pair<uint32_t, bool> add(std::string_view key) {
    if ((keys_.size() + 1) * 3 > slots_.size() * 2) grow();
    const uint64_t hash = text_hash(key);
    size_t at = home(hash);
    for (; slots_[at] != 0; at = (at + 1) & mask_) {
      const uint32_t number = slots_[at] - 1;
      if (hashes_[number] == hash && keys_[number] == key) return {number, false};
    }
    keys_.push_back(bytes_.copy(key));
    hashes_.push_back(hash);
    slots_[at] = static_cast<uint32_t>(keys_.size());
    return {static_cast<uint32_t>(keys_.size() - 1), true};
  }

 private:
  // The upper bits of the hash are its best.
  size_t home(uint64_t hash) const { return static_cast<size_t>(hash >> 32) & mask_; }

  void grow() {
    slots_.assign(slots_.empty() ? 16 : slots_.size() * 2, 0);
    mask_ = slots_.size() - 1;
    for (size_t i = 0; i < keys_.size(); ++i) {
      size_t at = home(hashes_[i]);
      while (slots_[at] != 0)
        at = (at + 1) & mask_;
      slots_[at] = static_cast<uint32_t>(i + 1);
    }
  }

  std::vector<uint32_t> slots_;  // number + 1, or 0
  size_t mask_ = 0;
  std::vector<uint64_t> hashes_;
  std::vector<std::string_view> keys_;
  Arena bytes_;
};

}  // namespace postern::exec
