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

/// Where a block holds no more than so many numbers, sum and percentile are found anew each time,
/// which takes no memory. Larger ones have a header: the sum, or the root of an ordered set.
constexpr uint32_t kMaxPlain = 32;

class Numbers final : public WindowLogic {
 public:
  Numbers(const WindowSpec& spec, SlabPool& pool)
      : spec_(spec),
        closing_(spec.closing()),
        percentile_(spec.kind == WindowKind::kPercentile),
        ring_(pool,
              {.header = percentile_ ? 1U : 4U,
               .plain = kMaxPlain,
               .payload = sizeof(double),
               .compact = true,
               .number = true},
              spec.length,
              closing_) {}

  void add(WindowGroup& g, std::span<const WindowRow> rows) override {
    if (!closing_) expire(g, rows[0].time);
    for (const WindowRow& r : rows) {
      const bool had_header = ring_.has_header(g);
      ring_.push(g, r);
      if (!ring_.has_header(g)) continue;
      for (uint32_t n = ring_.count(g), i = had_header ? n - 1 : 0; i < n; ++i)
        if (percentile_)
          ordered_.insert(*ring_.header(g), ring_.number(g, i));
        else
          add_to_sum(g, fixed(ring_.number(g, i)));
    }
  }

  bool decide(WindowGroup& g, int64_t at, WindowResult& out) override {
    if (!closing_) expire(g, at);
    if (ring_.count(g) == 0) return false;
    out.value = value(g);
    if (!within(spec_.bounds, out.value)) return false;
    out.from = closing_ ? at : ring_.time(g, 0);
    out.to = closing_ ? at + spec_.length : at;
    ring_.evidence(g, out.evidence);
    return true;
  }

  void clear(WindowGroup& g) override {
    if (percentile_ && ring_.has_header(g)) ordered_.clear(*ring_.header(g));
    ring_.release(g);
  }

  uint64_t used_bytes() const override { return ordered_.used_bytes(); }

 private:
  void expire(WindowGroup& g, int64_t now) {
    while (ring_.count(g) > 0 && ring_.time(g, 0) <= now - spec_.length) {
      if (ring_.has_header(g)) {
        if (percentile_)
          ordered_.erase(*ring_.header(g), ring_.number(g, 0));
        else
          add_to_sum(g, -fixed(ring_.number(g, 0)));
      }
      ring_.pop(g);
    }
  }

  void add_to_sum(const WindowGroup& g, Fixed change) {
    uint32_t* sum = ring_.header(g);
    store_words(sum, load_words<Fixed>(sum) + change);
  }

  Fixed sum(const WindowGroup& g) {
    if (ring_.has_header(g)) return load_words<Fixed>(ring_.header(g));
    Fixed sum = 0;
    for (uint32_t i = 0, n = ring_.count(g); i < n; ++i)
      sum += fixed(ring_.number(g, i));
    return sum;
  }

  double value(const WindowGroup& g) {
    const uint32_t count = ring_.count(g);
    if (!percentile_) {
      const double total = static_cast<double>(sum(g)) / kScale;
      return spec_.kind == WindowKind::kSum ? total : total / count;
    }
    const double rank = spec_.percentile / 100 * (count - 1);
    const auto below = static_cast<uint32_t>(rank);
    const bool last = below + 1 >= count;
    double low = 0;
    double high = 0;
    if (ring_.has_header(g)) {
      const uint32_t root = *ring_.header(g);
      low = ordered_.kth(root, below);
      high = last ? low : ordered_.kth(root, below + 1);
    } else {
      sorted_.clear();
      for (uint32_t i = 0; i < count; ++i)
        sorted_.push_back(ring_.number(g, i));
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
