// One packet as flows see it: addresses, ports, flags, payload, and where it was captured.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "match/ip.h"
#include "net/packet/wire.h"

namespace postern::net::packet {

/// IP protocol numbers that are decoded (IANA).
inline constexpr uint8_t kIcmp = 1;
inline constexpr uint8_t kTcp = 6;
inline constexpr uint8_t kUdp = 17;
inline constexpr uint8_t kIcmpV6 = 58;
inline constexpr uint8_t kNoNextHeader = 59;

/// What a transport checksum said.
enum class Checksum : uint8_t {
  kGood,
  kUnverifiable,  ///< the packet is cut, or the protocol has none
  kOffloaded,     ///< left to the network card: the field holds what a sender puts there for it
  kBad
};

struct TcpFields {
  uint32_t sequence = 0;
  uint32_t acknowledged = 0;
  uint16_t window = 0;
  int8_t window_scale = -1;  ///< of a SYN; -1 none
  bool fin = false;
  bool syn = false;
  bool rst = false;
  bool ack = false;
  bool urg = false;
};

struct Packet {
  int64_t time = 0;     ///< ticks
  uint64_t offset = 0;  ///< of the captured frame in the file
  uint64_t number = 0;
  match::IpAddress source;
  match::IpAddress destination;
  uint16_t source_port = 0;       ///< ICMP: the type
  uint16_t destination_port = 0;  ///< ICMP: the code
  uint8_t protocol = 0;
  Checksum checksum = Checksum::kUnverifiable;
  bool whole_header = true;  ///< false: the transport header is cut or malformed
  uint8_t tunnels = 0;       ///< tunnels around this packet
  uint16_t vlan = 0;
  uint16_t inner_vlan = 0;
  uint32_t ip_length = 0;       ///< of the IP packet on the wire, header included
  uint32_t payload_length = 0;  ///< of the transport payload on the wire
  Bytes payload;                ///< what was captured of it
  TcpFields tcp;
  /// Owns `payload` when it was put together from fragments; null when it lies in the capture.
  std::shared_ptr<const std::string> owner;
};

}  // namespace postern::net::packet
