#include "net/packet/link.h"

#include <gtest/gtest.h>

#include "tests/support/capture_builder.h"

namespace postern::net::packet {
namespace {

using test::b16;
using test::b32;
using test::bytes;
using test::ethernet;

constexpr std::string_view kIp = "\x45 an IP packet";
using Kind = LinkPayload::Kind;

struct Case {
  const char* name;
  uint32_t link_type;
  std::string frame;
};

std::vector<Case> cases() {
  const std::string ip(kIp);
  const std::string wireless_data = bytes({0x08, 0x01}) + std::string(22, '\0');
  const std::string llc = bytes({0xaa, 0xaa, 3, 0, 0, 0, 8, 0});
  return {
      {"ethernet", 1, ethernet(0x0800, ip)},
      {"vlan", 1, ethernet(0x8100, b16(7) + b16(0x0800) + ip)},
      {"qinq", 1, ethernet(0x88a8, b16(7) + b16(0x8100) + b16(9) + b16(0x0800) + ip)},
      {"mpls", 1, ethernet(0x8847, b32(0x00010040) + b32(0x00020140) + ip)},
      {"mpls with control word", 1,
       ethernet(0x8847, b32(0x00020140) + b32(0) + ethernet(0x0800, ip))},
      {"pppoe", 1, ethernet(0x8864, bytes({0x11, 0, 0, 1, 0, 20, 0, 0x21}) + ip)},
      {"pppoe over vlan", 1,
       ethernet(0x8100, b16(7) + b16(0x8864) + bytes({0x11, 0, 0, 1, 0, 20, 0, 0x21}) + ip)},
      {"802.3 snap", 1, ethernet(20, llc + ip)},
      {"provider backbone", 1, ethernet(0x88e7, b32(5) + ethernet(0x0800, ip))},
      {"vn-tag", 1, ethernet(0x8926, b32(5) + b16(0x0800) + ip)},
      {"fabric path", 1, ethernet(0x8903, b16(5) + ethernet(0x0800, ip))},
      {"loopback little", 0, bytes({2, 0, 0, 0}) + ip},
      {"loopback big", 108, bytes({0, 0, 0, 24}) + ip},
      {"raw", 101, ip},
      {"ipv4", 228, ip},
      {"ppp compressed", 9, bytes({0x21}) + ip},
      {"ppp with address", 9, bytes({0xff, 3, 0, 0x57}) + ip},
      {"cisco hdlc", 104, bytes({0x0f, 0, 8, 0}) + ip},
      {"linux cooked", 113, std::string(14, '\0') + b16(0x0800) + ip},
      {"linux cooked vlan", 113, std::string(14, '\0') + b16(0x8100) + b16(3) + b16(0x0800) + ip},
      {"linux cooked 2", 276, b16(0x86dd) + std::string(18, '\0') + ip},
      {"wireless", 105, wireless_data + llc + ip},
      {"wireless qos", 105, bytes({0x88, 0x02}) + std::string(22, '\0') + b16(0) + llc + ip},
      {"ppi", 192, bytes({0, 0, 12, 0, 1, 0, 0, 0, 9, 9, 9, 9}) + ethernet(0x0800, ip)},
      {"nflog", 239,
       bytes({2, 0, 0, 0, 5, 0, 10, 0, 1, 0, 0, 0, static_cast<int>(4 + ip.size()), 0, 9, 0}) + ip},
      {"radiotap", 127, bytes({0, 0, 8, 0, 0, 0, 0, 0}) + wireless_data + llc + ip},
  };
}

TEST(Link, FindsTheIpPacket) {
  for (const Case& c : cases()) {
    const LinkPayload p = peel_link(c.link_type, c.frame);
    EXPECT_EQ(p.kind, Kind::kIp) << c.name;
    EXPECT_EQ(p.bytes, kIp) << c.name;
  }
}

TEST(Link, SaysWhereAFrameIsCut) {
  for (const Case& c : cases()) {
    // Whatever is cut off, nothing is read beyond the end; headers that are cut are said to be.
    for (size_t n = 0; n + kIp.size() < c.frame.size(); ++n) {
      const LinkPayload p = peel_link(c.link_type, std::string_view(c.frame).substr(0, n));
      EXPECT_NE(p.kind, Kind::kUnknown) << c.name << " " << n;
    }
    EXPECT_EQ(peel_link(c.link_type, "").kind == Kind::kCut,
              c.link_type != 101 && c.link_type != 228)
        << c.name;
  }
}

TEST(Link, KeepsBothVlanIds) {
  const LinkPayload p =
      peel_link(1, ethernet(0x88a8, b16(7) + b16(0x8100) + b16(0xe009) + b16(0x0800)));
  EXPECT_EQ(p.vlan, 7);
  EXPECT_EQ(p.inner_vlan, 9);
}

TEST(Link, LeavesOtherProtocolsAlone) {
  EXPECT_EQ(peel_link(1, ethernet(0x0806, std::string(28, 'a'))).kind, Kind::kOther);  // ARP
  EXPECT_EQ(peel_link(1, ethernet(38, bytes({0x42, 0x42, 3}) + "stp")).kind,
            Kind::kOther);  // spanning tree
  EXPECT_EQ(peel_link(105, bytes({0x80, 0}) + std::string(30, 'a')).kind, Kind::kOther);  // beacon
  EXPECT_EQ(peel_link(105, bytes({0x08, 0x41}) + std::string(40, 'a')).kind,
            Kind::kOther);  // encrypted
}

TEST(Link, NamesWhatItCannotRead) {
  EXPECT_EQ(peel_link(9999, "x").kind, Kind::kUnknown);
  std::string nested;
  for (int i = 0; i < 100; ++i)
    nested += b16(1) + b16(0x8100);
  const LinkPayload p = peel_link(1, ethernet(0x8100, nested));
  EXPECT_EQ(p.kind, Kind::kUnknown);
  EXPECT_EQ(p.what, "too many link headers");
}

}  // namespace
}  // namespace postern::net::packet
