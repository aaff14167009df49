#include "engine/query_run.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/time.h"
#include "engine/scan_program.h"

namespace postern::engine {

using exec::Chunk;
using exec::RowStore;

namespace {

/// What an open window takes beside its groups, about.
constexpr uint64_t kWindowBytes = 4096;

// now() of a rule without a window is known at the end only.
bool depends_on_now(const plan::Op& op) {
  for (const plan::NamedExpr& i : op.items)
    if (plan::depends_on_run(*i.expr)) return true;
  if (op.predicate && plan::depends_on_run(*op.predicate)) return true;
  return std::any_of(op.inputs.begin(), op.inputs.end(),
                     [](const plan::OpPtr& input) { return depends_on_now(*input); });
}

bool keeps_nothing(const plan::Op& op) {
  switch (op.kind) {
    case plan::OpKind::kScan:
      return true;
    case plan::OpKind::kFilter:
    case plan::OpKind::kProject:
    case plan::OpKind::kExtend:
    case plan::OpKind::kExpand:
      return keeps_nothing(*op.inputs[0]);
    default:
      return false;
  }
}

/// True when the rows of the one scan flow straight into an aggregate.
bool flows_into_aggregate(const plan::Op& root) {
  const plan::Op* op = &root;
  while (op->inputs.size() == 1) {
    if (op->kind == plan::OpKind::kAggregate) return keeps_nothing(*op->inputs[0]);
    op = op->inputs[0].get();
  }
  return false;
}

/// True when the plan may give rows although no evidence does.
bool gives_rows_of_none(const plan::Op& op) {
  if (op.kind == plan::OpKind::kValues) return true;
  if (op.kind == plan::OpKind::kAggregate && op.keys.empty() && op.row_when_empty) return true;
  return std::any_of(op.inputs.begin(), op.inputs.end(),
                     [](const plan::OpPtr& input) { return gives_rows_of_none(*input); });
}

/// Findings that are merged by a key, or may be taken back, wait for the end.
bool gives_rows_at_once(const LoadedRule& rule, std::optional<int64_t> now) {
  const auto waits = [](const plan::Op* scan) { return mixes_own_and_foreign(*scan); };
  const std::vector<const plan::Op*>& scans = rule.compiled->scans();
  return !rule.lookback && (now || !depends_on_now(*rule.optimized)) && rule.key.empty() &&
         keeps_nothing(*rule.optimized) && std::none_of(scans.begin(), scans.end(), waits);
}

int64_t window_length(const LoadedRule& rule) {
  return std::max<int64_t>(*rule.lookback, kTicksPerSecond);
}

}  // namespace

QueryRun::QueryRun(const LoadedRule& rule, std::optional<int64_t> now, exec::MemoryBudget* budget)
    : rule_(rule),
      now_(now),
      budget_(budget),
      memory_(budget),
      // Rows that leave at once cannot be too many.
      rows_(gives_rows_at_once(rule, now) ? nullptr : budget),
      is_stateless_(gives_rows_at_once(rule, now)) {
  is_streaming_ = !rule.lookback && (now || !depends_on_now(*rule.optimized));
  if (is_streaming_) return;
  stores_.resize(rule.compiled->scans().size());
  has_windows_ = rule.lookback && !now && stores_.size() == 1 &&
                 kTicksPerDay % window_length(rule) == 0 && flows_into_aggregate(*rule.optimized);
}

/// Most rules of a large set see no row: theirs are never started.
exec::Run& QueryRun::run() {
  if (!run_) {
    plan::RunContext context;
    context.now_ticks = now_.value_or(0);
    run_ = exec::Run::start(rule_.compiled, context, rows_, budget_);
  }
  return *run_;
}

void QueryRun::push(size_t scan, Chunk&& chunk) {
  for (const int64_t t : chunk.times)
    last_time_ = std::max(last_time_, t);
  if (is_streaming_) return run().push(scan, std::move(chunk));
  if (has_windows_) return push_windows(chunk);
  memory_.charge(stores_[scan].add(chunk, false));
}

/// Rows without a time belong to every window, also to those that open later.
void QueryRun::push_windows(const Chunk& chunk) {
  const int64_t length = window_length(rule_);
  std::vector<uint32_t> untimed;
  std::map<int64_t, std::vector<uint32_t>> rows_of;  // by start of the window
  for (uint32_t r = 0; r < chunk.num_rows; ++r) {
    const int64_t t = chunk.times[r];
    if (t == 0) {
      untimed.push_back(r);
      continue;
    }
    const int64_t first = t / length * length;
    const int64_t second = (t + length / 2) / length * length - length / 2;
    rows_of[first].push_back(r);
    if (second != first) rows_of[second].push_back(r);
  }
  for (const auto& [from, rows] : rows_of)
    window(from);
  if (!untimed.empty())
    for (const auto& [from, open] : windows_)
      rows_of.try_emplace(from);
  std::vector<uint32_t> inside;
  for (const auto& [from, rows] : rows_of) {
    inside.clear();
    std::merge(rows.begin(), rows.end(), untimed.begin(), untimed.end(),
               std::back_inserter(inside));
    window(from).run->push(0, exec::gather(chunk, inside));
  }
  if (!untimed.empty()) memory_.charge(stores_[0].add(exec::gather(chunk, untimed)));
}

QueryRun::OpenWindow& QueryRun::window(int64_t from) {
  OpenWindow& w = windows_[from];
  if (w.run) return w;
  memory_.charge(kWindowBytes);
  plan::RunContext context;
  context.now_ticks = context.window_to = from + window_length(rule_);
  context.window_from = from;
  w.rows = std::make_unique<exec::RowCollector>(budget_);
  w.run = exec::Run::start(rule_.compiled, context, *w.rows, budget_);
  for (const Chunk& c : stores_[0].chunks()) {
    Chunk untimed = c;
    w.run->push(0, std::move(untimed));
  }
  return w;
}

uint64_t QueryRun::memory_bytes() const {
  uint64_t n = memory_.used() + rows_.memory.used() + (run_ ? run_->memory_bytes() : 0);
  for (const auto& [from, w] : windows_)
    n += w.run->memory_bytes() + w.rows->memory.used();
  return n;
}

void QueryRun::push(size_t scan, Chunk&& chunk, std::vector<std::string> hosts, bool own) {
  if (hosts.empty()) return push(scan, std::move(chunk));
  if (!own) {
    memory_.charge(exec::memory_bytes(chunk) + chunk.num_rows * sizeof(std::string));
    foreign_.push_back({scan, std::move(chunk), std::move(hosts)});
    return;
  }
  for (std::string& h : hosts)
    own_hosts_.emplace(scan, std::move(h));
  push(scan, std::move(chunk));
}

void QueryRun::add_notes(const exec::RunNotes& n) {
  for (const auto& [column, rows] : n.null_key_rows)
    notes_.null_key_rows[column] += rows;
  notes_.rows_dropped += n.rows_dropped;
  for (const auto& [name, count] : n.anomalies)
    notes_.anomalies[name] += count;
}

void QueryRun::list_rows(std::vector<std::pair<int64_t, StoredRow>>& timed,
                         std::vector<StoredRow>& untimed) const {
  for (uint32_t s = 0; s < stores_.size(); ++s) {
    uint32_t number = 0;
    for (const Chunk& c : stores_[s].chunks()) {
      for (uint32_t r = 0; r < c.num_rows; ++r)
        if (c.times[r] == 0)
          untimed.push_back({s, number, r});
        else
          timed.push_back({c.times[r], {s, number, r}});
      ++number;
    }
  }
}

void QueryRun::replay(int64_t from,
                      int64_t to,
                      const std::vector<StoredRow>& inside,
                      std::vector<ResultRow>& out) {
  plan::RunContext context;
  context.now_ticks = to;
  context.window_from = from;
  context.window_to = to;
  exec::RowCollector rows(budget_);
  const std::unique_ptr<exec::Run> run = exec::Run::start(rule_.compiled, context, rows, budget_);
  std::vector<uint32_t> of_chunk;
  for (size_t i = 0; i < inside.size();) {
    const StoredRow& first = inside[i];
    of_chunk.clear();
    for (; i < inside.size() && inside[i].scan == first.scan && inside[i].chunk == first.chunk; ++i)
      of_chunk.push_back(inside[i].row);
    run->push(first.scan, exec::gather(stores_[first.scan].chunks()[first.chunk], of_chunk));
  }
  run->finish();
  take_rows(rows, *run, from != to ? std::optional<Window>({from, to}) : std::nullopt, out);
}

void QueryRun::take_rows(exec::RowCollector& rows,
                         const exec::Run& run,
                         std::optional<Window> window,
                         std::vector<ResultRow>& out) {
  add_notes(run.notes());
  over_budget_ = over_budget_ || rows.over_budget;
  // The rows leave the collector; what they take stays charged until the results are used up.
  memory_.charge(rows.memory.used());
  rows.memory.release();
  for (size_t i = 0; i < rows.rows.size(); ++i)
    out.push_back({std::move(rows.rows[i]), rows.times[i], std::move(rows.refs[i]), window});
}

namespace {

std::string row_key(const ResultRow& r) {
  std::string key;
  for (const data::Value& v : r.values)
    key += v.json() + '\x1f';
  return key;
}

// Keeps one of equal rows, and no row whose evidence is all part of another window's row.
std::vector<ResultRow> merge_windows(std::vector<ResultRow> rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const ResultRow& a, const ResultRow& b) {
    return a.refs.size() > b.refs.size();
  });
  std::vector<ResultRow> out;
  std::set<std::string> seen;
  std::unordered_map<uint32_t, std::vector<size_t>> by_ref;
  for (ResultRow& r : rows) {
    if (!seen.insert(row_key(r)).second) continue;
    std::sort(r.refs.begin(), r.refs.end());
    bool part = false;
    if (!r.refs.empty()) {
      for (const size_t other : by_ref[r.refs[0]]) {
        const ResultRow& o = out[other];
        const bool other_window = o.window && r.window && o.window->from != r.window->from;
        part = part || (other_window &&
                        std::includes(o.refs.begin(), o.refs.end(), r.refs.begin(), r.refs.end()));
      }
    }
    if (part) continue;
    for (const uint32_t ref : r.refs)
      by_ref[ref].push_back(out.size());
    out.push_back(std::move(r));
  }
  return out;
}

}  // namespace

std::vector<ResultRow> QueryRun::take_ready() {
  std::vector<ResultRow> out;
  if (!is_stateless_) return out;
  for (size_t i = 0; i < rows_.rows.size(); ++i)
    out.push_back(
        {std::move(rows_.rows[i]), rows_.times[i], std::move(rows_.refs[i]), std::nullopt});
  rows_.rows.clear();
  rows_.times.clear();
  rows_.refs.clear();
  rows_.memory.release();
  return out;
}

std::vector<ResultRow> QueryRun::finish() {
  for (Foreign& f : foreign_) {
    std::vector<uint32_t> kept;
    for (uint32_t r = 0; r < f.chunk.num_rows; ++r)
      if (f.hosts[r].empty() || !own_hosts_.count({f.scan, f.hosts[r]})) kept.push_back(r);
    if (!kept.empty()) push(f.scan, exec::gather(f.chunk, kept));
  }
  foreign_.clear();
  std::vector<ResultRow> out;
  if (is_streaming_) {
    if (!run_ && !gives_rows_of_none(*rule_.optimized)) return out;
    run().finish();
    take_rows(rows_, *run_, std::nullopt, out);
    return out;
  }
  if (!windows_.empty()) {
    for (auto& [from, w] : windows_) {
      w.run->finish();
      take_rows(*w.rows, *w.run, Window{from, from + window_length(rule_)}, out);
      w = {};
    }
    windows_.clear();
    return merge_windows(std::move(out));
  }
  std::vector<std::pair<int64_t, StoredRow>> timed;
  std::vector<StoredRow> untimed;
  list_rows(timed, untimed);
  if (now_ || !rule_.lookback || timed.empty()) {
    std::vector<StoredRow> all = std::move(untimed);
    for (const auto& [time, row] : timed)
      all.push_back(row);
    std::sort(all.begin(), all.end());
    if (all.empty() && !gives_rows_of_none(*rule_.optimized)) return out;
    const int64_t at = now_ || !rule_.lookback ? now_.value_or(last_time_ + 1) : 0;
    replay(at, at, all, out);
    return out;
  }
  const int64_t length = window_length(rule_);
  int64_t first = timed.front().first;
  for (const auto& [time, row] : timed)
    first = std::min(first, time);
  const int64_t midnight = first - first % kTicksPerDay;
  // Only windows that hold a row are run: evidence may have gaps of years.
  std::map<int64_t, std::vector<StoredRow>> windows;  // by their start
  for (const auto& [time, row] : timed) {
    const auto start = [&, t = time](int64_t shift) {
      return midnight - shift + (t - midnight + shift) / length * length;
    };
    windows[start(0)].push_back(row);
    if (start(length / 2) != start(0)) windows[start(length / 2)].push_back(row);
  }
  std::vector<StoredRow> inside;
  for (const auto& [from, rows] : windows) {
    inside.clear();
    std::merge(rows.begin(), rows.end(), untimed.begin(), untimed.end(),
               std::back_inserter(inside));
    replay(from, from + length, inside, out);
  }
  return merge_windows(std::move(out));
}

}  // namespace postern::engine
