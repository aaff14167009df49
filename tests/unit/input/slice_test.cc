// A file in slices gives the rows of the file, in the same order and at the same places.
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "input/format.h"
#include "tests/support/evtx_builder.h"

namespace postern::input {
namespace {

/// Rows as text: place, then every field.
class Rows final : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    struct Visitor final : data::FieldVisitor {
      void field(std::string_view name, const data::Value& value) override {
        text.append(" ").append(name).append("=").append(value.text());
      }

      std::string text;
    };

    for (uint32_t r = 0; r < batch.num_rows; ++r) {
      Visitor v;
      v.text = std::to_string(batch.positions[r].offset) + "/" +
               std::to_string(batch.positions[r].record);
      batch.records->read(r, v);
      by_table[std::string(batch.table)].push_back(v.text);
    }
    return true;
  }

  void skipped(std::string_view table, uint64_t n) override { skips[std::string(table)] += n; }

  std::map<std::string, std::vector<std::string>> by_table;
  std::map<std::string, uint64_t> skips;
};

struct Answer {
  Rows rows;
  data::Anomalies anomalies;
  size_t num_slices = 0;
};

/// `ahead`: slices that are cut before the first of them is decoded, as threads do.
Answer decode(const std::string& bytes, uint64_t slice_bytes, size_t ahead = 1) {
  data::Layouts layouts;
  for (const char* table :
       {"windows.sysmon", "windows.event", "zeek.conn", "zeek.dns", "json.object", "csv.row",
        "linux.auditd", "linux.auditd.record", "linux.sysmon", "syslog.message"})
    layouts.emplace(table, data::Layout(table));
  Answer out;
  const Format* format = detect_format(bytes);
  EXPECT_TRUE(format);
  if (!format) return out;
  const Input in{"f", bytes, nullptr};
  DecodeContext context{layouts, out.rows, out.anomalies, nullptr, nullptr, nullptr};
  const std::unique_ptr<Cutter> cutter =
      slice_bytes > 0 && format->cut ? format->cut(in, slice_bytes) : nullptr;
  if (!cutter) {
    format->decode(in, context);
    return out;
  }
  uint64_t end = 0;
  std::deque<Slice> cut;
  for (bool more = true; more || !cut.empty();) {
    while (more && cut.size() < ahead) {
      Slice slice;
      more = cutter->next(slice);
      if (!more) break;
      EXPECT_EQ(slice.begin, end);
      EXPECT_GT(slice.end, slice.begin);
      end = slice.end;
      cut.push_back(slice);
    }
    if (cut.empty()) break;
    data::Anomalies anomalies;
    DecodeContext one{layouts, out.rows, anomalies, nullptr, nullptr, nullptr, &cut.front()};
    format->decode(in, one);
    out.anomalies.merge(anomalies);
    ++out.num_slices;
    cut.pop_front();
  }
  EXPECT_EQ(end, bytes.size());
  return out;
}

void expect_same(const std::string& bytes, uint64_t slice_bytes, size_t ahead, bool is_cut) {
  const Answer whole = decode(bytes, 0);
  const Answer cut = decode(bytes, slice_bytes, ahead);
  EXPECT_EQ(cut.num_slices > 1, is_cut);
  EXPECT_EQ(whole.rows.by_table, cut.rows.by_table) << slice_bytes;
  EXPECT_EQ(whole.rows.skips, cut.rows.skips);
  ASSERT_EQ(whole.anomalies.all().size(), cut.anomalies.all().size());
  for (const auto& [name, entry] : whole.anomalies.all()) {
    const auto it = cut.anomalies.all().find(name);
    ASSERT_NE(it, cut.anomalies.all().end()) << name;
    EXPECT_EQ(entry.count, it->second.count) << name;
    EXPECT_EQ(entry.first_offset, it->second.first_offset) << name;
    EXPECT_EQ(entry.detail, it->second.detail) << name;
  }
}

void expect_same(const std::string& bytes, uint64_t slice_bytes, bool is_cut = true) {
  for (const size_t ahead : {1, 2, 1000})
    expect_same(bytes, slice_bytes, ahead, is_cut);
}

TEST(Slices, EvtxIsCutAtChunks) {
  std::vector<std::string> chunks;
  for (uint64_t c = 0; c < 7; ++c) {
    evtx::ChunkBuilder b;
    for (uint64_t r = 0; r < 5; ++r)
      b.record(c * 5 + r, [&](evtx::ChunkBuilder& record) {
        evtx::TestEvent e;
        e.record_id = c * 5 + r;
        evtx::write_event(record, e, [](evtx::ChunkBuilder& d) {
          d.fragment_header();
          d.instance(7,
                     [](evtx::ChunkBuilder& t) {
                       t.open("EventData").close_start();
                       t.open("Data", true).attribute("Name").literal("Image").close_start();
                       t.substitution(0).end().end();
                     },
                     {evtx::ChunkBuilder::text("a.exe")});
          d.end_of_fragment();
        });
      });
    chunks.push_back(b.finish());
  }
  chunks[3][700] ^= 1;  // its checksum is wrong now
  std::string file = evtx::evtx_file(chunks);
  for (const uint64_t slice : {1, 65'536, 200'000})
    expect_same(file, slice);
  file.resize(file.size() - 30'000);
  expect_same(file, 131'072);
  expect_same(chunks[0] + chunks[1] + chunks[2], 65'536);  // carved: no file header
}

TEST(Slices, ZeekCarriesItsHeader) {
  std::string text =
      "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
      "#fields\tts\tuid\tid.orig_p\n#types\ttime\tstring\tport\n";
  for (int i = 0; i < 60; ++i)
    text += "1700000000." + std::to_string(100000 + i) + "\tC" + std::to_string(i) + "\t" +
            std::to_string(1000 + i) + "\n";
  text += "short\n";
  // Another log behind it, as rotation scripts join them.
  text +=
      "#close\t2024-01-01-00-00-00\n#separator \\x09\n#path\tdns\n#fields\tts\tquery\n"
      "#types\ttime\tstring\n";
  for (int i = 0; i < 60; ++i)
    text += "1700000100." + std::to_string(100000 + i) + "\tname" + std::to_string(i) + "\r\n";
  for (const uint64_t slice : {1, 40, 333, 1000})
    expect_same(text, slice);
}

TEST(Slices, JsonIsCutBetweenLinesThatAreDocuments) {
  std::string text;
  for (int i = 0; i < 80; ++i) {
    text += R"({"a": )" + std::to_string(i) + R"(, "b": "x\ny {"})" + "\n";
    if (i == 20) text += "no json here\n";
    if (i == 40) text += "{\"broken\": [1, \n";
    if (i == 50)
      text += R"({"two": 1}{"on a line": 2})"
              "\r\n\n";
    if (i == 60) text += "{\"pretty\":\n  {\"deep\": 1}\n}\n";
  }
  for (const uint64_t slice : {1, 50, 333, 1000})
    expect_same(text, slice);
}

TEST(Slices, JsonOverSeveralLinesIsNotCut) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "{\n\"a\":\n{\"b\": " + std::to_string(i) + "}\n}\n";
  expect_same(text, 50, false);
}

TEST(Slices, CsvIsCutBetweenRecords) {
  std::string text = "sep=;\r\nname;time;what\r\n";
  for (int i = 0; i < 80; ++i) {
    const std::string n = std::to_string(i);
    text += i % 7 == 0   ? "n" + n + ";2024-05-01T08:00:00Z;\"a\r\nb;\"\"c\"\"\nd\"\r\n"
            : i % 9 == 0 ? "short" + n + "\n\n"
                         : "n" + n + ";2024-05-01T08:00:00Z;x\n";
    if (i == 40) text += "n;\"open\n";
  }
  for (const uint64_t slice : {1, 50, 333, 1000})
    expect_same(text, slice);
}

TEST(Slices, EventXmlIsCutBetweenEvents) {
  std::string text = "<?xml version='1.0'?>\n<Events>";
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    text +=
        "<Event xmlns='x'><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID>"
        "<EventRecordID>" +
        n + "</EventRecordID></System><EventData><Data Name='Image'>" + n;
    if (i == 20) continue;  // without end
    if (i % 3 == 0) text += "<![CDATA[<Event >no event]]>";
    text += "</Data></EventData></Event>" + std::string(i % 2 == 0 ? "\n" : "");
  }
  text += "</Events>";
  for (const uint64_t slice : {1, 50, 333, 2000})
    expect_same(text, slice);
}

TEST(Slices, AuditEventsKeepTheirRecords) {
  std::string text;
  const auto line = [&](const char* type, int event, const std::string& rest) {
    text += std::string("type=") + type + " msg=audit(1604996384." + std::to_string(100 + event) +
            ":" + std::to_string(event) + "): " + rest + "\n";
  };
  for (int i = 0; i < 60; ++i) {
    line("SYSCALL", i, "arch=c000003e syscall=59 pid=" + std::to_string(i));
    if (i > 0) line("CWD", i - 1, "cwd=\"/d" + std::to_string(i) + "\"");
    if (i > 2 && i % 2 == 0) line("PROCTITLE", i - 2, "proctitle=\"t\"");
    if (i == 30) text += "no record\n----\n";
  }
  for (const uint64_t slice : {1, 50, 333, 2000})
    expect_same(text, slice);
}

TEST(Slices, AuditEventsOfLongLogsAreNeitherLostNorTwice) {
  std::string text;
  const std::string filler(400, 'x');
  for (int i = 0; i < 9000; ++i) {  // 4 MB: more than is read in front of a slice
    const std::string id =
        " msg=audit(" + std::to_string(1604996384 + i) + ".100:" + std::to_string(i) + "): ";
    text += "type=SYSCALL" + id + "arch=c000003e syscall=59 comm=\"" + filler + "\"\n";
    if (i > 3)
      text += "type=CWD msg=audit(" + std::to_string(1604996384 + i - 3) +
              ".100:" + std::to_string(i - 3) + "): cwd=\"/\"\n";
  }
  expect_same(text, 1'000'000);
}

// However far apart the lines of an event are, and whatever came between: what is open where a
// slice begins is known from all of the log in front of it.
TEST(Slices, AuditEventsWhoseLinesAreFarApartStayWhole) {
  std::string text;
  const std::string filler(300, 'x');
  const auto line = [&](const std::string& head, int second, int serial) {
    text += head + " msg=audit(" + std::to_string(1604996384 + second) +
            ".100:" + std::to_string(serial) + "): a=\"" + filler + "\"\n";
  };
  // Of another machine, so it never gets too old; of this one, kept by few others being open.
  line("node=far type=SYSCALL", 0, 1);
  line("type=SYSCALL", 0, 2);
  for (int i = 0; i < 12000; ++i) {  // 4 MB
    line("type=SYSCALL", i, 100 + i);
    if (i % 4000 == 3999) line("node=far type=CWD", 0, 1);
    if (i % 3000 == 2999) line("type=CWD", 0, 2);
    line("type=PROCTITLE", i, 100 + i);
    if (i % 500 == 0) line("type=USER_AUTH", i, 50000 + i);
  }
  line("node=far type=PROCTITLE", 0, 1);
  expect_same(text, 1'000'000);
  expect_same(text, 70'000);
}

TEST(Slices, SyslogIsCutBetweenMessages) {
  std::string text;
  for (int i = 0; i < 90; ++i) {
    const std::string n = std::to_string(i);
    const std::string head =
        "2026-03-07T14:31:" + std::to_string(10 + i % 50) + ".000000+00:00 web1 ";
    const auto audit = [&](const char* type, int serial, const std::string& rest) {
      text += head + "audispd: node=web1 type=" + type +
              " msg=audit(1604996384.100:" + std::to_string(serial) + "): " + rest + "\n";
    };
    text += head + "app[" + n + "]: message " + n + "\n";
    if (i % 5 == 0) text += "\tat frame (one)\n\n  at frame two\n";
    if (i % 7 == 0) text += head + "app: @cee: {\"n\":" + n + ",\"text\":\"a (b) audit(\"}\n";
    if (i % 9 == 0) text += "no header " + n + "\r\n";
    if (i % 11 == 0) text += head + "app: not an audit( record\n";
    audit("SYSCALL", i, "arch=c000003e syscall=59 pid=" + n);
    if (i > 20) audit("CWD", i - 20, "cwd=\"/d" + n + "\"");
    if (i > 20 && i % 2 == 0) audit("EOE", i - 20, "");
    if (i % 13 == 0)
      text += head +
              "sysmon: <Event><System><Provider Name=\"Linux-Sysmon\"/><EventID>1</EventID>"
              "<EventRecordID>" +
              n + "</EventRecordID></System><EventData><Data Name=\"Image\">/bin/" + n +
              "</Data></EventData></Event>\n";
  }
  for (const uint64_t slice : {1, 50, 333, 2000, 5000})
    expect_same(text, slice);
}

}  // namespace
}  // namespace postern::input
