// Numbers in as few bytes as they need: what stores of the engine keep in memory and in temporary
// files. The bytes are our own, so reading past them is a bug. Tests:
// tests/unit/base/varint_test.cc.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"

namespace postern {

/// Small numbers of either sign become small unsigned ones.
constexpr uint64_t zigzag(uint64_t v) {
  return (v << 1) ^ (v >> 63 ? ~uint64_t{0} : 0);
}

constexpr uint64_t unzigzag(uint64_t v) {
  return (v >> 1) ^ (v & 1 ? ~uint64_t{0} : 0);
}

inline void put_varint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

inline void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

/// Reads what the functions above wrote.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t byte() {
    POSTERN_CHECK(at_ < bytes_.size());
    return static_cast<uint8_t>(bytes_[at_++]);
  }

  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t b = byte();
      v |= static_cast<uint64_t>(b & 0x7F) << shift;
      if (b < 0x80) break;
    }
    return v;
  }

  /// The bytes of a varint, as they are.
  std::string_view varint_bytes() {
    const size_t begin = at_;
    varint();
    return bytes_.substr(begin, at_ - begin);
  }

  int64_t number() { return static_cast<int64_t>(unzigzag(varint())); }

  std::string_view bytes() { return fixed(varint()); }

  std::string_view fixed(size_t n) {
    POSTERN_CHECK(n <= bytes_.size() - at_);
    at_ += n;
    return bytes_.substr(at_ - n, n);
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace postern
