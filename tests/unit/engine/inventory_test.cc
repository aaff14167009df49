// What evidence holds, and what that means for rules.
#include "engine/inventory.h"

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/visibility.h"

namespace postern::engine {
namespace {

/// A file that goes when the test does.
class TempFile {
 public:
  TempFile(const std::string& name, const std::string& text)
      : path_(::testing::TempDir() + std::to_string(::getpid()) + "_" + name) {
    std::ofstream(path_, std::ios::binary) << text;
  }

  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  ~TempFile() { std::remove(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::shared_ptr<const Setup> setup() {
  static const std::shared_ptr<const Setup> shared = *make_setup();
  return shared;
}

std::string sysmon(int id, const std::string& data) {
  return R"({"EventID":)" + std::to_string(id) +
         R"(,"SourceName":"Microsoft-Windows-Sysmon","Channel":"Microsoft-Windows-Sysmon/Operational",)"
         R"("Hostname":"ws1","@timestamp":"2026-03-07T14:31:0)" +
         std::to_string(id % 10) + R"(Z",)" + data + "}\n";
}

std::vector<FileInventory> inspect(const std::vector<std::string>& paths) {
  std::vector<FileInventory> out;
  std::vector<std::string> errors;
  Progress progress;
  const std::atomic<bool> cancelled{false};
  const data::Layouts layouts = whole_layouts(setup()->catalog);
  take_inventory(paths, {setup()->catalog, layouts, true, false}, progress, cancelled, errors,
                 [&](FileInventory&& f) { out.push_back(std::move(f)); });
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(progress.bytes_done, progress.bytes_total);
  return out;
}

Inventory all_of(const std::vector<FileInventory>& files) {
  Inventory all;
  for (const FileInventory& f : files)
    merge(all, f.tables);
  return all;
}

TEST(Inventory, CountsEventsKindsTimesAndFields) {
  const TempFile file("a.json", sysmon(1, R"("Image":"C:\\a.exe","CommandLine":"a -x")") +
                                    sysmon(1, R"("Image":"C:\\b.exe","CommandLine":"")") +
                                    sysmon(3, R"("Image":"C:\\a.exe","DestinationPort":"25")") +
                                    sysmon(3, R"("Odd":"here","DestinationPort":"x")"));
  const auto files = inspect({file.path()});
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].format, "json");
  const TableSeen& t = files[0].tables.at("windows.sysmon");
  EXPECT_EQ(t.events, 4u);
  EXPECT_LT(t.first, t.last);
  EXPECT_EQ(t.kinds.at(1).events, 2u);
  EXPECT_EQ(t.kinds.at(3).events, 2u);
  EXPECT_EQ(t.fields.at("Image").rows, 3u);
  EXPECT_EQ(t.fields.at("Image").of_rows, 4u);
  EXPECT_EQ(t.fields.at("Image").examples, (std::vector<std::string>{"C:\\a.exe", "C:\\b.exe"}));
  EXPECT_EQ(t.fields.at("CommandLine").rows, 1u) << "an empty text is no value";
  EXPECT_EQ(t.fields.at("Odd").rows, 1u) << "a field that the catalog does not list";
  EXPECT_EQ(t.fields.at("DestinationPort").rows, 1u);
  EXPECT_EQ(t.kinds.at(3).fields.count("CommandLine"), 0u);
  EXPECT_EQ(t.fields.count("Hashes"), 0u);
  EXPECT_EQ(files[0].anomalies.all().count("bad-value"), 1u);
}

TEST(Inventory, NamesWhatItDoesNotKnow) {
  const TempFile file("b.bin", std::string("\x01\x02\x03", 3));
  const auto files = inspect({file.path()});
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].format, "");
  EXPECT_EQ(files[0].bytes, 3u);
}

TEST(Inventory, FieldsOfAHostileFileAreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "{\"name" + std::to_string(i) + "\":1}\n";
  const TempFile file("c.json", text);
  const TableSeen t = inspect({file.path()})[0].tables.at("json.object");
  EXPECT_LE(t.fields.size(), kMaxFields);
  EXPECT_EQ(t.events, 5000u);
}

std::unique_ptr<RuleSet> rule(const std::string& logsource, const std::string& detection) {
  RuleOptions options;
  options.builtin = false;
  options.texts.push_back({"rule.yml",
                           "title: t\nid: 00000000-0000-0000-0000-000000000001\nstatus: test\n"
                           "logsource: { " +
                               logsource + " }\ndetection:\n" + detection + "\nlevel: low\n",
                           "sigma"});
  return RuleSet::load(setup(), options);
}

Visibility judged(const std::string& logsource,
                  const std::string& detection,
                  const Inventory& evidence) {
  const auto rules = rule(logsource, detection);
  EXPECT_EQ(rules->rules().size(), 1u);
  return judge(rules->rules().front(), evidence, setup()->catalog);
}

TEST(Visibility, TellsASourceFromAFieldFromBoth) {
  const TempFile file("d.json", sysmon(1, R"("Image":"C:\\a.exe","CommandLine":"a -x")"));
  const Inventory evidence = all_of(inspect({file.path()}));
  const std::string process = "product: windows, category: process_creation";
  using State = Visibility::State;
  EXPECT_EQ(judged(process, "  s:\n    Image|endswith: x.exe\n  condition: s", evidence).state,
            State::kCanFire);
  const Visibility field =
      judged(process, "  s:\n    OriginalFileName: x.exe\n  condition: s", evidence);
  EXPECT_EQ(field.state, State::kLacksField);
  EXPECT_EQ(field.fields.count("windows.sysmon.OriginalFileName"), 1u);
  // One of the two alternatives can be met.
  EXPECT_EQ(judged(process,
                   "  s:\n    - OriginalFileName: x.exe\n    - Image|endswith: x.exe\n"
                   "  condition: s",
                   evidence)
                .state,
            State::kCanFire);
  // What is absent meets a condition that asks for its absence.
  EXPECT_EQ(judged(process,
                   "  s:\n    Image|endswith: x.exe\n  f:\n    OriginalFileName: y\n"
                   "  condition: s and not f",
                   evidence)
                .state,
            State::kCanFire);
  const Visibility source = judged("product: windows, category: network_connection",
                                   "  s:\n    DestinationPort: 25\n  condition: s", evidence);
  EXPECT_EQ(source.state, State::kLacksSource);
  EXPECT_EQ(source.sources.count("windows.sysmon 3"), 1u);
}

TEST(Visibility, TellsWhichTablesOfAVocabularyAreFed) {
  const TempFile file("e.json", sysmon(3, R"("Image":"C:\\a.exe","DestinationPort":"25",)"
                                          R"("Initiated":"true","DestinationIp":"192.0.2.1")"));
  const auto fed = fed_tables(all_of(inspect({file.path()})), setup()->catalog);
  const auto find = [&](const std::string& vocabulary,
                        const std::string& table) -> const FedTable* {
    for (const FedTable& f : fed)
      if (f.vocabulary == vocabulary && f.table == table) return &f;
    return nullptr;
  };
  const FedTable* network = find("kql", "DeviceNetworkEvents");
  ASSERT_NE(network, nullptr);
  EXPECT_EQ(network->columns.count("RemotePort"), 1u);
  EXPECT_EQ(network->columns.count("InitiatingProcessSHA256"), 0u);
  EXPECT_EQ(network->empty.count("InitiatingProcessSHA256"), 1u);
  EXPECT_NE(find("sigma", "windows/network_connection"), nullptr);
  EXPECT_EQ(find("sigma", "windows/process_creation"), nullptr) << "no event 1";
  EXPECT_EQ(find("kql", "EmailEvents"), nullptr);
}

}  // namespace
}  // namespace postern::engine
