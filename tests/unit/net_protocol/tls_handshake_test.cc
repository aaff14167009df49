#include <gtest/gtest.h>

#include "net/protocol/tls/handshake.h"
#include "tests/support/capture_builder.h"

namespace postern::net::protocol::tls {
namespace {

using test::b16;
using test::bytes;

std::string block16(const std::string& s) {
  return b16(static_cast<uint32_t>(s.size())) + s;
}

std::string block8(const std::string& s) {
  return bytes({static_cast<int>(s.size())}) + s;
}

std::string extension(uint32_t type, const std::string& body) {
  return b16(type) + block16(body);
}

std::string words(std::initializer_list<uint32_t> values) {
  std::string out;
  for (const uint32_t v : values)
    out += b16(v);
  return out;
}

std::string client_hello() {
  const std::string extensions =
      extension(0x1a1a, "") + extension(0, block16(bytes({0}) + block16("mail.example"))) +
      extension(10, block16(words({0x2a2a, 29, 23}))) + extension(11, block8(bytes({0}))) +
      extension(13, block16(words({0x0403, 0x0804}))) + extension(16, block16(block8("imap"))) +
      extension(43, block8(words({0x0304, 0x0303})));
  return b16(0x0303) + std::string(32, 'r') + block8("id") +
         block16(words({0x0a0a, 0x1301, 0x1302, 0xc02f})) + block8(bytes({0})) +
         block16(extensions);
}

std::string handshake(int type, const std::string& body) {
  return bytes({type, 0}) + block16(body);
}

std::string record(const std::string& payload) {
  return bytes({22, 3, 1}) + block16(payload);
}

std::string der(int tag, const std::string& content) {
  return content.size() < 128 ? bytes({tag, static_cast<int>(content.size())}) + content
                              : bytes({tag, 0x82}) + block16(content);
}

std::string name(const std::string& cn) {
  return der(0x30, der(0x31, der(0x30, der(6, "\x55\x04\x03") + der(12, cn))));
}

std::string certificate() {
  const std::string alternatives = der(0x30, der(0x82, "mx.example") + der(0x82, "imap.example"));
  const std::string extensions =
      der(0xa3, der(0x30, der(0x30, der(6, "\x55\x1d\x11") + der(4, alternatives))));
  return der(0x30, der(0x30, der(0xa0, der(2, bytes({2}))) + der(2, bytes({1})) + der(0x30, "") +
                                 name("Some CA") + der(0x30, "") + name("mx.example") +
                                 der(0x30, std::string(100, 'k')) + extensions));
}

TEST(TlsHandshake, ReadsWhatAClientAsksFor) {
  const ClientHello h = parse_client_hello(client_hello());
  ASSERT_TRUE(h.valid);
  EXPECT_EQ(h.server_name, "mail.example");
  EXPECT_EQ(h.alpn, std::vector<std::string>{"imap"});
  EXPECT_EQ(ja3_text(h), "771,4865-4866-49199,0-10-11-13-16-43,29-23,0") << "without GREASE";
  EXPECT_EQ(ja4(h).substr(0, 11), "t13d0306ip_") << "three ciphers, six extensions, imap";
  EXPECT_EQ(ja4(h).size(), 36u);
  // Ciphers sorted: 1301,1302,c02f.
  EXPECT_EQ(ja4(h).substr(11, 12), ja4(parse_client_hello(client_hello())).substr(11, 12));
}

TEST(TlsHandshake, PutsTogetherRecordsAndMessagesInPieces) {
  const std::string hello = handshake(1, client_hello());
  const std::string client = record(hello.substr(0, 50)) + record(hello.substr(50));
  const std::string chain = bytes({0}) + block16(bytes({0}) + block16(certificate()));
  const std::string server =
      record(handshake(2, b16(0x0303) + std::string(32, 's') + block8("") + bytes({0, 1, 0})) +
             handshake(11, chain));
  Handshake t;
  for (const char c : client)
    t.feed(true, std::string(1, c));
  for (const char c : server)
    t.feed(false, std::string(1, c));
  EXPECT_EQ(t.client_hello().server_name, "mail.example");
  EXPECT_EQ(version_name(t.version()), "TLS 1.2");
  EXPECT_EQ(t.certificate().subject, "CN=mx.example");
  EXPECT_EQ(t.certificate().issuer, "CN=Some CA");
  EXPECT_EQ(t.certificate().names, (std::vector<std::string>{"mx.example", "imap.example"}));
}

TEST(TlsHandshake, SurvivesWhateverComes) {
  const std::string client = record(handshake(1, client_hello()));
  for (size_t n = 0; n < client.size(); ++n) {
    Handshake cut;
    cut.feed(true, client.substr(0, n));
    EXPECT_FALSE(cut.client_hello().valid);
    std::string changed = client;
    changed[n] = static_cast<char>(changed[n] ^ 0xff);
    Handshake other;
    other.feed(true, changed);
    static_cast<void>(ja4(other.client_hello()));
  }
  const std::string whole = certificate();
  for (size_t n = 0; n < whole.size(); ++n) {
    static_cast<void>(parse_certificate(whole.substr(0, n)));
    std::string changed = whole;
    changed[n] = static_cast<char>(0xff);
    static_cast<void>(parse_certificate(changed));
  }
  Handshake endless;
  for (int i = 0; i < 100; ++i)
    endless.feed(false, bytes({22, 3, 3, 0x40, 0}) + std::string(0x4000, '\x02'));
  EXPECT_EQ(endless.version(), 0);
}

}  // namespace
}  // namespace postern::net::protocol::tls
