// Real records of every layout, and real files.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/csv/csv.h"
#include "input/evtx/evtx.h"
#include "input/format.h"
#include "input/json/json.h"

namespace postern::input {
namespace {

const Columns kWindows = {
    {"EventID", kLong},     {"Channel", kString},     {"Computer", kString},
    {"ProcessId", kString}, {"Image", kString},       {"DestinationPort", kLong},
    {"Initiated", kBool},   {"CommandLine", kString}, {"UtcTime", kString},
    {"Keywords", kString},  {"Level", kLong}};

const std::map<std::string, Columns> kAllWindows = {{"windows.sysmon", kWindows},
                                                    {"windows.security", kWindows},
                                                    {"windows.powershell", kWindows},
                                                    {"windows.event", kWindows},
                                                    {"linux.sysmon", kWindows}};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return out;
  char buffer[1 << 16];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe))
    out.append(buffer, n);
  pclose(pipe);
  return out;
}

struct Sample {
  const char* file;
  const char* table;
  Fields fields;
};

TEST(JsonSharedData, OneRealRecordOfEveryLayout) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::vector<Sample> samples = {
      {"mordor_winlogbeat6_sysmon1.json",
       "windows.sysmon",
       {{"EventID", "1"},
        {"ProcessId", "7884"},
        {"Image", "C:\\Windows\\System32\\wbem\\WmiApSrv.exe"},
        {"Computer", "HR001.shire.com"},
        {"_time", "2019-05-18T20:20:32.811Z"},
        {"Level", "4"}}},
      {"mordor_winlogbeat6_sysmon3.json",
       "windows.sysmon",
       {{"EventID", "3"}, {"DestinationPort", "443"}, {"Initiated", "true"}}},
      {"mordor_nxlog_sysmon1.json",
       "windows.sysmon",
       {{"EventID", "1"},
        {"ProcessId", "1700"},
        {"Computer", "WORKSTATION5.theshire.local"},
        {"_time", "2020-09-17T21:46:05Z"},
        {"Keywords", "0x8000000000000000"}}},
      {"mordor_nxlog_sysmon3.json",
       "windows.sysmon",
       {{"EventID", "3"},
        {"ProcessId", "3324"},
        {"DestinationPort", "135"},
        {"_time", "2020-09-17T21:45:41Z"}}},
      {"nxlog_sysmon1.json",
       "windows.sysmon",
       {{"EventID", "1"}, {"Image", "C:\\Windows\\servicing\\TrustedInstaller.exe"}}},
      {"nxlog_sysmon3.json",
       "windows.sysmon",
       {{"EventID", "3"},
        {"ProcessId", "2956"},
        {"Image", "C:\\Users\\Public\\splunkd.exe"},
        {"DestinationPort", "7010"}}},
      {"mordor_wec_sysmon3_smtp.json",
       "windows.sysmon",
       {{"EventID", "3"}, {"ProcessId", "12252"}, {"DestinationPort", "587"}, {"Level", "4"}}},
      {"mordor_wec_security5156_smtp.json",
       "windows.security",
       {{"EventID", "5156"}, {"Level", "0"}, {"Keywords", "0x8020000000000000"}}},
      {"azure_windowsevent_sysmon3.json",
       "windows.sysmon",
       {{"EventID", "3"},
        {"ProcessId", "3936"},
        {"DestinationPort", "8080"},
        {"Initiated", "false"}}},
      {"azure_syslog_linuxsysmon.json",
       "linux.sysmon",
       {{"EventID", "3"},
        {"ProcessId", "1774"},
        {"Image", "/opt/microsoft/mdatp/sbin/wdavdaemon"},
        {"DestinationPort", "443"},
        {"_time", "2022-05-11T18:10:20.4657350Z"}}},
  };
  for (const Sample& s : samples) {
    const std::string text = read_file(shared + "/evidence/format-samples/" + s.file);
    const Format* format = detect_format(std::string_view(text).substr(0, 65536));
    ASSERT_NE(format, nullptr) << s.file;
    EXPECT_EQ(format->name, "json") << s.file;
    Decoded d(kAllWindows);
    d.run(json::decode, text);
    ASSERT_EQ(d.rows(s.table).size(), 1u) << s.file;
    for (const auto& [name, value] : s.fields)
      EXPECT_EQ(d.row(s.table)[name], value) << s.file << " " << name;
    for (const auto& [name, entry] : d.anomalies().all())
      EXPECT_EQ(name, "json-time-without-zone") << s.file << " " << entry.detail;
  }
}

TEST(JsonSharedData, OsqueryAndExchangeRecords) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  Decoded d({{"osquery.socket_events", {{"remote_port", kInt}, {"action", kString}}},
             {"osquery.bpf_socket_events", {{"remote_port", kInt}}},
             {"osquery.bpf_process_events", {{"cmdline", kString}}},
             {"osquery.es_process_events", {{"cmdline", kString}, {"exit_code", kInt}}},
             {"osquery.result", {{"path", kString}}}});
  d.run(json::decode, read_file(shared + "/evidence/format-samples/osquery_samples.jsonl"));
  EXPECT_EQ(
      d.row("osquery.socket_events"),
      (Fields{{"remote_port", "443"}, {"action", "connect"}, {"_time", "2021-01-16T18:29:11Z"}}));
  EXPECT_EQ(d.row("osquery.bpf_socket_events").at("remote_port"), "8080");
  EXPECT_EQ(d.row("osquery.bpf_process_events").at("cmdline"), "id");
  EXPECT_EQ(d.row("osquery.es_process_events").at("cmdline"), "plutil --help ");
  EXPECT_EQ(d.rows("osquery.result").size(), 3u);
  EXPECT_TRUE(d.anomalies().all().empty());

  Decoded mail(kAllWindows);
  mail.run(json::decode,
           read_file(shared + "/evidence/logs/mordor-mail/proxylogon_mailport_events.jsonl"));
  size_t mail_ports = 0;
  for (const auto& row : mail.rows("windows.sysmon")) {
    const auto port = row.fields.find("DestinationPort");
    if (port != row.fields.end() && (port->second == "25" || port->second == "587")) ++mail_ports;
  }
  EXPECT_GT(mail_ports, 3u);
  EXPECT_TRUE(mail.anomalies().all().empty());
}

TEST(JsonSharedData, WholeMordorFilesLoseNoRecord) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string folder = shared + "/evidence/logs/mordor/";
  for (const char* name : {"covenant_dcom_iertutil_dll_hijack",
                           "empire_persistence_registry_modification_run_keys_standard_user",
                           "metasploit_sharpdump_lsass_memory_dump"}) {
    const std::string text = output_of("unzip -p '" + folder + name + ".zip'");
    ASSERT_GT(text.size(), 1'000'000u) << name;
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) +
                       (text.back() == '\n' ? 0 : 1);
    Decoded d(kAllWindows);
    d.read_back = false;
    d.run(json::decode, text);
    size_t rows = 0;
    size_t without_time = 0;
    for (const auto& [table, columns] : kAllWindows) {
      rows += d.rows(table).size();
      for (const auto& row : d.rows(table))
        without_time += row.fields.count("_time") ? 0 : 1;
    }
    EXPECT_EQ(rows, lines) << name;
    EXPECT_EQ(without_time, 0u) << name;
    for (const auto& [anomaly, entry] : d.anomalies().all())
      ADD_FAILURE() << name << " " << anomaly << " " << entry.count << " " << entry.detail;
    std::cout << name << ": " << rows << " events of " << lines << " lines\n";
  }
}

TEST(CsvSharedData, ReadsAWideExport) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string text = read_file(
      shared + "/evidence/logs/splunk-attack-data/datasets/m365_copilot/copilot_prompt_logs.csv");
  ASSERT_GT(text.size(), 0u);
  EXPECT_EQ(detect_format(std::string_view(text).substr(0, 65536))->name, "csv");
  Decoded d({{"csv.row", {{"File ID", kString}, {"Subject", kString}}}});
  d.run(csv::decode, text);
  EXPECT_GT(d.rows("csv.row").size(), 10u);
  EXPECT_TRUE(d.anomalies().all().empty());
}

}  // namespace
}  // namespace postern::input
