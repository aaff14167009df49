// The content of one flow: recognised, handed to the parser of its protocol and to the scanner.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input/mailfile/mail_output.h"
#include "input/mailfile/message_collector.h"
#include "input/pcap/mailbox_content.h"
#include "net/protocol/detect.h"
#include "net/protocol/smtp/session.h"
#include "net/protocol/tls/handshake.h"
#include "net/stream/flow.h"

namespace postern::input::pcap {

/// A TCP connection.
class FlowContent final : public net::stream::StreamConsumer, public net::protocol::smtp::Handler {
 public:
  /// Both must outlive the content.
  FlowContent(net::stream::Flow& flow, MailOutput& output);
  ~FlowContent() override;

  void data(net::stream::Side side,
            net::packet::Bytes bytes,
            const net::stream::Moment& at) override;
  void gap(net::stream::Side side, uint64_t num_bytes, const net::stream::Moment& at) override;
  void conflict(net::stream::Side side,
                net::packet::Bytes first,
                net::packet::Bytes second,
                const net::stream::Moment& at) override;

  void flipped() override { swapped_ = !swapped_; }

  void finish(const net::stream::Moment& at) override;
  bool patient() const override;

 private:
  using Moment = net::stream::Moment;
  using Side = net::stream::Side;
  using Transaction = net::protocol::smtp::Transaction;

  /// What came before the protocol was known.
  struct Early {
    Side side;
    std::string bytes;
    uint64_t gap = 0;
    Moment at;
  };

  /// A mail of the session whose row is not written yet.
  struct Mail {
    uint64_t transaction = 0;
    std::unique_ptr<MailOrigin> origin;
    std::unique_ptr<MessageCollector> collector;
  };

  Side effective(Side s) const { return swapped_ ? net::stream::other(s) : s; }

  bool midstream() const;
  void decided(net::protocol::Protocol p);
  void deliver(Side side, net::packet::Bytes bytes, const Moment& at);
  void deliver_gap(Side side, uint64_t num_bytes, const Moment& at);
  void stop_views();
  void session(Side side, net::packet::Bytes bytes, const Moment& at);
  std::string_view mail_protocol() const;
  void add_tls(EncodedRow& row) const;
  void write_session();
  MailOrigin origin() const;
  Mail* find(uint64_t transaction);

  // -- smtp::Handler
  void content_begin(const Transaction& t) override;
  void content(const Transaction& t, std::string_view bytes) override;
  void content_gap(const Transaction& t, uint64_t num_bytes) override;
  void content_end(const Transaction& t) override;
  void transaction(const Transaction& t) override;
  void command(const net::protocol::CommandRecord& c) override;
  void tls_started(const Moment& at) override;
  void anomaly(std::string_view name, const Moment& at, std::string_view detail) override;

  net::stream::Flow& flow_;
  MailOutput& output_;
  net::protocol::Protocol protocol_ = net::protocol::Protocol::kUndecided;
  std::optional<net::protocol::Detector> detector_;
  std::vector<Early> early_;
  std::unique_ptr<net::protocol::smtp::Session> smtp_;
  std::unique_ptr<MailboxContent> mailbox_;
  std::unique_ptr<net::protocol::tls::Handshake> tls_;  // of a mail session
  uint64_t tls_bytes_[2] = {0, 0};                      // of a session that began in TLS
  std::vector<Mail> mails_;
  std::string client_software_;
  AnomalyNames anomalies_;  // of the SMTP session
  ContentBuffer views_[2];
  bool viewing_;
  bool swapped_ = false;  // sides are reversed until the flow has turned its ends round
};

/// A UDP flow: only its protocol is of interest.
class DatagramContent final : public net::stream::StreamConsumer {
 public:
  explicit DatagramContent(net::stream::Flow& flow) : flow_(flow) {}

  void data(net::stream::Side side,
            net::packet::Bytes bytes,
            const net::stream::Moment& at) override;

  void gap(net::stream::Side, uint64_t, const net::stream::Moment&) override {}

  void finish(const net::stream::Moment&) override {}

 private:
  net::stream::Flow& flow_;
  int looks_ = 0;
};

}  // namespace postern::input::pcap
