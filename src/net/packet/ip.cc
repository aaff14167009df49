#include "net/packet/ip.h"

#include <algorithm>
#include <cstring>

#include "net/packet/packet.h"

namespace postern::net::packet {
namespace {

match::IpAddress v4_address(Bytes b, size_t at) {
  match::IpAddress a;
  a.v4 = true;
  a.bytes[10] = a.bytes[11] = 0xff;
  std::memcpy(a.bytes.data() + 12, b.data() + at, 4);
  return a;
}

match::IpAddress v6_address(Bytes b, size_t at) {
  match::IpAddress a;
  std::memcpy(a.bytes.data(), b.data() + at, 16);
  return a;
}

std::string_view read_v4(Bytes b, IpHeader& out) {
  if (b.size() < 20) return "ip-header-cut";
  const size_t header = size_t{u8(b, 0)} % 16 * 4;
  if (header < 20) return "ip-bad-header";
  if (b.size() < header) return "ip-header-cut";
  uint32_t total = be16(b, 2);
  // Segmentation offload captured at the sender leaves the length 0: the frame is the packet.
  if (total == 0) total = static_cast<uint32_t>(b.size());
  if (total < header) return "ip-bad-header";
  out.total_length = total;
  out.protocol = u8(b, 9);
  out.source = v4_address(b, 12);
  out.destination = v4_address(b, 16);
  out.identification = be16(b, 4);
  const uint16_t fragment = be16(b, 6);
  out.more_fragments = (fragment & 0x2000) != 0;
  out.fragment_offset = (fragment & 0x1fffu) * 8;
  out.fragment = out.more_fragments || out.fragment_offset != 0;
  out.payload_length = total - static_cast<uint32_t>(header);
  // What lies beyond the total length is padding of the link.
  out.payload = b.substr(header, out.payload_length);
  return {};
}

std::string_view read_v6(Bytes b, IpHeader& out) {
  if (b.size() < 40) return "ip-header-cut";
  uint32_t length = be16(b, 4);
  constexpr size_t kMaxOnWire = 1500;
  if (length == 0 && u8(b, 6) != 0 && b.size() > kMaxOnWire) {
    // Segmentation offload; a jumbogram would begin with hop-by-hop options (next header 0), and a
    // short frame is an empty packet with padding.
    length = static_cast<uint32_t>(b.size()) - 40;
  }
  out.total_length = length + 40;
  out.source = v6_address(b, 8);
  out.destination = v6_address(b, 24);
  out.payload_length = length;
  out.payload = b.substr(40, length);

  uint8_t next = u8(b, 6);
  // Each step takes at least 8 bytes off, so the loop ends.
  while (true) {
    size_t size = 0;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
      case 139:  // host identity
      case 140:  // shim6
        if (out.payload.size() < 8) return "ip-header-cut";
        size = (size_t{u8(out.payload, 1)} + 1) * 8;
        break;
      case 44:  // fragment
        if (out.payload.size() < 8) return "ip-header-cut";
        size = 8;
        out.fragment_offset = be16(out.payload, 2) & 0xfff8u;
        out.more_fragments = (u8(out.payload, 3) & 1) != 0;
        out.identification = be32(out.payload, 4);
        // A fragment header on a whole packet is allowed ("atomic", RFC 6946).
        out.fragment = out.more_fragments || out.fragment_offset != 0;
        break;
      case 51:  // authentication
        if (out.payload.size() < 8) return "ip-header-cut";
        size = (size_t{u8(out.payload, 1)} + 2) * 4;
        break;
      default:
        out.protocol = next;
        return {};
    }
    if (size > out.payload.size()) return "ip-header-cut";
    const bool was_fragment_header = next == 44;
    next = u8(out.payload, 0);
    out.payload.remove_prefix(size);
    out.payload_length -= std::min(out.payload_length, static_cast<uint32_t>(size));
    // Of a later fragment only the first header is known; the rest is data.
    if (was_fragment_header && out.fragment_offset != 0) {
      out.protocol = next;
      return {};
    }
  }
}

}  // namespace

std::string_view read_ip(Bytes packet, IpHeader& out) {
  if (packet.empty()) return "ip-header-cut";
  switch (u8(packet, 0) >> 4) {
    case 4:
      return read_v4(packet, out);
    case 6:
      return read_v6(packet, out);
    default:
      return "ip-bad-header";
  }
}

}  // namespace postern::net::packet
