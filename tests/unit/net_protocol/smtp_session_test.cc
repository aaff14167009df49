#include <map>

#include <gtest/gtest.h>

#include "net/protocol/smtp/session.h"
#include "tests/support/capture_builder.h"

namespace postern::net::protocol::smtp {
namespace {

/// A session written as a script: lines of the client and of the server, in order.
class Script final : public Handler {
 public:
  explicit Script(bool midstream = false, Limits limits = {}) : session(*this, midstream, limits) {}

  Script& c(std::string_view text) {
    session.client(text, next());
    return *this;
  }

  Script& s(std::string_view text) {
    session.server(text, next());
    return *this;
  }

  /// Greeting and EHLO.
  Script& hello() {
    return s("220 mx ESMTP\r\n")
        .c("EHLO box\r\n")
        .s("250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
  }

  Script& envelope(const std::string& from = "a@x", const std::string& to = "b@y") {
    return c("MAIL FROM:<" + from + ">\r\n")
        .s("250 ok\r\n")
        .c("RCPT TO:<" + to + ">\r\n")
        .s("250 ok\r\n");
  }

  Script& end() {
    session.finish(next());
    return *this;
  }

  std::string content_of(uint64_t id) const {
    const auto it = contents.find(id);
    return it == contents.end() ? "none" : it->second;
  }

  void content_begin(const Transaction& t) override { contents[t.id]; }

  void content(const Transaction& t, std::string_view bytes) override { contents[t.id] += bytes; }

  void content_gap(const Transaction& t, uint64_t n) override {
    contents[t.id] += "<" + std::to_string(n) + ">";
  }

  void content_end(const Transaction& t) override { contents[t.id] += "|"; }

  void transaction(const Transaction& t) override { mails.push_back(t); }

  void command(const CommandRecord& c) override { commands.push_back(c); }

  void tls_started(const Moment&) override { tls = true; }

  void anomaly(std::string_view name, const Moment&, std::string_view) override {
    ++anomalies[std::string(name)];
  }

  Session session;
  std::map<uint64_t, std::string> contents;
  std::vector<Transaction> mails;
  std::map<std::string, int> anomalies;
  std::vector<CommandRecord> commands;
  bool tls = false;

 private:
  Moment next() {
    ++number_;
    return {static_cast<int64_t>(number_), number_ * 100, number_};
  }

  uint64_t number_ = 0;
};

TEST(SmtpSession, TellsEveryCommandWithItsReply) {
  Script t;
  t.hello().c("AUTH PLAIN AGEAcGFzc3dvcmQ=\r\n").s("235 ok\r\n").envelope();
  t.c("DATA\r\n").s("354 go\r\n").c("x\r\n.\r\n").s("250 queued\r\n").c("QUIT\r\n").end();
  std::string seen;
  for (const CommandRecord& c : t.commands)
    seen += c.verb + " " + c.argument + " -> " + c.status + "; ";
  EXPECT_EQ(seen,
            "EHLO box -> 250; AUTH PLAIN -> 235; MAIL FROM:<a@x> -> 250; RCPT TO:<b@y> -> 250; "
            "DATA  -> 354; .  -> 250; QUIT  -> ; ")
      << "no password, no answer to QUIT";
  EXPECT_EQ(t.commands[5].content_bytes, 3u);
}

TEST(SmtpSession, ReadsOneMail) {
  Script t;
  t.hello()
      .envelope()
      .c("DATA\r\n")
      .s("354 go\r\n")
      .c("Subject: x\r\n\r\nbody\r\n.\r\n")
      .s("250 queued as 1\r\n");
  t.c("QUIT\r\n").s("221 bye\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  const Transaction& m = t.mails[0];
  EXPECT_EQ(m.helo, "box");
  EXPECT_EQ(m.mail_from, "a@x");
  EXPECT_EQ(m.recipients, std::vector<std::string>{"b@y"});
  EXPECT_EQ(m.last_reply, "250 queued as 1");
  EXPECT_EQ(m.final_code, 250);
  EXPECT_TRUE(m.complete);
  EXPECT_EQ(m.depth, 1u);
  EXPECT_EQ(m.begin.number, 4u) << "the packet of MAIL";
  EXPECT_EQ(t.content_of(m.id), "Subject: x\r\n\r\nbody\r\n|");
  const Summary& s = t.session.summary();
  EXPECT_EQ(s.banner, "mx ESMTP");
  EXPECT_EQ(s.num_messages, 1u);
  EXPECT_TRUE(s.quit);
  EXPECT_TRUE(s.starttls_offered);
  EXPECT_EQ(s.extensions, (std::vector<std::string>{"PIPELINING", "STARTTLS"}));
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(SmtpSession, ReadsSeveralMailsOfASession) {
  Script t;
  t.hello();
  for (const char* from : {"one@x", "two@x"})
    t.envelope(from).c("DATA\r\n").s("354 go\r\n").c("hi\r\n.\r\n").s("250 ok\r\n");
  t.end();
  ASSERT_EQ(t.mails.size(), 2u);
  EXPECT_EQ(t.mails[0].mail_from, "one@x");
  EXPECT_EQ(t.mails[1].mail_from, "two@x");
  EXPECT_EQ(t.mails[1].depth, 2u);
  EXPECT_EQ(t.mails[1].recipients.size(), 1u);
}

TEST(SmtpSession, MatchesRepliesOfPipelinedCommands) {
  Script t;
  t.hello().c("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\nDATA\r\n");
  t.s("250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n")
      .c("hi\r\n.\r\nMAIL FROM:<z@x>\r\n")
      .s("250 queued\r\n250 ok\r\n")
      .end();
  ASSERT_EQ(t.mails.size(), 2u);
  EXPECT_EQ(t.mails[0].num_recipients, 2u);
  EXPECT_EQ(t.mails[0].num_rejected_recipients, 1u);
  EXPECT_EQ(t.mails[0].last_reply, "250 queued");
  EXPECT_EQ(t.mails[1].mail_from, "z@x");
  EXPECT_FALSE(t.mails[1].complete);
}

TEST(SmtpSession, TakesWhatFollowsRejectedDataAsCommands) {
  Script t;
  t.hello().envelope();
  // Sent before the server's word: it is for the server to say what it was.
  t.c("DATA\r\nRSET\r\nMAIL FROM:<second@x>\r\n").s("554 no\r\n250 ok\r\n250 ok\r\n").end();
  ASSERT_EQ(t.mails.size(), 2u);
  EXPECT_FALSE(t.mails[0].has_content);
  EXPECT_EQ(t.mails[1].mail_from, "second@x");
}

TEST(SmtpSession, TakesWhatFollowsAcceptedDataAsContent) {
  Script t;
  t.hello().envelope().c("DATA\r\nRSET\r\n.\r\n").s("354 go\r\n250 ok\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "RSET\r\n|");
}

TEST(SmtpSession, ReadsAClientThatIsCapturedAlone) {
  Script t;
  t.c("EHLO box\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
      .c("hi\r\n.\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@y>\r\nDATA\r\nho\r\n.\r\nQUIT\r\n")
      .end();
  ASSERT_EQ(t.mails.size(), 2u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "hi\r\n|");
  EXPECT_EQ(t.content_of(t.mails[1].id), "ho\r\n|");
  EXPECT_EQ(t.mails[0].last_reply, "");
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(SmtpSession, NoticesAClientThatSpeaksFirst) {
  Script t;
  t.c("EHLO box\r\nMAIL FROM:<a@x>\r\n").s("220 mx\r\n250 ok\r\n250 ok\r\n").end();
  EXPECT_EQ(t.anomalies["smtp-early-talker"], 1);
  EXPECT_TRUE(t.session.summary().early_talker);
  EXPECT_EQ(t.session.summary().banner, "mx");
}

TEST(SmtpSession, ReadsChunks) {
  Script t;
  t.hello()
      .envelope()
      .c("BDAT 5\r\nab\r\n.")
      .s("250 ok\r\n")
      .c("BDAT 14 LAST\r\nMAIL FROM:<x>\n")
      .s("250 done\r\n")
      .end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "ab\r\n.MAIL FROM:<x>\n|")
      << "a dot and a command in a chunk are content";
  EXPECT_EQ(t.mails[0].last_reply, "250 done");
  EXPECT_TRUE(t.mails[0].complete);
}

TEST(SmtpSession, EndsWithAnEmptyLastChunk) {
  Script t;
  t.hello()
      .envelope()
      .c("BDAT 2\r\nhi")
      .s("250 ok\r\n")
      .c("BDAT 0 LAST\r\n")
      .s("250 done\r\n")
      .c("NOOP\r\n")
      .s("250 ok\r\n")
      .end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "hi|");
}

TEST(SmtpSession, StaysOnItsFeetAfterABadChunkSize) {
  for (const char* size :
       {"15555555557777777777 LAST", "-1", "x", "99999999999999999999999", "5 FIRST", ""}) {
    Script t;
    t.hello()
        .envelope()
        .c(std::string("BDAT ") + size + "\r\n")
        .s("521 no\r\n")
        .c("QUIT\r\n")
        .s("221 bye\r\n")
        .end();
    EXPECT_EQ(t.anomalies["smtp-bad-bdat"], 1) << size;
    EXPECT_TRUE(t.session.summary().quit) << size;
    ASSERT_EQ(t.mails.size(), 1u) << size;
    EXPECT_FALSE(t.mails[0].complete);
  }
}

TEST(SmtpSession, ReadsLogins) {
  Script t;
  t.hello()
      .c("AUTH login Ym9i\r\n")
      .s("334 UGFzc3dvcmQ6\r\n")
      .c("c2VjcmV0\r\n")
      .s("235 ok\r\n")
      .envelope()
      .end();
  EXPECT_EQ(t.session.summary().auth_mechanism, "LOGIN");
  EXPECT_EQ(t.session.summary().auth_user, "bob");
  EXPECT_TRUE(t.session.summary().auth_accepted);
  EXPECT_EQ(t.mails.size(), 1u);
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(SmtpSession, ReadsOnAfterARefusedLogin) {
  Script t;
  t.hello().c("AUTH LOGIN\r\n").s("504 no\r\n").envelope().end();
  EXPECT_FALSE(t.session.summary().auth_accepted);
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].mail_from, "a@x");
}

TEST(SmtpSession, StopsReadingWhenTlsBegins) {
  Script t;
  t.hello()
      .c("STARTTLS\r\n")
      .s("220 go\r\n")
      .c(test::bytes({0x16, 3, 1, 0, 5, 1, 0, 0}))
      .s("garbage\r\n")
      .end();
  EXPECT_TRUE(t.tls);
  EXPECT_TRUE(t.session.summary().tls);
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_TRUE(t.mails[0].tls);
  EXPECT_EQ(t.mails[0].last_reply, "220 go");
  EXPECT_TRUE(t.anomalies.empty());
}

TEST(SmtpSession, ReadsOnWhenTlsIsRefused) {
  Script t;
  t.hello()
      .c("STARTTLS\r\n")
      .s("454 not now\r\n")
      .envelope()
      .c("DATA\r\n")
      .s("354 go\r\n")
      .c("hi\r\n.\r\n")
      .s("250 ok\r\n")
      .end();
  EXPECT_FALSE(t.tls);
  EXPECT_TRUE(t.session.summary().starttls);
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].mail_from, "a@x");
  EXPECT_FALSE(t.mails[0].tls);
}

TEST(SmtpSession, ReportsCommandsInjectedBeforeTls) {
  Script t;
  t.hello().c("STARTTLS\r\nRSET\r\n").s("220 go\r\n").end();
  EXPECT_EQ(t.anomalies["smtp-starttls-injection"], 1);
}

TEST(SmtpSession, ReportsCommandsOutOfOrder) {
  Script t;
  t.hello().c("RCPT TO:<b@y>\r\n").s("503 no\r\n").end();
  EXPECT_EQ(t.anomalies["smtp-bad-sequence"], 1);
  ASSERT_EQ(t.mails.size(), 1u) << "activity of the client is a row";
  EXPECT_FALSE(t.mails[0].has_mail);
}

TEST(SmtpSession, LetsTheServerSayWhetherAMailBeginsWithinAMail) {
  Script refused;
  refused.hello().envelope().c("MAIL FROM:<evil@z>\r\n").s("503 nested MAIL\r\n");
  refused.c("DATA\r\n").s("354 go\r\n").c("x\r\n.\r\n").s("250 ok\r\n").end();
  ASSERT_EQ(refused.mails.size(), 1u);
  EXPECT_EQ(refused.mails[0].mail_from, "a@x");
  EXPECT_EQ(refused.mails[0].recipients, std::vector<std::string>{"b@y"});
  EXPECT_EQ(refused.anomalies["smtp-bad-sequence"], 1);
  Script taken;
  taken.hello().envelope().c("MAIL FROM:<second@z>\r\n").s("250 ok\r\n").end();
  ASSERT_EQ(taken.mails.size(), 2u);
  EXPECT_EQ(taken.mails[1].mail_from, "second@z");
}

TEST(SmtpSession, BoundsLinesAndRecipients) {
  Limits limits;
  limits.max_command_line = 1000;
  limits.max_recipients = 10;
  Script t(false, limits);
  t.hello()
      .c(std::string(5000, 'x'))
      .c("\r\n")
      .s("500 no\r\n")
      .c("MAIL FROM:<a@x>\r\n")
      .s("250 ok\r\n");
  for (int i = 0; i < 20; ++i)
    t.c("RCPT TO:<u" + std::to_string(i) + "@y>\r\n").s("250 ok\r\n");
  t.end();
  EXPECT_EQ(t.anomalies["smtp-line-too-long"], 1);
  EXPECT_EQ(t.anomalies["smtp-too-many-recipients"], 1);
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].recipients.size(), 10u);
  EXPECT_EQ(t.mails[0].num_recipients, 20u);
}

TEST(SmtpSession, TellsLongLinesAndManyTransactions) {
  Limits limits;
  limits.max_transactions = 10;
  Script t(false, limits);
  t.s("220 mx\r\n").c("EHLO " + std::string(4100, 'h') + "\r\n").s("250 mx\r\n");
  EXPECT_EQ(t.anomalies["smtp-long-line"], 1);
  t.s("250 " + std::string(5000, 'r') + "\r\n");
  EXPECT_EQ(t.anomalies["smtp-line-too-long"], 1);
  EXPECT_EQ(t.session.summary().helo.size(), 4096u);
  for (int i = 0; i < 30; ++i)
    t.envelope().c("RSET\r\n").s("250 ok\r\n");
  t.end();
  EXPECT_EQ(t.anomalies["smtp-too-many-transactions"], 1);
  EXPECT_EQ(t.mails.size(), 30u);
}

TEST(SmtpSession, ChunksLongerThan32BitsDoNotWrap) {
  Script t;
  t.hello().envelope().c("BDAT 4294967301 LAST\r\nhello").c("QUIT\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "helloQUIT\r\n|") << "five bytes are not all of it";
  EXPECT_FALSE(t.mails[0].complete);
}

TEST(SmtpSession, BoundsCommandsWithoutReply) {
  Script t;
  t.hello();
  for (int i = 0; i < 5000; ++i)
    t.c("NOOP\r\n");
  t.end();
  EXPECT_GT(t.anomalies["smtp-too-many-commands"], 0);
}

TEST(SmtpSession, CountsWhatIsLostOfAMail) {
  Script t;
  t.hello().envelope().c("DATA\r\n").s("354 go\r\n").c("one\r\n");
  t.session.client_gap(100, {});
  t.c("two\r\n.\r\n").s("250 ok\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].lost_bytes, 100u);
  EXPECT_EQ(t.content_of(t.mails[0].id), "one\r\n<100>two\r\n|");
}

TEST(SmtpSession, EndsAMailWhoseEndIsLostWithTheServersAnswer) {
  Script t;
  t.hello().envelope().c("DATA\r\n").s("354 go\r\n").c("one\r\n");
  t.session.client_gap(100, {});
  t.s("250 queued\r\n").c("QUIT\r\n").s("221 bye\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].last_reply, "250 queued");
  EXPECT_TRUE(t.session.summary().quit);
}

TEST(SmtpSession, FindsItsFeetAfterAHoleBetweenCommands) {
  Script t;
  t.hello();
  t.session.client_gap(50, {});
  t.c("st of a line\r\nMAIL FROM:<a@x>\r\n").s("250 ok\r\n").end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].mail_from, "a@x");
}

TEST(SmtpSession, KeepsRepliesInStepAfterLostOnes) {
  Script t;
  t.hello().c("MAIL FROM:<a@x>\r\n");
  t.session.server_gap(8, {});
  t.c("RCPT TO:<b@y>\r\n")
      .s("550 no\r\n")
      .c("DATA\r\n")
      .s("354 go\r\n")
      .c("hi\r\n.\r\n")
      .s("250 queued\r\n")
      .end();
  ASSERT_EQ(t.mails.size(), 1u);
  EXPECT_EQ(t.mails[0].num_rejected_recipients, 1u);
  EXPECT_EQ(t.mails[0].last_reply, "250 queued");
}

TEST(SmtpSession, ReadsASessionFromItsMiddle) {
  Script inside(true);
  inside.c("rest of a mail\r\n.\r\n").s("250 queued\r\n").c("QUIT\r\n").s("221 bye\r\n").end();
  ASSERT_EQ(inside.mails.size(), 1u);
  EXPECT_EQ(inside.content_of(inside.mails[0].id), "rest of a mail\r\n|");
  Script between(true);
  between.c("MAIL FROM:<a@x>\r\n").s("250 ok\r\n").end();
  ASSERT_EQ(between.mails.size(), 1u);
  EXPECT_EQ(between.mails[0].mail_from, "a@x");
}

TEST(SmtpSession, GivesTheSameForAnyCutOfTheBytes) {
  const std::string client =
      "EHLO box\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nSubject: "
      "x\r\n\r\n..dot\r\n.\r\nBDAT 3\r\nabcBDAT 0 LAST\r\nQUIT\r\n";
  for (size_t step = 1; step < client.size(); step += 3) {
    Script t;
    for (size_t at = 0; at < client.size(); at += step)
      t.c(client.substr(at, step));
    t.end();
    ASSERT_EQ(t.mails.size(), 2u) << step;
    EXPECT_EQ(t.content_of(t.mails[0].id), "Subject: x\r\n\r\n.dot\r\n|") << step;
    EXPECT_EQ(t.content_of(t.mails[1].id), "abc|") << step;
  }
}

}  // namespace
}  // namespace postern::net::protocol::smtp
