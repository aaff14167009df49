// Any bytes as a session of IMAP or POP3, and the order of calls that it promises.
#pragma once
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "base/check.h"
#include "fuzz_session.h"
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

template <class Session>
void run_mailbox(const uint8_t* data, size_t size) {
  MailboxChecker checker;
  run_session<Session>(checker, data, size);
  POSTERN_CHECK(checker.open.empty());
  POSTERN_CHECK(checker.ended.empty());
}

}  // namespace postern::fuzz
