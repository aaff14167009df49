#include "net/protocol/detect.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "net/protocol/tunnel/handshake.h"

namespace postern::net::protocol {
namespace {

using packet::be16;
using packet::Bytes;
using packet::u8;

bool starts(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

bool starts_any(std::string_view s, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [s](std::string_view p) { return starts_with_ignore_case(s, p); });
}

bool contains(std::string_view s, std::string_view word) {
  return find_ignore_case(s, word) != std::string_view::npos;
}

/// Three digits and a blank or a dash: a reply of SMTP or FTP.
bool is_reply(std::string_view s) {
  return s.size() >= 4 && ascii_digit(s[0]) && ascii_digit(s[1]) && ascii_digit(s[2]) &&
         (s[3] == ' ' || s[3] == '-' || s[3] == '\r' || s[3] == '\n');
}

bool is_smtp_greeting_code(std::string_view s) {
  return is_reply(s) && starts_any(s, {"220", "554", "421"});
}

/// One of the words, as a command: a blank or the end of the line follows it.
bool is_word(std::string_view s, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [s](std::string_view w) {
    return s.size() > w.size() && starts_with_ignore_case(s, w) && ascii_space(s[w.size()]);
  });
}

bool is_smtp_command(std::string_view s) {
  return is_word(s, {"EHLO", "HELO", "LHLO", "XCLIENT", "BDAT", "STARTTLS"}) ||
         starts_any(s, {"MAIL FROM:", "RCPT TO:"});
}

bool is_ftp_command(std::string_view s) {
  return starts_any(s, {"USER ", "PASS ", "AUTH TLS", "AUTH SSL", "FEAT", "SYST", "OPTS "});
}

bool is_pop3_command(std::string_view s) {
  return starts_any(s, {"CAPA", "USER ", "APOP ", "STLS", "AUTH"});
}

/// "a001 LOGIN …": a tag and a command.
bool is_imap_command(std::string_view s) {
  const size_t blank = s.find(' ');
  if (blank == 0 || blank == std::string_view::npos || blank > 20) return false;
  if (!std::all_of(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(blank),
                   [](char c) { return ascii_digit(c) || ascii_alpha(c) || c == '.' || c == '_'; }))
    return false;
  return starts_any(s.substr(blank + 1),
                    {"CAPABILITY", "LOGIN ", "AUTHENTICATE ", "ID ", "STARTTLS", "NOOP", "SELECT ",
                     "EXAMINE ", "LIST ", "UID ", "FETCH ", "SEARCH ", "NAMESPACE", "ENABLE "});
}

bool is_http_request(std::string_view s) {
  return starts_any(s, {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ",
                        "TRACE ", "PATCH ", "PROPFIND "});
}

/// A whole line has come, or so much that no line is to be expected.
bool has_line(std::string_view s) {
  return s.find('\n') != std::string_view::npos || s.size() >= Detector::kMaxHead;
}

bool is_dns(Bytes b) {
  if (b.size() < 12) return false;
  const uint16_t flags = be16(b, 2);
  const int opcode = flags >> 11 & 15;
  const unsigned questions = be16(b, 4);
  const unsigned answers = be16(b, 6);
  const bool response = (flags & 0x8000) != 0;
  // Reserved bit clear, a known opcode, and a question unless it is an announcement.
  return opcode <= 6 && (flags & 0x0040) == 0 && questions <= 32 && answers <= 4096 &&
         (questions > 0 || response);
}

}  // namespace

std::string_view service_name(Protocol p) {
  switch (p) {
    case Protocol::kUndecided:
    case Protocol::kUnknown:
      return "";
    case Protocol::kSmtp:
      return "smtp";
    case Protocol::kImap:
      return "imap";
    case Protocol::kPop3:
      return "pop3";
    case Protocol::kTls:
      return "ssl";
    case Protocol::kHttp:
      return "http";
    case Protocol::kSsh:
      return "ssh";
    case Protocol::kFtp:
      return "ftp";
    case Protocol::kDns:
      return "dns";
    case Protocol::kDhcp:
      return "dhcp";
    case Protocol::kNtp:
      return "ntp";
    case Protocol::kSnmp:
      return "snmp";
    case Protocol::kSmb:
      return "smb";
    case Protocol::kRdp:
      return "rdp";
    case Protocol::kIrc:
      return "irc";
    case Protocol::kSocks4:
    case Protocol::kSocks5:
      return "socks";
    case Protocol::kHttpConnect:
      return "http";
    case Protocol::kVxlan:
      return "vxlan";
    case Protocol::kGeneve:
      return "geneve";
    case Protocol::kGtp:
      return "gtpv1";
    case Protocol::kTeredo:
      return "teredo";
    case Protocol::kAyiya:
      return "ayiya";
  }
  return "";
}

bool is_smtp_port(uint16_t port) {
  return port == 25 || port == 587 || port == 2525 || port == 465 || port == 26;
}

bool looks_tls(Bytes b) {
  // Record type handshake, version 3.x, then ClientHello (1) or ServerHello (2).
  return b.size() >= 6 && u8(b, 0) == 0x16 && u8(b, 1) == 3 && u8(b, 2) <= 4 &&
         (u8(b, 5) == 1 || u8(b, 5) == 2);
}

Protocol Detector::feed(stream::Side side, Bytes bytes) {
  if (verdict_ != Protocol::kUndecided) return verdict_;
  if (head_[0].empty() && head_[1].empty()) first_ = side;
  std::string& head = head_[static_cast<size_t>(side)];
  head.append(bytes.substr(0, kMaxHead - std::min(kMaxHead, head.size())));
  return verdict_ = judge(false);
}

Protocol Detector::finish() {
  if (verdict_ == Protocol::kUndecided) verdict_ = judge(true);
  if (verdict_ == Protocol::kUndecided) verdict_ = Protocol::kUnknown;
  return verdict_;
}

Protocol Detector::judge(bool last) {
  const std::string& client = head_[0];
  const std::string& server = head_[1];
  // Where the beginning is missing the ends may be the wrong way round: only words that one of the
  // two alone can say count as proof.
  if (midstream_) {
    if (is_smtp_command(server) ||
        (is_smtp_greeting_code(client) && (has_line(client) || last) &&
         (contains(client, "smtp") || contains(client, "mail"))) ||
        (is_reply(client) && is_smtp_port(client_port_) && !is_smtp_port(server_port_))) {
      reversed_ = true;
      return Protocol::kSmtp;
    }
  }
  switch (tunnel::guess_socks(client, server)) {
    case tunnel::Guess::kSocks4:
      return Protocol::kSocks4;
    case tunnel::Guess::kSocks5:
      return Protocol::kSocks5;
    case tunnel::Guess::kPerhaps:
      if (!last) return Protocol::kUndecided;
      break;
    case tunnel::Guess::kNo:
      break;
  }
  // The proxy has said nothing yet, or begins to answer as one.
  if (tunnel::is_connect_request(client) && starts("HTTP/", std::string_view(server).substr(0, 5)))
    return has_line(client) || last ? Protocol::kHttpConnect : Protocol::kUndecided;
  if (!server.empty()) {
    const Protocol p = judge_server(server, client, last);
    if (p != Protocol::kUnknown) return p;
  }
  if (!client.empty()) {
    const Protocol p = judge_client(client, server.empty(), last);
    if (p != Protocol::kUnknown) return p;
  }
  // A connection seen from its middle, on a port where mail is spoken in the clear.
  if (midstream_ && is_smtp_port(server_port_) && server_port_ != 465) return Protocol::kSmtp;
  // Each side has had its say in vain.
  const bool enough = (client.size() >= 16 && server.size() >= 16) ||
                      std::max(client.size(), server.size()) >= kMaxHead;
  return enough ? Protocol::kUnknown : Protocol::kUndecided;
}

Protocol Detector::judge_server(std::string_view server, std::string_view client, bool last) const {
  if (looks_tls(server)) return Protocol::kTls;
  if (starts(server, "SSH-")) return Protocol::kSsh;
  if (starts(server, "HTTP/1.")) return Protocol::kHttp;
  if (starts_any(server, {"* OK", "* PREAUTH", "* BYE"})) return Protocol::kImap;
  const bool server_first = first_ == stream::Side::kResponder;
  if (starts(server, "+OK")) {
    // Redis answers the same; a POP3 server says it before it is asked.
    if (server_first) return Protocol::kPop3;
    return is_pop3_command(client) && server_port_ == 110 ? Protocol::kPop3 : Protocol::kUnknown;
  }
  if (is_reply(server)) {
    if (is_smtp_command(client)) return Protocol::kSmtp;
    if (is_ftp_command(client)) return Protocol::kFtp;
    if (midstream_ && is_smtp_port(server_port_)) return Protocol::kSmtp;
    if (!is_smtp_greeting_code(server)) return Protocol::kUnknown;
    if (!has_line(server) && !last) return Protocol::kUndecided;
    if (contains(server, "smtp")) return Protocol::kSmtp;
    if (contains(server, "ftp")) return Protocol::kFtp;
    // A greeting that says nothing: the client's first words will tell, else the port.
    if (is_smtp_port(server_port_)) return Protocol::kSmtp;
    if (server_port_ == 21) return Protocol::kFtp;
    if (client.empty() && !last) return Protocol::kUndecided;
    return last && starts(server, "220") && contains(server, "mail") ? Protocol::kSmtp
                                                                     : Protocol::kUnknown;
  }
  // A reply whose first bytes have come.
  if (server.size() < 4 && !last && !server.empty() &&
      (ascii_digit(server[0]) || server[0] == '+' || server[0] == '*'))
    return Protocol::kUndecided;
  if (server.size() >= 8 &&
      (starts(server.substr(4), "\xffSMB") || starts(server.substr(4), "\xfeSMB")))
    return Protocol::kSmb;
  if (starts_any(server, {"NOTICE ", ":"}) && contains(server, "AUTH :")) return Protocol::kIrc;
  return Protocol::kUnknown;
}

Protocol Detector::judge_client(std::string_view client, bool server_silent, bool last) const {
  if (looks_tls(client)) return Protocol::kTls;
  if (is_http_request(client)) {
    if (has_line(client) || last)
      return contains(client, " HTTP/") ? Protocol::kHttp : Protocol::kUnknown;
    return Protocol::kUndecided;
  }
  if (starts(client, "SSH-")) return Protocol::kSsh;
  if (is_smtp_command(client)) return Protocol::kSmtp;
  // Words that other protocols have, too: where mail is sent they open a session that says little.
  if (is_smtp_port(server_port_) &&
      is_word(client, {"QUIT", "RSET", "NOOP", "HELP", "AUTH", "VRFY", "EXPN"}))
    return Protocol::kSmtp;
  if (is_imap_command(client) && (server_port_ == 143 || server_silent)) return Protocol::kImap;
  if (server_silent && server_port_ == 110 && is_pop3_command(client)) return Protocol::kPop3;
  if (client.size() >= 8 &&
      (starts(client.substr(4), "\xffSMB") || starts(client.substr(4), "\xfeSMB")))
    return Protocol::kSmb;
  if (client.size() >= 11 && starts(client, "\x03") && client[1] == '\0' &&
      static_cast<uint8_t>(client[5]) == 0xe0)
    return Protocol::kRdp;
  if (starts_any(client, {"NICK ", "USER "}) && contains(client, "\nUSER ")) return Protocol::kIrc;
  if (server_port_ == 53 && client.size() > 14 && is_dns(client.substr(2))) return Protocol::kDns;
  return Protocol::kUnknown;
}

Protocol detect_datagram(uint16_t client_port, uint16_t server_port, Bytes b) {
  switch (server_port) {
    case 53:
    case 137:
    case 5353:
    case 5355:
      return is_dns(b) ? Protocol::kDns : Protocol::kUnknown;
    case 67:
    case 68:
      // The magic cookie of DHCP options.
      return b.size() >= 240 && packet::be32(b, 236) == 0x63825363 ? Protocol::kDhcp
                                                                   : Protocol::kUnknown;
    case 123: {
      const int version = b.empty() ? 0 : u8(b, 0) >> 3 & 7;
      return b.size() >= 48 && version >= 1 && version <= 4 ? Protocol::kNtp : Protocol::kUnknown;
    }
    case 161:
    case 162:
      return b.size() > 6 && u8(b, 0) == 0x30 ? Protocol::kSnmp : Protocol::kUnknown;
    case 4789:
      return b.size() >= 8 && (u8(b, 0) & 0x08) != 0 ? Protocol::kVxlan : Protocol::kUnknown;
    case 2152:
      return b.size() >= 8 && (u8(b, 0) & 0xf0) == 0x30 && u8(b, 1) == 0xff ? Protocol::kGtp
                                                                            : Protocol::kUnknown;
    case 3544:
      return b.size() >= 40 ? Protocol::kTeredo : Protocol::kUnknown;
    case 5072:
      return b.size() >= 8 ? Protocol::kAyiya : Protocol::kUnknown;
    case 6081:
      return b.size() >= 8 && u8(b, 0) >> 6 == 0 ? Protocol::kGeneve : Protocol::kUnknown;
    default:
      if (client_port == 53 && is_dns(b)) return Protocol::kDns;
      // A Teredo relay: an IPv6 packet of just this size with an address of the service.
      if (b.size() >= 40 && u8(b, 0) >> 4 == 6 && size_t{be16(b, 4)} + 40 == b.size() &&
          (packet::be32(b, 8) == 0x20010000 || packet::be32(b, 24) == 0x20010000))
        return Protocol::kTeredo;
      return Protocol::kUnknown;
  }
}

}  // namespace postern::net::protocol
