#include "engine/hunt.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <sys/stat.h>

#include "base/file.h"
#include "engine/committer.h"
#include "engine/evidence.h"
#include "engine/file_worker.h"
#include "engine/finding_store.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

/// A file, or a slice of one, for one worker. Numbers follow the order of the evidence.
struct Unit {
  size_t number = 0;
  size_t path = 0;                // index of the paths of the hunt
  std::shared_ptr<CutFile> file;  // null: all of the file
  input::Slice slice;
  bool is_first = true;  // of its file
};

/// The part of the limit in which findings are sorted.
uint64_t findings_memory(uint64_t limit) {
  return std::min(FindingStore::kMemoryBytes, limit / 8);
}

/// The part of the limit for what filters remember.
uint64_t memos_memory(uint64_t limit) {
  constexpr uint64_t kMost = uint64_t{512} << 20;
  return std::min(kMost, limit / 4);
}

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
        findings_(
            std::make_shared<FindingStore>(options.sorted, findings_memory(options.memory_limit))),
        committer_(rules,
                   options,
                   options.memory_limit - findings_memory(options.memory_limit) -
                       memos_memory(options.memory_limit),
                   *findings_,
                   result,
                   progress,
                   cancelled),
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
    committer_.finish(options_.threads);
    take_findings();
    if (options_.profile)
      result_.profile = profile_of(rules_, programs_, committer_.query_seconds());
    result_.cancelled = cancelled_;
    result_.bytes = result_.cancelled
                        ? std::min(progress_.bytes_done.load(), progress_.bytes_total.load())
                        : progress_.bytes_total.load();
  }

 private:
  /// No more than there can be units.
  size_t num_threads() const {
    const uint64_t slices = progress_.bytes_total / options_.slice_bytes;
    return std::max<size_t>(1, std::min<size_t>(options_.threads, paths_.size() + slices));
  }

  /// From here on nothing is added to the findings.
  void take_findings() {
    findings_->seal();
    result_.memory.findings = findings_memory(options_.memory_limit);
    result_.memory.findings_in_file = findings_->bytes_in_file();
    if (findings_->write_error())
      result_.errors.push_back("findings: " + std::to_string(findings_->num_lost()) +
                               " are left out, for there are more than fit into memory, and " +
                               findings_->write_error()->message);
    result_.findings = FindingList(findings_);
  }

  void work() {
    Unit unit;
    while (next_unit(unit)) {
      committer_.wait_for_room(unit.number);
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
    if (next_path_ == paths_.size() || cancelled_) return false;
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
      flushed += committer_.flush(number, box);
    };
  }

  // The formats that are cut have no contents for content rules.
  void one_slice(const Unit& unit) {
    const CutFile& file = *unit.file;
    UnitReport report;
    report.is_first = unit.is_first;
    report.summary = {paths_[unit.path], std::string(file.format->name), file.input.bytes.size(),
                      0};
    uint64_t flushed = 0;
    FindingWriter findings(*findings_, unit.number, &progress_.findings);
    FileWorker worker(programs_, options_, cancelled_, findings, flush_of(unit, flushed));
    worker.set_path(file.input.path);
    input::DecodeContext context{
        programs_.layouts(),   worker,     report.anomalies, nullptr, &cancelled_,
        &progress_.bytes_done, &unit.slice};
    if (!cancelled_) file.format->decode(file.input, context);
    file.input.file->release(unit.slice.begin, unit.slice.end);
    report.summary.events = flushed + worker.outbox().num_events;
    committer_.done(unit.number, std::move(worker.outbox()), std::move(report));
  }

  void one_file(const Unit& unit) {
    const std::string& path = paths_[unit.path];
    UnitReport report;
    report.is_first = unit.is_first;
    FileSummary& summary = report.summary;
    summary = {path, "", file_size(path), 0};
    data::Anomalies& anomalies = report.anomalies;
    const OpenOptions open{&progress_.bytes_done, &cancelled_, options_.carve};
    uint64_t flushed = 0;
    FindingWriter findings(*findings_, unit.number, &progress_.findings);
    FileWorker worker(programs_, options_, cancelled_, findings, flush_of(unit, flushed));
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
      open_evidence(path, open, anomalies, report.errors,
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
    report.is_interrupted = cancelled_ && summary.format.empty();
    committer_.done(unit.number, std::move(worker.outbox()), std::move(report));
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
  std::shared_ptr<FindingStore> findings_;
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
  (*programs)->limit_batches(options.batch_rows);
  const auto memos = std::make_shared<exec::MemoBudget>(memos_memory(options.memory_limit));
  (*programs)->limit_memos(memos);
  Hunt(rules, **programs, options, progress, cancelled, result).run();
  result.memory.memos = memos->limit();
  result.memory.memos_peak = memos->peak();
  return result;
}

}  // namespace postern::engine
