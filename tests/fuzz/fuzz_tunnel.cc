// The handshakes of SOCKS and CONNECT, from both sides in turn.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/protocol/tunnel/handshake.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::net::protocol::tunnel;
  if (size < 2) return 0;
  Handshake h(static_cast<Kind>(data[0] % 3));
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  guess_socks(bytes, bytes.substr(bytes.size() / 2));
  // A byte says whose turn it is and how much comes.
  while (!bytes.empty()) {
    const auto turn = static_cast<uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    h.feed((turn & 1) != 0, bytes.substr(0, turn >> 1));
    bytes.remove_prefix(bytes.size() < size_t{turn} / 2 ? bytes.size() : size_t{turn} / 2);
  }
  return 0;
}
