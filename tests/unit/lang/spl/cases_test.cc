// Searches with the rows they must give, from the shared reference cases: how many agree.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "spl_run.h"

namespace postern::lang::spl {
namespace {

using adapt::JsonNode;

std::string shared_folder() {
  const char* set = std::getenv("POSTERN_SHARED");
  return set ? set : "../shared";
}

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
  for (size_t c = 0; c < r.columns.size(); ++c)
    if (!named.count(r.columns[c]) && r.rows[row][c] != "null") return false;
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
  size_t total = 0;
  size_t agreed = 0;
  size_t refused = 0;
  std::vector<std::string> wrong;
};

void judge(const std::string& id,
           const std::string& query,
           const std::vector<JsonNode>& expected,
           const TestResult& r,
           Tally& tally) {
  ++tally.total;
  if (!r.ran &&
      (r.problem.starts_with("spl-unsupported") || r.problem.starts_with("spl-unknown-command"))) {
    ++tally.refused;
    if (std::getenv("SPL_CASES_REFUSED"))
      std::cout << id << " refused: " << r.problem << "\n    " << query << "\n";
  } else if (r.ran && rows_agree(expected, r)) {
    ++tally.agreed;
  } else {
    tally.wrong.push_back(id + ": " + query + "\n    gives " + brief(r).substr(0, 600));
  }
}

TEST(Cases, ExecCasesGiveTheExpectedRows) {
  const auto text = read_text_file(shared_folder() + "/cases/spl.jsonl");
  if (!text) GTEST_SKIP() << "no cases under " << shared_folder();
  Tally exec;
  Tally logs;
  for (const std::string_view line : split(*text, '\n')) {
    if (trim(line).empty()) continue;
    const auto parsed = adapt::parse_json(line);
    ASSERT_TRUE(parsed.ok());
    const std::string kind(parsed->get("kind"));
    const JsonNode* expected = parsed->find("expected");
    if (!expected || !expected->is_array()) continue;
    const JsonNode* id = parsed->find("id");
    const std::string name = id ? id->text : "?";
    std::string query(parsed->get("spl1_query"));
    if (query.empty()) query = parsed->get("query");
    TestRows rows;
    if (kind == "exec") {
      const JsonNode* input = parsed->find("input");
      ASSERT_NE(input, nullptr);
      if (input->is_array()) rows.rows = input->items;
      if (const JsonNode* inner = input->find("rows")) rows.rows = inner->items;
      if (const JsonNode* models = input->find("datamodel"))
        for (const auto& [dataset, list] : models->entries)
          rows.datasets[dataset] = list.items;
      if (query.find("datamodel=Model") != std::string::npos) rows.datasets["Model"] = rows.rows;
      const std::string_view first = trim(query);
      const bool whole = first[0] == '(' || first.find("tstats") < 4;
      judge(name, query, expected->items,
            run_spl(query, rows, whole ? RunMode::kEvents : RunMode::kGivenRows), exec);
    } else if (kind == "exec-log") {
      const JsonNode* spl1 = parsed->find("spl1_like");
      if (spl1 && !spl1->boolean && parsed->get("spl1_query").empty()) continue;
      const std::string_view path = parsed->get("log");
      const auto log = read_text_file(shared_folder() + "/cases/spl_logs/" +
                                      std::string(path.substr(path.find('/') + 1)));
      if (!log) continue;
      rows.rows = log_rows(*log);
      judge(name, query, expected->items, run_spl(query, rows, RunMode::kGivenRows), logs);
    }
  }
  for (const auto& [what, t] :
       {std::pair<const char*, const Tally*>{"exec", &exec}, {"exec-log", &logs}}) {
    std::cout << what << ": " << t->agreed << " of " << t->total << " agree, " << t->refused
              << " refused, " << t->wrong.size() << " differ\n";
    for (const std::string& w : t->wrong)
      std::cout << "  " << w << "\n";
  }
  EXPECT_TRUE(exec.wrong.empty());
}

}  // namespace
}  // namespace postern::lang::spl
