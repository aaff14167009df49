#include "input/winxml/winxml.h"

#include <chrono>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/windows_event.h"
#include "input/winxml/event_parser.h"

namespace postern::input::winxml {
namespace {

constexpr auto kSysmon = "windows.sysmon";

std::string event(const std::string& data,
                  const std::string& provider = "Microsoft-Windows-Sysmon",
                  const std::string& channel = "Microsoft-Windows-Sysmon/Operational") {
  return "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
         "Name='" +
         provider +
         "' Guid='{5770385F}'/><EventID Qualifiers='16384'>1</EventID><Version>5</Version>"
         "<TimeCreated "
         "SystemTime='2021-01-14T23:41:40.145335200Z'/><EventRecordID>19683891</EventRecordID>"
         "<Correlation/><Execution ProcessID='2468' ThreadID='3128'/><Channel>" +
         channel +
         "</Channel><Computer>dc.example</Computer><Security UserID='S-1-5-18'/></System>" + data +
         "</Event>";
}

std::string event_data(const std::string& fields) {
  return event("<EventData>" + fields + "</EventData>");
}

const Columns kColumns = {{"EventID", kInt},    {"CommandLine", kString}, {"Image", kString},
                          {"A", kString},       {"Data", kDynamic},       {"DestinationPort", kInt},
                          {"Message", kString}, {"_raw", kString}};

/// Sysmon rows of a text.
struct Sysmon : Decoded {
  explicit Sysmon(const std::string& text) : Decoded({{kSysmon, kColumns}}) { run(decode, text); }

  std::string get(const std::string& column, size_t i = 0) {
    const Fields f = row(kSysmon, i);
    const auto at = f.find(column);
    return at == f.end() ? "(null)" : at->second;
  }
};

TEST(WinXml, ReadsSplunkEventsWithSingleQuotes) {
  const std::string text =
      event_data("<Data Name='Image'>C:\\a.exe</Data><Data Name='DestinationPort'>587</Data>");
  Decoded d({{kSysmon,
              {{"EventID", kInt},
               {"EventID_Qualifiers", kInt},
               {"Version", kInt},
               {"Provider_Name", kString},
               {"Provider_Guid", kString},
               {"Channel", kString},
               {"Computer", kString},
               {"EventRecordID", kLong},
               {"Execution_ProcessID", kInt},
               {"Execution_ThreadID", kInt},
               {"Security_UserID", kString},
               {"UserID", kString},
               {"Image", kString},
               {"DestinationPort", kInt},
               {"_raw", kString}}}});
  d.run(decode, text + "\n");
  const Fields expected = {{"EventID", "1"},
                           {"EventID_Qualifiers", "16384"},
                           {"Version", "5"},
                           {"Provider_Name", "Microsoft-Windows-Sysmon"},
                           {"Provider_Guid", "{5770385F}"},
                           {"Channel", "Microsoft-Windows-Sysmon/Operational"},
                           {"Computer", "dc.example"},
                           {"EventRecordID", "19683891"},
                           {"Execution_ProcessID", "2468"},
                           {"Execution_ThreadID", "3128"},
                           {"Security_UserID", "S-1-5-18"},
                           {"UserID", "S-1-5-18"},
                           {"Image", "C:\\a.exe"},
                           {"DestinationPort", "587"},
                           {"_raw", text},
                           {"_time", "2021-01-14T23:41:40.1453352Z"}};
  EXPECT_EQ(d.row(kSysmon), expected);
  EXPECT_TRUE(d.anomalies().all().empty());
  const Fields all = d.rows(kSysmon).at(0).all;
  EXPECT_EQ(all.at("Execution_ThreadID"), "3128");
  EXPECT_EQ(all.at("DestinationPort"), "587");
}

TEST(WinXml, EventMaySpanLinesAndKeepsTheirEnds) {
  Sysmon d(event_data("<Data Name='CommandLine'>a\r\nb\n\tc</Data>") + "\n" +
           event_data("<Data Name='A'>2</Data>"));
  EXPECT_EQ(d.get("CommandLine"), "a\r\nb\n\tc");
  EXPECT_EQ(d.get("A", 1), "2");
}

TEST(WinXml, ReadsAnEventsExportWithPrologAndIndentation) {
  Sysmon d(
      "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Events>\n<!-- <Event> -->\n"
      "<Event xmlns=\"urn:e\">\n  <System>\n    <Provider Name=\"Microsoft-Windows-Sysmon\"/>\n"
      "    <EventID>3</EventID>\n  </System>\n  <EventData>\n    <Data Name=\"Image\">x</Data>\n"
      "  </EventData>\n  <RenderingInfo Culture='en'><Message>In "
      "words</Message><Level>Info</Level></RenderingInfo>\n"
      "</Event>\n</Events>\n");
  ASSERT_EQ(d.rows(kSysmon).size(), 1U);
  EXPECT_EQ(d.get("EventID"), "3");
  EXPECT_EQ(d.get("Image"), "x");
  EXPECT_EQ(d.get("Message"), "In words");
}

TEST(WinXml, ResolvesReferencesAndKeepsWhatIsNone) {
  Sysmon d(
      event_data("<Data Name='A'>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#13;&#10;&nbsp;&;&#xD800; "
                 "a&b</Data>"));
  EXPECT_EQ(d.get("A"), "<>&\"'A😀\r\n&nbsp;&;&#xD800; a&b");
  EXPECT_EQ(d.anomaly("xml-malformed-event"), 0U);
}

TEST(WinXml, JoinsCdataAndText) {
  Sysmon d(event_data("<Data Name='A'>1<![CDATA[<b>&amp;</b>]]>2<!-- no -->3</Data>"));
  EXPECT_EQ(d.get("A"), "1<b>&amp;</b>23");
}

TEST(WinXml, BareAngleBracketsInTextAreText) {
  Sysmon d(event_data("<Data Name='A'>1 < 2 <= 3</Data>"));
  EXPECT_EQ(d.get("A"), "1 < 2 <= 3");
}

TEST(WinXml, NamelessDataIsAListAndEqualNamesJoin) {
  Sysmon d(event_data(
      "<Data>one</Data><Data/><Data>three</Data><Data Name='A'>x</Data><Data Name='A'>y</Data>"));
  EXPECT_EQ(d.get("Data"), R"(["one","","three"])");
  EXPECT_EQ(d.get("A"), R"(["x","y"])");
}

TEST(WinXml, BlanksLeaveNamesAndSystemNamesStayTrue) {
  Decoded d({{"windows.event",
              {{"ThreatName", kString},
               {"Channel", kString},
               {"EventData_Channel", kString},
               {"Version", kInt},
               {"EventData_Version", kString},
               {"UserID", kString},
               {"Security_UserID", kString},
               {"Message", kString}}}});
  d.run(decode, event("<EventData><Data Name='Threat Name'>t</Data><Data Name='Channel'>c</Data>"
                      "<Data Name='Version'>10.42</Data><Data Name='UserID'>u</Data>"
                      "<Data Name='Message'>m</Data></EventData>",
                      "P", "System"));
  Fields row = d.row("windows.event");
  row.erase("_time");
  const Fields expected = {{"ThreatName", "t"},
                           {"Channel", "System"},
                           {"EventData_Channel", "c"},
                           {"Version", "5"},
                           {"EventData_Version", "10.42"},
                           {"UserID", "u"},
                           {"Security_UserID", "S-1-5-18"},
                           {"Message", "m"}};
  EXPECT_EQ(row, expected);
}

TEST(WinXml, UserDataGivesItsLeaves) {
  Decoded d({{"windows.event",
              {{"ESS", kString},
               {"CONSUMER", kString},
               {"Operation", kString},
               {"Namespace", kString}}}});
  d.run(decode,
        event("<UserData><o:Operation xmlns:o='urn:o'><o:Namespace>root</o:Namespace><ESS>f</ESS>"
              "<CONSUMER></CONSUMER></o:Operation></UserData>",
              "Microsoft-Windows-WMI-Activity", "Microsoft-Windows-WMI-Activity/Operational"));
  Fields row = d.row("windows.event");
  row.erase("_time");
  const Fields expected = {{"Namespace", "root"}, {"ESS", "f"}, {"CONSUMER", ""}};
  EXPECT_EQ(row, expected);
}

TEST(WinXml, SysmonForLinuxBehindSyslogHeaders) {
  const std::string line =
      "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593}\"/><EventID>3</EventID>"
      "<TimeCreated "
      "SystemTime=\"2022-05-11T18:10:20.465735000Z\"/><Channel>Linux-Sysmon/Operational</Channel>"
      "<Computer>u</Computer><Security UserId=\"0\"/></System><EventData><Data "
      "Name=\"Image\">/bin/nc</Data>"
      "</EventData></Event>";
  Decoded d({{"linux.sysmon", {{"Image", kString}, {"Security_UserID", kString}}}});
  d.run(decode, "May 11 18:10:20 u cron[1]: job\nMay 11 18:10:20 u sysmon: " + line + "\n");
  const Fields expected = {
      {"Image", "/bin/nc"}, {"Security_UserID", "0"}, {"_time", "2022-05-11T18:10:20.4657350Z"}};
  EXPECT_EQ(d.row("linux.sysmon"), expected);
}

TEST(WinXml, ReadsUtf16WithAMark) {
  std::string wide("\xff\xfe", 2);
  for (const char c : event_data("<Data Name='A'>x</Data>"))
    wide.push_back(c), wide.push_back('\0');
  EXPECT_TRUE(detect(wide));
  Sysmon d(wide);
  EXPECT_EQ(d.get("A"), "x");
  EXPECT_EQ(d.rows(kSysmon).at(0).all.at("A"), "x");
}

TEST(WinXml, MalformedUtf8IsReplacedInValuesAndNames) {
  Sysmon d(
      event_data("<Data Name='A'>a\xff"
                 "b</Data><n\xff>1</n\xff>"));
  EXPECT_EQ(d.get("A"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(d.rows(kSysmon).at(0).all.at("n\xef\xbf\xbd"), "1");
}

TEST(WinXml, EmptyUserDataIsNoField) {
  Sysmon d(event("<UserData></UserData>") + event("<UserData/>"));
  ASSERT_EQ(d.rows(kSysmon).size(), 2U);
  for (const auto& row : d.rows(kSysmon))
    EXPECT_EQ(row.all.count("UserData"), 0U);
}

TEST(WinXml, TablesThatNobodyReadsAreCounted) {
  Sysmon d(event("", "x", "Security") + event("", "x", "System") + event_data(""));
  EXPECT_EQ(d.num_skipped("windows.security"), 1U);
  EXPECT_EQ(d.num_skipped("windows.event"), 1U);
  EXPECT_EQ(d.rows(kSysmon).size(), 1U);
  EXPECT_EQ(d.rows(kSysmon).at(0).position.record, 3U);
}

TEST(WinXml, EventsOfKindsThatNobodyReadsAreCounted) {
  data::Layout layout(kSysmon);
  layout.add("A", kString);
  layout.set_event_ids({3});
  const data::Layouts layouts{{kSysmon, layout}};
  Decoded d({});
  data::Anomalies anomalies;
  DecodeContext context{layouts, d, anomalies};
  std::string other = event_data("<Data Name='A'>3</Data>");
  other.replace(other.find(">1</EventID>"), 2, ">3");
  const std::string text = event_data("<Data Name='A'>1</Data>") + other;
  decode({"test", text, nullptr}, context);
  ASSERT_EQ(d.rows(kSysmon).size(), 1U);
  EXPECT_EQ(d.row(kSysmon)["A"], "3");
  EXPECT_EQ(d.rows(kSysmon)[0].all.at("A"), "3");
  EXPECT_EQ(d.num_skipped(kSysmon), 1U);
}

// --- Detection --------------------------------------------------------------------------------

TEST(WinXmlDetect, KnowsEventsAndLeavesOtherFormatsAlone) {
  EXPECT_TRUE(detect(event_data("")));
  EXPECT_TRUE(detect("<Events>\n<Event xmlns='x'>\n <System>"));
  EXPECT_TRUE(detect("May 11 u sysmon: <Event><System><Provider"));
  EXPECT_FALSE(detect("{\"SyslogMessage\":\"<Event><System>\"}"));
  EXPECT_FALSE(detect("\"a\",\"<Event><System>\""));
  EXPECT_FALSE(detect("<Events><EventLog><System>"));
  EXPECT_FALSE(detect("<html>"));
  EXPECT_FALSE(detect(""));
}

// --- Damage -----------------------------------------------------------------------------------

TEST(WinXmlDamage, CutEventKeepsItsFieldsAndTheNextIsWhole) {
  const std::string whole =
      event_data("<Data Name='Image'>i</Data><Data Name='CommandLine'>long text</Data>");
  const size_t cut = whole.find(" text");
  Sysmon d(whole.substr(0, cut) + "\n" + whole);
  ASSERT_EQ(d.rows(kSysmon).size(), 2U);
  EXPECT_EQ(d.get("Image"), "i");
  EXPECT_EQ(d.get("CommandLine"), "long");
  EXPECT_EQ(d.get("_raw"), whole.substr(0, cut));
  EXPECT_EQ(d.get("CommandLine", 1), "long text");
  EXPECT_EQ(d.anomaly("xml-malformed-event"), 1U);
  EXPECT_EQ(d.anomalies().all().at("xml-malformed-event").first_offset, cut + 1);
}

TEST(WinXmlDamage, EventCutInATagOrAnAttributeLosesOnlyThatField) {
  const std::string whole =
      event_data("<Data Name='Image'>i</Data><Data Name='CommandLine'>c</Data>");
  for (const char* at : {"Name='CommandLine", "='CommandLine", "CommandLine'>"}) {
    Sysmon d(whole.substr(0, whole.find(at)) + whole);
    ASSERT_EQ(d.rows(kSysmon).size(), 2U) << at;
    EXPECT_EQ(d.get("Image"), "i");
    EXPECT_EQ(d.get("CommandLine"), "(null)");
    EXPECT_EQ(d.get("Data"), "(null)");
    EXPECT_EQ(d.get("CommandLine", 1), "c");
    EXPECT_EQ(d.anomaly("xml-malformed-event"), 1U);
  }
}

TEST(WinXmlDamage, EventThatDoesNotSayWhatItIsIsDropped) {
  Sysmon d("<Event><System><Level>4</Level></Sys" + event_data("<Data Name='A'>1</Data>"));
  EXPECT_EQ(d.rows(kSysmon).size(), 1U);
  EXPECT_EQ(d.num_skipped("windows.event"), 0U);
  EXPECT_EQ(d.anomaly("xml-malformed-event"), 1U);
}

TEST(WinXmlDamage, WrongEndTagIsNamed) {
  Sysmon d(event_data("<Data Name='A'>1</Dota>"));
  EXPECT_EQ(d.anomaly("xml-malformed-event"), 1U);
  EXPECT_EQ(d.get("A"), "1");
}

TEST(WinXmlDamage, CommentWithoutEndHidesNoOtherEvent) {
  Sysmon d("<Event><System><!--" + event_data("<Data Name='A'>1</Data>"));
  EXPECT_EQ(d.get("A"), "1");
}

// Inputs that would take quadratic time or space if each event searched to the end of the file.
TEST(WinXmlDamage, EventTooLongToBeOneKeepsWhatCameBefore) {
  const std::string filler(size_t{33} << 20, 'x');
  for (const std::string& data :
       {"<Data Name='A'>" + filler + "</Data>", "<Data Name='A'><![CDATA[" + filler + "]]></Data>",
        "<Data Name='" + filler + "'>b</Data>"}) {
    Sysmon d(event_data("<Data Name='Image'>i</Data>" + data) +
             event_data("<Data Name='Image'>j</Data>"));
    ASSERT_EQ(d.rows(kSysmon).size(), 2U) << data.substr(0, 30);
    EXPECT_EQ(d.get("Image"), "i");
    EXPECT_EQ(d.get("A"), "(null)");
    EXPECT_EQ(d.get("Image", 1), "j");
    EXPECT_EQ(d.anomaly("xml-malformed-event"), 1U);
  }
}

TEST(WinXmlDamage, HostileInputsTakeLinearTime) {
  const auto repeat = [](const std::string& s, size_t n) {
    std::string all;
    for (size_t i = 0; i < n; ++i)
      all.append(s);
    return all;
  };
  const std::string head =
      "<Event><System><EventID>1</EventID><Provider Name='Microsoft-Windows-Sysmon'/></System>";
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text :
       {repeat("<Event ><!--", 100'000), repeat("<Event ><![CDATA[", 100'000),
        repeat("<Event ", 100'000), repeat("<Event a='", 100'000), repeat("<Event a=\"b'", 100'000),
        repeat("<Event><?", 100'000), repeat("<Event></", 100'000),
        head + repeat("<EventData>", 100'000),
        head + "<EventData><Data Name='A'>" + repeat("<![CDATA[x]]>", 100'000),
        head + "<EventData>" + repeat("<Data>", 100'000),
        head + "<EventData>" + repeat("<Data Name='A'/>", 100'000),
        head + "<EventData><Data Name='A'>" + repeat("&#65", 100'000), repeat(head, 10'000)}) {
    Sysmon d(text);
    EXPECT_GE(d.anomaly("xml-malformed-event"), 1U) << text.substr(0, 40);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// --- Shared mapping ---------------------------------------------------------------------------

TEST(WindowsEvent, TableComesFromProviderThenChannel) {
  EXPECT_EQ(windows_table("Microsoft-Windows-Sysmon", "ForwardedEvents"), WindowsTable::kSysmon);
  EXPECT_EQ(windows_table("Linux-Sysmon", ""), WindowsTable::kLinuxSysmon);
  EXPECT_EQ(windows_table("Microsoft-Windows-Eventlog", "security"), WindowsTable::kSecurity);
  EXPECT_EQ(windows_table("Microsoft-Windows-Security-Auditing", ""), WindowsTable::kSecurity);
  EXPECT_EQ(
      windows_table("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational"),
      WindowsTable::kPowerShell);
  EXPECT_EQ(windows_table("PowerShellCore", "PowerShellCore/Operational"),
            WindowsTable::kPowerShell);
  EXPECT_EQ(windows_table("PowerShell", "Windows PowerShell"), WindowsTable::kPowerShell);
  EXPECT_EQ(windows_table("PowerShell", "Application"), WindowsTable::kEvent);
  EXPECT_EQ(windows_table("", ""), WindowsTable::kEvent);
}

TEST(WinXmlReference, SplunkExportIsReadWhole) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no reference data (POSTERN_SHARED)";
  const auto file = FileBytes::open(
      shared +
      "/evidence/logs/splunk-attack-data/datasets/attack_techniques/T1552.004/"
      "certutil_exe_certificate_extraction/certutil_exe_certificate_extraction.raw");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(detect((*file)->view().substr(0, 65536)));
  Decoded d({{kSysmon, kColumns}});
  d.run(decode, Input{"certutil", (*file)->view(), *file});
  uint64_t rows = d.rows(kSysmon).size();
  for (const char* t : {"windows.security", "windows.powershell", "windows.event"})
    rows += d.num_skipped(t);
  EXPECT_EQ(rows, 40U);
  EXPECT_TRUE(d.anomalies().all().empty());
}

}  // namespace
}  // namespace postern::input::winxml
