// Compares the shared filter with the plain one: the same hunt several times, finding by finding.
//
//   check_filters [--rules PATH]... [--batch ROWS]... [--threads N]... [EVIDENCE...]
//
// The plain interpreter is what the others are held against: the shared filter, and the shared
// filter with each size of batches and number of threads that is given. Without arguments: the
// Sigma, KQL and SPL corpora over the EVTX samples of $POSTERN_SHARED (77 where it is absent).
// Prints the user time of each way and `N of M findings equal`; lists differences.
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

struct Way {
  std::string name;
  engine::HuntOptions options;
};

engine::HuntResult hunt(const engine::RuleSet& rules, const Way& way) {
  engine::Progress progress;
  const std::atomic<bool> cancelled{false};
  const double begin = user_seconds();
  engine::HuntResult result = engine::hunt(rules, way.options, progress, cancelled);
  std::printf("%-12s %8.3f s user, %zu findings\n", way.name.c_str(), user_seconds() - begin,
              static_cast<size_t>(result.findings.size()));
  return result;
}

/// Lists what only one of the two found; true when there is nothing.
bool same(const engine::HuntResult& plain, const engine::HuntResult& other, const Way& way) {
  std::map<std::string, int> count;
  for (const engine::Finding& f : plain.findings)
    ++count[text_of(f)];
  size_t equal = 0;
  for (const engine::Finding& f : other.findings) {
    int& n = count[text_of(f)];
    if (n > 0) ++equal;
    --n;
  }
  constexpr size_t kListed = 50;
  size_t listed = 0;
  for (const auto& [text, n] : count)
    if (n != 0 && listed++ < kListed)
      std::printf("only %s: %s\n", n > 0 ? "plain" : way.name.c_str(),
                  text.substr(0, 3000).c_str());
  const size_t all = static_cast<size_t>(std::max(other.findings.size(), plain.findings.size()));
  std::printf("%s: %zu of %zu findings equal\n", way.name.c_str(), equal, all);
  return equal == all;
}

}  // namespace

int main(int argc, char** argv) {
  engine::RuleOptions rule_options;
  rule_options.builtin = false;
  engine::HuntOptions options;
  std::vector<uint32_t> batches;
  std::vector<unsigned> threads;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--rules" && more)
      rule_options.paths.emplace_back(argv[++i]);
    else if (arg == "--batch" && more)
      batches.push_back(static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10)));
    else if (arg == "--threads" && more)
      threads.push_back(static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10)));
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
  // Small slices, so that threads have something to share; where batches end is the same for all.
  constexpr uint64_t kSmallSlices = uint64_t{1} << 20;
  if (!threads.empty()) options.slice_bytes = kSmallSlices;
  std::vector<Way> ways{{"shared", options}};
  for (const uint32_t rows : batches) {
    ways.push_back({"batch " + std::to_string(rows), options});
    ways.back().options.batch_rows = rows;
  }
  for (const unsigned n : threads) {
    ways.push_back({"threads " + std::to_string(n), options});
    ways.back().options.threads = n;
  }
  Way oracle{"plain", options};
  oracle.options.share_filters = false;
  const engine::HuntResult plain = hunt(*rules, oracle);
  bool all_same = true;
  for (const Way& way : ways)
    all_same = same(plain, hunt(*rules, way), way) && all_same;
  return all_same ? 0 : 1;
}
