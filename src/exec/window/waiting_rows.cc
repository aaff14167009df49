#include "exec/window/waiting_rows.h"

#include <algorithm>
#include <tuple>

namespace postern::exec {

namespace {

bool earlier(const WindowRow& a, const WindowRow& b) {
  if (a.time != b.time) return a.time < b.time;
  return std::tie(a.group, a.step, a.order, a.value, a.ref) <
         std::tie(b.group, b.step, b.order, b.value, b.ref);
}

std::ptrdiff_t offset(size_t n) {
  return static_cast<std::ptrdiff_t>(n);
}

}  // namespace

void WaitingRows::merge_last_two() {
  Run& into = runs_[runs_.size() - 2];
  const Run& from = runs_.back();
  spare_.resize(into.size() + from.size());
  std::merge(into.rows.begin() + offset(into.at), into.rows.end(),
             from.rows.begin() + offset(from.at), from.rows.end(), spare_.begin(), earlier);
  into.rows.swap(spare_);
  into.at = 0;
  runs_.pop_back();
}

void WaitingRows::settle() {
  if (fresh_.empty()) return;
  if (!std::is_sorted(fresh_.begin(), fresh_.end(), earlier))
    std::sort(fresh_.begin(), fresh_.end(), earlier);
  size_ += fresh_.size();
  runs_.emplace_back();
  runs_.back().rows.swap(fresh_);
  while (runs_.size() > 1 && runs_[runs_.size() - 2].size() < 2 * runs_.back().size())
    merge_last_two();
}

void WaitingRows::take_before(int64_t time, std::vector<WindowRow>& out) {
  settle();
  out.clear();
  pieces_.clear();
  for (Run& run : runs_) {
    const auto begin = run.rows.begin() + offset(run.at);
    const auto end = std::partition_point(begin, run.rows.end(),
                                          [&](const WindowRow& r) { return r.time < time; });
    if (begin == end) continue;
    pieces_.push_back(out.size());
    out.insert(out.end(), begin, end);
    run.at += static_cast<size_t>(end - begin);
    // What is taken leaves when it is the larger part.
    if (run.at > run.rows.size() / 2) {
      run.rows.erase(run.rows.begin(), run.rows.begin() + offset(run.at));
      run.at = 0;
    }
  }
  size_ -= out.size();
  std::erase_if(runs_, [](const Run& r) { return r.size() == 0; });
  // From the last, the smallest.
  for (size_t i = pieces_.size(); i-- > 1;)
    std::inplace_merge(out.begin() + offset(pieces_[i - 1]), out.begin() + offset(pieces_[i]),
                       out.end(), earlier);
}

int64_t WaitingRows::middle() {
  std::vector<int64_t> times;
  times.reserve(size());
  for (const WindowRow& r : fresh_)
    times.push_back(r.time);
  for (const Run& run : runs_)
    for (size_t i = run.at; i < run.rows.size(); ++i)
      times.push_back(run.rows[i].time);
  const auto half = times.begin() + offset(times.size() / 2);
  std::nth_element(times.begin(), half, times.end());
  return *half;
}

}  // namespace postern::exec
