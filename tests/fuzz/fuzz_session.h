// Any bytes as a session of a mail protocol: runs of bytes go to the client's or the server's side,
// or are lost.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/protocol/session.h"

namespace postern::fuzz {

/// The first byte says whether the beginning was captured.
template <class Session, class Handler>
void run_session(Handler& handler, const uint8_t* data, size_t size) {
  if (size == 0) return;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Session session(handler, (data[0] & 1) != 0);
  rest.remove_prefix(1);
  net::protocol::Moment at;
  // 0x01 to 0x04 switch: client, server, lost bytes of either.
  bool client = true;
  while (!rest.empty()) {
    const size_t n = std::min(rest.find_first_of("\x01\x02\x03\x04"), rest.size());
    if (n > 0) {
      if (client)
        session.client(rest.substr(0, n), at);
      else
        session.server(rest.substr(0, n), at);
      rest.remove_prefix(n);
      continue;
    }
    ++at.number;
    if (rest[0] <= 2) client = rest[0] == 1;
    if (rest[0] == 3) session.client_gap(rest.size(), at);
    if (rest[0] == 4) session.server_gap(rest.size(), at);
    rest.remove_prefix(1);
  }
  session.finish(at);
}

}  // namespace postern::fuzz
