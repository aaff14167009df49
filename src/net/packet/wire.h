// Numbers as they lie on the wire. Callers check the size first; the readers do not.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::net::packet {

using Bytes = std::string_view;

inline uint8_t u8(Bytes b, size_t at) {
  return static_cast<uint8_t>(b[at]);
}

inline uint16_t be16(Bytes b, size_t at) {
  return static_cast<uint16_t>(u8(b, at) << 8 | u8(b, at + 1));
}

inline uint32_t be32(Bytes b, size_t at) {
  return static_cast<uint32_t>(be16(b, at)) << 16 | be16(b, at + 2);
}

inline uint16_t le16(Bytes b, size_t at) {
  return static_cast<uint16_t>(u8(b, at + 1) << 8 | u8(b, at));
}

inline uint32_t le32(Bytes b, size_t at) {
  return static_cast<uint32_t>(le16(b, at + 2)) << 16 | le16(b, at);
}

/// Capture files are written in the order of the machine that made them.
inline uint16_t u16(Bytes b, size_t at, bool big_endian) {
  return big_endian ? be16(b, at) : le16(b, at);
}

inline uint32_t u32(Bytes b, size_t at, bool big_endian) {
  return big_endian ? be32(b, at) : le32(b, at);
}

}  // namespace postern::net::packet
