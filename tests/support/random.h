// Numbers for generated evidence, rules and logs: one seed gives the same on any machine, which the
// distributions of <random> do not promise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace postern {

/// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBULL;
    return z ^ (z >> 31);
  }

  uint64_t below(uint64_t n) { return next() % n; }

  bool one_in(uint64_t n) { return below(n) == 0; }

  template <class T, size_t N>
  const T& pick(const T (&pool)[N]) {
    return pool[below(N)];
  }

  template <class T>
  const T& pick(const std::vector<T>& pool) {
    return pool[below(pool.size())];
  }

  /// Digits in capitals.
  std::string hex(size_t digits) {
    std::string out;
    out.reserve(digits);
    uint64_t bits = 0;
    for (size_t i = 0; i < digits; ++i, bits >>= 4) {
      if (i % 16 == 0) bits = next();
      out.push_back("0123456789ABCDEF"[bits & 15]);
    }
    return out;
  }

 private:
  uint64_t state_;
};

}  // namespace postern
