#include "cli/run_options.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <set>
#include <thread>

#include "adapt/yaml.h"
#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "check/rule_report.h"
#include "cli/terminal.h"

namespace postern::cli {

using engine::LoadedRule;
using engine::RuleFile;
using engine::RuleSet;

namespace {

Result<bool> read_placeholders(const std::string& path,
                               std::map<std::string, std::vector<std::string>>& out) {
  POSTERN_TRY(std::string text, read_text_file(path));
  Diagnostics diag;
  const Source source{path, text};
  for (const adapt::YamlNode& doc : adapt::parse_yaml(source, diag)) {
    for (const adapt::YamlNode::Entry& e : doc.entries) {
      std::vector<std::string>& values = out[e.key.text];
      if (e.value.is_scalar()) values.push_back(e.value.text);
      for (const adapt::YamlNode& item : e.value.items)
        values.push_back(item.text);
    }
  }
  if (diag.has_errors()) return Error{Code::kInvalid, render(source, diag.all().front())};
  return true;
}

Result<std::optional<int64_t>> time_flag(const Arguments& args, const char* name) {
  if (!args.has(name)) return std::optional<int64_t>();
  const std::string text = args.get(name);
  const auto t = parse_rfc3339(text);
  if (!t)
    return Error{
        Code::kInvalid,
        std::string(name) + " needs a time such as 2026-03-10T08:00:00Z, not `" + text + "`"};
  return std::optional<int64_t>(*t);
}

}  // namespace

std::optional<int> level_rank(std::string_view level) {
  static constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high",
                                                 "critical"};
  for (int i = 0; i < 5; ++i)
    if (level == kLevels[i]) return i + 1;
  return std::nullopt;
}

Result<std::string> output_format(const Arguments& args) {
  const std::string format =
      args.get("--format", stdout_is_terminal() && !args.has("--output") ? "table" : "jsonl");
  if (format == "table" || format == "jsonl" || format == "csv") return format;
  return Error{Code::kInvalid, "unknown format: " + format + "; there are table, jsonl and csv"};
}

Result<engine::RuleOptions> rule_options(const Arguments& args) {
  engine::RuleOptions o;
  o.paths = args.all("--rules");
  o.pipelines = args.all("--pipeline");
  o.builtin = !args.has("--no-builtin");
  o.strict = args.has("--strict");
  for (const std::string& s : args.all("--set")) {
    const size_t eq = s.find('=');
    if (eq == std::string::npos || eq == 0)
      return Error{Code::kInvalid,
                   "--set needs NAME=VALUE, as AN0380.TransferSizeThreshold=5MB, not `" + s + "`"};
    o.settings.emplace_back(s.substr(0, eq), s.substr(eq + 1));
  }
  for (const std::string& path : args.all("--placeholders")) {
    POSTERN_TRY(bool read, read_placeholders(path, o.placeholders));
    (void)read;
  }
  return o;
}

Result<engine::HuntOptions> hunt_options(const Arguments& args, std::vector<std::string> evidence) {
  engine::HuntOptions o;
  o.evidence = std::move(evidence);
  o.threads = std::max(1u, std::thread::hardware_concurrency());
  if (args.has("--threads")) {
    const auto n = parse_int(args.get("--threads"));
    if (!n || *n < 1 || *n > 1024)
      return Error{Code::kInvalid, "--threads needs a number from 1 to 1024"};
    o.threads = static_cast<unsigned>(*n);
  }
  if (args.has("--memory-limit")) {
    const auto bytes = parse_size(args.get("--memory-limit"));
    if (!bytes || *bytes <= 0)
      return Error{Code::kInvalid, "--memory-limit needs a size such as 500MB or 2GB, not `" +
                                       args.get("--memory-limit") + "`"};
    o.memory_limit = static_cast<uint64_t>(*bytes);
  }
  o.carve = args.has("--carve");
  o.profile = args.has("--profile");
  POSTERN_TRY(o.from, time_flag(args, "--from"));
  POSTERN_TRY(o.to, time_flag(args, "--to"));
  POSTERN_TRY(o.now, time_flag(args, "--now"));
  return o;
}

void write_load_report(const RuleSet& rules, bool verbose) {
  size_t loaded = 0;
  size_t refused = 0;
  size_t degraded = 0;
  for (const RuleFile& f : rules.files()) {
    loaded += f.num_loaded;
    refused += f.num_refused;
    const Source source{f.path, f.text};
    for (const Diagnostic& d : f.diagnostics.all()) {
      if (f.read_error)
        std::cerr << "postern: " << d.message << '\n';
      else if (verbose)
        std::cerr << render(source, d);
    }
  }
  std::map<std::string, size_t> reasons;
  for (const RuleFile& f : rules.files()) {
    std::set<std::string> codes;
    for (const Diagnostic& d : f.diagnostics.all())
      if (d.severity == Severity::kError) codes.insert(d.code);
    for (const std::string& c : codes)
      ++reasons[c];
  }
  for (const LoadedRule& r : rules.rules())
    degraded += r.report.degraded ? 1 : 0;
  std::cerr << loaded + refused << " rules: " << loaded << " loaded, " << refused << " refused";
  if (degraded > 0) std::cerr << ", " << degraded << " degraded (*)";
  std::cerr << '\n';
  if (refused > 0 && !verbose) {
    std::vector<std::pair<size_t, std::string>> sorted;
    for (const auto& [code, n] : reasons)
      sorted.emplace_back(n, code);
    std::sort(sorted.rbegin(), sorted.rend());
    std::cerr << "refused:";
    for (size_t i = 0; i < std::min<size_t>(sorted.size(), 5); ++i)
      std::cerr << (i > 0 ? "," : "") << ' ' << sorted[i].second << " (" << sorted[i].first << ")";
    std::cerr << "; `postern rules check` tells each with its place\n";
  }
  for (const LoadedRule& r : rules.rules()) {
    if (!r.report.never.empty() && (verbose || rules.rules().size() < 100))
      std::cerr << "never fires: " << r.rule.info.title << ": " << r.report.never << '\n';
    else if (r.report.degraded && (verbose || rules.rules().size() < 100))
      std::cerr << "degraded: " << r.rule.info.title << " (" << rules.files()[r.file].path << ")\n";
  }
}

void write_profile(const engine::HuntProfile& profile) {
  constexpr size_t kShown = 20;
  constexpr size_t kMaxText = 100;
  const auto shorten = [](std::string text) {
    if (text.size() <= kMaxText) return text;
    text.resize(kMaxText);
    return repair_utf8(text) + "…";
  };
  char line[128];
  std::cerr << "dearest rules: filter s, query s, kinds of rows tried, rows asked, passed\n";
  for (size_t i = 0; i < std::min(kShown, profile.rules.size()); ++i) {
    const engine::HuntProfile::Rule& r = profile.rules[i];
    std::snprintf(line, sizeof line, "%9.3f %9.3f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "  ",
                  r.filter_seconds, r.query_seconds, r.tried, r.asked, r.passed);
    std::cerr << line << shorten(r.rule->rule.info.title) << '\n';
  }
  std::cerr << "dearest columns, for all rules together: s, values, not known before\n";
  for (size_t i = 0; i < std::min(kShown, profile.columns.size()); ++i) {
    const engine::HuntProfile::Column& c = profile.columns[i];
    std::snprintf(line, sizeof line, "%9.3f %10" PRIu64 " %10" PRIu64 "  ", c.seconds, c.texts,
                  c.computed);
    std::cerr << line << c.table << ' ' << c.name << '\n';
  }
  std::cerr << "predicates that most rows touch: rows\n";
  for (size_t i = 0; i < std::min(kShown, profile.predicates.size()); ++i) {
    const engine::HuntProfile::Predicate& p = profile.predicates[i];
    std::snprintf(line, sizeof line, "%10" PRIu64 "  ", p.rows);
    std::cerr << line << p.table << ' ' << shorten(p.text) << '\n';
  }
}

void write_summary(const engine::HuntResult& result,
                   size_t num_shown,
                   double seconds,
                   bool verbose) {
  uint64_t events = 0;
  for (const auto& [table, n] : result.events)
    events += n;
  size_t unknown = 0;
  for (const engine::FileSummary& f : result.files)
    unknown += f.format.empty() ? 1 : 0;
  char time_text[32];
  std::snprintf(time_text, sizeof time_text, "%.2f", seconds);
  std::cerr << num_shown << " findings in " << events << " events, " << result.files.size()
            << " files (" << bytes_text(result.bytes) << "), " << time_text << " s"
            << (result.cancelled ? "; interrupted" : "") << '\n';
  if (result.files.empty() && !result.cancelled)
    std::cerr << "no evidence: there is no file to read\n";
  if (unknown > 0)
    std::cerr << unknown
              << " files of no known evidence format (only content rules looked at them)\n";
  if (verbose) {
    for (const engine::FileSummary& f : result.files)
      std::cerr << "  " << f.path << ": " << (f.format.empty() ? "unknown" : f.format) << ", "
                << f.events << " events\n";
    for (const auto& [table, n] : result.events)
      std::cerr << "  " << table << ": " << n << " events\n";
    std::cerr << "memory of query rules: at most " << bytes_text(result.memory.peak) << " of "
              << bytes_text(result.memory.limit) << "; of findings: at most "
              << bytes_text(result.memory.findings) << ", and "
              << bytes_text(result.memory.findings_in_file)
              << " in a temporary file; of what filters remember: "
              << bytes_text(result.memory.memos_peak) << " of " << bytes_text(result.memory.memos)
              << "\n";
    constexpr size_t kShownRules = 10;
    for (size_t i = 0; i < std::min(result.memory.rules.size(), kShownRules); ++i)
      if (const auto& [rule, bytes] = result.memory.rules[i]; bytes > 0)
        std::cerr << "  " << rule->rule.info.title << ": " << bytes_text(bytes) << '\n';
  }
  // Analytics that somebody gave are told one by one, those of the program in one line.
  size_t num_builtin = 0;
  size_t num_evaluable = 0;
  for (const engine::Coverage& c : result.coverage) {
    if (!verbose && c.rule->rule.info.path.rfind("builtin:", 0) == 0) {
      ++num_builtin;
      num_evaluable += c.state == engine::Coverage::State::kBlind ? 0 : 1;
      continue;
    }
    std::cerr << c.rule->rule.info.id << ' '
              << (c.state == engine::Coverage::State::kEvaluable ? "evaluable"
                  : c.state == engine::Coverage::State::kPartly  ? "partly evaluable"
                                                                 : "blind");
    for (size_t i = 0; i < c.missing.size(); ++i)
      std::cerr << (i == 0 ? ": missing " : ", ") << c.missing[i];
    std::cerr << '\n';
  }
  if (num_builtin > 0)
    std::cerr << num_evaluable << " of " << num_builtin
              << " built-in ATT&CK analytics have log sources here; -v tells which are missing\n";
  for (const auto& [rule, notes] : result.notes) {
    std::cerr << rule->rule.info.title << ": " << notes.rows_dropped
              << " rows dropped because a group-by field is null:";
    for (const auto& [column, n] : notes.null_key_rows)
      std::cerr << ' ' << column << " (" << n << ")";
    std::cerr << '\n';
  }
  for (const auto& [name, entry] : result.anomalies.all()) {
    std::cerr << "anomaly " << name << ": " << entry.count << ", first in " << entry.first_path
              << " at byte " << entry.first_offset;
    if (!entry.detail.empty()) std::cerr << " (" << entry.detail << ")";
    std::cerr << '\n';
  }
  for (const std::string& e : result.errors)
    std::cerr << "postern: " << e << '\n';
}

}  // namespace postern::cli
