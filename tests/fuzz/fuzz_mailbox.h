// Any bytes as a session of IMAP or POP3: runs of bytes go to the client's or the server's side, or
// are lost. Checks the order of calls that a session promises.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/check.h"
#include "net/protocol/mailbox.h"

namespace postern::fuzz {

struct MailboxChecker final : net::protocol::MailboxHandler {
  using Message = net::protocol::MailboxMessage;

  void message_begin(const Message& m) override { POSTERN_CHECK(open.insert(m.id).second); }

  void message_data(const Message& m, std::string_view) override {
    POSTERN_CHECK(open.count(m.id) == 1);
  }

  void message_gap(const Message& m, uint64_t) override { POSTERN_CHECK(open.count(m.id) == 1); }

  void message_end(const Message& m) override {
    POSTERN_CHECK(open.erase(m.id) == 1);
    POSTERN_CHECK(ended.insert(m.id).second);
  }

  void message_done(const Message& m) override { POSTERN_CHECK(ended.erase(m.id) == 1); }

  void command(const net::protocol::CommandRecord&) override {}

  void tls_started(const net::protocol::Moment&) override {}

  void anomaly(std::string_view, const net::protocol::Moment&, std::string_view) override {}

  std::set<uint64_t> open, ended;
};

template <typename Session>
void run_mailbox(const uint8_t* data, size_t size) {
  if (size == 0) return;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  MailboxChecker checker;
  Session session(checker, (data[0] & 1) != 0);
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
  POSTERN_CHECK(checker.open.empty());
  POSTERN_CHECK(checker.ended.empty());
}

}  // namespace postern::fuzz
