#include "exec/window/chain.h"

#include <algorithm>
#include <cstring>

#include "exec/window/window_ring.h"

namespace postern::exec {

void Chain::reset(uint32_t* state) const {
  for (size_t i = 0; i < steps_.size(); ++i)
    store_words(state + first_row(i), kNever);
}

int64_t Chain::begin_of(const uint32_t* state, size_t prefix) const {
  return load_words<int64_t>(state + first_row(prefix));
}

void Chain::extend(uint32_t* state,
                   const uint32_t* old,
                   size_t from,
                   size_t to,
                   std::span<const WindowRow* const> rows) {
  uint32_t* out = state + first_row(to);
  size_t n = 0;
  if (from != kFresh) {
    n = from + 1;
    std::memmove(out, old + first_row(from), n * 3 * sizeof(uint32_t));
  }
  for (const WindowRow* r : rows) {
    store_words(out + n * 3, r->time);
    out[n * 3 + 2] = r->ref;
    ++n;
  }
}

void Chain::add(uint32_t* state, std::span<const WindowRow> rows) {
  if (rows.size() == 1) {
    // From the last step down, so that a step that occurs twice takes the row only once.
    const WindowRow* row = rows.data();
    for (size_t j = steps_.size(); j-- > 0;) {
      if (steps_[j] != row->step) continue;
      const int64_t begin = j == 0 ? row->time : begin_of(state, j - 1);
      // Of equal ones the newer rows are kept: the older may have left before.
      if (begin != kNever && begin >= begin_of(state, j))
        extend(state, state, j == 0 ? kFresh : j - 1, j, std::span(&row, 1));
    }
    return;
  }
  old_.assign(state, state + num_words());
  for (size_t j = 0; j < steps_.size(); ++j) {
    // Steps i .. j out of the rows of this time, the ones before from earlier. The shorter the
    // prefix the later it began, so the most steps that these rows can give are best.
    taken_.clear();
    size_t i = j + 1;
    while (i > 0) {
      const WindowRow* found = nullptr;
      for (const WindowRow& r : rows)
        if (r.step == steps_[i - 1] && std::find(taken_.begin(), taken_.end(), &r) == taken_.end())
          found = &r;
      if (!found) break;
      taken_.push_back(found);
      --i;
    }
    if (taken_.empty()) continue;
    // A prefix that never occurred cannot be followed.
    while (i > 0 && i <= j && begin_of(old_.data(), i - 1) == kNever) {
      ++i;
      taken_.pop_back();
    }
    if (taken_.empty()) continue;
    const int64_t begin = i == 0 ? rows[0].time : begin_of(old_.data(), i - 1);
    if (begin < begin_of(old_.data(), j)) continue;
    std::reverse(taken_.begin(), taken_.end());
    extend(state, old_.data(), i == 0 ? kFresh : i - 1, j, taken_);
  }
}

int64_t Chain::began(const uint32_t* state) const {
  return begin_of(state, steps_.size() - 1);
}

void Chain::evidence(const uint32_t* state, std::vector<WindowEvidence>& out) const {
  const uint32_t* rows = state + first_row(steps_.size() - 1);
  for (size_t i = 0; i < steps_.size(); ++i)
    out.push_back({load_words<int64_t>(rows + i * 3), rows[i * 3 + 2]});
}

}  // namespace postern::exec
