#include "net/packet/link.h"

#include <algorithm>

namespace postern::net::packet {
namespace {

using Kind = LinkPayload::Kind;

/// Headers within headers that one frame may have; real ones have about five.
constexpr int kMaxLayers = 32;

/// Takes one header off at a time; each step says what comes next.
class Peeler {
 public:
  explicit Peeler(Bytes bytes) : rest_(bytes) {}

  LinkPayload run_link(uint32_t link_type) {
    by_link_type(link_type);
    return finish();
  }

  LinkPayload run_ethertype(uint16_t ether_type) {
    ethertype(ether_type);
    return finish();
  }

 private:
  bool need(size_t n) {
    if (rest_.size() >= n) return true;
    out_.kind = Kind::kCut;
    return false;
  }

  bool deeper() {
    if (++layers_ <= kMaxLayers) return true;
    out_.kind = Kind::kUnknown;
    out_.what = "too many link headers";
    return false;
  }

  LinkPayload finish() {
    out_.bytes = rest_;
    return out_;
  }

  void ip() { out_.kind = Kind::kIp; }

  void other() { out_.kind = Kind::kOther; }

  void unknown(std::string_view what) {
    out_.kind = Kind::kUnknown;
    out_.what = what;
  }

  void skip(size_t n) { rest_.remove_prefix(std::min(n, rest_.size())); }

  void by_link_type(uint32_t type);
  void ethernet();
  void ethertype(uint16_t type);
  void llc();
  void mpls();
  void ppp();
  void protocol_family();
  void wireless();
  void radiotap();
  void per_packet_information();
  void netfilter_log();

  Bytes rest_;
  LinkPayload out_;
  int layers_ = 0;
};

void Peeler::by_link_type(uint32_t type) {
  switch (type) {
    case 0:    // BSD loopback: family in the order of the machine that captured
    case 108:  // OpenBSD loopback: family in network order
      return protocol_family();
    case kLinkEthernet:
      return ethernet();
    case 9:   // PPP
    case 50:  // PPP in HDLC-like framing
      return ppp();
    case 51:  // PPPoE session
      return ethertype(0x8864);
    case 104:  // Cisco HDLC: address, control, EtherType
      if (need(4)) {
        const uint16_t next = be16(rest_, 2);
        skip(4);
        ethertype(next);
      }
      return;
    case 12:  // raw IP under its three numbers
    case 14:
    case 101:
    case 228:
    case 229:
      return ip();
    case 105:
      return wireless();
    case 109:  // OpenBSD encapsulating interface: family, SPI, flags
      if (need(12)) skip(12), ip();
      return;
    case 113:  // Linux cooked v1
      if (need(16)) {
        const uint16_t next = be16(rest_, 14);
        skip(16);
        ethertype(next);
      }
      return;
    case 127:
      return radiotap();
    case 192:
      return per_packet_information();
    case 239:
      return netfilter_log();
    case 276:  // Linux cooked v2
      if (need(20)) {
        const uint16_t next = be16(rest_, 0);
        skip(20);
        ethertype(next);
      }
      return;
    default:
      return unknown("link type");
  }
}

void Peeler::ethernet() {
  if (!need(14)) return;
  const uint16_t type = be16(rest_, 12);
  skip(14);
  if (type >= 0x0600) return ethertype(type);
  llc();
}

/// 802.2: only SNAP carries IP, the rest is spanning tree and the like.
void Peeler::llc() {
  if (!need(3)) return;
  if (be16(rest_, 0) != 0xaaaa || u8(rest_, 2) != 3) return other();
  if (!need(8)) return;
  const uint32_t organization = be32(rest_, 2) & 0xffffff;
  const uint16_t type = be16(rest_, 6);
  skip(8);
  if (organization != 0) return other();
  ethertype(type);
}

void Peeler::ethertype(uint16_t type) {
  if (!deeper()) return;
  switch (type) {
    case 0x0800:
    case 0x86dd:
      return ip();
    case 0x8100:  // VLAN, and the three numbers of an outer tag
    case 0x88a8:
    case 0x9100:
    case 0x9200: {
      if (!need(4)) return;
      const uint16_t id = be16(rest_, 0) & 0x0fff;
      if (out_.vlan == 0) {
        out_.vlan = id;
      } else if (out_.inner_vlan == 0) {
        out_.inner_vlan = id;
      }
      const uint16_t next = be16(rest_, 2);
      skip(4);
      // A length instead of a type: 802.3 inside the tag.
      return next >= 0x0600 ? ethertype(next) : llc();
    }
    case 0x8847:
    case 0x8848:
      return mpls();
    case 0x8864:  // PPPoE session: version, code, session, length
      if (!need(6)) return;
      skip(6);
      return ppp();
    case 0x6558:  // Ethernet inside something else
      return ethernet();
    case 0x88e7:  // provider backbone: service tag, then the customer's frame
      if (!need(4)) return;
      skip(4);
      return ethernet();
    case 0x8926:  // VN-Tag: four bytes of tag, then the type
      if (!need(6)) return;
      {
        const uint16_t next = be16(rest_, 4);
        skip(6);
        return ethertype(next);
      }
    case 0x8903:  // FabricPath: a tag, then the customer's frame
      if (!need(2)) return;
      skip(2);
      return ethernet();
    default:
      return other();
  }
}

void Peeler::mpls() {
  bool bottom = false;
  while (!bottom) {
    if (!deeper() || !need(4)) return;
    bottom = (u8(rest_, 2) & 1) != 0;
    skip(4);
  }
  if (!need(1)) return;
  // Labels do not say what they carry; the first nibble does (RFC 4928).
  const int version = u8(rest_, 0) >> 4;
  if (version == 4 || version == 6) return ip();
  if (version == 0 && need(4)) {  // pseudowire control word
    skip(4);
    return ethernet();
  }
}

void Peeler::ppp() {
  if (!need(2)) return;
  if (be16(rest_, 0) == 0xff03) skip(2);
  if (!need(1)) return;
  // A protocol number may be compressed to one byte: those are odd.
  uint16_t protocol = u8(rest_, 0);
  if ((protocol & 1) != 0) {
    skip(1);
  } else {
    if (!need(2)) return;
    protocol = be16(rest_, 0);
    skip(2);
  }
  if (protocol == 0x0021 || protocol == 0x0057) return ip();
  if (protocol == 0x0281) return mpls();
  other();
}

void Peeler::protocol_family() {
  if (!need(4)) return;
  // 2 is IPv4 everywhere; IPv6 has a number per BSD and Linux.
  uint32_t family = le32(rest_, 0);
  if (family > 0xffff) family = be32(rest_, 0);
  skip(4);
  constexpr uint32_t kFamilies[] = {2, 10, 24, 28, 30};
  if (std::find(std::begin(kFamilies), std::end(kFamilies), family) != std::end(kFamilies))
    return ip();
  other();
}

void Peeler::radiotap() {
  if (!need(4)) return;
  const uint16_t length = le16(rest_, 2);
  if (length < 8) return unknown("radiotap header");
  if (!need(length)) return;
  skip(length);
  wireless();
}

/// PPI: version, flags, length, then the type of the link that follows.
void Peeler::per_packet_information() {
  if (!need(8)) return;
  const uint16_t length = le16(rest_, 2);
  const uint32_t type = le32(rest_, 4);
  if (length < 8) return unknown("ppi header");
  if (!need(length) || !deeper()) return;
  skip(length);
  by_link_type(type);
}

/// Linux NFLOG: fields of length, type and value; one of them is the packet.
void Peeler::netfilter_log() {
  constexpr uint16_t kPayload = 9;
  if (!need(4)) return;
  skip(4);
  while (need(4)) {
    const uint16_t length = le16(rest_, 0);
    const uint16_t type = le16(rest_, 2) & 0x7fff;
    if (length < 4) return unknown("nflog field");
    if (type == kPayload) {
      skip(4);
      return ip();
    }
    const size_t padded = (size_t{length} + 3) & ~size_t{3};
    if (!need(padded)) return;
    skip(padded);
  }
}

void Peeler::wireless() {
  if (!need(24)) return;
  const uint8_t control = u8(rest_, 0);
  const uint8_t flags = u8(rest_, 1);
  const int type = (control >> 2) & 3;
  const int subtype = control >> 4;
  constexpr int kData = 2;
  // Frames without a body (subtype bit 2) and encrypted ones hold nothing to read.
  if (type != kData || (subtype & 4) != 0 || (flags & 0x40) != 0) return other();
  size_t header = 24;
  if ((flags & 3) == 3) header += 6;  // four addresses, between access points
  const bool quality_of_service = (subtype & 8) != 0;
  bool aggregate = false;
  if (quality_of_service) {
    if (!need(header + 2)) return;
    aggregate = (u8(rest_, header) & 0x80) != 0;
    header += 2;
    if ((flags & 0x80) != 0) header += 4;  // high throughput control
  }
  if (!need(header)) return;
  skip(header);
  if (aggregate) {  // the first of several frames: addresses and length, then its LLC
    if (!need(14)) return;
    skip(14);
  }
  llc();
}

}  // namespace

LinkPayload peel_link(uint32_t link_type, Bytes frame) {
  return Peeler(frame).run_link(link_type);
}

LinkPayload peel_ethertype(uint16_t ether_type, Bytes bytes) {
  return Peeler(bytes).run_ethertype(ether_type);
}

}  // namespace postern::net::packet
