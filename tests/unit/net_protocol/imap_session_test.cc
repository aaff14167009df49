#include <gtest/gtest.h>

#include "net/protocol/imap/session.h"
#include "tests/support/capture_builder.h"
#include "tests/support/mailbox_script.h"

namespace postern::net::protocol::imap {
namespace {

using Script = test::MailboxScript<Session>;
using Lines = std::vector<std::string>;

Script& login(Script& t) {
  return t.s("* OK [CAPABILITY IMAP4rev1 IDLE STARTTLS] ready\r\n")
      .c("a1 LOGIN \"bot\" \"secret\"\r\n")
      .s("a1 OK in\r\n");
}

TEST(ImapCommand, ReadsLiteralMarksWordsAndSets) {
  EXPECT_EQ(literal_mark("a APPEND x {12}")->size, 12u);
  EXPECT_FALSE(literal_mark("a APPEND x ~{12+}")->synchronizing);
  EXPECT_EQ(literal_mark("x {99999999999999999999999}")->size, UINT64_MAX);
  EXPECT_FALSE(literal_mark("text {}").has_value());
  EXPECT_EQ(words(R"x(a "b \" c" (d "e)" f) BODY[H (x)]<0>)x", 9),
            (Lines{"a", "b \" c", "(d \"e)\" f)", "BODY[H (x)]<0>"}));
  EXPECT_EQ(last_item("* 1 FETCH (UID 7 BODY[HEADER.FIELDS (TO CC)]<0> "),
            "BODY[HEADER.FIELDS (TO CC)]<0>");
  EXPECT_EQ(set_size("1,3:7,9:*"), 7u);
  EXPECT_EQ(mailbox_name("Entw&APw-rfe &- x"), "Entw\xc3\xbcrfe & x");
}

TEST(ImapSession, ReadsAnAppendedMessage) {
  Script t;
  login(t).c("a2 APPEND Drafts (\\Seen) {12}\r\n").s("+ go\r\n").c("Subject: x\r\n\r\n");
  t.s("a2 OK [APPENDUID 1 4]\r\n").c("a3 LOGOUT\r\n").s("* BYE\r\na3 OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 1u);
  const MailboxMessage& m = t.messages[0];
  EXPECT_EQ(t.contents[1], "Subject: x\r\n|");
  EXPECT_TRUE(m.to_server);
  EXPECT_TRUE(m.complete);
  EXPECT_EQ(m.mailbox, "Drafts");
  EXPECT_EQ(m.user, "bot");
  EXPECT_EQ(m.status, "OK");
  const MailboxSummary& s = t.session.summary();
  EXPECT_EQ(s.num_appended, 1u);
  EXPECT_EQ(s.appended_bytes, 12u);
  EXPECT_TRUE(s.starttls_offered);
  EXPECT_TRUE(s.quit);
  EXPECT_EQ(t.spoken(), (Lines{"LOGIN bot -> OK", "APPEND Drafts (\\Seen) -> OK", "LOGOUT -> OK"}));
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(ImapSession, ReadsLiteralsThatDoNotWait) {
  Script t;
  login(t).c("a2 APPEND {6+}\r\nDrafts {4+}\r\nabcd {3+}\r\nefg\r\na3 NOOP\r\n");
  t.s("a2 OK\r\na3 OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 2u) << "MULTIAPPEND";
  EXPECT_EQ(t.contents[1], "abcd|");
  EXPECT_EQ(t.contents[2], "efg|");
  EXPECT_EQ(t.messages[0].mailbox, "Drafts") << "its name was a literal";
}

TEST(ImapSession, TakesUpCommandsAfterARefusedLiteral) {
  Script t;
  login(t)
      .c("a2 APPEND Drafts {12}\r\n")
      .s("a2 NO [OVERQUOTA]\r\n")
      .c("a3 NOOP\r\n")
      .s("a3 OK\r\n");
  t.end();
  EXPECT_TRUE(t.messages.empty());
  EXPECT_EQ(t.spoken(), (Lines{"LOGIN bot -> OK", "APPEND Drafts -> NO", "NOOP -> OK"}));
}

TEST(ImapSession, ReadsFetchedMessagesAndWhatBecomesOfThem) {
  Script t;
  login(t).c("a2 SELECT \"My Mail\"\r\n").s("* 1 EXISTS\r\na2 OK\r\n");
  t.c("a3 UID SEARCH UNSEEN SUBJECT \"cmd\"\r\n").s("* SEARCH 7\r\na3 OK\r\n");
  t.c("a4 UID FETCH 7 (BODY.PEEK[] FLAGS)\r\n");
  t.s("* 1 FETCH (UID 7 BODY[] {14}\r\nSubject: x\r\n\r\n FLAGS (\\Seen))\r\na4 OK\r\n");
  t.c("a5 UID STORE 7 +FLAGS (\\Deleted)\r\n").s("a5 OK\r\n");
  t.c("a6 EXPUNGE\r\n").s("* 1 EXPUNGE\r\na6 OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.contents[1], "Subject: x\r\n\r\n|");
  EXPECT_EQ(t.messages[0].number, "7");
  EXPECT_EQ(t.messages[0].mailbox, "My Mail");
  EXPECT_FALSE(t.messages[0].to_server);
  const MailboxSummary& s = t.session.summary();
  EXPECT_EQ(s.searches, (Lines{"UNSEEN SUBJECT \"cmd\""}));
  EXPECT_EQ(s.mailboxes, (Lines{"My Mail"}));
  EXPECT_EQ(s.num_fetched, 1u);
  EXPECT_EQ(s.fetched_bytes, 14u);
  EXPECT_EQ(s.num_deleted, 1u);
  EXPECT_EQ(s.num_expunged, 1u);
}

TEST(ImapSession, PutsTogetherAMessageThatIsFetchedInPieces) {
  Script t;
  login(t).c("a2 SELECT INBOX\r\n").s("a2 OK\r\n").c("a3 FETCH 1 BODY[]<0.4>\r\n");
  t.s("* 1 FETCH (BODY[]<0> {4}\r\nabcd)\r\na3 OK\r\n").c("a4 FETCH 1 BODY[]<4.4>\r\n");
  t.s("* 1 FETCH (BODY[]<4> {2}\r\nef)\r\na4 OK\r\n").c("a5 FETCH 2 BODY[1]\r\n");
  t.s("* 2 FETCH (BODY[1] {3}\r\nxyz)\r\na5 OK\r\n").end();
  ASSERT_EQ(t.messages.size(), 2u);
  EXPECT_EQ(t.contents[1], "abcdef|");
  EXPECT_EQ(t.messages[1].section, "1");
  EXPECT_EQ(t.session.summary().num_fetched, 1u) << "a part is no message";
}

TEST(ImapSession, DoesNotBelieveAnEndlessLiteral) {
  Script t;
  login(t).c("a2 FETCH 1 BODY[]\r\n");
  t.s("* 1 FETCH (BODY[] {99999999999}\r\nabc)\r\na2 OK\r\n").c("a3 LOGOUT\r\n").s("a3 OK\r\n");
  t.end();
  EXPECT_EQ(t.anomalies["imap-literal-too-large"], 1);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_FALSE(t.messages[0].complete);
  EXPECT_EQ(t.contents[1], "abc)\r\n|") << "what came is kept";
  EXPECT_EQ(t.spoken(), (Lines{"LOGIN bot -> OK", "FETCH 1 BODY[] -> OK", "LOGOUT -> OK"}));
}

TEST(ImapSession, CountsIdlingAndKnowsSaslUsers) {
  Script t;
  t.s("* OK\r\n").c("a1 AUTHENTICATE PLAIN\r\n").s("+ \r\n").c("AGJvdABwdw==\r\n").s("a1 OK\r\n");
  t.c("a2 IDLE\r\n").s("+ idling\r\n").s("* 4 EXISTS\r\n").c("DONE\r\n").s("a2 OK\r\n");
  t.c("a3 NOOP\r\n").s("a3 OK\r\n").c("a4 ID (\"name\" \"evil\")\r\n").s("a4 OK\r\n").end();
  const MailboxSummary& s = t.session.summary();
  EXPECT_EQ(s.auth_user, "bot");
  EXPECT_EQ(s.auth_mechanism, "PLAIN");
  EXPECT_TRUE(s.auth_accepted);
  EXPECT_EQ(s.num_polls, 2u);
  EXPECT_EQ(s.client_id, "(\"name\" \"evil\")");
  EXPECT_EQ(t.commands.size(), 4u) << "DONE is no command";
}

TEST(ImapSession, TellsTlsFromItsRefusalAndFromInjection) {
  const std::string hello = test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0});
  Script taken;
  taken.s("* OK\r\n").c("a STARTTLS\r\n").s("a OK\r\n").c(hello).end();
  EXPECT_TRUE(taken.tls);
  EXPECT_TRUE(taken.anomalies.empty());
  Script refused;
  refused.s("* OK\r\n").c("a STARTTLS\r\n").s("a NO\r\n").c("b LOGIN u p\r\n").s("b OK\r\n").end();
  EXPECT_EQ(refused.session.summary().auth_user, "u");
  Script client;
  client.s("* OK\r\n").c("a STARTTLS\r\nb NOOP\r\n").s("a OK\r\n").end();
  EXPECT_EQ(client.anomalies["imap-starttls-injection"], 1);
  Script server;
  server.s("* OK\r\n").c("a STARTTLS\r\n").s("a OK\r\n* OK forged\r\n").end();
  EXPECT_EQ(server.anomalies["imap-starttls-injection"], 1);
}

TEST(ImapSession, ReadsOnInACompressedConnection) {
  // "b NOOP\r\n" and "b OK\r\n" as raw deflate, stored blocks.
  const auto stored = [](const std::string& text) {
    const auto n = static_cast<uint32_t>(text.size());
    return test::bytes({0}) + test::l16(n) + test::l16(~n & 0xffff) + text;
  };
  Script t;
  t.s("* OK\r\n").c("a COMPRESS DEFLATE\r\n").s("a OK\r\n" + stored("* 1 EXISTS\r\n"));
  t.c(stored("b NOOP\r\n")).s(stored("b OK\r\n")).end();
  EXPECT_TRUE(t.session.summary().compressed);
  EXPECT_EQ(t.spoken(), (Lines{"COMPRESS DEFLATE -> OK", "NOOP -> OK"}));
  Script broken;
  broken.s("* OK\r\n").c("a COMPRESS DEFLATE\r\n").s("a OK\r\n").c("\x07\xff\xff junk").end();
  EXPECT_EQ(broken.anomalies["imap-bad-compression"], 1);
}

TEST(ImapSession, GoesOnAfterLostBytesAndReadsOneSideAlone) {
  Script t;
  login(t).c("a2 FETCH 1 BODY[]\r\n").s("* 1 FETCH (BODY[] {10}\r\nab").lose_server(6);
  t.s("yz)\r\na2 OK\r\n").end();
  EXPECT_EQ(t.contents[1], "ab<6>yz|");
  EXPECT_EQ(t.commands.back().status, "OK");
  Script client;
  client.c("a1 LOGIN u p\r\na2 APPEND Drafts {3}\r\nabc\r\na3 LOGOUT\r\n").end();
  EXPECT_EQ(client.contents[1], "abc|");
  EXPECT_EQ(client.commands.size(), 3u);
  Script server(true);
  server.s("* 1 FETCH (BODY[] {3}\r\nabc)\r\na2 OK\r\n").end();
  EXPECT_EQ(server.contents[1], "abc|");
}

TEST(ImapSession, BoundsWhatItHolds) {
  Script t;
  t.s("* OK\r\n");
  const std::string piece(64u << 10, 'A');
  for (int i = 0; i < 64; ++i)
    t.c(piece);
  t.c("\r\nz NOOP\r\n").s("z OK\r\n").c(std::string(65, 't') + " NOOP\r\n").end();
  EXPECT_EQ(t.anomalies["imap-line-too-long"], 1);
  EXPECT_EQ(t.anomalies["imap-tag-too-long"], 2) << "the endless line is one, too";
  for (int i = 0; i < 5000; ++i)
    t.c("y NOOP\r\n");
  EXPECT_GT(t.anomalies["imap-too-many-commands"], 0);
  EXPECT_EQ(t.commands.at(0).status, "OK");
  Script cut;
  login(cut).c("a2 APPEND x {100}\r\n").s("+\r\n").c("abc").end();
  EXPECT_EQ(cut.anomalies["imap-literal-cut"], 1);
  EXPECT_FALSE(cut.messages.at(0).complete);
}

}  // namespace
}  // namespace postern::net::protocol::imap
