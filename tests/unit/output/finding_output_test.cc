#include "output/finding_output.h"

#include <sstream>

#include <gtest/gtest.h>

#include "base/time.h"

namespace postern::output {
namespace {

using data::Value;
using engine::Finding;

plan::RuleInfo rule() {
  plan::RuleInfo r;
  r.id = "id-1";
  r.title = "Title";
  r.language = "sigma";
  r.level = "medium";
  r.path = "r.yml";
  r.attack = {"T1048.003"};
  return r;
}

engine::FindingList list(const std::vector<Finding>& findings) {
  auto store = std::make_shared<engine::FindingStore>();
  {
    engine::FindingWriter writer(*store, 0, nullptr);
    for (const Finding& f : findings)
      writer.add(f);
  }
  store->seal();
  return engine::FindingList(store);
}

TEST(FindingJson, HasTheContractsKeysAndNoEmptyOnes) {
  const plan::RuleInfo r = rule();
  Finding f;
  f.rule = &r;
  f.time = *parse_rfc3339("2026-11-20T10:00:00.123Z");
  f.host = "ws1";
  f.user = "CORP\\bob";
  f.row = {{"Image", Value::string("C:\\x.exe")},
           {"DestinationPort", Value::integer(587)},
           {"Hash", Value::null(data::Type::kString)}};
  f.why.push_back({"DestinationPort", "in", Value::integer(587)});
  f.evidence.push_back({"windows.sysmon", "a.evtx", 4608, 17});
  EXPECT_EQ(
      finding_json(f),
      R"({"time":"2026-11-20T10:00:00.123Z","rule":{"id":"id-1","title":"Title","language":"sigma","level":"medium","path":"r.yml"},)"
      R"("attack":["T1048.003"],"host":"ws1","user":"CORP\\bob","row":{"Image":"C:\\x.exe","DestinationPort":587},)"
      R"("why":[{"field":"DestinationPort","op":"in","value":587}],)"
      R"("evidence":[{"table":"windows.sysmon","path":"a.evtx","offset":4608,"record":17}]})");
}

TEST(FindingJson, LeavesOutWhatIsUnknown) {
  const plan::RuleInfo r = rule();
  Finding f;
  f.rule = &r;
  EXPECT_EQ(finding_json(f).find("\"time\""), std::string::npos);
  EXPECT_EQ(finding_json(f).find("\"why\""), std::string::npos);
}

TEST(Table, NeutralisesControlCharactersOfEvidence) {
  const plan::RuleInfo r = rule();
  Finding f;
  f.rule = &r;
  f.row = {{"CommandLine", Value::string("a\x1b[31mb\nc")}};
  f.why.push_back({"CommandLine", "contains", Value::string("a")});
  std::ostringstream out;
  write_table(out, list({f}), {});
  const std::string text = out.str();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Table, SaysNothingTwice) {
  const plan::RuleInfo r = rule();
  Finding f;
  f.rule = &r;
  f.time = *parse_rfc3339("2026-11-20T10:00:00Z");
  f.host = "ws1";
  f.row = {{"time", Value::datetime(f.time)},
           {"host", Value::string("ws1")},
           {"dst", Value::string("203.0.113.9")}};
  Finding file;
  file.rule = &r;
  file.evidence.push_back({"content.file", "a/b.bin", 0, 0});
  std::ostringstream out;
  write_table(out, list({f, file}), {});
  const std::string text = out.str();
  EXPECT_EQ(text.find("host="), std::string::npos);
  EXPECT_EQ(text.find("time="), std::string::npos);
  EXPECT_NE(text.find("dst=203.0.113.9"), std::string::npos);
  EXPECT_NE(text.find("a/b.bin"), std::string::npos);
}

TEST(Csv, QuotesAndDefusesFormulas) {
  const std::vector<Row> rows = {{Value::string("x,\"y\""), Value::string("=1+1")},
                                 {Value::integer(-5), Value::string("ok")}};
  std::ostringstream out;
  write_rows_csv(out, {{"a", data::Type::kString}, {"b", data::Type::kString}}, rows_of(rows));
  EXPECT_EQ(out.str(), "a,b\r\n\"x,\"\"y\"\"\",'=1+1\r\n-5,ok\r\n");
}

}  // namespace
}  // namespace postern::output
