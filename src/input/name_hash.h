// A fast hash of field names, and a table from names to small numbers with it.
//
// Decoders look every name of every record up (is it read? which column is it?), so the hash is
// computed once per name and serves several tables. Not for untrusted growth: a table holds only
// the names that the program itself put there. Tests: tests/unit/input/rows_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace postern::input {

inline uint32_t name_hash(std::string_view s) {
  constexpr uint64_t kMix = 0x9E37'79B9'7F4A'7C15ULL;
  const char* p = s.data();
  size_t n = s.size();
  uint64_t h = n * kMix;
  uint64_t word;
  for (; n >= 8; p += 8, n -= 8) {
    std::memcpy(&word, p, 8);
    h = (h ^ word) * kMix;
    h ^= h >> 32;
  }
  if (n >= 4) {
    uint32_t a;
    uint32_t b;
    std::memcpy(&a, p, 4);
    std::memcpy(&b, p + n - 4, 4);
    h = (h ^ (uint64_t{a} << 32 | b)) * kMix;
  } else if (n > 0) {
    word = static_cast<uint8_t>(p[0]) | uint64_t{static_cast<uint8_t>(p[n / 2])} << 8 |
           uint64_t{static_cast<uint8_t>(p[n - 1])} << 16;
    h = (h ^ word) * kMix;
  }
  return static_cast<uint32_t>(h >> 32);
}

/// Names with a number each; open addressing, at most half full.
class NameTable {
 public:
  NameTable() : slots_(8) {}

  /// Adds a name; a name that is there keeps its number. Any number but -1.
  void add(std::string name, int number) {
    if (find(name, name_hash(name)) != -1) return;
    names_.push_back({std::move(name), number});
    if (names_.size() * 2 > slots_.size()) {
      slots_.assign(slots_.size() * 2, 0);
      for (size_t i = 0; i < names_.size(); ++i)
        place(i);
    } else {
      place(names_.size() - 1);
    }
  }

  /// The number of `name`, or -1. `hash` is name_hash(name).
  int find(std::string_view name, uint32_t hash) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const uint32_t entry = slots_[at];
      if (entry == 0) return -1;
      if (names_[entry - 1].name == name) return names_[entry - 1].number;
    }
  }

  int find(std::string_view name) const { return find(name, name_hash(name)); }

  size_t size() const { return names_.size(); }

 private:
  struct Entry {
    std::string name;
    int number;
  };

  void place(size_t i) {
    const size_t mask = slots_.size() - 1;
    size_t at = name_hash(names_[i].name) & mask;
    while (slots_[at] != 0)
      at = (at + 1) & mask;
    slots_[at] = static_cast<uint32_t>(i + 1);
  }

  std::vector<Entry> names_;
  std::vector<uint32_t> slots_;  // index into names_ plus one; 0: free
};

}  // namespace postern::input
