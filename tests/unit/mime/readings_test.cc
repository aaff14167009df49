// Messages that mail readers understand in two ways: both readings are given.
#include <gtest/gtest.h>

#include "mime/charset.h"
#include "outline.h"

namespace postern::mime {
namespace {

int count(const Outline& o, const char* name) {
  const auto found = o.anomalies.find(name);
  return found == o.anomalies.end() ? 0 : found->second;
}

TEST(Readings, TwoEncodingsAreDeclared) {
  const Outline o =
      parse("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\naGVsbG8=\n");
  EXPECT_EQ(o.bodies.at(0), "hello");
  EXPECT_EQ(o.others.at(0), "aGVsbG8=\n");
  EXPECT_EQ(o.parts.at(0).other_encoding, "7bit");
  const Outline turned =
      parse("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n");
  EXPECT_EQ(turned.bodies.at(0), "aGVsbG8=\n");
  EXPECT_EQ(turned.others.at(0), "hello");
  EXPECT_EQ(parse("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: BASE64\n\nZg==\n")
                .others.size(),
            0u)
      << "the same twice is no doubt";
}

TEST(Readings, BodyIsBase64ThoughNothingSaysSo) {
  std::string coded;
  for (int i = 0; i < 100; ++i)
    coded += "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4h\n";
  for (const char* declared :
       {"", "Content-Transfer-Encoding: 7bit\n", "Content-Transfer-Encoding: x-base64\n"}) {
    const Outline o = parse(std::string(declared) + "Content-Type: text/plain\n\n" + coded);
    EXPECT_EQ(o.bodies.at(0).substr(0, 8), "VGhlIHF1") << declared;
    EXPECT_EQ(o.others.at(0).substr(0, 9), "The quick") << declared;
    EXPECT_EQ(count(o, "mime-encoding-undeclared"), 1) << declared;
  }
  const Outline text = parse("Content-Type: text/plain\n\n" + coded.substr(0, 61) +
                             "is the token of the day, dear friends! (see above)\n");
  EXPECT_EQ(count(text, "mime-encoding-undeclared"), 0) << "one line does not make a body";
  EXPECT_EQ(text.parts.at(0).other_encoding, "");
}

TEST(Readings, BodyIsTextThoughBase64IsDeclared) {
  const Outline o =
      parse("Content-Transfer-Encoding: base64\n\nDear all, see http://bad.example/ now.\n");
  EXPECT_EQ(o.parts.at(0).other_encoding, "7bit");
  EXPECT_EQ(o.others.at(0), "Dear all, see http://bad.example/ now.\n");
}

TEST(Readings, StrictDecodersStopAtThePadding) {
  const Outline o = parse("Content-Transfer-Encoding: base64\n\naGVsbG8=\nd29ybGQh\n");
  EXPECT_EQ(o.bodies.at(0), "helloworld!");
  EXPECT_EQ(o.parts.at(0).strict_bytes, 5u);
  EXPECT_EQ(parse("Content-Transfer-Encoding: base64\n\naGVsbG8=\n").parts.at(0).strict_bytes, 0u);
  // The padding in one piece, what follows in another.
  const Outline cut = parse("Content-Transfer-Encoding: base64\n\naGVsbG8=\nd29ybGQh\n", 1);
  EXPECT_EQ(cut.parts.at(0).strict_bytes, 5u);
}

TEST(Readings, TwoBoundariesDelimitOfOneHeaderOrTwo) {
  const std::string parts =
      "--a\n\none\n--b\nContent-Disposition: attachment; filename=x\n\ntwo\n--a--\n";
  const Outline one = parse("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n" + parts);
  EXPECT_EQ(one.parts.size(), 3u);
  const Outline two = parse(
      "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n" +
      parts);
  EXPECT_EQ(two.parts.size(), 3u);
  EXPECT_EQ(count(two, "mime-duplicate-header"), 1);
}

TEST(Readings, APartedTypeIsNotPassedOverForAPlainOne) {
  const Outline o = parse(
      "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=a\n\n"
      "--a\nContent-Disposition: attachment; filename=x.exe\n\nMZ\n--a--\n");
  ASSERT_EQ(o.parts.size(), 2u);
  EXPECT_EQ(o.parts.at(1).name, "x.exe");
}

TEST(Readings, AMultipartThatIsEncodedAsAWhole) {
  // "--b\nContent-Disposition: attachment; filename=x.exe\n\nMZ\n--b--\n"
  const Outline o = parse(
      "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n"
      "LS1iCkNvbnRlbnQtRGlzcG9zaXRpb246IGF0dGFjaG1lbnQ7IGZpbGVuYW1l\n"
      "PXguZXhlCgpNWgotLWItLQo=\n");
  EXPECT_EQ(count(o, "mime-encoded-multipart"), 1);
  bool found = false;
  for (const auto& [index, part] : o.parts)
    found = found || (part.name == "x.exe" && o.bodies.at(index) == "MZ");
  EXPECT_TRUE(found) << o.text();
}

TEST(Readings, TwoNamesAreKept) {
  const Outline o = parse(
      "Content-Type: application/pdf; name=a.pdf\n"
      "Content-Disposition: attachment; filename=b.exe\n\nx");
  EXPECT_EQ(o.parts.at(0).name, "b.exe");
  EXPECT_EQ(o.parts.at(0).other_name, "a.pdf");
  const Outline two = parse(
      "Content-Disposition: attachment; filename=a.txt\n"
      "Content-Disposition: attachment; filename=b.exe\n\nx");
  EXPECT_EQ(two.parts.at(0).name, "a.txt");
  EXPECT_EQ(two.parts.at(0).other_name, "b.exe");
}

TEST(Readings, CharsetsThatDisagree) {
  const Outline o = parse("Content-Type: text/plain; charset=utf-8; charset=koi8-r\n\nx");
  EXPECT_EQ(o.parts.at(0).charset, "utf-8");
  EXPECT_EQ(o.parts.at(0).other_charset, "koi8-r");

  const auto others = [](std::string_view charset, std::string_view bytes, std::string_view second,
                         bool html) {
    std::string text;
    to_utf8(charset, bytes, text);
    return other_texts(bytes, text, second, html);
  };
  EXPECT_EQ(others("utf-8", "plain", "koi8-r", false).size(), 0u) << "both show the same";
  EXPECT_EQ(others("windows-1252", "\xc1", "koi8-r", false), std::vector<std::string>{"\xd0\xb0"});
  // Declared as UTF-8, and it is not: shown as Western text by those who go by the bytes.
  EXPECT_EQ(others("utf-8", "caf\xe9", "", false), std::vector<std::string>{"caf\xc3\xa9"});
  // A byte order mark, and a <meta>, against the header.
  EXPECT_EQ(others("utf-8", std::string_view("\xff\xfeh\0i\0", 6), "", false),
            std::vector<std::string>{"hi"});
  EXPECT_EQ(charset_of_content("<html><meta charset='koi8-r'>", true), "koi8-r");
  EXPECT_EQ(charset_of_content("<meta http-equiv=x content=\"text/html; charset=utf-7\">", true),
            "utf-7");
  EXPECT_EQ(charset_of_content("<meta charset=koi8-r>", false), "") << "only HTML says so";
}

}  // namespace
}  // namespace postern::mime
