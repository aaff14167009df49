#include "input/evtx/evtx.h"

#include <chrono>
#include <random>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/evtx/value.h"
#include "input/winxml/winxml.h"
#include "tests/support/evtx_builder.h"

namespace postern::input::evtx {
namespace {

using Builder = ChunkBuilder;
using Values = std::vector<Builder::Value>;

constexpr auto kSysmonTable = "windows.sysmon";

std::string one_event(const TestEvent& e, const std::function<void(Builder&)>& data) {
  Builder b;
  b.record(e.record_id, [&](Builder& r) { write_event(r, e, data); });
  return evtx_file({b.finish()});
}

std::string text_of(ValueType type, std::string_view bytes) {
  std::string out;
  append_text(out, type, bytes);
  return out;
}

TEST(EvtxValue, TextIsWhatWindowsRenders) {
  EXPECT_EQ(text_of(ValueType::kHexInt32, bytes_of(uint32_t{0x1410})), "0x1410");
  EXPECT_EQ(text_of(ValueType::kHexInt64, bytes_of(uint64_t{0x3e7})), "0x3e7");
  EXPECT_EQ(text_of(ValueType::kHexInt64, bytes_of(uint64_t{0})), "0x0");
  EXPECT_EQ(text_of(ValueType::kSize, bytes_of(uint64_t{0xFFFE})), "0xfffe");
  EXPECT_EQ(text_of(ValueType::kInt8, "\xff"), "-1");
  EXPECT_EQ(text_of(ValueType::kUInt8, "\xff"), "255");
  EXPECT_EQ(text_of(ValueType::kInt32, bytes_of(int32_t{-5})), "-5");
  EXPECT_EQ(text_of(ValueType::kUInt64, bytes_of(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(text_of(ValueType::kBool, bytes_of(uint32_t{1})), "true");
  EXPECT_EQ(text_of(ValueType::kBool, bytes_of(uint32_t{0})), "false");
  EXPECT_EQ(text_of(ValueType::kReal64, bytes_of(1.5)), "1.5");
  EXPECT_EQ(text_of(ValueType::kReal32, bytes_of(0.1F)), "0.1");
  EXPECT_EQ(text_of(ValueType::kBinary, "\xab\x01"), "AB01");
  EXPECT_EQ(
      text_of(ValueType::kGuid, std::string_view("\x5f\x38\x70\x57\x2a\xc2\xe0\x43\xbf\x4c\x06"
                                                 "\xf5\x69\x8f\xfb\xd9",
                                                 16)),
      "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}");
  EXPECT_EQ(text_of(ValueType::kSid,
                    std::string_view("\x01\x02\0\0\0\0\0\x05\x20\0\0\0\x20\x02\0\0", 16)),
            "S-1-5-32-544");
  EXPECT_EQ(text_of(ValueType::kString, utf16("a\r\n%%14593") + std::string(2, '\0')),
            "a\r\n%%14593");
}

TEST(EvtxValue, TimesHaveSevenDigitsAndAnyYear) {
  EXPECT_EQ(text_of(ValueType::kFiletime, bytes_of(uint64_t{132'551'485'001'453'352})),
            "2021-01-15T01:41:40.1453352Z");
  EXPECT_EQ(text_of(ValueType::kFiletime, bytes_of(uint64_t{0})), "1601-01-01T00:00:00.0000000Z");
  EXPECT_EQ(text_of(ValueType::kFiletime, bytes_of(uint64_t{INT64_MAX})),
            "30828-09-14T02:48:05.4775807Z");
  const uint16_t parts[8] = {2021, 1, 4, 14, 23, 41, 40, 145};
  EXPECT_EQ(text_of(ValueType::kSystemtime, {reinterpret_cast<const char*>(parts), 16}),
            "2021-01-14T23:41:40.1450000Z");
}

TEST(EvtxValue, WrongSizeIsShownAsHexAndSaid) {
  std::string out;
  EXPECT_FALSE(append_text(out, ValueType::kUInt32, "\x01\x02"));
  EXPECT_EQ(out, "0102");
  out.clear();
  EXPECT_FALSE(append_text(out, ValueType::kSid, std::string_view("\x01\x0f\0\0\0\0\0\x05", 8)));
}

TEST(EvtxValue, StringsBeyondAsciiBecomeUtf8) {
  EXPECT_EQ(text_of(ValueType::kString, std::string_view("\xe9\0\x3d\xd8\x00\xde\x41\0", 8)),
            "é😀A");
  EXPECT_EQ(text_of(ValueType::kString, std::string_view("\x3d\xd8\x41\0", 4)),
            "\xef\xbf\xbd"
            "A");
  EXPECT_EQ(text_of(ValueType::kAnsiString, "caf\xe9 \x80"), "café €");
}

TEST(EvtxChunk, ChecksumIsTheIeeeOne) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32("1234", "56789"), 0xcbf43926U);
}

// The fast way over 64 bytes and more against the definition, bit by bit.
TEST(Evtx, ChecksumOfAnyLengthIsThatOfItsBits) {
  std::string bytes;
  uint32_t seed = 7;
  for (size_t n = 0; n < 700; ++n) {
    if (n < 200 || n % 37 == 0) {
      uint32_t c = 0xffffffff;
      for (const char b : bytes) {
        c ^= static_cast<uint8_t>(b);
        for (int bit = 0; bit < 8; ++bit)
          c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
      }
      EXPECT_EQ(crc32(bytes), ~c) << n;
      EXPECT_EQ(
          crc32(std::string_view(bytes).substr(0, n / 3), std::string_view(bytes).substr(n / 3)),
          ~c)
          << n;
    }
    seed = seed * 1664525 + 1013904223;
    bytes.push_back(static_cast<char>(seed >> 24));
  }
}

TEST(Evtx, ReadsSystemAndEventData) {
  Decoded d({{kSysmonTable,
              {{"EventID", kInt},
               {"Channel", kString},
               {"Provider_Name", kString},
               {"Computer", kString},
               {"Keywords", kString},
               {"EventRecordID", kLong},
               {"Execution_ProcessID", kInt},
               {"Security_UserID", kString},
               {"UserID", kString},
               {"Provider_Guid", kString},
               {"Image", kString},
               {"GrantedAccess", kString},
               {"DestinationPort", kInt},
               {"Initiated", kBool},
               {"ThreatName", kString}}}});
  d.run(
      decode,
      one_event(
          {}, event_data(
                  1, {"Image", "GrantedAccess", "DestinationPort", "Initiated", "Threat Name"},
                  {Builder::text("C:\\a.exe"),
                   Builder::value(ValueType::kHexInt32, bytes_of(uint32_t{0x1410})),
                   Builder::value(ValueType::kUInt16, bytes_of(uint16_t{587})),
                   Builder::value(ValueType::kBool, bytes_of(uint32_t{1})), Builder::text("T")})));
  ASSERT_EQ(d.rows(kSysmonTable).size(), 1U);
  const Fields row = d.row(kSysmonTable);
  const Fields expected = {{"EventID", "1"},
                           {"Channel", "Microsoft-Windows-Sysmon/Operational"},
                           {"Provider_Name", "Microsoft-Windows-Sysmon"},
                           {"Computer", "HOST"},
                           {"Keywords", "0x8000000000000000"},
                           {"EventRecordID", "7"},
                           {"Execution_ProcessID", "4321"},
                           {"Security_UserID", "S-1-5-18"},
                           {"UserID", "S-1-5-18"},
                           {"Image", "C:\\a.exe"},
                           {"GrantedAccess", "0x1410"},
                           {"DestinationPort", "587"},
                           {"Initiated", "true"},
                           {"ThreatName", "T"},
                           {"_time", row.at("_time")}};
  EXPECT_EQ(row, expected);
  EXPECT_EQ(row.at("_time"), "2020-11-16T11:33:20.1453352Z");
  EXPECT_EQ(d.rows(kSysmonTable)[0].position.offset, kFileHeaderBytes + kChunkHeaderBytes);
  EXPECT_EQ(d.rows(kSysmonTable)[0].position.record, 7U);
  EXPECT_TRUE(d.anomalies().all().empty());
  // The whole event, by the reader: the same values, and the fields that nobody asked for.
  const Fields all = d.rows(kSysmonTable)[0].all;
  EXPECT_EQ(all.at("GrantedAccess"), "0x1410");
  EXPECT_EQ(all.at("EventID"), "1");
  EXPECT_EQ(all.at("TimeCreated"), "2020-11-16T11:33:20.1453352Z");
  EXPECT_EQ(all.count("Provider_Guid"), 0U);
}

// Elements carry a dependency id within a template definition only; a record exported without
// templates has none, and a reader that skips two bytes there reads nothing.
TEST(Evtx, ReadsRecordsWithoutATemplate) {
  Builder b;
  b.record(1, [](Builder& r) {
    r.fragment_header();
    r.open("Event", true).attribute("xmlns").literal("urn:events").close_start();
    r.open("System").close_start();
    r.open("Provider", true).attribute("Name").literal("Microsoft-Windows-Sysmon").close_empty();
    r.open("EventID").close_start().literal("3").end();
    r.open("TimeCreated", true)
        .attribute("SystemTime")
        .literal("2020-01-02T03:04:05.1234567Z")
        .close_empty();
    r.end();
    r.open("EventData").close_start();
    r.open("Data", true).attribute("Name").literal("Image").close_start().literal("x.exe").end();
    r.open("Data", true)
        .attribute("Name")
        .literal("DestinationPort")
        .close_start()
        .literal("25")
        .end();
    r.end();
    r.end();
    r.end_of_fragment();
  });
  Decoded d({{kSysmonTable, {{"EventID", kInt}, {"Image", kString}, {"DestinationPort", kInt}}}});
  d.run(decode, evtx_file({b.finish()}));
  const Fields expected = {{"EventID", "3"},
                           {"Image", "x.exe"},
                           {"DestinationPort", "25"},
                           {"_time", "2020-01-02T03:04:05.1234567Z"}};
  EXPECT_EQ(d.row(kSysmonTable), expected);
  EXPECT_TRUE(d.anomalies().all().empty());
}

TEST(Evtx, ArrayGivesOneElementForEachValue) {
  TestEvent e;
  e.provider = "MsiInstaller";
  e.channel = "Application";
  const auto data = [](Builder& b) {
    b.fragment_header();
    b.instance(2,
               [](Builder& t) {
                 t.open("EventData").close_start();
                 t.open("Data").close_start().substitution(0).end();
                 t.open("Data").close_start().substitution(1).end();
                 t.open("Binary").close_start().substitution(2).end();
                 t.end();
               },
               {Builder::array(ValueType::kString, utf16(std::string("a\0\0c\0", 5))),
                Builder::text("d"), Builder::value(ValueType::kBinary, "\xca\xfe")});
    b.end_of_fragment();
  };
  Decoded d({{"windows.event", {{"Data", kDynamic}, {"Binary", kString}}}});
  d.run(decode, one_event(e, data));
  EXPECT_EQ(d.row("windows.event")["Data"], R"(["a","","c","d"])");
  EXPECT_EQ(d.row("windows.event")["Binary"], "CAFE");
  ASSERT_EQ(d.rows("windows.event").size(), 1U);
  EXPECT_EQ(d.rows("windows.event")[0].all.at("Data"), R"(["a","","c","d"])");
}

TEST(Evtx, OneNamelessValueIsAListToo) {
  const auto data = [](Builder& b) {
    b.fragment_header();
    b.instance(
        2,
        [](Builder& t) {
          t.open("EventData").close_start().open("Data").close_start().substitution(0).end().end();
        },
        {Builder::text("x")});
    b.end_of_fragment();
  };
  Decoded d({{kSysmonTable, {{"Data", kDynamic}}}});
  d.run(decode, one_event({}, data));
  EXPECT_EQ(d.row(kSysmonTable)["Data"], R"(["x"])");
}

TEST(Evtx, UserDataGivesItsLeavesByLocalName) {
  TestEvent e;
  e.provider = "Microsoft-Windows-Eventlog";
  e.channel = "System";
  const auto data = [](Builder& b) {
    b.fragment_header();
    b.instance(
        3,
        [](Builder& t) {
          t.open("UserData").close_start();
          t.open("log:LogFileCleared").close_start();
          t.open("SubjectUserName").close_start().substitution(0).end();
          t.open("Channel").close_start().substitution(1).end();
          t.open("Where")
              .close_start()
              .open("BackupPath")
              .close_start()
              .substitution(2)
              .end()
              .end();
          t.end().end();
        },
        {Builder::text("bob"), Builder::text("Security"), Builder::value(ValueType::kNull, "")});
    b.end_of_fragment();
  };
  Decoded d({{"windows.event",
              {{"SubjectUserName", kString},
               {"Channel", kString},
               {"EventData_Channel", kString},
               {"BackupPath", kString},
               {"Where", kString}}}});
  d.run(decode, one_event(e, data));
  Fields row = d.row("windows.event");
  row.erase("_time");
  const Fields expected = {{"SubjectUserName", "bob"},
                           {"Channel", "System"},
                           {"EventData_Channel", "Security"},
                           {"BackupPath", ""}};
  EXPECT_EQ(row, expected);
}

TEST(Evtx, RoutesByProviderAndChannel) {
  Builder b;
  uint64_t id = 0;
  for (const auto& [provider, channel] : std::vector<std::pair<std::string, std::string>>{
           {"Microsoft-Windows-Sysmon", "ForwardedEvents"},
           {"Microsoft-Windows-Security-Auditing", "Security"},
           {"Microsoft-Windows-Eventlog", "Security"},
           {"PowerShell", "Windows PowerShell"},
           {"Service Control Manager", "System"}}) {
    TestEvent e;
    e.provider = provider;
    e.channel = channel;
    b.record(++id,
             [&](Builder& r) { write_event(r, e, event_data(1, {"A"}, {Builder::text("1")})); });
  }
  Decoded d({{"windows.security", {{"A", kString}}}, {"windows.powershell", {{"A", kString}}}});
  d.run(decode, evtx_file({b.finish()}));
  EXPECT_EQ(d.rows("windows.security").size(), 2U);
  EXPECT_EQ(d.rows("windows.powershell").size(), 1U);
  EXPECT_EQ(d.num_skipped("windows.sysmon"), 1U);
  EXPECT_EQ(d.num_skipped("windows.event"), 1U);
}

TEST(Evtx, EventsOfKindsThatNobodyReadsAreCounted) {
  Builder b;
  for (const uint16_t id : std::vector<uint16_t>{1, 3, 5, 1}) {
    TestEvent e;
    e.id = id;
    b.record(id,
             [&](Builder& r) { write_event(r, e, event_data(1, {"A"}, {Builder::text("x")})); });
  }
  data::Layout layout(kSysmonTable);
  layout.add("EventID", kInt);
  layout.set_event_ids({1, 5});
  const data::Layouts layouts{{kSysmonTable, layout}};
  Decoded d({});
  data::Anomalies anomalies;
  DecodeContext context{layouts, d, anomalies};
  const std::string file = evtx_file({b.finish()});
  decode({"test", file, nullptr}, context);
  ASSERT_EQ(d.rows(kSysmonTable).size(), 3U);
  EXPECT_EQ(d.row(kSysmonTable, 1)["EventID"], "5");
  EXPECT_EQ(d.rows(kSysmonTable)[1].all.at("EventID"), "5");
  EXPECT_EQ(d.num_skipped(kSysmonTable), 1U);
}

TEST(Evtx, ValuesColumnHoldsEveryFieldOnce) {
  Decoded d({{kSysmonTable, {{"_values", kDynamic}, {"Image", kString}, {"UserID", kString}}}});
  d.run(decode,
        one_event({}, event_data(1, {"Image", "Other"}, {Builder::text("i"), Builder::text("o")})));
  EXPECT_EQ(
      d.row(kSysmonTable)["_values"],
      R"(["Microsoft-Windows-Sysmon","1","0x8000000000000000","2020-11-16T11:33:20.1453352Z","7",)"
      R"("4321","Microsoft-Windows-Sysmon/Operational","HOST","S-1-5-18","i","o"])");
  EXPECT_EQ(d.row(kSysmonTable)["UserID"], "S-1-5-18");
}

TEST(Evtx, RawIsTheEventAsXmlAndNoText) {
  Decoded d({{kSysmonTable, {{"_raw", kString}, {"_text", kString}}}});
  d.run(
      decode,
      one_event({}, event_data(1, {"A", "B"},
                               {Builder::text("<&>"),
                                Builder::array(ValueType::kUInt16, bytes_of(uint32_t{0x20001}))})));
  EXPECT_EQ(
      d.row(kSysmonTable)["_raw"],
      "<Event xmlns='urn:events'><System><Provider Name='Microsoft-Windows-Sysmon'/>"
      "<EventID>1</EventID><Keywords>0x8000000000000000</Keywords>"
      "<TimeCreated SystemTime='2020-11-16T11:33:20.1453352Z'/><EventRecordID>7</EventRecordID>"
      "<Execution ProcessID='4321'/><Channel>Microsoft-Windows-Sysmon/Operational</Channel>"
      "<Computer>HOST</Computer><Security UserID='S-1-5-18'/></System>"
      "<EventData><Data Name='A'>&lt;&amp;&gt;</Data><Data Name='B'>1</Data><Data Name='B'>2</Data>"
      "</EventData></Event>");
  EXPECT_EQ(d.row(kSysmonTable).count("_text"), 0U);
}

TEST(Evtx, TemplatesOfOneChunkDoNotLeakIntoTheNext) {
  Builder a;
  a.record(1,
           [](Builder& r) { write_event(r, {}, event_data(1, {"Image"}, {Builder::text("a")})); });
  Builder b;
  b.record(2,
           [](Builder& r) { write_event(r, {}, event_data(1, {"User"}, {Builder::text("b")})); });
  Decoded d({{kSysmonTable, {{"Image", kString}, {"User", kString}}}});
  d.run(decode, evtx_file({a.finish(), b.finish()}));
  ASSERT_EQ(d.rows(kSysmonTable).size(), 2U);
  EXPECT_EQ(d.row(kSysmonTable, 0)["Image"], "a");
  EXPECT_EQ(d.row(kSysmonTable, 1)["User"], "b");
  EXPECT_EQ(d.row(kSysmonTable, 1).count("Image"), 0U);
  EXPECT_EQ(d.rows(kSysmonTable)[1].all.at("User"), "b");
}

// --- Damage ---------------------------------------------------------------------------------

/// A chunk of three sysmon events with Image a, b, c.
std::string three_events(std::vector<size_t>* starts = nullptr) {
  Builder b;
  uint64_t id = 0;
  for (const char* image : {"aaaa", "bbbb", "cccc"})
    b.record(++id, [&](Builder& r) {
      write_event(r, {}, event_data(1, {"Image"}, {Builder::text(image)}));
    });
  if (starts) *starts = b.record_starts;
  return b.finish();
}

std::string images(Decoded& d) {
  std::string all;
  for (const auto& row : d.rows(kSysmonTable)) {
    const auto at = row.fields.find("Image");
    all.append(at == row.fields.end() ? "?" : at->second).push_back(' ');
  }
  return all;
}

TEST(EvtxDamage, UnusedChunksAndHeaderCountsAreNoMatter) {
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  const std::string unused(kChunkBytes, '\0');
  d.run(decode, evtx_file({unused, three_events(), unused}));
  EXPECT_EQ(images(d), "aaaa bbbb cccc ");
  EXPECT_TRUE(d.anomalies().all().empty());
  EXPECT_EQ(uint64_t{d.bytes_done}, kFileHeaderBytes + 3 * kChunkBytes);
}

TEST(EvtxDamage, ChunkWithoutMagicIsNamedAndTheNextIsRead) {
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({std::string(kChunkBytes, 'x'), three_events()}));
  EXPECT_EQ(images(d), "aaaa bbbb cccc ");
  EXPECT_EQ(d.anomaly("evtx-bad-chunk"), 1U);
  EXPECT_EQ(d.anomalies().all().at("evtx-bad-chunk").first_offset, kFileHeaderBytes);
}

TEST(EvtxDamage, WrongChecksumIsSaidAndStillDecoded) {
  std::string chunk = three_events();
  chunk[chunk.find(utf16("bbbb"))] = 'B';
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({chunk}));
  EXPECT_EQ(images(d), "aaaa Bbbb cccc ");
  EXPECT_EQ(d.anomaly("evtx-chunk-checksum"), 1U);
}

TEST(EvtxDamage, FileCutInAChunkKeepsTheRecordsBeforeTheCut) {
  std::vector<size_t> starts;
  const std::string chunk = three_events(&starts);
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({chunk}).substr(0, kFileHeaderBytes + starts[2] + 40));
  EXPECT_EQ(images(d), "aaaa bbbb ");
  EXPECT_EQ(d.anomaly("evtx-truncated-chunk"), 1U);
  EXPECT_EQ(d.anomaly("evtx-truncated-record"), 1U);
}

TEST(EvtxDamage, RecordWithAHugeSizeIsSteppedOver) {
  std::vector<size_t> starts;
  std::string chunk = three_events(&starts);
  const uint32_t huge = 0x7fffffff;
  std::memcpy(chunk.data() + starts[1] + 4, &huge, 4);
  Builder::seal(chunk);
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({chunk}));
  EXPECT_EQ(images(d), "aaaa cccc ");
  EXPECT_EQ(d.anomaly("evtx-truncated-record"), 1U);
  EXPECT_EQ(d.anomalies().all().at("evtx-truncated-record").first_offset,
            kFileHeaderBytes + starts[1]);
}

TEST(EvtxDamage, EndOfRecordsOutsideOfTheChunkIsIgnored) {
  std::string chunk = three_events();
  const uint32_t far = 0x00ffffff;
  std::memcpy(chunk.data() + 48, &far, 4);
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({chunk}));
  EXPECT_EQ(images(d), "aaaa bbbb cccc ");
  EXPECT_GE(d.anomaly("evtx-bad-chunk"), 1U);
}

TEST(EvtxDamage, TemplateOutsideOfTheChunkLosesOnlyItsOwnFields) {
  std::vector<size_t> starts;
  std::string chunk = three_events(&starts);
  // The second record's nested instance: its definition offset stands in front of its one value.
  const size_t value = chunk.find(utf16("bbbb"));
  const uint32_t far = 0xfffffff0;
  std::memcpy(chunk.data() + value - 4 - 4 - 4, &far, 4);
  Builder::seal(chunk);
  Decoded d({{kSysmonTable, {{"Image", kString}, {"EventID", kInt}}}});
  d.run(decode, evtx_file({chunk}));
  EXPECT_EQ(images(d), "aaaa ? cccc ");
  EXPECT_EQ(d.row(kSysmonTable, 1)["EventID"], "1");
  EXPECT_EQ(d.anomaly("evtx-bad-template"), 1U);
}

TEST(EvtxDamage, ValueThatRunsPastItsRecordIsNull) {
  std::string chunk = three_events();
  const size_t value = chunk.find(utf16("bbbb"));
  const uint16_t long_size = 0x7000;
  std::memcpy(chunk.data() + value - 4, &long_size, 2);
  Builder::seal(chunk);
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({chunk}));
  EXPECT_EQ(d.rows(kSysmonTable).size(), 3U);
  EXPECT_EQ(images(d), "aaaa  cccc ");
  EXPECT_EQ(d.anomaly("evtx-truncated-record"), 1U);
}

TEST(EvtxDamage, NameThatPointsOutOfTheChunkEndsItsTemplate) {
  Builder b;
  b.record(1, [](Builder& r) {
    write_event(r, {}, [](Builder& n) {
      n.fragment_header();
      n.instance(5,
                 [](Builder& t) {
                   t.open("EventData").close_start();
                   t.open("Data", true)
                       .attribute("Name")
                       .literal("Image")
                       .close_start()
                       .substitution(0)
                       .end();
                   t.put<uint8_t>(0x01);
                   t.put<uint16_t>(0xffff);
                   t.put<uint32_t>(0);
                   t.put<uint32_t>(0xfffffff0);
                 },
                 {Builder::text("kept")});
    });
  });
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({b.finish()}));
  EXPECT_EQ(images(d), "kept ");
  EXPECT_EQ(d.anomaly("evtx-bad-template"), 1U);
}

/// A fragment whose template refers 32 times to its one value: a text, or such a fragment.
void write_level(Builder& b, int depth) {
  b.fragment_header();
  b.instance(2000,
             [](Builder& t) {
               t.open("EventData").close_start();
               for (int i = 0; i < 32; ++i)
                 t.substitution(0);
               t.end();
             },
             {depth == 0 ? Builder::text("x")
                         : Builder::nested([depth](Builder& n) { write_level(n, depth - 1); })});
  b.end_of_fragment();
}

// Three levels are 32^3 fragments in a few hundred bytes, twelve 2^60, if anybody followed.
TEST(EvtxDamage, NestedFragmentsThatMultiplyEndInAnAnomaly) {
  for (const int depth : {3, 12}) {
    Builder b;
    for (uint64_t id = 1; id <= 40; ++id)
      b.record(id,
               [&](Builder& r) { write_event(r, {}, [&](Builder& n) { write_level(n, depth); }); });
    Decoded d({{kSysmonTable, {{"Image", kString}, {"_raw", kString}}}});
    const auto start = std::chrono::steady_clock::now();
    d.run(decode, evtx_file({b.finish()}));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    EXPECT_EQ(d.anomaly("evtx-bad-template"), 40U);
    EXPECT_EQ(d.rows(kSysmonTable).size(), 40U);
  }
}

// One large value named by thousands of elements, in every record: gigabytes of text, if made.
TEST(EvtxDamage, TextThatMultipliesMeetsTheBudget) {
  const std::string large(20'000, 'x');
  const auto definition = [](Builder& t) {
    t.open("EventData").close_start();
    for (int i = 0; i < 1'000; ++i)
      t.open("Data", true).attribute("Name").literal("Image").close_start().substitution(0).end();
    t.end();
  };
  Builder b;
  b.record(1, [&](Builder& r) {
    write_event(r, {}, [&](Builder& n) {
      n.fragment_header();
      n.instance(7, definition, {Builder::value(ValueType::kBinary, large)});
    });
  });
  Decoded d({{kSysmonTable, {{"Image", kString}, {"EventID", kInt}}}});
  const auto start = std::chrono::steady_clock::now();
  d.run(decode, evtx_file({b.finish()}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(d.anomaly("evtx-chunk-over-budget"), 1U);
}

TEST(EvtxDamage, OneFieldOfThousandsOfPartsMeetsTheBudget) {
  Builder b;
  b.record(1, [&](Builder& r) {
    write_event(r, {}, [&](Builder& n) {
      n.fragment_header();
      n.instance(7,
                 [](Builder& t) {
                   t.open("EventData").close_start();
                   t.open("Data", true).attribute("Name").literal("Image").close_start();
                   for (int i = 0; i < 8'000; ++i)
                     t.substitution(0);
                   t.end().end();
                 },
                 {Builder::value(ValueType::kBinary, std::string(20'000, 'x'))});
    });
  });
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.run(decode, evtx_file({b.finish()}));
  EXPECT_EQ(d.anomaly("evtx-chunk-over-budget"), 1U);
  EXPECT_LT(images(d).size(), 20'000'000U);
}

TEST(EvtxDamage, RandomDamageNeverStopsTheNextChunk) {
  const std::string good = three_events();
  const uint32_t seed = 20201117;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string bad = good;
    for (int i = 0; i < 8; ++i)
      bad[512 + random() % 1500] = static_cast<char>(random());
    Decoded d({{kSysmonTable, {{"Image", kString}, {"_raw", kString}, {"_values", kDynamic}}}});
    d.run(decode, evtx_file({bad, good}));
    const std::string all = images(d);
    ASSERT_TRUE(all.ends_with("aaaa bbbb cccc ")) << round;
  }
}

TEST(Evtx, StopsWhenTheSinkSaysSo) {
  Builder b;
  for (uint64_t id = 1; id <= 100; ++id)
    b.record(id, [&](Builder& r) {
      write_event(r, {}, event_data(1, {"Image"}, {Builder::text("a")}));
    });
  const std::string chunk = b.finish();
  Decoded d({{kSysmonTable, {{"Image", kString}}}});
  d.max_batches = 1;
  d.run(decode, evtx_file(std::vector<std::string>(100, chunk)));
  EXPECT_EQ(d.rows(kSysmonTable).size(), data::kBatchRows);
}

// Every record of the reference files, without one anomaly; tools/check_evtx compares their fields.
TEST(EvtxReference, AllRecordsAreRead) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no reference data (POSTERN_SHARED)";
  const auto files = list_files(shared + "/evidence/evtx/EVTX-ATTACK-SAMPLES");
  ASSERT_TRUE(files.ok());
  uint64_t rows = 0;
  for (const std::string& path : *files) {
    const auto file = FileBytes::open(path);
    ASSERT_TRUE(file.ok());
    if (!detect((*file)->view())) continue;
    std::map<std::string, Columns> wanted;
    for (const char* t :
         {"windows.sysmon", "windows.security", "windows.powershell", "windows.event"})
      wanted[t] = {{"EventID", kInt}, {"Data", kDynamic}, {"_raw", kString}};
    Decoded d(wanted);
    d.run(decode, Input{path, (*file)->view(), *file});
    for (const auto& [table, columns] : wanted) {
      rows += d.rows(table).size();
      for (const auto& row : d.rows(table)) {
        ASSERT_TRUE(row.fields.count("EventID")) << path;
        // The event as XML, read by the other decoder, is the same event.
        Decoded again(wanted);
        again.run(winxml::decode, row.fields.at("_raw"));
        ASSERT_EQ(again.rows(table).size(), 1U) << path << ' ' << row.position.record;
        ASSERT_EQ(again.rows(table)[0].all, row.all) << path << ' ' << row.position.record;
        ASSERT_EQ(again.row(table), row.fields) << path << ' ' << row.position.record;
      }
    }
    EXPECT_TRUE(d.anomalies().all().empty()) << path << ": " << d.anomalies().all().begin()->first;
  }
  EXPECT_EQ(rows, 8255U);
}

}  // namespace
}  // namespace postern::input::evtx
