// An SMTP connection: its session, and its transactions as mails.
// Tests: tests/unit/input/pcap_test.cc; tools/check_evasion.cc, check_zeek_cases.cc.
#pragma once
#include <string>
#include <string_view>

#include "input/pcap/mail_content.h"
#include "net/protocol/smtp/session.h"

namespace postern::input::pcap {

class SmtpContent final : public MailContent, public net::protocol::smtp::Handler {
 public:
  SmtpContent(bool midstream, MailOutput& output, Link link);

  // -- MailContent
  void data(bool from_client, std::string_view bytes, const Moment& at) override;
  void gap(bool from_client, uint64_t num_bytes, const Moment& at) override;
  void finish(const Moment& at) override;
  void add_session(EncodedRow& row) const override;

  // -- smtp::Handler
  void content_begin(const net::protocol::smtp::Transaction& t) override;
  void content(const net::protocol::smtp::Transaction& t, std::string_view bytes) override;
  void content_gap(const net::protocol::smtp::Transaction& t, uint64_t num_bytes) override;
  void content_end(const net::protocol::smtp::Transaction& t) override;
  void transaction(const net::protocol::smtp::Transaction& t) override;
  void command(const net::protocol::CommandRecord& c) override;
  void tls_started(const Moment& at) override;
  void anomaly(std::string_view name, const Moment& at, std::string_view detail) override;

 private:
  MailOrigin origin_of(const net::protocol::smtp::Transaction& t) const;

  MailOutput& output_;
  Link link_;
  OpenMails mails_;
  AnomalyNames anomalies_;       // of the dialogue
  std::string client_software_;  // that the last mail names
  net::protocol::smtp::Session session_;
};

}  // namespace postern::input::pcap
