#include "engine/committer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/scoped_seconds.h"
#include "engine/query_finisher.h"

namespace postern::engine {
namespace {

/// Memory that finished work may take while it waits for its turn.
constexpr uint64_t kMaxWaitingBytes = uint64_t{48} << 20;

/// Findings of queries come behind those of all units, rule by rule.
constexpr uint64_t kQueryUnits = uint64_t{1} << 63;

}  // namespace

/// Where the seconds of a rule's query are summed; null: nowhere.
double* Committer::seconds_of(size_t rule) {
  return query_seconds_.empty() ? nullptr : &query_seconds_[rule];
}

Committer::Committer(const RuleSet& rules,
                     const HuntOptions& options,
                     uint64_t budget,
                     FindingStore& findings,
                     HuntResult& result,
                     Progress& progress,
                     const std::atomic<bool>& cancelled)
    : rules_(rules),
      options_(options),
      result_(result),
      progress_(progress),
      cancelled_(cancelled),
      budget_(budget),
      findings_(findings, kQueryUnits, &progress.findings) {
  runs_.resize(rules.rules().size());
  makers_.resize(runs_.size());
  is_open_.resize(runs_.size());
  if (options.profile) query_seconds_.resize(runs_.size());
  for (size_t i = 0; i < rules.rules().size(); ++i) {
    const LoadedRule& r = rules.rules()[i];
    is_open_[i] = !r.silent && r.compiled && !reports_event(r);
  }
}

/// Most rules of a large set see no row.
QueryRun& Committer::run_of(size_t rule) {
  std::unique_ptr<QueryRun>& run = runs_[rule];
  if (!run) run = std::make_unique<QueryRun>(rules_.rules()[rule], options_.now, &budget_);
  return *run;
}

/// Also wakes up now and then to see whether the run was cancelled: a signal tells nobody.
template <class Ready>
void Committer::wait(std::unique_lock<std::mutex>& lock, const Ready& ready) {
  while (!ready() && !cancelled_)
    turn_.wait_for(lock, std::chrono::milliseconds(200));
}

uint64_t Committer::flush(size_t unit, Outbox& box) {
  std::unique_lock lock(mutex_);
  const auto is_turn = [&] { return next_ == unit && !is_taking_; };
  if (box.bytes > kMaxWaitingBytes) wait(lock, is_turn);
  if (!is_turn()) return 0;
  const uint64_t events = box.num_events;
  is_taking_ = true;
  lock.unlock();
  take(box);
  lock.lock();
  is_taking_ = false;
  turn_.notify_all();
  return events;
}

void Committer::wait_for_room(size_t unit) {
  std::unique_lock lock(mutex_);
  wait(lock, [&] { return next_ == unit || waiting_bytes_ <= kMaxWaitingBytes; });
}

void Committer::done(size_t unit, Outbox&& box, UnitReport&& report) {
  std::unique_lock lock(mutex_);
  waiting_bytes_ += box.bytes;
  waiting_.emplace(unit, Waiting{std::move(box), std::move(report)});
  // Whoever is taking comes to it; nobody stands by meanwhile.
  if (is_taking_) return;
  is_taking_ = true;
  for (auto it = waiting_.find(next_); it != waiting_.end(); it = waiting_.find(next_)) {
    Waiting taken = std::move(it->second);
    waiting_.erase(it);
    const uint64_t bytes = taken.box.bytes;
    lock.unlock();
    take(taken.box);
    take_report(taken.report);
    lock.lock();
    waiting_bytes_ -= bytes;
    ++next_;
    turn_.notify_all();
  }
  is_taking_ = false;
  turn_.notify_all();
}

void Committer::take_report(UnitReport& report) {
  result_.anomalies.merge(report.anomalies);
  result_.errors.insert(result_.errors.end(), report.errors.begin(), report.errors.end());
  if (report.is_interrupted) return;
  if (report.is_first)
    result_.files.push_back(std::move(report.summary));
  else
    result_.files.back().events += report.summary.events;
}

void Committer::take(Outbox& box) {
  const std::optional<uint32_t> base = take_origins(box);
  fresh_ = base ? &box.refs : nullptr;
  first_fresh_ = base.value_or(0);
  box.bytes = 0;
  for (PassedRows& p : box.rows) {
    if (!base) p.chunk.refs = exec::RowRefs{std::vector<uint32_t>(p.chunk.num_rows + 1, 0), {}};
    for (uint32_t& id : p.chunk.refs.ids)
      id += *base;
    if (!is_open_[p.rule_index]) continue;
    QueryResults ready;
    {
      const ScopedSeconds clock(seconds_of(p.rule_index));
      QueryRun& run = run_of(p.rule_index);
      run.push(p.scan, std::move(p.chunk), p.hosts, p.own);
      ready = run.take_ready();
    }
    if (!ready.empty()) add_findings(p.rule_index, ready);
    while (budget_.exceeded() && stop_largest()) {
    }
  }
  fresh_ = nullptr;
  box.rows.clear();
  box.sources.clear();
  box.refs.clear();
  for (const auto& [table, ids] : box.events)
    for (const auto& [id, n] : ids)
      events_[table][id] += n;
  box.events.clear();
  progress_.events += box.num_events;
  box.num_events = 0;
}

/// The id of the first row of the outbox; nothing when there are no ids left: the rows count, but
/// have no place.
std::optional<uint32_t> Committer::take_origins(Outbox& box) {
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
  return base;
}

/// Stops the rule that keeps most; false when none keeps anything.
bool Committer::stop_largest() {
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
void Committer::stop(size_t rule) {
  constexpr uint64_t kMega = 1'000'000;
  result_.errors.push_back("memory-limit: rule `" + rules_.rules()[rule].rule.info.title +
                           "` is stopped and gives no results: it kept " +
                           std::to_string(runs_[rule]->memory_bytes() / kMega) +
                           " MB when all rules together exceeded " +
                           std::to_string(budget_.limit() / kMega) +
                           " MB; narrow it, or raise --memory-limit");
  runs_[rule].reset();
  is_open_[rule] = false;
}

void Committer::finish(size_t threads) {
  if (const auto sealed = origins_.seal(); !sealed)
    result_.errors.push_back("findings of queries do not say where they are: " +
                             sealed.error().message);
  finish_queries(threads);
  findings_.flush();
  for (const LoadedRule& r : rules_.rules())
    if (!r.requirements.empty()) result_.coverage.push_back(coverage(r));
  for (auto& [table, ids] : events_)
    for (const auto& [id, n] : ids)
      result_.events[table] += n;
  result_.memory.limit = budget_.limit();
  result_.memory.peak = budget_.peak();
  std::stable_sort(result_.memory.rules.begin(), result_.memory.rules.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

void Committer::finish_queries(size_t threads) {
  std::vector<size_t> rules;
  std::vector<QueryRun*> runs;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (!runs_[i] && !(is_open_[i] && rules_.rules()[i].compiled->gives_rows_of_none())) continue;
    rules.push_back(i);
    runs.push_back(&run_of(i));
    result_.memory.rules.emplace_back(&rules_.rules()[i], runs.back()->memory_bytes());
  }
  const auto finish = [&](size_t k) {
    const ScopedSeconds clock(seconds_of(rules[k]));
    return runs[k]->finish();
  };
  const auto take = [&](size_t k, QueryResults&& results) { take_results(rules[k], results); };
  QueryFinisher(runs, budget_, finish, take).run(threads);
}

/// Of a query that has come to its end.
void Committer::take_results(size_t rule, const QueryResults& results) {
  const QueryRun& run = *runs_[rule];
  const LoadedRule& loaded = rules_.rules()[rule];
  if (run.over_budget()) return stop(rule);
  if (run.notes().rows_dropped > 0) result_.notes[&loaded] = run.notes();
  for (const auto& [name, count] : run.notes().anomalies)
    result_.anomalies.add(name, loaded.rule.info.path, 0, loaded.rule.info.title, count);
  add_findings(rule, results);
  runs_[rule].reset();
}

void Committer::put_evidence(const exec::RowRefs& refs, uint32_t row, Finding& f) {
  ids_.assign(refs.ids.begin() + refs.begin[row], refs.ids.begin() + refs.begin[row + 1]);
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  f.evidence.resize(ids_.size());  // whose texts keep their room
  size_t n = 0;
  for (const uint32_t id : ids_) {
    const bool is_fresh = fresh_ && id >= first_fresh_ && id - first_fresh_ < fresh_->size();
    const std::optional<RowOrigin> at = is_fresh ? (*fresh_)[id - first_fresh_] : origins_.find(id);
    if (!at) continue;
    const RowSource& source = origins_.source(at->source);
    EvidenceRef& e = f.evidence[n++];
    e.table = source.table;
    e.path = source.path;
    e.offset = at->offset;
    e.record = at->record;
  }
  f.evidence.resize(n);
}

void Committer::add_findings(size_t rule, const QueryResults& results) {
  const LoadedRule& loaded = rules_.rules()[rule];
  if (results.empty() || !is_wanted(options_, loaded)) return;
  findings_.set_unit(kQueryUnits + rule);
  std::unique_ptr<FindingMaker>& maker = makers_[rule];
  if (!maker) maker = std::make_unique<FindingMaker>(loaded);
  std::map<std::string, size_t> by_key;
  std::vector<Finding> merged;
  for (const QueryResults::Row& r : results.rows) {
    const exec::Chunk& chunk = results.chunks[r.chunk];
    Finding& f = maker->make(chunk, r.row, results.window_of(r));
    put_evidence(chunk.refs, r.row, f);
    if (loaded.key.empty()) {
      findings_.add(f);
      continue;
    }
    // The same thing seen by two sensors is one finding with the evidence of both.
    const auto [it, added] = by_key.emplace(maker->key(chunk, r.row), merged.size());
    if (added) {
      merged.push_back(f);
      continue;
    }
    Finding& first = merged[it->second];
    for (EvidenceRef& e : f.evidence)
      if (std::find(first.evidence.begin(), first.evidence.end(), e) == first.evidence.end())
        first.evidence.push_back(e);
    first.time = first.time == 0 ? f.time : f.time == 0 ? first.time : std::min(first.time, f.time);
  }
  for (const Finding& f : merged)
    findings_.add(f);
}

Coverage Committer::coverage(const LoadedRule& rule) const {
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

}  // namespace postern::engine
