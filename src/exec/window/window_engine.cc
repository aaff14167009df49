#include "exec/window/window_engine.h"

#include <algorithm>
#include <limits>

namespace postern::exec {

namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
/// Rows between two looks at the memory in use.
constexpr uint32_t kCheckEvery = 1024;

/// Rows that are looked up and prepared at once.
constexpr size_t kAtOnce = 256;

}  // namespace

WindowEngine::WindowEngine(const plan::WindowSpec& spec, uint64_t max_bytes, WindowSink& sink)
    : spec_(spec),
      max_bytes_(max_bytes),
      sink_(sink),
      absent_(spec.has_absent()),
      closing_(spec.closing() && !absent_),
      groups_(pool_, spec.ignore_case),
      logic_(make_window_logic(spec, pool_)),
      ages_(groups_, absent_ ? 2 * spec.length : spec.length) {}

uint64_t WindowEngine::used_bytes() const {
  return pool_.used_bytes() + groups_.used_bytes() + logic_->used_bytes() + fired_.used_bytes() +
         waiting_.used_bytes() + ready_.size() * sizeof(WindowRow) +
         openings_.size() * sizeof(openings_[0]);
}

void WindowEngine::add(std::span<const std::string_view> keys, std::span<const WindowRow> rows) {
  for (size_t first = 0; first < rows.size(); first += kAtOnce) {
    const size_t end = std::min(first + kAtOnce, rows.size());
    keys_.clear();
    arrived_.clear();
    for (size_t i = first; i < end; ++i) {
      if (rows[i].time < watermark_) {
        ++counts_.late;
        continue;
      }
      keys_.push_back(keys[i]);
      arrived_.push_back(rows[i]);
    }
    found_.resize(keys_.size());
    groups_.find_or_add(keys_, found_.data());
    for (size_t i = 0; i < arrived_.size(); ++i) {
      arrived_[i].group = found_[i];
      groups_.add_pending(found_[i]);
      waiting_.add(arrived_[i]);
    }
    since_check_ += static_cast<uint32_t>(end - first);
    if (since_check_ >= kCheckEvery) limit_memory();
  }
}

void WindowEngine::advance(int64_t watermark) {
  if (watermark <= watermark_) return;
  watermark_ = watermark;
  waiting_.take_before(watermark, ready_);
  process();
  close_until(watermark);
  forget_until(watermark);
}

void WindowEngine::finish() {
  watermark_ = kForever;
  waiting_.take_before(kForever, ready_);
  process();
  close_until(kForever);
}

void WindowEngine::prefetch(size_t row) {
  // The record twelve rows ahead, what it points to six rows ahead.
  if (row + 12 < ready_.size()) __builtin_prefetch(&groups_[ready_[row + 12].group], 1);
  if (row + 6 >= ready_.size()) return;
  const uint32_t block = groups_[ready_[row + 6].group].block;
  if (block == SlabPool::kNone) return;
  __builtin_prefetch(pool_.at(block), 1);
  __builtin_prefetch(pool_.at(block) + 16, 1);
}

// Rows of ready_, ordered.
void WindowEngine::process() {
  for (size_t at = 0; at < ready_.size();) {
    prefetch(at);
    size_t end = at + 1;
    while (end < ready_.size() && ready_[end].group == ready_[at].group &&
           ready_[end].time == ready_[at].time)
      ++end;
    take(ready_.data() + at, end - at);
    at = end;
  }
  ready_.clear();
}

void WindowEngine::take(const WindowRow* rows, size_t n) {
  const int64_t now = rows[0].time;
  const uint32_t id = rows[0].group;
  close_until(now);
  forget_until(now);
  WindowGroup& g = groups_[id];
  groups_.take_pending(id, static_cast<uint32_t>(n));
  if (closing_) {
    if (!g.listed) {
      g.set_last(now);
      open(id);
    }
    logic_->add(g, {rows, n});
    return;
  }
  logic_->add(g, {rows, n});
  g.set_last(now);
  if (!g.listed) ages_.add(id);
  if (absent_) {
    openings_.emplace_back(now, id);
    groups_.add_pending(id);  // its record stays while it is named here
    return;
  }
  if (!silent(id, now)) fire(id, now, now);
}

// Within one length of the window that fired last.
bool WindowEngine::silent(uint32_t group, int64_t at) {
  return !spec_.every && groups_[group].fired && at < *fired_.find(group) + spec_.length;
}

void WindowEngine::fire(uint32_t group, int64_t at, int64_t time) {
  WindowGroup& g = groups_[group];
  result_.evidence.clear();
  if (!logic_->decide(g, at, result_)) return;
  if (!spec_.every && !closing_) {
    g.fired = 1;
    fired_[group] = at;
  }
  result_.time = time;
  sink_.fired(groups_.key(group), result_);
}

// Windows whose end is at or before `now`.
void WindowEngine::close_until(int64_t now) {
  while (first_opened_ != SlabPool::kNone && groups_[first_opened_].last() + spec_.length <= now) {
    const uint32_t id = take_opened();
    fire(id, groups_[id].last(), groups_[id].last() + spec_.length);
    forget(id);
  }
  while (!openings_.empty() && openings_.front().first + spec_.length <= now) {
    const auto [begin, id] = openings_.front();
    openings_.pop_front();
    groups_.take_pending(id, 1);
    if (groups_[id].listed) {
      if (!silent(id, begin)) fire(id, begin, begin + spec_.length);
    } else if (!groups_.has_pending(id)) {
      groups_.drop(id);  // forgotten for want of memory
    }
  }
}

// Groups whose rows have all left every window that is still to come.
void WindowEngine::forget_until(int64_t now) {
  if (closing_) return;
  for (uint32_t id = ages_.take_until(now); id != SlabPool::kNone; id = ages_.take_until(now))
    forget(id);
}

// A group that is in no list any more.
void WindowEngine::forget(uint32_t group) {
  WindowGroup& g = groups_[group];
  logic_->clear(g);
  if (g.fired) fired_.erase(group);
  g.fired = 0;
  if (!groups_.has_pending(group)) groups_.drop(group);
}

// The group's window opens, after those of the others.
void WindowEngine::open(uint32_t group) {
  WindowGroup& g = groups_[group];
  g.next = SlabPool::kNone;
  g.listed = 1;
  (last_opened_ == SlabPool::kNone ? first_opened_ : groups_[last_opened_].next) = group;
  last_opened_ = group;
}

uint32_t WindowEngine::take_opened() {
  const uint32_t group = first_opened_;
  if (group == SlabPool::kNone) return group;
  WindowGroup& g = groups_[group];
  first_opened_ = g.next;
  if (first_opened_ == SlabPool::kNone) last_opened_ = SlabPool::kNone;
  g.listed = 0;
  return group;
}

void WindowEngine::limit_memory() {
  since_check_ = 0;
  if (used_bytes() <= max_bytes_) return;
  if (waiting_.used_bytes() > max_bytes_ / 2) {
    // The older half cannot wait any longer.
    const int64_t until = waiting_.middle();
    const size_t before = waiting_.size();
    advance(until);
    if (waiting_.size() == before) advance(until + 1);  // half of them of one time
    counts_.hurried += before - waiting_.size();
  }
  while (used_bytes() > max_bytes_ / 8 * 7) {
    const uint32_t oldest = closing_ ? take_opened() : ages_.take_oldest();
    if (oldest == SlabPool::kNone) break;
    ++counts_.forgotten;
    forget(oldest);
  }
}

}  // namespace postern::exec
