#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "input/json/document.h"
#include "input/json/splitter.h"

namespace postern::input::json {
namespace {

/// What the walk gives: documents as they are, other pieces with a mark.
std::vector<std::string> split(std::string_view text, size_t max_bytes = 1 << 20) {
  std::vector<std::string> out;
  Splitter splitter(text, max_bytes);
  Parser parser;
  Document document;
  Piece piece;
  while (splitter.next(piece)) {
    std::string mark;
    if (piece.kind == Piece::Kind::kText) mark = "text:";
    if (piece.kind == Piece::Kind::kTooLarge) mark = "large:";
    if (piece.kind == Piece::Kind::kUnclosed) mark = "unclosed:";
    if (piece.kind == Piece::Kind::kDocument) {
      ParseStatus status = parser.parse(piece.text, document);
      while (status != ParseStatus::kOk && splitter.retry(piece))
        status = parser.parse(piece.text, document);
      if (status != ParseStatus::kOk) mark = "bad:";
    }
    out.push_back(mark + std::string(piece.text) + "@" + std::to_string(piece.offset) + ":" +
                  std::to_string(piece.line));
  }
  return out;
}

using Pieces = std::vector<std::string>;

TEST(JsonSplitter, TakesOneDocumentPerLine) {
  EXPECT_EQ(split("{\"a\":1}\n{\"b\":2}\r\n\n  {\"c\":3}  \n"),
            (Pieces{"{\"a\":1}@0:1", "{\"b\":2}@8:2", "{\"c\":3}@20:4"}));
}

TEST(JsonSplitter, TakesPrettyPrintedDocuments) {
  EXPECT_EQ(split("{\n  \"a\": {},\n  \"b\": \"}\"\n}\n{\n  \"c\": 1\n}"),
            (Pieces{"{\n  \"a\": {},\n  \"b\": \"}\"\n}@0:1", "{\n  \"c\": 1\n}@26:5"}));
}

TEST(JsonSplitter, TakesTheElementsOfAnArray) {
  EXPECT_EQ(split("[{\"a\":1},{\"b\":[2]}]"), (Pieces{"{\"a\":1}@1:1", "{\"b\":[2]}@9:1"}));
  EXPECT_EQ(split("[\n {\"a\":1},\n {\"b\":[2]}\n]\n"),
            (Pieces{"{\"a\":1}@3:2", "{\"b\":[2]}@13:3"}));
  EXPECT_EQ(split("[{\n  \"a\" : 1\n},{\n  \"b\" : 2\n}]\n"),
            (Pieces{"{\n  \"a\" : 1\n}@1:1", "{\n  \"b\" : 2\n}@15:3"}));
  EXPECT_EQ(split("[]"), Pieces{});
}

TEST(JsonSplitter, TakesDocumentsOneAfterTheOtherOnALine) {
  EXPECT_EQ(split("{\"a\":1}{\"b\":2} {\"c\":3}\n{\"d\":4}"),
            (Pieces{"{\"a\":1}@0:1", "{\"b\":2}@7:1", "{\"c\":3}@15:1", "{\"d\":4}@23:2"}));
}

TEST(JsonSplitter, TakesADocumentWhoseFirstLineLooksComplete) {
  EXPECT_EQ(split("{\"a\": {\"x\": 1},\n \"b\": {}}\n{\"c\":3}\n"),
            (Pieces{"{\"a\": {\"x\": 1},\n \"b\": {}}@0:1", "{\"c\":3}@26:3"}));
}

TEST(JsonSplitter, PassesOverBrokenLinesAndKeepsTheNext) {
  EXPECT_EQ(split("{\"a\":1}\n{\"b\":\n{\"c\":3}\n{\"d\":x}\n{\"e\":5}\n"),
            (Pieces{"{\"a\":1}@0:1", "unclosed:{\"b\":@8:2", "{\"c\":3}@14:3", "bad:{\"d\":x}@22:4",
                    "{\"e\":5}@30:5"}));
  EXPECT_EQ(split("{\"a\":\"x}\n{\"c\":3}\n"), (Pieces{"bad:{\"a\":\"x}@0:1", "{\"c\":3}@9:2"}));
}

TEST(JsonSplitter, PassesOverABrokenPrettyDocumentAndKeepsTheNext) {
  EXPECT_EQ(split("{\n \"a\": 1\n}\n{\n \"b\": \n}\n{\n \"c\": 3\n}\n"),
            (Pieces{"{\n \"a\": 1\n}@0:1", "bad:{\n \"b\": \n}@12:4", "{\n \"c\": 3\n}@23:7"}));
  EXPECT_EQ(split("{\n \"b\": {\n}\n{\n \"c\": 3\n}\n"),
            (Pieces{"unclosed:{@0:1", "{\n \"c\": 3\n}@12:4"}));
}

TEST(JsonSplitter, GivesOtherLinesAsText) {
  EXPECT_EQ(split("Filtering the log data\n{\"a\":1}\n---\n"),
            (Pieces{"text:Filtering the log data@0:1", "{\"a\":1}@23:2", "text:---@31:3"}));
}

TEST(JsonSplitter, NamesADocumentBeyondTheLimit) {
  const std::string large = "{\"a\":\"" + std::string(500, 'x') + "\"}";
  EXPECT_EQ(
      split(large + "\n{\"b\":2}\n", 100),
      (Pieces{"large:" + large + "@0:1", "{\"b\":2}@" + std::to_string(large.size() + 1) + ":2"}));
}

TEST(JsonSplitter, SkipsAByteOrderMark) {
  EXPECT_EQ(split("\xEF\xBB\xBF{\"a\":1}"), Pieces{"{\"a\":1}@3:1"});
}

TEST(JsonSplitter, NeedsLinearTimeForHostileText) {
  const auto started = std::chrono::steady_clock::now();
  std::string open;
  for (int i = 0; i < 400'000; ++i)
    open += "{\n";
  EXPECT_GT(split(open, size_t{32} << 20).size(), 0u);
  std::string one_line;
  for (int i = 0; i < 200'000; ++i)
    one_line += "{\"a\":1},";
  EXPECT_EQ(split("[" + one_line + "]", size_t{32} << 20).size(), 200'000u);
  std::string quotes;
  for (int i = 0; i < 100'000; ++i)
    quotes += "{\"}\n";
  EXPECT_GT(split(quotes, size_t{32} << 20).size(), 0u);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
}

}  // namespace
}  // namespace postern::input::json
