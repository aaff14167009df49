// Which protocol a flow speaks, by the first bytes of each side; ports only break ties.
//
// The rules are those that hold for real servers and clients: SMTP, FTP and POP3 greet first, TLS
// and HTTP clients speak first. Tests: tests/unit/net_protocol/detect_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "net/packet/wire.h"
#include "net/stream/history.h"

namespace postern::net::protocol {

enum class Protocol : uint8_t {
  kUndecided,  ///< more bytes could tell
  kUnknown,
  kSmtp,
  kImap,
  kPop3,
  kTls,
  kHttp,
  kSsh,
  kFtp,
  kDns,
  kDhcp,
  kNtp,
  kSnmp,
  kSmb,
  kRdp,
  kIrc,
  kSocks4,
  kSocks5,
  kHttpConnect,  ///< HTTP whose client asks for a tunnel
  kVxlan,
  kGeneve,
  kGtp,
  kTeredo,
  kAyiya
};

/// The name that conn.log has for it: "smtp", "ssl", "dns", …; "" for undecided and unknown.
std::string_view service_name(Protocol p);

/// True when the bytes begin like a TLS handshake (ClientHello or ServerHello).
bool looks_tls(packet::Bytes bytes);

/// Looks at a TCP connection until it knows, or knows that it will not.
class Detector {
 public:
  /// Bytes of each side that are looked at.
  static constexpr size_t kMaxHead = 1024;

  /// `midstream`: the beginning of the connection was not captured.
  Detector(uint16_t client_port, uint16_t server_port, bool midstream)
      : client_port_(client_port), server_port_(server_port), midstream_(midstream) {}

  /// More bytes of one side. Returns the verdict so far.
  Protocol feed(stream::Side side, packet::Bytes bytes);
  /// No more bytes will come: the verdict with what there is.
  Protocol finish();

  Protocol verdict() const { return verdict_; }

  /// True when what the "originator" sent shows it to be the server.
  bool reversed() const { return reversed_; }

 private:
  Protocol judge(bool last);
  Protocol judge_server(std::string_view server, std::string_view client, bool last) const;
  Protocol judge_client(std::string_view client, bool server_silent, bool last) const;

  uint16_t client_port_;
  uint16_t server_port_;
  bool midstream_;
  std::string head_[2];
  stream::Side first_ = stream::Side::kOriginator;  // who spoke first
  Protocol verdict_ = Protocol::kUndecided;
  bool reversed_ = false;
};

/// The protocol of a UDP flow by ports and one datagram.
Protocol detect_datagram(uint16_t client_port, uint16_t server_port, packet::Bytes bytes);

/// Ports on which mail is submitted or relayed in the clear.
bool is_smtp_port(uint16_t port);

}  // namespace postern::net::protocol
