#include <gtest/gtest.h>

#include "net/protocol/pop3/session.h"
#include "tests/support/capture_builder.h"
#include "tests/support/mailbox_script.h"

namespace postern::net::protocol::pop3 {
namespace {

using Script = test::MailboxScript<Session>;
using Lines = std::vector<std::string>;

TEST(Pop3Session, ReadsWhatIsFetchedAndDeleted) {
  Script t;
  t.s("+OK ready\r\n").c("USER bot\r\n").s("+OK\r\n").c("PASS secret\r\n").s("+OK in\r\n");
  t.c("STAT\r\n").s("+OK 1 20\r\n").c("RETR 1\r\n");
  t.s("+OK 20 octets\r\nSubject: x\r\n\r\n..dot\r\n.\r\n");
  t.c("DELE 1\r\n").s("+OK\r\n").c("QUIT\r\n").s("+OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.contents[1], "Subject: x\r\n\r\n.dot\r\n|") << "the stuffed dot is gone";
  EXPECT_TRUE(t.messages[0].complete);
  EXPECT_EQ(t.messages[0].number, "1");
  EXPECT_EQ(t.messages[0].user, "bot");
  const MailboxSummary& s = t.session.summary();
  EXPECT_EQ(s.banner, "ready");
  EXPECT_EQ(s.auth_user, "bot");
  EXPECT_TRUE(s.auth_accepted);
  EXPECT_EQ(s.num_fetched, 1u);
  EXPECT_EQ(s.num_deleted, 1u);
  EXPECT_EQ(s.num_expunged, 1u);
  EXPECT_EQ(t.spoken(), (Lines{"USER bot -> +OK", "PASS -> +OK", "STAT -> +OK", "RETR 1 -> +OK",
                               "DELE 1 -> +OK", "QUIT -> +OK"}));
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(Pop3Session, MatchesPipelinedCommandsWithTheirReplies) {
  Script t;
  t.s("+OK\r\n").c("USER a\r\nPASS b\r\nRETR 1\r\nDELE 1\r\nRETR 2\r\nQUIT\r\n");
  t.s("+OK\r\n+OK\r\n+OK\r\nSubject: 1\r\n\r\n.\r\n+OK\r\n-ERR no such\r\n+OK\r\n").end();
  EXPECT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.spoken(), (Lines{"USER a -> +OK", "PASS -> +OK", "RETR 1 -> +OK", "DELE 1 -> +OK",
                               "RETR 2 -> -ERR", "QUIT -> +OK"}));
}

TEST(Pop3Session, KnowsUsersOfEveryLogin) {
  Script apop;
  apop.s("+OK <1@x>\r\n").c("APOP bot 0123456789abcdef\r\n").s("+OK\r\n").end();
  EXPECT_EQ(apop.session.summary().auth_user, "bot");
  EXPECT_EQ(apop.session.summary().auth_mechanism, "APOP");
  EXPECT_EQ(apop.spoken(), (Lines{"APOP bot -> +OK"})) << "without the digest";
  Script sasl;
  sasl.s("+OK\r\n").c("AUTH PLAIN\r\n").s("+ \r\n").c("AGJvdABwdw==\r\n").s("-ERR no\r\n").end();
  EXPECT_EQ(sasl.session.summary().auth_user, "bot");
  EXPECT_FALSE(sasl.session.summary().auth_accepted);
  EXPECT_EQ(sasl.spoken(), (Lines{"AUTH PLAIN -> -ERR"}));
}

TEST(Pop3Session, GoesOnWhenTlsIsRefusedAndStopsWhenItIsTaken) {
  const std::string hello = test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0});
  Script refused;
  refused.s("+OK\r\n").c("STLS\r\n").s("-ERR no\r\n").c("USER bot\r\n").s("+OK\r\n").end();
  EXPECT_EQ(refused.session.summary().auth_user, "bot");
  Script taken;
  taken.s("+OK\r\n").c("STLS\r\n").s("+OK\r\n").c(hello).end();
  EXPECT_TRUE(taken.tls);
  EXPECT_TRUE(taken.anomalies.empty());
  Script injected;
  injected.s("+OK\r\n").c("STLS\r\nUSER evil\r\n").s("+OK\r\n").c(hello).end();
  EXPECT_EQ(injected.anomalies["pop3-starttls-injection"], 1);
}

TEST(Pop3Session, ReadsMessagesWhenOnlyTheServerIsHeard) {
  Script t;
  t.s("+OK ready\r\n+OK\r\n+OK\r\n+OK 20 octets\r\nSubject: x\r\n\r\nhi\r\n.\r\n+OK bye\r\n").end();
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.contents[1], "Subject: x\r\n\r\nhi\r\n|");
}

TEST(Pop3Session, CountsCommandsWhenOnlyTheClientIsHeard) {
  Script t;
  t.c("USER bot\r\nPASS x\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n").end();
  EXPECT_EQ(t.commands.size(), 5u);
  EXPECT_EQ(t.session.summary().auth_user, "bot");
}

TEST(Pop3Session, GoesOnAfterLostBytes) {
  Script t;
  t.s("+OK\r\n").c("RETR 1\r\n").s("+OK\r\nSubject: x\r\n\r\nab").lose_server(100);
  t.s("cd\r\nef\r\n.\r\n").c("NOOP\r\n").s("+OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].lost_bytes, 100u);
  EXPECT_FALSE(t.messages[0].complete);
  EXPECT_EQ(t.commands.back().status, "+OK");
  EXPECT_EQ(t.anomalies["pop3-gap"], 1);
}

TEST(Pop3Session, HoldsNoMoreThanALineOfAnEndlessOne) {
  Script t;
  t.s("+OK\r\n");
  const std::string piece(64u << 10, 'A');
  for (int i = 0; i < 64; ++i)
    t.c(piece);
  t.c("\r\nQUIT\r\n").s("-ERR\r\n+OK\r\n").end();
  EXPECT_EQ(t.anomalies["pop3-line-too-long"], 1);
  EXPECT_TRUE(t.session.summary().quit);
  for (int i = 0; i < 5000; ++i)
    t.c("NOOP\r\n");
  EXPECT_GT(t.anomalies["pop3-too-many-commands"], 0) << "the answers are bounded, too";
}

}  // namespace
}  // namespace postern::net::protocol::pop3
