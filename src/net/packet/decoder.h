// Frames to packets: link layer, IP, fragments, tunnels, transport headers and their checksums.
//
// One frame gives no packet (ARP, a fragment), one, or several: a UDP tunnel is a packet of its own
// and holds another one, as in Zeek's conn.log. Looked into are IP in IP, IPv6 in IPv4, GRE (also
// with PPP and ERSPAN, also over UDP), VXLAN, Geneve, GTP-U, AYIYA and Teredo. Sources: RFC 9293
// (TCP), 768 (UDP), 792 and 4443 (ICMP), 2784 and 2890 (GRE), 7348 (VXLAN), 8926 (Geneve), 4380
// (Teredo), 3GPP TS 29.281 (GTP-U). Tests: tests/unit/net_packet/decoder_test.cc.
//
// Anomalies: link-unknown, link-cut, ip-bad-header, ip-header-cut, packet-cut (snap length), …
#pragma once
#include <cstdint>

#include "net/packet/capture.h"
#include "net/packet/faults.h"
#include "net/packet/fragments.h"
#include "net/packet/link.h"
#include "net/packet/packet.h"

namespace postern::net::packet {

/// Receives packets in the order of the capture, an outer one before what it holds.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void packet(const Packet& p) = 0;
};

class PacketDecoder {
 public:
  PacketDecoder(Faults& faults, PacketSink& sink)
      : faults_(faults), sink_(sink), fragments_(faults) {}

  void decode(const CapturedFrame& frame);

 private:
  /// Tunnels in tunnels at most.
  static constexpr uint8_t kMaxTunnels = 4;

  void payload(const LinkPayload& link, Packet& p);
  void ip(Bytes bytes, Packet& p);
  void transport(const IpHeader& header, Packet& p);
  void tcp(const IpHeader& header, Packet& p);
  void udp(const IpHeader& header, Packet& p);
  void icmp(const IpHeader& header, Packet& p);
  void gre(Bytes bytes, const Packet& outer);
  void datagram_tunnel(const Packet& outer);
  void vxlan(const Packet& outer);
  void geneve(const Packet& outer);
  void gtp(const Packet& outer);
  void ayiya(const Packet& outer);
  void teredo(const Packet& outer, bool on_its_port);
  void inner(const LinkPayload& link, const Packet& outer);

  Faults& faults_;
  PacketSink& sink_;
  FragmentTable fragments_;
};

}  // namespace postern::net::packet
