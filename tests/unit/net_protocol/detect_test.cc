#include "net/protocol/detect.h"

#include <gtest/gtest.h>

#include "tests/support/capture_builder.h"

namespace postern::net::protocol {
namespace {

using stream::Side;

constexpr Side kClient = Side::kOriginator;
constexpr Side kServer = Side::kResponder;

struct Said {
  Side side;
  std::string text;
};

std::string detect(int port,
                   const std::vector<Said>& talk,
                   bool midstream = false,
                   int client_port = 40000) {
  Detector d(static_cast<uint16_t>(client_port), static_cast<uint16_t>(port), midstream);
  for (const Said& s : talk)
    d.feed(s.side, s.text);
  std::string name(service_name(d.finish()));
  if (d.reversed()) name += " reversed";
  return name;
}

TEST(Detect, KnowsProtocolsByTheirFirstWords) {
  EXPECT_EQ(detect(25, {{kServer, "220 mx ESMTP Postfix\r\n"}}), "smtp");
  EXPECT_EQ(detect(9999, {{kServer, "220 mx ESMTP Postfix\r\n"}}), "smtp");
  EXPECT_EQ(detect(9999, {{kServer, "220 welcome\r\n"}, {kClient, "EHLO x\r\n"}}), "smtp");
  EXPECT_EQ(detect(9999, {{kServer, "220 welcome\r\n"}, {kClient, "USER x\r\n"}}), "ftp");
  EXPECT_EQ(detect(21, {{kServer, "220 ready\r\n"}}), "ftp");
  EXPECT_EQ(detect(25, {{kServer, "554 go away\r\n"}}), "smtp");
  EXPECT_EQ(detect(9999, {{kClient, "EHLO x\r\nMAIL FROM:<a@b>\r\n"}}), "smtp");
  EXPECT_EQ(detect(25, {{kClient, "QUIT\r\n"}}), "smtp");
  EXPECT_EQ(detect(9999, {{kClient, "QUIT\r\n"}}), "");
  EXPECT_EQ(detect(143, {{kServer, "* OK ready\r\n"}}), "imap");
  EXPECT_EQ(detect(9999, {{kServer, "* PREAUTH ready\r\n"}}), "imap");
  EXPECT_EQ(detect(110, {{kServer, "+OK ready\r\n"}}), "pop3");
  EXPECT_EQ(detect(22, {{kServer, "SSH-2.0-x\r\n"}}), "ssh");
  EXPECT_EQ(detect(9999, {{kClient, "GET / HTTP/1.1\r\n"}}), "http");
  EXPECT_EQ(detect(465, {{kClient, test::bytes({0x16, 3, 1, 2, 0, 1, 0})}}), "ssl");
}

TEST(Detect, DoesNotTakeOthersForMail) {
  EXPECT_EQ(
      detect(6379, {{kClient, "*1\r\n$4\r\nPING\r\n"}, {kServer, "+OK\r\n+PONG\r\n+PONG\r\n"}}),
      "");
  EXPECT_EQ(
      detect(6379, {{kClient, "AUTH secret and more\r\n"}, {kServer, "+OK\r\n+PONG\r\n+PONG\r\n"}}),
      "");
  EXPECT_EQ(detect(9999, {{kClient, "some text that is nothing\r\n"},
                          {kServer, "another text, also nothing\r\n"}}),
            "");
  EXPECT_EQ(detect(25, {}), "");
}

TEST(Detect, DecidesWithTheGreetingInSinglePieces) {
  Detector d(40000, 2526, false);
  for (const char c : std::string_view("220 mx ESMTP\r"))
    EXPECT_EQ(d.feed(kServer, std::string(1, c)), Protocol::kUndecided);
  EXPECT_EQ(d.feed(kServer, "\n"), Protocol::kSmtp);
}

TEST(Detect, FindsTheServerWhereTheBeginningIsMissing) {
  EXPECT_EQ(detect(40000, {{kClient, "220 mx.example ESMTP ready\r\n"}}, true, 2526),
            "smtp reversed");
  EXPECT_EQ(detect(40000, {{kServer, "MAIL FROM:<a@b>\r\n"}}, true, 2526), "smtp reversed");
  EXPECT_EQ(detect(25, {{kClient, "in the middle of a mail\r\n"}}, true), "smtp");
  EXPECT_EQ(detect(25, {{kServer, "250 queued\r\n"}}, true), "smtp");
}

TEST(Detect, StopsLookingAfterAWhile) {
  Detector d(1, 9999, false);
  EXPECT_EQ(d.feed(kClient, std::string(5000, 'x')), Protocol::kUnknown);
}

TEST(Detect, KnowsDatagramsByPortAndForm) {
  const std::string query =
      test::bytes({1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1});
  EXPECT_EQ(detect_datagram(40000, 53, query), Protocol::kDns);
  EXPECT_EQ(detect_datagram(40000, 53, "short"), Protocol::kUnknown);
  EXPECT_EQ(detect_datagram(40000, 9999, query), Protocol::kUnknown);
  EXPECT_EQ(detect_datagram(123, 123, "\x23" + std::string(47, '\0')), Protocol::kNtp);
}

}  // namespace
}  // namespace postern::net::protocol
