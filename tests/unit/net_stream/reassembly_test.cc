#include "net/stream/reassembly.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace postern::net::stream {
namespace {

struct Stream final : ReassemblySink {
  void delivered(Bytes bytes, const Moment&) override { text += bytes; }

  void missing(uint64_t n, const Moment&) override { text += "<" + std::to_string(n) + ">"; }

  void conflicting(Bytes first, Bytes second, const Moment&) override {
    conflicts.emplace_back(std::string(first) + "/" + std::string(second));
  }

  void add(uint64_t begin, Bytes bytes) { r.add(begin, bytes, nullptr, {}, *this); }

  std::string text;
  std::vector<std::string> conflicts;
  Reassembler r;
};

TEST(Reassembly, DeliversInOrderAtOnce) {
  Stream s;
  s.add(1, "abc");
  s.add(4, "def");
  EXPECT_EQ(s.text, "abcdef");
  EXPECT_EQ(s.r.next(), 7u);
}

TEST(Reassembly, PutsSegmentsInOrder) {
  Stream s;
  s.add(7, "ghi");
  s.add(4, "def");
  EXPECT_EQ(s.text, "");
  EXPECT_EQ(s.r.waiting_bytes(), 6u);
  s.add(1, "abc");
  EXPECT_EQ(s.text, "abcdefghi");
  EXPECT_FALSE(s.r.has_waiting());
}

TEST(Reassembly, IgnoresRetransmissions) {
  Stream s;
  s.add(1, "abcdef");
  s.add(1, "abc");
  s.add(4, "defghi");
  EXPECT_EQ(s.text, "abcdefghi");
  EXPECT_TRUE(s.conflicts.empty());
}

TEST(Reassembly, KeepsTheFirstCopyThatWaits) {
  Stream s;
  s.add(4, "def");
  s.add(2, "bXXXXg");
  s.add(1, "a");
  EXPECT_EQ(s.text, "abXdefg");
  EXPECT_EQ(s.conflicts, std::vector<std::string>{"def/XXX"});
}

TEST(Reassembly, ReportsALateCopyThatDiffers) {
  Stream s;
  s.add(1, "abcdef");
  s.add(3, "cXe");
  EXPECT_EQ(s.text, "abcdef");
  EXPECT_EQ(s.conflicts, std::vector<std::string>{"cde/cXe"});
}

TEST(Reassembly, GivesUpAHole) {
  Stream s;
  s.add(1, "ab");
  s.add(6, "fg");
  s.r.skip_to(6, {}, s);
  EXPECT_EQ(s.text, "ab<3>fg");
  s.r.skip_to(20, {}, s);
  EXPECT_EQ(s.text, "ab<3>fg<12>");
  s.add(4, "late");
  EXPECT_EQ(s.text, "ab<3>fg<12>");
}

TEST(Reassembly, DeliversWhatLiesBetweenHoles) {
  Stream s;
  s.add(5, "e");
  s.add(9, "i");
  s.r.skip_to(12, {}, s);
  EXPECT_EQ(s.text, "<4>e<3>i<2>");
}

TEST(Reassembly, BoundsWhatWaits) {
  Stream s;
  const std::string big(1000, 'x');
  for (uint64_t i = 0; i < 100; ++i)
    s.add(10 + i * 1001, big);
  s.r.relieve(5000, {}, s);
  EXPECT_LE(s.r.waiting_bytes(), 5000u);
  s.r.relieve(0, {}, s);
  EXPECT_FALSE(s.r.has_waiting());
}

TEST(Reassembly, GivesTheSameStreamForAnyOrderAndOverlap) {
  std::string whole;
  for (int i = 0; i < 400; ++i)
    whole += static_cast<char>('a' + i % 26);
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<size_t, size_t>> parts;
    for (size_t at = 0; at < whole.size();) {
      const size_t n = 1 + random() % 30;
      const size_t back = std::min<size_t>(at, random() % 10);
      parts.push_back({at - back, std::min(whole.size() - (at - back), n + back + random() % 10)});
      at += n;
    }
    std::shuffle(parts.begin(), parts.end(), random);
    Stream s;
    for (const auto& p : parts)
      s.add(1 + p.first, std::string_view(whole).substr(p.first, p.second));
    ASSERT_EQ(s.text, whole) << "seed " << seed;
    ASSERT_TRUE(s.conflicts.empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace postern::net::stream
