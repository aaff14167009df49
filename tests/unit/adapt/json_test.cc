#include "adapt/json.h"

#include <gtest/gtest.h>

namespace postern::adapt {
namespace {

using std::string_view_literals::operator""sv;

/// The tree written again without blanks; numbers as they stood.
std::string written(const JsonNode& n) {
  std::string out;
  switch (n.kind) {
    case JsonNode::Kind::kNull:
      return "null";
    case JsonNode::Kind::kBool:
      return n.boolean ? "true" : "false";
    case JsonNode::Kind::kNumber:
      return n.text;
    case JsonNode::Kind::kString:
      return "\"" + n.text + "\"";
    case JsonNode::Kind::kArray:
      for (const JsonNode& item : n.items)
        out += (out.empty() ? "" : ",") + written(item);
      return "[" + out + "]";
    case JsonNode::Kind::kObject:
      for (const auto& [key, value] : n.entries)
        out += (out.empty() ? "\"" : ",\"") + key + "\":" + written(value);
      return "{" + out + "}";
  }
  return out;
}

std::string reread(std::string_view text) {
  const auto node = parse_json(text);
  return node ? written(*node) : node.error().message;
}

TEST(Json, TreeKeepsOrderAndNumbersAsWritten) {
  EXPECT_EQ(reread(R"( {"b": [1, -0, 1.0, 2.50e+3, 123456789012345678901234567890],
                       "a": {"x": true, "y": false, "z": null}, "": []} )"),
            R"({"b":[1,-0,1.0,2.50e+3,123456789012345678901234567890],)"
            R"("a":{"x":true,"y":false,"z":null},"":[]})");
}

TEST(Json, ScalarsAreDocuments) {
  EXPECT_EQ(reread("1"), "1");
  EXPECT_EQ(reread("[1e400, 2]"), "[1e400,2]");
  EXPECT_EQ(reread(" 1e400 \n"), "1e400");
  EXPECT_EQ(reread("\"x\""), "\"x\"");
  EXPECT_EQ(reread("null"), "null");
  EXPECT_EQ(reread(" null \n"), "null");
  EXPECT_EQ(reread("null\0"sv).find("not valid JSON"), 0u);
  EXPECT_EQ(reread("true"), "true");
  EXPECT_EQ(reread("\tfalse\r\n"), "false");
  EXPECT_EQ(reread("{}"), "{}");
}

TEST(Json, StringsAreUnescaped) {
  EXPECT_EQ(reread(R"(["\u00e9\n\/\"\\", "\ud83d\ude00", "a\u0000b"])"),
            "[\"\xc3\xa9\n/\"\\\",\"\xf0\x9f\x98\x80\",\"a\0b\"]"sv);
  EXPECT_EQ(reread(R"({"k\u0041": 1})"), R"({"kA":1})");
}

TEST(Json, ByteOrderMarkIsSkipped) {
  EXPECT_EQ(reread("\xef\xbb\xbf[1]"), "[1]");
}

TEST(Json, FindTakesTheFirstOfEqualNames) {
  const auto node = parse_json(R"({"a": "x", "a": "y", "n": 5})");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->get("a"), "x");
  EXPECT_EQ(node->get("n"), "");
  EXPECT_EQ(node->get("missing"), "");
  EXPECT_EQ(node->find("missing"), nullptr);
  EXPECT_EQ(node->find("n")->text, "5");
}

TEST(Json, ErrorsSayWhere) {
  EXPECT_NE(reread("[1, 2").find("at byte"), std::string::npos) << reread("[1, 2");
  EXPECT_NE(reread("{\"a\": tru}").find("at byte 6"), std::string::npos) << reread("{\"a\": tru}");
  EXPECT_EQ(reread("\"a\xff\""), "not valid JSON: bytes that are not UTF-8 (at byte 2)");
  EXPECT_EQ(reread("\xef\xbb\xbf\"a\xff\""),
            "not valid JSON: bytes that are not UTF-8 (at byte 5)");
  EXPECT_EQ(reread(""), "not valid JSON: the text is empty (at byte 0)");
}

TEST(Json, WhatIsNotJsonIsRefused) {
  for (const char* text : {"",
                           " ",
                           "[",
                           "]",
                           "[1 2]",
                           "[1,]",
                           "[,1]",
                           "{\"a\":}",
                           "{\"a\" 1}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:2}",
                           "[1}",
                           "{\"a\":1]",
                           "01",
                           "[01]",
                           "[1.]",
                           "[.5]",
                           "[+1]",
                           "[1e]",
                           "[-]",
                           "[0x1]",
                           "nul",
                           "nulll",
                           "[truex]",
                           "[NaN]",
                           "[Infinity]",
                           "'a'",
                           "\"a",
                           "[\"a]",
                           "\"\\x\"",
                           "\"\\ud83d\"",
                           "\"a\nb\"",
                           "1 2",
                           "[1] x",
                           "{} {}",
                           "[1]]",
                           "// c\n1",
                           "\"a\" \"b\"",
                           "[\"a\" \"b\"]",
                           "[1,,2]",
                           "{\"a\":1 \"b\":2}",
                           "[1 , 2 x]",
                           "1\v",
                           "[1\v]",
                           "[1,2\f]",
                           "\xc2\xa0 1"}) {
    const auto node = parse_json(text);
    EXPECT_FALSE(node) << text << " read as " << written(*node);
  }
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  const auto deep = parse_json(nested(kMaxJsonDepth + 1));
  ASSERT_FALSE(deep);
  EXPECT_EQ(static_cast<int>(deep.error().code), static_cast<int>(Code::kLimit));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace postern::adapt
