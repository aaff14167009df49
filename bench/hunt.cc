// Times hunts without loading the rules, which takes longer than a short run:
//
//   bench_hunt [--rules PATH]... [--threads N] [--rounds N] EVIDENCE...
//
// Rules are loaded once. Each file is hunted by itself so many times; the clocks start when the
// first evidence's turn comes, after the filters are compiled, and stop when the findings are
// there, unprinted. Prints one JSON object a file: events, findings, and of each round the CPU
// seconds (user and system) and those by the clock.
#include "engine/hunt.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace postern;

namespace {

struct Clocks {
  double cpu = 0;
  double wall = 0;

  static Clocks now() {
    struct rusage usage {};

    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    const auto clock = std::chrono::steady_clock::now().time_since_epoch();
    return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
            std::chrono::duration<double>(clock).count()};
  }
};

struct Hunted {
  uint64_t events = 0;
  size_t findings = 0;
  Clocks took;
  std::string error;
};

Hunted hunt(const engine::RuleSet& rules, const std::string& path, unsigned threads) {
  engine::HuntOptions options;
  options.threads = threads;
  options.evidence = {path};
  // Evidence without events, whose turn comes before the file's.
  Clocks start;
  options.feeds.emplace_back([&start](input::DecodeContext&) { start = Clocks::now(); });
  engine::Progress progress;
  const std::atomic<bool> never{false};
  const engine::HuntResult result = engine::hunt(rules, options, progress, never);
  const Clocks end = Clocks::now();
  Hunted h;
  for (const engine::FileSummary& f : result.files)
    h.events += f.events;
  h.findings = result.findings.size();
  h.took = {end.cpu - start.cpu, end.wall - start.wall};
  if (!result.errors.empty()) h.error = result.errors.front();
  return h;
}

}  // namespace

int main(int argc, char** argv) {
  engine::RuleOptions rule_options;
  rule_options.keep_stages = false;
  rule_options.builtin = false;
  unsigned threads = 1;
  unsigned long rounds = 1;
  std::vector<std::string> evidence;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--rules" && more)
      rule_options.paths.emplace_back(argv[++i]);
    else if (arg == "--threads" && more)
      threads = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else if (arg == "--rounds" && more)
      rounds = std::strtoul(argv[++i], nullptr, 10);
    else
      evidence.push_back(arg);
  }
  const auto setup = engine::make_setup();
  if (!setup) {
    std::fprintf(stderr, "bench_hunt: %s\n", setup.error().message.c_str());
    return 2;
  }
  const auto rules = engine::RuleSet::load(*setup, rule_options);
  for (const std::string& path : evidence) {
    std::string cpu, wall;
    Hunted h;
    for (unsigned long i = 0; i < rounds; ++i) {
      h = hunt(*rules, path, threads);
      cpu += (i > 0 ? "," : "") + std::to_string(h.took.cpu);
      wall += (i > 0 ? "," : "") + std::to_string(h.took.wall);
    }
    if (!h.error.empty()) std::fprintf(stderr, "bench_hunt: %s\n", h.error.c_str());
    std::printf("{\"events\":%llu,\"findings\":%zu,\"cpu\":[%s],\"wall\":[%s]}\n",
                static_cast<unsigned long long>(h.events), h.findings, cpu.c_str(), wall.c_str());
    std::fflush(stdout);
  }
  return 0;
}
