// How regularly something happens: the beacon score of RITA, from times and sizes.
//
// An implant that asks for orders does so by a clock: the gaps between its connections are alike,
// so are the bytes it sends, and it goes on hour after hour. Four parts, each from 0 to 1, count a
// quarter each: `timing` (symmetry and spread of the gaps), `sizes` (the same of the bytes),
// `histogram` (how even 24 equal slices of the time are, or how well two levels describe them) and
// `duration` (how much of the time is covered, or how many slices in a row).
//
// Written from the published formula of RITA 5 (docs/beacons.md); quartiles are the medians of the
// two halves without the middle. Tests with values worked out by hand:
// tests/unit/exec/beacon_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace postern::exec {

struct BeaconScore {
  double score = 0;
  double timing = 0;
  double sizes = 0;
  double histogram = 0;
  double duration = 0;
};

/// Score of events at `seconds` (any order, since any epoch) of `sizes` bytes (any order; fewer
/// than three give no part). The histogram spans `from` to `to`: the time that was watched. None
/// with fewer than four events, fewer than three gaps that are not zero, or an empty span.
std::optional<BeaconScore> beacon_score(std::span<const double> seconds,
                                        std::span<const double> sizes,
                                        double from,
                                        double to);

// The parts, for tests and for the curious.

/// 1 − |Bowley skewness|; 1 where the middle half is narrower than 10 or leans on its edge.
double bowley_score(std::vector<double> values);
/// (median − median absolute deviation) / median, at least 0; `otherwise` for a median under 1.
double spread_score(std::vector<double> values, double otherwise);
/// Events per slice; events outside of the span count into the first and last slice.
std::vector<uint32_t> slices(std::span<const double> seconds, double from, double to);
/// The larger of 1 − variation coefficient and the fit of two levels.
double histogram_score(std::span<const uint32_t> slices);
/// `covered`: share of the span between the first and the last event.
double duration_score(std::span<const uint32_t> slices, double covered);

}  // namespace postern::exec
