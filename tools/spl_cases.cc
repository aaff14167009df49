// Measures SPL against the reference cases beside the project: searches with the rows they must
// give, over rows written down or over logs, and searches that must parse.
//
//   spl_cases [FOLDER] [-v] [--least EXEC LOG PARSE]
//
// Prints `N of M` per kind, and why the others fail, most frequent reason first; with -v each of
// them. With --least the exit code is 1 when fewer agree. FOLDER is ../shared/cases unless given
// (POSTERN_SHARED names another ../shared); without it the exit code is 77.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "lang/spl/expand.h"
#include "lang/spl/parser.h"
#include "spl_run.h"

namespace postern::lang::spl {
namespace {

using adapt::JsonNode;

/// Values agree as numbers (to nine digits) or as texts; a single value agrees with a list of it.
bool agrees(const JsonNode& expected, const std::string& json) {
  if (json == "null") return expected.kind == JsonNode::Kind::kNull;
  const auto actual = adapt::parse_json(json);
  const JsonNode text_node = [&] {
    if (actual) return *actual;
    JsonNode n;
    n.kind = JsonNode::Kind::kString;
    n.text = json;
    return n;
  }();
  if (expected.is_array() || text_node.is_array()) {
    if (!expected.is_array() || !text_node.is_array() ||
        expected.items.size() != text_node.items.size())
      return false;
    for (size_t i = 0; i < expected.items.size(); ++i)
      if (expected.items[i].text != text_node.items[i].text) return false;
    return true;
  }
  const auto a = parse_real(expected.text);
  const auto b = parse_real(text_node.text);
  if (a && b) return std::fabs(*a - *b) <= 1e-9 * std::max(1.0, std::fabs(*a));
  if (expected.text == text_node.text) return true;
  // Times of the reference are RFC 3339 where ours are seconds.
  const auto t = parse_rfc3339(expected.text);
  return t && b && ticks_from_unix_text(text_node.text) == t;
}

bool row_agrees(const JsonNode& expected, const TestResult& r, size_t row) {
  std::set<std::string> named;
  for (const auto& [key, value] : expected.entries) {
    named.insert(key);
    size_t at = r.columns.size();
    for (size_t c = 0; c < r.columns.size(); ++c)
      if (r.columns[c] == key) at = c;
    if (at == r.columns.size()) {
      if (value.kind != JsonNode::Kind::kNull) return false;
    } else if (!agrees(value, r.rows[row][at])) {
      return false;
    }
  }
  // Fields of Splunk's own, which it keeps but does not show in a table.
  const auto internal = [](const std::string& name) { return name.starts_with('_'); };
  for (size_t c = 0; c < r.columns.size(); ++c)
    if (!named.count(r.columns[c]) && !internal(r.columns[c]) && r.rows[row][c] != "null")
      return false;
  return true;
}

bool rows_agree(const std::vector<JsonNode>& expected, const TestResult& r) {
  if (expected.size() != r.rows.size()) return false;
  std::vector<bool> used(r.rows.size(), false);
  for (const JsonNode& e : expected) {
    bool found = false;
    for (size_t i = 0; i < r.rows.size() && !found; ++i) {
      if (used[i] || !row_agrees(e, r, i)) continue;
      found = used[i] = true;
    }
    if (!found) return false;
  }
  return true;
}

void flatten(const JsonNode& node, const std::string& prefix, JsonNode& out) {
  for (const auto& [key, value] : node.entries) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object())
      flatten(value, name, out);
    else if (value.kind != JsonNode::Kind::kNull)
      out.entries.emplace_back(name, value);
  }
}

/// Lines of a log as events: their text, and the fields of those that are JSON.
std::vector<JsonNode> log_rows(const std::string& text) {
  std::vector<JsonNode> out;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    JsonNode row;
    row.kind = JsonNode::Kind::kObject;
    JsonNode raw;
    raw.kind = JsonNode::Kind::kString;
    raw.text = line;
    row.entries.emplace_back("_raw", raw);
    if (line[0] == '{')
      if (const auto parsed = adapt::parse_json(line)) flatten(*parsed, "", row);
    for (const char* key : {"timestamp", "@timestamp", "time", "ts"}) {
      const JsonNode* t = row.find(key);
      const auto ticks = t ? parse_rfc3339(t->text) : std::nullopt;
      if (!ticks) continue;
      JsonNode time;
      time.kind = JsonNode::Kind::kNumber;
      time.text = std::to_string((*ticks - kUnixEpochTicks) / kTicksPerSecond);
      row.entries.emplace_back("_time", time);
      break;
    }
    out.push_back(std::move(row));
  }
  return out;
}

struct Tally {
  const char* name;
  size_t total = 0;
  size_t agreed = 0;
  std::map<std::string, size_t> reasons;

  void add(const std::string& id,
           const std::string& query,
           std::string reason,
           const std::string& detail,
           bool verbose) {
    ++total;
    if (reason.empty()) {
      ++agreed;
      return;
    }
    if (verbose)
      std::printf("---- %s %s\n%s\n    %s\n", id.c_str(), reason.c_str(), query.c_str(),
                  detail.substr(0, 600).c_str());
    ++reasons[reason];
  }

  void print() const {
    std::vector<std::pair<size_t, std::string>> order;
    for (const auto& [reason, n] : reasons)
      order.emplace_back(n, reason);
    std::sort(order.rbegin(), order.rend());
    for (const auto& [n, reason] : order)
      std::printf("%6zu  %s\n", n, reason.c_str());
    std::printf("%s: %zu of %zu\n", name, agreed, total);
  }
};

/// Lookups of a case: rows, or an object with rows and the rules of matching.
void add_lookups(const JsonNode& list, TestRows& rows) {
  for (const auto& [name, value] : list.entries) {
    const JsonNode* inner = value.is_array() ? &value : value.find("rows");
    if (!inner) continue;
    std::vector<std::string> columns;
    for (const JsonNode& row : inner->items)
      for (const auto& [key, cell] : row.entries)
        if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    const auto quoted = [](const std::string& s) {
      std::string out = "\"";
      for (const char c : s)
        out += c == '"' ? std::string("\"\"") : std::string(1, c);
      return out + "\"";
    };
    std::string csv;
    for (const std::string& c : columns)
      csv += (csv.empty() ? "" : ",") + quoted(c);
    csv += "\n";
    for (const JsonNode& row : inner->items) {
      for (size_t i = 0; i < columns.size(); ++i) {
        const JsonNode* cell = row.find(columns[i]);
        csv += (i > 0 ? "," : "") + (cell ? quoted(cell->text) : std::string());
      }
      csv += "\n";
    }
    const std::string file = name.ends_with(".csv") ? name : name + ".csv";
    rows.files[file] = csv;
    if (file == name) continue;
    std::string conf = "[" + name + "]\nfilename = " + file + "\n";
    for (const auto& [key, cell] : value.entries) {
      if (cell.is_array()) continue;
      conf += key + " = " +
              (cell.kind == JsonNode::Kind::kBool ? cell.boolean ? "true" : "false" : cell.text) +
              "\n";
    }
    rows.files[name + "/transforms.conf"] = conf;
  }
}

std::string reason_of(const TestResult& r, const std::vector<JsonNode>& expected) {
  if (!r.ran) return r.problem;
  return rows_agree(expected, r) ? "" : "rows differ";
}

void parse_case(const std::string& id, const JsonNode& c, Tally& tally, bool verbose) {
  const std::string query(c.get("query"));
  Diagnostics diag;
  auto expanded = expand(
      query, {}, [](size_t at) { return static_cast<uint32_t>(at); }, diag);
  bool accepted = static_cast<bool>(expanded);
  if (accepted) accepted = static_cast<bool>(Parser(*expanded, diag).parse(Start::kImplicitSearch));
  std::string reason;
  if (accepted != (c.get("expected") == "accept")) {
    reason = accepted ? "accepted" : "refused";
    for (const Diagnostic& d : diag.all())
      if (d.severity == Severity::kError) {
        reason = d.code + ": " + d.message;
        break;
      }
  }
  tally.add(id, query, reason, "", verbose);
}

int run(const std::string& folder, bool verbose, const std::vector<size_t>& least) {
  const auto text = read_text_file(folder + "/spl.jsonl");
  if (!text) {
    std::printf("no cases: %s\n", text.error().message.c_str());
    return 77;
  }
  Tally exec{"exec", 0, 0, {}};
  Tally logs{"exec-log", 0, 0, {}};
  Tally parse{"parse", 0, 0, {}};
  for (const std::string_view line : split(*text, '\n')) {
    if (trim(line).empty()) continue;
    const auto parsed = adapt::parse_json(line);
    if (!parsed) continue;
    const std::string kind(parsed->get("kind"));
    const JsonNode* id = parsed->find("id");
    const std::string name = id ? id->text : "?";
    if (kind == "parse") {
      parse_case(name, *parsed, parse, verbose);
      continue;
    }
    const JsonNode* expected = parsed->find("expected");
    if (!expected || !expected->is_array()) continue;
    std::string query(parsed->get("spl1_query"));
    if (query.empty()) query = parsed->get("query");
    TestRows rows;
    if (kind == "exec") {
      const JsonNode* input = parsed->find("input");
      if (!input) continue;
      if (input->is_array()) rows.rows = input->items;
      if (const JsonNode* inner = input->find("rows")) rows.rows = inner->items;
      if (const JsonNode* models = input->find("datamodel"))
        for (const auto& [dataset, list] : models->entries)
          rows.datasets[dataset] = list.items;
      if (const JsonNode* lookups = input->find("lookups")) add_lookups(*lookups, rows);
      if (query.find("datamodel=Model") != std::string::npos) rows.datasets["Model"] = rows.rows;
      const std::string_view first = trim(query);
      const bool whole = first[0] == '(' || first.find("tstats") < 4;
      const TestResult r = run_spl(query, rows, whole ? RunMode::kEvents : RunMode::kGivenRows);
      exec.add(name, query, reason_of(r, expected->items), brief(r), verbose);
    } else if (kind == "exec-log") {
      const JsonNode* spl1 = parsed->find("spl1_like");
      if (spl1 && !spl1->boolean && parsed->get("spl1_query").empty()) continue;
      const std::string_view path = parsed->get("log");
      const auto log =
          read_text_file(folder + "/spl_logs/" + std::string(path.substr(path.find('/') + 1)));
      if (!log) continue;
      rows.rows = log_rows(*log);
      const TestResult r = run_spl(query, rows, RunMode::kGivenRows);
      logs.add(name, query, reason_of(r, expected->items), brief(r), verbose);
    }
  }
  const Tally* all[] = {&exec, &logs, &parse};
  bool held = true;
  for (size_t i = 0; i < 3; ++i) {
    all[i]->print();
    held = held && (i >= least.size() || all[i]->agreed >= least[i]);
  }
  if (!held) std::printf("fewer than expected\n");
  return held ? 0 : 1;
}

}  // namespace
}  // namespace postern::lang::spl

int main(int argc, char** argv) {
  const char* shared = std::getenv("POSTERN_SHARED");
  std::string folder = std::string(shared ? shared : "../shared") + "/cases";
  bool verbose = false;
  std::vector<size_t> least;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "-v") {
      verbose = true;
    } else if (a == "--least") {
      while (i + 1 < argc)
        least.push_back(static_cast<size_t>(std::atoll(argv[++i])));
    } else {
      folder = a;
    }
  }
  return postern::lang::spl::run(folder, verbose, least);
}
