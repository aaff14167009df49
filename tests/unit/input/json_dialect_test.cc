// The dialects of JSON logs that are no Windows events.
#include <gtest/gtest.h>

#include "decoded.h"
#include "input/json/dialect.h"
#include "input/json/json.h"

namespace postern::input {
namespace {

Decoded decode(const std::map<std::string, Columns>& wanted,
               std::string text,
               const std::string& path = "test") {
  Decoded d(wanted);
  d.run(json::decode, std::move(text), path);
  return d;
}

TEST(JsonDialect, IsDetectedByContent) {
  EXPECT_TRUE(json::detect("{\"a\":1}"));
  EXPECT_TRUE(json::detect("\xEF\xBB\xBF \n[ {\n \"a\":1}]"));
  EXPECT_TRUE(json::detect("Filtering the log data using \"process == 1\"\n{\"a\":1}"));
  EXPECT_TRUE(json::detect({"{\0\"\0a\0", 6}));
  EXPECT_FALSE(json::detect(""));
  EXPECT_FALSE(json::detect("a,b\n1,2\n"));
  EXPECT_FALSE(json::detect("{a}"));
  EXPECT_FALSE(json::detect("[2026-01-01] hello"));
}

// --- macOS unified log -------------------------------------------------------------------------

const std::map<std::string, Columns> kUnifiedLog = {{"macos.unifiedlog",
                                                     {{"process", kString},
                                                      {"processImagePath", kString},
                                                      {"processID", kLong},
                                                      {"eventMessage", kString},
                                                      {"timestamp", kDatetime},
                                                      {"subsystem", kString},
                                                      {"source.file", kString},
                                                      {"traceID", kString}}}};

constexpr std::string_view kCurlLine =
    R"({"timezoneName":"","messageType":"Default","eventType":"logEvent","source":null,"subsystem":"com.apple.network",)"
    R"("processImagePath":"\/usr\/bin\/curl","timestamp":"2026-03-10 02:14:20.310000+0100","eventMessage":"connected",)"
    R"("processID":2043,"traceID":18446744073709551615})";

TEST(JsonUnifiedLog, ReadsWhatLogStreamPrints) {
  Decoded d = decode(kUnifiedLog, "Filtering the log data using \"process == \\\"curl\\\"\"\n" +
                                      std::string(kCurlLine) + "\n{\"count\":1,\"finished\":1}\n");
  ASSERT_EQ(d.rows("macos.unifiedlog").size(), 1u);
  const Fields f = d.row("macos.unifiedlog");
  EXPECT_EQ(f.at("process"), "curl");
  EXPECT_EQ(f.at("processImagePath"), "/usr/bin/curl");
  EXPECT_EQ(f.at("processID"), "2043");
  EXPECT_EQ(f.at("timestamp"), "2026-03-10T01:14:20.310Z");
  EXPECT_EQ(f.at("_time"), "2026-03-10T01:14:20.310Z");
  EXPECT_EQ(f.at("traceID"), "18446744073709551615");
  EXPECT_EQ(f.count("source.file"), 0u);
  EXPECT_TRUE(d.anomalies().all().empty());
  EXPECT_EQ(d.rows("macos.unifiedlog")[0].position.record, 2u);
}

TEST(JsonUnifiedLog, ReadsTheArrayStyle) {
  const std::string line(kCurlLine);
  Decoded d = decode(kUnifiedLog,
                     "[{\n  \"traceID\" : 1,\n  \"processImagePath\" : \"\\/bin\\/sh\",\n  "
                     "\"eventMessage\" : \"}\",\n"
                     "  \"source\" : {\"file\":\"a.c\",\"line\":3}\n},{\n  \"traceID\" : 2,\n"
                     "  \"processImagePath\" : \"curl\",\n  \"eventType\" : \"logEvent\"\n}]\n");
  ASSERT_EQ(d.rows("macos.unifiedlog").size(), 2u);
  EXPECT_EQ(d.row("macos.unifiedlog", 0).at("process"), "sh");
  EXPECT_EQ(d.row("macos.unifiedlog", 0).at("source.file"), "a.c");
  EXPECT_EQ(d.row("macos.unifiedlog", 1).at("process"), "curl");
}

// --- osquery -----------------------------------------------------------------------------------

const std::map<std::string, Columns> kOsquery = {
    {"osquery.socket_events",
     {{"action", kString},
      {"result_action", kString},
      {"pid", kLong},
      {"remote_port", kInt},
      {"path", kString},
      {"hostIdentifier", kString},
      {"name", kString},
      {"decorations.username", kString},
      {"unixTime", kLong}}},
    {"osquery.process_events",
     {{"cmdline", kString}, {"pid", kLong}, {"parent", kLong}, {"action", kString}}},
    {"osquery.es_process_events", {{"cmdline", kString}, {"event_type", kString}, {"pid", kLong}}},
    {"osquery.bpf_socket_events", {{"remote_port", kInt}, {"exit_code", kString}}},
    {"osquery.bpf_process_events", {{"cmdline", kString}}},
    {"osquery.result",
     {{"name", kString},
      {"query_name", kString},
      {"action", kString},
      {"pid", kString},
      {"path", kString}}},
};

TEST(JsonOsquery, TellsSocketEventsByTheirColumns) {
  Decoded d = decode(
      kOsquery,
      R"j({"name":"pack/mail/my_query","hostIdentifier":"mac1","calendarTime":"Tue Mar 10 01:14:22 2026 UTC","unixTime":1773105262,)j"
      R"j("epoch":0,"counter":0,"numerics":false,"decorations":{"username":"build"},"columns":{"action":"connect","auid":"501",)j"
      R"j("family":"2","path":"/usr/bin/curl","pid":"2043","remote_address":"203.0.113.25","remote_port":"587","time":"1773105260"},)j"
      R"j("action":"added"})j");
  const Fields f = d.row("osquery.socket_events");
  EXPECT_EQ(f, (Fields{{"action", "connect"},
                       {"result_action", "added"},
                       {"pid", "2043"},
                       {"remote_port", "587"},
                       {"path", "/usr/bin/curl"},
                       {"hostIdentifier", "mac1"},
                       {"name", "pack/mail/my_query"},
                       {"decorations.username", "build"},
                       {"unixTime", "1773105262"},
                       {"_time", "2026-03-10T01:14:20Z"}}));
  EXPECT_EQ(d.rows("osquery.socket_events")[0].all.at("query_name"), "pack/mail/my_query");
}

TEST(JsonOsquery, TellsTheOtherEventTables) {
  Decoded d = decode(
      kOsquery,
      R"j({"name":"a","hostIdentifier":"h","unixTime":"1773105262","columns":{"cmdline":"id","pid":"7","parent":"6","auid":"1","time":"1773105260","uptime":"1"},"action":"added"})j"
      "\n"
      R"j({"name":"b","hostIdentifier":"h","unixTime":1773105262,"columns":{"cmdline":"plutil","pid":"8","event_type":"exec","signing_id":"x","time":"1773105260"},"action":"added"})j"
      "\n"
      R"j({"name":"c","hostIdentifier":"h","unixTime":1773105262,"columns":{"cid":"1","tid":"2","probe_error":"0","remote_address":"10.0.0.1","remote_port":"25","exit_code":"18446744073709551501"},"action":"added"})j"
      "\n"
      R"j({"name":"d","hostIdentifier":"h","unixTime":1773105262,"columns":{"cid":"1","tid":"2","probe_error":"0","cmdline":"id"},"action":"added"})j"
      "\n"
      R"j({"name":"e","hostIdentifier":"h","unixTime":1773105262,"columns":{"pid":9,"parent":"6","cmdline":"bash","name":"bash","on_disk":"1","state":"S"},"action":"removed"})j"
      "\n"
      R"j({"name":"pack_x_process_events","hostIdentifier":"h","unixTime":1773105262,"columns":{"pid":"10","cmdline":"ls"},"action":"added"})j");
  EXPECT_EQ(d.row("osquery.process_events", 0).at("cmdline"), "id");
  EXPECT_EQ(d.row("osquery.process_events", 0).at("action"), "added");
  EXPECT_EQ(d.row("osquery.process_events", 1).at("cmdline"), "ls");
  EXPECT_EQ(d.row("osquery.es_process_events").at("event_type"), "exec");
  EXPECT_EQ(d.row("osquery.bpf_socket_events").at("exit_code"), "18446744073709551501");
  EXPECT_EQ(d.row("osquery.bpf_process_events").at("cmdline"), "id");
  EXPECT_EQ(d.row("osquery.result"), (Fields{{"name", "bash"},
                                             {"query_name", "e"},
                                             {"action", "removed"},
                                             {"pid", "9"},
                                             {"_time", "2026-03-10T01:14:22Z"}}));
}

TEST(JsonOsquery, GivesOneRowPerRowOfASnapshotAndOfABatch) {
  Decoded d = decode(
      kOsquery,
      R"j({"action":"snapshot","snapshot":[{"pid":"1","path":"/sbin/launchd"},{"pid":"51","path":"/usr/sbin/syslogd"}],"name":"s","hostIdentifier":"h","unixTime":"1773105262"})j"
      "\n"
      R"j({"name":"b","hostIdentifier":"h","unixTime":1773105262,"diffResults":{"added":[{"pid":"2"}],"removed":[{"pid":"3"},{"pid":"4"}]}})j");
  ASSERT_EQ(d.rows("osquery.result").size(), 5u);
  EXPECT_EQ(d.row("osquery.result", 1).at("path"), "/usr/sbin/syslogd");
  EXPECT_EQ(d.row("osquery.result", 1).at("action"), "snapshot");
  EXPECT_EQ(d.row("osquery.result", 2).at("action"), "added");
  EXPECT_EQ(d.row("osquery.result", 4).at("action"), "removed");
  EXPECT_EQ(d.rows("osquery.result")[1].all.at("path"), "/usr/sbin/syslogd");
  EXPECT_EQ(d.rows("osquery.result")[4].all.at("pid"), "4");
}

// --- Suricata ----------------------------------------------------------------------------------

TEST(JsonSuricata, FlattensEve) {
  Decoded d = decode(
      {{"suricata.eve",
        {{"event_type", kString},
         {"smtp.mail_from", kString},
         {"smtp.rcpt_to", kDynamic},
         {"email.attachment", kString},
         {"src_port", kInt},
         {"flow_id", kLong},
         {"smtp", kString}}}},
      R"({"timestamp":"2026-03-10T09:02:10.418255+0000","flow_id":1234567890123456,"event_type":"smtp",)"
      R"("src_ip":"10.20.1.15","src_port":50111,"smtp":{"helo":"ws1","mail_from":"<bob@corp.example>",)"
      R"("rcpt_to":["<a@b>","<c@d>"]},"email":{"attachment":["x.zip"]}})");
  const Fields f = d.row("suricata.eve");
  EXPECT_EQ(f.at("smtp.mail_from"), "<bob@corp.example>");
  EXPECT_EQ(f.at("smtp.rcpt_to"), R"(["<a@b>","<c@d>"])");
  EXPECT_EQ(f.at("email.attachment"), "x.zip");
  EXPECT_EQ(f.at("src_port"), "50111");
  EXPECT_EQ(f.at("flow_id"), "1234567890123456");
  EXPECT_EQ(f.at("smtp").substr(0, 14), "{\"helo\":\"ws1\",");
  EXPECT_EQ(f.at("_time"), "2026-03-10T09:02:10.4182550Z");
}

// --- Zeek --------------------------------------------------------------------------------------

const std::map<std::string, Columns> kZeek = {
    {"zeek.conn",
     {{"ts", kDatetime},
      {"id.orig_h", kString},
      {"id.resp_p", kInt},
      {"duration", kReal},
      {"service", kString},
      {"local_orig", kBool}}},
    {"zeek.smtp", {{"ts", kDatetime}, {"rcptto", kDynamic}, {"tls", kBool}, {"path", kDynamic}}},
    {"zeek.weird", {{"name", kString}}},
};

TEST(JsonZeek, ReadsAllThreeDialects) {
  Decoded d = decode(
      kZeek,
      R"({"ts":1773133330.418299,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":5,"id.resp_h":"10.0.0.2","id.resp_p":25,"conn_state":"SF","duration":3,"local_orig":true})"
      "\n"
      R"({"_path":"conn","_write_ts":"2026-03-10T09:02:15Z","ts":"2026-03-10T09:02:10.418299Z","id.orig_h":"10.0.0.1","id.resp_p":587,"duration":0.25})"
      "\n"
      R"({"@stream":"conn","@system":"x","@proc":"zeek","ts":1773133330.4,"id_orig_h":"10.0.0.1","id_resp_p":993,"service":"ssl"})"
      "\n"
      R"({"ts":1773133330,"uid":"C1","id.orig_h":"10.0.0.1","trans_depth":1,"helo":"ws1","rcptto":["a@b"],"tls":false,"path":[]})");
  ASSERT_EQ(d.rows("zeek.conn").size(), 3u);
  EXPECT_EQ(d.row("zeek.conn", 0), (Fields{{"ts", "2026-03-10T09:02:10.4182990Z"},
                                           {"_time", "2026-03-10T09:02:10.4182990Z"},
                                           {"id.orig_h", "10.0.0.1"},
                                           {"id.resp_p", "25"},
                                           {"duration", "3"},
                                           {"local_orig", "true"}}));
  EXPECT_EQ(d.row("zeek.conn", 1).at("ts"), "2026-03-10T09:02:10.4182990Z");
  EXPECT_EQ(d.row("zeek.conn", 1).at("duration"), "0.25");
  EXPECT_EQ(d.row("zeek.conn", 2).at("id.orig_h"), "10.0.0.1");
  EXPECT_EQ(d.row("zeek.conn", 2).at("id.resp_p"), "993");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("rcptto"), R"(["a@b"])");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("tls"), "false");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("path"), "[]");
}

TEST(JsonZeek, NamesALogThatDoesNotNameItselfByItsFile) {
  Decoded d =
      decode(kZeek, R"({"ts":1773133330.4,"uid":"C1","name":"bad_HTTP_request","peer":"zeek"})",
             "/logs/2026-03-10.zip!weird.10:00:00-11:00:00.log");
  EXPECT_EQ(d.row("zeek.weird").at("name"), "bad_HTTP_request");
}

// --- Anything else -----------------------------------------------------------------------------

TEST(JsonGeneric, MakesEveryLeafReadableByItsPath) {
  Decoded d = decode(
      {{"json.object",
        {{"a", kString},
         {"b.c", kString},
         {"b.d.e", kReal},
         {"b", kString},
         {"list", kDynamic},
         {"f", kBool},
         {"empty", kString},
         {"x.y", kString},
         {"when", kDatetime},
         {"no", kString}}}},
      R"({"a":"1\t2","b":{"c":null,"d":{"e":1e3}},"list":[1,{"x":2}],"f":true,"empty":{},"x.y":"dotted",)"
      R"("when":1773133330,"eventTime":"2026-03-10T09:02:10Z","no":null})");
  const Fields f = d.row("json.object");
  EXPECT_EQ(f, (Fields{{"a", "1\t2"},
                       {"b.d.e", "1000"},
                       {"b", R"({"c":null,"d":{"e":1000.0}})"},
                       {"list", R"([1,{"x":2}])"},
                       {"f", "true"},
                       {"empty", "{}"},
                       {"x.y", "dotted"},
                       {"when", "2026-03-10T09:02:10Z"},
                       {"_time", "2026-03-10T09:02:10Z"}}));
  EXPECT_EQ(d.rows("json.object")[0].all.at("b.d.e"), "1000");
}

TEST(JsonGeneric, FeedsValuesAndRaw) {
  Decoded d = decode({{"json.object", {{"_values", kDynamic}, {"_raw", kString}, {"a", kString}}}},
                     R"({"a":"x","b":{"c":7},"l":["p","q"]})");
  const Fields f = d.row("json.object");
  EXPECT_EQ(f.at("_values"), R"(["x","7","p","q"])");
  EXPECT_EQ(f.at("_raw"), R"({"a":"x","b":{"c":7},"l":["p","q"]})");
  EXPECT_EQ(f.at("a"), "x");
}

TEST(Json, RepairsBytesThatAreNotUtf8AndSaysSo) {
  Decoded d = decode({{"json.object", {{"a", kString}}}}, "{\"a\":\"x\xFFy\"}\n{\"a\":\"ok\"}\n");
  EXPECT_EQ(d.row("json.object", 0).at("a"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(d.row("json.object", 1).at("a"), "ok");
  EXPECT_EQ(d.anomaly("json-bad-utf8"), 1u);
  EXPECT_EQ(d.rows("json.object")[0].all.at("a"), "x\xEF\xBF\xBDy");
}

TEST(Json, NamesBadLinesWithTheirPlaceAndGoesOn) {
  Decoded d =
      decode({{"json.object", {{"a", kString}}}}, "{\"a\":\"1\"}\n{\"a\":\n{\"a\":\"3\"}\nhello\n");
  EXPECT_EQ(d.rows("json.object").size(), 2u);
  ASSERT_EQ(d.anomaly("json-bad-line"), 2u);
  EXPECT_EQ(d.anomalies().all().at("json-bad-line").first_offset, 10u);
  EXPECT_EQ(d.anomalies().all().at("json-bad-line").detail,
            "line 2: the object is not closed: {\"a\":");
}

TEST(Json, ReadsUtf16) {
  std::string utf16 = "\xFF\xFE";
  for (const char c : std::string("{\"a\":\"1\"}\r\n"))
    utf16 += {c, '\0'};
  Decoded d = decode({{"json.object", {{"a", kString}}}}, utf16);
  EXPECT_EQ(d.row("json.object").at("a"), "1");
}

TEST(Json, StopsWhenTheSinkSaysSo) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "{\"a\":\"x\"}\n";
  Decoded d({{"json.object", {{"a", kString}}}});
  d.max_batches = 2;
  d.run(json::decode, text);
  EXPECT_EQ(d.rows("json.object").size(), 2u * data::kBatchRows);
}

TEST(Json, ReportsAllBytesAsDone) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "{\"a\":\"x\"}\n";
  Decoded d({});
  d.run(json::decode, text);
  EXPECT_EQ(d.bytes_done, text.size());
  EXPECT_EQ(d.num_skipped("json.object"), 10'000u);
}

}  // namespace
}  // namespace postern::input
