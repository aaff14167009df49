#include "net/packet/ip.h"

#include <gtest/gtest.h>

#include "net/packet/fragments.h"
#include "tests/support/capture_builder.h"

namespace postern::net::packet {
namespace {

using test::b16;
using test::b32;
using test::bytes;
using test::ipv4;

std::string v6(int next, std::string_view payload) {
  std::string a(16, '\0');
  std::string b(16, '\0');
  a[15] = 1;
  b[15] = 2;
  return bytes({0x60, 0, 0, 0}) + b16(static_cast<uint32_t>(payload.size())) + bytes({next, 64}) +
         a + b + std::string(payload);
}

TEST(Ip, ReadsVersion4AndCutsPadding) {
  IpHeader h;
  EXPECT_EQ(read_ip(ipv4({}, "payload") + std::string(20, '\0'), h), "");
  EXPECT_EQ(h.payload, "payload");
  EXPECT_EQ(h.payload_length, 7u);
  EXPECT_EQ(h.total_length, 27u);
  EXPECT_EQ(h.protocol, 6);
  EXPECT_FALSE(h.fragment);
  EXPECT_TRUE(h.source.v4);
  EXPECT_EQ(h.source.bytes[15], 1);
  EXPECT_EQ(h.destination.bytes[15], 2);
}

TEST(Ip, SkipsOptionsOfVersion4) {
  std::string p = ipv4({}, "");
  p[0] = 0x46;
  p.replace(2, 2, b16(26));
  IpHeader h;
  EXPECT_EQ(read_ip(p + "\1\1\1\1ab", h), "");
  EXPECT_EQ(h.payload, "ab");
}

TEST(Ip, TakesTheFrameForThePacketWhenTheLengthIsLeftOut) {
  std::string p = ipv4({}, "payload");
  p.replace(2, 2, b16(0));
  IpHeader h;
  EXPECT_EQ(read_ip(p, h), "");
  EXPECT_EQ(h.payload, "payload");
}

TEST(Ip, KnowsHowMuchIsMissing) {
  IpHeader h;
  EXPECT_EQ(read_ip(ipv4({}, "payload").substr(0, 23), h), "");
  EXPECT_EQ(h.payload, "pay");
  EXPECT_EQ(h.payload_length, 7u);
}

TEST(Ip, WalksExtensionHeadersOfVersion6) {
  // hop-by-hop, destination options, authentication, then TCP
  const std::string chain = bytes({60, 0, 1, 4, 0, 0, 0, 0}) + bytes({51, 0, 1, 4, 0, 0, 0, 0}) +
                            bytes({6, 4}) + std::string(22, '\0') + "segment";
  IpHeader h;
  EXPECT_EQ(read_ip(v6(0, chain), h), "");
  EXPECT_EQ(h.protocol, 6);
  EXPECT_EQ(h.payload, "segment");
  EXPECT_EQ(h.payload_length, 7u);
  EXPECT_FALSE(h.source.v4);
}

TEST(Ip, ReadsTheFragmentHeaderOfVersion6) {
  IpHeader h;
  EXPECT_EQ(read_ip(v6(44, bytes({17, 0, 0, 9}) + b32(77) + "data"), h), "");
  EXPECT_TRUE(h.fragment);
  EXPECT_TRUE(h.more_fragments);
  EXPECT_EQ(h.fragment_offset, 8u);
  EXPECT_EQ(h.identification, 77u);
  EXPECT_EQ(h.protocol, 17);
  EXPECT_EQ(h.payload, "data");
}

TEST(Ip, RefusesWhatIsNoHeader) {
  IpHeader h;
  EXPECT_EQ(read_ip("", h), "ip-header-cut");
  EXPECT_EQ(read_ip("\x45short", h), "ip-header-cut");
  EXPECT_EQ(read_ip(std::string(40, '\x11'), h), "ip-bad-header");
  EXPECT_EQ(read_ip("\x41" + std::string(30, 'a'), h), "ip-bad-header");
  EXPECT_EQ(read_ip(v6(0, "abc"), h), "ip-header-cut");
  EXPECT_EQ(read_ip(v6(0, bytes({6, 9, 0, 0, 0, 0, 0, 0})), h), "ip-header-cut");
}

class Fragments : public ::testing::Test {
 protected:
  /// The whole payload once it is complete, else "".
  std::string add(int offset, std::string_view data, bool more, int id = 1, int64_t time = 0) {
    const std::string p = ipv4({"10.0.0.1", "10.0.0.2", 17, id, more, offset}, data);
    IpHeader h;
    EXPECT_EQ(read_ip(p, h), "");
    const auto made = table_.add(h, time, 0);
    if (made) {
      EXPECT_EQ(h.payload, *made);
      EXPECT_EQ(h.total_length, made->size() + 20);
    }
    return made ? *made : "";
  }

  uint64_t count(std::string_view name) const {
    const auto it = anomalies_.all().find(name);
    return it == anomalies_.all().end() ? 0 : it->second.count;
  }

  data::Anomalies anomalies_;
  Faults faults_{anomalies_, "x"};
  FragmentTable table_{faults_};
};

TEST_F(Fragments, JoinsInAnyOrder) {
  EXPECT_EQ(add(16, "ccc", false), "");
  EXPECT_EQ(add(0, "aaaaaaaa", true), "");
  EXPECT_EQ(add(8, "bbbbbbbb", true), "aaaaaaaabbbbbbbbccc");
  EXPECT_EQ(table_.pending(), 0u);
}

TEST_F(Fragments, KeepsTheFirstCopyAndReportsTheOther) {
  add(0, "aaaaaaaabbbbbbbb", true);
  add(8, "XXXXXXXX", true);
  EXPECT_EQ(add(16, "end", false), "aaaaaaaabbbbbbbbend");
  EXPECT_EQ(count("ip-fragment-conflict"), 1u);
}

TEST_F(Fragments, TakesEqualOverlapsSilently) {
  add(8, "bbbbbbbb", true);
  add(0, "aaaaaaaabbbbbbbb", true);
  EXPECT_EQ(add(8, "bbbbbbbbend", false), "aaaaaaaabbbbbbbbend");
  EXPECT_EQ(count("ip-fragment-conflict"), 0u);
}

TEST_F(Fragments, KeepsPacketsApart) {
  add(0, "aaaaaaaa", true, 1);
  add(0, "bbbbbbbb", true, 2);
  EXPECT_EQ(add(8, "1", false, 1), "aaaaaaaa1");
  EXPECT_EQ(add(8, "2", false, 2), "bbbbbbbb2");
}

TEST_F(Fragments, ForgetsOldAndTooManyPackets) {
  add(0, "aaaaaaaa", true, 1, 0);
  add(0, "bbbbbbbb", true, 2, int64_t{31} * 10'000'000);
  EXPECT_EQ(table_.pending(), 1u);
  for (int i = 0; i < 3000; ++i)
    add(0, "aaaaaaaa", true, i, int64_t{31} * 10'000'000);
  EXPECT_LE(table_.pending(), FragmentTable::kMaxPending);
  EXPECT_GT(count("ip-fragments-dropped"), 0u);
}

TEST_F(Fragments, RefusesSizesThatCannotBe) {
  EXPECT_EQ(add(0, "abc", true), "");              // not a multiple of eight
  EXPECT_EQ(add(65'528, "aaaaaaaaa", false), "");  // beyond 64 KiB
  EXPECT_EQ(count("ip-bad-fragment"), 2u);
  EXPECT_EQ(table_.pending(), 0u);
}

}  // namespace
}  // namespace postern::net::packet
