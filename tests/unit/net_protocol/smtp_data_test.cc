#include <gtest/gtest.h>

#include "net/protocol/smtp/data.h"

namespace postern::net::protocol::smtp {
namespace {

using namespace std::string_literals;

struct Text final : ContentSink {
  void content(std::string_view bytes) override { text += bytes; }

  std::string text;
};

struct Read {
  std::string text;
  std::string rest;
  bool ended;
  Smuggling smuggling;
};

/// Reads `input` in pieces of `step` bytes.
Read read(const std::string& input, size_t step) {
  DataReader r;
  Text sink;
  size_t at = 0;
  while (at < input.size() && !r.ended())
    at += r.feed(std::string_view(input).substr(at, step), sink);
  r.finish(sink);
  return {sink.text, input.substr(at), r.ended(), r.smuggling()};
}

TEST(SmtpData, EndsAtTheDotAndNowhereElse) {
  for (size_t step = 1; step < 12; ++step) {
    const Read r = read("one\r\ntwo\r\n.\r\nQUIT\r\n", step);
    EXPECT_EQ(r.text, "one\r\ntwo\r\n") << step;
    EXPECT_TRUE(r.ended);
    EXPECT_EQ(r.rest, "QUIT\r\n") << step;
    EXPECT_FALSE(r.smuggling.suspected());
  }
  EXPECT_EQ(read(".\r\n", 3).text, "");
  EXPECT_TRUE(read(".\r\n", 1).ended);
}

TEST(SmtpData, TakesOneStuffedDotAway) {
  for (size_t step = 1; step < 9; ++step)
    EXPECT_EQ(read("..a\r\n...\r\n.b\r\nx.\r\n.\r\n", step).text, ".a\r\n..\r\nb\r\nx.\r\n")
        << step;
}

TEST(SmtpData, ReportsSequencesThatSomeServersTakeForTheEnd) {
  const std::pair<std::string, const char*> cases[] = {
      {"\n.\n"s, "\\n.\\n"},
      {"\n.\r\n"s, "\\n.\\r\\n"},
      {"\r\n.\n"s, "\\r\\n.\\n"},
      {"\r.\r"s, "\\r.\\r"},
      {"\r\n\0.\r\n"s, "\\r\\n\\0.\\r\\n"},
      {"\r\n.\r\r\n"s, "\\r\\n.\\r\\r\\n"},
  };
  for (const auto& c : cases) {
    for (size_t step = 1; step < 40; step += 3) {
      const Read r = read(
          "outer" + c.first + "MAIL FROM:<in@x>\r\nRCPT TO:<rc@x>\r\nDATA\r\ninner\r\n.\r\n", step);
      EXPECT_EQ(r.smuggling.sequence, c.second) << step;
      EXPECT_EQ(r.smuggling.mail_from, "in@x") << c.second << " " << step;
      ASSERT_EQ(r.smuggling.recipients.size(), 1u) << c.second << " " << step;
      EXPECT_EQ(r.smuggling.recipients[0], "rc@x");
      EXPECT_TRUE(r.ended) << "the real end";
      EXPECT_NE(r.text.find("inner"), std::string::npos) << "one mail";
    }
  }
}

TEST(SmtpData, DoesNotSuspectOrdinaryText) {
  const Read r = read("a.\r\nb\n.c\r\n. \r\nMAIL FROM:<x@y>\r\n.\r\n", 100);
  EXPECT_FALSE(r.smuggling.suspected());
  EXPECT_TRUE(r.smuggling.mail_from.empty());
}

TEST(SmtpData, PassesLinesWithoutEndInPieces) {
  const std::string line(100'000, 'x');
  const Read r = read(line + "\r\n.\r\n", 1000);
  EXPECT_EQ(r.text, line + "\r\n");
  EXPECT_TRUE(r.ended);
}

TEST(SmtpData, GoesOnAfterAHole) {
  DataReader r;
  Text sink;
  r.feed("one\r\ntw", sink);
  r.gap();
  const std::string rest = "rest\r\n.\r\nQUIT";
  EXPECT_EQ(r.feed(rest, sink), rest.size() - 4);
  EXPECT_TRUE(r.ended());
  EXPECT_EQ(sink.text, "one\r\nrest\r\n");
}

}  // namespace
}  // namespace postern::net::protocol::smtp
