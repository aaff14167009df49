#include "net/packet/decoder.h"

#include <gtest/gtest.h>

#include "net/packet/checksum.h"
#include "tests/support/capture_builder.h"

namespace postern::net::packet {
namespace {

using namespace test;

struct Collected final : PacketSink {
  void packet(const Packet& p) override {
    packets.push_back(p);
    // Views end with the frame of the test.
    texts.emplace_back(p.payload);
  }

  std::vector<Packet> packets;
  std::vector<std::string> texts;
};

struct Decoded {
  Collected sink;
  data::Anomalies anomalies;
};

void decode(Decoded& d, PacketDecoder& decoder, const std::string& frame, uint32_t wire = 0) {
  CapturedFrame f;
  f.bytes = frame;
  f.wire_length = wire ? wire : static_cast<uint32_t>(frame.size());
  f.link_type = 1;
  f.number = d.sink.packets.size() + 1;
  decoder.decode(f);
}

std::unique_ptr<Decoded> decode(const std::vector<std::string>& frames, uint32_t wire = 0) {
  auto d = std::make_unique<Decoded>();
  Faults faults(d->anomalies, "x");
  PacketDecoder decoder(faults, d->sink);
  for (const std::string& f : frames)
    decode(*d, decoder, f, wire);
  return d;
}

std::string segment(const Tcp& h, std::string_view text) {
  return tcp(h, text, "10.0.0.1", "10.0.0.2");
}

std::string frame(std::string_view ip) {
  return ethernet(0x0800, ip);
}

TEST(Decoder, ReadsTcp) {
  const auto d =
      decode({frame(ipv4({}, segment({40000, 25, 7, 9, kAck | kPsh | kFin, 512, true}, "hello")))});
  ASSERT_EQ(d->sink.packets.size(), 1u);
  const Packet& p = d->sink.packets[0];
  EXPECT_EQ(p.source_port, 40000);
  EXPECT_EQ(p.destination_port, 25);
  EXPECT_EQ(p.tcp.sequence, 7u);
  EXPECT_EQ(p.tcp.acknowledged, 9u);
  EXPECT_EQ(p.tcp.window, 512);
  EXPECT_TRUE(p.tcp.fin);
  EXPECT_TRUE(p.tcp.ack);
  EXPECT_FALSE(p.tcp.syn);
  EXPECT_EQ(p.checksum, Checksum::kGood);
  EXPECT_EQ(d->sink.texts[0], "hello");
  EXPECT_EQ(p.ip_length, 45u);
}

TEST(Decoder, TellsBadChecksumsFromThoseLeftToTheCard) {
  std::string bad = segment({40000, 25, 7, 9, kAck, 512, false}, "hello");
  std::string zero = bad;
  zero.replace(16, 2, b16(0));
  std::string partial = bad;
  const std::string pseudo = ip4("10.0.0.1") + ip4("10.0.0.2") + bytes({0, 6}) + b16(25);
  partial.replace(16, 2, b16(static_cast<uint16_t>(~internet_checksum(pseudo))));
  const auto d = decode({frame(ipv4({}, bad)), frame(ipv4({}, zero)), frame(ipv4({}, partial))});
  ASSERT_EQ(d->sink.packets.size(), 3u);
  EXPECT_EQ(d->sink.packets[0].checksum, Checksum::kBad);
  EXPECT_EQ(d->sink.packets[1].checksum, Checksum::kOffloaded);
  EXPECT_EQ(d->sink.packets[2].checksum, Checksum::kOffloaded);
}

TEST(Decoder, SumsOddLengths) {
  for (const char* text : {"", "a", "ab", "abc", "abcd", "abcde"})
    EXPECT_EQ(static_cast<uint16_t>(~ones_complement_sum(text)), internet_checksum(text)) << text;
}

TEST(Decoder, DoesNotJudgeACutPacket) {
  const std::string whole =
      frame(ipv4({}, segment({40000, 25, 7, 9, kAck, 512, false}, "hello world")));
  const auto d = decode({whole.substr(0, whole.size() - 5)}, static_cast<uint32_t>(whole.size()));
  ASSERT_EQ(d->sink.packets.size(), 1u);
  EXPECT_EQ(d->sink.packets[0].checksum, Checksum::kUnverifiable);
  EXPECT_EQ(d->sink.texts[0], "hello ");
  EXPECT_EQ(d->sink.packets[0].payload_length, 11u);
  EXPECT_EQ(d->anomalies.all().count("packet-cut"), 1u);
}

TEST(Decoder, NeverReadsBeyondACut) {
  const std::string whole = frame(ipv4({}, segment({40000, 25, 7, 9, kAck, 512, true}, "hello")));
  for (size_t n = 0; n < whole.size(); ++n)
    decode({whole.substr(0, n)}, static_cast<uint32_t>(whole.size()));
}

TEST(Decoder, JoinsFragmentsBeforeTheTransport) {
  const std::string datagram = udp(5000, 53, "0123456789abcdefghij");
  const auto d =
      decode({frame(ipv4({"10.0.0.1", "10.0.0.2", 17, 9, false, 16}, datagram.substr(16))),
              frame(ipv4({"10.0.0.1", "10.0.0.2", 17, 9, true, 0}, datagram.substr(0, 16)))});
  ASSERT_EQ(d->sink.packets.size(), 1u);
  EXPECT_EQ(d->sink.texts[0], "0123456789abcdefghij");
  EXPECT_EQ(d->sink.packets[0].checksum, Checksum::kGood);
  EXPECT_NE(d->sink.packets[0].owner, nullptr);
}

TEST(Decoder, LooksIntoTunnels) {
  const std::string inner = ipv4({}, segment({1, 2, 3, 4, kAck, 5, true}, "inside"));
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"ip in ip", ipv4({"1.1.1.1", "2.2.2.2", 4}, inner)},
      {"gre", ipv4({"1.1.1.1", "2.2.2.2", 47}, bytes({0x20, 0, 8, 0, 0, 0, 0, 7}) + inner)},
      {"gre ethernet",
       ipv4({"1.1.1.1", "2.2.2.2", 47}, bytes({0, 0, 0x65, 0x58}) + ethernet(0x0800, inner))},
      {"erspan", ipv4({"1.1.1.1", "2.2.2.2", 47},
                      bytes({0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}) +
                          ethernet(0x0800, inner))},
      {"vxlan", ipv4({"10.0.0.1", "10.0.0.2", 17},
                     udp(999, 4789, bytes({8, 0, 0, 0, 0, 0, 1, 0}) + ethernet(0x0800, inner)))},
      {"geneve",
       ipv4({"10.0.0.1", "10.0.0.2", 17},
            udp(999, 6081,
                bytes({1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0}) + ethernet(0x0800, inner)))},
      {"gre over udp",
       ipv4({"10.0.0.1", "10.0.0.2", 17}, udp(999, 4754, bytes({0, 0, 8, 0}) + inner))},
      {"gtp", ipv4({"10.0.0.1", "10.0.0.2", 17},
                   udp(999, 2152,
                       bytes({0x34, 0xff}) + b16(static_cast<uint32_t>(8 + inner.size())) + b32(7) +
                           bytes({0, 1, 0, 0x85, 1, 0, 0, 0}) + inner))},
  };
  for (const auto& c : cases) {
    const auto d = decode({frame(c.second)});
    ASSERT_FALSE(d->sink.packets.empty()) << c.first;
    EXPECT_EQ(d->sink.texts.back(), "inside") << c.first;
    EXPECT_EQ(d->sink.packets.back().tunnels, 1) << c.first;
  }
  // Teredo carries version 6 only.
  std::string v6 = bytes({0x60, 0, 0, 0, 0, 16, 17, 64, 0x20, 1}) + std::string(30, '\0') +
                   bytes({0, 7, 0, 9, 0, 16, 0, 0}) + "teredo!!";
  const auto bubble = decode(
      {frame(ipv4({"10.0.0.1", "10.0.0.2", 17}, udp(999, 3544, std::string(8, '\0') + v6)))});
  ASSERT_EQ(bubble->sink.packets.size(), 2u);
  EXPECT_EQ(bubble->sink.texts[1], "teredo!!");
  EXPECT_EQ(bubble->sink.packets[1].destination_port, 9);
  const auto relay = decode({frame(ipv4({"10.0.0.1", "10.0.0.2", 17}, udp(999, 32900, v6)))});
  EXPECT_EQ(relay->sink.packets.size(), 2u);
  const auto chance =
      decode({frame(ipv4({"10.0.0.1", "10.0.0.2", 17}, udp(999, 32900, "`" + v6)))});
  EXPECT_EQ(chance->sink.packets.size(), 1u);

  std::string deep = inner;
  for (int i = 0; i < 10; ++i)
    deep = ipv4({"1.1.1.1", "2.2.2.2", 4}, deep);
  const auto d = decode({frame(deep)});
  EXPECT_TRUE(d->sink.packets.empty());
  EXPECT_EQ(d->anomalies.all().count("tunnel-too-deep"), 1u);
}

TEST(Decoder, NamesUnknownLinksAndBrokenHeaders) {
  const auto d = decode({frame("\x10 not IP at all, really not"), ethernet(0x8100, b16(1)),
                         frame(ipv4({}, "short")), frame(ipv4({"1.1.1.1", "2.2.2.2", 17}, "abc"))});
  EXPECT_EQ(d->anomalies.all().count("ip-bad-header"), 1u);
  EXPECT_EQ(d->anomalies.all().count("link-cut"), 1u);
  EXPECT_EQ(d->anomalies.all().count("tcp-header-cut"), 1u);
  EXPECT_EQ(d->anomalies.all().count("udp-header-cut"), 1u);
}

}  // namespace
}  // namespace postern::net::packet
