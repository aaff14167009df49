#include "input/csv/csv.h"

#include <chrono>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/csv/records.h"

namespace postern::input {
namespace {

std::vector<std::vector<std::string>> records_of(std::string_view text, char separator = ',') {
  std::vector<std::vector<std::string>> out;
  csv::Records records(text, separator);
  std::string scratch;
  while (records.next()) {
    auto& record = out.emplace_back();
    if (records.is_broken()) record.push_back("broken");
    for (const csv::Value& v : records.values())
      record.emplace_back(csv::plain(v, scratch));
  }
  return out;
}

using Table = std::vector<std::vector<std::string>>;

TEST(CsvRecords, FollowRfc4180) {
  EXPECT_EQ(records_of("a,b\r\n1,2\r\n"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(records_of("a,\"b,c\",\"d\"\"e\"\n"), (Table{{"a", "b,c", "d\"e"}}));
  EXPECT_EQ(records_of("\"line\r\none\",2\n3,4"), (Table{{"line\r\none", "2"}, {"3", "4"}}));
  EXPECT_EQ(records_of(",\n\n,,\r\n\"\",x"), (Table{{"", ""}, {"", "", ""}, {"", "x"}}));
  EXPECT_EQ(records_of("a\"b,c\n"), (Table{{"a\"b", "c"}}));
  EXPECT_EQ(records_of("\"a\" ,b\n"), (Table{{"a", "b"}}));
  EXPECT_EQ(records_of("\"a\",\r\n"), (Table{{"a", ""}}));
  EXPECT_EQ(records_of("x;y,z", ';'), (Table{{"x", "y,z"}}));
}

TEST(CsvRecords, EndAnOpenQuoteAtItsLine) {
  EXPECT_EQ(records_of("a,\"b\nc,d\n"), (Table{{"broken"}, {"c", "d"}}));
}

TEST(CsvRecords, NeedLinearTimeForOpenQuotes) {
  const auto started = std::chrono::steady_clock::now();
  std::string text;
  for (int i = 0; i < 400'000; ++i)
    text += "\"a\n\",";
  text += "\"";
  std::string open;
  for (int i = 0; i < 200'000; ++i)
    open += "x,\"\"\"\n";
  EXPECT_GT(records_of(text).size(), 0u);
  EXPECT_GT(records_of(open).size(), 0u);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
}

Decoded decode(const std::map<std::string, Columns>& wanted, std::string text) {
  Decoded d(wanted);
  d.run(csv::decode, std::move(text));
  return d;
}

TEST(Csv, GivesOtherFilesUnderTheirHeader) {
  Decoded d = decode(
      {{"csv.row",
        {{"a", kString}, {"b c", kString}, {"n", kLong}, {"a_2", kString}, {"column_5", kString}}}},
      "a,b c,n,a,,time\n1,\"x, y\",7,2,five,2026-03-10T09:02:10Z\n");
  EXPECT_EQ(d.row("csv.row"), (Fields{{"a", "1"},
                                      {"b c", "x, y"},
                                      {"n", "7"},
                                      {"a_2", "2"},
                                      {"column_5", "five"},
                                      {"_time", "2026-03-10T09:02:10Z"}}));
  EXPECT_EQ(d.rows("csv.row")[0].all.at("b c"), "x, y");
  EXPECT_EQ(d.rows("csv.row")[0].position.record, 2u);
  EXPECT_TRUE(d.anomalies().all().empty());
}

TEST(Csv, ReadsExportsOfTheDefenderPortal) {
  Decoded d =
      decode({{"defender.DeviceNetworkEvents",
               {{"Timestamp", kDatetime},
                {"RemotePort", kInt},
                {"AdditionalFields", kDynamic},
                {"ActionType", kString},
                {"InitiatingProcessCreationTime", kDatetime},
                {"InitiatingProcessFileName", kString}}}},
             "\xEF\xBB\xBF\"Timestamp "
             "[UTC]\",DeviceName,ActionType,RemoteIP,RemotePort,LocalIP,InitiatingProcessFileName,"
             "\"InitiatingProcessCreationTime [UTC]\",AdditionalFields\r\n"
             "\"3/10/2026, 1:07:18.447 "
             "PM\",ws2,ConnectionSuccess,203.0.113.25,587,10.20.1.16,rundll32.exe,"
             "\"3/10/2026, 12:58:31.190 PM\",\"{\"\"direction\"\":\"\"Out\"\"}\"\r\n");
  EXPECT_EQ(d.row("defender.DeviceNetworkEvents"),
            (Fields{{"Timestamp", "2026-03-10T13:07:18.447Z"},
                    {"_time", "2026-03-10T13:07:18.447Z"},
                    {"RemotePort", "587"},
                    {"AdditionalFields", R"({"direction":"Out"})"},
                    {"ActionType", "ConnectionSuccess"},
                    {"InitiatingProcessCreationTime", "2026-03-10T12:58:31.190Z"},
                    {"InitiatingProcessFileName", "rundll32.exe"}}));
  EXPECT_TRUE(d.anomalies().all().empty());
}

TEST(Csv, SaysThatLocalTimesAreTakenAsUtc) {
  Decoded d =
      decode({{"defender.EmailEvents", {{"Timestamp", kDatetime}}}},
             "Timestamp [Local Time],NetworkMessageId,Subject\n\"3/10/2026, 1:07:18 PM\",m,hi\n");
  EXPECT_EQ(d.row("defender.EmailEvents").at("Timestamp"), "2026-03-10T13:07:18Z");
  EXPECT_EQ(d.anomaly("csv-local-time"), 1u);
}

TEST(Csv, ReadsOtherSeparators) {
  const std::map<std::string, Columns> wanted = {{"csv.row", {{"b", kString}}}};
  EXPECT_EQ(decode(wanted, "a;b\n1;2,3\n").row("csv.row").at("b"), "2,3");
  EXPECT_EQ(decode(wanted, "a\tb\n1\tx;y\n").row("csv.row").at("b"), "x;y");
  EXPECT_EQ(decode(wanted, "sep=|\r\na|b\r\n1|2\r\n").row("csv.row").at("b"), "2");
}

TEST(Csv, NamesBadRecordsAndKeepsWhatTheyHave) {
  Decoded d =
      decode({{"csv.row", {{"a", kString}, {"b", kString}}}}, "a,b\n1\n2,3,4\n5,\"6\n7,\xFF\n");
  ASSERT_EQ(d.rows("csv.row").size(), 3u);
  EXPECT_EQ(d.row("csv.row", 0), (Fields{{"a", "1"}}));
  EXPECT_EQ(d.row("csv.row", 1), (Fields{{"a", "2"}, {"b", "3"}}));
  EXPECT_EQ(d.row("csv.row", 2), (Fields{{"a", "7"}, {"b", "\xEF\xBF\xBD"}}));
  EXPECT_EQ(d.anomaly("csv-bad-record"), 2u);
  EXPECT_EQ(d.anomaly("csv-open-quote"), 1u);
  EXPECT_EQ(d.anomaly("csv-bad-utf8"), 1u);
}

TEST(Csv, LeavesOutRecordsThatAreTooLongToBeOne) {
  const std::string filler(csv::kMaxRecordBytes, 'x');
  for (const std::string& record : {"3," + filler, "3,\"y\"," + filler, "3,\"y\"" + filler}) {
    Decoded d({{"csv.row", {{"a", kString}, {"b", kString}}}});
    d.run(csv::decode, "a,b\n1,2\n" + record + "\n4,5\n");
    ASSERT_EQ(d.rows("csv.row").size(), 2U) << record.substr(0, 8);
    EXPECT_EQ(d.row("csv.row", 1).at("a"), "4");
    EXPECT_EQ(d.anomaly("csv-long-record"), 1U);
    EXPECT_EQ(d.anomalies().all().at("csv-long-record").first_offset, 8U);
  }
}

TEST(Csv, IsDetectedByContent) {
  EXPECT_TRUE(csv::detect("a,b\n1,2\n"));
  EXPECT_TRUE(csv::detect("a,b\n"));
  EXPECT_TRUE(csv::detect("\xEF\xBB\xBF\"a b\";c\n\"1\n2\";3\n"));
  EXPECT_TRUE(csv::detect("sep=,\na,b\n"));
  EXPECT_TRUE(csv::detect({"a\0,\0b\0\n\0", 8}));
  EXPECT_FALSE(csv::detect(""));
  EXPECT_FALSE(csv::detect("one line of text\nand another\n"));
  EXPECT_FALSE(csv::detect("a,b\n1,2,3\n"));
  EXPECT_FALSE(csv::detect("1,2\n3,4\n"));
  EXPECT_FALSE(csv::detect({"a,b\0c\n", 6}));
}

}  // namespace
}  // namespace postern::input
