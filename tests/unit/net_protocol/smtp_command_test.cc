#include <gtest/gtest.h>

#include "net/protocol/auth.h"
#include "net/protocol/smtp/command.h"

namespace postern::net::protocol::smtp {
namespace {

TEST(SmtpCommand, TakesVerbAndArgumentApart) {
  const Command c = parse_command("mail  FROM:<a@b> ");
  EXPECT_EQ(c.verb, "MAIL");
  EXPECT_EQ(c.argument, "FROM:<a@b>");
  EXPECT_TRUE(c.known);
  EXPECT_FALSE(parse_command("HELLO x").known);
  EXPECT_EQ(parse_command(std::string_view("MA\0IL x", 7)).verb, "MAIL");
  EXPECT_EQ(parse_command("").verb, "");
}

TEST(SmtpCommand, ReadsPathsAsServersDo) {
  const auto address = [](std::string_view a) { return parse_path(a, "FROM:").address; };
  EXPECT_EQ(address("FROM:<a@b>"), "a@b");
  EXPECT_EQ(address("from: <a@b> SIZE=100"), "a@b");
  EXPECT_EQ(address("FROM :<a@b>"), "a@b");
  EXPECT_EQ(address("FROM:a@b BODY=8BITMIME"), "a@b");
  EXPECT_EQ(address("FROM:<@r1,@r2:a@b>"), "a@b");
  EXPECT_EQ(address("FROM:<\"x>y\"@b> SIZE=1"), "\"x>y\"@b");
  EXPECT_EQ(address("FROM:<>"), "");
  EXPECT_EQ(address("FROM:<a@b"), "a@b");
  EXPECT_EQ(parse_path("FROM:<a@b> SIZE=100 BODY=8BITMIME", "FROM:").parameters,
            "SIZE=100 BODY=8BITMIME");
  EXPECT_TRUE(parse_path("FROM:<>", "FROM:").valid);
  EXPECT_FALSE(parse_path("TO:<a@b>", "FROM:").valid);
  EXPECT_FALSE(parse_path("FROM<a@b>", "FROM:").valid);
}

TEST(SmtpCommand, ReadsReplies) {
  Reply r = parse_reply("250-PIPELINING");
  EXPECT_EQ(r.code, 250);
  EXPECT_FALSE(r.last);
  EXPECT_EQ(r.text, "PIPELINING");
  r = parse_reply("354");
  EXPECT_EQ(r.code, 354);
  EXPECT_TRUE(r.last);
  EXPECT_EQ(parse_reply("Hello").code, 0);
  EXPECT_EQ(parse_reply("2500 x").code, 0);
  EXPECT_EQ(parse_reply("").code, 0);
}

std::string user(std::string_view argument, const std::vector<std::string>& lines = {}) {
  AuthExchange a;
  a.begin(argument);
  for (const std::string& l : lines)
    a.line(l);
  EXPECT_FALSE(a.active()) << argument;
  return a.mechanism() + " " + a.user();
}

TEST(SmtpAuth, FindsTheUserOfEachMechanism) {
  EXPECT_EQ(user("PLAIN AGJvYgBzZWNyZXQ="), "PLAIN bob");
  EXPECT_EQ(user("plain", {"YWRtaW4AYm9iAHNlY3JldA=="}), "PLAIN bob");
  EXPECT_EQ(user("login Ym9i", {"c2VjcmV0"}), "LOGIN bob");
  EXPECT_EQ(user("LOGIN", {"Ym9i", "c2VjcmV0"}), "LOGIN bob");
  EXPECT_EQ(user("CRAM-MD5", {"Ym9iIDAxMjM0NTY3ODlhYmNkZWY="}), "CRAM-MD5 bob");
  // user=bob@x ^A auth=Bearer t ^A ^A
  EXPECT_EQ(user("XOAUTH2 dXNlcj1ib2JAeAFhdXRoPUJlYXJlciB0AQE="), "XOAUTH2 bob@x");
  // n,a=bob@x, ^A …
  EXPECT_EQ(user("OAUTHBEARER bixhPWJvYkB4LAFhdXRoPUJlYXJlciB0AQE="), "OAUTHBEARER bob@x");
  // n,,n=bob,r=nonce
  EXPECT_EQ(user("SCRAM-SHA-256 biwsbj1ib2Iscj1ub25jZQ==", {"x"}), "SCRAM-SHA-256 bob");
}

TEST(SmtpAuth, EndsWhenTheClientCancels) {
  AuthExchange a;
  a.begin("LOGIN");
  EXPECT_TRUE(a.active());
  a.line("*");
  EXPECT_FALSE(a.active());
  EXPECT_EQ(a.user(), "");
}

TEST(SmtpAuth, KeepsNoPassword) {
  AuthExchange a;
  a.begin("LOGIN Ym9i");
  a.line("c2VjcmV0");
  EXPECT_EQ(a.user(), "bob");
}

}  // namespace
}  // namespace postern::net::protocol::smtp
