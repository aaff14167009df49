// `postern rules prove`: makes events that rules fire on, and shows that they do.
#include <iostream>

#include "check/prove.h"
#include "cli/run_options.h"
#include "cli/verbs.h"

namespace postern::cli {

int prove_verb(const Arguments& args) {
  if (args.positional.empty())
    return usage_error("rules prove needs a path; see `postern rules prove --help`");
  const std::string format = args.get("--format", "text");
  if (format != "text" && format != "jsonl")
    return usage_error("unknown format: " + format + "; there are text and jsonl");
  Result<engine::RuleOptions> options = rule_options(args);
  if (!options) return usage_error(options.error().message);
  options->paths = args.positional;
  options->builtin = false;
  Result<engine::HuntOptions> hunt = hunt_options(args, {});
  if (!hunt) return usage_error(hunt.error().message);
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(*setup, *options);
  for (const engine::RuleFile& f : rules->files())
    if (f.read_error) return usage_error(f.diagnostics.all().front().message);
  const check::Proofs proofs = check::prove(*rules, *hunt);
  if (args.has("--out")) {
    const Result<bool> written = check::write_evidence(args.get("--out"), proofs);
    if (!written) return usage_error(written.error().message);
  }
  if (format == "jsonl")
    check::write_jsonl(std::cout, proofs);
  else
    check::write_text(std::cout, proofs, args.has("--verbose"));
  std::cout.flush();
  return kExitOk;
}

}  // namespace postern::cli
