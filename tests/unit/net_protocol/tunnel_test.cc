#include <gtest/gtest.h>

#include "net/protocol/tunnel/handshake.h"

namespace postern::net::protocol::tunnel {
namespace {

using namespace std::string_literals;

/// Feeds both sides, whole or byte by byte, and keeps what was said inside.
struct Wire {
  explicit Wire(Kind kind, bool bytewise = false) : handshake(kind), by_byte(bytewise) {}

  void client(const std::string& bytes) { feed(true, bytes); }

  void server(const std::string& bytes) { feed(false, bytes); }

  Handshake handshake;
  std::string inside;  // "C:…" and "S:…"

 private:
  void feed(bool from_client, const std::string& bytes) {
    const size_t step = by_byte ? 1 : bytes.size();
    for (size_t at = 0; at < bytes.size(); at += step)
      for (const Said& s : handshake.feed(from_client, std::string_view(bytes).substr(at, step)))
        inside += (s.from_client ? "C:" : "S:") + s.bytes;
  }

  bool by_byte;
};

class TunnelTest : public testing::TestWithParam<bool> {};

TEST_P(TunnelTest, Socks5WithNameAndPasswordLeadsToTheTarget) {
  Wire w(Kind::kSocks5, GetParam());
  w.client("\x05\x02\x00\x02"s);
  w.server("\x05\x02"s);
  w.client("\x01\x03"s + "bob" + "\x06"s + "secret");
  w.server("\x01\x00"s);
  w.client("\x05\x01\x00\x03\x0c"s + "mail.example" + "\x02\x4b"s);
  w.server("\x05\x00\x00\x01\x0a\x00\x00\x01\x04\x38"s);
  EXPECT_TRUE(w.handshake.inside(true));
  EXPECT_EQ(w.handshake.target().host, "mail.example");
  EXPECT_EQ(w.handshake.target().port, 587);
  EXPECT_EQ(w.handshake.target().user, "bob");
  EXPECT_EQ(w.inside, "");
  w.server("x");
  w.client("y");
  EXPECT_EQ(w.inside, "S:xC:y");
}

TEST_P(TunnelTest, Socks5OverIpV6AndAGreetingInTheSamePacket) {
  Wire w(Kind::kSocks5);
  w.client("\x05\x01\x00"s);
  w.server("\x05\x00"s);
  w.client("\x05\x01\x00\x04\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01\x00\x19"s);
  w.server("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s + "220 hi\r\n");
  EXPECT_EQ(w.handshake.target().host, "2001:db8::1");
  EXPECT_EQ(w.handshake.target().port, 25);
  EXPECT_EQ(w.inside, "S:220 hi\r\n");
}

TEST_P(TunnelTest, Socks5RefusedIsOver) {
  Wire w(Kind::kSocks5, GetParam());
  w.client("\x05\x01\x00"s);
  w.server("\x05\xff"s);
  EXPECT_TRUE(w.handshake.failed());
  EXPECT_TRUE(w.handshake.refused());
}

TEST_P(TunnelTest, Socks4WithAddressAndSocks4aWithName) {
  Wire plain(Kind::kSocks4, GetParam());
  plain.client("\x04\x01\x00\x19\xc0\x00\x02\x01"s + "joe\0"s);
  plain.server("\x00\x5a\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(plain.handshake.target().host, "192.0.2.1");
  EXPECT_EQ(plain.handshake.target().user, "joe");
  EXPECT_TRUE(plain.handshake.inside(false));
  Wire named(Kind::kSocks4, GetParam());
  named.client("\x04\x01\x00\x8f\x00\x00\x00\x01\x00"s + "imap.example\0"s);
  named.server("\x00\x5a\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(named.handshake.target().host, "imap.example");
  EXPECT_EQ(named.handshake.target().port, 143);
}

TEST_P(TunnelTest, ConnectIsAskedAgainAfterAPasswordWasWanted) {
  Wire w(Kind::kHttpConnect, GetParam());
  w.client("CONNECT mail.example:587 HTTP/1.1\r\nHost: mail.example:587\r\n\r\n");
  w.server("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nsorr");
  EXPECT_TRUE(w.handshake.refused());
  w.client("CONNECT mail.example:587 HTTP/1.1\r\nProxy-Authorization: Basic Ym9iOnB3\r\n\r\n");
  w.server("HTTP/1.1 200 Connection established\r\n\r\n220 mail.example ESMTP\r\n");
  EXPECT_EQ(w.handshake.target().user, "bob");
  w.client("EHLO me\r\n");
  std::string joined;
  for (size_t at = 0; at < w.inside.size(); ++at)
    if (!(w.inside[at] == ':' || w.inside[at] == 'S' || w.inside[at] == 'C'))
      joined += w.inside[at];
  EXPECT_EQ(joined, "220 mail.example EMTP\r\nEHLO me\r\n");
}

TEST_P(TunnelTest, WhatTheClientSaysBeforeTheAnswerIsKept) {
  Wire w(Kind::kHttpConnect);
  w.client("CONNECT [2001:db8::5]:25 HTTP/1.0\r\n\r\n");
  w.server("HTTP/1.0 2");
  w.client("EHLO early\r\n");
  EXPECT_EQ(w.inside, "");
  w.server("00 OK\r\n\r\n220 x\r\n");
  EXPECT_EQ(w.inside, "C:EHLO early\r\nS:220 x\r\n");
  EXPECT_EQ(w.handshake.target().host, "2001:db8::5");
}

TEST_P(TunnelTest, AClientAloneIsEnough) {
  Wire http(Kind::kHttpConnect, GetParam());
  http.client("CONNECT mail.example:25 HTTP/1.1\r\n\r\nEHLO me\r\n");
  EXPECT_TRUE(http.handshake.inside(true));
  Wire socks(Kind::kSocks5, GetParam());
  socks.client("\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x09\x00\x19"s + "EHLO me\r\n");
  EXPECT_TRUE(socks.handshake.inside(true));
  EXPECT_EQ(socks.handshake.target().host, "192.0.2.9");
}

TEST_P(TunnelTest, EndlessHeadersAreGivenUp) {
  Wire w(Kind::kHttpConnect);
  for (int i = 0; i < 100 && !w.handshake.failed(); ++i)
    w.client("CONNECT " + std::string(1000, 'a'));
  EXPECT_TRUE(w.handshake.failed());
}

INSTANTIATE_TEST_SUITE_P(WholeAndByteByByte, TunnelTest, testing::Bool());

TEST(GuessSocks, NeedsAnAnswerThatFits) {
  EXPECT_EQ(guess_socks("\x05\x01\x00"s, ""), Guess::kPerhaps);
  EXPECT_EQ(guess_socks("\x05\x01\x00"s, "\x05\x00"s), Guess::kSocks5);
  EXPECT_EQ(guess_socks("\x05\x01\x00"s, "220 hi"), Guess::kNo);
  EXPECT_EQ(guess_socks("\x05\x01\x00"s, "\x05\x02"s), Guess::kNo);
  EXPECT_EQ(guess_socks("\x04\x01\x00\x19\xc0\x00\x02\x01\x00"s, ""), Guess::kPerhaps);
  EXPECT_EQ(guess_socks("\x04\x01\x00\x19\xc0\x00\x02\x01\x00\x45"s, ""), Guess::kSocks4);
  EXPECT_EQ(guess_socks("\x04\x01\x00\x19\xc0\x00\x02\x01\x00"s, "\x00\x5b"s), Guess::kSocks4);
  EXPECT_EQ(guess_socks("\x04\x01\x00\x00\xc0\x00\x02\x01\x00"s, ""), Guess::kNo);
  EXPECT_EQ(guess_socks("EHLO", ""), Guess::kNo);
}

}  // namespace
}  // namespace postern::net::protocol::tunnel
