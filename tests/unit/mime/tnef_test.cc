#include "mime/tnef.h"

#include <vector>

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

std::string number(uint64_t v, int n) {
  std::string out;
  for (int i = 0; i < n; ++i)
    out += static_cast<char>(v >> (8 * i) & 0xff);
  return out;
}

std::string attribute(int level, uint32_t id, const std::string& data) {
  uint32_t sum = 0;
  for (const char c : data)
    sum += static_cast<uint8_t>(c);
  return number(static_cast<uint64_t>(level), 1) + number(id, 4) + number(data.size(), 4) + data +
         number(sum & 0xffff, 2);
}

std::string padded(std::string s) {
  s.resize((s.size() + 3) / 4 * 4);
  return s;
}

std::string text_property(uint16_t id, uint16_t type, const std::string& value) {
  return number(type, 2) + number(id, 2) + number(1, 4) + number(value.size(), 4) + padded(value);
}

const std::string kStart = number(0x223e9f78, 4) + number(1, 2);
const std::string kBegin = attribute(2, 0x00069002, std::string(14, '\0'));

std::string file(const std::string& name, const std::string& content) {
  return kBegin + attribute(2, 0x00018010, name + '\0') + attribute(2, 0x0006800f, content);
}

struct Seen final : TnefHandler {
  void tnef_file(std::string_view name, std::string_view type, std::string_view bytes) override {
    files.push_back(std::string(name) + "|" + std::string(type) + "|" + std::string(bytes));
  }

  void tnef_body(std::string_view type, std::string_view charset, std::string_view bytes) override {
    bodies.push_back(std::string(type) + "|" + std::string(charset) + "|" + std::string(bytes));
  }

  std::vector<std::string> files, bodies;
};

TEST(Tnef, GivesAttachmentsAndTheText) {
  const std::string wide("l\0o\0n\0g\0.\0e\0x\0e\0\0\0", 18);
  const std::string block = number(3, 4) + number(0x0003, 2) + number(0x0e21, 2) + number(7, 4) +
                            text_property(0x3707, 0x001f, wide) +
                            text_property(0x370e, 0x001e, std::string("application/x-exe\0", 18));
  const std::string stream = kStart + attribute(1, 0x00069007, number(1252, 4) + number(0, 4)) +
                             attribute(1, 0x0002800c, std::string("hello\0", 6)) +
                             file("LONG~1.EXE", "MZcontent") + attribute(2, 0x00069005, block) +
                             file("b.txt", "two");
  ASSERT_TRUE(is_tnef(stream));
  Seen s;
  EXPECT_EQ(read_tnef(stream, s), TnefResult::kGood);
  EXPECT_EQ(s.files,
            (std::vector<std::string>{"long.exe|application/x-exe|MZcontent", "b.txt||two"}));
  EXPECT_EQ(s.bodies, std::vector<std::string>{"text/plain|windows-1252|hello"});
}

TEST(Tnef, ReadsNamedPropertiesAndLists) {
  const std::string named = number(0x001e, 2) + number(0x8001, 2) + std::string(16, 'g') +
                            number(1, 4) + number(6, 4) + padded(std::string("n\0a\0\0\0", 6)) +
                            number(1, 4) + number(2, 4) + padded("x");
  const std::string list =
      number(0x1003, 2) + number(0x6000, 2) + number(2, 4) + number(1, 4) + number(2, 4);
  const std::string html = text_property(0x1013, 0x0102, "<b>hi</b>");
  Seen s;
  EXPECT_EQ(read_tnef(kStart + attribute(1, 0x00069003, number(3, 4) + named + list + html), s),
            TnefResult::kGood);
  EXPECT_EQ(s.bodies, std::vector<std::string>{"text/html||<b>hi</b>"});
}

TEST(Tnef, ReadsMessagesAttachedToMessages) {
  const std::string inner = kStart + file("in.exe", "MZ");
  const std::string object = number(1, 4) + number(0x000d, 2) + number(0x3701, 2) + number(1, 4) +
                             number(16 + inner.size(), 4) + padded(std::string(16, 'i') + inner);
  Seen s;
  EXPECT_EQ(read_tnef(kStart + kBegin + attribute(2, 0x00069005, object), s), TnefResult::kGood);
  ASSERT_EQ(s.files.size(), 2u);
  EXPECT_EQ(s.files[1], "in.exe||MZ");
}

TEST(Tnef, BoundsDepthAndFiles) {
  std::string deep = kStart + file("x", "y");
  for (int i = 0; i < 8; ++i)
    deep = kStart + file("m", deep);
  Seen s;
  EXPECT_EQ(read_tnef(deep, s), TnefResult::kTooLarge);
  EXPECT_LE(s.files.size(), 5u);
  std::string many = kStart;
  for (int i = 0; i < 1100; ++i)
    many += file("a", "b");
  Seen m;
  EXPECT_EQ(read_tnef(many, m), TnefResult::kTooLarge);
  EXPECT_EQ(m.files.size(), 1000u);
}

TEST(Tnef, GivesWhatCameOfACutStreamAndNeverReadsBeyond) {
  const std::string block = number(1, 4) + text_property(0x3707, 0x001e, "name.exe");
  const std::string stream = kStart + file("a.txt", "content") + attribute(2, 0x00069005, block);
  for (size_t n = 0; n < stream.size(); ++n) {
    Seen s;
    read_tnef(std::string_view(stream).substr(0, n), s);
    EXPECT_LE(s.files.size(), 1u);
  }
  Seen cut;
  EXPECT_EQ(read_tnef(stream.substr(0, stream.size() - 20), cut), TnefResult::kDamaged);
  EXPECT_EQ(cut.files.size(), 1u);
  // Lengths and counts that lie.
  Seen lies;
  EXPECT_EQ(read_tnef(kStart + number(1, 1) + number(0x00069003, 4) + number(0xffffffff, 4) +
                          number(0xffffffff, 4),
                      lies),
            TnefResult::kTooLarge);
  for (size_t at = 6; at < stream.size(); ++at) {
    std::string broken = stream;
    broken[at] = '\xff';
    Seen s;
    read_tnef(broken, s);
  }
}

TEST(Tnef, DecompressesRtf) {
  // The example of [MS-OXRTFCP], 3.1.1: "{\rtf1\ansi\ansicpg1252\pard hello world}\r\n".
  const std::string compressed(
      "\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\x00\x0a\x00\x72\x63\x70"
      "\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a"
      "\x80\x0f\xa0",
      49);
  std::string out;
  EXPECT_TRUE(decompress_rtf(compressed, 1000, out));
  EXPECT_EQ(out, "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
  // A run that reads what it writes (3.1.2).
  const std::string run(
      "\x1a\x00\x00\x00\x1c\x00\x00\x00\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58\x59"
      "\x5a\x0d\x6e\x7d\x01\x0e\xb0",
      30);
  out.clear();
  EXPECT_TRUE(decompress_rtf(run, 1000, out));
  EXPECT_EQ(out, "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
  out.clear();
  decompress_rtf(compressed, 10, out);
  EXPECT_LE(out.size(), 27u) << "one run more than the limit at most";
  EXPECT_FALSE(decompress_rtf("short", 1000, out));
}

}  // namespace
}  // namespace postern::mime
