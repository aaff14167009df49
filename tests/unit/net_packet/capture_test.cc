#include "net/packet/capture.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "tests/support/capture_builder.h"

namespace postern::net::packet {
namespace {

using test::b16;
using test::b32;
using test::CaptureBuilder;
using test::l16;
using test::l32;

struct Read {
  std::vector<CapturedFrame> frames;
  data::Anomalies anomalies;
};

Read read(const std::string& file) {
  Read r;
  Faults faults(r.anomalies, "x.pcap");
  CaptureReader reader(file, faults);
  CapturedFrame f;
  while (reader.next(f))
    r.frames.push_back(f);
  return r;
}

TEST(Capture, ReadsFramesWithTimeOffsetAndNumber) {
  CaptureBuilder b;
  b.frame(5, "abc").frame(1'000'007, "defg", 60);
  const Read r = read(b.file());
  ASSERT_EQ(r.frames.size(), 2u);
  EXPECT_EQ(r.frames[0].bytes, "abc");
  EXPECT_EQ(format_rfc3339(r.frames[0].time), "2020-09-13T12:26:40.0000050Z");
  EXPECT_EQ(r.frames[0].offset, 24u);
  EXPECT_EQ(r.frames[0].number, 1u);
  EXPECT_EQ(r.frames[1].bytes, "defg");
  EXPECT_EQ(r.frames[1].wire_length, 60u);
  EXPECT_EQ(r.frames[1].offset, b.offsets()[1]);
  EXPECT_EQ(r.frames[1].link_type, 1u);
  EXPECT_TRUE(r.anomalies.all().empty());
}

TEST(Capture, ReadsBigEndianNanoseconds) {
  const std::string file = b32(0xa1b23c4d) + b16(2) + b16(4) + b32(0) + b32(0) + b32(65535) +
                           b32(101) + b32(1'600'000'000) + b32(123'456'789) + b32(2) + b32(2) +
                           "hi";
  EXPECT_TRUE(CaptureReader::detect(file));
  const Read r = read(file);
  ASSERT_EQ(r.frames.size(), 1u);
  EXPECT_EQ(r.frames[0].link_type, 101u);
  EXPECT_EQ(format_rfc3339(r.frames[0].time), "2020-09-13T12:26:40.1234567Z");
}

TEST(Capture, KeepsWholePacketsOfACutFile) {
  CaptureBuilder b;
  b.frame(0, "first").frame(1, "second");
  for (size_t cut = 1; cut < 21; ++cut) {
    const Read r = read(b.file().substr(0, b.file().size() - cut));
    ASSERT_EQ(r.frames.size(), 1u) << cut;
    ASSERT_EQ(r.anomalies.all().count("pcap-truncated"), 1u) << cut;
    EXPECT_EQ(r.anomalies.all().find("pcap-truncated")->second.first_offset, b.offsets()[1]);
  }
}

TEST(Capture, FindsTheNextRecordAfterABadOne) {
  CaptureBuilder b;
  b.frame(0, "first").frame(1, "broken").frame(2, "third").frame(3, "fourth");
  std::string file = b.file();
  file.replace(b.offsets()[1] + 8, 4, l32(0x7fffffff));
  const Read r = read(file);
  ASSERT_EQ(r.frames.size(), 3u);
  EXPECT_EQ(r.frames[1].bytes, "third");
  EXPECT_EQ(r.anomalies.all().find("pcap-bad-record")->second.first_offset, b.offsets()[1]);
}

std::string block(uint32_t type, const std::string& body) {
  const auto size = static_cast<uint32_t>(12 + body.size());
  return l32(type) + l32(size) + body + l32(size);
}

std::string section() {
  return block(0x0a0d0d0a, l32(0x1a2b3c4d) + l16(1) + l16(0) + l32(0xffffffff) + l32(0xffffffff));
}

std::string enhanced(uint32_t interface, uint64_t stamp, std::string data) {
  const auto size = static_cast<uint32_t>(data.size());
  while (data.size() % 4 != 0)
    data += '\0';
  return block(6, l32(interface) + l32(stamp >> 32) + l32(stamp & 0xffffffff) + l32(size) +
                      l32(size) + data);
}

TEST(Capture, ReadsPcapngInterfacesWithTheirOwnClock) {
  // Interface 0: microseconds; interface 1: nanoseconds, one hour ahead.
  const std::string micro = block(1, l16(1) + l16(0) + l32(0));
  const std::string nano =
      block(1, l16(113) + l16(0) + l32(0) + l16(9) + l16(1) + test::bytes({9, 0, 0, 0}) + l16(14) +
                   l16(8) + l32(3600) + l32(0) + l16(0) + l16(0));
  const std::string file = section() + micro + nano + enhanced(0, 1'600'000'000'000'005, "abc") +
                           block(99, "????") + enhanced(1, 1'600'000'000'000'000'700, "defgh");
  EXPECT_TRUE(CaptureReader::detect(file));
  const Read r = read(file);
  ASSERT_EQ(r.frames.size(), 2u);
  EXPECT_EQ(r.frames[0].bytes, "abc");
  EXPECT_EQ(format_rfc3339(r.frames[0].time), "2020-09-13T12:26:40.0000050Z");
  EXPECT_EQ(r.frames[1].bytes, "defgh");
  EXPECT_EQ(r.frames[1].link_type, 113u);
  EXPECT_EQ(format_rfc3339(r.frames[1].time), "2020-09-13T13:26:40.0000007Z");
  EXPECT_EQ(r.frames[1].number, 2u);
}

TEST(Capture, CountsPacketsOfUnknownInterfaces) {
  const Read r = read(section() + enhanced(3, 1, "abc"));
  EXPECT_TRUE(r.frames.empty());
  EXPECT_EQ(r.anomalies.all().count("pcapng-unknown-interface"), 1u);
}

TEST(Capture, KeepsWholeBlocksOfACutPcapng) {
  const std::string file = section() + block(1, l16(1) + l16(0) + l32(0)) + enhanced(0, 1, "abc") +
                           enhanced(0, 2, "def");
  for (size_t cut = 1; cut < 36; ++cut) {
    const Read r = read(file.substr(0, file.size() - cut));
    EXPECT_EQ(r.frames.size(), 1u) << cut;
    EXPECT_EQ(r.anomalies.all().count("pcap-truncated"), 1u) << cut;
  }
}

TEST(Capture, RecognisesNothingElse) {
  EXPECT_FALSE(CaptureReader::detect("ElfFile\0\0\0\0\0"));
  EXPECT_FALSE(CaptureReader::detect(""));
  EXPECT_FALSE(CaptureReader::detect(l32(0x0a0d0d0a) + l32(28) + l32(0)));
}

}  // namespace
}  // namespace postern::net::packet
