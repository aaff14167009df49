#include "exec/window/slab_pool.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace postern::exec {

SlabPool::SlabPool() {
  for (uint32_t& f : free_)
    f = kNone;
}

uint32_t SlabPool::class_for(uint64_t num_words) {
  if (num_words <= kExact) return num_words == 0 ? 0 : static_cast<uint32_t>(num_words) - 1;
  // 2^log < num_words <= 2^(log + 1), in quarters of 2^log.
  const auto log = static_cast<uint32_t>(std::bit_width(num_words - 1) - 1);
  const auto quarter = static_cast<uint32_t>((num_words - 1) >> (log - 2)) - 4;
  return kExact + (log - 6) * 4 + quarter;
}

uint32_t SlabPool::allocate(uint32_t size_class) {
  POSTERN_CHECK(size_class < kNumClasses);
  used_words_ += words_of(size_class);
  uint32_t& head = free_[size_class];
  if (head == kNone) return take(words_of(size_class));
  const uint32_t block = head;
  head = *at(block);  // a free block's first word is the next one
  return block;
}

void SlabPool::release(uint32_t block, uint32_t size_class) {
  used_words_ -= words_of(size_class);
  *at(block) = free_[size_class];
  free_[size_class] = block;
}

uint32_t SlabPool::take(uint64_t num_words) {
  if (num_words > page_left_) {
    const uint64_t num_pages = (num_words + kPageWords - 1) / kPageWords;
    // Numbers are 32 bits wide: 16 GiB. The state limit is reached long before.
    POSTERN_CHECK(pages_.size() + num_pages < (uint64_t{1} << (32 - kPageBits)));
    // Not set to zero: of a small window most of its page is never touched.
    owned_.push_back(std::make_unique_for_overwrite<uint32_t[]>(num_pages * kPageWords));
    for (uint64_t i = 0; i < num_pages; ++i)
      pages_.push_back(owned_.back().get() + i * kPageWords);
    page_left_ = num_pages * kPageWords;
  }
  const uint64_t end = static_cast<uint64_t>(pages_.size()) * kPageWords;
  const auto block = static_cast<uint32_t>(end - page_left_);
  page_left_ -= num_words;
  return block;
}

}  // namespace postern::exec
