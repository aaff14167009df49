// What filters themselves said of rows, where that can only depend on what is known of the row: one
// of its values, or two and the predicates that it touches. Bounded. Tests:
// tests/unit/exec/value_memo_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/text_hash.h"

namespace postern::exec {

/// What one filter said of values of one column, which have small numbers.
class AskedValues {
 public:
  std::optional<bool> find(uint32_t value) const {
    if (value >= said_.size() || said_[value] == kNothing) return std::nullopt;
    return said_[value] == kTrue;
  }

  /// Gives the bytes that are taken for it anew.
  size_t add(uint32_t value, bool said) {
    const size_t before = said_.capacity();
    if (value >= said_.size()) said_.resize(size_t{value} * 3 / 2 + 1);
    said_[value] = said ? kTrue : kFalse;
    return said_.capacity() - before;
  }

  void clear() { said_ = {}; }

 private:
  enum Said : uint8_t { kNothing, kFalse, kTrue };

  std::vector<Said> said_;
};

class AskedMemo {
 public:
  /// Filter, what the row touches (0: of no matter), and values.
  using Key = std::array<uint32_t, 4>;

  std::optional<bool> find(const Key& key) const {
    if (slots_.empty()) return std::nullopt;
    for (size_t at = place_of(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].said == kFree) return std::nullopt;
      if (slots_[at].key == key) return slots_[at].said == kTrue;
    }
  }

  void add(const Key& key, bool said) {
    if (used_ * 2 >= slots_.size()) make_room();
    size_t at = place_of(key);
    for (; slots_[at].said != kFree; at = (at + 1) & (slots_.size() - 1))
      if (slots_[at].key == key) return;
    slots_[at] = {key, said ? kTrue : kFalse};
    ++used_;
  }

  void clear() {
    slots_ = {};
    used_ = 0;
  }

  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  enum Said : uint32_t { kFree, kFalse, kTrue };

  struct Slot {
    Key key{};
    Said said = kFree;
  };

  static constexpr size_t kFirstSlots = 1024;
  static constexpr size_t kMostSlots = size_t{1} << 17;

  size_t place_of(const Key& k) const {
    const uint64_t a = k[0] | uint64_t{k[1]} << 32;
    const uint64_t b = k[2] | uint64_t{k[3]} << 32;
    return mix(a ^ 0x9E3779B97F4A7C15U, b ^ 0xE7037ED1A0B428DBU) & (slots_.size() - 1);
  }

  /// Twice the room, or all forgotten.
  void make_room() {
    std::vector<Slot> old;
    old.swap(slots_);
    used_ = 0;
    if (old.size() >= kMostSlots) old.clear();
    slots_.resize(old.empty() ? kFirstSlots : old.size() * 2);
    for (const Slot& s : old)
      if (s.said != kFree) add(s.key, s.said == kTrue);
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace postern::exec
