// Compares the shared filter with the plain one: the same hunt twice, finding by finding.
//
//   check_filters [--rules PATH]... [EVIDENCE...]
//
// Without arguments: the Sigma corpus over the EVTX samples of $POSTERN_SHARED (77 where it is
// absent). Prints the user time of each way and `N of M findings equal`; lists differences.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "engine/hunt.h"

using namespace postern;

namespace {

double user_seconds() {
  struct rusage usage {};

  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) * 1e-6;
}

/// A finding as text: rule, place and row.
std::string text_of(const engine::Finding& f) {
  std::string out = f.rule->language + " " + f.rule->id + " " + f.rule->path;
  for (const engine::EvidenceRef& e : f.evidence)
    out += " " + e.path + "#" + std::to_string(e.offset) + "/" + std::to_string(e.record);
  for (const auto& [name, value] : f.row)
    out += " " + name + "=" + value.text();
  return out;
}

engine::HuntResult hunt(const engine::RuleSet& rules, engine::HuntOptions options, bool share) {
  options.share_filters = share;
  engine::Progress progress;
  const std::atomic<bool> cancelled{false};
  const double begin = user_seconds();
  engine::HuntResult result = engine::hunt(rules, options, progress, cancelled);
  std::printf("%-10s %8.3f s user, %zu findings\n", share ? "shared" : "plain",
              user_seconds() - begin, result.findings.size());
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  engine::RuleOptions rule_options;
  rule_options.builtin = false;
  engine::HuntOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--rules" && i + 1 < argc)
      rule_options.paths.emplace_back(argv[++i]);
    else
      options.evidence.push_back(arg);
  }
  if (argc == 1) {
    const char* set = std::getenv("POSTERN_SHARED");
    const std::string shared = set ? set : "../shared";
    options.evidence = {shared + "/evidence/evtx"};
    rule_options.paths = {shared + "/corpora/sigma/rules", shared + "/corpora/kql",
                          shared + "/corpora/spl"};
    if (!std::filesystem::exists(options.evidence[0])) {
      std::printf("check_filters: %s is not there\n", options.evidence[0].c_str());
      return 77;
    }
  }
  const auto setup = engine::make_setup();
  if (!setup) {
    std::fprintf(stderr, "check_filters: %s\n", setup.error().message.c_str());
    return 2;
  }
  const auto rules = engine::RuleSet::load(*setup, rule_options);
  std::printf("%zu rules\n", rules->rules().size());
  const engine::HuntResult shared = hunt(*rules, options, true);
  const engine::HuntResult plain = hunt(*rules, options, false);
  std::map<std::string, int> count;
  for (const engine::Finding& f : plain.findings)
    ++count[text_of(f)];
  size_t equal = 0;
  for (const engine::Finding& f : shared.findings) {
    int& n = count[text_of(f)];
    if (n > 0) ++equal;
    --n;
  }
  size_t listed = 0;
  for (const auto& [text, n] : count)
    if (n != 0 && listed++ < 50)
      std::printf("only %s: %s\n", n > 0 ? "plain" : "shared", text.substr(0, 300).c_str());
  const size_t all = std::max(shared.findings.size(), plain.findings.size());
  std::printf("%zu of %zu findings equal\n", equal, all);
  return equal == all ? 0 : 1;
}
