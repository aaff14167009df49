#include "engine/hunt.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "base/file.h"
#include "engine/evidence.h"
#include "engine/file_worker.h"
#include "engine/query_run.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

/// Takes outboxes in file order: query rules see their rows as if one thread had read all files.
class Committer {
 public:
  Committer(const RuleSet& rules,
            const HuntOptions& options,
            HuntResult& result,
            Progress& progress)
      : rules_(rules), result_(result), progress_(progress), sorted_(options.sorted) {
    runs_.resize(rules.rules().size());
    for (size_t i = 0; i < rules.rules().size(); ++i) {
      const LoadedRule& r = rules.rules()[i];
      if (r.silent) continue;
      const bool event = r.rule.kind == plan::RuleKind::kEvent && r.optimized &&
                         r.optimized->kind == plan::OpKind::kScan;
      if (r.compiled && !event) runs_[i] = std::make_unique<QueryRun>(r, options.now);
    }
  }

  bool is_turn(size_t file) {
    const std::lock_guard lock(mutex_);
    return next_ == file;
  }

  /// Takes part of a file's outbox while it is that file's turn.
  void flush(size_t file, Outbox& box) {
    const std::lock_guard lock(mutex_);
    if (next_ == file) take(box);
  }

  void done(size_t file,
            Outbox&& box,
            FileSummary summary,
            const data::Anomalies& anomalies,
            const std::vector<std::string>& errors) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(file, Waiting{std::move(box), std::move(summary), anomalies, errors});
    for (auto it = waiting_.find(next_); it != waiting_.end(); it = waiting_.find(next_)) {
      take(it->second.box);
      result_.anomalies.merge(it->second.anomalies);
      result_.errors.insert(result_.errors.end(), it->second.errors.begin(),
                            it->second.errors.end());
      result_.files.push_back(std::move(it->second.summary));
      waiting_.erase(it);
      ++next_;
    }
  }

  /// All files are in: query rules give their rows.
  void finish() {
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (!runs_[i]) continue;
      const LoadedRule& rule = rules_.rules()[i];
      std::vector<ResultRow> rows = runs_[i]->finish();
      if (runs_[i]->notes().rows_dropped > 0) result_.notes[&rule] = runs_[i]->notes();
      for (const auto& [name, count] : runs_[i]->notes().anomalies)
        result_.anomalies.add(name, rule.rule.info.path, 0, rule.rule.info.title, count);
      add_findings(rule, std::move(rows));
      runs_[i].reset();
    }
    for (const LoadedRule& r : rules_.rules())
      if (!r.requirements.empty()) result_.coverage.push_back(coverage(r));
    for (auto& [table, ids] : events_)
      for (const auto& [id, n] : ids)
        result_.events[table] += n;
    if (sorted_) std::stable_sort(result_.findings.begin(), result_.findings.end(), before);
  }

 private:
  struct Waiting {
    Outbox box;
    FileSummary summary;
    data::Anomalies anomalies;
    std::vector<std::string> errors;
  };

  void take(Outbox& box) {
    const auto base = static_cast<uint32_t>(refs_.size());
    std::move(box.refs.begin(), box.refs.end(), std::back_inserter(refs_));
    box.refs.clear();
    for (PassedRows& p : box.rows) {
      for (uint32_t& id : p.chunk.refs.ids)
        id += base;
      if (runs_[p.rule_index])
        runs_[p.rule_index]->push(p.scan, std::move(p.chunk), std::move(p.hosts), p.own);
    }
    box.rows.clear();
    progress_.findings += box.findings.size();
    std::move(box.findings.begin(), box.findings.end(), std::back_inserter(result_.findings));
    box.findings.clear();
    for (const auto& [table, ids] : box.events)
      for (const auto& [id, n] : ids)
        events_[table][id] += n;
    box.events.clear();
    progress_.events += box.num_events;
    box.num_events = 0;
  }

  void add_findings(const LoadedRule& rule, std::vector<ResultRow> rows) {
    const plan::Schema& schema = rule.compiled->schema();
    std::map<std::string, size_t> by_key;
    for (ResultRow& row : rows) {
      Finding f;
      f.rule = &rule.rule.info;
      f.degraded = rule.report.degraded;
      f.time = row.time;
      f.window = row.window;
      const bool windowed = rule.optimized->kind == plan::OpKind::kTimeWindow;
      if (windowed) {
        f.window = Window{};
        f.why = window_reasons(*rule.optimized->window);
      }
      std::string key;
      for (size_t i = 0; i < schema.size(); ++i) {
        if (windowed && schema[i].name == plan::kWindowFrom) {
          f.window->from = row.values[i].as_int();
          continue;
        }
        if (windowed && schema[i].name == plan::kWindowTo) {
          f.window->to = row.values[i].as_int();
          continue;
        }
        if (std::find(rule.key.begin(), rule.key.end(), schema[i].name) != rule.key.end())
          key += row.values[i].json() + '\x1f';
        // A strategy's query may date its finding itself: by the first packet, not by the process
        // before it.
        if (!rule.requirements.empty() && schema[i].name == "time" &&
            schema[i].type == data::Type::kDatetime && !row.values[i].is_null())
          f.time = row.values[i].as_int();
        if (rule.shown.empty() ||
            std::find(rule.shown.begin(), rule.shown.end(), schema[i].name) != rule.shown.end())
          f.row.emplace_back(schema[i].name, std::move(row.values[i]));
      }
      std::set<uint32_t> ids(row.refs.begin(), row.refs.end());
      for (const uint32_t id : ids)
        f.evidence.push_back(refs_[id]);
      name_entities(f);
      if (!rule.key.empty()) {
        // The same thing seen by two sensors is one finding with the evidence of both.
        const auto [it, added] = by_key.emplace(key, result_.findings.size());
        if (!added) {
          Finding& first = result_.findings[it->second];
          first.evidence.insert(first.evidence.end(), f.evidence.begin(), f.evidence.end());
          first.time = first.time == 0 ? f.time
                       : f.time == 0   ? first.time
                                       : std::min(first.time, f.time);
          continue;
        }
      }
      result_.findings.push_back(std::move(f));
      ++progress_.findings;
    }
  }

  Coverage coverage(const LoadedRule& rule) const {
    Coverage c;
    c.rule = &rule;
    for (const Requirement& q : rule.requirements) {
      const bool there =
          std::any_of(q.sources.begin(), q.sources.end(), [&](const Requirement::Source& s) {
            const auto it = events_.find(s.table);
            if (it == events_.end()) return false;
            if (s.event_ids.empty()) return true;
            return std::any_of(s.event_ids.begin(), s.event_ids.end(),
                               [&](int64_t id) { return it->second.count(id) > 0; });
          });
      if (!there) c.missing.push_back(q.name);
    }
    c.state = c.missing.empty()                             ? Coverage::State::kEvaluable
              : c.missing.size() < rule.requirements.size() ? Coverage::State::kPartly
                                                            : Coverage::State::kBlind;
    return c;
  }

  const RuleSet& rules_;
  HuntResult& result_;
  Progress& progress_;
  bool sorted_;
  std::mutex mutex_;
  size_t next_ = 0;
  std::map<size_t, Waiting> waiting_;
  std::vector<std::unique_ptr<QueryRun>> runs_;
  std::vector<EvidenceRef> refs_;
  std::map<std::string, std::map<int64_t, uint64_t>, std::less<>> events_;
};

uint64_t file_size(const std::string& path) {
  struct stat s {};

  return ::stat(path.c_str(), &s) == 0 ? static_cast<uint64_t>(s.st_size) : 0;
}

class Hunt {
 public:
  Hunt(const RuleSet& rules,
       const ScanPrograms& programs,
       const HuntOptions& options,
       Progress& progress,
       const std::atomic<bool>& cancelled,
       HuntResult& result)
      : rules_(rules),
        programs_(programs),
        options_(options),
        progress_(progress),
        cancelled_(cancelled),
        committer_(rules, options, result, progress),
        result_(result) {}

  void run() {
    for (size_t i = 0; i < options_.feeds.size(); ++i)
      paths_.push_back(feed_path(i));
    const std::vector<std::string> files = expand_evidence(options_.evidence, result_.errors);
    paths_.insert(paths_.end(), files.begin(), files.end());
    for (const std::string& p : paths_)
      progress_.bytes_total += file_size(p);
    const size_t threads = std::max<size_t>(1, std::min<size_t>(options_.threads, paths_.size()));
    std::vector<std::thread> pool;
    for (size_t i = 1; i < threads; ++i)
      pool.emplace_back([this] { work(); });
    work();
    for (std::thread& t : pool)
      t.join();
    committer_.finish();
    result_.bytes = progress_.bytes_total;
    result_.cancelled = cancelled_;
  }

 private:
  void work() {
    for (size_t i = next_file_++; i < paths_.size(); i = next_file_++)
      one_file(i);
  }

  void one_file(size_t index) {
    FileSummary summary;
    summary.path = paths_[index];
    summary.bytes = file_size(paths_[index]);
    data::Anomalies anomalies;
    std::vector<std::string> errors;
    const OpenOptions open{&progress_.bytes_done, &cancelled_, options_.carve};
    uint64_t flushed = 0;
    FileWorker worker(programs_, options_, cancelled_, [&](Outbox& box) {
      flushed += committer_.is_turn(index) ? box.num_events : 0;
      committer_.flush(index, box);
    });
    std::unique_ptr<match::ContentScanner> scanner;
    if (rules_.yara() && !rules_.yara()->rules().empty())
      scanner = rules_.yara()->scanner(
          [&](const match::ContentOrigin& origin, const match::ContentHit& hit) {
            worker.content_hit(*rules_.yara_rules()[hit.rule], origin, hit);
          });
    if (index < options_.feeds.size()) {
      worker.set_path(paths_[index]);
      summary.format = "feed";
      input::DecodeContext context{programs_.layouts(), worker,      anomalies,
                                   scanner.get(),       &cancelled_, nullptr};
      options_.feeds[index](context);
    } else if (!cancelled_)
      open_evidence(paths_[index], open, anomalies, errors,
                    [&](const input::Input& in, const input::Format* format) {
                      if (cancelled_) return;
                      worker.set_path(in.path);
                      if (format) {
                        if (summary.format.empty()) summary.format = format->name;
                        input::DecodeContext context{programs_.layouts(), worker,
                                                     anomalies,           scanner.get(),
                                                     &cancelled_,         bytes_done_of(open, in)};
                        format->decode(in, context);
                      } else if (!in.is_unpacked) {
                        progress_.bytes_done += in.bytes.size();
                      }
                      if (!format || !format->detect)  // no format of its own
                        scan_unknown(in, scanner.get(), anomalies);
                    });
    summary.events = flushed + worker.outbox().num_events;
    committer_.done(index, std::move(worker.outbox()), std::move(summary), anomalies, errors);
  }

  // A file that no decoder knows is content: content rules look at it whole.
  void scan_unknown(const input::Input& in,
                    match::ContentScanner* scanner,
                    data::Anomalies& anomalies) {
    if (!scanner || in.bytes.empty()) return;
    match::ContentOrigin origin;
    origin.view = "file";
    origin.path = in.path;
    const size_t slash = in.path.find_last_of("/!");
    origin.name = slash == std::string::npos ? in.path : in.path.substr(slash + 1);
    if (const auto scanned = scanner->scan(origin, in.bytes); !scanned)
      anomalies.add("yara-scan-failed", in.path, 0, scanned.error().message);
  }

  const RuleSet& rules_;
  const ScanPrograms& programs_;
  const HuntOptions& options_;
  Progress& progress_;
  const std::atomic<bool>& cancelled_;
  Committer committer_;
  HuntResult& result_;
  std::vector<std::string> paths_;
  std::atomic<size_t> next_file_{0};
};

}  // namespace

HuntResult hunt(const RuleSet& rules,
                const HuntOptions& options,
                Progress& progress,
                const std::atomic<bool>& cancelled) {
  HuntResult result;
  Result<std::unique_ptr<ScanPrograms>> programs = ScanPrograms::make(rules, options.use_event_ids);
  if (!programs) {
    result.errors.push_back(programs.error().message);
    return result;
  }
  Hunt(rules, **programs, options, progress, cancelled, result).run();
  return result;
}

}  // namespace postern::engine
