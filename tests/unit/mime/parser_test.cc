#include "mime/parser.h"

#include <gtest/gtest.h>

#include "outline.h"

namespace postern::mime {
namespace {

constexpr std::string_view kMixed =
    "From: a@x\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n"
    "\r\n"
    "preamble\r\n"
    "--outer\r\n"
    "Content-Type: multipart/alternative; boundary=inner\r\n"
    "\r\n"
    "--inner\r\n"
    "\r\n"
    "plain\r\n"
    "--inner\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "<b>=3D</b>=\r\n"
    "x\r\n"
    "--inner--\r\n"
    "--outer  \r\n"
    "Content-Type: application/zip; name=other.zip\r\n"
    "Content-Disposition: ATTACHMENT; filename=\"loot.zip\"\r\n"
    "Content-Transfer-Encoding: (really) BASE64\r\n"
    "\r\n"
    "Zm9v\r\n"
    "YmFy\r\n"
    "\r\n"
    "--outer--\r\n"
    "epilogue\r\n";

TEST(MimeParser, TakesAMessageApart) {
  const std::string expected =
      "multipart/mixed\n"
      "  multipart/alternative\n"
      "    text/plain: plain\n"
      "    text/html: <b>=</b>x\n"
      "  application/zip [loot.zip]: foobar\n";
  const Outline o = parse(kMixed);
  EXPECT_EQ(o.text(), expected);
  EXPECT_EQ(o.parts.at(3).charset, "utf-8");
  EXPECT_EQ(o.parts.at(4).disposition, "attachment");
  EXPECT_TRUE(o.parts.at(4).is_attachment());
  EXPECT_FALSE(o.parts.at(2).is_attachment());
  EXPECT_EQ(*o.parts.at(0).header("FROM"), "a@x");
  EXPECT_EQ(o.anomalies, (std::map<std::string, int>{{"mime-name-conflict", 1}}));
}

TEST(MimeParser, GivesTheSameForAnyCut) {
  const std::string whole = parse(kMixed).text();
  for (size_t step = 1; step < kMixed.size(); step += 7)
    EXPECT_EQ(parse(kMixed, step).text(), whole) << step;
}

TEST(MimeParser, ReadsAMessageWithoutPartsOrHeaders) {
  EXPECT_EQ(parse("Subject: x\n\nline one\nline two").text(), "text/plain: line one\nline two\n");
  EXPECT_EQ(parse("just text\nand more\n").text(), "text/plain: just text\nand more\n\n");
  EXPECT_EQ(parse("").text(), "text/plain\n");
  EXPECT_EQ(parse("From a@b Thu Jan 1 00:00:00 2015\nSubject: x\n\nbody\n").text(),
            "text/plain: body\n\n");
}

TEST(MimeParser, EndsPartsThatAreNeverClosed) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Disposition: "
      "attachment; filename=x\n\ntwo\n");
  EXPECT_EQ(o.text(), "multipart/mixed\n  text/plain: one\n  text/plain [x]: two\n\n");
  EXPECT_EQ(o.anomalies.at("mime-unclosed-boundary"), 1);
}

TEST(MimeParser, ClosesInnerPartsWithTheOuterBoundary) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Type: multipart/mixed; "
      "boundary=B\n\n--B\n\nin\n--A\n\nout\n--A--\n");
  EXPECT_EQ(o.text(),
            "multipart/mixed\n  multipart/mixed\n    text/plain: in\n  text/plain: out\n");
}

TEST(MimeParser, MatchesBoundariesWhole) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=AA\n\n--AA\nContent-Type: multipart/mixed; "
      "boundary=AAB\n\n--AAB\n\nx\n--AAB\n\ny\n--AAB--\n--AA--\n");
  EXPECT_EQ(o.text(), "multipart/mixed\n  multipart/mixed\n    text/plain: x\n    text/plain: y\n");
}

TEST(MimeParser, DelimitsByBothOfTwoDeclaredBoundaries) {
  for (const char* used : {"one", "two"}) {
    const std::string b = std::string("--") + used;
    const Outline o = parse("Content-Type: multipart/mixed; boundary=one; boundary=two\n\n" + b +
                            "\n\nbody\n" + b + "--\n");
    EXPECT_EQ(o.text(), "multipart/mixed\n  text/plain: body\n");
    EXPECT_EQ(o.anomalies.at("mime-duplicate-parameter"), 1);
  }
}

TEST(MimeParser, TakesTheFirstDashesWhereNoBoundaryIsDeclared) {
  const Outline o = parse("Content-Type: multipart/mixed\n\n--found\n\nbody\n--found--\n");
  EXPECT_EQ(o.text(), "multipart/mixed\n  text/plain: body\n");
  EXPECT_EQ(o.anomalies.at("mime-no-boundary"), 1);
}

TEST(MimeParser, ReadsMessagesInsideMessages) {
  const std::string inner =
      "Subject: inner\nContent-Type: application/x-thing; name=deep.bin\n\nbytes";
  const Outline plain =
      parse("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n" +
            inner + "\n--b--\n");
  EXPECT_EQ(plain.text(), "multipart/mixed\n  message/rfc822: " + inner +
                              "\n    application/x-thing [deep.bin]: bytes\n");
  EXPECT_TRUE(plain.parts.at(2).message);
  // Encoded, which RFC 2046 forbids and readers open all the same.
  const Outline encoded = parse(
      "Content-Type: message/rfc822\nContent-Transfer-Encoding: "
      "base64\n\nU3ViamVjdDogaQoKYm9keQ==\n");
  EXPECT_EQ(encoded.text(), "message/rfc822: Subject: i\n\nbody\n  text/plain: body\n");
}

TEST(MimeParser, ReadsDigests) {
  const Outline o =
      parse("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nbody\n--b--\n");
  EXPECT_EQ(o.parts.at(1).type, "message/rfc822");
  EXPECT_EQ(o.bodies.at(2), "body");
}

TEST(MimeParser, FindsUuencodedFilesInText) {
  const Outline o = parse("Subject: x\n\nbefore\nbegin 644 cat.txt\n#0V%T\n`\nend\nafter\n");
  EXPECT_EQ(o.bodies.at(0), "before\nafter\n");
  EXPECT_EQ(o.parts.at(1).name, "cat.txt");
  EXPECT_EQ(o.bodies.at(1), "Cat");
  EXPECT_TRUE(o.parts.at(1).is_attachment());
  EXPECT_EQ(parse("Subject: x\n\nbegin with care\n").bodies.at(0), "begin with care\n");
}

TEST(MimeParser, UnfoldsHeadersAndKeepsTheirBlanks) {
  const Outline o = parse("Received: from a\r\n        by b;\r\n\tdate\r\nSubject:\r\n x\r\n\r\n");
  EXPECT_EQ(*o.parts.at(0).header("received"), "from a        by b;\tdate");
  EXPECT_EQ(*o.parts.at(0).header("subject"), "x");
}

TEST(MimeParser, BoundsDepthPartsAndHeaders) {
  std::string deep = "Content-Type: multipart/mixed; boundary=b0\n\n";
  for (int i = 0; i < 300; ++i)
    deep += "--b" + std::to_string(i) + "\nContent-Type: multipart/mixed; boundary=b" +
            std::to_string(i + 1) + "\n\n";
  Outline o = parse(deep);
  EXPECT_LE(o.order.size(), 102u);
  EXPECT_EQ(o.anomalies.at("mime-too-deep"), 1);

  std::string wide = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 20'000; ++i)
    wide += "--b\n\n";
  o = parse(wide);
  EXPECT_LE(o.order.size(), 10'001u);
  EXPECT_EQ(o.anomalies.at("mime-too-many-parts"), 1);

  std::string headers;
  for (int i = 0; i < 20'000; ++i)
    headers += "X-A: b\n";
  o = parse(headers + "Content-Type: text/html\n\nbody");
  EXPECT_EQ(o.anomalies.at("mime-too-many-headers"), 1);
  EXPECT_LE(o.parts.at(0).headers.size(), 10'101u);
  EXPECT_EQ(o.parts.at(0).type, "text/html") << "what matters is kept";

  o = parse("Subject: " + std::string(200'000, 'x') + "\nX-B: c\n\nbody");
  EXPECT_LE(o.parts.at(0).header("subject")->size(), 66'000u);
  EXPECT_EQ(*o.parts.at(0).header("x-b"), "c");
  std::string folded = "Subject: x\n";
  for (int i = 0; i < 4000; ++i)
    folded += " " + std::string(50, 'y') + "\n";
  o = parse(folded + "X-B: c\n\nbody");
  EXPECT_EQ(o.anomalies.at("mime-header-too-long"), 1);
  EXPECT_EQ(*o.parts.at(0).header("x-b"), "c");
}

TEST(MimeParser, DecodesLongLinesInPieces) {
  std::string line;
  for (int i = 0; i < 100'000; ++i)
    line += "Zm9v";
  const Outline o = parse("Content-Transfer-Encoding: base64\n\n" + line + "\n", 1000);
  EXPECT_EQ(o.bodies.at(0).size(), 300'000u);
}

TEST(MimeParser, ReportsAmbiguity) {
  EXPECT_EQ(parse("Content-Type: text/plain\nContent-Type: text/html\n\nx")
                .anomalies.at("mime-duplicate-header"),
            1);
  EXPECT_EQ(parse("Content-Type: text/plain\nContent-Type: text/html\n\nx").parts.at(0).type,
            "text/plain");
  EXPECT_EQ(parse("Content-Transfer-Encoding: base64\n\nZm*9v").anomalies.at("mime-bad-base64"), 1);
  EXPECT_EQ(parse("Content-Transfer-Encoding: base64\n\nZg==Zg==")
                .anomalies.at("mime-base64-after-padding"),
            1);
  EXPECT_EQ(parse("Content-Transfer-Encoding: rot13\n\nx").anomalies.at("mime-unknown-encoding"),
            1);
  EXPECT_EQ(parse("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nZg==")
                .anomalies.at("mime-duplicate-header"),
            1);
  EXPECT_EQ(parse("Subject: a\nno field here\n\nx").anomalies.at("mime-bad-header"), 1);
}

TEST(MimeParser, ReadsAMessageThatOnlyClaimsToBeEncoded) {
  const std::string head = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n";
  const std::string inner = "Content-Disposition: attachment; filename=a.exe\n\npayload\n";
  const Outline plain = parse(head + inner);
  EXPECT_EQ(plain.parts.at(1).name, "a.exe");
  EXPECT_EQ(plain.bodies.at(1), "payload\n");
  EXPECT_EQ(plain.anomalies.at("mime-encoding-ignored"), 1);
  const Outline encoded = parse(head + "U3ViamVjdDogYQoKaGkK\n");
  EXPECT_EQ(encoded.bodies.at(1), "hi\n");
  EXPECT_EQ(encoded.anomalies.count("mime-encoding-ignored"), 0u);
}

TEST(MimeParser, GoesOnAfterLostBytes) {
  Outline o;
  Parser p(o);
  p.feed(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: "
      "base64\n\nZm9v\nZm");
  p.gap();
  p.feed("9v\nYmFy\n--b\n\ntext\n--b--\n");
  p.finish();
  EXPECT_EQ(o.text(), "multipart/mixed\n  text/plain: foobar\n  text/plain: text\n");
}

}  // namespace
}  // namespace postern::mime
