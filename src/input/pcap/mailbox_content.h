// An IMAP or POP3 connection: its session, and the messages that pass in it as mails.
// Tests: tests/unit/input/pcap_test.cc; tools/check_evasion.cc.
#pragma once
#include <memory>
#include <string_view>

#include "input/pcap/mail_content.h"
#include "net/protocol/mailbox.h"

namespace postern::input::pcap {

class MailboxContent final : public DialogueContent<net::protocol::MailboxHandler> {
 public:
  MailboxContent(bool imap, bool midstream, MailOutput& output, Link link);

  void add_session(EncodedRow& row) const override;

  // -- MailboxHandler
  void message_begin(const net::protocol::MailboxMessage& m) override;
  void message_data(const net::protocol::MailboxMessage& m, std::string_view bytes) override;
  void message_gap(const net::protocol::MailboxMessage& m, uint64_t num_bytes) override;
  void message_end(const net::protocol::MailboxMessage& m) override;
  void message_done(const net::protocol::MailboxMessage& m) override;

 private:
  using Message = net::protocol::MailboxMessage;

  net::protocol::MailSession& session() override { return *session_; }

  MailOrigin origin_of_message(const Message& m) const;
  void scan_part(const OpenMail& mail);

  std::unique_ptr<net::protocol::MailboxSession> session_;
};

}  // namespace postern::input::pcap
