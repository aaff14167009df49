// Records outside of what the chunks say is theirs.
#include <gtest/gtest.h>

#include "decoded.h"
#include "input/evtx/evtx.h"
#include "tests/support/evtx_builder.h"

namespace postern::input {
namespace {

using namespace evtx;
using Builder = ChunkBuilder;

const std::map<std::string, Columns> kWanted = {
    {"windows.sysmon", {{"EventID", kInt}, {"Image", kString}}}};

/// An event whose data are literals of the record: no template of its own.
void image_event(Builder& b, uint64_t id, const std::string& image) {
  TestEvent e;
  e.record_id = id;
  b.record(id, [&](Builder& r) {
    write_event(r, e, [&](Builder& d) {
      d.fragment_header();
      d.open("EventData").close_start();
      d.open("Data", true).attribute("Name").literal("Image").close_start().literal(image).end();
      d.end();
      d.end_of_fragment();
    });
  });
}

std::string chunk_of_events(int from, int to) {
  Builder b;
  for (int i = from; i < to; ++i)
    image_event(b, static_cast<uint64_t>(i), "C:\\" + std::to_string(i) + ".exe");
  return b.finish();
}

std::vector<std::string> images(Decoded& d) {
  std::vector<std::string> out;
  for (const auto& row : d.rows("windows.sysmon")) {
    EXPECT_EQ(row.all.at("Image"), row.fields.at("Image")) << "read again";
    out.push_back(row.fields.at("Image"));
  }
  return out;
}

/// The chunk with its end of records set before record `n`.
std::string cut_to(std::string chunk, int n) {
  Builder b;
  for (int i = 0; i < n; ++i)
    image_event(b, static_cast<uint64_t>(i), "C:\\" + std::to_string(i) + ".exe");
  const auto used = static_cast<uint32_t>(b.at());
  std::memcpy(chunk.data() + 48, &used, 4);
  Builder::seal(chunk);
  return chunk;
}

TEST(EvtxCarve, FindsRecordsBehindTheEndOfAChunk) {
  const std::string file = evtx_file({cut_to(chunk_of_events(0, 4), 2), chunk_of_events(4, 5)});
  Decoded plain(kWanted);
  plain.run(decode, file);
  EXPECT_EQ(images(plain), (std::vector<std::string>{"C:\\0.exe", "C:\\1.exe", "C:\\4.exe"}));
  Decoded d(kWanted);
  d.run(decode_and_carve, file);
  EXPECT_EQ(images(d), (std::vector<std::string>{"C:\\0.exe", "C:\\1.exe", "C:\\2.exe", "C:\\3.exe",
                                                 "C:\\4.exe"}));
  EXPECT_EQ(d.anomaly("evtx-carved-record"), 2u);
}

TEST(EvtxCarve, FindsChunksAnywhereAndOnce) {
  // No file header, and chunks at odd offsets.
  std::string image(12'345, 'x');
  image += chunk_of_events(0, 3);
  image += std::string(777, '\0');
  image += chunk_of_events(3, 5).substr(0, 20'000);
  Decoded d(kWanted);
  d.run(carve, image);
  EXPECT_EQ(images(d).size(), 5u);
  EXPECT_EQ(d.bytes_done, image.size());
  EXPECT_EQ(d.rows("windows.sysmon")[0].position.offset, 12'345u + 512u);
}

TEST(EvtxCarve, FindsRecordsWhoseChunkHeaderIsGone) {
  std::string chunk = chunk_of_events(0, 3);
  std::fill(chunk.begin(), chunk.begin() + 512, '\x55');
  Decoded d(kWanted);
  d.run(decode_and_carve, evtx_file({chunk, chunk_of_events(3, 4)}));
  EXPECT_EQ(images(d).size(), 4u);
}

TEST(EvtxCarve, DoesNotBelieveAnOverwrittenTemplate) {
  std::string chunk = chunk_of_events(0, 3);
  // The definition is in the first record; overwrite its GUID there.
  const size_t guid = 512 + 24 + 4 + 10 + 4;
  std::memset(chunk.data() + guid, 0x11, 16);
  Builder::seal(chunk);
  Decoded d(kWanted);
  d.run(carve, chunk);
  EXPECT_EQ(images(d).size(), 0u);
  EXPECT_EQ(d.anomaly("evtx-carved-record-lost"), 3u);
}

TEST(EvtxCarve, FindsRecordsWithoutATemplate) {
  Builder b;
  b.record(9, [&](Builder& r) {
    r.fragment_header();
    r.open("Event").close_start();
    r.open("System").close_start();
    r.open("Provider", true).attribute("Name").literal("Microsoft-Windows-Sysmon").close_empty();
    r.open("EventID").close_start().literal("1").end();
    r.open("Channel").close_start().literal("Microsoft-Windows-Sysmon/Operational").end();
    r.end();
    r.open("EventData").close_start();
    r.open("Data", true).attribute("Name").literal("Image").close_start().literal("a.exe").end();
    r.end();
    r.end();
    r.end_of_fragment();
  });
  std::string chunk = b.finish();
  std::fill(chunk.begin(), chunk.begin() + 512, '\x55');
  Decoded d(kWanted);
  d.run(carve, std::string(100, 'y') + chunk);
  EXPECT_EQ(images(d), (std::vector<std::string>{"a.exe"}));
}

TEST(EvtxCarve, HostileBytesCostLittle) {
  // A magic number every eight bytes, and chunk headers every sixteen.
  std::string records;
  while (records.size() < 4'000'000)
    records += std::string("\x2a\x2a\0\0\x1c\0\0\0", 8);
  Decoded d(kWanted);
  d.run(carve, records);
  std::string chunks;
  while (chunks.size() < 1'000'000)
    chunks += std::string("ElfChnk\0\0\0\0\0\0\0\0\0", 16);
  d.run(carve, chunks);
  EXPECT_EQ(d.rows("windows.sysmon").size(), 0u);
}

}  // namespace
}  // namespace postern::input
