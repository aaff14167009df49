#include "engine/query_run.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/time.h"
#include "engine/now_filters.h"
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

/// True when each result row is known when its row has come.
bool passes_rows_on(const plan::Op& op) {
  switch (op.kind) {
    case plan::OpKind::kUnion:
      return std::all_of(op.inputs.begin(), op.inputs.end(),
                         [](const plan::OpPtr& input) { return passes_rows_on(*input); });
    case plan::OpKind::kFilter:
    case plan::OpKind::kProject:
    case plan::OpKind::kExtend:
    case plan::OpKind::kExpand:
    case plan::OpKind::kApply:  // what it keeps of a row goes with the row
      return passes_rows_on(*op.inputs[0]);
    default:
      return op.kind == plan::OpKind::kScan;
  }
}

/// Findings that are merged by a key, or may be taken back, wait for the end.
bool gives_rows_at_once(const LoadedRule& rule, std::optional<int64_t> now) {
  const auto waits = [](const plan::Op* scan) { return mixes_own_and_foreign(*scan); };
  const std::vector<const plan::Op*>& scans = rule.compiled->scans();
  return !rule.lookback && (now || !depends_on_now(*rule.optimized)) && rule.key.empty() &&
         passes_rows_on(*rule.optimized) && std::none_of(scans.begin(), scans.end(), waits);
}

int64_t window_length(const LoadedRule& rule) {
  return std::max<int64_t>(*rule.lookback, kTicksPerSecond);
}

}  // namespace

QueryRun::QueryRun(const LoadedRule& rule, std::optional<int64_t> now, exec::MemoryBudget* budget)
    : rule_(rule),
      now_(now),
      budget_(budget ? std::make_unique<exec::MemoryBudget>(*budget) : nullptr),
      memory_(budget_.get()),
      // Rows that leave at once cannot be too many.
      rows_(gives_rows_at_once(rule, now) ? nullptr : budget_.get()),
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
    run_ = exec::Run::start(rule_.compiled, context, rows_, budget_.get());
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
    window(from).push(0, exec::gather(chunk, inside));
  }
  if (!untimed.empty()) memory_.charge(stores_[0].add(exec::gather(chunk, untimed)));
}

exec::Run& QueryRun::window(int64_t from) {
  std::unique_ptr<exec::Run>& run = windows_[from];
  if (run) return *run;
  memory_.charge(kWindowBytes);
  plan::RunContext context;
  context.now_ticks = context.window_to = from + window_length(rule_);
  context.window_from = from;
  run = exec::Run::start(rule_.compiled, context, rows_, budget_.get());
  for (const Chunk& c : stores_[0].chunks()) {
    Chunk untimed = c;
    run->push(0, std::move(untimed));
  }
  return *run;
}

uint64_t QueryRun::memory_bytes() const {
  uint64_t n = memory_.used() + rows_.memory.used() + (run_ ? run_->memory_bytes() : 0);
  for (const auto& [from, run] : windows_)
    n += run->memory_bytes();
  return n;
}

void QueryRun::push(size_t scan, Chunk&& chunk, const HostsOfRows& hosts, bool own) {
  if (!hosts) return push(scan, std::move(chunk));
  if (!own) {
    memory_.charge(exec::memory_bytes(chunk) + chunk.num_rows * sizeof(std::string));
    foreign_.push_back({scan, std::move(chunk), hosts});
    return;
  }
  own_hosts_.resize(std::max(own_hosts_.size(), scan + 1));
  for (const std::string& h : *hosts)
    own_hosts_[scan].insert(h);
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

/// Calls `f` with the scan, the chunk and the numbers of the rows that come from one chunk.
template <class F>
void QueryRun::each_chunk(const std::vector<StoredRow>& rows, const F& f) const {
  std::vector<uint32_t> of_chunk;
  for (size_t i = 0; i < rows.size();) {
    const StoredRow& first = rows[i];
    of_chunk.clear();
    for (; i < rows.size() && rows[i].scan == first.scan && rows[i].chunk == first.chunk; ++i)
      of_chunk.push_back(rows[i].row);
    f(first.scan, stores_[first.scan].chunks()[first.chunk], of_chunk);
  }
}

void QueryRun::replay(const plan::RunContext& context,
                      const std::vector<StoredRow>& inside,
                      std::optional<Window> window,
                      QueryResults& out) {
  const std::unique_ptr<exec::Run> run =
      exec::Run::start(rule_.compiled, context, rows_, budget_.get());
  each_chunk(inside, [&](size_t scan, const Chunk& chunk, const std::vector<uint32_t>& rows) {
    const bool whole = rows.size() == chunk.num_rows;  // they ascend
    run->push(scan, whole ? Chunk(chunk) : exec::gather(chunk, rows));
  });
  finish_run(*run, window, out);
  if (window) last_notes_ = run->notes();
}

/// True when the rows of the last window give nothing new as of another time.
bool QueryRun::repeats(const plan::RunContext& last,
                       const plan::RunContext& context,
                       const std::vector<StoredRow>& rows) {
  if (!looked_for_now_) now_filters_ = NowFilters::of(*rule_.optimized);
  looked_for_now_ = true;
  if (!now_filters_) return false;
  bool agree = true;
  each_chunk(rows, [&](size_t scan, const Chunk& chunk, const std::vector<uint32_t>& some) {
    agree = agree && now_filters_->agree(scan, chunk, some, last, context);
  });
  return agree;
}

/// The rows that the run has not given yet are those of the window.
void QueryRun::finish_run(exec::Run& run, std::optional<Window> window, QueryResults& out) {
  run.finish();
  add_notes(run.notes());
  if (window) out.windows.push_back(*window);
  const auto number = static_cast<uint32_t>(window ? out.windows.size() : 0);
  out.rows.resize(rows_.over_budget ? 0 : rows_.num_rows(), {0, 0, number});
}

/// The rows leave the collector; what they take stays charged until the results are used up.
void QueryRun::take_rows(QueryResults& out) {
  out.rows.resize(rows_.over_budget ? 0 : rows_.num_rows());
  out.chunks = rows_.take();
  size_t i = 0;
  for (uint32_t c = 0; c < out.chunks.size(); ++c)
    for (uint32_t row = 0; row < out.chunks[c].num_rows; ++row, ++i)
      out.rows[i].chunk = c, out.rows[i].row = row;
}

namespace {

std::string row_key(const Chunk& c, uint32_t row) {
  std::string key;
  for (const data::Column& column : c.columns)
    key += (column.type() == data::Type::kNull ? data::Value() : column.value(row)).json() + '\x1f';
  return key;
}

// Keeps one of equal rows, and no row whose evidence is all part of another window's row. What is
// known of a large group's evidence is the same for windows that begin at the same event, whatever
// they hold besides, so it tells nothing.
void merge_windows(QueryResults& results) {
  const auto evidence = [&](const QueryResults::Row& r) {
    const exec::RowRefs& refs = results.chunks[r.chunk].refs;
    return std::span(refs.ids).subspan(refs.begin[r.row],
                                       refs.begin[r.row + 1] - refs.begin[r.row]);
  };
  std::stable_sort(results.rows.begin(), results.rows.end(),
                   [&](const QueryResults::Row& a, const QueryResults::Row& b) {
                     return evidence(a).size() > evidence(b).size();
                   });
  std::vector<QueryResults::Row> kept;
  std::vector<std::vector<uint32_t>> refs;  // of each, ascending
  std::unordered_set<std::string> seen;
  std::unordered_map<uint32_t, std::vector<size_t>> by_ref;
  for (const QueryResults::Row& r : results.rows) {
    if (!seen.insert(row_key(results.chunks[r.chunk], r.row)).second) continue;
    const auto ids = evidence(r);
    std::vector<uint32_t> own(ids.begin(), ids.end());
    std::sort(own.begin(), own.end());
    bool part = false;
    if (!own.empty() && own.size() < exec::kMostGroupRefs)
      for (const size_t o : by_ref[own[0]]) {
        const bool other_window =
            kept[o].window > 0 && r.window > 0 &&
            results.windows[kept[o].window - 1].from != results.windows[r.window - 1].from;
        part = part || (other_window &&
                        std::includes(refs[o].begin(), refs[o].end(), own.begin(), own.end()));
      }
    if (part) continue;
    for (const uint32_t ref : own)
      by_ref[ref].push_back(kept.size());
    kept.push_back(r);
    refs.push_back(std::move(own));
  }
  results.rows = std::move(kept);
}

}  // namespace

QueryResults QueryRun::take_ready() {
  QueryResults out;
  if (!is_stateless_) return out;
  take_rows(out);
  return out;
}

QueryResults QueryRun::finish() {
  QueryResults out = results();
  if (over_budget()) return out;  // and what it kept is told
  run_.reset();
  stores_.clear();
  memory_.release();
  return out;
}

QueryResults QueryRun::results() {
  for (Foreign& f : foreign_) {
    std::vector<uint32_t> kept;
    for (uint32_t r = 0; r < f.chunk.num_rows; ++r) {
      const std::string& host = (*f.hosts)[r];
      if (host.empty() || f.scan >= own_hosts_.size() || !own_hosts_[f.scan].count(host))
        kept.push_back(r);
    }
    if (kept.size() == f.chunk.num_rows)
      push(f.scan, std::move(f.chunk));
    else if (!kept.empty())
      push(f.scan, exec::gather(f.chunk, kept));
  }
  foreign_.clear();
  QueryResults out;
  if (is_streaming_) {
    if (!run_ && !rule_.compiled->gives_rows_of_none()) return out;
    finish_run(run(), std::nullopt, out);
    take_rows(out);
    return out;
  }
  if (!windows_.empty()) {
    for (auto& [from, run] : windows_) {
      finish_run(*run, Window{from, from + window_length(rule_)}, out);
      run.reset();
    }
    windows_.clear();
    take_rows(out);
    merge_windows(out);
    return out;
  }
  std::vector<std::pair<int64_t, StoredRow>> timed;
  std::vector<StoredRow> untimed;
  list_rows(timed, untimed);
  if (now_ || !rule_.lookback || timed.empty()) {
    std::vector<StoredRow> all = std::move(untimed);
    for (const auto& [time, row] : timed)
      all.push_back(row);
    std::sort(all.begin(), all.end());
    if (all.empty() && !rule_.compiled->gives_rows_of_none()) return out;
    plan::RunContext context;
    context.now_ticks = now_ || !rule_.lookback ? now_.value_or(last_time_ + 1) : 0;
    context.window_from = context.window_to = context.now_ticks;
    replay(context, all, std::nullopt, out);
    take_rows(out);
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
  std::vector<StoredRow> last;
  plan::RunContext last_context;
  for (const auto& [from, rows] : windows) {
    inside.clear();
    std::merge(rows.begin(), rows.end(), untimed.begin(), untimed.end(),
               std::back_inserter(inside));
    plan::RunContext context;
    context.window_from = from;
    context.now_ticks = context.window_to = from + length;
    if (inside == last && repeats(last_context, context, inside)) {
      add_notes(last_notes_);
      continue;
    }
    replay(context, inside, Window{from, from + length}, out);
    last.swap(inside);
    last_context = context;
  }
  take_rows(out);
  merge_windows(out);
  return out;
}

}  // namespace postern::engine
