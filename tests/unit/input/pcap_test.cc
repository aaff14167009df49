#include "input/pcap/pcap.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/capture_builder.h"
#include "tests/support/decoded_rows.h"

namespace postern::input::pcap {
namespace {

using test::CaptureBuilder;
using test::Conversation;
using test::decode_rows;
using test::Decoded;
using test::get;
using test::TextRow;

const std::vector<std::string> kTables = {"net.flow", "mail.session", "mail.message",
                                          "mail.attachment"};

constexpr std::string_view kMail =
    "Subject: =?utf-8?q?PW=5Fadmin/PC?=\r\n"
    "From: Bot <bot@victim.example>\r\n"
    "To: drop@evil.example\r\n"
    "Received: from a ([192.0.2.7]) by b; Thu, 04 Mar 2021 01:39:13 -0800\r\n"
    "X-Mailer: Roundcube Webmail\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/html; charset=us-ascii\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "Computer Name: U=\r\nSER-PC\r\n"
    "--b\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Disposition: attachment; filename=loot.txt\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "TVqQAA==\r\n"
    "--b--\r\n";

void talk(Conversation& c) {
  c.handshake()
      .server("220 mx ESMTP Postfix\r\n")
      .client("EHLO box\r\n")
      .server("250-mx\r\n250 AUTH LOGIN\r\n");
  c.client("AUTH LOGIN Ym9i\r\n")
      .server("334 UGFzcw==\r\n")
      .client("c2VjcmV0\r\n")
      .server("235 ok\r\n");
  c.client("MAIL FROM:<bot@victim.example>\r\n").server("250 ok\r\n");
  c.client("RCPT TO:<drop@evil.example>\r\n")
      .server("250 ok\r\n")
      .client("DATA\r\n")
      .server("354 go\r\n");
  c.client(std::string(kMail) + ".\r\n")
      .server("250 queued as 7\r\n")
      .client("QUIT\r\n")
      .server("221 bye\r\n")
      .close();
}

TEST(Pcap, GivesFlowSessionMessageAndAttachment) {
  CaptureBuilder b;
  Conversation c(b);
  talk(c);
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("net.flow").size(), 1u);
  ASSERT_EQ(d.rows("mail.session").size(), 1u);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  ASSERT_EQ(d.rows("mail.attachment").size(), 1u);
  const TextRow& flow = d.rows("net.flow")[0];
  EXPECT_EQ(get(flow, "service"), "smtp");
  EXPECT_EQ(get(flow, "conn_state"), "SF");
  EXPECT_EQ(get(flow, "ts"), "2020-09-13T12:26:40Z");
  EXPECT_EQ(get(flow, "id.orig_h"), "10.0.0.1");
  EXPECT_EQ(get(flow, "id.resp_p"), "25");
  EXPECT_EQ(get(flow, "local_orig"), "true");

  const TextRow& session = d.rows("mail.session")[0];
  EXPECT_EQ(get(session, "uid"), get(flow, "uid"));
  EXPECT_EQ(get(session, "auth_user"), "bob");
  EXPECT_EQ(get(session, "auth_mechanism"), "LOGIN");
  EXPECT_EQ(get(session, "auth_success"), "true");
  EXPECT_EQ(get(session, "software"), "Postfix");
  EXPECT_EQ(get(session, "client_software"), "Roundcube Webmail");
  EXPECT_EQ(get(session, "num_messages"), "1");
  EXPECT_EQ(get(session, "client_bytes"), get(flow, "orig_bytes"));

  const TextRow& mail = d.rows("mail.message")[0];
  EXPECT_EQ(get(mail, "mailfrom"), "bot@victim.example");
  EXPECT_EQ(get(mail, "rcptto"), R"(["drop@evil.example"])");
  EXPECT_EQ(get(mail, "subject"), "PW_admin/PC");
  EXPECT_EQ(get(mail, "from"), "Bot <bot@victim.example>");
  EXPECT_EQ(get(mail, "path"), R"(["10.0.0.2","10.0.0.1","192.0.2.7"])");
  EXPECT_EQ(get(mail, "is_webmail"), "true");
  EXPECT_EQ(get(mail, "message_bytes"), std::to_string(kMail.size()));
  EXPECT_EQ(get(mail, "num_attachments"), "1");
  EXPECT_EQ(get(mail, "attachment_names"), R"(["loot.txt"])");
  EXPECT_EQ(get(mail, "complete"), "true");
  EXPECT_EQ(get(mail, "last_reply"), "250 queued as 7");
  EXPECT_EQ(get(mail, "cc"), "-");

  const TextRow& file = d.rows("mail.attachment")[0];
  EXPECT_EQ(get(file, "filename"), "loot.txt");
  EXPECT_EQ(get(file, "content_type"), "text/plain");
  EXPECT_EQ(get(file, "real_type"), "application/x-dosexec") << "declared is not what it is";
  EXPECT_EQ(get(file, "size"), "4");
  EXPECT_EQ(get(file, "sha256").size(), 64u);
  EXPECT_TRUE(d.anomalies.all().empty());
}

struct Scanner final : match::ContentScanner {
  Result<uint32_t> scan(const match::ContentOrigin& origin, std::string_view content) override {
    scans.emplace_back(origin, std::string(content));
    if (fails) return Error{Code::kLimit, "time-out"};
    return uint32_t{0};
  }

  const std::pair<match::ContentOrigin, std::string>* find(std::string_view view) const {
    for (const auto& s : scans)
      if (s.first.view == view) return &s;
    return nullptr;
  }

  std::vector<std::pair<match::ContentOrigin, std::string>> scans;
  bool fails = false;
};

std::string field(const match::ContentOrigin& o, std::string_view name) {
  for (const auto& f : o.fields)
    if (f.first == name) return f.second;
  return "-";
}

TEST(Pcap, HandsEveryViewToTheScanner) {
  CaptureBuilder b;
  Conversation c(b);
  talk(c);
  Scanner scanner;
  decode_rows(b.file(), {}, &scanner);
  ASSERT_EQ(scanner.scans.size(), 5u);
  EXPECT_EQ(scanner.find("mail.raw")->second, kMail);
  EXPECT_EQ(scanner.find("mail.body")->second, "Computer Name: USER-PC");
  const auto* file = scanner.find("mail.attachment");
  EXPECT_EQ(file->second, std::string("MZ\x90\0", 4));
  EXPECT_EQ(file->first.name, "loot.txt");
  EXPECT_EQ(field(file->first, "Attachment"), "loot.txt");
  EXPECT_EQ(field(file->first, "SrcIp"), "10.0.0.1");
  EXPECT_EQ(field(file->first, "DstPort"), "25");
  EXPECT_EQ(field(file->first, "MailFrom"), "bot@victim.example");
  EXPECT_EQ(field(file->first, "RcptTo"), "drop@evil.example");
  EXPECT_EQ(field(file->first, "Subject"), "PW_admin/PC");
  EXPECT_EQ(field(file->first, "Protocol"), "smtp");
  EXPECT_EQ(file->first.path, "test");
  EXPECT_GT(file->first.offset, 24u);
  EXPECT_NE(scanner.find("tcp.client")->second.find("MAIL FROM"), std::string::npos);
  EXPECT_EQ(scanner.find("tcp.client")->first.offset, 24u);
  EXPECT_NE(scanner.find("tcp.server")->second.find("354 go"), std::string::npos);
}

TEST(Pcap, CountsAScannerThatFails) {
  CaptureBuilder b;
  Conversation c(b);
  talk(c);
  Scanner scanner;
  scanner.fails = true;
  const Decoded d = decode_rows(b.file(), kTables, &scanner);
  EXPECT_EQ(d.num_anomalies("scan-failed"), 5u);
  EXPECT_EQ(d.rows("mail.message").size(), 1u);
}

TEST(Pcap, ScansUnknownTextButNoEncryptedStream) {
  CaptureBuilder b;
  Conversation chat(b, 7777);
  chat.handshake()
      .client("secret words of a protocol")
      .server("that nobody knows, not even this")
      .close();
  Conversation tls(b, 443, "10.0.0.3");
  tls.handshake()
      .client(test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0}))
      .server(test::bytes({0x16, 3, 3, 0, 5, 2, 0}))
      .close();
  Scanner scanner;
  const Decoded d = decode_rows(b.file(), {"net.flow"}, &scanner);
  ASSERT_EQ(scanner.scans.size(), 2u);
  EXPECT_EQ(scanner.find("tcp.client")->second, "secret words of a protocol");
  ASSERT_EQ(d.rows("net.flow").size(), 2u);
  EXPECT_EQ(get(d.rows("net.flow")[1], "service"), "ssl");
}

TEST(Pcap, ShowsBothCopiesOfBytesThatDiffer) {
  CaptureBuilder b;
  Conversation c(b, 7777);
  c.handshake()
      .raw(true, test::kAck, "what one reads", 0)
      .raw(true, test::kAck, "what one hides", 0);
  c.client_seq += 14;
  c.close();
  Scanner scanner;
  const Decoded d = decode_rows(b.file(), {}, &scanner);
  ASSERT_EQ(scanner.scans.size(), 2u);
  EXPECT_EQ(scanner.scans[0].second, "what one hides");
  EXPECT_EQ(scanner.scans[0].first.name, "second copy");
  EXPECT_EQ(scanner.scans[1].second, "what one reads");
  EXPECT_EQ(d.num_anomalies("tcp-overlap-conflict"), 1u);
}

TEST(Pcap, EndsTheViewsWhereTlsBegins) {
  CaptureBuilder b;
  Conversation c(b);
  c.handshake()
      .server("220 mx ESMTP\r\n")
      .client("EHLO x\r\n")
      .server("250 STARTTLS\r\n")
      .client("STARTTLS\r\n");
  c.server("220 go\r\n").client(test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0})).close();
  Scanner scanner;
  const Decoded d = decode_rows(b.file(), kTables, &scanner);
  EXPECT_EQ(get(d.rows("net.flow")[0], "service"), "smtp,ssl");
  EXPECT_EQ(get(d.rows("mail.message")[0], "tls"), "true");
  EXPECT_EQ(get(d.rows("mail.session")[0], "tls"), "true");
  EXPECT_EQ(scanner.find("tcp.client")->second, "EHLO x\r\nSTARTTLS\r\n");
}

TEST(Pcap, TurnsAFlowRoundWhenItsContentSaysSo) {
  CaptureBuilder b;
  Conversation c(b, 2526);  // a port that tells nothing, and no beginning
  c.server("220 mx.example ESMTP ready\r\n")
      .client("EHLO x\r\n")
      .server("250 mx\r\n")
      .client("MAIL FROM:<a@b>\r\n");
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("net.flow").size(), 1u);
  EXPECT_EQ(get(d.rows("net.flow")[0], "id.orig_h"), "10.0.0.1");
  EXPECT_NE(get(d.rows("net.flow")[0], "history").find('^'), std::string::npos);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "id.orig_h"), "10.0.0.1");
  EXPECT_EQ(get(d.rows("mail.message")[0], "mailfrom"), "a@b");
}

TEST(Pcap, TurnsAFlowRoundThatIsUnderstoodOnlyAtItsEnd) {
  CaptureBuilder b;
  Conversation c(b, 2526);
  c.raw(false, test::kAck, "220 mx.example ESMTP");  // a greeting whose line end was not captured
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("mail.session").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.session")[0], "id.resp_p"), "2526");
  EXPECT_EQ(get(d.rows("net.flow")[0], "id.resp_p"), "2526");
}

TEST(Pcap, RecognisesMailboxSessions) {
  CaptureBuilder b;
  Conversation imap(b, 143);
  imap.handshake().server("* OK Dovecot ready.\r\n").client("a1 STARTTLS\r\n").server("a1 OK\r\n");
  imap.client(test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0})).close();
  Conversation pop(b, 110, "10.0.0.3");
  pop.handshake().server("+OK hi\r\n").client("QUIT\r\n").close();
  const Decoded d = decode_rows(b.file(), kTables);
  ASSERT_EQ(d.rows("mail.session").size(), 2u);
  EXPECT_EQ(get(d.rows("mail.session")[0], "protocol"), "imap");
  EXPECT_EQ(get(d.rows("mail.session")[0], "tls"), "true");
  EXPECT_EQ(get(d.rows("mail.session")[0], "software"), "Dovecot");
  EXPECT_EQ(get(d.rows("mail.session")[1], "protocol"), "pop3");
  EXPECT_EQ(get(d.rows("net.flow")[0], "service"), "imap,ssl");
}

TEST(Pcap, DecodesWhatACutFileHolds) {
  CaptureBuilder b;
  Conversation c(b);
  talk(c);
  // Every cut gives a flow or nothing, an anomaly where a packet is cut, and never a crash.
  for (size_t n = 24; n < b.file().size(); n += 13) {
    const Decoded d = decode_rows(std::string_view(b.file()).substr(0, n), kTables);
    EXPECT_LE(d.rows("net.flow").size(), 1u);
    const bool whole =
        n == 24 || std::find(b.offsets().begin(), b.offsets().end(), n) != b.offsets().end();
    EXPECT_EQ(d.num_anomalies("pcap-truncated"), whole ? 0u : 1u) << n;
  }
}

TEST(Pcap, ReadsOnAfterPacketsCutByTheSnapLength) {
  CaptureBuilder whole;
  Conversation c(whole);
  talk(c);
  // The same packets with 200 bytes of each.
  CaptureBuilder cut;
  for (size_t i = 0; i < whole.offsets().size(); ++i) {
    const size_t begin = whole.offsets()[i] + 16;
    const size_t end =
        i + 1 < whole.offsets().size() ? whole.offsets()[i + 1] : whole.file().size();
    const size_t size = end - begin;
    cut.frame(i * 1000, std::string_view(whole.file()).substr(begin, std::min<size_t>(size, 200)),
              static_cast<uint32_t>(size));
  }
  const Decoded d = decode_rows(cut.file(), kTables);
  EXPECT_EQ(d.num_anomalies("packet-cut"), 1u);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "subject"), "PW_admin/PC");
  EXPECT_EQ(get(d.rows("mail.message")[0], "complete"), "false");
  EXPECT_EQ(get(d.rows("mail.message")[0], "last_reply"), "250 queued as 7");
}

TEST(Pcap, NamesAnUnknownLinkType) {
  CaptureBuilder b(9999);
  b.frame(0, "something").frame(1, "else");
  const Decoded d = decode_rows(b.file(), kTables);
  EXPECT_EQ(d.num_anomalies("link-unknown"), 2u);
  EXPECT_EQ(d.anomalies.all().find("link-unknown")->second.detail, "link type 9999");
}

TEST(Pcap, StopsWhenTheSinkHasEnough) {
  struct Stop final : data::BatchSink {
    bool push(data::Batch&&) override {
      ++pushes;
      return false;
    }

    void skipped(std::string_view, uint64_t) override {}

    int pushes = 0;
  };

  CaptureBuilder b;
  for (int i = 0; i < 20'000; ++i)
    b.frame(
        static_cast<uint64_t>(i) * 100'000,
        test::ethernet(0x0800, test::ipv4({"10.0.0.1", "10.0.0.2", 17}, test::udp(i + 1, 9, "x"))));
  data::Layouts layouts;
  data::Layout layout("net.flow");
  layout.add("uid", data::Type::kString);
  layouts.emplace("net.flow", layout);
  Stop sink;
  data::Anomalies anomalies;
  DecodeContext context{layouts, sink, anomalies};
  decode({"f", b.file(), nullptr}, context);
  EXPECT_EQ(sink.pushes, 1);
}

}  // namespace
}  // namespace postern::input::pcap
