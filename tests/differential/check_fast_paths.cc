// Random rules over random logs (random_rules.h, random_logs.h), hunted in every way that must find
// the same: rule by rule without any gate, which is what the others are held against; with gates;
// with the shared filter, whose batches, threads and profile differ; and with it over the same
// events written otherwise (members in another order, line breaks and escapes inside of documents,
// gzip) and twice in one run.
//
//   check_fast_paths [--first SEED] [--seeds N] [--seconds S] [--format NAME] [--events N]
//                    [--rules N] [--keep DIR] [-v]
//
// Prints differences with their seed, and `N of M seeds agree`; --keep writes the rules and logs of
// the last seed. The exit status is 1 when something differs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

#include "engine/hunt.h"
#include "random_rules.h"

using namespace postern;
using namespace postern::differential;

namespace {

struct Options {
  uint64_t first = 1;
  uint64_t seeds = 10;
  double seconds = 1e9;
  std::string format;
  size_t events = 0;
  size_t rules = 0;
  std::string keep;
  bool verbose = false;
};

/// Findings that are told apart: how often each was found.
using Found = std::map<std::string, int>;

/// All that a finding says, but for the path of its evidence.
std::string whole_text(const engine::Finding& f) {
  std::string out = f.rule->path + " " + std::to_string(f.time);
  for (const engine::EvidenceRef& e : f.evidence)
    out += " " + e.table + "#" + std::to_string(e.offset) + "/" + std::to_string(e.record);
  for (const auto& [name, value] : f.row)
    out += " " + name + "=" + value.text();
  for (const engine::Reason& r : f.why)
    out += " " + r.field + " " + r.op + " " + r.value.text();
  return out;
}

/// What it says of the event itself, however that is written.
std::string event_text(const engine::Finding& f) {
  return f.rule->path + " " + std::to_string(f.time);
}

using Telling = std::string (*)(const engine::Finding&);

/// Keywords are looked for in the text of a record too, as it is written; so are terms of SPL.
bool has_keywords(const RuleText& rule) {
  return rule.text.find("  keywords:") != std::string::npos || rule.file.ends_with(".spl");
}

void write_file(const std::string& path, std::string_view bytes) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  if (!f || std::fwrite(bytes.data(), 1, bytes.size(), f) != bytes.size()) {
    std::fprintf(stderr, "check_fast_paths: %s cannot be written\n", path.c_str());
    std::exit(2);
  }
  std::fclose(f);
}

/// A folder that is gone afterwards.
class Folder {
 public:
  explicit Folder(const std::string& keep) : kept_(!keep.empty()) {
    if (kept_) {
      path_ = keep;
      std::filesystem::create_directories(path_);
      return;
    }
    path_ = (std::filesystem::temp_directory_path() / "check_fast_paths.XXXXXX").string();
    if (!::mkdtemp(path_.data())) {
      std::perror("check_fast_paths");
      std::exit(2);
    }
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ~Folder() {
    std::error_code ignored;
    if (!kept_) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool kept_;
};

/// One seed: its rules, its log, and the comparison of all ways.
class Trial {
 public:
  Trial(const std::shared_ptr<const engine::Setup>& setup,
        const Options& options,
        const std::string& folder,
        uint64_t seed)
      : options_(options), folder_(folder), seed_(seed), random_(seed) {
    auto format = static_cast<LogFormat>(seed % kNumLogFormats);
    for (size_t i = 0; i < kNumLogFormats; ++i)
      if (options.format == format_name(static_cast<LogFormat>(i)))
        format = static_cast<LogFormat>(i);
    draw_size();
    log_.emplace(random_, format, random_.one_in(3) ? 0 : 1 + random_.below(20));
    texts_ = random_rules(random_, *log_, num_rules_);
    events_ = log_->events(random_, num_events_);
    load(setup);
  }

  /// Whether all ways find the same.
  bool run() {
    const Writing plain;
    const std::string path = write("plain", log_->write(events_, plain, seed_));
    choose_wanted();
    engine::HuntOptions oracle = hunt_options({path});
    oracle.share_filters = false;
    oracle.use_event_ids = false;
    const engine::HuntResult said = hunt(oracle);
    const Found whole = found(said, whole_text);
    const Found events = without_keywords(found(said, event_text));
    size_t all = 0;
    for (const auto& [text, n] : whole)
      all += static_cast<size_t>(n);

    bool same = true;
    const auto compare = [&](const std::string& way, const engine::HuntOptions& o,
                             const Found& want, Telling text, int times) {
      Found got = found(hunt(o), text);
      if (text == event_text) got = without_keywords(std::move(got));
      same = agrees(way, std::move(got), want, times) && same;
    };
    engine::HuntOptions gated = hunt_options({path});
    gated.share_filters = false;
    compare("gated", gated, whole, whole_text, 1);
    compare("shared", hunt_options({path}), whole, whole_text, 1);
    engine::HuntOptions ungated = hunt_options({path});
    ungated.use_event_ids = false;
    compare("without event ids", ungated, whole, whole_text, 1);
    engine::HuntOptions batches = hunt_options({path});
    batches.batch_rows = 1 + static_cast<uint32_t>(random_.below(100));
    compare("small batches", batches, whole, whole_text, 1);
    engine::HuntOptions threads = hunt_options({path});
    threads.threads = 2;
    threads.slice_bytes = 20'000;
    compare("two threads", threads, whole, whole_text, 1);
    engine::HuntOptions profile = hunt_options({path});
    profile.profile = true;
    compare("profile", profile, whole, whole_text, 1);

    const auto ways = writings();
    const size_t exactly = ways.empty() ? 0 : random_.below(ways.size());
    for (size_t i = 0; i < ways.size(); ++i) {
      const auto& [name, writing] = ways[i];
      const std::string other = write(name, log_->write(events_, writing, seed_ + 1));
      compare(name, hunt_options({other}), events, event_text, 1);
      if (i == exactly) {
        oracle.evidence = {other};
        compare(name + ", exactly", hunt_options({other}), found(hunt(oracle), whole_text),
                whole_text, 1);
      }
      if (name == "lines") compare("twice", hunt_options({path, other}), events, event_text, 2);
    }
    const std::string zipped = write("gzip", gzip_of(log_->write(events_, plain, seed_)), ".gz");
    compare("gzip", hunt_options({zipped}), whole, whole_text, 1);
    if (options_.verbose || !same)
      std::printf("seed %llu: %s, %zu events, %zu of %zu rules, %zu findings: %s\n",
                  static_cast<unsigned long long>(seed_), format_name(log_->format()),
                  events_.size(), rules_->rules().size(), texts_.size(), all,
                  same ? "agree" : "DIFFER");
    num_findings += all;
    return same;
  }

  size_t num_findings = 0;

 private:
  /// Most are small; some large enough that memories fill and are forgotten.
  void draw_size() {
    const uint64_t size = random_.below(20);
    num_events_ = size < 12   ? 200 + random_.below(2'500)
                  : size < 19 ? 2'500 + random_.below(9'000)
                              : 20'000 + random_.below(20'000);
    num_rules_ = size < 19 ? 10 + random_.below(200) : 30 + random_.below(40);
    if (options_.events > 0) num_events_ = options_.events;
    if (options_.rules > 0) num_rules_ = options_.rules;
  }

  void load(const std::shared_ptr<const engine::Setup>& setup) {
    engine::RuleOptions rule_options;
    rule_options.builtin = false;
    for (const RuleText& r : texts_) {
      const std::string language = r.file.ends_with(".yml")   ? "sigma"
                                   : r.file.ends_with(".kql") ? "kql"
                                                              : "spl";
      rule_options.texts.push_back({r.file, r.text, language});
      if (!options_.keep.empty()) write_file(folder_ + "/" + r.file, r.text);
    }
    rules_ = engine::RuleSet::load(setup, rule_options);
    if (!options_.verbose) return;
    for (const engine::RuleFile& f : rules_->files())
      for (const Diagnostic& d : f.diagnostics.all())
        if (f.num_loaded == 0) ++refused[d.code];
  }

 public:
  static inline std::map<std::string, size_t> refused;  ///< reasons, of rules that did not load

 private:
  std::string write(const std::string& name, std::string_view bytes, const char* suffix = "") {
    const std::string folder = folder_ + "/" + name;
    std::filesystem::create_directories(folder);
    std::string path = folder + "/" + log_->file_name() + suffix;
    write_file(path, bytes);
    return path;
  }

  /// Rules that fire on so many events that telling of them would take all the time are left out.
  void choose_wanted() {
    constexpr size_t kSample = 400;
    constexpr size_t kMostFindings = 8'000;
    const std::vector<Event> some(
        events_.begin(),
        events_.begin() + static_cast<ptrdiff_t>(std::min(kSample, events_.size())));
    engine::HuntOptions o = hunt_options({write("sample", log_->write(some, {}, seed_))});
    o.share_filters = false;
    std::map<const plan::RuleInfo*, size_t> count;
    for (const engine::LoadedRule& r : rules_->rules())
      count[&r.rule.info] = 0;
    for (const engine::Finding& f : hunt(o).findings)
      ++count[f.rule];
    std::vector<std::pair<size_t, const plan::RuleInfo*>> rules;
    for (const auto& [rule, n] : count)
      rules.emplace_back(n, rule);
    // In an order that is the same in every run.
    std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first, a.second->path) < std::pair(b.first, b.second->path);
    });
    size_t sum = 0;
    for (const auto& [n, rule] : rules) {
      sum += n * events_.size() / some.size();
      if (sum <= kMostFindings) wanted_.insert(rule);
    }
  }

  engine::HuntOptions hunt_options(std::vector<std::string> evidence) const {
    engine::HuntOptions o;
    o.evidence = std::move(evidence);
    if (!wanted_.empty())
      o.wanted = [this](const plan::RuleInfo& info) { return wanted_.count(&info) > 0; };
    return o;
  }

  engine::HuntResult hunt(const engine::HuntOptions& o) const {
    engine::Progress progress;
    const std::atomic<bool> cancelled{false};
    return engine::hunt(*rules_, o, progress, cancelled);
  }

  Found without_keywords(Found all) const {
    for (const RuleText& r : texts_) {
      if (!has_keywords(r)) continue;
      const std::string rule = r.file + " ";
      auto end = all.lower_bound(rule);
      const auto begin = end;
      while (end != all.end() && end->first.starts_with(rule))
        ++end;
      all.erase(begin, end);
    }
    return all;
  }

  static Found found(const engine::HuntResult& result, Telling text) {
    Found all;
    for (const engine::Finding& f : result.findings)
      ++all[text(f)];
    return all;
  }

  std::vector<std::pair<std::string, Writing>> writings() const {
    std::vector<std::pair<std::string, Writing>> all;
    if (is_json(log_->format()))
      all = {{"shuffled", {true, false, false, false}},
             {"lines", {false, true, false, false}},
             {"escapes", {false, false, true, true}},
             {"all at once", {true, true, true, false}}};
    if (log_->format() == LogFormat::kAuditd || log_->format() == LogFormat::kZeekTsv)
      all = {{"escapes", {false, false, true, true}}};
    return all;
  }

  /// `times`: how often each finding must have come again.
  bool agrees(const std::string& way, Found got, const Found& want, int times) const {
    for (const auto& [text, n] : want)
      got[text] -= n * times;
    size_t differing = 0;
    std::set<std::string> told;
    for (const auto& [text, n] : got) {
      if (n == 0) continue;
      ++differing;
      const std::string rule = text.substr(0, text.find(' '));
      if (told.size() >= 3 || !told.insert(rule).second) continue;
      std::printf("seed %llu, %s: %s %s\n", static_cast<unsigned long long>(seed_), way.c_str(),
                  n > 0 ? "found too often" : "missed", text.substr(0, 400).c_str());
      for (const RuleText& r : texts_)
        if (r.file == rule) std::printf("%s", r.text.c_str());
    }
    if (differing > 0) std::printf("%s: %zu findings differ\n", way.c_str(), differing);
    return differing == 0;
  }

  const Options& options_;
  std::string folder_;
  uint64_t seed_;
  Random random_;
  size_t num_events_ = 0;
  size_t num_rules_ = 0;
  std::optional<LogMaker> log_;
  std::vector<RuleText> texts_;
  std::vector<Event> events_;
  std::unique_ptr<engine::RuleSet> rules_;
  std::set<const plan::RuleInfo*> wanted_;
};

Options options_of(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : "0"; };
    const auto number = [&] { return std::strtoull(value(), nullptr, 10); };
    if (arg == "--first")
      o.first = number();
    else if (arg == "--seeds")
      o.seeds = number();
    else if (arg == "--seconds")
      o.seconds = static_cast<double>(number());
    else if (arg == "--events")
      o.events = number();
    else if (arg == "--rules")
      o.rules = number();
    else if (arg == "--format")
      o.format = value();
    else if (arg == "--keep")
      o.keep = value();
    else if (arg == "-v")
      o.verbose = true;
    else {
      std::fprintf(stderr, "check_fast_paths: unknown option %s\n", arg.c_str());
      std::exit(2);
    }
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = options_of(argc, argv);
  const auto setup = engine::make_setup();
  if (!setup) {
    std::fprintf(stderr, "check_fast_paths: %s\n", setup.error().message.c_str());
    return 2;
  }
  const Folder folder(options.keep);
  const auto begin = std::chrono::steady_clock::now();
  uint64_t done = 0;
  uint64_t agreeing = 0;
  uint64_t findings = 0;
  for (uint64_t seed = options.first; done < options.seeds; ++seed) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    if (spent.count() > options.seconds) break;
    Trial trial(*setup, options, folder.path(), seed);
    agreeing += trial.run() ? 1 : 0;
    findings += trial.num_findings;
    ++done;
    std::fflush(stdout);
  }
  for (const auto& [code, n] : Trial::refused)
    std::printf("refused: %s %zu\n", code.c_str(), n);
  std::printf("%llu of %llu seeds agree, %llu findings\n",
              static_cast<unsigned long long>(agreeing), static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(findings));
  return agreeing == done ? 0 : 1;
}
