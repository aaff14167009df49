#include "engine/hunt.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "base/file.h"
#include "engine/evidence.h"
#include "engine/file_worker.h"
#include "engine/origin_store.h"
#include "engine/query_run.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

/// Memory that finished work may take while it waits for its turn.
constexpr uint64_t kMaxWaitingBytes = uint64_t{48} << 20;

/// A file, or a slice of one, for one worker. Numbers follow the order of the evidence.
struct Unit {
  size_t number = 0;
  size_t path = 0;                // index of the paths of the hunt
  std::shared_ptr<CutFile> file;  // null: all of the file
  input::Slice slice;
  bool is_first = true;  // of its file
};

/// Takes outboxes in the order of units: query rules see their rows as if one thread had read all
/// the evidence.
class Committer {
 public:
  Committer(const RuleSet& rules,
            const HuntOptions& options,
            HuntResult& result,
            Progress& progress)
      : rules_(rules),
        result_(result),
        progress_(progress),
        sorted_(options.sorted),
        budget_(options.memory_limit) {
    runs_.resize(rules.rules().size());
    if (options.profile) query_seconds_.resize(runs_.size());
    for (size_t i = 0; i < rules.rules().size(); ++i) {
      const LoadedRule& r = rules.rules()[i];
      if (r.silent) continue;
      if (r.compiled && !reports_event(r))
        runs_[i] = std::make_unique<QueryRun>(r, options.now, &budget_);
    }
  }

  /// Takes part of a unit's outbox while it is that unit's turn; before that, an outbox that has
  /// grown large waits for it. Returns the events taken.
  uint64_t flush(size_t unit, Outbox& box, const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    if (box.bytes > kMaxWaitingBytes) wait(lock, cancelled, [&] { return next_ == unit; });
    if (next_ != unit) return 0;
    const uint64_t events = box.num_events;
    take(box);
    return events;
  }

  void done(const Unit& unit,
            Outbox&& box,
            FileSummary summary,
            const data::Anomalies& anomalies,
            const std::vector<std::string>& errors) {
    const std::lock_guard lock(mutex_);
    waiting_bytes_ += box.bytes;
    waiting_.emplace(unit.number,
                     Waiting{std::move(box), std::move(summary), unit.is_first, anomalies, errors});
    for (auto it = waiting_.find(next_); it != waiting_.end(); it = waiting_.find(next_)) {
      Waiting& w = it->second;
      waiting_bytes_ -= w.box.bytes;
      take(w.box);
      result_.anomalies.merge(w.anomalies);
      result_.errors.insert(result_.errors.end(), w.errors.begin(), w.errors.end());
      if (w.is_first) {
        result_.files.push_back(std::move(w.summary));
      } else {
        result_.files.back().events += w.summary.events;
      }
      waiting_.erase(it);
      ++next_;
    }
    turn_.notify_all();
  }

  /// Returns when little enough waits for its turn that `unit` may begin. The unit whose turn it is
  /// never waits, so somebody always goes on.
  void wait_for_room(size_t unit, const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    wait(lock, cancelled, [&] { return next_ == unit || waiting_bytes_ <= kMaxWaitingBytes; });
  }

  const std::vector<double>& query_seconds() const { return query_seconds_; }

  /// All files are in: query rules give their rows.
  void finish() {
    if (const auto sealed = origins_.seal(); !sealed)
      result_.errors.push_back("findings of queries do not say where they are: " +
                               sealed.error().message);
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (!runs_[i]) continue;
      const LoadedRule& rule = rules_.rules()[i];
      result_.memory.rules.emplace_back(&rule, runs_[i]->memory_bytes());
      std::vector<ResultRow> rows;
      {
        const QueryClock clock = clock_of(i);
        rows = runs_[i]->finish();
      }
      if (runs_[i]->over_budget()) {
        stop(i);
        continue;
      }
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
    result_.memory.limit = budget_.limit();
    result_.memory.peak = budget_.peak();
    std::stable_sort(result_.memory.rules.begin(), result_.memory.rules.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    if (sorted_) std::stable_sort(result_.findings.begin(), result_.findings.end(), before);
  }

 private:
  struct Waiting {
    Outbox box;
    FileSummary summary;
    bool is_first;
    data::Anomalies anomalies;
    std::vector<std::string> errors;
  };

  /// Adds the time until its end to what a rule's query took.
  class QueryClock {
   public:
    explicit QueryClock(double* seconds) : seconds_(seconds) {
      if (seconds_) begin_ = Clock::now();
    }

    QueryClock(const QueryClock&) = delete;
    QueryClock& operator=(const QueryClock&) = delete;

    ~QueryClock() {
      if (seconds_) *seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count();
    }

   private:
    using Clock = std::chrono::steady_clock;
    double* seconds_;
    Clock::time_point begin_;
  };

  QueryClock clock_of(size_t rule) {
    return QueryClock(query_seconds_.empty() ? nullptr : &query_seconds_[rule]);
  }

  /// Also wakes up now and then to see whether the run was cancelled: a signal tells nobody.
  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock,
            const std::atomic<bool>& cancelled,
            const Ready& ready) {
    while (!ready() && !cancelled)
      turn_.wait_for(lock, std::chrono::milliseconds(200));
  }

  void take(Outbox& box) {
    const std::optional<uint32_t> base = take_origins(box);
    box.bytes = 0;
    for (PassedRows& p : box.rows) {
      if (!base) p.chunk.refs = exec::RowRefs{std::vector<uint32_t>(p.chunk.num_rows + 1, 0), {}};
      for (uint32_t& id : p.chunk.refs.ids)
        id += *base;
      if (!runs_[p.rule_index]) continue;
      {
        const QueryClock clock = clock_of(p.rule_index);
        runs_[p.rule_index]->push(p.scan, std::move(p.chunk), std::move(p.hosts), p.own);
      }
      while (budget_.exceeded() && stop_largest()) {
      }
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

  /// The id of the first row of the outbox; nothing when there are no ids left: the rows count, but
  /// have no place.
  std::optional<uint32_t> take_origins(Outbox& box) {
    const std::optional<uint32_t> base = origins_.reserve(box.refs.size());
    if (base) {
      std::vector<uint32_t> numbers;
      for (RowSource& s : box.sources)
        numbers.push_back(origins_.source(std::move(s)));
      for (RowOrigin& r : box.refs) {
        r.source = numbers[r.source];
        origins_.add(r);
      }
    } else if (!told_of_no_ids_) {
      told_of_no_ids_ = true;
      result_.errors.push_back("evidence-limit: queries kept " + std::to_string(origins_.size()) +
                               " rows; those behind them are counted, but findings do not say "
                               "where they are");
    }
    box.sources.clear();
    box.refs.clear();
    return base;
  }

  /// Stops the rule that keeps most; false when none keeps anything.
  bool stop_largest() {
    size_t largest = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < runs_.size(); ++i) {
      const uint64_t bytes = runs_[i] ? runs_[i]->memory_bytes() : 0;
      if (bytes > most) most = bytes, largest = i;
    }
    if (most > 0) stop(largest);
    return most > 0;
  }

  /// A part of its rows would be a wrong answer, so a rule that is stopped gives none.
  void stop(size_t i) {
    const plan::RuleInfo& rule = rules_.rules()[i].rule.info;
    constexpr uint64_t kMega = 1'000'000;
    result_.errors.push_back(
        "memory-limit: rule `" + rule.title + "` is stopped and gives no results: it kept " +
        std::to_string(runs_[i]->memory_bytes() / kMega) + " MB when all rules together exceeded " +
        std::to_string(budget_.limit() / kMega) + " MB; narrow it, or raise --memory-limit");
    runs_[i].reset();
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
      for (const uint32_t id : ids) {
        const std::optional<RowOrigin> at = origins_.find(id);
        if (!at) continue;
        const RowSource& source = origins_.source(at->source);
        f.evidence.push_back({source.table, source.path, at->offset, at->record});
      }
      name_entities(f);
      if (!rule.key.empty()) {
        // The same thing seen by two sensors is one finding with the evidence of both.
        const auto [it, added] = by_key.emplace(key, result_.findings.size());
        if (!added) {
          Finding& first = result_.findings[it->second];
          for (EvidenceRef& e : f.evidence)
            if (std::find(first.evidence.begin(), first.evidence.end(), e) == first.evidence.end())
              first.evidence.push_back(std::move(e));
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
  exec::MemoryBudget budget_;
  std::mutex mutex_;
  std::condition_variable turn_;
  size_t next_ = 0;
  std::map<size_t, Waiting> waiting_;
  uint64_t waiting_bytes_ = 0;
  std::vector<std::unique_ptr<QueryRun>> runs_;
  std::vector<double> query_seconds_;  // by rule, when profiling
  OriginStore origins_;                // of rows that queries keep, by evidence id
  bool told_of_no_ids_ = false;
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
      paths_.push_back(i < options_.feed_names.size() ? options_.feed_names[i] : feed_path(i));
    const std::vector<std::string> files = expand_evidence(options_.evidence, result_.errors);
    paths_.insert(paths_.end(), files.begin(), files.end());
    for (const std::string& p : paths_)
      progress_.bytes_total += file_size(p);
    const size_t threads = num_threads();
    std::vector<std::thread> pool;
    for (size_t i = 1; i < threads; ++i)
      pool.emplace_back([this] { work(); });
    work();
    for (std::thread& t : pool)
      t.join();
    committer_.finish();
    if (options_.profile)
      result_.profile = profile_of(rules_, programs_, committer_.query_seconds());
    result_.bytes = progress_.bytes_total;
    result_.cancelled = cancelled_;
  }

 private:
  /// No more than there can be units.
  size_t num_threads() const {
    const uint64_t slices = progress_.bytes_total / options_.slice_bytes;
    return std::max<size_t>(1, std::min<size_t>(options_.threads, paths_.size() + slices));
  }

  void work() {
    Unit unit;
    while (next_unit(unit)) {
      committer_.wait_for_room(unit.number, cancelled_);
      if (unit.file)
        one_slice(unit);
      else
        one_file(unit);
    }
  }

  /// Units are handed out in order: all slices of a file, then the next file. Cutting is part of
  /// it, because where a slice of text ends, and what its header is, is known only from those
  /// before.
  bool next_unit(Unit& unit) {
    const std::lock_guard lock(units_mutex_);
    unit.number = num_units_++;
    if (cut_ && !cancelled_ && cut_->cutter->next(unit.slice)) {
      unit.path = next_path_ - 1;
      unit.file = cut_;
      unit.is_first = false;
      return true;
    }
    cut_.reset();
    if (next_path_ == paths_.size()) return false;
    unit.path = next_path_++;
    unit.file.reset();
    unit.is_first = true;
    // Carving looks across the places where slices would meet.
    if (unit.path >= options_.feeds.size() && !cancelled_ && !options_.carve)
      cut_ = cut_evidence(paths_[unit.path], options_.slice_bytes);
    if (cut_ && cut_->cutter->next(unit.slice))
      unit.file = cut_;
    else
      cut_.reset();
    return true;
  }

  FileWorker::Flush flush_of(const Unit& unit, uint64_t& flushed) {
    return [this, number = unit.number, &flushed](Outbox& box) {
      flushed += committer_.flush(number, box, cancelled_);
    };
  }

  // The formats that are cut have no contents for content rules.
  void one_slice(const Unit& unit) {
    const CutFile& file = *unit.file;
    FileSummary summary{paths_[unit.path], std::string(file.format->name), file.input.bytes.size(),
                        0};
    data::Anomalies anomalies;
    uint64_t flushed = 0;
    FileWorker worker(programs_, options_, cancelled_, flush_of(unit, flushed));
    worker.set_path(file.input.path);
    input::DecodeContext context{programs_.layouts(),   worker,     anomalies, nullptr, &cancelled_,
                                 &progress_.bytes_done, &unit.slice};
    if (!cancelled_) file.format->decode(file.input, context);
    file.input.file->release(unit.slice.begin, unit.slice.end);
    summary.events = flushed + worker.outbox().num_events;
    committer_.done(unit, std::move(worker.outbox()), std::move(summary), anomalies, {});
  }

  void one_file(const Unit& unit) {
    const std::string& path = paths_[unit.path];
    FileSummary summary{path, "", file_size(path), 0};
    data::Anomalies anomalies;
    std::vector<std::string> errors;
    const OpenOptions open{&progress_.bytes_done, &cancelled_, options_.carve};
    uint64_t flushed = 0;
    FileWorker worker(programs_, options_, cancelled_, flush_of(unit, flushed));
    std::unique_ptr<match::ContentScanner> scanner;
    if (rules_.yara() && !rules_.yara()->rules().empty())
      scanner = rules_.yara()->scanner(
          [&](const match::ContentOrigin& origin, const match::ContentHit& hit) {
            worker.content_hit(*rules_.yara_rules()[hit.rule], origin, hit);
          });
    if (unit.path < options_.feeds.size()) {
      worker.set_path(path);
      summary.format = "feed";
      input::DecodeContext context{programs_.layouts(), worker,      anomalies,
                                   scanner.get(),       &cancelled_, nullptr};
      options_.feeds[unit.path](context);
    } else if (!cancelled_)
      open_evidence(path, open, anomalies, errors,
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
    committer_.done(unit, std::move(worker.outbox()), std::move(summary), anomalies, errors);
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
  std::mutex units_mutex_;
  size_t num_units_ = 0;
  size_t next_path_ = 0;
  std::shared_ptr<CutFile> cut_;  // whose slices are being handed out
};

}  // namespace

HuntResult hunt(const RuleSet& rules,
                const HuntOptions& options,
                Progress& progress,
                const std::atomic<bool>& cancelled) {
  HuntResult result;
  Result<std::unique_ptr<ScanPrograms>> programs =
      ScanPrograms::make(rules, options.use_event_ids, options.share_filters);
  if (!programs) {
    result.errors.push_back(programs.error().message);
    return result;
  }
  Hunt(rules, **programs, options, progress, cancelled, result).run();
  return result;
}

}  // namespace postern::engine
