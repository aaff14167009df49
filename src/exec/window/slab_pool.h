// Blocks of 32-bit words in size classes, addressed by 32-bit numbers: the memory of window state.
//
// A million groups each hold a few words; a malloc each would cost more than what is kept, and so
// would 64-bit pointers to it. Blocks come from pages of 4 MiB and go back to a free list of their
// class, so memory is reused but not returned. Up to 64 words every size has a class, above it four
// per doubling: what is rounded up would be paid a million times. Tests:
// tests/unit/exec/window_state_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace postern::exec {

class SlabPool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kNumClasses = 164;

  /// Smallest class whose blocks hold `num_words`.
  static uint32_t class_for(uint64_t num_words);

  static uint64_t words_of(uint32_t size_class) {
    if (size_class < kExact) return size_class + 1;
    const uint32_t above = size_class - kExact;  // 80, 96, 112, 128, 160, …
    return uint64_t{kExact / 4} * (5 + above % 4) << (above / 4);
  }

  /// A block with undefined content.
  uint32_t allocate(uint32_t size_class);
  void release(uint32_t block, uint32_t size_class);

  uint32_t* at(uint32_t block) { return pages_[block >> kPageBits] + (block & (kPageWords - 1)); }

  const uint32_t* at(uint32_t block) const {
    return pages_[block >> kPageBits] + (block & (kPageWords - 1));
  }

  uint64_t used_bytes() const { return used_words_ * sizeof(uint32_t); }

 private:
  static constexpr uint32_t kExact = 64;
  static constexpr uint32_t kPageBits = 20;
  static constexpr uint32_t kPageWords = 1U << kPageBits;

  uint32_t take(uint64_t num_words);

  std::vector<std::unique_ptr<uint32_t[]>> owned_;
  std::vector<uint32_t*> pages_;  // a block larger than a page spans several of them
  uint64_t page_left_ = 0;        // words free at the end of the last page
  uint32_t free_[kNumClasses];
  uint64_t used_words_ = 0;

 public:
  SlabPool();
};

}  // namespace postern::exec
