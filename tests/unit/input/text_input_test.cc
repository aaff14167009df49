#include "input/text_input.h"

#include <algorithm>
#include <atomic>
#include <random>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/auditd/auditd.h"
#include "input/syslog/syslog.h"
#include "input/zeek/zeek.h"

namespace postern::input {
namespace {

std::string utf16(std::string_view ascii, bool big_endian) {
  std::string out;
  for (const char c : ascii)
    out += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return out;
}

TEST(TextInput, ReadsEveryEncodingAsUtf8) {
  std::string converted;
  EXPECT_EQ(text_head("\xEF\xBB\xBFx", converted), "x");
  EXPECT_EQ(text_head("\xFF\xFE" + utf16("ab", false), converted), "ab");
  EXPECT_EQ(text_head("\xFE\xFF" + utf16("ab", true), converted), "ab");
  EXPECT_EQ(text_head(utf16("ab", false), converted), "ab");
  EXPECT_EQ(text_head(utf16("ab", true), converted), "ab");
  EXPECT_EQ(text_head("plain", converted), "plain");
  EXPECT_EQ(text_head("", converted), "");
  // An odd last byte is left out.
  EXPECT_EQ(text_head("\xFF\xFE" + utf16("ab", false) + "c", converted), "ab");
}

TEST(TextInput, OwnsWhatItConverted) {
  const auto bytes = FileBytes::from_string("\xFF\xFE" + utf16("hello", false));
  const Input input = text_input({"p", bytes->view(), bytes});
  EXPECT_EQ(input.bytes, "hello");
  EXPECT_NE(input.owner, std::static_pointer_cast<const void>(bytes));
  const auto plain = FileBytes::from_string("hello");
  EXPECT_EQ(text_input({"p", plain->view(), plain}).owner,
            std::static_pointer_cast<const void>(plain));
}

TEST(LineReader, GivesLinesWithTheirPlaces) {
  LineReader reader("\xEF\xBB\xBFone\r\n\nthree");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.line(), "one");
  EXPECT_EQ(reader.offset(), 3u);
  EXPECT_EQ(reader.number(), 1u);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.line(), "");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.line(), "three");
  EXPECT_EQ(reader.number(), 3u);
  EXPECT_EQ(reader.done(), 14u);
  EXPECT_FALSE(reader.next());
}

class MarkedLines final : public LineCutter {
 public:
  MarkedLines(std::string_view text, uint64_t slice_bytes)
      : LineCutter(
            text, slice_bytes, [](std::string_view) { return true; }, '#') {}

  size_t num_marked = 0;

 protected:
  void line(std::string_view) override { ++num_marked; }
};

TEST(LineCutter, CountsTheLinesBeforeEachSlice) {
  std::mt19937 random(20261121);
  for (const uint32_t line_length : {1U, 2U, 7U, 300U}) {
    std::string text;
    while (text.size() < 300000) {
      text += random() % 50 == 0 ? "#" : "x";
      text.append(random() % line_length, '#');
      text += '\n';
    }
    MarkedLines cutter(text, 5000);
    Slice slice;
    uint64_t end = 0;
    while (cutter.next(slice)) {
      EXPECT_EQ(slice.begin, end);
      const std::string_view before = std::string_view(text).substr(0, slice.begin);
      EXPECT_EQ(slice.lines_before, std::count(before.begin(), before.end(), '\n'));
      end = slice.end;
    }
    EXPECT_EQ(end, text.size());
    size_t num_marked = text[0] == '#';
    for (size_t at = 0; (at = text.find("\n#", at)) != std::string::npos; ++at)
      ++num_marked;
    EXPECT_EQ(cutter.num_marked, num_marked);
  }
}

TEST(Progress, AddsUpToWhatWasDoneAndNoticesTheEnd) {
  data::Layouts layouts;
  data::Anomalies anomalies;
  Decoded sink{{}};
  std::atomic<bool> cancelled{false};
  std::atomic<uint64_t> done{0};
  DecodeContext context{layouts, sink, anomalies};
  context.cancelled = &cancelled;
  context.bytes_done = &done;
  {
    Progress progress(context);
    EXPECT_TRUE(progress.at(10));
    EXPECT_EQ(done, 0u);
    EXPECT_TRUE(progress.at(100'000));
    EXPECT_EQ(done, 100'000u);
    cancelled = true;
    EXPECT_TRUE(progress.at(100'001));
    EXPECT_FALSE(progress.at(300'000));
  }
  EXPECT_EQ(done, 300'000u);
}

TEST(TextInput, LinesTooLongToBeARecordAreCounted) {
  struct Log {
    void (*decode)(const Input&, DecodeContext&);
    const char* table;
    std::string header;
    std::string line;  // of which one is made too long, at its end
  };

  const std::vector<Log> logs = {
      {zeek::decode, "zeek.conn",
       "#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring\n", "1.0\tA"},
      {auditd::decode, "linux.auditd.record", "", "type=CWD msg=audit(1.000:1): cwd=/"},
      {syslog::decode, "syslog.message", "", "2026-03-07T14:31:00Z web app[1]: ok"},
  };
  for (const Log& log : logs) {
    Decoded d({{log.table, {{"_raw", kString}, {"_text", kString}}}});
    const std::string filler(kMaxLineBytes, 'x');
    d.run(log.decode, log.header + log.line + "\n" + log.line + filler + "\n" + log.line + "\n");
    EXPECT_EQ(d.rows(log.table).size(), 2U) << log.table;
    EXPECT_EQ(d.row(log.table).at("_raw"), log.line);
    EXPECT_EQ(d.row(log.table).at("_text"), log.line);
    EXPECT_EQ(d.anomaly("text-long-line"), 1U) << log.table;
    const auto& named = d.anomalies().all();
    ASSERT_EQ(named.count("text-long-line"), 1U) << log.table;
    EXPECT_EQ(named.at("text-long-line").first_offset, log.header.size() + log.line.size() + 1);
  }
}

}  // namespace
}  // namespace postern::input
