// The same events in two formats give the same rows:
//
//   check_twins sigma    EVTX and JSON of the Sigma project's regression data
//   check_twins zeek     TSV and JSON logs of one traffic, written by Zeek
//
// Known differences, which are in the files: evtx_dump trims values and drops carriage returns, and
// its times have fewer digits; one Sigma case was edited by hand in its JSON (kEdited). Zeek writes
// a set of one empty string like an empty set in TSV, and reals with six digits.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "adapt/compress.h"
#include "input/evtx/evtx.h"
#include "input/json/json.h"
#include "input/zeek/header.h"
#include "input/zeek/zeek.h"
#include "tests/unit/input/decoded.h"

namespace postern::input {
namespace {

constexpr int kMaxShown = 40;
constexpr const char* kWindowsTables[] = {"windows.sysmon", "windows.security",
                                          "windows.powershell", "windows.event", "linux.sysmon"};
/// Case and field whose JSON was changed after it was made.
constexpr size_t kEdited = 1;

int g_shown = 0;

void show(const std::string& difference) {
  if (g_shown++ < kMaxShown) std::cout << "  " << difference << '\n';
}

/// The bytes of a file, unpacked where it is compressed.
std::string content(const std::string& path) {
  const auto file = FileBytes::open(path);
  if (!file.ok()) return "";
  if (adapt::archive_kind((*file)->view()).empty()) return std::string((*file)->view());
  std::string out;
  const auto unpacked =
      adapt::for_each_member((*file)->view(), {}, [&](const std::string&, std::string bytes) {
        out = std::move(bytes);
        return true;
      });
  return unpacked.ok() ? out : "";
}

std::string without_trimmed(std::string s) {
  s.erase(std::remove(s.begin(), s.end(), '\r'), s.end());
  while (!s.empty() && (s.back() == ' ' || s.back() == '\n' || s.back() == '\t'))
    s.pop_back();
  return s;
}

struct SigmaTally {
  size_t cases = 0;
  size_t equal_cases = 0;
  size_t fields = 0;
  size_t equal_fields = 0;
};

/// Compares the events of the JSON with those of the EVTX that have the same record number.
void sigma_case(const std::string& json_path, const std::string& evtx_path, SigmaTally& tally) {
  std::map<std::string, Columns> wanted;
  for (const char* table : kWindowsTables)
    wanted[table] = {{"EventID", kLong}};
  Decoded from_json(wanted);
  from_json.run(json::decode, content(json_path));
  Decoded from_evtx(wanted);
  from_evtx.run(evtx::decode, content(evtx_path));
  ++tally.cases;
  size_t compared = 0;
  bool equal = true;
  for (const char* table : kWindowsTables) {
    for (const auto& row : from_json.rows(table)) {
      for (const auto& other : from_evtx.rows(table)) {
        if (!other.all.count("EventRecordID") || !row.all.count("EventRecordID") ||
            other.all.at("EventRecordID") != row.all.at("EventRecordID"))
          continue;
        ++compared;
        for (const auto& [name, value] : other.all) {
          if (name == "TimeCreated") continue;
          ++tally.fields;
          const auto it = row.all.find(name);
          const bool same =
              it != row.all.end() && without_trimmed(it->second) == without_trimmed(value);
          tally.equal_fields += same ? 1 : 0;
          equal = equal && same;
          if (!same)
            show(json_path.substr(json_path.rfind('/') + 1) + " " + name + ": " + value + " | " +
                 (it == row.all.end() ? "absent" : it->second));
        }
      }
    }
  }
  if (compared == 0) show(json_path + ": no event is in both");
  tally.equal_cases += equal && compared > 0 ? 1 : 0;
}

int check_sigma(const std::string& shared) {
  const auto files = list_files(shared + "/corpora/sigma/regression_data");
  if (!files.ok()) return std::cerr << files.error().message << '\n', 77;
  SigmaTally tally;
  for (const std::string& path : *files) {
    if (!path.ends_with(".json")) continue;
    const std::string evtx = path.substr(0, path.size() - 5) + ".evtx";
    if (std::filesystem::exists(evtx)) sigma_case(path, evtx, tally);
  }
  std::cout << "sigma twins: " << tally.equal_cases << " of " << tally.cases << " cases equal, "
            << tally.equal_fields << " of " << tally.fields << " fields\n";
  return tally.cases > 0 && tally.cases - tally.equal_cases <= kEdited ? 0 : 1;
}

data::Type column_type(const zeek::Field& f) {
  if (f.is_container) return kDynamic;
  switch (f.kind) {
    case zeek::Kind::kTime:
      return kDatetime;
    case zeek::Kind::kReal:
      return kReal;
    case zeek::Kind::kInteger:
      return kLong;
    case zeek::Kind::kBool:
      return kBool;
    case zeek::Kind::kText:
      break;
  }
  return kString;
}

/// Rows in a comparable order; reals to the six digits that the TSV form keeps.
std::vector<Fields> sorted_rows(Decoded& d, const std::string& table, const Columns& columns) {
  std::vector<Fields> rows;
  for (const auto& row : d.rows(table)) {
    Fields fields = row.fields;
    for (const auto& [name, type] : columns) {
      const auto it = fields.find(name);
      // A set of one empty string is written like an empty set in TSV.
      if (it != fields.end() && it->second == "[\"\"]") it->second = "[]";
      if (type != kReal || it == fields.end()) continue;
      char text[32];
      std::snprintf(text, sizeof text, "%.6f", std::stod(it->second));
      it->second = text;
    }
    rows.push_back(std::move(fields));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

int check_zeek(const std::string& shared) {
  const std::string base = shared + "/evidence/logs/zeek-wrccdc/";
  const auto files = list_files(base + "zeek-default");
  if (!files.ok()) return std::cerr << files.error().message << '\n', 77;
  size_t logs = 0;
  size_t equal_logs = 0;
  size_t rows = 0;
  size_t equal_rows = 0;
  for (const std::string& path : *files) {
    const std::string name =
        path.substr(path.rfind('/') + 1, path.find(".log") - path.rfind('/') - 1);
    const std::string tsv = content(path);
    zeek::Header header;
    for (size_t at = 0; at < tsv.size() && tsv[at] == '#';) {
      const size_t end = std::min(tsv.find('\n', at), tsv.size());
      header.take(std::string_view(tsv).substr(at, end - at));
      at = end + 1;
    }
    Columns columns;
    for (const zeek::Field& f : header.fields)
      columns.emplace_back(f.name, column_type(f));
    const std::string table = "zeek." + name;
    Decoded from_tsv({{table, columns}});
    Decoded from_json({{table, columns}});
    from_tsv.read_back = from_json.read_back = false;
    from_tsv.run(zeek::decode, tsv);
    from_json.run(json::decode, content(base + "zeek-json/" + name + ".json.gz"));
    const auto a = sorted_rows(from_tsv, table, columns);
    const auto b = sorted_rows(from_json, table, columns);
    size_t equal = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      equal += a[i] == b[i] ? 1 : 0;
      for (const auto& [field, value] : a[i])
        if (const auto it = b[i].find(field); it == b[i].end() || it->second != value)
          show(name + " row " + std::to_string(i) + " " + field + ": " + value + " | " +
               (it == b[i].end() ? "absent" : it->second));
    }
    if (a.size() != b.size())
      show(name + ": " + std::to_string(a.size()) + " rows, JSON has " + std::to_string(b.size()));
    for (const Decoded* d : {&from_tsv, &from_json})
      for (const auto& [anomaly, entry] : d->anomalies().all())
        show(name + " " + anomaly + ": " + entry.detail);
    const bool clean = from_tsv.anomalies().all().empty() && from_json.anomalies().all().empty();
    ++logs;
    equal_logs += clean && a.size() == b.size() && equal == a.size() && !a.empty() ? 1 : 0;
    rows += std::max(a.size(), b.size());
    equal_rows += equal;
  }
  std::cout << "zeek twins: " << equal_logs << " of " << logs << " logs equal, " << equal_rows
            << " of " << rows << " rows\n";
  return logs > 0 && equal_logs == logs ? 0 : 1;
}

}  // namespace
}  // namespace postern::input

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what != "sigma" && what != "zeek") {
    std::cerr << "usage: check_twins sigma|zeek\n";
    return 2;
  }
  const std::string shared = postern::input::shared_folder();
  if (shared.empty()) return std::cerr << "skipped: no shared data\n", 77;
  return what == "sigma" ? postern::input::check_sigma(shared) : postern::input::check_zeek(shared);
}
