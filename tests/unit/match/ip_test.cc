#include "match/ip.h"

#include <gtest/gtest.h>

namespace postern::match {
namespace {

std::string reread(std::string_view text) {
  const auto ip = IpAddress::parse(text);
  return ip ? ip->text() : "refused";
}

bool contains(std::string_view block, std::string_view ip) {
  const auto cidr = Cidr::parse(block);
  const auto address = IpAddress::parse(ip);
  EXPECT_TRUE(cidr && address) << block << " " << ip;
  return cidr && address && cidr->contains(*address);
}

TEST(IpAddress, EverySpellingReadsToItsCanonicalText) {
  EXPECT_EQ(reread("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(reread("0.0.0.0"), "0.0.0.0");
  EXPECT_EQ(reread("255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(reread("::"), "::");
  EXPECT_EQ(reread("::1"), "::1");
  EXPECT_EQ(reread("1::"), "1::");
  EXPECT_EQ(reread("0:0:0:0:0:0:0:1"), "::1");  // Sysmon
  EXPECT_EQ(reread("fe80:0:0:0:A0B:c0D:e:F"), "fe80::a0b:c0d:e:f");
  EXPECT_EQ(reread("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(reread("fe80::1%12"), "fe80::1");
  EXPECT_EQ(reread("::ffff:1.2.3.4"), "::ffff:1.2.3.4");
  EXPECT_EQ(reread("::FFFF:102:304"), "::ffff:1.2.3.4");
  EXPECT_EQ(reread("0:0:0:0:0:ffff:1.2.3.4"), "::ffff:1.2.3.4");
  EXPECT_EQ(reread("64:ff9b::1.2.3.4"), "64:ff9b::102:304");
  EXPECT_EQ(reread("2001:0db8:0000:0000:0001:0000:0000:0001"), "2001:db8::1:0:0:1");
  EXPECT_EQ(reread("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(reread("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
  EXPECT_EQ(reread("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(reread("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
}

TEST(IpAddress, WhatIsNoAddressIsRefused) {
  for (const char* text : {"",
                           " 1.2.3.4",
                           "1.2.3.4 ",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "010.0.0.1",
                           "1.2.3.04",
                           "1.2.3.+4",
                           "0x7f.0.0.1",
                           "2130706433",
                           "1.2.3.4%eth0",
                           "-",
                           ":",
                           ":::",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1:2:3:4:5:6:7:8",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7:",
                           ":1:2:3:4:5:6:7",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "fe80::1%",
                           "[::1]",
                           "::ffff:01.2.3.4",
                           "localhost"})
    EXPECT_EQ(reread(text), "refused") << text;
}

TEST(IpAddress, PrivateRangesOfBothFamilies) {
  for (const char* text : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1",
                           "169.254.1.1", "100.64.0.1", "100.127.255.255", "::1", "fe80::1",
                           "febf::1", "fc00::1", "fdff::1", "::ffff:10.0.0.1"})
    EXPECT_TRUE(IpAddress::parse(text)->is_private()) << text;
  for (const char* text :
       {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "100.63.0.1",
        "8.8.8.8", "::", "::2", "fec0::1", "2001:db8::1", "::ffff:8.8.8.8"})
    EXPECT_FALSE(IpAddress::parse(text)->is_private()) << text;
}

TEST(Cidr, ContainsByPrefix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.168.0.128/25", "192.168.0.129"));
  EXPECT_FALSE(contains("192.168.0.128/25", "192.168.0.127"));
  EXPECT_TRUE(contains("1.2.3.4", "1.2.3.4"));
  EXPECT_FALSE(contains("1.2.3.4", "1.2.3.5"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(contains("::1/128", "0:0:0:0:0:0:0:1"));
  EXPECT_TRUE(contains("fe80::/10", "fe80::1%eth0"));
  EXPECT_TRUE(contains("fe80::/10", "febf::1"));
  EXPECT_FALSE(contains("fe80::/10", "fec0::1"));
  EXPECT_TRUE(contains("2620:83:8000::/48", "2620:83:8000:ffff::1"));
}

TEST(Cidr, MappedAddressesMatchV4BlocksAndFamiliesDoNotMix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(contains("::/0", "10.1.2.3"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
}

TEST(Cidr, HostBitsAreClearedOrRefused) {
  EXPECT_EQ(Cidr::parse("10.1.2.3/8")->address.text(), "10.0.0.0");
  EXPECT_EQ(Cidr::parse("fe80::1/10")->address.text(), "fe80::");
  EXPECT_FALSE(Cidr::parse("10.1.2.3/8", true));
  EXPECT_TRUE(Cidr::parse("10.0.0.0/8", true));
  EXPECT_TRUE(Cidr::parse("10.1.2.3", true));
}

TEST(Cidr, WhatIsNoBlockIsRefused) {
  for (const char* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0", "10.0.0/8", "::/129", "::/ 8", "10.0.0.0 /8", "10.0.0.0/99999999999"})
    EXPECT_FALSE(Cidr::parse(text)) << text;
}

}  // namespace
}  // namespace postern::match
