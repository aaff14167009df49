// Every JSON layout of a Windows event gives the row that the event itself would give.
#include <gtest/gtest.h>

#include "decoded.h"
#include "input/json/json.h"

namespace postern::input {
namespace {

const std::map<std::string, Columns> kWanted = {
    {"windows.sysmon",
     {{"EventID", kLong},
      {"Channel", kString},
      {"Provider_Name", kString},
      {"Provider_Guid", kString},
      {"Computer", kString},
      {"Level", kLong},
      {"Task", kLong},
      {"Keywords", kString},
      {"EventRecordID", kLong},
      {"Execution_ProcessID", kLong},
      {"UserID", kString},
      {"ProcessId", kLong},
      {"ProcessGuid", kString},
      {"Image", kString},
      {"CommandLine", kString},
      {"User", kString},
      {"DestinationIp", kString},
      {"DestinationPort", kLong},
      {"SourcePort", kLong},
      {"Initiated", kBool},
      {"Protocol", kString},
      {"Hashes", kString},
      {"UtcTime", kString},
      {"ParentProcessId", kLong},
      {"ParentImage", kString},
      {"RuleName", kString},
      {"Message", kString}}},
    {"windows.security",
     {{"EventID", kLong},
      {"Channel", kString},
      {"Keywords", kString},
      {"Computer", kString},
      {"ProcessID", kLong},
      {"ProcessId", kString},
      {"Application", kString},
      {"DestPort", kLong},
      {"Level", kLong},
      {"NewProcessName", kString},
      {"TargetUserName", kString},
      {"Execution_ProcessID", kLong}}},
    {"windows.powershell", {{"EventID", kLong}, {"ScriptBlockText", kString}}},
    {"windows.event",
     {{"EventID", kLong},
      {"Channel", kString},
      {"Data", kDynamic},
      {"SubjectUserName", kString},
      {"Provider_Name", kString}}},
    {"linux.sysmon",
     {{"EventID", kLong}, {"Image", kString}, {"DestinationPort", kLong}, {"Computer", kString}}},
};

Decoded decode(std::string text) {
  Decoded d(kWanted);
  d.run(json::decode, std::move(text));
  return d;
}

/// What all layouts below say about the same connection.
void expect_connection(const Fields& f) {
  const Fields expected = {{"EventID", "3"},
                           {"Channel", "Microsoft-Windows-Sysmon/Operational"},
                           {"Provider_Name", "Microsoft-Windows-Sysmon"},
                           {"Computer", "ws1.corp.example"},
                           {"Level", "4"},
                           {"ProcessId", "8112"},
                           {"Image", "C:\\Users\\bob\\viewer.exe"},
                           {"User", "CORP\\bob"},
                           {"DestinationIp", "203.0.113.25"},
                           {"DestinationPort", "587"},
                           {"SourcePort", "50111"},
                           {"Initiated", "true"},
                           {"Protocol", "tcp"},
                           {"Execution_ProcessID", "2804"},
                           {"_time", "2026-03-10T09:02:10.418Z"}};
  for (const auto& [name, value] : expected) {
    const auto it = f.find(name);
    ASSERT_NE(it, f.end()) << name;
    EXPECT_EQ(it->second, value) << name;
  }
}

TEST(JsonWindows, ReadsWinlogbeat7Nested) {
  Decoded d = decode(
      R"j({"@timestamp":"2026-03-10T09:02:10.418Z","event":{"code":"3","provider":"Microsoft-Windows-Sysmon","kind":"event"},)j"
      R"j("host":{"name":"ws1"},"log":{"level":"information"},"message":"Network connection detected:\nRuleName: -",)j"
      R"j("winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"ws1.corp.example","event_id":"3",)j"
      R"j("provider_name":"Microsoft-Windows-Sysmon","provider_guid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}","record_id":17,)j"
      R"j("task":"Network connection detected (rule: NetworkConnect)","opcode":"Info","version":5,)j"
      R"j("process":{"pid":2804,"thread":{"id":3336}},"user":{"identifier":"S-1-5-18","name":"SYSTEM"},)j"
      R"j("event_data":{"Image":"C:\\Users\\bob\\viewer.exe","ProcessId":"8112","User":"CORP\\bob","Protocol":"tcp",)j"
      R"j("Initiated":"true","SourcePort":"50111","DestinationIp":"203.0.113.25","DestinationPort":"587","RuleName":"-"}}})j"
      "\n");
  ASSERT_EQ(d.rows("windows.sysmon").size(), 1u);
  const Fields f = d.row("windows.sysmon");
  expect_connection(f);
  EXPECT_EQ(f.at("EventRecordID"), "17");
  EXPECT_EQ(f.at("UserID"), "S-1-5-18");
  EXPECT_EQ(f.at("Task"), "3");
  EXPECT_EQ(f.at("Message"), "Network connection detected:\nRuleName: -");
  EXPECT_EQ(d.rows("windows.sysmon")[0].all.at("Image"), "C:\\Users\\bob\\viewer.exe");
  EXPECT_TRUE(d.anomalies().all().empty());
}

TEST(JsonWindows, ReadsWinlogbeat7Dotted) {
  Decoded d = decode(
      R"j({"@timestamp":"2026-03-10T09:02:10.418Z","log.level":"information","winlog.channel":"Microsoft-Windows-Sysmon/Operational",)j"
      R"j("winlog.computer_name":"ws1.corp.example","winlog.event_id":3,"winlog.provider_name":"Microsoft-Windows-Sysmon",)j"
      R"j("winlog.process.pid":2804,"winlog.event_data.Image":"C:\\Users\\bob\\viewer.exe","winlog.event_data.ProcessId":"8112",)j"
      R"j("winlog.event_data.User":"CORP\\bob","winlog.event_data.Protocol":"tcp","winlog.event_data.Initiated":"true",)j"
      R"j("winlog.event_data.SourcePort":"50111","winlog.event_data.DestinationIp":"203.0.113.25",)j"
      R"j("winlog.event_data.DestinationPort":"587"})j");
  expect_connection(d.row("windows.sysmon"));
}

TEST(JsonWindows, ReadsWinlogbeat7AfterTheEcsPipeline) {
  Decoded d = decode(
      R"j({"@timestamp":"2026-03-10T09:02:10.418Z","event":{"code":"3"},"log":{"level":"information"},)j"
      R"j("winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"ws1.corp.example",)j"
      R"j("provider_name":"Microsoft-Windows-Sysmon","process":{"pid":2804},"event_data":{"SourceIsIpv6":"false"}},)j"
      R"j("process":{"pid":8112,"executable":"C:\\Users\\bob\\viewer.exe","entity_id":"{b3ab91eb-7d79-5f63-4c00-000000000300}"},)j"
      R"j("user":{"domain":"CORP","name":"bob"},"source":{"ip":"10.20.1.15","port":50111},)j"
      R"j("destination":{"ip":"203.0.113.25","port":587},"network":{"transport":"tcp","direction":"egress"}})j");
  const Fields f = d.row("windows.sysmon");
  expect_connection(f);
  EXPECT_EQ(f.at("ProcessGuid"), "{b3ab91eb-7d79-5f63-4c00-000000000300}");
  EXPECT_EQ(f.at("UtcTime"), "2026-03-10 09:02:10.418");
}

TEST(JsonWindows, RebuildsSysmonHashesFromEcs) {
  Decoded d = decode(
      R"j({"@timestamp":"2026-03-10T09:02:10Z","winlog":{"event_id":1,"channel":"Microsoft-Windows-Sysmon/Operational",)j"
      R"j("provider_name":"Microsoft-Windows-Sysmon"},"process":{"executable":"C:\\a.exe","command_line":"a -b",)j"
      R"j("hash":{"md5":"ab12","sha256":"cd34"},"pe":{"imphash":"ef56"},"parent":{"pid":7,"executable":"C:\\p.exe"}}})j");
  const Fields f = d.row("windows.sysmon");
  EXPECT_EQ(f.at("Hashes"), "MD5=AB12,SHA256=CD34,IMPHASH=EF56");
  EXPECT_EQ(f.at("CommandLine"), "a -b");
  EXPECT_EQ(f.at("ParentProcessId"), "7");
  EXPECT_EQ(f.at("ParentImage"), "C:\\p.exe");
}

TEST(JsonWindows, ReadsWinlogbeat6) {
  Decoded d = decode(
      R"j({"@timestamp":"2026-03-10T09:02:10.418Z","process_id":2804,"thread_id":3144,"record_number":"2189464","version":5,)j"
      R"j("event_data":{"Image":"C:\\Users\\bob\\viewer.exe","ProcessId":"8112","User":"CORP\\bob","Protocol":"tcp",)j"
      R"j("Initiated":"true","SourcePort":"50111","DestinationIp":"203.0.113.25","DestinationPort":"587"},)j"
      R"j("log_name":"Microsoft-Windows-Sysmon/Operational","opcode":"Info","computer_name":"ws1.corp.example","event_id":3,)j"
      R"j("source_name":"Microsoft-Windows-Sysmon","task":"Network connection detected","type":"wineventlog",)j"
      R"j("level":"Information","user":{"identifier":"S-1-5-18"},"provider_guid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"})j");
  const Fields f = d.row("windows.sysmon");
  expect_connection(f);
  EXPECT_EQ(f.at("UserID"), "S-1-5-18");
}

constexpr std::string_view kNxlogConnection =
    R"j({"EventTime":"2026-03-10 09:02:10.418","Hostname":"ws1.corp.example","Keywords":-9223372036854775808,"EventType":"INFO",)j"
    R"j("SeverityValue":2,"Severity":"INFO","EventID":3,"SourceName":"Microsoft-Windows-Sysmon",)j"
    R"j("ProviderGuid":"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}","Version":5,"Task":3,"OpcodeValue":0,"RecordNumber":1938,)j"
    R"j("ProcessID":2804,"ThreadID":3336,"Channel":"Microsoft-Windows-Sysmon/Operational","Domain":"NT AUTHORITY",)j"
    R"j("AccountName":"SYSTEM","UserID":"S-1-5-18","AccountType":"User",)j"
    R"j("Message":"Network connection detected:\r\nRuleName: -\r\nUtcTime: 2026-03-10 09:02:10.400\r\nProcessId: 8112\r\nImage: x",)j"
    R"j("Category":"Network connection detected (rule: NetworkConnect)","Opcode":"Info","Image":"C:\\Users\\bob\\viewer.exe",)j"
    R"j("User":"CORP\\bob","Protocol":"tcp","Initiated":"true","SourcePort":"50111","DestinationIp":"203.0.113.25",)j"
    R"j("DestinationPort":"587","EventReceivedTime":"2026-03-10 09:02:11","SourceModuleName":"eventlog",)j"
    R"j("SourceModuleType":"im_msvistalog"})j";

TEST(JsonWindows, FindsTheProcessThatNxlogLost) {
  Decoded d = decode(std::string(kNxlogConnection) + "\n");
  const Fields f = d.row("windows.sysmon");
  expect_connection(f);
  EXPECT_EQ(f.at("Keywords"), "0x8000000000000000");
  EXPECT_EQ(f.at("Task"), "3");
  EXPECT_EQ(d.anomaly("json-time-without-zone"), 1u);
  const Fields& all = d.rows("windows.sysmon")[0].all;
  EXPECT_EQ(all.at("ProcessId"), "8112");
  EXPECT_EQ(all.count("AccountName"), 0u);
}

TEST(JsonWindows, FindsTheZoneOfNxlogTimesFromLogstash) {
  // EventTime and EventReceivedTime are local, @timestamp is UTC.
  Decoded d = decode(
      R"j({"EventTime":"2026-03-10 04:02:10.418","EventReceivedTime":"2026-03-10 04:02:12","@timestamp":"2026-03-10T09:02:12.846Z",)j"
      R"j("Hostname":"ws1.corp.example","EventType":"INFO","EventID":3,"SourceName":"Microsoft-Windows-Sysmon",)j"
      R"j("ExecutionProcessID":2804,"Channel":"Microsoft-Windows-Sysmon/Operational","ProcessId":"8112",)j"
      R"j("Image":"C:\\Users\\bob\\viewer.exe","User":"CORP\\bob","Protocol":"tcp","Initiated":"true","SourcePort":"50111",)j"
      R"j("DestinationIp":"203.0.113.25","DestinationPort":587,"SourceModuleName":"eventlog","tags":["x"],"port":64545,)j"
      R"j("host":"collector"})j");
  expect_connection(d.row("windows.sysmon"));
  EXPECT_EQ(d.anomaly("json-time-without-zone"), 0u);
}

TEST(JsonWindows, ReadsAnNxlogHeaderInAnyOrder) {
  const std::string rest =
      R"j("Hostname":"ws1","EventID":3,"SourceName":"Microsoft-Windows-Sysmon","EventTime":"2026-03-10 09:02:10",)j"
      R"j("Channel":"Microsoft-Windows-Sysmon/Operational","SourceModuleType":"im_msvistalog")j";
  for (const std::string& record : {R"j({"EventType":"WARNING","Level":"4",)j" + rest + "}",
                                    R"j({"Level":"4",)j" + rest + R"j(,"EventType":"WARNING"})j"})
    EXPECT_EQ(decode(record).row("windows.sysmon").at("Level"), "4") << record;
}

TEST(JsonWindows, ReadsAHeaderWithEscapes) {
  const std::string flat =
      R"j({"SourceName":"Microsoft-Windows-Sysmon","Level":"Inform\u0061tion","Channel":"Microsoft-Windows-Sysmon/Operational",)j"
      R"j("Keywords":"0\u00788000000000000000","EventID":3,"@timestamp":"2026\u002d03-10T09:02:10.418Z"})j";
  const std::string beats =
      R"j({"@timestamp":"2026-03-10T09\u003a02:10.418Z","log":{"level":"inform\u0061tion"},"winlog":{"event_id":3,)j"
      R"j("provider_name":"Microsoft-Windows-Sysmon","channel":"Microsoft-Windows-Sysmon/Operational",)j"
      R"j("keywords":["0\u00788000000000000000"]}})j";
  for (const std::string& record : {flat, beats}) {
    const Fields f = decode(record).row("windows.sysmon");
    EXPECT_EQ(f.at("_time"), "2026-03-10T09:02:10.418Z");
    EXPECT_EQ(f.at("Level"), "4");
    EXPECT_EQ(f.at("Keywords"), "0x8000000000000000");
  }
}

TEST(JsonWindows, ReadsAWecExport) {
  Decoded d = decode(
      R"j({"SourceName":"Microsoft-Windows-Security-Auditing","Level":"0","Keywords":"0x8020000000000000","Channel":"Security",)j"
      R"j("Hostname":"ws1","TimeCreated":"2026-03-10T09:02:10.418Z","@timestamp":"2026-03-10T09:02:10.418Z","EventID":5156,)j"
      R"j("Message":"The Windows Filtering Platform has permitted a connection.","Task":"12810","ProcessID":"12252",)j"
      R"j("Application":"\\device\\harddiskvolume2\\a.exe","DestPort":"25"})j");
  const Fields f = d.row("windows.security");
  EXPECT_EQ(f.at("EventID"), "5156");
  EXPECT_EQ(f.at("ProcessID"), "12252");
  EXPECT_EQ(f.count("Execution_ProcessID"), 0u);
  EXPECT_EQ(f.at("Application"), "\\device\\harddiskvolume2\\a.exe");
  EXPECT_EQ(f.at("Keywords"), "0x8020000000000000");
  EXPECT_EQ(f.at("_time"), "2026-03-10T09:02:10.418Z");
}

TEST(JsonWindows, NamesTheProcessOfFilteringEventsAsTheEventDoes) {
  Decoded d = decode(
      R"j({"EventID":5158,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","EventType":"AUDIT_SUCCESS",)j"
      R"j("ExecutionProcessID":4,"ProcessId":"3216","EventTime":"2026-03-10 09:02:10","SourceModuleType":"im_msvistalog"})j");
  const Fields f = d.row("windows.security");
  EXPECT_EQ(f.at("ProcessID"), "3216");
  EXPECT_EQ(f.count("ProcessId"), 0u);
  EXPECT_EQ(f.at("Level"), "0");
}

TEST(JsonWindows, ReadsTheCreatorOf4688FromNxlogsMessage) {
  Decoded d = decode(
      R"j({"EventID":4688,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","ProcessID":4,)j"
      R"j("Message":"A new process has been created.\r\n\r\nProcess Information:\r\n\tNew Process ID:\t\t0x1f4\r\n\tCreator Process ID:\t0x340\r\n",)j"
      R"j("NewProcessName":"C:\\a.exe","EventTime":"2026-03-10 09:02:10","SourceModuleType":"im_msvistalog"})j");
  const Fields f = d.row("windows.security");
  EXPECT_EQ(f.at("ProcessId"), "0x340");
  EXPECT_EQ(f.at("Execution_ProcessID"), "4");
}

TEST(JsonWindows, ReadsEventXmlAsJson) {
  const std::string system =
      R"j("System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"5770385F-C22A-43E0-BF4C-06F5698FFBD9"}},)j"
      R"j("EventID":3,"Version":5,"Level":4,"Task":3,"Opcode":0,"Keywords":"0x8000000000000000",)j"
      R"j("TimeCreated":{"#attributes":{"SystemTime":"2026-03-10T09:02:10.418000Z"}},"EventRecordID":17,"Correlation":null,)j"
      R"j("Execution":{"#attributes":{"ProcessID":2804,"ThreadID":3336}},"Channel":"Microsoft-Windows-Sysmon/Operational",)j"
      R"j("Computer":"ws1.corp.example","Security":{"#attributes":{"UserID":"S-1-5-18"}}})j";
  const std::string data =
      R"j("EventData":{"ProcessGuid":"0197231E-005A-6928-A50B-000000000D00","ProcessId":8112,)j"
      R"j("Image":"C:\\Users\\bob\\viewer.exe","User":"CORP\\bob","Protocol":"tcp","Initiated":true,"SourcePort":50111,)j"
      R"j("DestinationIp":"203.0.113.25","DestinationPort":587})j";
  Decoded d = decode("{\"Event\":{\"#attributes\":{\"xmlns\":\"x\"}," + system + "," + data + "}}");
  const Fields f = d.row("windows.sysmon");
  expect_connection(f);
  EXPECT_EQ(f.at("Provider_Guid"), "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}");
  EXPECT_EQ(f.at("ProcessGuid"), "{0197231E-005A-6928-A50B-000000000D00}");
  EXPECT_EQ(f.at("UserID"), "S-1-5-18");
}

TEST(JsonWindows, ReadsXmlAttributesInTheirOtherSpellings) {
  Decoded d = decode(
      R"j({"Event":{"System":{"Provider_attributes":{"Name":"Microsoft-Windows-Sysmon"},"EventID":{"#text":1,"#attributes":{"Qualifiers":""}},)j"
      R"j("Channel":"Microsoft-Windows-Sysmon/Operational"},"EventData":{"Image":"a"}}})j"
      "\n"
      R"j({"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Sysmon"},"EventID":"1"},)j"
      R"j("EventData":{"Data":[{"@Name":"Image","#text":"b"},{"@Name":"RuleName"}]}}})j");
  ASSERT_EQ(d.rows("windows.sysmon").size(), 2u);
  EXPECT_EQ(d.row("windows.sysmon", 0).at("Image"), "a");
  EXPECT_EQ(d.row("windows.sysmon", 1).at("Image"), "b");
  EXPECT_EQ(d.row("windows.sysmon", 1).at("RuleName"), "");
}

TEST(JsonWindows, ReadsNamelessDataAndUserData) {
  Decoded d = decode(
      R"j({"Event":{"System":{"Provider":{"#attributes":{"Name":"MSSQLSERVER"}},"EventID":15457,"Channel":"Application"},)j"
      R"j("EventData":{"Data":{"#text":["xp_cmdshell","0","1"]}}}})j"
      "\n"
      R"j({"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Eventlog"}},"EventID":1102,"Channel":"System"},)j"
      R"j("UserData":{"LogFileCleared":{"#attributes":{"xmlns":"x"},"SubjectUserName":"bob"}}}})j");
  EXPECT_EQ(d.row("windows.event", 0).at("Data"), R"j(["xp_cmdshell","0","1"])j");
  EXPECT_EQ(d.row("windows.event", 1).at("SubjectUserName"), "bob");
}

TEST(JsonWindows, ReadsAzureWindowsEvent) {
  Decoded d = decode(
      R"j({"TimeGenerated":"2026-03-10T09:02:10.418Z","Provider":"Microsoft-Windows-Sysmon",)j"
      R"j("Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"ws1.corp.example","Task":1,"EventLevel":4,)j"
      R"j("EventLevelName":"Information","SystemProcessId":2804,"EventData":"{\"ProcessId\":\"8112\",)j"
      R"j(\"Image\":\"C:\\\\Users\\\\bob\\\\viewer.exe\",\"User\":\"CORP\\\\bob\",\"Protocol\":\"tcp\",\"Initiated\":\"true\",)j"
      R"j(\"SourcePort\":\"50111\",\"DestinationIp\":\"203.0.113.25\",\"DestinationPort\":\"587\"}","EventID":3,)j"
      R"j("Type":"WindowsEvent"})j");
  expect_connection(d.row("windows.sysmon"));
}

TEST(JsonWindows, ReadsAzureSecurityEventFromItsXmlAndFromItsColumns) {
  Decoded d = decode(
      R"j({"TimeGenerated":"2026-03-10T09:02:10Z","EventSourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security",)j"
      R"j("Computer":"ws1","EventID":4688,"Level":"8","EventData":"<EventData xmlns=\"x\">\r\n  <Data Name=\"NewProcessName\">C:\\a.exe</Data>)j"
      R"j(\r\n  <Data Name=\"TargetUserName\">bob &amp; co</Data></EventData>","Type":"SecurityEvent"})j"
      "\n"
      R"j({"TimeGenerated":"2026-03-10T09:02:10Z","EventSourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security",)j"
      R"j("Computer":"ws1","EventID":4688,"NewProcessName":"C:\\b.exe","TargetUserName":"","Type":"SecurityEvent"})j");
  EXPECT_EQ(d.row("windows.security", 0).at("NewProcessName"), "C:\\a.exe");
  EXPECT_EQ(d.row("windows.security", 0).at("TargetUserName"), "bob & co");
  EXPECT_EQ(d.row("windows.security", 1).at("NewProcessName"), "C:\\b.exe");
  EXPECT_EQ(d.row("windows.security", 1).count("TargetUserName"), 0u);
}

TEST(JsonWindows, ReadsSysmonForLinuxInsideSyslog) {
  Decoded d = decode(
      R"j({"TimeGenerated":"2026-03-10T09:02:10.5Z","Computer":"web1","Facility":"user","SyslogMessage":)j"
      R"j("<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593-a8d3-4f13-b0d6-01fc615a0f97}\"/><EventID>3</EventID>)j"
      R"j(<TimeCreated SystemTime=\"2026-03-10T09:02:10.418Z\"/><Channel>Linux-Sysmon/Operational</Channel>)j"
      R"j(<Computer>web1</Computer></System><EventData><Data Name=\"Image\">/usr/bin/s-nail</Data>)j"
      R"j(<Data Name=\"DestinationPort\">25</Data></EventData></Event>","ProcessName":"sysmon","Type":"Syslog"})j");
  const Fields f = d.row("linux.sysmon");
  EXPECT_EQ(f.at("EventID"), "3");
  EXPECT_EQ(f.at("Image"), "/usr/bin/s-nail");
  EXPECT_EQ(f.at("DestinationPort"), "25");
  EXPECT_EQ(f.at("_time"), "2026-03-10T09:02:10.418Z");
  EXPECT_EQ(d.rows("linux.sysmon")[0].all.at("Computer"), "web1");
}

TEST(JsonWindows, CountsEventsThatNobodyReads) {
  Decoded d({});
  d.run(json::decode, std::string(kNxlogConnection) + "\n" + std::string(kNxlogConnection));
  EXPECT_EQ(d.num_skipped("windows.sysmon"), 2u);
}

TEST(JsonWindows, ShowsTheRecordsOfTheRowsWhereNobodyReadsSomeKinds) {
  const auto event = [](const char* id, const std::string& image) {
    return std::string(R"({"SourceName":"Microsoft-Windows-Sysmon","Channel":"x","EventID":)") +
           id + R"(,"Image":")" + image + "\"}\n";
  };
  const auto bytes =
      FileBytes::from_string(event("7", "a") + event("1", "b") + event("7", "c") + event("1", "d"));
  data::Layout layout("windows.sysmon");
  layout.add("Image", kString);
  layout.set_event_ids({1, 3});
  data::Layouts layouts;
  layouts.emplace("windows.sysmon", std::move(layout));
  Decoded d({});
  data::Anomalies anomalies;
  DecodeContext context{layouts, d, anomalies};
  json::decode(Input{"test", bytes->view(), bytes}, context);
  EXPECT_EQ(d.num_skipped("windows.sysmon"), 2u);
  ASSERT_EQ(d.rows("windows.sysmon").size(), 2u);
  EXPECT_EQ(d.rows("windows.sysmon")[0].fields.at("Image"), "b");
  EXPECT_EQ(d.rows("windows.sysmon")[0].all.at("Image"), "b");
  EXPECT_EQ(d.rows("windows.sysmon")[1].all.at("Image"), "d");
  EXPECT_EQ(d.rows("windows.sysmon")[1].all.at("EventID"), "1");
}

TEST(JsonWindows, OpensWrappersOfSearchesAndExports) {
  const std::string event(kNxlogConnection);
  Decoded d = decode("{\"_index\":\"winlogbeat\",\"_id\":\"1\",\"_source\":" + event +
                     "}\n{\"preview\":false,\"result\":" + event + "}\n{\"records\":[" + event +
                     "," + event + "]}\n");
  ASSERT_EQ(d.rows("windows.sysmon").size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    expect_connection(d.row("windows.sysmon", i));
  // The second record of the array has a place of its own, and is shown again by itself.
  EXPECT_GT(d.rows("windows.sysmon")[3].position.offset,
            d.rows("windows.sysmon")[2].position.offset);
  EXPECT_EQ(d.rows("windows.sysmon")[3].position.record, 3u);
  EXPECT_EQ(d.rows("windows.sysmon")[3].all.at("ProcessId"), "8112");
}

}  // namespace
}  // namespace postern::input
