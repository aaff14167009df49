// Times hunts without loading the rules, which takes longer than a short run: see kUsage. The
// clocks start when the first evidence's turn comes, after the filters are compiled, and stop when
// the findings are there, unprinted. What is compared takes turns: a slow moment of the machine
// hits one round of each, and not all rounds of one.
#include "engine/hunt.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "base/text.h"

using namespace postern;

namespace {

constexpr char kUsage[] =
    "usage: bench_hunt [--rules PATH]... [--threads N[,N]...] [--rounds N] EVIDENCE...\n"
    "Loads the rules once, and hunts each file by itself with each number of threads, all of them "
    "in\n"
    "each round. Prints a JSON object for each: events, findings, threads, and of each round the "
    "CPU\n"
    "seconds (user and system) and those by the clock.";

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

/// The rounds of one file with one number of threads.
struct Timed {
  Timed(std::string p, unsigned n) : path(std::move(p)), threads(n) {}

  std::string path;
  unsigned threads;
  std::string cpu;
  std::string wall;
  Hunted last;

  void add(Hunted h) {
    const char* const comma = cpu.empty() ? "" : ",";
    cpu += comma + std::to_string(h.took.cpu);
    wall += comma + std::to_string(h.took.wall);
    last = std::move(h);
  }

  void print() const {
    if (!last.error.empty()) std::fprintf(stderr, "bench_hunt: %s\n", last.error.c_str());
    std::printf("{\"events\":%llu,\"findings\":%zu,\"threads\":%u,\"cpu\":[%s],\"wall\":[%s]}\n",
                static_cast<unsigned long long>(last.events), last.findings, threads, cpu.c_str(),
                wall.c_str());
  }
};

}  // namespace

int main(int argc, char** argv) {
  engine::RuleOptions rule_options;
  rule_options.keep_stages = false;
  rule_options.builtin = false;
  std::vector<unsigned> threads = {1};
  int64_t rounds = 1;
  std::vector<Timed> timed;
  std::vector<std::string> evidence;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--help") {
      std::puts(kUsage);
      return 0;
    }
    bool good = true;
    if (arg == "--rules" && more) {
      rule_options.paths.emplace_back(argv[++i]);
    } else if (arg == "--threads" && more) {
      threads.clear();
      for (const std::string_view n : split(argv[++i], ',')) {
        const auto number = parse_int(n);
        good = good && number && *number > 0 && *number <= 1024;
        threads.push_back(static_cast<unsigned>(number.value_or(1)));
      }
    } else if (arg == "--rounds" && more) {
      const auto number = parse_int(argv[++i]);
      good = number && *number > 0;
      rounds = number.value_or(1);
    } else {
      good = !arg.starts_with("--");
      evidence.push_back(arg);
    }
    if (!good) {
      std::fprintf(stderr, "bench_hunt: `%s`\n%s\n", argv[i], kUsage);
      return 2;
    }
  }
  const auto setup = engine::make_setup();
  if (!setup) {
    std::fprintf(stderr, "bench_hunt: %s\n", setup.error().message.c_str());
    return 2;
  }
  const auto rules = engine::RuleSet::load(*setup, rule_options);
  for (const std::string& path : evidence)
    for (const unsigned n : threads)
      timed.emplace_back(path, n);
  for (int64_t i = 0; i < rounds; ++i)
    for (Timed& t : timed)
      t.add(hunt(*rules, t.path, t.threads));
  for (const Timed& t : timed)
    t.print();
  return 0;
}
