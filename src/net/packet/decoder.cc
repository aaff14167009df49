#include "net/packet/decoder.h"

#include <algorithm>
#include <string>

#include "net/packet/checksum.h"
#include "net/packet/ip.h"

namespace postern::net::packet {
namespace {

constexpr uint8_t kIpInIp = 4;
constexpr uint8_t kIpV6InIp = 41;
constexpr uint8_t kGre = 47;

/// The window scale of a SYN, or -1 (RFC 7323; a shift beyond 14 counts as 14).
int8_t window_scale(Bytes options) {
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t kind = u8(options, at);
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) break;
    const size_t length = u8(options, at + 1);
    if (length < 2 || at + length > options.size()) break;
    if (kind == 3 && length >= 3)
      return static_cast<int8_t>(std::min<int>(u8(options, at + 2), 14));
    at += length;
  }
  return -1;
}

}  // namespace

void PacketDecoder::decode(const CapturedFrame& frame) {
  Packet p;
  p.time = frame.time;
  p.offset = frame.offset;
  p.number = frame.number;
  p.owner = frame.owner;
  if (frame.bytes.size() < frame.wire_length) faults_.add("packet-cut", frame.offset);
  const LinkPayload link = peel_link(frame.link_type, frame.bytes);
  p.vlan = link.vlan;
  p.inner_vlan = link.inner_vlan;
  if (link.kind == LinkPayload::Kind::kUnknown && link.what == "link type") {
    faults_.add("link-unknown", frame.offset, "link type " + std::to_string(frame.link_type));
    return;
  }
  payload(link, p);
}

void PacketDecoder::payload(const LinkPayload& link, Packet& p) {
  switch (link.kind) {
    case LinkPayload::Kind::kIp:
      return ip(link.bytes, p);
    case LinkPayload::Kind::kOther:
      return;
    case LinkPayload::Kind::kUnknown:
      return faults_.add("link-unknown", p.offset, link.what);
    case LinkPayload::Kind::kCut:
      return faults_.add("link-cut", p.offset);
  }
}

void PacketDecoder::ip(Bytes bytes, Packet& p) {
  IpHeader header;
  const std::string_view fault = read_ip(bytes, header);
  if (!fault.empty()) return faults_.add(fault, p.offset);
  if (header.fragment) {
    p.owner = fragments_.add(header, p.time, p.offset);
    if (!p.owner) return;
  }
  p.source = header.source;
  p.destination = header.destination;
  p.protocol = header.protocol;
  p.ip_length = header.total_length;
  p.payload = header.payload;
  p.payload_length = header.payload_length;
  transport(header, p);
}

void PacketDecoder::transport(const IpHeader& header, Packet& p) {
  switch (header.protocol) {
    case kTcp:
      return tcp(header, p);
    case kUdp:
      return udp(header, p);
    case kIcmp:
    case kIcmpV6:
      return icmp(header, p);
    case kIpInIp:
    case kIpV6InIp:
      return inner({LinkPayload::Kind::kIp, header.payload, 0, 0, {}}, p);
    case kGre:
      return gre(header.payload, p);
    case kNoNextHeader:
      return;  // a packet of nothing, such as the bubbles of Teredo
    default:
      sink_.packet(p);
  }
}

void PacketDecoder::tcp(const IpHeader& header, Packet& p) {
  const Bytes b = header.payload;
  const size_t size = b.size() >= 20 ? size_t{u8(b, 12)} / 16 * 4 : 0;
  if (b.size() < 20 || size < 20 || size > b.size()) {
    p.whole_header = false;
    if (b.size() >= 4) {
      p.source_port = be16(b, 0);
      p.destination_port = be16(b, 2);
    }
    faults_.add(b.size() < 20 || size > b.size() ? "tcp-header-cut" : "tcp-bad-header", p.offset);
    // Without ports there is no flow to count it for.
    if (b.size() >= 4) sink_.packet(p);
    return;
  }
  p.source_port = be16(b, 0);
  p.destination_port = be16(b, 2);
  p.tcp.sequence = be32(b, 4);
  p.tcp.acknowledged = be32(b, 8);
  const uint8_t flags = u8(b, 13);
  p.tcp.fin = (flags & 0x01) != 0;
  p.tcp.syn = (flags & 0x02) != 0;
  p.tcp.rst = (flags & 0x04) != 0;
  p.tcp.ack = (flags & 0x10) != 0;
  p.tcp.urg = (flags & 0x20) != 0;
  p.tcp.window = be16(b, 14);
  if (p.tcp.syn) p.tcp.window_scale = window_scale(b.substr(20, size - 20));
  if (b.size() >= header.payload_length) {
    const uint16_t pseudo =
        pseudo_header_sum(header.source, header.destination, kTcp, header.payload_length);
    p.checksum = verify_checksum(b, 16, pseudo, header.payload_length);
  }
  p.payload = b.substr(size);
  p.payload_length = header.payload_length - static_cast<uint32_t>(size);
  sink_.packet(p);
}

void PacketDecoder::udp(const IpHeader& header, Packet& p) {
  const Bytes b = header.payload;
  if (b.size() < 8) {
    faults_.add("udp-header-cut", p.offset);
    return;
  }
  p.source_port = be16(b, 0);
  p.destination_port = be16(b, 2);
  if (b.size() >= header.payload_length) {
    // Over IPv4 a sender may leave the checksum out: 0.
    if (be16(b, 6) == 0 && header.source.v4) {
      p.checksum = Checksum::kUnverifiable;
    } else {
      const uint16_t pseudo =
          pseudo_header_sum(header.source, header.destination, kUdp, header.payload_length);
      p.checksum = verify_checksum(b, 6, pseudo, header.payload_length);
    }
  }
  // The shorter of the two lengths is the datagram; what is beyond it nobody reads.
  const uint32_t stated = be16(b, 4);
  uint32_t length = header.payload_length - 8;
  if (stated >= 8) length = std::min(length, stated - 8);
  p.payload = b.substr(8, length);
  p.payload_length = length;
  sink_.packet(p);
  // Also where the outer checksum is bad: what is inside has its own.
  datagram_tunnel(p);
}

void PacketDecoder::icmp(const IpHeader& header, Packet& p) {
  const Bytes b = header.payload;
  if (b.size() < 8) {
    faults_.add("icmp-header-cut", p.offset);
    return;
  }
  p.source_port = u8(b, 0);
  p.destination_port = u8(b, 1);
  if (b.size() >= header.payload_length) {
    const uint16_t pseudo =
        header.protocol == kIcmp
            ? uint16_t{0}
            : pseudo_header_sum(header.source, header.destination, kIcmpV6, header.payload_length);
    // No network card fills in ICMP: it is good or it is bad.
    p.checksum = ones_complement_sum(b, pseudo) == 0xffff ? Checksum::kGood : Checksum::kBad;
  }
  p.payload = b.substr(8);
  p.payload_length = header.payload_length - 8;
  sink_.packet(p);
}

}  // namespace postern::net::packet
