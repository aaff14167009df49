// Flat Windows records by their plans (flat_plan.h) give what they give the plain way. The first
// record of a shape goes the plain way, so a record alone in its file is the oracle for the same
// record behind others of its shape.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/json/json.h"

namespace postern::input {
namespace {

/// Of several types, with names that only the data fields' rules lead to.
std::map<std::string, Columns> wanted(bool values) {
  Columns columns = {{"EventID", kLong},
                     {"Channel", kString},
                     {"Provider_Name", kString},
                     {"Provider_Guid", kString},
                     {"Computer", kString},
                     {"Level", kLong},
                     {"Task", kLong},
                     {"Opcode", kLong},
                     {"Keywords", kString},
                     {"TimeCreated", kString},
                     {"Execution_ProcessID", kLong},
                     {"UserID", kString},
                     {"Message", kString},
                     {"ProcessId", kLong},
                     {"ProcessID", kString},
                     {"Image", kString},
                     {"image", kString},
                     {"CommandLine", kString},
                     {"Hashes", kDynamic},
                     {"Initiated", kBool},
                     {"UtcTime", kDatetime},
                     {"Score", kReal},
                     {"ThreatName", kString},
                     {"Data", kDynamic},
                     {"EventData_Computer", kString}};
  if (values) {
    columns.emplace_back("_raw", kString);
    columns.emplace_back("_values", kDynamic);
  }
  std::map<std::string, Columns> tables;
  for (const char* table :
       {"windows.sysmon", "windows.security", "windows.powershell", "windows.event"})
    tables[table] = columns;
  return tables;
}

/// Looks for one word.
class Word final : public data::TextGate {
 public:
  bool may_hold(std::string_view text) const override {
    return text.find(words_[0]) != std::string_view::npos;
  }

  bool may_hold_plain(std::string_view text) const override { return may_hold(text); }

  const std::vector<std::string>& literals() const override { return words_; }

 private:
  std::vector<std::string> words_{"mimikatz"};
};

using Random = std::mt19937;

template <size_t N>
std::string_view one_of(Random& random, const std::string_view (&all)[N]) {
  return all[random() % N];
}

std::string random_value(Random& random) {
  constexpr std::string_view kValues[] = {R"("C:\\Windows\\System32\\cmd.exe")",
                                          R"("\"C:\\a b\\c.exe\" /x \ud83d\ude00 \u00e9 \ud83d")",
                                          R"("")",
                                          R"("-")",
                                          R"("plain")",
                                          R"("mimikatz")",
                                          R"("a\r\nProcessId: 77\r\n\tProcess ID:\t\t0x1f4\r\n")",
                                          R"("2026-03-10 09:02:10.418")",
                                          R"("true")",
                                          "4711",
                                          "0",
                                          "-1",
                                          "1.5e3",
                                          "true",
                                          "null",
                                          "99999999999999999999",
                                          R"(["a","b"])",
                                          R"({"#text":"t","Inner":"u"})",
                                          "[]"};
  // Mostly what is plain, so that shapes repeat.
  return std::string(random() % 8 == 0 ? one_of(random, kValues) : kValues[random() % 10]);
}

/// A record of one of a few kinds; `odd`: how many of its members are not as usual.
std::string random_record(Random& random, int odd) {
  constexpr std::string_view kProviders[] = {R"("Microsoft-Windows-Sysmon")",
                                             R"("Microsoft-Windows-Security-Auditing")",
                                             R"("Microsoft-Windows-PowerShell")", R"("Other")"};
  constexpr std::string_view kChannels[] = {R"("Security")", R"("Application")",
                                            R"("Microsoft-Windows-Sysmon\/Operational")"};
  constexpr std::string_view kIds[] = {"1", "3", R"("4688")", "5156", "4624", R"("x")"};
  constexpr std::string_view kKeys[] = {
      "Image",     "image",  "CommandLine", "Hashes",   "Initiated",   "UtcTime",
      "Score",     "Unread", "Threat Name", "Computer", "Im\\u0061ge", "ThreatName",
      "ProcessID", "",       "Data",        "Message",  "UserID",      "_values",
      "ProcessId", "tags",   "Opcode",      "Task",     "Version",     "a.b.c"};
  constexpr std::string_view kHeaders[] = {
      R"("Level":"4","TimeCreated":"2024-05-01T08:00:00.000Z","ProcessId":"8192")",
      R"("@timestamp":"2024-05-01T08:00:00.000Z","Image":"C:\\a.exe","CommandLine":"\"C:\\a.exe\" -x")",
      R"("EventTime":"2026-03-10 09:02:10","SourceModuleType":"im_msvistalog","ProcessID":4,"EventType":"INFO","Keywords":-9223372036854775808,"Message":"x\r\nProcessId: 8112\r\n")",
      R"("EventTime":"2026-03-10 04:02:10.418","EventReceivedTime":"2026-03-10 04:02:12","@timestamp":"2026-03-10T09:02:12Z","ExecutionProcessID":5,"ProcessID":6,"ProcessId":"7","OpcodeValue":0)",
      R"("ProviderGuid":"5770385F-C22A-43E0-BF4C-06F5698FFBD9","Keywords":"Audit Success","Level":"Information","Task":"Logon")"};
  std::string text = R"({"SourceName":)" + std::string(one_of(random, kProviders)) +
                     R"(,"Channel":)" + std::string(one_of(random, kChannels)) + R"(,"EventID":)" +
                     std::string(one_of(random, kIds)) + "," +
                     std::string(one_of(random, kHeaders));
  const auto add = [&](std::string_view key) {
    text.append(random() % 16 == 0 ? " , \"" : ",\"").append(key);
    text.append(random() % 16 == 0 ? "\" : " : "\":").append(random_value(random));
  };
  add("Image");
  add("CommandLine");
  for (int i = 0; i < odd; ++i)
    add(one_of(random, kKeys));
  return text + (random() % 16 == 0 ? " }" : "}");
}

/// Everything that a run said, as text.
struct Said {
  std::map<std::string, std::vector<std::string>> rows;
  std::map<std::string, uint64_t> skipped;
  std::map<std::string, uint64_t> anomalies;
};

std::string text_of(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += name + "=" + value + "\n";
  return out;
}

void decode(const std::string& text, bool values, bool gate, Said& said) {
  const auto tables = wanted(values);
  Decoded d(tables);
  if (gate) d.set_text_gate(std::make_shared<Word>());
  d.run(json::decode, text);
  for (const auto& [table, columns] : tables) {
    for (const auto& row : d.rows(table))
      said.rows[table].push_back(text_of(row.fields) + "--\n" + text_of(row.all));
    said.skipped[table] += d.num_skipped(table);
  }
  for (const auto& [name, entry] : d.anomalies().all())
    said.anomalies[name] += entry.count;
}

void expect_same(const std::vector<std::string>& records) {
  for (const bool values : {false, true}) {
    for (const bool gate : {false, true}) {
      Said alone;
      for (const std::string& record : records)
        decode(record + "\n", values, gate, alone);
      std::string file;
      for (const std::string& record : records)
        file += record + "\n";
      Said together;
      decode(file, values, gate, together);
      EXPECT_EQ(together.rows, alone.rows);
      EXPECT_EQ(together.skipped, alone.skipped);
      EXPECT_EQ(together.anomalies, alone.anomalies);
    }
  }
}

TEST(JsonPlan, GivesWhatThePlainWayGives) {
  Random random(7);
  std::vector<std::string> records;
  for (int i = 0; i < 1500; ++i)
    records.push_back(random_record(random, i % 3 == 0 ? static_cast<int>(random() % 5) : 1));
  expect_same(records);
}

TEST(JsonPlan, GivesWhatThePlainWayGivesForEachKeyAndValue) {
  // One shape each: the second record goes by the plan of the first.
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string record = random_record(random, 3);
    expect_same({record, record});
  }
}

TEST(JsonPlan, TakesValuesLargerThanABlock) {
  const std::string path = "C:\\\\" + std::string(70'000, 'a') + "\\\\b";
  const std::string record =
      R"({"SourceName":"Microsoft-Windows-Sysmon","Channel":"x","EventID":1,"Image":")" + path +
      R"(","CommandLine":")" + path + R"("})";
  expect_same({record, record, record});
}

TEST(JsonPlan, RemembersAsManyShapesAsItMayAndNoMore) {
  std::vector<std::string> records;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 1100; ++i)
      records.push_back(R"({"SourceName":"Microsoft-Windows-Sysmon","Channel":"x","EventID":1,"K)" +
                        std::to_string(i) + R"(":"a\\b","Image":"C:\\x"})");
  expect_same(records);
}

}  // namespace
}  // namespace postern::input
