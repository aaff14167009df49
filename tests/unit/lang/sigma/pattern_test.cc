#include <random>

#include <gtest/gtest.h>

#include "match/sigma_pattern.h"

namespace postern::match {
namespace {

using Part = Wildcard::Part;

/// Pieces as text: literals between bars, wildcards bare.
std::string shown(const SigmaPattern& p) {
  std::string out;
  for (const SigmaPattern::Piece& piece : p.pieces())
    out += piece.part == Part::kAnyRun   ? "*"
           : piece.part == Part::kAnyOne ? "?"
                                         : "|" + piece.text + "|";
  return out;
}

TEST(SigmaPattern, BackslashIsLiteralUnlessItEscapes) {
  EXPECT_EQ(shown(SigmaPattern::parse(R"(C:\Windows\cmd.exe)")), R"(|C:\Windows\cmd.exe|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\\b)")), R"(|a\b|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\\\b)")), R"(|a\\b|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\\\\b)")), R"(|a\\b|)");
  EXPECT_EQ(shown(SigmaPattern::parse("a\\")), "|a\\|");
}

TEST(SigmaPattern, EscapedWildcardsAreLiteral) {
  EXPECT_EQ(shown(SigmaPattern::parse(R"(C:\Windows\*)")), R"(|C:\Windows*|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\?b)")), "|a?b|");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\\*b)")), R"(|a\|*|b|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(a\\\*b)")), R"(|a\*b|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(\\*\IPC$)")), R"(|\|*|\IPC$|)");
  EXPECT_EQ(shown(SigmaPattern::parse(R"(\\\\*\\IPC$)")), R"(|\\|*|\IPC$|)");
}

TEST(SigmaPattern, TextOfAPatternReadsBackAsTheSamePattern) {
  std::mt19937 random(20260101);
  const std::string alphabet = "a*?\\%\xC3";
  for (int i = 0; i < 20000; ++i) {
    std::string value;
    for (size_t n = random() % 9; n > 0; --n)
      value += alphabet[random() % alphabet.size()];
    const SigmaPattern p = SigmaPattern::parse(value);
    EXPECT_EQ(SigmaPattern::parse(p.text()), p) << value << " became " << p.text();
    const SigmaPattern l = SigmaPattern::literal(value);
    EXPECT_EQ(SigmaPattern::parse(l.text()), l) << value << " became " << l.text();
  }
}

std::vector<std::string> windash(std::string_view value) {
  std::vector<std::string> out;
  for (const SigmaPattern& p : sigma_windash(SigmaPattern::parse(value), 1000))
    out.push_back(p.text());
  return out;
}

TEST(Windash, ReplacesOnlyDashesThatBeginAWord) {
  EXPECT_EQ(windash(" -enc"),
            (std::vector<std::string>{" -enc", " /enc", " –enc", " —enc", " ―enc"}));
  EXPECT_EQ(windash("start/b"), std::vector<std::string>{"start/b"});
  EXPECT_EQ(windash("a - b"), std::vector<std::string>{"a - b"});
  EXPECT_EQ(windash("--x").size(), 5U) << "the second dash alone";
  EXPECT_EQ(windash("-a b-c /d").size(), 25U);
}

TEST(Windash, TakesEveryDashAsSource) {
  EXPECT_EQ(windash("\u2014enc"),
            (std::vector<std::string>{"-enc", "/enc", "–enc", "—enc", "―enc"}));
  EXPECT_EQ(windash("/f").size(), 5U);
}

TEST(Windash, KeepsWildcardsAndEscapes) {
  EXPECT_EQ(windash(R"(*-a\*)")[1], R"(*/a\*)");
}

TEST(Windash, GivesNothingBeyondTheLimit) {
  EXPECT_TRUE(sigma_windash(SigmaPattern::parse("-a -b -c -d -e"), 1000).empty());
  EXPECT_EQ(count_sigma_dashes(SigmaPattern::parse("-a -b*-c -d -e")), 5U);
}

TEST(Base64, FollowsRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE"), "//4=");
}

TEST(Base64, OffsetsGiveWhatTheBytesAloneDecide) {
  EXPECT_EQ(base64_at_offsets("foobar"),
            (std::vector<std::string>{"Zm9vYmFy", "Zvb2Jhc", "mb29iYX"}));
  EXPECT_EQ(base64_at_offsets("ab"), (std::vector<std::string>{"YW", "Fi", "hY"}));
}

TEST(Base64, OffsetsAreFoundInEveryLongerText) {
  std::mt19937 random(20260102);
  for (int i = 0; i < 3000; ++i) {
    std::string value(2 + random() % 9, ' ');
    for (char& c : value)
      c = static_cast<char>(random());
    std::string around(random() % 8, ' ');
    for (char& c : around)
      c = static_cast<char>(random());
    std::string after(random() % 8, ' ');
    for (char& c : after)
      c = static_cast<char>(random());
    const std::string whole = base64(around + value + after);
    const std::string expected = base64_at_offsets(value)[around.size() % 3];
    EXPECT_NE(whole.find(expected), std::string::npos) << i;
  }
}

TEST(Utf16, EncodesCodePointsBeyondTheFirstPlaneAsTwoUnits) {
  using namespace std::string_literals;
  EXPECT_EQ(sigma_utf16(SigmaPattern::parse("a\u00E9"), Utf16Form::kLittleEndian).literal_text(),
            "a\0\xE9\0"s);
  EXPECT_EQ(sigma_utf16(SigmaPattern::parse("a"), Utf16Form::kBigEndian).literal_text(), "\0a"s);
  EXPECT_EQ(sigma_utf16(SigmaPattern::parse("\U0001F600"), Utf16Form::kBigEndian).literal_text(),
            "\xD8\x3D\xDE\x00"s);
  EXPECT_EQ(sigma_utf16(SigmaPattern::parse("a"), Utf16Form::kWithMark).literal_text(),
            "\xFF\xFE"s
            "a\0"s);
  EXPECT_EQ(shown(sigma_utf16(SigmaPattern::parse("a*"), Utf16Form::kLittleEndian)), "|a\0|*"s);
}

TEST(SigmaPattern, OpenEndsTakeAnyTextBesideThePattern) {
  const SigmaPattern p = SigmaPattern::parse(R"(a?\*b)");
  EXPECT_TRUE(p.wildcard(false, false, true).matches("AX*b"));
  EXPECT_FALSE(p.wildcard(false, false, false).matches("AX*b"));
  EXPECT_FALSE(p.wildcard(false, false, true).matches("-ax*b"));
  EXPECT_TRUE(p.wildcard(true, false, true).matches("-ax*b"));
  EXPECT_FALSE(p.wildcard(true, false, true).matches("-ax*b-"));
  EXPECT_TRUE(p.wildcard(false, true, true).matches("ax*b-"));
  EXPECT_FALSE(p.wildcard(false, true, true).matches("-ax*b-"));
}

}  // namespace
}  // namespace postern::match
