// IPv4 and IPv6 headers, with options and extension headers skipped.
// Sources: RFC 791, RFC 8200 (extension headers), RFC 4302 (authentication header).
// Tests: tests/unit/net_packet/ip_test.cc.
#pragma once
#include <cstdint>
#include <string_view>

#include "match/ip.h"
#include "net/packet/wire.h"

namespace postern::net::packet {

struct IpHeader {
  match::IpAddress source;
  match::IpAddress destination;
  uint8_t protocol = 0;         ///< of the payload, after all extension headers
  uint32_t total_length = 0;    ///< of the packet on the wire, header included
  uint32_t payload_length = 0;  ///< on the wire; `payload` may be shorter
  Bytes payload;                ///< what was captured, link padding cut off
  bool fragment = false;
  bool more_fragments = false;
  uint32_t fragment_offset = 0;  ///< in bytes
  uint32_t identification = 0;
};

/// Reads one header; an empty result is right, otherwise the name of the anomaly.
std::string_view read_ip(Bytes packet, IpHeader& out);

}  // namespace postern::net::packet
