#include "base/line_pieces.h"

#include <vector>

#include <gtest/gtest.h>

namespace postern {
namespace {

/// "[" a line begins, "]" it ends.
std::vector<std::string> pieces(LinePieces& lines, std::string_view text, size_t step) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size(); at += step) {
    std::string_view bytes = text.substr(at, step);
    while (lines.next(bytes))
      out.push_back((lines.begins() ? "[" : "") + std::string(lines.piece()) +
                    (lines.ends() ? "]" : ""));
  }
  return out;
}

TEST(LinePieces, GivesTheSameLinesHoweverTheStreamIsCut) {
  const std::vector<std::string> want = {"[a\n]", "[\r\n]", "[bcd\r\n]"};
  for (const size_t step : {1, 2, 3, 100}) {
    LinePieces lines(64);
    EXPECT_EQ(pieces(lines, "a\n\r\nbcd\r\ntail", step), want) << step;
    EXPECT_EQ(lines.held(), "tail");
    EXPECT_TRUE(lines.next_begins());
  }
}

TEST(LinePieces, HandsALongLineOnInParts) {
  LinePieces lines(3);
  const std::vector<std::string> want = {"[abcd", "efgh", "i\n]", "[j\n]"};
  EXPECT_EQ(pieces(lines, "abcdefghi\nj\n", 1), want);
}

TEST(LinePieces, AfterALossTheRestOfALineIsNoBeginning) {
  LinePieces lines(64);
  EXPECT_TRUE(pieces(lines, "begun", 5).empty());
  lines.lose();
  EXPECT_EQ(lines.held(), "");
  const std::vector<std::string> want = {"rest\n]", "[next\n]"};
  EXPECT_EQ(pieces(lines, "rest\nnext\n", 4), want);
  lines.lose();
  lines.clear();
  EXPECT_EQ(pieces(lines, "x\n", 1), std::vector<std::string>{"[x\n]"});
}

}  // namespace
}  // namespace postern
