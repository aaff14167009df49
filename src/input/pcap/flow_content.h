// The content of one flow: recognised, handed to the parser of its protocol and to the scanner.
//
// What begins as SOCKS or HTTP CONNECT is followed into the tunnel: once its handshake is over the
// bytes are recognised anew, as those of the connection inside.
// Tests: tests/unit/input/pcap_test.cc, tunnel_content_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input/mailfile/mail_output.h"
#include "input/pcap/mail_content.h"
#include "net/protocol/detect.h"
#include "net/protocol/tls/handshake.h"
#include "net/protocol/tunnel/handshake.h"
#include "net/stream/flow.h"

namespace postern::input::pcap {

/// A TCP connection.
class FlowContent final : public net::stream::StreamConsumer {
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
  AtRest at_rest() const override;

 private:
  using Side = net::stream::Side;

  /// Tunnels in tunnels at most.
  static constexpr int kMaxTunnels = 4;

  /// What came before the protocol was known.
  struct Early {
    Side side;
    std::string bytes;
    uint64_t gap = 0;
    Moment at;
  };

  Side effective(Side s) const { return swapped_ ? net::stream::other(s) : s; }

  bool midstream() const;
  void take(Side side, net::packet::Bytes bytes, const Moment& at);
  void take_gap(Side side, uint64_t num_bytes, const Moment& at);
  void recognise(Side side, net::packet::Bytes bytes, const Moment& at);
  void decided(net::protocol::Protocol p);
  bool enter_tunnel(net::protocol::Protocol p);
  void replay(const std::vector<Early>& early);
  void deliver(Side side, net::packet::Bytes bytes, const Moment& at);
  void see(Side side, net::packet::Bytes bytes);
  void tls_started();
  void stop_views();
  std::string_view mail_protocol() const;
  uint16_t server_port() const;
  void add_tls(EncodedRow& row) const;
  void write_session();
  MailOrigin origin() const;

  net::stream::Flow& flow_;
  MailOutput& output_;
  net::protocol::Protocol protocol_ = net::protocol::Protocol::kUndecided;
  bool swapped_ = false;
  std::optional<net::protocol::Detector> detector_;
  std::vector<Early> early_;
  std::unique_ptr<net::protocol::tunnel::Handshake> tunnel_;  // the innermost
  int num_tunnels_ = 0;
  std::unique_ptr<MailContent> mail_;
  std::unique_ptr<net::protocol::tls::Handshake> tls_;
  uint64_t tls_bytes_[2] = {0, 0};
  ContentBuffer views_[2];
  bool viewing_;
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

  AtRest at_rest() const override { return AtRest::kMadeAgain; }

 private:
  net::stream::Flow& flow_;
  int looks_ = 0;
};

}  // namespace postern::input::pcap
