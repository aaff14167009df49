// `postern rules check`, `rules list`, `rules explain`.
#include <array>
#include <iostream>
#include <optional>
#include <set>

#include "base/text.h"
#include "check/explain_event.h"
#include "check/lint.h"
#include "check/rule_report.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "data/value.h"
#include "engine/scan_program.h"
#include "engine/visibility.h"

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

std::string state_of(const LoadedRule& r) {
  if (!r.report.never.empty()) return "never fires: " + r.report.never;
  return r.report.degraded ? "degraded" : "ready";
}

/// What evidence holds of the columns that the rules read.
Result<engine::Inventory> evidence_of(const Arguments& args, const RuleSet& rules) {
  POSTERN_TRY(std::unique_ptr<engine::ScanPrograms> programs,
              engine::ScanPrograms::make(rules, false));
  engine::Inventory all;
  engine::Progress progress;
  std::vector<std::string> errors;
  {
    const ProgressLine line(progress, !args.has("--quiet") && !args.has("--no-progress"));
    engine::take_inventory(args.all("--evidence"),
                           {rules.setup().catalog, programs->layouts(), false, false}, progress,
                           interrupted(), errors,
                           [&](engine::FileInventory&& f) { engine::merge(all, f.tables); });
  }
  for (const std::string& e : errors)
    std::cerr << "postern: " << e << '\n';
  if (!errors.empty()) return Error{Code::kIo, "not all evidence could be read"};
  return all;
}

std::string names_json(const std::set<std::string>& names) {
  std::string out = "[";
  for (const std::string& n : names)
    out += (out.size() > 1 ? "," : "") + data::json_string(n);
  return out + "]";
}

/// How many rules there are of each answer, on stderr.
void write_visibility_totals(const std::array<size_t, 4>& counts) {
  std::cerr << counts[0] << " can fire, " << counts[1] << " lack a source, " << counts[2]
            << " lack a field, " << counts[3] << " never fire\n";
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
  const std::vector<check::LintFinding> lint = check::lint(**rules);
  const size_t errors = format == "json"    ? check::write_json(std::cout, **rules, lint)
                        : format == "sarif" ? check::write_sarif(std::cout, **rules, lint)
                                            : check::write_text(std::cout, **rules, lint);
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
  std::optional<engine::Inventory> evidence;
  if (args.has("--evidence")) {
    Result<engine::Inventory> seen = evidence_of(args, *rules);
    if (!seen) return usage_error(seen.error().message);
    evidence = std::move(*seen);
  }
  std::array<size_t, 4> counts{};
  for (const LoadedRule& r : rules->rules()) {
    const plan::RuleInfo& i = r.rule.info;
    engine::Visibility v;
    std::string state = state_of(r);
    if (evidence) {
      v = engine::judge(r, *evidence, (*setup)->catalog);
      ++counts[static_cast<size_t>(v.state)];
      state = engine::visibility_text(v);
      if (r.report.degraded && v.state == engine::Visibility::State::kCanFire)
        state += " (degraded)";
    }
    if (*format == "jsonl") {
      std::cout << "{\"id\":" << data::json_string(i.id)
                << ",\"title\":" << data::json_string(i.title)
                << ",\"language\":" << data::json_string(i.language)
                << ",\"level\":" << data::json_string(i.level)
                << ",\"state\":" << data::json_string(state);
      if (evidence)
        std::cout << ",\"can_fire\":"
                  << (v.state == engine::Visibility::State::kCanFire ? "true" : "false")
                  << ",\"lacks_sources\":" << names_json(v.sources)
                  << ",\"lacks_fields\":" << names_json(v.fields);
      std::cout << ",\"path\":" << data::json_string(i.path) << "}\n";
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
  if (evidence) write_visibility_totals(counts);
  check::write_totals(std::cerr, *rules);
  return interrupted() ? kExitInterrupted : kExitOk;
}

int explain_verb(const Arguments& args) {
  if (args.positional.size() != 1) return usage_error("rules explain needs one rule: a file");
  const Result<std::unique_ptr<RuleSet>> rules = load(args);
  if (!rules) return usage_error(rules.error().message);
  if (unreadable(**rules)) return kExitUsage;
  const size_t errors = check::write_text(std::cerr, **rules);
  if (args.has("--event")) {
    const Result<bool> told = check::explain_event(std::cout, **rules, args.get("--event"));
    std::cout.flush();
    if (!told) return usage_error(told.error().message);
    return (*rules)->rules().empty() ? kExitFindings : kExitOk;
  }
  const bool any = check::write_explanation(std::cout, **rules);
  std::cout.flush();
  if (!any && errors == 0) return usage_error("no rule in " + args.positional[0]);
  return any ? kExitOk : kExitFindings;
}

}  // namespace postern::cli
