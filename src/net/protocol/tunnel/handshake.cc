#include "net/protocol/tunnel/handshake.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "match/ip.h"
#include "mime/transfer.h"
#include "net/packet/wire.h"

namespace postern::net::protocol::tunnel {
namespace {

using packet::be16;
using packet::u8;

/// Of an HTTP header, and more than any message of SOCKS.
constexpr size_t kMaxHeld = 64u << 10;
/// Names are at most 255 bytes in SOCKS5; SOCKS4 does not say.
constexpr size_t kMaxName = 1024;

constexpr std::string_view kConnect = "CONNECT ";
constexpr uint8_t kSocks4Granted = 90;
constexpr int kNoPassword = 0;
constexpr int kPassword = 2;

std::string ipv4_text(std::string_view b) {
  std::string out;
  for (size_t i = 0; i < 4; ++i)
    out += (i ? "." : "") + std::to_string(u8(b, i));
  return out;
}

std::string ipv6_text(std::string_view b) {
  match::IpAddress a;
  std::copy_n(b.begin(), 16, a.bytes.begin());
  a.v4 = false;
  return a.text();
}

/// Length of an address of SOCKS5 with its type and port, or 0 when more bytes must tell.
size_t socks5_address_length(std::string_view b) {
  if (b.empty()) return 0;
  if (u8(b, 0) == 1) return 1 + 4 + 2;
  if (u8(b, 0) == 4) return 1 + 16 + 2;
  if (u8(b, 0) == 3) return b.size() < 2 ? 0 : size_t{2} + u8(b, 1) + 2;
  return std::string_view::npos;
}

/// SOCKS 4A: an address that cannot be, 0.0.0.x, says that a name follows.
bool names_host(std::string_view request) {
  return be16(request, 4) == 0 && u8(request, 6) == 0 && u8(request, 7) != 0;
}

/// Takes a name that ends with NUL; false when its end has not come.
bool take_text(std::string_view b, size_t& at, std::string& out) {
  const size_t end = b.find('\0', at);
  if (end == std::string_view::npos) return false;
  out = repair_utf8(b.substr(at, std::min(end - at, kMaxName)));
  at = end + 1;
  return true;
}

/// The value of a field of an HTTP header, or "".
std::string_view http_field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = std::min(head.find('\n'), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        starts_with_ignore_case(line, name))
      return trim(line.substr(name.size() + 1));
  }
  return {};
}

/// Where the header ends, blank line included, or 0 when it does not yet.
size_t header_end(std::string_view text) {
  const size_t strict = text.find("\r\n\r\n");
  const size_t loose = text.find("\n\n");
  const size_t end = std::min(strict == std::string_view::npos ? strict : strict + 4,
                              loose == std::string_view::npos ? loose : loose + 2);
  return end == std::string_view::npos ? 0 : end;
}

uint64_t number(std::string_view text) {
  uint64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kSocks4:
      return "socks4";
    case Kind::kSocks5:
      return "socks5";
    case Kind::kHttpConnect:
      return "http";
  }
  return "";
}

Guess guess_socks(std::string_view client, std::string_view server) {
  if (client.empty() || (u8(client, 0) != 4 && u8(client, 0) != 5)) return Guess::kNo;
  if (client.size() < 3) return Guess::kPerhaps;
  if (u8(client, 0) == 4) {
    if (u8(client, 1) != 1) return Guess::kNo;
    if (client.size() < 9) return Guess::kPerhaps;
    size_t end = client.find('\0', 8);
    if (be16(client, 2) == 0) return Guess::kNo;
    if (end == std::string_view::npos)
      return client.size() < kMaxName ? Guess::kPerhaps : Guess::kNo;
    // Four bytes are no proof: there must be an answer, or a client that goes on without one.
    if (names_host(client)) end = client.find('\0', end + 1);
    if (server.empty()) return end < client.size() - 1 ? Guess::kSocks4 : Guess::kPerhaps;
    const bool answer =
        u8(server, 0) == 0 && (server.size() < 2 || (u8(server, 1) >= 90 && u8(server, 1) <= 93));
    return answer ? Guess::kSocks4 : Guess::kNo;
  }
  // A list of methods, and nothing else or, from a client that does not wait, a request.
  const size_t methods = u8(client, 1);
  if (methods == 0 || methods > 32) return Guess::kNo;
  if (client.size() < 2 + methods) return Guess::kPerhaps;
  if (client.size() > 2 + methods && u8(client, 2 + methods) != 5 && u8(client, 2 + methods) != 1)
    return Guess::kNo;
  if (server.empty()) return client.size() > 2 + methods ? Guess::kSocks5 : Guess::kPerhaps;
  if (u8(server, 0) != 5) return Guess::kNo;
  if (server.size() < 2) return Guess::kPerhaps;
  const auto chosen = server[1];
  const bool offered = client.substr(2, methods).find(chosen) != std::string_view::npos;
  return offered || u8(server, 1) == 0xff ? Guess::kSocks5 : Guess::kNo;
}

bool is_connect_request(std::string_view client) {
  return starts_with_ignore_case(client, kConnect);
}

bool Handshake::fail() {
  failed_ = true;
  held_[0].clear();
  held_[1].clear();
  return false;
}

/// Both sides speak inside from here on.
void Handshake::granted() {
  client_ = Step::kInside;
  server_ = Step::kInside;
}

std::vector<Said> Handshake::feed(bool from_client, std::string_view bytes) {
  std::vector<Said> said;
  if (failed_) return said;
  if (!from_client) server_heard_ = true;
  std::string& held = held_[from_client ? 1 : 0];
  if (held.size() + bytes.size() > kMaxHeld && !inside(from_client)) {
    fail();
    return said;
  }
  held.append(bytes);
  std::string_view rest = held;
  while (!rest.empty() && !inside(from_client) &&
         (from_client ? client_step(rest) : server_step(rest))) {
  }
  if (failed_) return said;
  held.erase(0, held.size() - rest.size());
  // What the client said before it was let in comes first: the far end answers it.
  for (const bool client : {true, false}) {
    std::string& waiting = held_[client ? 1 : 0];
    if (!inside(client) || waiting.empty()) continue;
    said.push_back({client, std::move(waiting)});
    waiting.clear();
  }
  return said;
}

/// Takes one message from the front; false when more bytes are needed.
bool Handshake::client_step(std::string_view& held) {
  if (client_ == Step::kAsked) return answer_awaited(held);
  switch (kind_) {
    case Kind::kSocks4:
      return client_socks4(held);
    case Kind::kSocks5:
      return client_socks5(held);
    case Kind::kHttpConnect:
      return client_http(held);
  }
  return false;
}

bool Handshake::server_step(std::string_view& held) {
  if (server_ == Step::kRefused) {
    held = {};
    return false;
  }
  switch (kind_) {
    case Kind::kSocks4:
      return server_socks4(held);
    case Kind::kSocks5:
      return server_socks5(held);
    case Kind::kHttpConnect:
      return server_http(held);
  }
  return false;
}

/// More of the client after its request.
bool Handshake::answer_awaited(std::string_view held) {
  if (server_ == Step::kRefused) {
    if (held.size() < kConnect.size() && starts_with_ignore_case(kConnect, held)) return false;
    if (!is_connect_request(held)) return fail();
    client_ = Step::kFirst;
    server_ = Step::kFirst;
    held_[0].clear();
    return true;
  }
  // A proxy that was never heard is not captured: what the client goes on with tells.
  if (server_heard_) return false;
  client_ = Step::kInside;
  return false;
}

bool Handshake::client_socks4(std::string_view& held) {
  if (held.size() < 9) return false;
  target_.port = be16(held, 2);
  target_.host = ipv4_text(held.substr(4, 4));
  const bool named = names_host(held);
  size_t at = 8;
  if (!take_text(held, at, target_.user)) return false;
  if (named && !take_text(held, at, target_.host)) return false;
  held.remove_prefix(at);
  asked_ = true;
  client_ = Step::kAsked;
  return true;
}

bool Handshake::server_socks4(std::string_view& held) {
  if (held.size() < 8) return false;
  if (u8(held, 0) != 0) return fail();
  refused_ = u8(held, 1) != kSocks4Granted;
  held.remove_prefix(8);
  if (refused_) return fail();
  granted();
  return true;
}

bool Handshake::client_socks5(std::string_view& held) {
  if (held.size() < 2) return false;
  if (client_ == Step::kFirst) {
    const size_t length = size_t{2} + u8(held, 1);
    if (u8(held, 0) != 5) return fail();
    if (held.size() < length) return false;
    held.remove_prefix(length);
    client_ = Step::kPassword;
    return true;
  }
  if (client_ == Step::kPassword) {
    // Whether one is asked for the server said; where it was not heard the version byte tells.
    const bool password = method_ == kPassword || (method_ < 0 && u8(held, 0) == 1);
    client_ = Step::kRequest;
    if (!password) return true;
    client_ = Step::kPassword;
    const size_t name = u8(held, 1);
    if (held.size() < 3 + name) return false;
    const size_t length = 3 + name + u8(held, 2 + name);
    if (held.size() < length) return false;
    target_.user = repair_utf8(held.substr(2, name));
    held.remove_prefix(length);
    client_ = Step::kRequest;
    return true;
  }
  if (u8(held, 0) != 5 || u8(held, 1) != 1) return fail();  // BIND and UDP carry no mail
  const size_t length = held.size() < 4 ? 0 : socks5_address_length(held.substr(3));
  if (length == std::string_view::npos) return fail();
  if (length == 0 || held.size() < 3 + length) return false;
  const std::string_view address = held.substr(4, length - 3);
  const uint8_t type = u8(held, 3);
  target_.host = type == 1   ? ipv4_text(address)
                 : type == 4 ? ipv6_text(address)
                             : repair_utf8(address.substr(1));
  target_.port = be16(held, 3 + length - 2);
  held.remove_prefix(3 + length);
  asked_ = true;
  client_ = Step::kAsked;
  return true;
}

bool Handshake::server_socks5(std::string_view& held) {
  if (held.size() < 2) return false;
  if (server_ == Step::kFirst) {
    if (u8(held, 0) != 5) return fail();
    method_ = u8(held, 1);
    held.remove_prefix(2);
    refused_ = method_ == 0xff;
    // GSSAPI and private methods may encrypt what follows.
    if (method_ != kNoPassword && method_ != kPassword) return fail();
    server_ = method_ == kPassword ? Step::kPassword : Step::kRequest;
    return true;
  }
  if (server_ == Step::kPassword) {
    refused_ = u8(held, 1) != 0;
    held.remove_prefix(2);
    if (refused_) return fail();
    server_ = Step::kRequest;
    return true;
  }
  if (u8(held, 0) != 5) return fail();
  const size_t length = held.size() < 4 ? 0 : socks5_address_length(held.substr(3));
  if (length == std::string_view::npos) return fail();
  if (length == 0 || held.size() < 3 + length) return false;
  refused_ = u8(held, 1) != 0;
  held.remove_prefix(3 + length);
  if (refused_) return fail();
  granted();
  return true;
}

bool Handshake::client_http(std::string_view& held) {
  const size_t end = header_end(held);
  if (end == 0) return false;
  const std::string_view head = held.substr(0, end);
  if (!is_connect_request(head)) return fail();
  // "CONNECT host:port HTTP/1.1"
  std::string_view authority = trim(head.substr(8, head.find_first_of("\r\n") - 8));
  authority = authority.substr(0, authority.find(' '));
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return fail();
  std::string_view host = authority.substr(0, std::min(colon, kMaxName));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  target_.host = repair_utf8(host);
  target_.port =
      static_cast<uint16_t>(std::min<uint64_t>(number(authority.substr(colon + 1)), 65'535));
  constexpr std::string_view kBasic = "Basic ";
  const std::string_view login = http_field(head, "Proxy-Authorization");
  if (starts_with_ignore_case(login, kBasic)) {
    const std::string pair = mime::decode_base64(login.substr(kBasic.size()));
    target_.user =
        repair_utf8(std::string_view(pair).substr(0, std::min(pair.find(':'), kMaxName)));
  }
  held.remove_prefix(end);
  asked_ = true;
  client_ = Step::kAsked;
  return true;
}

bool Handshake::server_http(std::string_view& held) {
  const size_t end = header_end(held);
  if (end == 0) return false;
  const std::string_view head = held.substr(0, end);
  // "HTTP/1.1 200 Connection established"
  const size_t blank = head.find(' ');
  if (head.substr(0, 5) != "HTTP/" || blank == std::string_view::npos) return fail();
  const uint64_t status = number(head.substr(blank + 1, 3));
  held.remove_prefix(end);
  if (status / 100 == 1) return true;  // provisional
  if (status / 100 == 2) {
    granted();
    return true;
  }
  refused_ = true;
  server_ = Step::kRefused;
  return true;
}

}  // namespace postern::net::protocol::tunnel
