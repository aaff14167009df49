// What the clear part of a TLS handshake tells: the name that the client asks for, the protocols it
// offers, its fingerprints, and the names in the server's certificate (up to TLS 1.2).
//
// Sources: RFC 5246 and 8446 (handshake), 6066 (server name), 7301 (ALPN), 8701 (GREASE), X.690 and
// RFC 5280 (certificates); JA3 by Salesforce (2017), JA4 by FoxIO (2023), from their descriptions.
// Tests: tests/unit/net_protocol/tls_handshake_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::net::protocol::tls {

struct ClientHello {
  bool valid = false;
  uint16_t version = 0;
  std::vector<uint16_t> ciphers, extensions, groups, signatures, versions;
  std::vector<uint8_t> point_formats;
  std::string server_name;
  std::vector<std::string> alpn;
};

/// The body of a ClientHello, without the four bytes of its handshake header.
ClientHello parse_client_hello(std::string_view body);

/// The text whose MD5 is the JA3 fingerprint.
std::string ja3_text(const ClientHello& h);
/// "t13d1516h2_8daaf6152771_e5627efa2ab1"
std::string ja4(const ClientHello& h);

struct Certificate {
  std::string subject, issuer;     ///< "CN=mail.example,O=Example"
  std::vector<std::string> names;  ///< DNS names, at most 64
};

/// A certificate in DER; what cannot be read stays empty.
Certificate parse_certificate(std::string_view der);

/// "TLS 1.2", or "" for what is no version.
std::string version_name(uint16_t version);

/// Reads both sides of a connection from the beginning of its handshake until what follows is
/// encrypted or nothing more is to be learned.
class Handshake {
 public:
  void feed(bool from_client, std::string_view bytes);
  /// Bytes of one side are lost: it is not read on.
  void gap(bool from_client);

  const ClientHello& client_hello() const { return hello_; }

  const Certificate& certificate() const { return certificate_; }

  /// Agreed by the server; 0 not seen.
  uint16_t version() const { return version_; }

 private:
  struct Side {
    std::string held;      // of a record or a message that is not whole
    std::string messages;  // payloads of handshake records
    bool done = false;
  };

  void records(Side& s, bool from_client);
  void messages(Side& s, bool from_client);
  void server_hello(std::string_view body);

  Side sides_[2];
  ClientHello hello_;
  Certificate certificate_;
  uint16_t version_ = 0;
};

}  // namespace postern::net::protocol::tls
