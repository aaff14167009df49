// An IMAP or POP3 connection: its session, and the messages that pass in it as mails.
// Tests: tests/unit/input/pcap_test.cc; tools/check_evasion.cc.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "input/mailfile/mail_output.h"
#include "input/mailfile/message_collector.h"
#include "net/protocol/imap/session.h"
#include "net/protocol/pop3/session.h"

namespace postern::input {
class EncodedRow;
}

namespace postern::input::pcap {

class MailboxContent final : public net::protocol::MailboxHandler {
 public:
  /// What the content needs of its flow.
  struct Link {
    std::function<MailOrigin()> origin;
    std::function<void()> encrypted;  ///< what follows cannot be read
  };

  MailboxContent(bool imap, bool midstream, MailOutput& output, Link link);
  ~MailboxContent() override;

  void client(std::string_view bytes, const net::stream::Moment& at);
  void server(std::string_view bytes, const net::stream::Moment& at);
  void client_gap(uint64_t num_bytes, const net::stream::Moment& at);
  void server_gap(uint64_t num_bytes, const net::stream::Moment& at);
  void finish(const net::stream::Moment& at);

  const net::protocol::MailboxSummary& summary() const;
  /// The columns of mail.session that the summary knows.
  void add_session(EncodedRow& row) const;

  // -- MailboxHandler
  void message_begin(const net::protocol::MailboxMessage& m) override;
  void message_data(const net::protocol::MailboxMessage& m, std::string_view bytes) override;
  void message_gap(const net::protocol::MailboxMessage& m, uint64_t num_bytes) override;
  void message_end(const net::protocol::MailboxMessage& m) override;
  void message_done(const net::protocol::MailboxMessage& m) override;
  void command(const net::protocol::CommandRecord& c) override;
  void tls_started(const net::stream::Moment& at) override;
  void anomaly(std::string_view name,
               const net::stream::Moment& at,
               std::string_view detail) override;

 private:
  using Message = net::protocol::MailboxMessage;

  /// A message whose row is not written yet.
  struct Mail {
    uint64_t id = 0;
    std::unique_ptr<MailOrigin> origin;
    std::unique_ptr<MessageCollector> collector;  // of a message with its header
    std::unique_ptr<ContentBuffer> part;          // of a part without one
  };

  Mail* find(uint64_t id);
  MailOrigin origin_of_message(const Message& m) const;
  void scan_part(const Mail& mail);

  MailOutput& output_;
  AnomalyNames anomalies_;
  Link link_;
  std::vector<Mail> mails_;
  std::variant<std::unique_ptr<net::protocol::imap::Session>,
               std::unique_ptr<net::protocol::pop3::Session>>
      session_;
};

/// Writes a row of mail.command.
void write_command(MailOutput& output,
                   const MailOrigin& origin,
                   std::string_view user,
                   const net::protocol::CommandRecord& c);

}  // namespace postern::input::pcap
