// Options that several verbs read from the command line in the same way.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/flags.h"
#include "engine/hunt.h"
#include "engine/rule_set.h"
#include "engine/setup.h"

namespace postern::cli {

/// Rules as the flags ask for; errors name the flag.
Result<engine::RuleOptions> rule_options(const Arguments& args);
/// Threads, times.
Result<engine::HuntOptions> hunt_options(const Arguments& args, std::vector<std::string> evidence);

/// 1 informational … 5 critical; nullopt for another word.
std::optional<int> level_rank(std::string_view level);

/// "table" | "jsonl" | "csv" after defaults; an error names what is there.
Result<std::string> output_format(const Arguments& args);

/// What was read, what was odd, what could not be judged: the last words of a hunt, on stderr.
void write_summary(const engine::HuntResult& result,
                   size_t num_shown,
                   double seconds,
                   bool verbose);
/// What rules, columns and predicates cost, dearest first, on stderr.
void write_profile(const engine::HuntProfile& profile);
/// Refused and degraded rules in short, before a hunt.
void write_load_report(const engine::RuleSet& rules, bool verbose);

}  // namespace postern::cli
