// An SMTP connection: its session, and its transactions as mails.
// Tests: tests/unit/input/pcap_test.cc; tools/check_evasion.cc, check_zeek_cases.cc.
#pragma once
#include <string>
#include <string_view>

#include "input/pcap/mail_content.h"
#include "net/protocol/smtp/session.h"

namespace postern::input::pcap {

class SmtpContent final : public DialogueContent<net::protocol::smtp::Handler> {
 public:
  SmtpContent(bool midstream, MailOutput& output, Link link);

  void add_session(EncodedRow& row) const override;

  // -- smtp::Handler
  void content_begin(const net::protocol::smtp::Transaction& t) override;
  void content(const net::protocol::smtp::Transaction& t, std::string_view bytes) override;
  void content_gap(const net::protocol::smtp::Transaction& t, uint64_t num_bytes) override;
  void content_end(const net::protocol::smtp::Transaction& t) override;
  void transaction(const net::protocol::smtp::Transaction& t) override;

 private:
  net::protocol::MailSession& session() override { return session_; }

  MailOrigin origin_of(const net::protocol::smtp::Transaction& t) const;

  std::string client_software_;  // that the last mail names
  net::protocol::smtp::Session session_;
};

}  // namespace postern::input::pcap
