// Ports that a server is likely to listen on: who answers in a connection whose beginning is
// missing.
#pragma once
#include <cstdint>

namespace postern::net::stream {

bool likely_server_port(uint8_t protocol, uint16_t port);

}  // namespace postern::net::stream
