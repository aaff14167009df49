// A session of IMAP or POP3 written as a script: what each side says, in order, and what came out.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/protocol/mailbox.h"

namespace postern::test {

template <typename Session>
class MailboxScript final : public net::protocol::MailboxHandler {
 public:
  explicit MailboxScript(bool midstream = false) : session(*this, midstream) {}

  MailboxScript& c(std::string_view text) {
    session.client(text, next());
    return *this;
  }

  MailboxScript& s(std::string_view text) {
    session.server(text, next());
    return *this;
  }

  MailboxScript& lose_client(uint64_t n) {
    session.client_gap(n, next());
    return *this;
  }

  MailboxScript& lose_server(uint64_t n) {
    session.server_gap(n, next());
    return *this;
  }

  MailboxScript& end() {
    session.finish(next());
    return *this;
  }

  /// Every command with its answer: "LOGIN bot -> OK".
  std::vector<std::string> spoken() const {
    std::vector<std::string> out;
    for (const net::protocol::CommandRecord& c : commands)
      out.push_back(c.verb + (c.argument.empty() ? "" : " " + c.argument) + " -> " + c.status);
    return out;
  }

  void message_begin(const net::protocol::MailboxMessage& m) override { contents[m.id]; }

  void message_data(const net::protocol::MailboxMessage& m, std::string_view bytes) override {
    contents.at(m.id) += bytes;
  }

  void message_gap(const net::protocol::MailboxMessage& m, uint64_t n) override {
    contents.at(m.id) += "<" + std::to_string(n) + ">";
  }

  void message_end(const net::protocol::MailboxMessage& m) override { contents.at(m.id) += "|"; }

  void message_done(const net::protocol::MailboxMessage& m) override { messages.push_back(m); }

  void command(const net::protocol::CommandRecord& r) override { commands.push_back(r); }

  void tls_started(const net::protocol::Moment&) override { tls = true; }

  void anomaly(std::string_view name, const net::protocol::Moment&, std::string_view) override {
    ++anomalies[std::string(name)];
  }

  Session session;
  std::map<uint64_t, std::string> contents;
  std::vector<net::protocol::MailboxMessage> messages;
  std::vector<net::protocol::CommandRecord> commands;
  std::map<std::string, int> anomalies;
  bool tls = false;

 private:
  net::protocol::Moment next() {
    ++number_;
    return {static_cast<int64_t>(number_), number_ * 100, number_};
  }

  uint64_t number_ = 0;
};

}  // namespace postern::test
