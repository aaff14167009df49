// What a sliding window over event time asks: the one description behind Sigma's correlations.
//
// Rows are taken in the order of their event time, per group of equal keys. A window of length T
// that ends at time t holds the rows with t - T < time <= t: rows that are exactly T apart never
// share one.
//
//   sliding   decided at each row, over the window that ends there (conditions `>` and `>=`, and
//   terms
//             without an absent step). A group that has fired is silent for T, unless `every`.
//   closing   decided when the window is over. With bounds of another kind (`<`, `==` …) windows do
//   not
//             overlap: one opens with the first row of its group that no earlier window holds. With
//             absent steps every row opens one, [s, s + T), the steps of a term must occur in it,
//             and the absent ones must not occur in (s - T, s + T).
//
// Rows of one time are taken together: no answer depends on the order of arrival. Built by
// lang/sigma/correlation.cc, run by exec/window; the choices are documented in
// docs/correlations.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace postern::plan {

enum class WindowKind : uint8_t {
  kCount,     ///< rows
  kDistinct,  ///< distinct tuples of the value columns
  kSum,       ///< of one value column, as are the next two
  kAverage,
  kPercentile,  ///< with linear interpolation between the closest ranks
  kSequence     ///< which steps (kinds of rows) occur
};

enum class BoundOp : uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

struct WindowBound {
  BoundOp op = BoundOp::kGreaterEqual;
  double value = 0;
};

/// One way a sequence is complete: these steps (in this order when the window is ordered), and none
/// of the absent ones.
struct WindowTerm {
  std::vector<uint32_t> steps;
  std::vector<uint32_t> absent;
};

inline constexpr size_t kMaxWindowSteps = 64;

struct WindowSpec {
  WindowKind kind = WindowKind::kCount;
  std::string name;    ///< output column of the value that was compared
  int64_t length = 0;  ///< ticks, above 0
  /// All must hold. For a sequence without terms: of the number of different steps seen (of the
  /// longest run in order when ordered).
  std::vector<WindowBound> bounds;
  double percentile = 50;  ///< 0 to 100
  /// Keys are equal when they differ in the case of ASCII letters only, as Sigma compares texts.
  bool ignore_case = false;
  // Sequence:
  bool ordered = false;
  std::vector<std::string> steps;  ///< names; a row's step column holds the index
  std::vector<WindowTerm> terms;   ///< any of them
  /// Fires at each row that holds, not once per length: for a window over this one that asks
  /// whether its condition holds, not how often it was reported.
  bool every = false;
  /// Columns taken along from the rows of the window: an output row per distinct tuple of them.
  std::vector<std::string> carried;

  bool has_absent() const {
    for (const WindowTerm& t : terms)
      if (!t.absent.empty()) return true;
    return false;
  }

  /// Decided when a window is over, not at its last row.
  bool closing() const {
    for (const WindowBound& b : bounds)
      if (b.op != BoundOp::kGreater && b.op != BoundOp::kGreaterEqual) return true;
    return has_absent();
  }
};

/// Names of the two columns that tell a finding's window, last in the output.
inline constexpr const char* kWindowFrom = "window_from";
inline constexpr const char* kWindowTo = "window_to";

/// "event_count >= 10 in 5m", "ordered (a, b) in 1h".
std::string to_text(const WindowSpec& spec);

}  // namespace postern::plan
