#include "mime/transfer.h"

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string base64_in_pieces(std::string_view text, size_t step) {
  Base64Decoder d;
  std::string out;
  for (size_t at = 0; at < text.size(); at += step)
    d.feed(text.substr(at, step), out);
  d.finish(out);
  return out;
}

std::string quoted_in_pieces(std::string_view text, size_t step) {
  QuotedPrintableDecoder d;
  std::string out;
  for (size_t at = 0; at < text.size(); at += step)
    d.feed(text.substr(at, step), out);
  d.finish(out);
  return out;
}

TEST(Base64, DecodesTheVectorsOfTheRfc) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64("Zm9v"), "foo");
  EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decode_base64("Zm9vYmE"), "fooba") << "padding left out";
}

TEST(Base64, GivesTheSameForAnyCut) {
  const std::string text =
      "VGhlIHF1aWNrIGJyb3du\r\nIGZveCBqdW1wcyBvdmVy\r\nIHRoZSBsYXp5IGRvZy4=\r\n";
  for (size_t step = 1; step < text.size(); ++step)
    EXPECT_EQ(base64_in_pieces(text, step), "The quick brown fox jumps over the lazy dog.") << step;
}

TEST(Base64, SkipsJunkAndCountsIt) {
  Base64Decoder d;
  std::string out;
  d.feed("Zm9*v!Ym-Fy", out);
  d.finish(out);
  EXPECT_EQ(out, "foobar");
  EXPECT_EQ(d.num_junk(), 3u);
}

TEST(Base64, GoesOnAfterPaddingAndSaysSo) {
  Base64Decoder d;
  std::string out;
  d.feed("Zg==Zm8=Zm9v", out);
  EXPECT_EQ(out, "ffofoo");
  EXPECT_TRUE(d.data_after_padding());
  Base64Decoder plain;
  out.clear();
  plain.feed("Zm8=\r\n", out);
  EXPECT_FALSE(plain.data_after_padding());
}

TEST(QuotedPrintable, DecodesEscapesAndSoftBreaks) {
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_EQ(quoted_in_pieces("Computer Name: U=\r\nSER-PC=3Cbr=3E\r\n", step),
              "Computer Name: USER-PC<br>\r\n")
        << step;
    EXPECT_EQ(quoted_in_pieces("a=\nb", step), "ab") << step;
    EXPECT_EQ(quoted_in_pieces("a= \t\r\nb", step), "ab") << step;
    EXPECT_EQ(quoted_in_pieces("trailing \t\r\nnext", step), "trailing\r\nnext") << step;
    EXPECT_EQ(quoted_in_pieces("kept =\r\nblank", step), "kept blank") << step;
    EXPECT_EQ(quoted_in_pieces("=e4=F6", step), "\xe4\xf6") << step;
  }
}

TEST(QuotedPrintable, LeavesWhatIsNoEscape) {
  for (size_t step = 1; step < 8; ++step) {
    EXPECT_EQ(quoted_in_pieces("a=b", step), "a=b") << step;
    EXPECT_EQ(quoted_in_pieces("1=2x", step), "1=2x") << step;
    EXPECT_EQ(quoted_in_pieces("==3D", step), "==") << step;
    EXPECT_EQ(quoted_in_pieces("= x", step), "= x") << step;
    EXPECT_EQ(quoted_in_pieces("end=", step), "end") << step;
    EXPECT_EQ(quoted_in_pieces("\n\n\n", step), "\n\n\n") << "empty lines stay";
  }
  QuotedPrintableDecoder d;
  std::string out;
  d.feed("=ZZ", out);
  EXPECT_EQ(d.num_invalid(), 1u);
}

TEST(Uuencode, DecodesLines) {
  std::string out;
  EXPECT_TRUE(decode_uu_line("#0V%T\r\n", out));
  EXPECT_EQ(out, "Cat");
  EXPECT_FALSE(decode_uu_line("", out));
  EXPECT_FALSE(decode_uu_line("ordinary words", out));
  out.clear();
  EXPECT_TRUE(decode_uu_line("`\n", out));
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace postern::mime
