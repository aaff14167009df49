// The multiply-and-fold step that the hashes of windows are made of.
#pragma once
#include <cstdint>

namespace postern::exec {

inline uint64_t mix64(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide m = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

}  // namespace postern::exec
