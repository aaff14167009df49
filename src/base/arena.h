// A bump allocator for the bytes of one batch: strings that do not already live in the evidence.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace postern {

/// Owns bytes until it dies; never frees single allocations. Not thread-safe.
class Arena {
 public:
  explicit Arena(size_t block_bytes = size_t{64} * 1024)
      : block_bytes_(block_bytes), next_(block_bytes < kFirstBlock ? block_bytes : kFirstBlock) {}

  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised bytes, aligned to 8.
  char* allocate(size_t n) {
    n = (n + 7) & ~size_t{7};
    if (n > left_) grow(n);
    char* p = at_;
    at_ += n;
    left_ -= n;
    return p;
  }

  /// A copy of `s` that lives as long as the arena.
  std::string_view copy(std::string_view s) {
    if (s.empty()) return {"", 0};
    char* p = allocate(s.size());
    std::memcpy(p, s.data(), s.size());
    return {p, s.size()};
  }

  size_t bytes_used() const { return total_ - left_; }

 private:
  void grow(size_t n) {
    // Small columns are many: start with a small block, double up to the full one.
    const size_t size = n > next_ ? n : next_;
    if (next_ < block_bytes_) next_ = next_ * 2 < block_bytes_ ? next_ * 2 : block_bytes_;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    total_ += size;
    at_ = blocks_.back().get();
    left_ = size;
  }

  static constexpr size_t kFirstBlock = 2048;

  size_t block_bytes_;
  size_t next_;
  size_t left_ = 0;
  size_t total_ = 0;
  char* at_ = nullptr;
  std::vector<std::unique_ptr<char[]>> blocks_;
};

}  // namespace postern
