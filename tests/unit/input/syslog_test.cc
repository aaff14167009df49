#include "input/syslog/syslog.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "data/dynamic.h"
#include "decoded.h"
#include "input/syslog/header.h"

namespace postern::input {
namespace {

using syslog::Header;
using syslog::parse_header;

int64_t ticks(const char* text) {
  return *parse_rfc3339(text);
}

const int64_t kNow = ticks("2026-03-10T00:00:00Z");

TEST(SyslogHeader, ReadsTheLayoutOfBsdWithAndWithoutPriority) {
  Header h;
  const std::string_view line = "<34>Mar  7 22:14:15 mymachine su[12]: 'su root' failed";
  ASSERT_TRUE(parse_header(line, kNow, h));
  EXPECT_EQ(h.priority, 34);
  EXPECT_EQ(syslog::facility_name(h.priority), "auth");
  EXPECT_EQ(syslog::severity_name(h.priority), "crit");
  EXPECT_EQ(h.time, ticks("2026-03-07T22:14:15Z"));
  EXPECT_FALSE(h.has_year);
  EXPECT_EQ(h.host, "mymachine");
  EXPECT_EQ(h.program, "su");
  EXPECT_EQ(h.pid, "12");
  EXPECT_EQ(line.substr(h.message_at), "'su root' failed");

  ASSERT_TRUE(parse_header("Mar 17 22:14:15 web kernel: [ 1.2] up", kNow, h));
  EXPECT_EQ(h.priority, -1);
  EXPECT_EQ(h.time, ticks("2025-03-17T22:14:15Z")) << "not in the future";
  EXPECT_EQ(h.program, "kernel");
  EXPECT_EQ(h.pid, "");
  ASSERT_TRUE(parse_header("Feb 29 01:02:03 web x: y", kNow, h));
  EXPECT_EQ(h.time, ticks("2024-02-29T01:02:03Z")) << "the last year that has this day";
}

TEST(SyslogHeader, ReadsYearsAndFractionsWhereTheyAre) {
  Header h;
  ASSERT_TRUE(parse_header("<189>Mar 07 2021 22:14:15.250: %SYS-5-CONFIG_I: done", kNow, h));
  EXPECT_EQ(h.time, ticks("2021-03-07T22:14:15.25Z"));
  EXPECT_TRUE(h.has_year);
  ASSERT_TRUE(parse_header("2026-03-07T14:31:00.123456+01:00 web-1 sshd[7]: Accepted", kNow, h));
  EXPECT_EQ(h.time, ticks("2026-03-07T13:31:00.123456Z"));
  EXPECT_EQ(h.host, "web-1");
  EXPECT_EQ(h.program, "sshd");
}

TEST(SyslogHeader, ReadsRfc5424) {
  Header h;
  const std::string_view line =
      "<165>1 2026-03-07T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 "
      "[exampleSDID@32473 iut=\"3\" eventSource=\"Appli\\\"cation\\]\"][x@1 a=\"\"] "
      "\xEF\xBB\xBF"
      "An application event";
  ASSERT_TRUE(parse_header(line, kNow, h));
  EXPECT_EQ(h.priority, 165);
  EXPECT_EQ(syslog::facility_name(h.priority), "local4");
  EXPECT_EQ(h.host, "mymachine.example.com");
  EXPECT_EQ(h.program, "evntslog");
  EXPECT_EQ(h.pid, "8710");
  EXPECT_EQ(h.message_id, "ID47");
  EXPECT_EQ(line.substr(h.message_at), "An application event");
  const std::string data = syslog::structured_data(h.structured_data);
  EXPECT_EQ(data::Dynamic(data).json(),
            "{\"exampleSDID@32473\":{\"iut\":\"3\",\"eventSource\":\"Appli\\\"cation]\"},"
            "\"x@1\":{\"a\":\"\"}}");
  ASSERT_TRUE(parse_header("83 <34>1 - - - - - -", kNow, h)) << "with its length in front";
  EXPECT_FALSE(h.time.has_value());
  EXPECT_EQ(h.host, "");
}

TEST(SyslogHeader, TakesNothingElse) {
  Header h;
  for (const char* line :
       {"", "<999>Mar  7 22:14:15 a b: c", "type=SYSCALL msg=audit(1.2:3): a=1", "{\"a\":1}",
        "Marvellous 7 22:14:15", "<34>", "Mar 77 22:14:15 a b: c", "2026-03-07", "<Event><System>"})
    EXPECT_FALSE(parse_header(line, kNow, h)) << line;
}

const std::map<std::string, Columns> kWanted = {
    {"syslog.message",
     {{"timestamp", kDatetime}, {"host", kString}, {"program", kString}, {"message", kString}}},
    {"linux.sysmon", {{"EventID", kInt}, {"Image", kString}}},
    {"linux.auditd", {{"exe", kString}, {"node", kString}}},
    {"json.object", {{"a", kString}}}};

TEST(Syslog, JoinsContinuationsAndKeepsWhatHasNoHead) {
  const std::string text =
      "2026-03-07T14:31:00Z web app[1]: Traceback:\n"
      "  File x\n"
      "\tline 2\n"
      "2026-03-07T14:31:01Z web app[1]: done\n"
      "garbage\n";
  Decoded d(kWanted);
  d.run(syslog::decode, text);
  ASSERT_EQ(d.rows("syslog.message").size(), 3u);
  EXPECT_EQ(d.row("syslog.message", 0).at("message"), "Traceback:\n  File x\n\tline 2");
  EXPECT_EQ(d.row("syslog.message", 1).at("message"), "done");
  EXPECT_EQ(d.row("syslog.message", 2).at("message"), "garbage");
  EXPECT_EQ(d.rows("syslog.message")[1].position.offset, text.find("2026-03-07T14:31:01Z"));
  EXPECT_EQ(d.rows("syslog.message")[0].all.at("message"), "Traceback:\n  File x\n\tline 2");
  EXPECT_EQ(d.anomaly("syslog-no-header"), 1u);
  EXPECT_EQ(d.bytes_done, text.size());
}

TEST(Syslog, GivesWhatMessagesCarryToItsDecoder) {
  const std::string xml =
      "<Event><System><Provider Name=\"Linux-Sysmon\" "
      "Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/>"
      "<EventID>1</EventID><TimeCreated SystemTime=\"2026-03-07T14:31:00.000000000Z\"/>"
      "<Channel>Linux-Sysmon/Operational</Channel><Computer>web</Computer></System>"
      "<EventData><Data Name=\"Image\">/bin/sh</Data></EventData></Event>";
  const std::string text =
      "Mar  7 14:31:00 web sysmon: " + xml + "\n" +
      "Mar  7 14:31:01 web app: @cee: {\"a\":\"one\"}\n" + "Mar  7 14:31:02 web plain: text\n" +
      "Mar  7 14:31:03 web app: {\"a\":\"two\"}\n" +
      "Mar  7 14:31:04 web audispd: node=web type=SYSCALL msg=audit(1604996384.965:1): "
      "arch=c000003e syscall=59 success=yes exit=0 pid=7 comm=\"dd\" exe=\"/bin/dd\"\n";
  Decoded d(kWanted);
  d.run(syslog::decode, text);
  ASSERT_EQ(d.rows("linux.sysmon").size(), 1u);
  EXPECT_EQ(d.row("linux.sysmon").at("Image"), "/bin/sh");
  EXPECT_EQ(d.rows("linux.sysmon")[0].all.at("Image"), "/bin/sh");
  EXPECT_EQ(d.rows("linux.sysmon")[0].position.offset, text.find("<Event>"));
  ASSERT_EQ(d.rows("json.object").size(), 2u);
  EXPECT_EQ(d.row("json.object", 1).at("a"), "two");
  EXPECT_EQ(d.rows("json.object")[1].position.offset, text.find("{\"a\":\"two\"}"));
  EXPECT_EQ(d.rows("json.object")[1].position.record, 4u) << "line";
  ASSERT_EQ(d.rows("linux.auditd").size(), 1u);
  EXPECT_EQ(d.row("linux.auditd").at("exe"), "/bin/dd");
  ASSERT_EQ(d.rows("syslog.message").size(), 1u);
  EXPECT_EQ(d.row("syslog.message").at("program"), "plain");
  EXPECT_EQ(d.anomaly("syslog-time-without-year"), 5u);
}

TEST(Syslog, RepairsBytesThatAreNotUtf8) {
  Decoded d(kWanted);
  d.run(syslog::decode,
        "2026-03-07T14:31:00Z web app: a\xff"
        "b\n");
  EXPECT_EQ(d.row("syslog.message").at("message"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(d.anomaly("syslog-bad-utf8"), 1u);
}

TEST(Syslog, IsDetectedByContent) {
  const auto name = [](std::string_view text) -> std::string_view {
    const Format* f = detect_format(text);
    return f ? f->name : "";
  };
  EXPECT_EQ(name("Mar  7 14:31:00 web sshd[1]: Accepted\n"), "syslog");
  EXPECT_EQ(name("<34>1 2026-03-07T22:14:15.003Z h app - - - text\n"), "syslog");
  EXPECT_EQ(name("2026-03-07T14:31:00.123456+01:00 web-1 sshd[7]: Accepted\n"), "syslog");
  // Times of an application, without host and tag.
  EXPECT_NE(name("2026-03-07 14:31:00 INFO starting\n2026-03-07 14:31:00 INFO up\n"), "syslog");
  EXPECT_EQ(name("type=SYSCALL msg=audit(1604996384.965:1): syscall=59\n"), "auditd");
  EXPECT_NE(name("March was cold: it snowed\n"), "syslog");
}

}  // namespace
}  // namespace postern::input
