#include "exec/beacon.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace postern::exec {
namespace {

constexpr size_t kMinEvents = 4;
constexpr size_t kMinGaps = 3;
constexpr size_t kSlices = 24;      // an hour each, of the day that RITA looks at
constexpr size_t kMinLevels = 11;   // slices with events before two levels are looked for
constexpr size_t kMinDuration = 6;  // slices with events before the duration counts
constexpr double kRun = 12;         // slices in a row that make a full score
constexpr double kLevelWidth =
    0.05;                       // of the highest slice: heights closer than that are one level
constexpr double kNarrow = 10;  // seconds or bytes: a middle half under it has no skewness

double median(std::span<const double> sorted) {
  const size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double rounded(double x) {
  return std::round(x * 1000) / 1000;
}

double rounded_up(double x) {
  return std::min(1.0, std::ceil(x * 1000) / 1000);
}

double statistical_score(const std::vector<double>& values, double otherwise) {
  return rounded((bowley_score(values) + spread_score(values, otherwise)) / 2);
}

}  // namespace

double bowley_score(std::vector<double> values) {
  if (values.size() < 2) return 0;
  std::sort(values.begin(), values.end());
  const std::span<const double> all(values);
  const size_t half = all.size() / 2;
  const double q1 = median(all.first(half));
  const double q2 = median(all);
  const double q3 = median(all.last(half));
  if (q3 - q1 < kNarrow || q2 == q1 || q2 == q3) return 1;
  return 1 - std::fabs((q1 + q3 - 2 * q2) / (q3 - q1));
}

double spread_score(std::vector<double> values, double otherwise) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double middle = median(values);
  if (!(middle >= 1)) return otherwise;
  for (double& v : values)
    v = std::fabs(v - middle);
  std::sort(values.begin(), values.end());
  return std::max(0.0, (middle - median(values)) / middle);
}

std::vector<uint32_t> slices(std::span<const double> seconds, double from, double to) {
  std::vector<uint32_t> out(kSlices, 0);
  const double step = (to - from) / static_cast<double>(kSlices);
  for (const double t : seconds) {
    const double at = step > 0 ? std::floor((t - from) / step) : 0;
    ++out[static_cast<size_t>(std::clamp(at, 0.0, static_cast<double>(kSlices - 1)))];
  }
  return out;
}

double histogram_score(std::span<const uint32_t> slices) {
  double sum = 0;
  uint32_t highest = 0;
  size_t bars = 0;
  for (const uint32_t n : slices) {
    sum += n;
    highest = std::max(highest, n);
    bars += n > 0 ? 1 : 0;
  }
  if (bars == 0) return 0;
  const double mean = sum / static_cast<double>(slices.size());
  double variance = 0;
  for (const uint32_t n : slices)
    variance += (n - mean) * (n - mean);
  const double variation = std::sqrt(variance / static_cast<double>(slices.size())) / mean;
  const double even = variation > 1 ? 0 : rounded(1 - variation);
  if (bars < kMinLevels) return even;
  // One bar may be an outlier: the first and the last slice are seldom whole.
  const double width = std::ceil(highest * kLevelWidth);
  std::map<double, size_t> levels;
  for (const uint32_t n : slices)
    if (n > 0) ++levels[std::floor(n / width)];
  size_t first = 0;
  size_t second = 0;
  for (const auto& [level, count] : levels) {
    if (count > first)
      second = std::exchange(first, count);
    else
      second = std::max(second, count);
  }
  const double two_levels = rounded(static_cast<double>(first + second) /
                                    static_cast<double>(std::max<size_t>(bars - 1, 1)));
  return std::max(even, std::min(1.0, two_levels));
}

double duration_score(std::span<const uint32_t> slices, double covered) {
  size_t bars = 0;
  size_t run = 0;
  size_t longest = 0;
  // Twice around: a run goes on from the last slice into the first.
  for (size_t i = 0; i < slices.size() * 2; ++i) {
    const bool seen = slices[i % slices.size()] > 0;
    if (i < slices.size() && seen) ++bars;
    run = seen ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  if (bars < kMinDuration) return 0;
  longest = std::min(longest, slices.size());
  return std::max(rounded_up(covered), rounded_up(static_cast<double>(longest) / kRun));
}

std::optional<BeaconScore> beacon_score(std::span<const double> seconds,
                                        std::span<const double> sizes,
                                        double from,
                                        double to) {
  if (seconds.size() < kMinEvents || !(to > from)) return std::nullopt;
  std::vector<double> sorted(seconds.begin(), seconds.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> gaps;
  for (size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i] > sorted[i - 1]) gaps.push_back(sorted[i] - sorted[i - 1]);
  if (gaps.size() < kMinGaps) return std::nullopt;
  BeaconScore out;
  out.timing = statistical_score(gaps, 1);
  if (sizes.size() >= kMinGaps) out.sizes = statistical_score({sizes.begin(), sizes.end()}, 0);
  const std::vector<uint32_t> bars = slices(sorted, from, to);
  out.histogram = histogram_score(bars);
  out.duration = duration_score(bars, (sorted.back() - sorted.front()) / (to - from));
  out.score = rounded((out.timing + out.sizes + out.histogram + out.duration) / 4);
  return out;
}

}  // namespace postern::exec
