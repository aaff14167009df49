// Measures the KQL front end and functions against published queries and recorded answers.
//
//   kql_cases parse  FOLDER         parse acceptance: accepted, refused by name, failed
//   kql_cases engine FILE.jsonl     queries with a real engine's answer (columns and rows)
//   kql_cases docs   FILE.jsonl     queries of the documentation with their output tables
//   kql_cases loco   FILE.jsonl     queries with expected text
//   options: -v every failure with both answers; -k TEXT only cases whose query holds TEXT;
//            -m N fail (1) when fewer are right; without the file, skip (77)
//
// Queries are self-contained (datatable, print, range). Rows compare as multisets unless the query
// sorts, reals to nine digits, dynamic values by content. Prints `N of M` and the failures by
// reason.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapt/json.h"
#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "exec/run.h"
#include "lang/kql/kql.h"
#include "plan/bind.h"

using namespace postern;

namespace {

struct Options {
  bool verbose = false;
  std::string only;
  size_t least = 0;
};

// ---- acceptance
// -----------------------------------------------------------------------------------

int parse_folder(const std::string& folder, const Options& options) {
  Result<std::vector<std::string>> files = list_files(folder);
  if (!files) {
    std::fprintf(stderr, "%s\n", files.error().message.c_str());
    return 2;
  }
  size_t accepted = 0;
  size_t refused = 0;
  size_t failed = 0;
  std::map<std::string, size_t> reasons;
  for (const std::string& path : *files) {
    if (!path.ends_with(".kql")) continue;
    const Result<std::string> text = read_text_file(path);
    if (!text) continue;
    Diagnostics diag;
    const Source source{path, *text};
    const std::vector<plan::Rule> rules = lang::kql::read(source, {}, diag);
    if (!diag.has_errors() && !rules.empty()) {
      ++accepted;
      continue;
    }
    const bool only_refused =
        std::all_of(diag.all().begin(), diag.all().end(), [](const Diagnostic& d) {
          return d.severity != Severity::kError || d.code == "kql-unsupported";
        });
    ++(only_refused ? refused : failed);
    for (const Diagnostic& d : diag.all()) {
      if (d.severity != Severity::kError) continue;
      ++reasons[d.code + ": " + d.message];
      if (options.verbose && !only_refused) std::printf("%s\n", render(source, d).c_str());
      break;
    }
  }
  std::vector<std::pair<size_t, std::string>> order;
  for (const auto& [reason, n] : reasons)
    order.emplace_back(n, reason);
  std::sort(order.rbegin(), order.rend());
  for (const auto& [n, reason] : order)
    if (n > 1 || options.verbose) std::printf("%6zu  %s\n", n, reason.c_str());
  std::printf("%zu of %zu files accepted, %zu refused by name, %zu failed\n", accepted,
              accepted + refused + failed, refused, failed);
  return accepted >= options.least ? 0 : 1;
}

// ---- execution
// ------------------------------------------------------------------------------------

struct Answer {
  plan::Schema schema;
  std::vector<std::vector<data::Value>> rows;
  bool sorted = false;
  std::string error;  // not empty: no answer, and why
};

bool ends_sorted(const plan::Op& op) {
  if (op.kind == plan::OpKind::kSort) return true;
  const bool keeps = op.kind == plan::OpKind::kFilter || op.kind == plan::OpKind::kProject ||
                     op.kind == plan::OpKind::kExtend || op.kind == plan::OpKind::kLimit;
  return keeps && !op.inputs.empty() && ends_sorted(*op.inputs[0]);
}

std::string first_error(const Source& source, const Diagnostics& diag, bool whole) {
  for (const Diagnostic& d : diag.all())
    if (d.severity == Severity::kError)
      return whole ? render(source, d) : d.code + ": " + d.message;
  return "no diagnostic";
}

Answer run(const std::string& query) {
  Answer out;
  Diagnostics diag;
  const Source source{"query", query};
  const plan::OpPtr plan = lang::kql::read_query(source, {}, diag);
  if (!plan || diag.has_errors()) {
    out.error = first_error(source, diag, false);
    return out;
  }
  static const plan::Catalog catalog;
  plan::BindContext context{catalog,
                            exec::all_functions(),
                            [](const plan::ExprPtr& e, const plan::RunContext& r) {
                              return exec::evaluate_constant(e, r);
                            },
                            true,
                            true,
                            nullptr};
  plan::Rule rule;
  rule.info.language = "kql";
  rule.vocabulary = "kql";
  rule.plan = plan;
  plan::BindReport report;
  OrFailed<plan::OpPtr> bound = plan::bind(rule, context, diag, report);
  if (!bound || diag.has_errors()) {
    out.error = first_error(source, diag, false);
    return out;
  }
  plan::RunContext run_context;
  run_context.now_ticks = wall_clock_ticks();
  Result<std::vector<std::vector<data::Value>>> rows = exec::run_values(*bound, run_context);
  if (!rows) {
    out.error = "run: " + rows.error().message;
    return out;
  }
  out.schema = (*bound)->schema;
  out.rows = *std::move(rows);
  out.sorted = ends_sorted(**bound);
  return out;
}

/// A dynamic value as JSON with sorted keys, so that equal bags have equal text.
std::string canonical(data::Dynamic d) {
  if (d.is_array()) {
    std::string s = "[";
    for (uint32_t i = 0; i < d.size(); ++i)
      s += (i > 0 ? "," : "") + canonical(d.at(i));
    return s + "]";
  }
  if (d.is_object()) {
    std::map<std::string, std::string> entries;
    for (uint32_t i = 0; i < d.size(); ++i)
      entries[std::string(d.key_at(i))] = canonical(d.at(i));
    std::string s = "{";
    for (const auto& [k, v] : entries)
      s += (s.size() > 1 ? "," : "") + data::json_string(k) + ":" + v;
    return s + "}";
  }
  if (d.kind() == data::Dynamic::Kind::kReal && std::isfinite(d.as_real())) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.9g", d.as_real());
    return buffer;
  }
  if (d.kind() == data::Dynamic::Kind::kLong) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%.9g", static_cast<double>(d.as_long()));
    return buffer;
  }
  if (d.kind() == data::Dynamic::Kind::kDatetime)
    return data::json_string(format_datetime_kusto(d.as_long()));
  return d.json();
}

std::string real_cell(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "Infinity" : "-Infinity";
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.9g", v == 0 ? 0.0 : v);
  return buffer;
}

/// A cell in the form that expected cells are brought to as well.
std::string cell_text(const data::Value& v, data::Type type) {
  if (type == data::Type::kString) return v.is_null() ? "" : v.as_bytes();
  if (v.is_null() || (type == data::Type::kDynamic && data::Dynamic(v.as_bytes()).is_null()))
    return "null";
  switch (type) {
    case data::Type::kBool:
      return v.as_bool() ? "True" : "False";
    case data::Type::kReal:
      return real_cell(v.as_real());
    case data::Type::kDatetime:
      return format_datetime_kusto(v.as_int());
    case data::Type::kTimespan:
      return format_timespan(v.as_int());
    case data::Type::kDynamic:
      return canonical(data::Dynamic(v.as_bytes()));
    default:
      return v.text();
  }
}

/// An expected cell, by its column's type, in the same form.
std::string expected_cell(std::string_view raw, data::Type type) {
  std::string s(trim(raw));
  switch (type) {
    case data::Type::kString:
      return std::string(raw);
    case data::Type::kReal:
      if (const auto v = parse_real(s)) return real_cell(*v);
      return s == "∞" ? "Infinity" : s == "-∞" ? "-Infinity" : s;
    case data::Type::kDynamic:
      if (const auto d = data::dynamic_from_json(s)) return canonical(data::Dynamic(*d));
      return s;
    case data::Type::kBool:
      return s == "true" || s == "1" ? "True" : s == "false" || s == "0" ? "False" : s;
    case data::Type::kDatetime:
      if (const auto t = parse_rfc3339(s)) return format_datetime_kusto(*t);
      return s;
    case data::Type::kTimespan:
      if (const auto t = parse_timespan(s)) return format_timespan(*t);
      return s;
    default:
      return s;
  }
}

using Table = std::vector<std::vector<std::string>>;

std::string table_text(const Table& t) {
  std::string out;
  for (const std::vector<std::string>& row : t) {
    out += "    (";
    for (size_t i = 0; i < row.size(); ++i)
      out += (i > 0 ? ", " : "") + row[i];
    out += ")\n";
  }
  return out;
}

Table answer_table(const Answer& a) {
  Table out;
  for (const std::vector<data::Value>& row : a.rows) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < row.size(); ++i)
      cells.push_back(cell_text(row[i], a.schema[i].type));
    out.push_back(std::move(cells));
  }
  return out;
}

/// `(1, 'a', [2, 3])` of the recorded answers, one text per cell; strings without their quotes.
std::vector<std::string> split_tuple(std::string_view s) {
  std::vector<std::string> out;
  s = trim(s);
  if (s.starts_with('(') && s.ends_with(')')) s = s.substr(1, s.size() - 2);
  std::string cell;
  int open = 0;
  bool quoted = false;   // inside a JSON string
  bool literal = false;  // inside '…' at top level
  for (size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (literal) {
      // A quote ends the cell only where a comma or the end follows.
      if (c == '\'' && (i + 1 == s.size() || s.substr(i + 1, 2) == ", ")) literal = false;
      cell.push_back(c);
    } else if (quoted) {
      if (c == '\\' && i + 1 < s.size())
        cell.push_back(s[i++]);
      else if (c == '"')
        quoted = false;
      cell.push_back(s[i]);
    } else if (c == '\'' && open == 0 && trim(cell).empty()) {
      literal = true;
      cell.push_back(c);
    } else if (c == '"') {
      quoted = true;
      cell.push_back(c);
    } else if (c == ',' && open == 0) {
      out.push_back(cell);
      cell.clear();
    } else {
      if (c == '[' || c == '{') ++open;
      if (c == ']' || c == '}') --open;
      cell.push_back(c);
    }
  }
  out.push_back(cell);
  for (std::string& x : out) {
    const std::string_view t = trim(x);
    if (t.size() >= 2 && t.front() == '\'' && t.back() == '\'')
      x = std::string(t.substr(1, t.size() - 2));
    else
      x = std::string(t);
  }
  return out;
}

/// Why an answer differs, or "".
std::string compare(const Answer& a,
                    const std::vector<std::pair<std::string, std::string>>& columns,
                    const Table& rows,
                    bool complete,
                    std::string& detail) {
  if (!a.error.empty()) return a.error;
  if (a.schema.size() != columns.size()) {
    for (const auto& c : a.schema)
      detail += " " + c.name;
    return "columns differ in number";
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (a.schema[i].name != columns[i].first) {
      detail = a.schema[i].name + " instead of " + columns[i].first;
      return "column name differs";
    }
    const std::string type = columns[i].second == "guid" ? "string" : columns[i].second;
    if (!type.empty() && data::type_name(a.schema[i].type) != type) {
      detail = columns[i].first + ": " + std::string(data::type_name(a.schema[i].type)) +
               " instead of " + type;
      return "column type differs";
    }
  }
  Table got = answer_table(a);
  Table want = rows;
  for (std::vector<std::string>& row : want)
    for (size_t i = 0; i < row.size() && i < a.schema.size(); ++i)
      row[i] = expected_cell(row[i], a.schema[i].type);
  if (!a.sorted) {
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
  }
  bool equal = complete ? got == want : got.size() >= want.size();
  if (!complete && a.sorted && equal) equal = std::equal(want.begin(), want.end(), got.begin());
  if (equal) return "";
  detail = "  got\n" + table_text(got) + "  want\n" + table_text(want);
  return "rows differ";
}

class Score {
 public:
  explicit Score(const Options& options) : options_(options) {}

  void add(const std::string& query, const std::string& reason, const std::string& detail) {
    ++total_;
    if (reason.empty()) {
      ++right_;
      return;
    }
    ++reasons_[reason];
    if (options_.verbose)
      std::printf("---- %s\n%s\n%s\n", reason.c_str(), query.c_str(), detail.c_str());
  }

  int print(const char* name) const {
    std::vector<std::pair<size_t, std::string>> order;
    for (const auto& [reason, n] : reasons_)
      order.emplace_back(n, reason);
    std::sort(order.rbegin(), order.rend());
    for (const auto& [n, reason] : order)
      std::printf("%6zu  %s\n", n, reason.c_str());
    std::printf("%s: %zu of %zu\n", name, right_, total_);
    if (right_ >= options_.least) return 0;
    std::printf("%zu were right before\n", options_.least);
    return 1;
  }

 private:
  const Options& options_;
  size_t right_ = 0;
  size_t total_ = 0;
  std::map<std::string, size_t> reasons_;
};

std::vector<adapt::JsonNode> read_lines(const std::string& path, const Options& options) {
  std::vector<adapt::JsonNode> out;
  const Result<std::string> text = read_text_file(path);
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().message.c_str());
    return out;
  }
  for (const std::string_view line : split(*text, '\n')) {
    Result<adapt::JsonNode> node = adapt::parse_json(line);
    if (node &&
        (options.only.empty() || node->get("query").find(options.only) != std::string_view::npos))
      out.push_back(*std::move(node));
  }
  return out;
}

bool is_true(const adapt::JsonNode& c, std::string_view key) {
  const adapt::JsonNode* n = c.find(key);
  return n && n->boolean;
}

int engine(const std::string& path, const Options& options) {
  Score score(options);
  for (const adapt::JsonNode& c : read_lines(path, options)) {
    const std::string query(c.get("query"));
    const Answer answer = run(query);
    std::string detail;
    if (const adapt::JsonNode* e = c.find("error"); e && e->is_string()) {
      score.add(query, answer.error.empty() ? "accepted, but the engine refuses" : "", "");
      continue;
    }
    std::vector<std::pair<std::string, std::string>> columns;
    if (const adapt::JsonNode* list = c.find("columns"))
      for (const adapt::JsonNode& column : list->items) {
        columns.emplace_back(std::string(column.get("name")), std::string(column.get("kql_type")));
      }
    Table rows;
    if (const adapt::JsonNode* list = c.find("sample_rows"))
      for (const adapt::JsonNode& row : list->items)
        rows.push_back(split_tuple(row.text));
    const std::string reason = compare(answer, columns, rows, is_true(c, "complete"), detail);
    score.add(query, reason, detail);
  }
  return score.print("engine");
}

int docs(const std::string& path, const Options& options) {
  Score score(options);
  for (const adapt::JsonNode& c : read_lines(path, options)) {
    if (!is_true(c, "ideal")) continue;
    const std::string query(c.get("query"));
    const Answer answer = run(query);
    std::vector<std::pair<std::string, std::string>> columns;
    for (const adapt::JsonNode& column : c.find("columns")->items)
      columns.emplace_back(column.text, "");
    Table rows;
    for (const adapt::JsonNode& row : c.find("rows")->items) {
      rows.emplace_back();
      for (const adapt::JsonNode& cell : row.items)
        rows.back().push_back(cell.text);
    }
    std::string detail;
    const std::string reason = compare(answer, columns, rows, true, detail);
    score.add(query, reason, detail);
  }
  return score.print("docs");
}

int loco(const std::string& path, const Options& options) {
  Score score(options);
  for (const adapt::JsonNode& c : read_lines(path, options)) {
    if (is_true(c, "skipped") || c.get("mode") != "last_line") continue;
    const std::string query(c.get("query"));
    const Answer answer = run(query);
    std::string got;
    if (!answer.rows.empty()) {
      const Table table = answer_table(answer);
      for (size_t i = 0; i < table.back().size(); ++i)
        got += (i > 0 ? "," : "") + table.back()[i];
    }
    const std::string want(c.get("expected"));
    const bool equal =
        c.get("op") == "contains" ? got.find(want) != std::string::npos : fold(got) == fold(want);
    score.add(query,
              !answer.error.empty() ? answer.error
              : equal               ? ""
                                    : "text differs",
              "  got  " + got + "\n  want " + want);
  }
  return score.print("loco");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view a = argv[i];
    if (a == "-v")
      options.verbose = true;
    else if (a == "-k" && i + 1 < argc)
      options.only = argv[++i];
    else if (a == "-m" && i + 1 < argc)
      options.least = static_cast<size_t>(parse_int(argv[++i]).value_or(0));
    else
      words.emplace_back(a);
  }
  if (words.size() == 2 && options.least > 0 && !std::filesystem::exists(words[1])) {
    std::printf("%s is not there: skipped\n", words[1].c_str());
    return 77;
  }
  if (words.size() == 2 && words[0] == "parse") return parse_folder(words[1], options);
  if (words.size() == 2 && words[0] == "engine") return engine(words[1], options);
  if (words.size() == 2 && words[0] == "docs") return docs(words[1], options);
  if (words.size() == 2 && words[0] == "loco") return loco(words[1], options);
  std::fprintf(stderr,
               "usage: kql_cases parse FOLDER | engine FILE | docs FILE | loco FILE [-v] [-k TEXT] "
               "[-m N]\n");
  return 2;
}
