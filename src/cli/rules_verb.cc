// `postern rules check`, `rules list`, `rules explain`.
#include <iostream>
#include <set>

#include "base/text.h"
#include "check/rule_report.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "data/value.h"

namespace postern::cli {

using engine::LoadedRule;
using engine::RuleFile;
using engine::RuleSet;

namespace {

Result<std::unique_ptr<RuleSet>> load(const Arguments& args) {
  POSTERN_TRY(engine::RuleOptions options, rule_options(args));
  options.paths = args.positional;
  options.builtin = false;
  POSTERN_TRY(std::shared_ptr<const engine::Setup> setup, engine::make_setup());
  return RuleSet::load(setup, options);
}

bool unreadable(const RuleSet& rules) {
  bool any = false;
  for (const RuleFile& f : rules.files()) {
    if (!f.read_error) continue;
    any = true;
    for (const Diagnostic& d : f.diagnostics.all())
      std::cerr << "postern: " << d.message << '\n';
  }
  return any;
}

/// Tables and event ids seen in evidence, for `rules list --evidence`.
struct Seen {
  std::set<std::string, std::less<>> tables;
};

std::string state_of(const LoadedRule& r, const Seen* seen) {
  if (!r.report.never.empty()) return "never fires: " + r.report.never;
  std::string state = r.report.degraded ? "degraded" : "ready";
  if (!seen || !r.optimized) return state;
  bool source = false;
  for (const std::string& t : r.report.tables)
    source = source || seen->tables.count(t) > 0;
  if (source) return r.report.degraded ? "can fire (degraded)" : "can fire";
  std::string lacks;
  for (const plan::DroppedTable& d : r.report.dropped)
    if (seen->tables.count(d.table) && d.reason.rfind("lacks field", 0) == 0)
      lacks = d.reason + " in " + d.table;
  if (!lacks.empty()) return lacks;
  std::string wanted;
  for (const std::string& t : r.report.tables)
    wanted += (wanted.empty() ? "" : ", ") + t;
  return "lacks source: " + wanted;
}

}  // namespace

int check_verb(const Arguments& args) {
  if (args.positional.empty())
    return usage_error("rules check needs a path; see `postern rules check --help`");
  const std::string format = args.get("--format", "text");
  if (format != "text" && format != "json" && format != "sarif")
    return usage_error("unknown format: " + format + "; there are text, json and sarif");
  const Result<std::unique_ptr<RuleSet>> rules = load(args);
  if (!rules) return usage_error(rules.error().message);
  if (unreadable(**rules)) return kExitUsage;
  const size_t errors = format == "json"    ? check::write_json(std::cout, **rules)
                        : format == "sarif" ? check::write_sarif(std::cout, **rules)
                                            : check::write_text(std::cout, **rules);
  std::cout.flush();
  check::write_totals(std::cerr, **rules);
  return errors > 0 ? kExitFindings : kExitOk;
}

int list_verb(const Arguments& args) {
  Result<engine::RuleOptions> options = rule_options(args);
  if (!options) return usage_error(options.error().message);
  options->paths = args.positional;
  options->builtin = !args.has("--no-builtin") && args.positional.empty();
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  const Result<std::string> format = output_format(args);
  if (!format) return usage_error(format.error().message);
  const std::unique_ptr<RuleSet> rules = RuleSet::load(*setup, *options);
  if (unreadable(*rules)) return kExitUsage;
  Seen seen;
  const bool with_evidence = args.has("--evidence");
  if (with_evidence) {
    Result<engine::HuntOptions> hunt = hunt_options(args, args.all("--evidence"));
    if (!hunt) return usage_error(hunt.error().message);
    engine::Progress progress;
    // Only what is there matters: no rule runs, so events are counted and not decoded.
    const std::unique_ptr<RuleSet> none = RuleSet::load(*setup, {.texts = {},
                                                                 .paths = {},
                                                                 .pipelines = {},
                                                                 .builtin = false,
                                                                 .strict = false,
                                                                 .settings = {},
                                                                 .placeholders = {},
                                                                 .optimize = true});
    const engine::HuntResult result = engine::hunt(*none, *hunt, progress, interrupted());
    for (const auto& [table, n] : result.events)
      seen.tables.insert(table);
    for (const std::string& e : result.errors)
      std::cerr << "postern: " << e << '\n';
    if (!result.errors.empty()) return kExitUsage;
  }
  for (const LoadedRule& r : rules->rules()) {
    const plan::RuleInfo& i = r.rule.info;
    const std::string state = state_of(r, with_evidence ? &seen : nullptr);
    if (*format == "jsonl") {
      std::cout << "{\"id\":" << data::json_string(i.id)
                << ",\"title\":" << data::json_string(i.title)
                << ",\"language\":" << data::json_string(i.language)
                << ",\"level\":" << data::json_string(i.level)
                << ",\"state\":" << data::json_string(state)
                << ",\"path\":" << data::json_string(i.path) << "}\n";
    } else {
      std::string left = i.language;
      left.resize(std::max<size_t>(9, left.size()), ' ');
      std::string level = i.level.empty() ? "-" : i.level;
      level.resize(std::max<size_t>(14, level.size()), ' ');
      std::cout << left << level << (i.language == "strategy" ? i.id + " " : "") << i.title << "  ["
                << state << "]\n";
    }
  }
  std::cout.flush();
  check::write_totals(std::cerr, *rules);
  return kExitOk;
}

int explain_verb(const Arguments& args) {
  if (args.positional.size() != 1) return usage_error("rules explain needs one rule: a file");
  const Result<std::unique_ptr<RuleSet>> rules = load(args);
  if (!rules) return usage_error(rules.error().message);
  if (unreadable(**rules)) return kExitUsage;
  const size_t errors = check::write_text(std::cerr, **rules);
  const bool any = check::write_explanation(std::cout, **rules);
  std::cout.flush();
  if (!any && errors == 0) return usage_error("no rule in " + args.positional[0]);
  return any ? kExitOk : kExitFindings;
}

}  // namespace postern::cli
