// The Internet checksum (RFC 1071) of TCP, UDP and ICMP. Tests:
// tests/unit/net_packet/checksum_test.cc.
#pragma once
#include <cstdint>

#include "match/ip.h"
#include "net/packet/packet.h"
#include "net/packet/wire.h"

namespace postern::net::packet {

/// Ones' complement sum of `bytes` (an odd last byte is padded) on top of `sum`, folded to 16 bits.
uint16_t ones_complement_sum(Bytes bytes, uint32_t sum = 0);

/// Sum of the pseudo header of a transport segment of `length` bytes.
uint16_t pseudo_header_sum(const match::IpAddress& source,
                           const match::IpAddress& destination,
                           uint8_t protocol,
                           uint32_t length);

/// Judges a whole transport segment whose checksum field lies at `field`.
///
/// A sender that leaves the work to its network card is captured before the card did it: the field
/// then holds the sum of the pseudo header (with or without the length) or nothing. Those are
/// kOffloaded, so that a capture taken on the sender is not thrown away.
Checksum verify_checksum(Bytes segment, size_t field, uint16_t pseudo, uint32_t length);

}  // namespace postern::net::packet
