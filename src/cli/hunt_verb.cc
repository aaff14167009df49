// `postern hunt` and `postern query`.
#include <cerrno>
#include <fstream>
#include <iostream>

#include <unistd.h>

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

/// Whether a file may be written, told without making it: it may lie among the evidence.
bool can_write(const std::string& path) {
  if (::access(path.c_str(), W_OK) == 0) return true;
  if (errno != ENOENT) return false;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return ::access(folder.c_str(), W_OK) == 0;
}

void write_findings(const engine::FindingList& findings,
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
}

/// Findings are read while they are written out.
void take_read_error(engine::HuntResult& result) {
  const engine::FindingStore* store = result.findings.store();
  if (store && store->read_error())
    result.errors.push_back("findings are missing: " + store->read_error()->message);
}

/// The result rows of a query: findings of one rule, by the columns of `schema`, which grows by
/// what the rows have beside it.
class QueryRows {
 public:
  QueryRows(const engine::FindingList& findings, const engine::LoadedRule& rule)
      : findings_(findings), rule_(rule), schema_(rule.compiled->schema()) {
    // An event search gives whole events: their fields make the schema as they come.
    for_each([&](const Finding& f) {
      ++num_rows_;
      for (const auto& [name, value] : f.row)
        if (!plan::find_column(schema_, name)) schema_.push_back({name, value.type()});
    });
  }

  const plan::Schema& schema() const { return schema_; }

  uint64_t size() const { return num_rows_; }

  output::RowSource source() const {
    return [this](const std::function<void(const output::Row&)>& take) {
      for_each([&](const Finding& f) {
        output::Row row;
        for (const plan::ColumnInfo& c : schema_) {
          data::Value v = data::Value::null(c.type);
          for (const auto& [name, value] : f.row)
            if (name == c.name) v = value;
          row.push_back(std::move(v));
        }
        take(row);
      });
    };
  }

 private:
  void for_each(const std::function<void(const Finding&)>& take) const {
    for (const Finding& f : findings_)
      if (f.rule == &rule_.rule.info) take(f);
  }

  const engine::FindingList& findings_;
  const engine::LoadedRule& rule_;
  plan::Schema schema_;
  uint64_t num_rows_ = 0;
};

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
  // Before the hunt, which may take long.
  if (args.has("--output") && !can_write(args.get("--output")))
    return usage_error("cannot write " + args.get("--output"));
  Result<engine::RuleOptions> rule_opts = rule_options(args);
  if (!rule_opts) return usage_error(rule_opts.error().message);
  rule_opts->keep_stages = false;
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
  if (const auto least = level_rank(args.get("--min-level")); least)
    options->wanted = [&](const plan::RuleInfo& rule) {
      return level_rank(rule.level).value_or(0) >= *least;
    };
  engine::Progress progress;
  engine::HuntResult result;
  {
    const ProgressLine line(progress, !quiet && !args.has("--no-progress"));
    // Ctrl-C ends a capture, and then there is a result like any other.
    const std::atomic<bool> never{false};
    result = engine::hunt(*rules, *options, progress, live.any() ? never : interrupted());
  }
  if (args.has("--output")) {
    std::ofstream file(args.get("--output"), std::ios::binary);
    write_findings(result.findings, *format, file);
    if (!file)
      result.errors.push_back("cannot write " + args.get("--output") + ": results are missing");
  } else {
    write_findings(result.findings, *format, std::cout);
  }
  take_read_error(result);
  if (result.profile) write_profile(*result.profile);
  if (!quiet)
    write_summary(result, result.findings.size(), seconds_since(start), verbose);
  else
    for (const std::string& e : result.errors)
      std::cerr << "postern: " << e << '\n';
  if (result.cancelled) return kExitInterrupted;
  if (!result.errors.empty() || any_read_error(*rules)) return kExitUsage;
  if (const auto least = level_rank(args.get("--fail-on")); least)
    for (const auto& [rule, n] : result.findings.store()->by_rule())
      if (level_rank(rule->level).value_or(0) >= *least) return kExitFindings;
  return kExitOk;
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
  rule_opts.keep_stages = false;
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
  const QueryRows rows(result.findings, *rule);
  if (*format == "table")
    output::write_rows_table(std::cout, rows.schema(), rows.source(), table_style());
  else if (*format == "csv")
    output::write_rows_csv(std::cout, rows.schema(), rows.source());
  else
    output::write_rows_jsonl(std::cout, rows.schema(), rows.source());
  std::cout.flush();
  take_read_error(result);
  if (!args.has("--quiet")) {
    std::cerr << rows.size() << " rows" << (result.cancelled ? "; interrupted" : "") << '\n';
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
