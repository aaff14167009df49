// An IMAP or POP3 connection: its session, and the messages that pass in it as mails.
// Tests: tests/unit/input/pcap_test.cc; tools/check_evasion.cc.
#pragma once
#include <memory>
#include <string>
#include <variant>

#include "input/pcap/mail_content.h"
#include "net/protocol/imap/session.h"
#include "net/protocol/pop3/session.h"

namespace postern::input::pcap {

class MailboxContent final : public MailContent, public net::protocol::MailboxHandler {
 public:
  MailboxContent(bool imap, bool midstream, MailOutput& output, Link link);
  ~MailboxContent() override;

  // -- MailContent
  void data(bool from_client, std::string_view bytes, const Moment& at) override;
  void gap(bool from_client, uint64_t num_bytes, const Moment& at) override;
  void finish(const Moment& at) override;
  void add_session(EncodedRow& row) const override;

  // -- MailboxHandler
  void message_begin(const net::protocol::MailboxMessage& m) override;
  void message_data(const net::protocol::MailboxMessage& m, std::string_view bytes) override;
  void message_gap(const net::protocol::MailboxMessage& m, uint64_t num_bytes) override;
  void message_end(const net::protocol::MailboxMessage& m) override;
  void message_done(const net::protocol::MailboxMessage& m) override;
  void command(const net::protocol::CommandRecord& c) override;
  void tls_started(const Moment& at) override;
  void anomaly(std::string_view name, const Moment& at, std::string_view detail) override;

 private:
  using Message = net::protocol::MailboxMessage;

  const net::protocol::MailboxSummary& summary() const;
  MailOrigin origin_of_message(const Message& m) const;
  void scan_part(const OpenMail& mail);

  MailOutput& output_;
  Link link_;
  OpenMails mails_;
  AnomalyNames anomalies_;  // of the dialogue
  std::variant<std::unique_ptr<net::protocol::imap::Session>,
               std::unique_ptr<net::protocol::pop3::Session>>
      session_;
};

}  // namespace postern::input::pcap
