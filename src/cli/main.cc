// The program `postern`: picks the verb and turns its answer into an exit code.
#include <iostream>

#include "cli/flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace postern::cli {

int usage_error(const std::string& message) {
  std::cerr << "postern: " << message << '\n';
  return kExitUsage;
}

namespace {

int run(const std::vector<std::string>& words) {
  const Result<Arguments> args = parse(words);
  if (!args) return usage_error(args.error().message);
  if (args->has("--help")) {
    std::cout << (args->verb ? help(*args->verb) : help());
    return kExitOk;
  }
  const std::string_view verb = args->verb->name;
  if (verb == "hunt") return hunt_verb(*args);
  if (verb == "query") return query_verb(*args);
  if (verb == "rules check") return check_verb(*args);
  if (verb == "rules list") return list_verb(*args);
  if (verb == "rules explain") return explain_verb(*args);
  if (verb == "rules test") return test_verb(*args);
  if (verb == "rules prove") return prove_verb(*args);
  if (verb == "mail") return mail_verb(*args);
  if (verb == "inspect") return inspect_verb(*args);
  if (verb == "man")
    std::cout << man_page();
  else if (verb == "completions") {
    const std::string shell = args->positional.empty() ? "" : args->positional[0];
    if (shell != "bash" && shell != "zsh" && shell != "fish")
      return usage_error("completions needs bash, zsh or fish");
    std::cout << completions(shell);
  } else {
    std::cout << "postern " POSTERN_VERSION "\n";
  }
  return kExitOk;
}

}  // namespace
}  // namespace postern::cli

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  postern::cli::install_signal_handlers();
  const int exit = postern::cli::run({argv + 1, argv + argc});
  std::cout.flush();
  if (std::cout) return exit;
  return postern::cli::usage_error("standard output cannot be written: results are missing");
}
