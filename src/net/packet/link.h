// From the link layer to the IP packet: Ethernet, VLAN and QinQ, MPLS, PPPoE, PPP, provider
// backbone and fabric headers, Linux cooked v1 and v2, raw IP, loopback, 802.11 with and without
// radiotap, PPI, NFLOG. Sources: LINKTYPE registry of tcpdump.org; IEEE 802.1Q, 802.1ah, 802.11;
// RFC 1661, 2516, 3032. Tests: tests/unit/net_packet/link_test.cc.
#pragma once
#include <cstdint>
#include <string_view>

#include "net/packet/wire.h"

namespace postern::net::packet {

/// What a frame carries.
struct LinkPayload {
  enum class Kind : uint8_t {
    kIp,       ///< `bytes` begins with an IPv4 or IPv6 header
    kOther,    ///< whole, and not IP: ARP, LLDP, spanning tree, management frames
    kUnknown,  ///< a link type or an encapsulation that is not read: `what` names it
    kCut       ///< the frame ends inside its link headers
  };

  Kind kind = Kind::kOther;
  Bytes bytes;
  uint16_t vlan = 0;        ///< outermost VLAN id, 0 none
  uint16_t inner_vlan = 0;  ///< second one
  std::string_view what;
};

/// Takes off all link headers of one frame.
LinkPayload peel_link(uint32_t link_type, Bytes frame);

/// The same, beginning with an EtherType and what follows it (GRE, Geneve).
LinkPayload peel_ethertype(uint16_t ether_type, Bytes bytes);

/// Link types that a tunnel needs by name.
inline constexpr uint32_t kLinkEthernet = 1;

}  // namespace postern::net::packet
