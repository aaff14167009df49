#include "net/packet/checksum.h"

#include <cstring>

namespace postern::net::packet {
namespace {

uint16_t fold16(uint64_t sum) {
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

Bytes address_bytes(const match::IpAddress& address) {
  const char* begin = reinterpret_cast<const char*>(address.bytes.data());
  // A v4 address lies in the last four bytes of its mapped form.
  return address.v4 ? Bytes(begin + 12, 4) : Bytes(begin, 16);
}

}  // namespace

uint16_t ones_complement_sum(Bytes bytes, uint32_t sum) {
  // The sum does not care for byte order (RFC 1071, 2.B): add words as they lie, swap once.
  uint64_t total = 0;
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + at, 4);
    total += word;
  }
  uint8_t tail[4] = {};
  for (size_t i = 0; at + i < bytes.size(); ++i)
    tail[i] = u8(bytes, at + i);
  uint32_t word;
  std::memcpy(&word, tail, 4);
  total += word;
  const uint16_t folded = fold16(total);
  const auto swapped = static_cast<uint16_t>(folded >> 8 | folded << 8);
  return fold16(uint64_t{swapped} + sum);
}

uint16_t pseudo_header_sum(const match::IpAddress& source,
                           const match::IpAddress& destination,
                           uint8_t protocol,
                           uint32_t length) {
  uint32_t sum = ones_complement_sum(address_bytes(source));
  sum = ones_complement_sum(address_bytes(destination), sum);
  return fold16(uint64_t{sum} + protocol + (length >> 16) + (length & 0xffff));
}

Checksum verify_checksum(Bytes segment, size_t field, uint16_t pseudo, uint32_t length) {
  if (ones_complement_sum(segment, pseudo) == 0xffff) return Checksum::kGood;
  const uint16_t given = be16(segment, field);
  // Taking the length out of a ones' complement sum is adding its complement.
  const uint16_t without_length = fold16(uint64_t{pseudo} + (~length & 0xffff));
  if (given == 0 || given == pseudo || given == without_length) return Checksum::kOffloaded;
  return Checksum::kBad;
}

}  // namespace postern::net::packet
