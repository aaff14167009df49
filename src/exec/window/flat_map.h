// A hash map of small keys and values in one array, with linear probing; the hole that an erased
// entry leaves is closed, so searches stay short however long entries come and go.
//
// Keys are whole numbers that are hashes already or are spread by a multiplication; all ones is no
// key. Used where groups keep something few of them have.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace postern::exec {

/// Empties slot `hole` of a table with linear probing: what was pushed on by it moves back, so that
/// no search stops too early. `home(slot)` is where a slot's search begins.
template <class Slot, class Home, class IsFree>
void close_hole(std::vector<Slot>& slots, size_t hole, Home home, IsFree is_free) {
  const size_t size = slots.size();
  const auto distance = [size](size_t from, size_t to) {
    return to >= from ? to - from : to + size - from;
  };
  for (size_t i = hole + 1 == size ? 0 : hole + 1; !is_free(slots[i]);
       i = i + 1 == size ? 0 : i + 1) {
    if (distance(home(slots[i]), i) < distance(hole, i)) continue;
    slots[hole] = slots[i];
    hole = i;
  }
  slots[hole] = Slot{};
}

template <class Key, class Value>
class FlatMap {
 public:
  static constexpr Key kNoKey = static_cast<Key>(~Key{0});

  /// Null when there is none.
  Value* find(Key key) {
    if (live_ == 0) return nullptr;
    Slot& s = slots_[slot_of(key)];
    return s.key == key ? &s.value : nullptr;
  }

  /// The key's value, made if new.
  Value& operator[](Key key) {
    if ((live_ + 1) * 4 > slots_.size() * 3) grow();
    Slot& s = slots_[slot_of(key)];
    if (s.key != key) {
      ++live_;
      s = {key, Value{}};
    }
    return s.value;
  }

  /// `key` is there.
  void erase(Key key) {
    close_hole(
        slots_, slot_of(key), [this](const Slot& s) { return home(s.key); },
        [](const Slot& s) { return s.key == kNoKey; });
    --live_;
  }

  size_t size() const { return live_; }

  uint64_t used_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    Key key = kNoKey;
    Value value{};
  };

  size_t home(Key key) const {
    return static_cast<size_t>((uint64_t{key} * 0x9e3779b97f4a7c15) >> 32) & (slots_.size() - 1);
  }

  size_t slot_of(Key key) const {
    size_t i = home(key);
    while (slots_[i].key != kNoKey && slots_[i].key != key)
      i = (i + 1) & (slots_.size() - 1);
    return i;
  }

  void grow() {
    std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 64 : old.size() * 2, Slot{});
    for (const Slot& s : old)
      if (s.key != kNoKey) slots_[slot_of(s.key)] = s;
  }

  std::vector<Slot> slots_;
  size_t live_ = 0;
};

}  // namespace postern::exec
