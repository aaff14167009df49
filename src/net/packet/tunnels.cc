// Packets inside packets: GRE and its kin, and the tunnels over UDP.
#include "net/packet/decoder.h"

namespace postern::net::packet {

void PacketDecoder::gre(Bytes b, const Packet& outer) {
  if (b.size() < 4) return faults_.add("tunnel-header-cut", outer.offset, "gre");
  const uint16_t flags = be16(b, 0);
  const uint16_t protocol = be16(b, 2);
  const int version = flags & 7;
  size_t header = 4;
  if ((flags & 0x8000) != 0) header += 4;                  // checksum
  if ((flags & 0x2000) != 0) header += 4;                  // key
  if ((flags & 0x1000) != 0) header += 4;                  // sequence number
  if (version == 1 && (flags & 0x0080) != 0) header += 4;  // acknowledgement (PPTP)
  if ((flags & 0x4000) != 0 || version > 1) {
    // Source routes (RFC 1701) and unknown versions are not read; the tunnel is a flow.
    faults_.add("tunnel-unknown", outer.offset, "gre");
    return sink_.packet(outer);
  }
  if (b.size() < header) return faults_.add("tunnel-header-cut", outer.offset, "gre");
  b.remove_prefix(header);
  constexpr uint16_t kPpp = 0x880b;
  constexpr uint16_t kErspan2 = 0x88be;
  constexpr uint16_t kErspan3 = 0x22eb;
  if (version == 1 || protocol == kPpp) {
    constexpr uint32_t kLinkPpp = 9;
    return inner(peel_link(kLinkPpp, b), outer);
  }
  if (protocol == kErspan2) {
    // Version 1 has no header of its own and is sent without sequence numbers.
    const size_t own = (flags & 0x1000) != 0 ? 8 : 0;
    if (b.size() < own) return faults_.add("tunnel-header-cut", outer.offset, "erspan");
    return inner(peel_link(kLinkEthernet, b.substr(own)), outer);
  }
  if (protocol == kErspan3) {
    if (b.size() < 12) return faults_.add("tunnel-header-cut", outer.offset, "erspan");
    const size_t own = (u8(b, 11) & 1) != 0 ? 20 : 12;  // optional platform header
    if (b.size() < own) return faults_.add("tunnel-header-cut", outer.offset, "erspan");
    return inner(peel_link(kLinkEthernet, b.substr(own)), outer);
  }
  inner(peel_ethertype(protocol, b), outer);
}

/// UDP tunnels are known by their ports, Teredo also by its addresses: relays use any port.
void PacketDecoder::datagram_tunnel(const Packet& outer) {
  constexpr uint16_t kGtp = 2152, kTeredo = 3544, kGre = 4754, kVxlan = 4789, kAyiya = 5072,
                     kGeneve = 6081;
  const auto port = [&outer](uint16_t p) {
    return outer.source_port == p || outer.destination_port == p;
  };
  if (outer.destination_port == kVxlan) return vxlan(outer);
  if (outer.destination_port == kGeneve) return geneve(outer);
  if (outer.destination_port == kGre) return gre(outer.payload, outer);
  if (port(kGtp)) return gtp(outer);
  if (port(kAyiya)) return ayiya(outer);
  teredo(outer, port(kTeredo));
}

void PacketDecoder::vxlan(const Packet& outer) {
  const Bytes b = outer.payload;
  // The flag says that a network id is there: other things that use the port have it clear.
  if (b.size() < 8 || (u8(b, 0) & 0x08) == 0) return;
  inner(peel_link(kLinkEthernet, b.substr(8)), outer);
}

void PacketDecoder::geneve(const Packet& outer) {
  const Bytes b = outer.payload;
  if (b.size() < 8 || u8(b, 0) >> 6 != 0) return;
  const size_t header = 8 + size_t{u8(b, 0)} % 64 * 4;
  if (b.size() < header) return faults_.add("tunnel-header-cut", outer.offset, "geneve");
  inner(peel_ethertype(be16(b, 2), b.substr(header)), outer);
}

/// GTPv1-U (3GPP TS 29.281): user packets only, extension headers skipped.
void PacketDecoder::gtp(const Packet& outer) {
  const Bytes b = outer.payload;
  constexpr uint8_t kUserPacket = 0xff;
  // Version 1, protocol type GTP; other things that use the port look different.
  if (b.size() < 8 || (u8(b, 0) & 0xf0) != 0x30 || u8(b, 1) != kUserPacket ||
      size_t{be16(b, 2)} + 8 != outer.payload_length)
    return;
  size_t at = 8;
  if ((u8(b, 0) & 0x07) != 0) {  // sequence number, N-PDU number, next extension
    if (b.size() < 12) return faults_.add("tunnel-header-cut", outer.offset, "gtp");
    at = 12;
    uint8_t next = (u8(b, 0) & 0x04) != 0 ? u8(b, 11) : 0;
    while (next != 0) {
      const size_t size = at < b.size() ? size_t{u8(b, at)} * 4 : 0;
      if (size == 0 || at + size > b.size())
        return faults_.add("tunnel-header-cut", outer.offset, "gtp");
      next = u8(b, at + size - 1);
      at += size;
    }
  }
  // Control data of other kinds travels the same way; an IP version tells user packets apart.
  if (at < b.size() && (u8(b, at) >> 4 == 4 || u8(b, at) >> 4 == 6))
    inner({LinkPayload::Kind::kIp, b.substr(at), 0, 0, {}}, outer);
}

/// AYIYA (draft-massar-v6ops-ayiya-02): lengths of identity and signature, then what they vouch
/// for.
void PacketDecoder::ayiya(const Packet& outer) {
  const Bytes b = outer.payload;
  constexpr int kForward = 1;
  if (b.size() < 8 || (u8(b, 2) & 15) != kForward) return;
  const size_t header = 8 + (size_t{1} << (u8(b, 0) >> 4)) + size_t{u8(b, 1)} / 16 * 4;
  const uint8_t next = u8(b, 3);
  if (b.size() < header) return faults_.add("tunnel-header-cut", outer.offset, "ayiya");
  constexpr uint8_t kIpV4 = 4, kIpV6 = 41;
  if (next == kIpV4 || next == kIpV6)
    inner({LinkPayload::Kind::kIp, b.substr(header), 0, 0, {}}, outer);
}

/// Teredo (RFC 4380): authentication and origin indications, then an IPv6 packet.
void PacketDecoder::teredo(const Packet& outer, bool on_its_port) {
  Bytes b = outer.payload;
  if (b.size() >= 4 && be16(b, 0) == 1 && on_its_port) {
    // Indicator, two lengths, client id and authentication value, nonce (8), confirmation (1).
    const size_t size = 4 + size_t{u8(b, 2)} + u8(b, 3) + 9;
    if (b.size() < size) return;
    b.remove_prefix(size);
  }
  if (b.size() >= 8 && be16(b, 0) == 0 && on_its_port) b.remove_prefix(8);
  if (b.size() < 40 || u8(b, 0) >> 4 != 6) return;
  const size_t length = size_t{be16(b, 4)} + 40;
  // A bubble may be followed by trailers; on other ports the packet must fit and have an address of
  // the service (2001::/32).
  if (length > b.size()) return;
  const bool address = be32(b, 8) == 0x20010000 || be32(b, 24) == 0x20010000;
  if (!on_its_port && (!address || length != b.size())) return;
  inner({LinkPayload::Kind::kIp, b, 0, 0, {}}, outer);
}

void PacketDecoder::inner(const LinkPayload& link, const Packet& outer) {
  if (outer.tunnels >= kMaxTunnels) return faults_.add("tunnel-too-deep", outer.offset);
  Packet p;
  p.time = outer.time;
  p.offset = outer.offset;
  p.number = outer.number;
  p.vlan = outer.vlan;
  p.inner_vlan = outer.inner_vlan;
  p.tunnels = static_cast<uint8_t>(outer.tunnels + 1);
  p.owner = outer.owner;
  payload(link, p);
}

}  // namespace postern::net::packet
