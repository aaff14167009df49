#include "net/stream/ports.h"

#include <algorithm>
#include <iterator>

#include "net/packet/packet.h"

namespace postern::net::stream {
namespace {

// The registered ports of the protocols that Zeek analyses, and the further mail ports.
constexpr uint16_t kTcpPorts[] = {21,   22,   25,   53,   80,   81,   88,   110,  135,  139,  143,
                                  389,  443,  445,  465,  502,  563,  585,  587,  614,  631,  636,
                                  853,  989,  990,  992,  993,  995,  1080, 1433, 1434, 2525, 2811,
                                  3128, 3268, 3306, 3389, 5060, 5222, 5223, 5269, 5432, 5900, 6379,
                                  6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000};
constexpr uint16_t kUdpPorts[] = {53,   67,   68,   88,   123,  137,  161,  162,
                                  389,  443,  514,  1812, 2123, 2152, 3544, 4011,
                                  4789, 5060, 5072, 5353, 5355, 6081, 20000};

}  // namespace

bool likely_server_port(uint8_t protocol, uint16_t port) {
  const bool tcp = protocol == packet::kTcp;
  static_assert(std::size(kTcpPorts) > 0 && std::size(kUdpPorts) > 0);
  return tcp ? std::binary_search(std::begin(kTcpPorts), std::end(kTcpPorts), port)
             : std::binary_search(std::begin(kUdpPorts), std::end(kUdpPorts), port);
}

}  // namespace postern::net::stream
