#include "engine/query_run.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/time.h"

namespace postern::engine {

using exec::Chunk;
using exec::RowStore;

QueryRun::QueryRun(const LoadedRule& rule, std::optional<int64_t> now) : rule_(rule), now_(now) {
  // now() of a rule without a window is known at the end only, so such a rule keeps its rows too.
  if (!rule.lookback && !now) {
    bool depends = false;
    std::function<void(const plan::Op&)> visit = [&](const plan::Op& op) {
      for (const plan::NamedExpr& i : op.items)
        depends = depends || plan::depends_on_run(*i.expr);
      if (op.predicate) depends = depends || plan::depends_on_run(*op.predicate);
      for (const plan::OpPtr& input : op.inputs)
        visit(*input);
    };
    visit(*rule.optimized);
    if (!depends) {
      run_ = exec::Run::start(rule.compiled, {}, rows_);
      return;
    }
  }
  if (now && !rule.lookback) {
    plan::RunContext context;
    context.now_ticks = *now;
    run_ = exec::Run::start(rule.compiled, context, rows_);
    return;
  }
  stores_.resize(rule.compiled->scans().size());
}

void QueryRun::push(size_t scan, Chunk&& chunk) {
  for (const int64_t t : chunk.times)
    last_time_ = std::max(last_time_, t);
  if (run_) return run_->push(scan, std::move(chunk));
  stores_[scan].add(chunk, false);
}

void QueryRun::push(size_t scan, Chunk&& chunk, std::vector<std::string> hosts, bool own) {
  if (hosts.empty()) return push(scan, std::move(chunk));
  if (!own) {
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

void QueryRun::replay(int64_t from, int64_t to, std::vector<ResultRow>& out) {
  plan::RunContext context;
  context.now_ticks = to;
  context.window_from = from;
  context.window_to = to;
  exec::RowCollector rows;
  const std::unique_ptr<exec::Run> run = exec::Run::start(rule_.compiled, context, rows);
  for (size_t s = 0; s < stores_.size(); ++s) {
    for (const Chunk& c : stores_[s].chunks()) {
      std::vector<uint32_t> inside;
      for (uint32_t r = 0; r < c.num_rows; ++r)
        if (c.times[r] == 0 || from == to || (c.times[r] >= from && c.times[r] < to))
          inside.push_back(r);
      if (!inside.empty()) run->push(s, exec::gather(c, inside));
    }
  }
  run->finish();
  add_notes(run->notes());
  for (size_t i = 0; i < rows.rows.size(); ++i) {
    ResultRow row{std::move(rows.rows[i]), rows.times[i], std::move(rows.refs[i]), std::nullopt};
    if (from != to) row.window = Window{from, to};
    out.push_back(std::move(row));
  }
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

std::vector<ResultRow> QueryRun::finish() {
  for (Foreign& f : foreign_) {
    std::vector<uint32_t> kept;
    for (uint32_t r = 0; r < f.chunk.num_rows; ++r)
      if (f.hosts[r].empty() || !own_hosts_.count({f.scan, f.hosts[r]})) kept.push_back(r);
    if (!kept.empty()) push(f.scan, exec::gather(f.chunk, kept));
  }
  foreign_.clear();
  std::vector<ResultRow> out;
  if (run_) {
    run_->finish();
    add_notes(run_->notes());
    for (size_t i = 0; i < rows_.rows.size(); ++i)
      out.push_back(
          {std::move(rows_.rows[i]), rows_.times[i], std::move(rows_.refs[i]), std::nullopt});
    return out;
  }
  if (now_ || !rule_.lookback) {
    replay(now_.value_or(last_time_ + 1), now_.value_or(last_time_ + 1), out);
    return out;
  }
  const int64_t length = std::max<int64_t>(*rule_.lookback, kTicksPerSecond);
  int64_t first = 0;
  for (const RowStore& s : stores_)
    for (const Chunk& c : s.chunks())
      for (const int64_t t : c.times)
        if (t != 0 && (first == 0 || t < first)) first = t;
  if (first == 0) {
    replay(0, 0, out);
    return out;
  }
  const int64_t midnight = first - first % kTicksPerDay;
  // Only windows that hold a row are run: evidence may have gaps of years.
  std::set<int64_t> starts;
  for (const int64_t shift : {int64_t{0}, length / 2}) {
    for (const RowStore& s : stores_)
      for (const Chunk& c : s.chunks())
        for (const int64_t t : c.times)
          if (t != 0) {
            const int64_t since = t - midnight + shift;
            starts.insert(midnight - shift + since / length * length);
          }
  }
  for (const int64_t from : starts)
    replay(from, from + length, out);
  return merge_windows(std::move(out));
}

}  // namespace postern::engine
