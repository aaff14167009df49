// `postern hunt` and `postern query`.
#include <fstream>
#include <iostream>

#include "base/file.h"
#include "base/time.h"
#include "cli/live_feeds.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "output/finding_output.h"

namespace postern::cli {

using engine::Finding;

namespace {

double seconds_since(int64_t start) {
  return static_cast<double>(wall_clock_ticks() - start) / static_cast<double>(kTicksPerSecond);
}

bool any_read_error(const engine::RuleSet& rules) {
  for (const engine::RuleFile& f : rules.files())
    if (f.read_error) return true;
  return false;
}

int write_findings(const std::vector<Finding>& findings,
                   const std::string& format,
                   std::ostream& out) {
  if (format == "table")
    output::write_table(out, findings, table_style());
  else if (format == "csv")
    output::write_csv(out, findings);
  else
    for (const Finding& f : findings)
      out << output::finding_json(f) << '\n';
  out.flush();
  return out ? kExitOk : kExitUsage;
}

}  // namespace

int hunt_verb(const Arguments& args) {
  if (args.positional.empty() && !args.has("--interface"))
    return usage_error("hunt needs evidence: files or folders; see `postern hunt --help`");
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  for (const char* flag : {"--min-level", "--fail-on"})
    if (args.has(flag) && !level_rank(args.get(flag)))
      return usage_error(std::string(flag) +
                         " needs one of informational, low, medium, high, critical");
  Result<engine::RuleOptions> rule_opts = rule_options(args);
  if (!rule_opts) return usage_error(rule_opts.error().message);
  Result<engine::HuntOptions> options = hunt_options(args, args.positional);
  if (!options) return usage_error(options.error().message);
  Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  LiveFeeds live;
  if (const Result<bool> opened = live.open(args, *options); !opened)
    return usage_error(opened.error().message);

  const int64_t start = wall_clock_ticks();
  const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(*setup, *rule_opts);
  const bool quiet = args.has("--quiet");
  const bool verbose = args.has("--verbose");
  if (!quiet || any_read_error(*rules)) write_load_report(*rules, verbose);
  engine::Progress progress;
  engine::HuntResult result;
  {
    const ProgressLine line(progress, !quiet && !args.has("--no-progress"));
    // Ctrl-C ends a capture, and then there is a result like any other.
    const std::atomic<bool> never{false};
    result = engine::hunt(*rules, *options, progress, live.any() ? never : interrupted());
  }
  if (const auto least = level_rank(args.get("--min-level")); least)
    std::erase_if(result.findings,
                  [&](const Finding& f) { return level_rank(f.rule->level).value_or(0) < *least; });

  int exit = kExitOk;
  if (args.has("--output")) {
    std::ofstream file(args.get("--output"), std::ios::binary);
    if (!file) return usage_error("cannot write " + args.get("--output"));
    exit = write_findings(result.findings, *format, file);
  } else {
    exit = write_findings(result.findings, *format, std::cout);
  }
  if (result.profile) write_profile(*result.profile);
  if (!quiet)
    write_summary(result, result.findings.size(), seconds_since(start), verbose);
  else
    for (const std::string& e : result.errors)
      std::cerr << "postern: " << e << '\n';
  if (result.cancelled) return kExitInterrupted;
  if (!result.errors.empty() || any_read_error(*rules)) return kExitUsage;
  if (const auto least = level_rank(args.get("--fail-on")); least)
    for (const Finding& f : result.findings)
      if (level_rank(f.rule->level).value_or(0) >= *least) return kExitFindings;
  return exit;
}

int query_verb(const Arguments& args) {
  const std::string language = args.get("--language");
  if (language != "kql" && language != "spl") return usage_error("query needs -l kql or -l spl");
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  std::vector<std::string> evidence = args.positional;
  engine::RuleText query{"query", "", language};
  if (args.has("--file")) {
    Result<std::string> text = read_text_file(args.get("--file"));
    if (!text) return usage_error(text.error().message);
    query.name = args.get("--file");
    query.text = *text;
  } else {
    if (evidence.empty())
      return usage_error("query needs a text: postern query -l kql 'TEXT' EVIDENCE...");
    query.text = evidence.front();
    evidence.erase(evidence.begin());
  }
  Result<engine::HuntOptions> options = hunt_options(args, evidence);
  if (!options) return usage_error(options.error().message);
  options->sorted = false;
  Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  engine::RuleOptions rule_opts;
  rule_opts.texts.push_back(query);
  rule_opts.builtin = false;
  rule_opts.strict = true;
  const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(*setup, rule_opts);
  const engine::RuleFile& file = rules->files().front();
  for (const Diagnostic& d : file.diagnostics.all())
    std::cerr << render({file.path, file.text}, d);
  const engine::LoadedRule* rule = nullptr;
  for (const engine::LoadedRule& r : rules->rules())
    if (r.file == 0) rule = &r;
  if (!rule || file.diagnostics.has_errors()) return kExitUsage;
  engine::Progress progress;
  engine::HuntResult result;
  {
    const ProgressLine line(progress, !args.has("--quiet") && !args.has("--no-progress"));
    result = engine::hunt(*rules, *options, progress, interrupted());
  }
  plan::Schema schema = rule->compiled->schema();
  std::vector<std::vector<data::Value>> rows;
  for (const Finding& f : result.findings) {
    if (f.rule != &rule->rule.info) continue;
    std::vector<data::Value> row;
    // An event search gives whole events: their fields make the schema as they come.
    for (const auto& [name, value] : f.row)
      if (!plan::find_column(schema, name)) schema.push_back({name, value.type()});
    for (const plan::ColumnInfo& c : schema) {
      data::Value v = data::Value::null(c.type);
      for (const auto& [name, value] : f.row)
        if (name == c.name) v = value;
      row.push_back(std::move(v));
    }
    rows.push_back(std::move(row));
  }
  for (auto& row : rows)
    row.resize(schema.size());
  if (*format == "table")
    output::write_rows_table(std::cout, schema, rows, table_style());
  else if (*format == "csv")
    output::write_rows_csv(std::cout, schema, rows);
  else
    output::write_rows_jsonl(std::cout, schema, rows);
  std::cout.flush();
  if (!args.has("--quiet")) {
    std::cerr << rows.size() << " rows\n";
    for (const auto& [name, entry] : result.anomalies.all())
      std::cerr << "anomaly " << name << ": " << entry.count << ", first in " << entry.first_path
                << " at byte " << entry.first_offset << '\n';
  }
  for (const std::string& e : result.errors)
    std::cerr << "postern: " << e << '\n';
  if (result.cancelled) return kExitInterrupted;
  return result.errors.empty() ? kExitOk : kExitUsage;
}

}  // namespace postern::cli
