// Compares the EVTX decoder with an independent decoding of the same files, record by record.
//
//   check_evtx [folder with EVTX-ATTACK-SAMPLES/ and EVTX-ATTACK-SAMPLES.decoded.jsonl.zst]
//   check_evtx --speed <folder or file> [rounds]
//
// The reference is flat JSON with names of its own; reference_column() is the name map. Each record
// is compared twice: as a row of a batch (all columns asked for) and as its RecordReader gives it.
// Prints "N of M records equal" for both and the first differences; exit status 1 when there are
// any, 77 when there is no reference.
// --speed decodes files from memory and prints MB of live chunks per second: all fields, forty
// columns, and tables that nobody reads.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "adapt/compress.h"
#include "adapt/json.h"
#include "base/file.h"
#include "data/dynamic.h"
#include "input/evtx/chunk.h"
#include "input/evtx/evtx.h"
#include "input/windows_event.h"

namespace {

using namespace postern;
using Fields = std::map<std::string, std::string>;

constexpr std::string_view kJsonName = "EVTX-ATTACK-SAMPLES.decoded.jsonl.zst";
constexpr int kMaxShown = 40;
constexpr int kSkipped = 77;  // what CTest takes as "not run"

// Name map: reference key -> column. "" means that the key has no column.
std::string reference_column(const std::string& key) {
  static const std::map<std::string, std::string> kNames = {
      {"SystemTime", "TimeCreated"},
      {"ExecProcessID", "Execution_ProcessID"},
      {"UserID", "Security_UserID"},
      {"Correlation", ""},  // text of an element that has attributes only
      {"_file", ""}};
  if (const auto at = kNames.find(key); at != kNames.end()) return at->second;
  if (key.starts_with("Data") && key.find_first_not_of("0123456789", 4) == std::string::npos &&
      key.size() > 4)
    return "Data";
  std::string column;
  for (const char c : key)
    if (c != ' ') column.push_back(c);
  return column;
}

std::string upper(std::string s) {
  for (char& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return s;
}

/// Reference values by column. Nameless Data is one list in ours: its elements joined by commas, as
/// the reference joins the values of an array. Windows writes an empty element for an empty value
/// of an array (and so do we), the reference leaves it out: empty elements are not compared.
Fields reference_fields(const adapt::JsonNode& record) {
  Fields raw;
  Fields out;
  std::map<int, std::string> data;
  for (const auto& [key, value] : record.entries)
    if (value.kind != adapt::JsonNode::Kind::kNull) raw[key] = value.text;
  for (const auto& [key, value] : raw) {
    const std::string column = reference_column(key);
    if (column == "Data")
      data[std::atoi(key.c_str() + 4)] = value;
    else if (!column.empty())
      out[column] = column == "Binary" ? upper(value) : value;
  }
  for (const auto& [index, value] : data) {
    std::string& joined = out["Data"];
    if (!joined.empty() && !value.empty()) joined.push_back(',');
    joined.append(value);
  }
  return out;
}

std::string field_text(const data::Value& v) {
  if (v.type() != data::Type::kDynamic) return v.text();
  const data::Dynamic d(v.as_bytes());
  if (!d.is_array()) return d.text();
  std::string joined;
  for (uint32_t i = 0; i < d.size(); ++i) {
    const std::string text = d.at(i).text();
    if (!joined.empty() && !text.empty()) joined.push_back(',');
    joined.append(text);
  }
  return joined;
}

struct Collector : data::FieldVisitor {
  Fields fields;

  void field(std::string_view name, const data::Value& value) override {
    fields[std::string(name)] = field_text(value);
  }
};

struct Record {
  uint64_t offset = 0;
  std::string table;
  Fields row;
  Fields read;
};

/// Keeps every row as text.
struct RecordSink : data::BatchSink {
  std::vector<Record> records;

  bool push(data::Batch&& batch) override {
    for (uint32_t row = 0; row < batch.num_rows; ++row) {
      Record r;
      r.offset = batch.positions[row].offset;
      r.table = batch.table;
      for (size_t c = 0; c < batch.columns.size(); ++c) {
        const std::string& name = batch.layout->fields()[c].name;
        if (batch.columns[c].valid(row)) r.row[name] = field_text(batch.columns[c].value(row));
      }
      Collector all;
      batch.records->read(row, all);
      r.read = std::move(all.fields);
      records.push_back(std::move(r));
    }
    return true;
  }

  void skipped(std::string_view, uint64_t) override {}
};

struct CountSink : data::BatchSink {
  uint64_t rows = 0;
  uint64_t skipped_events = 0;

  bool push(data::Batch&& batch) override {
    rows += batch.num_rows;
    return true;
  }

  void skipped(std::string_view, uint64_t n) override { skipped_events += n; }
};

struct Names {
  std::map<std::string, std::set<std::string>> by_table;
};

data::Layouts layouts_of(const Names& names) {
  data::Layouts layouts;
  for (size_t i = 0; i < input::kNumWindowsTables; ++i) {
    const std::string table(input::windows_table_name(static_cast<input::WindowsTable>(i)));
    data::Layout layout(table);
    for (const char* name :
         {"EventID", "Level", "Task", "Opcode", "Version", "Execution_ProcessID"})
      layout.add(name, data::Type::kInt);
    layout.add("EventRecordID", data::Type::kLong);
    layout.add("Data", data::Type::kDynamic);
    if (const auto at = names.by_table.find(table); at != names.by_table.end())
      for (const std::string& name : at->second)
        layout.add(name, data::Type::kString);
    layouts.emplace(table, std::move(layout));
  }
  return layouts;
}

std::vector<Record> decode_file(const std::string& path,
                                const data::Layouts& layouts,
                                data::Anomalies& anomalies) {
  RecordSink sink;
  auto file = FileBytes::open(path);
  if (!file.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), file.error().message.c_str());
    return {};
  }
  const input::Input in{path, (*file)->view(), *file};
  input::DecodeContext context{layouts, sink, anomalies};
  input::evtx::decode(in, context);
  std::sort(sink.records.begin(), sink.records.end(),
            [](const Record& a, const Record& b) { return a.offset < b.offset; });
  return std::move(sink.records);
}

int g_shown = 0;

bool compare(const std::string& place,
             const char* what,
             const Fields& reference,
             const Fields& ours) {
  bool equal = true;
  const auto say = [&](const std::string& key, const std::string& a, const std::string& b) {
    equal = false;
    if (g_shown++ < kMaxShown)
      std::printf("%s (%s): %s\n  reference: %.200s\n  ours:      %.200s\n", place.c_str(), what,
                  key.c_str(), a.c_str(), b.c_str());
  };
  for (const auto& [key, value] : reference) {
    // The reference has one namespace, in which EventData/Version hides System/Version.
    auto at = ours.find("EventData_" + key);
    if (at == ours.end()) at = ours.find(key);
    // A number column is null where the event has an empty element.
    if (at == ours.end() ? !value.empty() : at->second != value)
      say(key, value, at == ours.end() ? "(absent)" : at->second);
  }
  static const std::set<std::string> kNotInReference = {"Provider_Guid",
                                                        "Provider_EventSourceName",
                                                        "EventID_Qualifiers",
                                                        "Correlation_ActivityID",
                                                        "Correlation_RelatedActivityID",
                                                        "Execution_ThreadID",
                                                        "Execution_ProcessID",
                                                        "UserID",
                                                        "Version"};
  // Nor is ProcessingErrorData, which the service writes when a provider's values are malformed.
  static const std::set<std::string> kProcessingError = {"ErrorCode", "DataItemName",
                                                         "EventPayload"};
  const bool has_error = ours.count("EventPayload") && !reference.count("EventPayload");
  for (const auto& [key, value] : ours) {
    const bool is_renamed = key.starts_with("EventData_") && reference.count(key.substr(10));
    if (!reference.count(key) && !kNotInReference.count(key) && !is_renamed &&
        !(has_error && kProcessingError.count(key)))
      say(key, "(absent)", value);
  }
  return equal;
}

int check(const std::string& folder) {
  auto json = FileBytes::open(folder + "/" + std::string(kJsonName));
  if (!json.ok()) {
    std::fprintf(stderr, "skipped, no reference data: %s\n", json.error().message.c_str());
    return kSkipped;
  }
  std::map<std::string, std::vector<Fields>> reference;
  Names names;
  uint64_t total = 0;
  const auto unpacked =
      adapt::for_each_member((*json)->view(), {}, [&](const std::string&, const std::string& text) {
        for (size_t at = 0; at < text.size();) {
          const size_t end = std::min(text.find('\n', at), text.size());
          const auto node = adapt::parse_json(std::string_view(text).substr(at, end - at));
          if (node.ok()) {
            reference[std::string((*node).get("_file"))].push_back(reference_fields(*node));
            ++total;
          }
          at = end + 1;
        }
        return true;
      });
  if (!unpacked.ok()) return std::fprintf(stderr, "%s\n", unpacked.error().message.c_str()), 2;

  // Names first: all that the readers give, so that every field becomes a column.
  const auto files = list_files(folder + "/EVTX-ATTACK-SAMPLES");
  if (!files.ok()) return std::fprintf(stderr, "%s\n", files.error().message.c_str()), 2;
  data::Anomalies ignored;
  for (const std::string& path : *files)
    for (const Record& r : decode_file(path, layouts_of({}), ignored))
      for (const auto& [name, value] : r.read)
        names.by_table[r.table].insert(name);

  const data::Layouts layouts = layouts_of(names);
  data::Anomalies anomalies;
  uint64_t equal_rows = 0;
  uint64_t equal_reads = 0;
  uint64_t decoded = 0;
  for (const std::string& path : *files) {
    if (!path.ends_with(".evtx")) continue;
    const std::string key = path.substr(folder.size() + 1);
    const std::vector<Fields>& expected = reference[key];
    const std::vector<Record> records = decode_file(path, layouts, anomalies);
    decoded += records.size();
    if (records.size() != expected.size())
      std::printf("%s: %zu records, reference has %zu\n", key.c_str(), records.size(),
                  expected.size());
    for (size_t i = 0; i < std::min(records.size(), expected.size()); ++i) {
      const std::string place = key + " #" + expected[i].at("EventRecordID");
      equal_rows += compare(place, "row", expected[i], records[i].row);
      equal_reads += compare(place, "reader", expected[i], records[i].read);
    }
  }
  for (const auto& [name, entry] : anomalies.all())
    std::printf("anomaly %s: %llu, first %s at %llu: %s\n", name.c_str(),
                static_cast<unsigned long long>(entry.count), entry.first_path.c_str(),
                static_cast<unsigned long long>(entry.first_offset), entry.detail.c_str());
  std::printf("%llu of %llu records equal as rows, %llu as read again (%llu decoded)\n",
              static_cast<unsigned long long>(equal_rows), static_cast<unsigned long long>(total),
              static_cast<unsigned long long>(equal_reads),
              static_cast<unsigned long long>(decoded));
  return equal_rows == total && equal_reads == total && decoded == total ? 0 : 1;
}

uint64_t live_bytes(std::string_view file) {
  uint64_t n = 0;
  for (size_t at = input::evtx::first_chunk(file); at < file.size(); at += input::evtx::kChunkBytes)
    if (!input::evtx::is_unused(file.substr(at)))
      n += std::min(input::evtx::kChunkBytes, file.size() - at);
  return n;
}

void measure(const char* what,
             const std::vector<input::Input>& inputs,
             const data::Layouts& layouts,
             uint64_t live,
             int rounds) {
  double best = 1e9;
  CountSink sink;
  for (int r = 0; r < rounds; ++r) {
    sink = {};
    // Time of this process: the machine may be busy with other work.
    const std::clock_t start = std::clock();
    for (const input::Input& in : inputs) {
      data::Anomalies anomalies;
      input::DecodeContext context{layouts, sink, anomalies};
      input::evtx::decode(in, context);
    }
    const auto took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = std::min(best, took);
  }
  const auto events = static_cast<double>(sink.rows + sink.skipped_events);
  std::printf("%-22s %7.0f MB/s  %8.0f events/s  (%llu rows, %llu skipped)\n", what,
              static_cast<double>(live) / 1e6 / best, events / best,
              static_cast<unsigned long long>(sink.rows),
              static_cast<unsigned long long>(sink.skipped_events));
}

int speed(const std::string& folder, int rounds) {
  const auto files = list_files(folder);
  if (!files.ok()) return std::fprintf(stderr, "%s\n", files.error().message.c_str()), 2;
  std::vector<input::Input> inputs;
  Names names;
  uint64_t live = 0;
  data::Anomalies ignored;
  for (const std::string& path : *files) {
    auto file = FileBytes::open(path);
    if (!file.ok() || !input::evtx::detect((*file)->view())) continue;
    inputs.push_back({path, (*file)->view(), *file});
    live += live_bytes((*file)->view());
    for (const Record& r : decode_file(path, layouts_of({}), ignored))
      for (const auto& [name, value] : r.read)
        names.by_table[r.table].insert(name);
  }
  std::printf("%zu files, %.1f MB of live chunks\n", inputs.size(),
              static_cast<double>(live) / 1e6);
  measure("all fields", inputs, layouts_of(names), live, rounds);
  data::Layouts everything;
  for (const auto& [table, layout] : layouts_of(names)) {
    data::Layout more = layout;
    more.add("_values", data::Type::kDynamic);
    more.add("_raw", data::Type::kString);
    everything.emplace(table, std::move(more));
  }
  measure("with _values, _raw", inputs, everything, live, rounds);

  // What a large set of Sigma rules reads of Sysmon and Security events.
  data::Layouts forty;
  for (const char* table :
       {"windows.sysmon", "windows.security", "windows.powershell", "windows.event"}) {
    data::Layout layout(table);
    layout.add("EventID", data::Type::kInt);
    for (const char* name : {"Channel",
                             "Provider_Name",
                             "Computer",
                             "Image",
                             "CommandLine",
                             "ParentImage",
                             "ParentCommandLine",
                             "OriginalFileName",
                             "CurrentDirectory",
                             "User",
                             "IntegrityLevel",
                             "Hashes",
                             "Description",
                             "Product",
                             "Company",
                             "TargetFilename",
                             "TargetObject",
                             "Details",
                             "ImageLoaded",
                             "Signed",
                             "Signature",
                             "SourceImage",
                             "TargetImage",
                             "GrantedAccess",
                             "CallTrace",
                             "PipeName",
                             "QueryName",
                             "DestinationIp",
                             "DestinationPort",
                             "DestinationHostname",
                             "Initiated",
                             "SubjectUserName",
                             "TargetUserName",
                             "LogonType",
                             "IpAddress",
                             "ShareName",
                             "RelativeTargetName",
                             "ObjectName",
                             "ScriptBlockText"})
      layout.add(name, data::Type::kString);
    forty.emplace(table, std::move(layout));
  }
  measure("40 columns", inputs, forty, live, rounds);
  measure("nothing read", inputs, {}, live, rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::strcmp(argv[1], "--speed") == 0)
    return speed(argv[2], argc > 3 ? std::atoi(argv[3]) : 5);
  const char* shared = std::getenv("POSTERN_SHARED");
  return check(argc > 1 ? argv[1] : std::string(shared ? shared : "../shared") + "/evidence/evtx");
}
