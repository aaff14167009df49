// Mail sessions inside of SOCKS and HTTP tunnels.
#include <gtest/gtest.h>

#include "tests/support/capture_builder.h"
#include "tests/support/decoded_rows.h"

namespace postern::input::pcap {
namespace {

using namespace std::string_literals;
using test::CaptureBuilder;
using test::Conversation;
using test::decode_rows;
using test::Decoded;
using test::get;
using test::TextRow;

const std::vector<std::string> kTables = {"net.flow", "mail.session", "mail.message",
                                          "mail.attachment"};

/// What was said inside; the scanner must see it, too.
struct Scanner final : match::ContentScanner {
  Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
    if (o.view == "tcp.client") client = content;
    return uint32_t{0};
  }

  std::string client;
};

void send_mail(Conversation& c) {
  c.server("220 mx\r\n").client("EHLO box\r\n").server("250 mx\r\n");
  c.client("MAIL FROM:<bot@victim.example>\r\n").server("250 ok\r\n");
  c.client("RCPT TO:<drop@evil.example>\r\n").server("250 ok\r\n");
  c.client("DATA\r\n").server("354 go\r\n").client("Subject: loot\r\n\r\nx\r\n.\r\n");
  c.server("250 queued\r\n").client("QUIT\r\n").server("221 bye\r\n").close();
}

TEST(TunnelContent, ReadsMailThroughSocks5) {
  CaptureBuilder b;
  Conversation c(b, 1080);
  c.handshake().client("\x05\x01\x00"s).server("\x05\x00"s);
  c.client("\x05\x01\x00\x03\x0cmail.example\x02\x4b"s);
  c.server("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
  send_mail(c);
  Scanner scanner;
  const Decoded d = decode_rows(b.file(), kTables, &scanner);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  const TextRow& m = d.rows("mail.message")[0];
  EXPECT_EQ(get(m, "subject"), "loot");
  EXPECT_EQ(get(m, "tunnel"), "socks5");
  EXPECT_EQ(get(m, "tunnel_host"), "mail.example");
  EXPECT_EQ(get(m, "tunnel_port"), "587");
  EXPECT_EQ(get(m, "id.resp_p"), "1080");
  ASSERT_EQ(d.rows("mail.session").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.session")[0], "tunnel_host"), "mail.example");
  EXPECT_EQ(get(d.rows("net.flow").at(0), "service"), "socks,smtp");
  EXPECT_NE(scanner.client.find("RCPT TO"), std::string::npos);
}

TEST(TunnelContent, ReadsMailThroughSocks4AndHttp) {
  CaptureBuilder b;
  Conversation socks(b, 1080);
  socks.handshake().client("\x04\x01\x00\x19\xc0\x00\x02\x01joe\0"s);
  socks.server("\x00\x5a\x00\x00\x00\x00\x00\x00"s);
  send_mail(socks);
  Conversation http(b, 8080, "10.0.0.9");
  http.handshake().client("CONNECT mail.example:25 HTTP/1.1\r\nHost: mail.example\r\n\r\n");
  http.server("HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n");
  http.client("CONNECT mail.example:25 HTTP/1.1\r\nProxy-Authorization: Basic Ym9iOnB3\r\n\r\n");
  http.server("HTTP/1.1 200 Connection established\r\n\r\n");
  send_mail(http);
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("mail.message").size(), 2u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "tunnel"), "socks4");
  EXPECT_EQ(get(d.rows("mail.message")[0], "tunnel_host"), "192.0.2.1");
  EXPECT_EQ(get(d.rows("mail.message")[0], "tunnel_user"), "joe");
  EXPECT_EQ(get(d.rows("mail.message")[1], "tunnel"), "http");
  EXPECT_EQ(get(d.rows("mail.message")[1], "tunnel_user"), "bob");
  EXPECT_EQ(get(d.rows("net.flow")[1], "service"), "http,smtp");
}

TEST(TunnelContent, FollowsTunnelsInTunnels) {
  CaptureBuilder b;
  Conversation c(b, 3128);
  c.handshake().client("CONNECT proxy.example:1080 HTTP/1.1\r\n\r\n");
  c.server("HTTP/1.1 200 OK\r\n\r\n").client("\x05\x01\x00"s).server("\x05\x00"s);
  c.client("\x05\x01\x00\x01\xc0\x00\x02\x05\x00\x19"s);
  c.server("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
  send_mail(c);
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "tunnel_host"), "192.0.2.5");
  EXPECT_EQ(get(d.rows("net.flow")[0], "service"), "http,socks,smtp");
}

TEST(TunnelContent, KnowsTheServerOfAnEncryptedSessionByTheTunnel) {
  CaptureBuilder b;
  Conversation c(b, 3128);
  c.handshake().client("CONNECT imap.example:993 HTTP/1.1\r\n\r\n");
  c.server("HTTP/1.1 200 OK\r\n\r\n");
  c.client(test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0, 0, 0})).close();
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("mail.session").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.session")[0], "protocol"), "imap");
  EXPECT_EQ(get(d.rows("mail.session")[0], "tls"), "true");
  EXPECT_EQ(get(d.rows("mail.session")[0], "tunnel_port"), "993");
}

TEST(TunnelContent, NamesABadHandshakeAndLeavesARefusalAlone) {
  CaptureBuilder b;
  Conversation bad(b, 1080);
  bad.handshake().client("\x05\x01\x00"s).server("\x05\x00"s).client("GET / HTTP/1.1\r\n\r\n");
  bad.close();
  Conversation refused(b, 1081);
  refused.handshake().client("\x05\x01\x00"s).server("\x05\xff"s).close();
  const Decoded d = decode_rows(b.file(), kTables);
  EXPECT_EQ(d.num_anomalies("tunnel-bad-handshake"), 1u);
  EXPECT_EQ(d.rows("mail.session").size(), 0u);
  EXPECT_EQ(get(d.rows("net.flow")[0], "service"), "socks");
}

}  // namespace
}  // namespace postern::input::pcap
