// Lists of numbers, each distinct one kept once and known by a number of its own; the empty list is
// number 0. What many values or rows have in common is then compared, counted and remembered as one
// number. Tests: tests/unit/exec/value_memo_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/text_hash.h"

namespace postern::exec {

class DistinctLists {
 public:
  DistinctLists() { clear(); }

  /// The number of a list: that of an equal one, or the next, which is size() before the call.
  uint32_t number_of(std::span<const uint32_t> list) { return number_of(list, hash_of(list)); }

  /// The same, for whom knows hash_of(list) already.
  uint32_t number_of(std::span<const uint32_t> list, uint64_t hash) {
    if (list.empty()) return 0;
    if (entries_.size() * 2 > slots_.size()) grow();
    size_t at = hash & (slots_.size() - 1);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      const uint32_t number = slots_[at];
      if (number == 0) break;
      const Entry& e = entries_[number];
      if (e.hash == hash && e.size == list.size() &&
          std::memcmp(numbers_.data() + e.begin, list.data(), list.size_bytes()) == 0)
        return number;
    }
    const auto number = static_cast<uint32_t>(entries_.size());
    slots_[at] = number;
    entries_.push_back(
        {hash, static_cast<uint32_t>(numbers_.size()), static_cast<uint32_t>(list.size())});
    numbers_.insert(numbers_.end(), list.begin(), list.end());
    return number;
  }

  static uint64_t hash_of(std::span<const uint32_t> list) {
    return text_hash({reinterpret_cast<const char*>(list.data()), list.size_bytes()});
  }

  /// Fetches what number_of() looks at: first the slot, then what it stands for.
  void prefetch_slot(uint64_t hash) const {
    __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

  void prefetch_entry(uint64_t hash) const {
    __builtin_prefetch(&entries_[slots_[hash & (slots_.size() - 1)]]);
  }

  /// Until the next number_of().
  std::span<const uint32_t> operator[](uint32_t number) const {
    const Entry& e = entries_[number];
    return {numbers_.data() + e.begin, e.size};
  }

  /// Lists that are known, the empty one too.
  size_t size() const { return entries_.size(); }

  size_t memory_bytes() const {
    return entries_.capacity() * sizeof(Entry) +
           (numbers_.capacity() + slots_.capacity()) * sizeof(uint32_t);
  }

  /// Forgets all but the empty list, and gives back the memory.
  void clear() {
    entries_ = {{0, 0, 0}};
    numbers_ = {};
    slots_ = std::vector<uint32_t>(kFirstSlots);
  }

 private:
  struct Entry {
    uint64_t hash;
    uint32_t begin;  // in numbers_
    uint32_t size;
  };

  static constexpr size_t kFirstSlots = 256;

  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (uint32_t i = 1; i < entries_.size(); ++i) {
      size_t at = entries_[i].hash & (slots_.size() - 1);
      while (slots_[at] != 0)
        at = (at + 1) & (slots_.size() - 1);
      slots_[at] = i;
    }
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> slots_;  // number of a list, 0: free
};

}  // namespace postern::exec
