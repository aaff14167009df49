// Mistakes that mail parsers of other projects have made; docs/mail-limits.md lists them all.
#include <gtest/gtest.h>

#include "outline.h"

namespace postern::mime {
namespace {

TEST(PeerBugs, EmptyLinesOfQuotedPrintableAreKept) {
  const Outline o =
      parse("Content-Transfer-Encoding: quoted-printable\r\n\r\na\r\n\r\n\r\nb=\r\n\r\nc\r\n");
  EXPECT_EQ(o.bodies.at(0), "a\r\n\r\n\r\nb\r\nc\r\n");
}

TEST(PeerBugs, EncodingsStayWithTheirPart) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=b\n\n"
      "--b\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=1\n\n"
      "aGVsbG8=\n"
      "--b\nContent-Type: message/rfc822\n\n"
      "Subject: inner\nContent-Type: multipart/mixed; boundary=i\n\n"
      "--i\nContent-Disposition: attachment; filename=2\n\naGVsbG8=\n--i--\n"
      "--b\nContent-Disposition: attachment; filename=3\n\nd29ybGQ=\n--b--\n");
  std::map<std::string, std::string> seen;
  for (const auto& [index, part] : o.parts)
    if (!part.name.empty()) seen[part.name] = o.bodies.at(index);
  EXPECT_EQ(seen["1"], "hello");
  EXPECT_EQ(seen["2"], "aGVsbG8=");
  EXPECT_EQ(seen["3"], "d29ybGQ=");
}

TEST(PeerBugs, NothingAfterTheLastBoundaryIsAPart) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\nbetween\n--b\n\ntwo\n");
  EXPECT_EQ(o.parts.size(), 2u);
  EXPECT_EQ(o.bodies.at(1), "one");
}

TEST(PeerBugs, ALongLineAfterABoundaryIsWhole) {
  const std::string line(300'000, 'x');
  const Outline o =
      parse("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + line + "\n--b--\n", 1000);
  EXPECT_EQ(o.bodies.at(1).size(), line.size());
}

TEST(PeerBugs, AFileNameInsideOfAnotherParameterIsNone) {
  const Outline o = parse(
      "Content-Disposition: attachment; dummy=\"filename=wrong.txt\"; filename=right.exe\n\nx");
  EXPECT_EQ(o.parts.at(0).name, "right.exe");
}

TEST(PeerBugs, ALongerBoundaryIsAnotherOne) {
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=AA\n\n--AA\n\none\n--AAB\nstill one\n--AA--\n");
  EXPECT_EQ(o.bodies.at(1), "one\n--AAB\nstill one");
}

TEST(PeerBugs, HeaderBlocksAndBoundariesAreBounded) {
  std::string block;
  for (int i = 0; i < 100; ++i)
    block += "X-A: " + std::string(10'000, 'x') + "\n";
  const Outline o = parse(block + "Subject: s\nContent-Type: text/html\n\nbody");
  EXPECT_EQ(o.anomalies.at("mime-header-block-too-long"), 1);
  EXPECT_EQ(o.parts.at(0).type, "text/html") << "what matters is kept";
  EXPECT_LE(o.parts.at(0).headers.size(), 30u);
  EXPECT_EQ(parse("Content-Type: multipart/mixed; boundary=" + std::string(71, 'b') + "\n\n")
                .anomalies.at("mime-long-boundary"),
            1);
}

TEST(PeerBugs, SiblingPartsAreNotQuadratic) {
  // The work of the parser by the clock is measured by tools/check_mail_scale.cc; here: that what
  // is beyond the limit makes no parts.
  std::string wide = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 100'000; ++i)
    wide += "--b\n\nx\n";
  EXPECT_LE(parse(wide).parts.size(), 10'001u);
}

}  // namespace
}  // namespace postern::mime
