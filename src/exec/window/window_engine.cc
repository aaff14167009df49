#include "exec/window/window_engine.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace postern::exec {

namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
/// Rows between two looks at the memory in use.
constexpr uint32_t kCheckEvery = 1024;

bool earlier(const WindowRow& a, const WindowRow& b) {
  return std::tie(a.time, a.group, a.step, a.order, a.hash, a.value, a.ref) <
         std::tie(b.time, b.group, b.step, b.order, b.hash, b.value, b.ref);
}

bool later(const WindowRow& a, const WindowRow& b) {
  return earlier(b, a);
}

}  // namespace

WindowEngine::WindowEngine(const plan::WindowSpec& spec, uint64_t max_bytes, WindowSink& sink)
    : spec_(spec),
      max_bytes_(max_bytes),
      sink_(sink),
      absent_(spec.has_absent()),
      closing_(spec.closing() && !absent_),
      groups_(pool_, spec.ignore_case),
      logic_(make_window_logic(spec, pool_)) {}

uint64_t WindowEngine::used_bytes() const {
  return pool_.used_bytes() + groups_.used_bytes() + logic_->used_bytes() +
         (waiting_.size() + ready_.size()) * sizeof(WindowRow) +
         openings_.size() * sizeof(openings_[0]);
}

void WindowEngine::add(std::string_view key, WindowRow row) {
  if (row.time < watermark_) {
    ++counts_.late;
    return;
  }
  row.group = groups_.find_or_add(key);
  ++groups_[row.group].pending;
  waiting_.push_back(row);
  ++num_unordered_;
  if (++since_check_ >= kCheckEvery) limit_memory();
}

void WindowEngine::advance(int64_t watermark) {
  if (watermark <= watermark_) return;
  watermark_ = watermark;
  // Rows mostly come in order, and then going up the heap is one comparison.
  for (size_t n = waiting_.size() - num_unordered_ + 1; n <= waiting_.size(); ++n)
    std::push_heap(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(n), later);
  num_unordered_ = 0;
  ready_.clear();
  while (!waiting_.empty() && waiting_.front().time < watermark) {
    std::pop_heap(waiting_.begin(), waiting_.end(), later);
    ready_.push_back(waiting_.back());
    waiting_.pop_back();
  }
  process(ready_.size());
  close_until(watermark);
  forget_until(watermark);
}

void WindowEngine::finish() {
  std::sort(waiting_.begin(), waiting_.end(), earlier);
  ready_.swap(waiting_);
  waiting_.clear();
  num_unordered_ = 0;
  process(ready_.size());
  ready_.clear();
  watermark_ = kForever;
  close_until(kForever);
}

// Rows of ready_, ordered.
void WindowEngine::process(size_t num_rows) {
  size_t at = 0;
  while (at < num_rows) {
    size_t end = at + 1;
    while (end < num_rows && ready_[end].group == ready_[at].group &&
           ready_[end].time == ready_[at].time)
      ++end;
    take(ready_.data() + at, end - at);
    at = end;
  }
}

void WindowEngine::take(const WindowRow* rows, size_t n) {
  const int64_t now = rows[0].time;
  const uint32_t id = rows[0].group;
  close_until(now);
  forget_until(now);
  WindowGroup& g = groups_[id];
  g.pending -= static_cast<uint32_t>(n);
  if (closing_) {
    if (!g.listed) {
      g.last = now;
      append(id);
    }
    logic_->add(g, {rows, n});
    return;
  }
  logic_->add(g, {rows, n});
  g.last = now;
  if (g.listed) unlink(id);
  append(id);
  if (absent_) {
    openings_.emplace_back(now, id);
    return;
  }
  if (spec_.every || g.fired == kNever || now >= g.fired + spec_.length) fire(id, now, now);
}

void WindowEngine::fire(uint32_t group, int64_t at, int64_t time) {
  WindowGroup& g = groups_[group];
  result_.evidence.clear();
  if (!logic_->decide(g, at, result_)) return;
  g.fired = at;
  result_.time = time;
  sink_.fired(groups_.key(group), result_);
}

// Windows whose end is at or before `now`.
void WindowEngine::close_until(int64_t now) {
  while (closing_ && first_ != SlabPool::kNone && groups_[first_].last + spec_.length <= now) {
    const uint32_t id = first_;
    fire(id, groups_[id].last, groups_[id].last + spec_.length);
    forget(id);
  }
  while (!openings_.empty() && openings_.front().first + spec_.length <= now) {
    const auto [begin, id] = openings_.front();
    openings_.pop_front();
    // A group forgotten for want of memory, or decided for another row of this time.
    if (!groups_[id].listed) continue;
    const int64_t fired = groups_[id].fired;
    if (fired == kNever || begin >= fired + spec_.length || spec_.every)
      fire(id, begin, begin + spec_.length);
  }
}

// Groups whose rows have all left every window that is still to come.
void WindowEngine::forget_until(int64_t now) {
  if (closing_) return;
  const int64_t kept = absent_ ? 2 * spec_.length : spec_.length;
  while (first_ != SlabPool::kNone && groups_[first_].last <= now - kept)
    forget(first_);
}

void WindowEngine::forget(uint32_t group) {
  WindowGroup& g = groups_[group];
  logic_->clear(g);
  unlink(group);
  g.fired = kNever;
  if (g.pending == 0) groups_.drop(group);
}

void WindowEngine::append(uint32_t group) {
  WindowGroup& g = groups_[group];
  g.prev = last_;
  g.next = SlabPool::kNone;
  g.listed = true;
  (last_ == SlabPool::kNone ? first_ : groups_[last_].next) = group;
  last_ = group;
}

void WindowEngine::unlink(uint32_t group) {
  WindowGroup& g = groups_[group];
  (g.prev == SlabPool::kNone ? first_ : groups_[g.prev].next) = g.next;
  (g.next == SlabPool::kNone ? last_ : groups_[g.next].prev) = g.prev;
  g.listed = false;
}

void WindowEngine::limit_memory() {
  since_check_ = 0;
  if (used_bytes() <= max_bytes_) return;
  if (waiting_.size() * sizeof(WindowRow) > max_bytes_ / 2) {
    // The older half cannot wait any longer.
    const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_.size() / 2);
    std::nth_element(waiting_.begin(), middle, waiting_.end(), earlier);
    const int64_t until = middle->time;
    num_unordered_ = waiting_.size();
    const size_t before = waiting_.size();
    advance(until);
    if (waiting_.size() == before) advance(until + 1);  // half of them of one time
    counts_.hurried += before - waiting_.size();
  }
  while (first_ != SlabPool::kNone && used_bytes() > max_bytes_ / 8 * 7) {
    ++counts_.forgotten;
    forget(first_);
  }
}

}  // namespace postern::exec
