// A ring of rows in a group's block: `header` words, then entries: a row's time, its evidence (four
// bytes), and what else is kept of it.
//
// Of a time only the low bytes are kept that tell apart the times a group can hold at once: five
// for windows of up to 30 hours. The group's `last` gives the rest: entries are at most `span`
// before it (sliding), or after it (closing windows, where it is the window's begin).
#pragma once
#include <algorithm>
#include <bit>
#include <cstring>

#include "exec/window/window_logic.h"

namespace postern::exec {

template <class T>
T load_words(const void* words) {
  T value;
  std::memcpy(&value, words, sizeof value);
  return value;
}

template <class T>
void store_words(void* words, T value) {
  std::memcpy(words, &value, sizeof value);
}

class WindowRing {
 public:
  /// `payload`: bytes of an entry beside time and evidence. `span`: ticks.
  WindowRing(SlabPool& pool, uint32_t header, uint32_t payload, int64_t span, bool closing)
      : pool_(pool), closing_(closing), header_(header) {
    const auto bits = static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(span)));
    time_bytes_ = std::clamp((bits + 7) / 8, 4U, 8U);
    mask_ = ~uint64_t{0} >> (64 - time_bytes_ * 8);
    stride_ = time_bytes_ + 4 + payload;
    for (uint32_t c = 0; c < SlabPool::kNumClasses; ++c) {
      const uint64_t words = SlabPool::words_of(c);
      const uint64_t before = header_ + (is_large(c) ? 1 : 0);
      capacity_[c] = words <= before ? 0
                                     : static_cast<uint32_t>(std::min<uint64_t>(
                                           (words - before) * 4 / stride_, UINT32_MAX));
    }
  }

  /// The words before the entries.
  uint32_t* header(const WindowGroup& g) {
    return pool_.at(g.block) + (is_large(g.block_class) ? 1 : 0);
  }

  uint8_t* payload(const WindowGroup& g, uint32_t i) { return entry(g, i) + time_bytes_ + 4; }

  uint32_t ref(const WindowGroup& g, uint32_t i) {
    return load_words<uint32_t>(entry(g, i) + time_bytes_);
  }

  int64_t time(const WindowGroup& g, uint32_t i) {
    // Never beyond the block: at least four bytes of evidence follow at least four of time.
    const auto low = load_words<uint64_t>(entry(g, i));
    const auto base = static_cast<uint64_t>(g.last);
    return static_cast<int64_t>(closing_ ? base + ((low - base) & mask_)
                                         : base - ((base - low) & mask_));
  }

  /// A new last entry; gives its payload. The header of a first block is zeroed. The group's `last`
  /// is the row's time before any time is asked for.
  uint8_t* push(WindowGroup& g, const WindowRow& row) {
    if (g.block == SlabPool::kNone || g.count == capacity_[g.block_class]) grow(g);
    ++g.count;
    uint8_t* e = entry(g, g.count - 1);
    store_words(e, row.time);
    store_words(e + time_bytes_, row.ref);
    return e + time_bytes_ + 4;
  }

  void pop(WindowGroup& g) {
    --g.count;
    const uint32_t head = head_of(g) + 1;
    set_head(g, head == capacity_[g.block_class] ? 0 : head);
  }

  /// Takes entry `i` out; the ones after it move up.
  void remove(WindowGroup& g, uint32_t i) {
    for (; i + 1 < g.count; ++i)
      std::memcpy(entry(g, i), entry(g, i + 1), stride_);
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
      out.push_back({time(g, i), ref(g, i)});
  }

 private:
  // Small blocks have fewer than 256 entries, and where they begin lies in the group; in large ones
  // it is the first word.
  static bool is_large(uint32_t size_class) { return SlabPool::words_of(size_class) > 448; }

  uint32_t head_of(const WindowGroup& g) {
    return is_large(g.block_class) ? *pool_.at(g.block) : g.head;
  }

  void set_head(WindowGroup& g, uint32_t head) {
    if (is_large(g.block_class))
      *pool_.at(g.block) = head;
    else
      g.head = static_cast<uint8_t>(head);
  }

  uint8_t* first(const WindowGroup& g) { return reinterpret_cast<uint8_t*>(header(g) + header_); }

  uint8_t* entry(const WindowGroup& g, uint32_t i) {
    const uint32_t capacity = capacity_[g.block_class];
    uint64_t at = uint64_t{head_of(g)} + i;
    if (at >= capacity) at -= capacity;
    return first(g) + at * stride_;
  }

  void grow(WindowGroup& g) {
    // Most groups stay small: by twos, from there on by a quarter.
    const uint64_t entries =
        uint64_t{g.count} + (g.count < 2 ? 1 : 2) + (g.count < 16 ? 0 : g.count / 4);
    const uint64_t words = header_ + (entries * stride_ + 3) / 4;
    uint32_t size_class = SlabPool::class_for(words);
    if (is_large(size_class)) size_class = SlabPool::class_for(words + 1);
    WindowGroup to = g;
    to.block = pool_.allocate(size_class);
    to.block_class = static_cast<uint8_t>(size_class);
    set_head(to, 0);
    if (g.block == SlabPool::kNone) {
      std::memset(header(to), 0, header_ * sizeof(uint32_t));
    } else {
      std::memcpy(header(to), header(g), header_ * sizeof(uint32_t));
      // In two pieces: from the first entry to the block's end, then the rest.
      const uint32_t head = head_of(g);
      const uint32_t piece = std::min(g.count, capacity_[g.block_class] - head);
      std::memcpy(first(to), first(g) + uint64_t{head} * stride_, uint64_t{piece} * stride_);
      std::memcpy(first(to) + uint64_t{piece} * stride_, first(g),
                  uint64_t{g.count - piece} * stride_);
      pool_.release(g.block, g.block_class);
    }
    g = to;
  }

  SlabPool& pool_;
  bool closing_;
  uint32_t header_;
  uint32_t time_bytes_ = 0;
  uint64_t mask_ = 0;
  uint32_t stride_ = 0;
  uint32_t capacity_[SlabPool::kNumClasses] = {};
};

}  // namespace postern::exec
