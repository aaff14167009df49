// A hash of bytes for tables in memory: sixteen bytes per multiplication (the mixing step of
// wyhash: both halves of a 128-bit product). Not for anything that leaves the process. Tests:
// tests/unit/base/text_hash_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace postern {

__extension__ using Wide = unsigned __int128;

/// Both halves of the product, folded onto each other.
inline uint64_t mix(uint64_t a, uint64_t b) {
  const Wide p = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(p) ^ static_cast<uint64_t>(p >> 64);
}

/// The first `n` (at most 8) bytes as a number, the rest of it 0.
inline uint64_t load_bytes(const char* p, size_t n) {
  uint64_t w = 0;
  if (n >= 8) {
    std::memcpy(&w, p, 8);
  } else if (n >= 4) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + n - 4, 4);
    w = low | (uint64_t{high} << (8 * n - 32));
  } else if (n > 0) {
    w = static_cast<uint8_t>(p[0]) | (uint64_t{static_cast<uint8_t>(p[n / 2])} << (8 * (n / 2))) |
        (uint64_t{static_cast<uint8_t>(p[n - 1])} << (8 * (n - 1)));
  }
  return w;
}

/// memcmp() == 0, without the call: for texts that are mostly short.
inline bool equal_bytes(const char* a, const char* b, size_t n) {
  const auto differ = [&](size_t at) {
    uint64_t x = 0;
    uint64_t y = 0;
    std::memcpy(&x, a + at, 8);
    std::memcpy(&y, b + at, 8);
    return x ^ y;
  };
  if (n < 8) return load_bytes(a, n) == load_bytes(b, n);
  size_t at = 0;
  for (; at + 16 < n; at += 16)
    if ((differ(at) | differ(at + 8)) != 0) return false;
  // The last words overlap what was compared.
  return ((n > 16 ? differ(n - 16) : differ(0)) | differ(n - 8)) == 0;
}

/// Never 0, so that 0 may mark what is free.
inline uint64_t text_hash(std::string_view s) {
  constexpr uint64_t kOne = 0x9E3779B97F4A7C15U;
  constexpr uint64_t kTwo = 0xE7037ED1A0B428DBU;
  constexpr uint64_t kThree = 0x8EBC6AF09C88C6E3U;
  uint64_t h = s.size() * kOne;
  const char* p = s.data();
  size_t n = s.size();
  if (n > 32) {
    // Two products at a time, which do not wait for each other.
    uint64_t other = h ^ kThree;
    for (; n > 32; n -= 32, p += 32) {
      h = mix(load_bytes(p, 8) ^ kTwo, load_bytes(p + 8, 8) ^ h);
      other = mix(load_bytes(p + 16, 8) ^ kThree, load_bytes(p + 24, 8) ^ other);
    }
    h ^= other;
  }
  for (; n > 16; n -= 16, p += 16)
    h = mix(load_bytes(p, 8) ^ kTwo, load_bytes(p + 8, 8) ^ h);
  const uint64_t a = load_bytes(p, n);
  const uint64_t b = n > 8 ? load_bytes(p + 8, n - 8) : 0;
  h = mix(a ^ kTwo, b ^ h);
  h = mix(h ^ kThree, kOne);
  return h == 0 ? 1 : h;
}

}  // namespace postern
