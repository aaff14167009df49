// Defender tables by their columns, and the shapes in which their rows come.
#include <gtest/gtest.h>

#include "decoded.h"
#include "input/defender_tables.h"
#include "input/json/json.h"
#include "input/name_hash.h"

namespace postern::input {
namespace {

std::string_view table(std::initializer_list<std::string_view> columns,
                       std::string_view action = "") {
  DefenderColumns c;
  for (const std::string_view column : columns)
    c.add(column, name_hash(column));
  return c.table(action);
}

TEST(DefenderColumns, TellTheTable) {
  EXPECT_EQ(table({"Timestamp", "DeviceName", "ActionType", "RemoteIP", "RemotePort", "LocalIP",
                   "Protocol"}),
            "defender.DeviceNetworkEvents");
  EXPECT_EQ(table({"Timestamp", "DeviceId", "ActionType", "FileName", "FolderPath", "ProcessId",
                   "ProcessCommandLine", "AccountName", "LogonId"}),
            "defender.DeviceProcessEvents");
  EXPECT_EQ(table({"TimeGenerated", "DeviceId", "ActionType", "FileName", "FolderPath",
                   "PreviousFileName"}),
            "defender.DeviceFileEvents");
  EXPECT_EQ(table({"Timestamp", "DeviceId", "ActionType", "RegistryKey", "RegistryValueType",
                   "RegistryValueName"}),
            "defender.DeviceRegistryEvents");
  EXPECT_EQ(table({"Timestamp", "DeviceId", "ActionType", "FileName", "ProcessCommandLine",
                   "RegistryKey", "RemoteUrl", "RemoteIP", "RemotePort", "LocalIP", "LogonId"}),
            "defender.DeviceEvents");
  EXPECT_EQ(table({"Timestamp", "DeviceId", "ActionType", "LogonType", "RemoteIP", "RemotePort",
                   "RemoteDeviceName"}),
            "defender.DeviceLogonEvents");
  EXPECT_EQ(table({"Timestamp", "DeviceId", "ActionType", "FileName", "FolderPath", "SHA256",
                   "InitiatingProcessFileName"}),
            "defender.DeviceImageLoadEvents");
  EXPECT_EQ(table({"Timestamp", "NetworkMessageId", "SenderFromAddress", "RecipientEmailAddress",
                   "Subject"}),
            "defender.EmailEvents");
  EXPECT_EQ(table({"Timestamp", "NetworkMessageId", "SenderFromAddress", "FileName", "FileType"}),
            "defender.EmailAttachmentInfo");
  EXPECT_EQ(table({"Timestamp", "NetworkMessageId", "Url", "UrlDomain"}), "defender.EmailUrlInfo");
  EXPECT_EQ(table({"Timestamp", "Something"}), "");
}

TEST(DefenderColumns, TrustTheActionTypeWhereAQueryLeftFewColumns) {
  EXPECT_EQ(table({"Timestamp", "DeviceName", "ActionType", "InitiatingProcessFileName"},
                  "ConnectionSuccess"),
            "defender.DeviceNetworkEvents");
  EXPECT_EQ(
      table({"Timestamp", "DeviceName", "ActionType", "FileName", "FolderPath"}, "FileCreated"),
      "defender.DeviceFileEvents");
}

const std::map<std::string, Columns> kWanted = {
    {"defender.DeviceNetworkEvents",
     {{"Timestamp", kDatetime},
      {"DeviceName", kString},
      {"RemotePort", kInt},
      {"RemoteIP", kString},
      {"ActionType", kString},
      {"InitiatingProcessCreationTime", kDatetime},
      {"AdditionalFields", kDynamic},
      {"InitiatingProcessId", kLong}}},
    {"defender.EmailEvents",
     {{"Timestamp", kDatetime}, {"Subject", kString}, {"AttachmentCount", kInt}}},
};

TEST(DefenderJson, ReadsTheBareRow) {
  Decoded d(kWanted);
  d.run(
      json::decode,
      R"({"Timestamp":"2026-03-10T13:07:18.4470001Z","DeviceId":"d1","DeviceName":"ws2","ActionType":"ConnectionSuccess",)"
      R"("RemoteIP":"203.0.113.25","RemotePort":587,"RemoteUrl":"","LocalIP":"10.20.1.16","LocalPort":50200,"Protocol":"Tcp",)"
      R"("InitiatingProcessId":7716,"InitiatingProcessCreationTime":"2026-03-10T12:58:31.19Z",)"
      R"("AdditionalFields":"{\"direction\":\"Out\",\"n\":[1]}"})");
  EXPECT_EQ(d.row("defender.DeviceNetworkEvents"),
            (Fields{{"Timestamp", "2026-03-10T13:07:18.4470001Z"},
                    {"_time", "2026-03-10T13:07:18.4470001Z"},
                    {"DeviceName", "ws2"},
                    {"RemotePort", "587"},
                    {"RemoteIP", "203.0.113.25"},
                    {"ActionType", "ConnectionSuccess"},
                    {"InitiatingProcessCreationTime", "2026-03-10T12:58:31.190Z"},
                    {"AdditionalFields", R"({"direction":"Out","n":[1]})"},
                    {"InitiatingProcessId", "7716"}}));
}

TEST(DefenderJson, ReadsTheCopyInSentinel) {
  Decoded d(kWanted);
  d.run(
      json::decode,
      R"({"TenantId":"t","TimeGenerated":"2026-03-10T13:07:18Z","DeviceName":"ws2","ActionType":"ConnectionSuccess",)"
      R"("RemotePort":"587","Type":"DeviceNetworkEvents"})");
  const Fields f = d.row("defender.DeviceNetworkEvents");
  EXPECT_EQ(f.at("Timestamp"), "2026-03-10T13:07:18Z");
  EXPECT_EQ(f.at("_time"), "2026-03-10T13:07:18Z");
  EXPECT_EQ(f.at("RemotePort"), "587");
}

TEST(DefenderJson, ReadsTheStreamingApi) {
  Decoded d(kWanted);
  d.run(
      json::decode,
      R"({"records":[{"time":"2026-03-10T13:09:00Z","tenantId":"t","operationName":"Publish","category":"AdvancedHunting-EmailEvents",)"
      R"("properties":{"Timestamp":"2026-03-10T13:07:18Z","NetworkMessageId":"m","Subject":"hi","AttachmentCount":2}},)"
      R"({"time":"2026-03-10T13:09:00Z","category":"AdvancedHunting-DeviceNetworkEvents","properties":{"RemotePort":25}}]})");
  EXPECT_EQ(d.row("defender.EmailEvents"), (Fields{{"Timestamp", "2026-03-10T13:07:18Z"},
                                                   {"_time", "2026-03-10T13:07:18Z"},
                                                   {"Subject", "hi"},
                                                   {"AttachmentCount", "2"}}));
  EXPECT_EQ(d.row("defender.DeviceNetworkEvents").at("_time"), "2026-03-10T13:09:00Z");
}

TEST(DefenderJson, ReadsTheAnswerOfTheHuntingApi) {
  Decoded d(kWanted);
  d.run(
      json::decode,
      R"({"Stats":{},"Schema":[{"Name":"Timestamp","Type":"DateTime"}],"Results":[{"Timestamp":"2026-03-10T13:07:18Z",)"
      R"("DeviceName":"ws2","ActionType":"ConnectionFailed","RemoteIP":"203.0.113.25","RemotePort":587}]})");
  EXPECT_EQ(d.row("defender.DeviceNetworkEvents").at("ActionType"), "ConnectionFailed");
}

}  // namespace
}  // namespace postern::input
