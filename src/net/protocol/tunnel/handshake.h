// How a connection becomes a tunnel: SOCKS4, SOCKS4a, SOCKS5 and HTTP CONNECT.
//
// Both directions are pushed in the order of the capture until each side's part of the handshake is
// over; what comes after it is the connection inside, whose far end is target(). A side that is not
// captured is not waited for: the other one's words say enough. Sources: RFC 1928, 1929 (SOCKS5 and
// its passwords), the SOCKS4 and 4A notes by Lee (1992), RFC 9110, 9.3.6 (CONNECT).
// Tests: tests/unit/net_protocol/tunnel_test.cc, fuzz_tunnel.
//
// Anomalies (told by the caller, see failed()): tunnel-bad-handshake.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::net::protocol::tunnel {

enum class Kind : uint8_t { kSocks4, kSocks5, kHttpConnect };

/// "socks4", "socks5" or "http".
std::string_view kind_name(Kind kind);

/// The client's first bytes of SOCKS; `server` are those that answer, "" when none came yet.
enum class Guess : uint8_t { kNo, kPerhaps, kSocks4, kSocks5 };
Guess guess_socks(std::string_view client, std::string_view server);
/// The client asks an HTTP proxy for a tunnel.
bool is_connect_request(std::string_view client);

/// Where a tunnel leads.
struct Target {
  std::string host;  ///< name or address as the client wrote it
  uint16_t port = 0;
  std::string user;  ///< that the client named to the proxy
};

/// Bytes of one side that were said inside of the tunnel.
struct Said {
  bool from_client = false;
  std::string bytes;
};

class Handshake {
 public:
  explicit Handshake(Kind kind) : kind_(kind) {}

  /// Takes bytes of one side; returns what of them, and of what was held before, was said inside,
  /// in its order.
  std::vector<Said> feed(bool from_client, std::string_view bytes);

  Kind kind() const { return kind_; }

  const Target& target() const { return target_; }

  /// The client has said where it wants to go.
  bool asked() const { return asked_; }

  /// The side's handshake is over: its bytes need not be fed any more.
  bool inside(bool from_client) const { return (from_client ? client_ : server_) == Step::kInside; }

  /// It is no handshake after all, or the proxy said no for good.
  bool failed() const { return failed_; }

  /// The proxy said no at least once (over HTTP it may be asked again).
  bool refused() const { return refused_; }

 private:
  enum class Step : uint8_t {
    kFirst,     // client: methods or request; server: choice of method or answer
    kPassword,  // SOCKS5
    kRequest,   // client: where to; server: the answer to it
    kAsked,     // client: the answer is awaited
    kRefused,   // server: drop what follows the refusal
    kInside
  };

  bool client_step(std::string_view& held);
  bool server_step(std::string_view& held);
  bool client_socks4(std::string_view& held);
  bool client_socks5(std::string_view& held);
  bool server_socks4(std::string_view& held);
  bool server_socks5(std::string_view& held);
  bool client_http(std::string_view& held);
  bool server_http(std::string_view& held);
  bool answer_awaited(std::string_view held);
  void granted();
  bool fail();

  Kind kind_;
  Target target_;
  Step client_ = Step::kFirst;
  Step server_ = Step::kFirst;
  std::string held_[2];  // of a message that is not whole: the server's, the client's
  int method_ = -1;      // of SOCKS5, that the server chose; -1 not seen
  bool server_heard_ = false;
  bool asked_ = false;
  bool refused_ = false;
  bool failed_ = false;
};

}  // namespace postern::net::protocol::tunnel
