// Numbers of rows, and of different values.
//
// A sliding `>= n` needs the last n rows: the oldest of them tells whether n lie in the window. Of
// values it needs when each of the last n different ones was last seen; above kMaxScanned of them,
// rows are kept and a table counts the rows of each value.
#include <algorithm>
#include <cmath>

#include "exec/window/value_counts.h"
#include "exec/window/window_ring.h"

namespace postern::exec {

using plan::BoundOp;
using plan::WindowBound;
using plan::WindowSpec;

bool within(const std::vector<WindowBound>& bounds, double value) {
  return std::all_of(bounds.begin(), bounds.end(), [&](const WindowBound& b) {
    switch (b.op) {
      case BoundOp::kLess:
        return value < b.value;
      case BoundOp::kLessEqual:
        return value <= b.value;
      case BoundOp::kGreater:
        return value > b.value;
      case BoundOp::kGreaterEqual:
        return value >= b.value;
      case BoundOp::kEqual:
        return value == b.value;
      case BoundOp::kNotEqual:
        return value != b.value;
    }
    return false;
  });
}

uint64_t least_count(const std::vector<WindowBound>& bounds) {
  double least = 1;
  for (const WindowBound& b : bounds) {
    if (b.op == BoundOp::kGreater) least = std::max(least, std::floor(b.value) + 1);
    if (b.op == BoundOp::kGreaterEqual) least = std::max(least, std::ceil(b.value));
  }
  return least < 1e18 ? static_cast<uint64_t>(least) : uint64_t{1'000'000'000'000'000'000};
}

namespace {

/// Holds when the last rows kept are as many as needed and all in the window.
class LastRows : public WindowLogic {
 public:
  LastRows(const WindowSpec& spec, SlabPool& pool, const WindowRing::Shape& shape)
      : length_(spec.length),
        needed_(least_count(spec.bounds)),
        ring_(pool, shape, spec.length, false) {}

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) final {
    expire(g, at);
    if (ring_.count(g) < needed_) return false;
    out.from = ring_.time(g, 0);
    out.to = at;
    out.value = ring_.count(g);
    ring_.evidence(g, out.evidence);
    return true;
  }

  void clear(WindowGroup& g) final { ring_.release(g); }

 protected:
  void expire(WindowGroup& g, int64_t now) {
    while (ring_.count(g) > 0 && ring_.time(g, 0) <= now - length_)
      ring_.pop(g);
  }

  /// The last entry, for which the first one goes when there are enough.
  uint8_t* push(WindowGroup& g, const WindowRow& row) {
    if (ring_.count(g) == needed_) ring_.pop(g);
    return ring_.push(g, row);
  }

  const int64_t length_;
  const uint64_t needed_;
  WindowRing ring_;
};

class SlidingCount final : public LastRows {
 public:
  SlidingCount(const WindowSpec& spec, SlabPool& pool) : LastRows(spec, pool, {.compact = true}) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    expire(g, rows[0].time);
    for (const WindowRow& r : rows)
      push(g, r);
  }
};

/// Counts, and keeps the first rows as evidence.
class ClosingCount final : public WindowLogic {
 public:
  ClosingCount(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec), ring_(pool, {.header = 2, .compact = true}, spec.length, true) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    for (const WindowRow& r : rows) {
      if (ring_.count(g) < kMaxWindowEvidence) ring_.push(g, r);
      uint32_t* total = ring_.header(g);
      store_words(total, load_words<uint64_t>(total) + 1);
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    out.value = static_cast<double>(load_words<uint64_t>(ring_.header(g)));
    if (!within(spec_.bounds, out.value)) return false;
    out.from = at;
    out.to = at + spec_.length;
    ring_.evidence(g, out.evidence);
    return true;
  }

  void clear(WindowGroup& g) override { ring_.release(g); }

 private:
  const WindowSpec& spec_;
  WindowRing ring_;
};

constexpr uint64_t kMaxScanned = 64;

/// Few values needed: the last row of each of the last different values, oldest first.
class FewDistinct final : public LastRows {
 public:
  FewDistinct(const WindowSpec& spec, SlabPool& pool)
      : LastRows(spec, pool, {.payload = sizeof(uint64_t)}) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    expire(g, rows[0].time);
    for (const WindowRow& r : rows) {
      for (uint32_t i = 0; i < ring_.count(g); ++i) {
        if (load_words<uint64_t>(ring_.payload(g, i)) != r.value) continue;
        ring_.remove(g, i);
        break;
      }
      store_words(push(g, r), r.value);
    }
  }
};

/// Many values: all rows (closing: the first of each value), and how many of each value. The header
/// holds the number of values, and the group's, by which the table knows it.
class ManyDistinct final : public WindowLogic {
 public:
  ManyDistinct(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        closing_(spec.closing()),
        ring_(pool, {.header = 2, .payload = sizeof(uint64_t)}, spec.length, closing_) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (!closing_) expire(g, rows[0].time);
    for (const WindowRow& r : rows) {
      const bool first = counts_.add(r.group, r.value) == 1;
      if (closing_ && !first) {
        counts_.remove(r.group, r.value);
        continue;
      }
      store_words(ring_.push(g, r), r.value);
      ring_.header(g)[0] += first ? 1 : 0;
      ring_.header(g)[1] = r.group;
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    if (!closing_) expire(g, at);
    out.value = ring_.count(g) == 0 ? 0 : ring_.header(g)[0];
    if (!within(spec_.bounds, out.value)) return false;
    out.from = closing_ ? at : ring_.time(g, 0);
    out.to = closing_ ? at + spec_.length : at;
    ring_.evidence(g, out.evidence);
    return true;
  }

  void clear(WindowGroup& g) override {
    while (ring_.count(g) > 0)
      drop_first(g);
    ring_.release(g);
  }

  uint64_t used_bytes() const override { return counts_.used_bytes(); }

 private:
  void expire(WindowGroup& g, int64_t now) {
    while (ring_.count(g) > 0 && ring_.time(g, 0) <= now - spec_.length)
      drop_first(g);
  }

  void drop_first(WindowGroup& g) {
    uint32_t* header = ring_.header(g);
    if (counts_.remove(header[1], load_words<uint64_t>(ring_.payload(g, 0))) == 0) --header[0];
    ring_.pop(g);
  }

  const WindowSpec& spec_;
  bool closing_;
  WindowRing ring_;
  ValueCounts counts_;
};

}  // namespace

std::unique_ptr<WindowLogic> make_count_logic(const WindowSpec& spec, SlabPool& pool) {
  if (spec.closing()) return std::make_unique<ClosingCount>(spec, pool);
  return std::make_unique<SlidingCount>(spec, pool);
}

std::unique_ptr<WindowLogic> make_distinct_logic(const WindowSpec& spec, SlabPool& pool) {
  if (!spec.closing() && least_count(spec.bounds) <= kMaxScanned)
    return std::make_unique<FewDistinct>(spec, pool);
  return std::make_unique<ManyDistinct>(spec, pool);
}

}  // namespace postern::exec
