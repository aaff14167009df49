// Sums, averages and percentiles of a numeric column.
//
// Sums are kept as whole multiples of 2^-32 in 128 bits: what leaves takes away exactly what it
// brought, so an answer depends on the rows in the window alone, not on those before them.
// Percentiles come from an ordered set per group of more than a few numbers, interpolated between
// the closest ranks (for 50
// that is the median as usually defined: the mean of the two middle values of an even number).
#include <algorithm>
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

/// Of up to so many numbers a percentile is looked for anew, which takes no memory.
constexpr uint32_t kMaxSorted = 32;

class Numbers final : public WindowLogic {
 public:
  Numbers(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        closing_(spec.closing()),
        percentile_(spec.kind == WindowKind::kPercentile),
        ring_(pool, percentile_ ? 1 : 4, sizeof(double), spec.length, closing_) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (!closing_) expire(g, rows[0].time);
    for (const WindowRow& r : rows) {
      store_words(ring_.push(g, r), r.value);
      if (percentile_)
        ordered_add(g, r.number());
      else
        add_to_sum(g, fixed(r.number()));
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
      if (!percentile_)
        add_to_sum(g, -fixed(number(g, 0)));
      else if (uint32_t& root = *ring_.header(g); root != OrderedValues::kEmpty)
        ordered_.erase(root, number(g, 0));
      ring_.pop(g);
    }
  }

  double number(const WindowGroup& g, uint32_t i) {
    return load_words<double>(ring_.payload(g, i));
  }

  void add_to_sum(const WindowGroup& g, Fixed change) {
    uint32_t* sum = ring_.header(g);
    store_words(sum, load_words<Fixed>(sum) + change);
  }

  // `value` is the last entry.
  void ordered_add(const WindowGroup& g, double value) {
    uint32_t& root = *ring_.header(g);
    if (root != OrderedValues::kEmpty)
      ordered_.insert(root, value);
    else if (g.count > kMaxSorted)
      for (uint32_t i = 0; i < g.count; ++i)
        ordered_.insert(root, number(g, i));
  }

  double value(const WindowGroup& g) {
    uint32_t* header = ring_.header(g);
    if (!percentile_) {
      const double sum = static_cast<double>(load_words<Fixed>(header)) / kScale;
      return spec_.kind == WindowKind::kSum ? sum : sum / g.count;
    }
    const double rank = spec_.percentile / 100 * (g.count - 1);
    const auto below = static_cast<uint32_t>(rank);
    const bool last = below + 1 >= g.count;
    double low = 0;
    double high = 0;
    if (*header != OrderedValues::kEmpty) {
      low = ordered_.kth(*header, below);
      high = last ? low : ordered_.kth(*header, below + 1);
    } else {
      sorted_.clear();
      for (uint32_t i = 0; i < g.count; ++i)
        sorted_.push_back(number(g, i));
      const auto at = sorted_.begin() + below;
      std::nth_element(sorted_.begin(), at, sorted_.end());
      low = *at;
      high = last ? low : *std::min_element(at + 1, sorted_.end());
    }
    return low + (rank - below) * (high - low);
  }

  const WindowSpec& spec_;
  bool closing_;
  bool percentile_;
  WindowRing ring_;
  OrderedValues ordered_;
  std::vector<double> sorted_;  // scratch
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
