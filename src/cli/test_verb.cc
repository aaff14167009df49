// `postern rules test`: runs the tests beside rules.
#include <iostream>

#include "check/rule_tests.h"
#include "cli/run_options.h"
#include "cli/verbs.h"

namespace postern::cli {

int test_verb(const Arguments& args) {
  if (args.positional.size() != 1)
    return usage_error("rules test needs one folder; see `postern rules test --help`");
  const std::string format = args.get("--format", "text");
  if (format != "text" && format != "junit")
    return usage_error("unknown format: " + format + "; there are text and junit");
  const std::string twin = args.get("--twin");
  if (!twin.empty() && twin != "json")
    return usage_error("unknown twin: " + twin + "; there is json");
  Result<engine::RuleOptions> rules = rule_options(args);
  if (!rules) return usage_error(rules.error().message);
  Result<engine::HuntOptions> hunt = hunt_options(args, {});
  if (!hunt) return usage_error(hunt.error().message);
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) return usage_error(setup.error().message);
  const Result<check::RuleTestRun> run =
      check::run_rule_tests(args.positional[0], !twin.empty(), *setup, *rules, *hunt);
  if (!run) return usage_error(run.error().message);
  if (format == "junit")
    check::write_junit(std::cout, *run);
  else
    check::write_text(std::cout, *run, args.has("--verbose"));
  std::cout.flush();
  return run->num_passed() == run->results.size() ? kExitOk : kExitFindings;
}

}  // namespace postern::cli
