// A ring of rows in a group's block: `header` words, then entries of `stride` words. The first
// three words of an entry are its time and evidence.
#pragma once
#include <cstring>

#include "exec/window/window_logic.h"

namespace postern::exec {

template <class T>
T load_words(const uint32_t* words) {
  T value;
  std::memcpy(&value, words, sizeof value);
  return value;
}

template <class T>
void store_words(uint32_t* words, T value) {
  std::memcpy(words, &value, sizeof value);
}

class WindowRing {
 public:
  WindowRing(SlabPool& pool, uint32_t header, uint32_t stride)
      : pool_(pool), header_(header), stride_(stride) {}

  uint32_t* header(const WindowGroup& g) { return pool_.at(g.block); }

  uint32_t* entry(const WindowGroup& g, uint32_t i) {
    const uint32_t capacity = capacity_of(g.block_class);
    uint32_t at = g.head + i;
    if (at >= capacity) at -= capacity;
    return pool_.at(g.block) + header_ + uint64_t{at} * stride_;
  }

  int64_t time(const WindowGroup& g, uint32_t i) { return load_words<int64_t>(entry(g, i)); }

  /// A new last entry with its time and evidence set. The header of a first block is zeroed.
  uint32_t* push(WindowGroup& g, const WindowRow& row) {
    if (g.block == SlabPool::kNone || g.count == capacity_of(g.block_class)) grow(g);
    ++g.count;
    uint32_t* e = entry(g, g.count - 1);
    store_words(e, row.time);
    e[2] = row.ref;
    return e;
  }

  void pop(WindowGroup& g) {
    --g.count;
    if (++g.head == capacity_of(g.block_class)) g.head = 0;
  }

  /// Takes entry `i` out; the ones after it move up.
  void remove(WindowGroup& g, uint32_t i) {
    for (; i + 1 < g.count; ++i)
      std::memcpy(entry(g, i), entry(g, i + 1), stride_ * sizeof(uint32_t));
    --g.count;
  }

  void release(WindowGroup& g) {
    if (g.block != SlabPool::kNone) pool_.release(g.block, g.block_class);
    g.block = SlabPool::kNone;
    g.head = 0;
    g.count = 0;
  }

  void evidence(const WindowGroup& g, std::vector<WindowEvidence>& out) {
    for (uint32_t i = 0; i < g.count && out.size() < kMaxWindowEvidence; ++i)
      out.push_back({time(g, i), entry(g, i)[2]});
  }

 private:
  uint32_t capacity_of(uint32_t size_class) const {
    return static_cast<uint32_t>((SlabPool::words_of(size_class) - header_) / stride_);
  }

  void grow(WindowGroup& g) {
    const uint32_t size_class = SlabPool::class_for(header_ + (uint64_t{g.count} + 1) * stride_);
    const uint32_t block = pool_.allocate(size_class);
    uint32_t* to = pool_.at(block);
    if (g.block == SlabPool::kNone) {
      std::memset(to, 0, header_ * sizeof(uint32_t));
    } else {
      std::memcpy(to, pool_.at(g.block), header_ * sizeof(uint32_t));
      for (uint32_t i = 0; i < g.count; ++i)
        std::memcpy(to + header_ + uint64_t{i} * stride_, entry(g, i), stride_ * sizeof(uint32_t));
      pool_.release(g.block, g.block_class);
    }
    g.block = block;
    g.block_class = static_cast<uint8_t>(size_class);
    g.head = 0;
  }

  SlabPool& pool_;
  uint32_t header_;
  uint32_t stride_;
};

}  // namespace postern::exec
