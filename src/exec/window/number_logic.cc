// Sums, averages and percentiles of a numeric column.
//
// Sums are kept as whole multiples of 2^-32 in 128 bits: what leaves takes away exactly what it
// brought, so an answer depends on the rows in the window alone, not on those before them.
// Percentiles come from an ordered set per group, interpolated between the closest ranks (for 50
// that is the median as usually defined: the mean of the two middle values of an even number).
#include <cmath>

#include "exec/window/ordered_values.h"
#include "exec/window/window_ring.h"

namespace postern::exec {

using plan::WindowKind;
using plan::WindowSpec;

namespace {

__extension__ typedef __int128 Fixed;    // no ISO type has 128 bits
constexpr double kScale = 4294967296.0;  // 2^32

Fixed fixed(double v) {
  return static_cast<Fixed>(std::nearbyint(v * kScale));
}

double value_at(const uint32_t* entry) {
  return load_words<double>(entry + 3);
}

class Numbers final : public WindowLogic {
 public:
  Numbers(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        closing_(spec.closing()),
        percentile_(spec.kind == WindowKind::kPercentile),
        ring_(pool, percentile_ ? 1 : 4, 5) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (!closing_) expire(g, rows[0].time);
    for (const WindowRow& r : rows) {
      store_words(ring_.push(g, r) + 3, r.value);
      change(g, r.value, true);
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    if (!closing_) expire(g, at);
    if (g.count == 0) return false;
    out.value = value(g);
    if (!within(spec_.bounds, out.value)) return false;
    out.from = closing_ ? at : ring_.time(g, 0);
    out.to = closing_ ? at + spec_.length : at;
    ring_.evidence(g, out.evidence);
    return true;
  }

  void clear(WindowGroup& g) override {
    if (percentile_ && g.block != SlabPool::kNone) ordered_.clear(*ring_.header(g));
    ring_.release(g);
  }

  uint64_t used_bytes() const override { return ordered_.used_bytes(); }

 private:
  void expire(WindowGroup& g, int64_t now) {
    while (g.count > 0 && ring_.time(g, 0) <= now - spec_.length) {
      change(g, value_at(ring_.entry(g, 0)), false);
      ring_.pop(g);
    }
  }

  void change(WindowGroup& g, double value, bool added) {
    uint32_t* header = ring_.header(g);
    if (!percentile_) {
      const auto sum = load_words<Fixed>(header);
      store_words(header, added ? sum + fixed(value) : sum - fixed(value));
    } else if (added) {
      ordered_.insert(*header, value);
    } else {
      ordered_.erase(*header, value);
    }
  }

  double value(const WindowGroup& g) {
    const uint32_t* header = ring_.header(g);
    if (!percentile_) {
      const double sum = static_cast<double>(load_words<Fixed>(header)) / kScale;
      return spec_.kind == WindowKind::kSum ? sum : sum / g.count;
    }
    const double rank = spec_.percentile / 100 * (g.count - 1);
    const auto below = static_cast<uint32_t>(rank);
    const double low = ordered_.kth(*header, below);
    if (below + 1 >= g.count) return low;
    return low + (rank - below) * (ordered_.kth(*header, below + 1) - low);
  }

  const WindowSpec& spec_;
  bool closing_;
  bool percentile_;
  WindowRing ring_;
  OrderedValues ordered_;
};

}  // namespace

std::unique_ptr<WindowLogic> make_number_logic(const WindowSpec& spec, SlabPool& pool) {
  return std::make_unique<Numbers>(spec, pool);
}

std::unique_ptr<WindowLogic> make_window_logic(const WindowSpec& spec, SlabPool& pool) {
  switch (spec.kind) {
    case WindowKind::kCount:
      return make_count_logic(spec, pool);
    case WindowKind::kDistinct:
      return make_distinct_logic(spec, pool);
    case WindowKind::kSequence:
      return spec.has_absent() ? make_absence_logic(spec, pool) : make_sequence_logic(spec, pool);
    default:
      return make_number_logic(spec, pool);
  }
}

}  // namespace postern::exec
