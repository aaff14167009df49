#include "correlation_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace postern::tests {

using plan::BoundOp;
using plan::WindowKind;
using plan::WindowSpec;
using plan::WindowTerm;

namespace {

using Events = std::vector<ModelEvent>;

std::string small(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool passes(const WindowSpec& spec, double value) {
  for (const plan::WindowBound& b : spec.bounds) {
    const bool ok = b.op == BoundOp::kLess           ? value < b.value
                    : b.op == BoundOp::kLessEqual    ? value <= b.value
                    : b.op == BoundOp::kGreater      ? value > b.value
                    : b.op == BoundOp::kGreaterEqual ? value >= b.value
                    : b.op == BoundOp::kEqual        ? value == b.value
                                                     : value != b.value;
    if (!ok) return false;
  }
  return true;
}

Events between(const Events& all, int64_t after_or_at, int64_t before) {
  Events out;
  for (const ModelEvent& e : all)
    if (e.time >= after_or_at && e.time < before) out.push_back(e);
  return out;
}

std::set<uint32_t> steps_of(const Events& window) {
  std::set<uint32_t> out;
  for (const ModelEvent& e : window)
    out.insert(e.step);
  return out;
}

/// The latest begin of any run of events through `steps`, each event once, times not falling.
std::optional<int64_t> latest_chain(const Events& window, const std::vector<uint32_t>& steps) {
  std::optional<int64_t> best;
  std::vector<bool> used(window.size(), false);
  std::function<void(size_t, int64_t, int64_t)> go = [&](size_t at, int64_t begin, int64_t now) {
    if (at == steps.size()) {
      if (!best || begin > *best) best = begin;
      return;
    }
    for (size_t i = 0; i < window.size(); ++i) {
      if (used[i] || window[i].step != steps[at] || (at > 0 && window[i].time < now)) continue;
      used[i] = true;
      go(at + 1, at == 0 ? window[i].time : begin, window[i].time);
      used[i] = false;
    }
  };
  go(0, 0, 0);
  return best;
}

/// Most different steps that follow each other in the order of the steps.
uint32_t longest_run(const Events& window, uint32_t from_step, int64_t now) {
  uint32_t best = 0;
  for (const ModelEvent& e : window)
    if (e.step >= from_step && e.time >= now)
      best = std::max(best, 1 + longest_run(window, e.step + 1, e.time));
  return best;
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double rank = p / 100 * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(std::floor(rank));
  const auto high = static_cast<size_t>(std::ceil(rank));
  return values[low] + (rank - std::floor(rank)) * (values[high] - values[low]);
}

double number(const WindowSpec& spec, const Events& window) {
  std::vector<double> values;
  std::set<std::string> texts;
  double sum = 0;
  for (const ModelEvent& e : window) {
    values.push_back(e.value);
    sum += e.value;
    texts.insert(small(e.text));
  }
  switch (spec.kind) {
    case WindowKind::kCount:
      return static_cast<double>(window.size());
    case WindowKind::kDistinct:
      return static_cast<double>(texts.size());
    case WindowKind::kSum:
      return sum;
    case WindowKind::kAverage:
      return sum / static_cast<double>(values.size());
    case WindowKind::kPercentile:
      return percentile(values, spec.percentile);
    case WindowKind::kSequence:
      return spec.ordered ? longest_run(window, 0, INT64_MIN)
                          : static_cast<double>(steps_of(window).size());
  }
  return 0;
}

/// Times of the events that a count is made of: all, or the last of each value; the latest first.
std::vector<int64_t> counted_times(const WindowSpec& spec, const Events& window) {
  std::vector<int64_t> times;
  std::map<std::string, int64_t> last;
  for (const ModelEvent& e : window) {
    times.push_back(e.time);
    auto [it, added] = last.emplace(small(e.text), e.time);
    it->second = std::max(it->second, e.time);
  }
  if (spec.kind == WindowKind::kDistinct) {
    times.clear();
    for (const auto& [text, time] : last)
      times.push_back(time);
  }
  std::sort(times.rbegin(), times.rend());
  return times;
}

/// The window (t - T, t], which ends with an event.
std::optional<ModelFinding> sliding(const WindowSpec& spec, const Events& window, int64_t t) {
  ModelFinding f;
  f.time = f.to = t;
  f.from = window.front().time;
  for (const ModelEvent& e : window)
    f.from = std::min(f.from, e.time);
  if (spec.kind == WindowKind::kSequence && !spec.terms.empty()) {
    for (const WindowTerm& term : spec.terms) {
      if (spec.ordered) {
        const auto begin = latest_chain(window, term.steps);
        if (!begin) continue;
        f.from = *begin;
        f.value =
            static_cast<double>(std::set<uint32_t>(term.steps.begin(), term.steps.end()).size());
        return f;
      }
      std::map<uint32_t, int64_t> last;
      for (const ModelEvent& e : window)
        last[e.step] = std::max(e.time, last.count(e.step) ? last[e.step] : INT64_MIN);
      bool all = true;
      f.from = t;
      for (const uint32_t s : term.steps) {
        all = all && last.count(s);
        if (last.count(s)) f.from = std::min(f.from, last[s]);
      }
      if (!all) continue;
      f.value = static_cast<double>(last.size());
      return f;
    }
    return std::nullopt;
  }
  f.value = number(spec, window);
  if (!passes(spec, f.value)) return std::nullopt;
  if (spec.kind == WindowKind::kSequence) {  // the last of each step
    std::map<uint32_t, int64_t> last;
    for (const ModelEvent& e : window)
      last[e.step] = std::max(e.time, last.count(e.step) ? last[e.step] : INT64_MIN);
    f.from = t;
    for (const auto& [step, time] : last)
      f.from = std::min(f.from, time);
  }
  if (spec.kind == WindowKind::kCount || spec.kind == WindowKind::kDistinct) {
    // The fewest events that pass, counted back from t.
    const std::vector<int64_t> times = counted_times(spec, window);
    size_t n = 1;
    while (!passes(spec, static_cast<double>(n)))
      ++n;
    f.from = times[n - 1];
    f.value = static_cast<double>(n);
  }
  return f;
}

std::vector<ModelFinding> group_findings(const WindowSpec& spec, const Events& events) {
  std::vector<ModelFinding> out;
  std::set<int64_t> times;
  for (const ModelEvent& e : events)
    times.insert(e.time);
  std::optional<int64_t> last;  // where the window that fired last ended, or began
  const int64_t length = spec.length;
  if (spec.has_absent()) {
    for (const int64_t s : times) {
      if (last && s < *last + length && !spec.every) continue;
      const Events inside = between(events, s, s + length);
      const std::set<uint32_t> seen = steps_of(inside);
      const std::set<uint32_t> around = steps_of(between(events, s - length + 1, s + length));
      const bool holds =
          std::any_of(spec.terms.begin(), spec.terms.end(), [&](const WindowTerm& t) {
            for (const uint32_t a : t.absent)
              if (around.count(a)) return false;
            for (const uint32_t a : t.steps)
              if (!seen.count(a)) return false;
            return !spec.ordered || latest_chain(inside, t.steps).has_value();
          });
      if (!holds) continue;
      out.push_back({"", s + length, s, s + length, static_cast<double>(seen.size())});
      last = s;
    }
    return out;
  }
  if (spec.closing()) {
    for (const int64_t s : times) {
      if (last && s < *last + length) continue;
      last = s;
      const double value = number(spec, between(events, s, s + length));
      if (passes(spec, value)) out.push_back({"", s + length, s, s + length, value});
    }
    return out;
  }
  for (const int64_t t : times) {
    if (last && t < *last + length && !spec.every) continue;
    const auto f = sliding(spec, between(events, t - length + 1, t + 1), t);
    if (!f) continue;
    out.push_back(*f);
    last = t;
  }
  return out;
}

}  // namespace

std::vector<ModelFinding> model_findings(const WindowSpec& spec,
                                         const std::vector<ModelEvent>& events) {
  std::map<std::string, Events> groups;
  for (const ModelEvent& e : events)
    groups[small(e.key)].push_back(e);
  std::vector<ModelFinding> out;
  for (const auto& [key, group] : groups)
    for (ModelFinding f : group_findings(spec, group)) {
      f.key = key;
      out.push_back(f);
    }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace postern::tests
