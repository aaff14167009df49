// What a window keeps of a group's rows, and when its condition holds: one class per kind.
//
// The rows of one group come in the order of their time, those of one time together, by step and
// evidence. State lies in the group's block of the pool; a sliding window forgets rows as it goes,
// a closing one when it is cleared. Work per row is constant (logarithmic for percentiles); what a
// condition `>= n` can never need is not kept: the last n rows, the last n different values.
// Meaning: plan/window.h. Tests: tests/unit/exec/window_test.cc, tests/differential.
#pragma once
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "exec/window/group_table.h"
#include "plan/window.h"

namespace postern::exec {

struct WindowRow {
  int64_t time = 0;
  uint32_t group = 0;
  uint32_t ref = 0;    ///< evidence
  uint32_t order = 0;  ///< among rows of one time: what does not depend on their arrival
  uint32_t step = 0;   ///< sequence
  uint64_t value = 0;  ///< distinct: hash of the values; sum, average, percentile: the number

  static uint64_t of_number(double v) { return std::bit_cast<uint64_t>(v); }

  double number() const { return std::bit_cast<double>(value); }
};

struct WindowEvidence {
  int64_t time = 0;
  uint32_t ref = 0;
};

struct WindowResult {
  int64_t time = 0;  ///< when it was known: of the deciding row, or the window's end
  int64_t from = 0;  ///< first row counted, or the window's begin
  int64_t to = 0;    ///< deciding row, or the window's end
  double value = 0;
  std::vector<WindowEvidence> evidence;  ///< at most kMaxWindowEvidence, by time
};

/// Enough to look at; a window may hold millions.
inline constexpr size_t kMaxWindowEvidence = 128;

/// Limits of double arithmetic in sums: larger numbers are no numbers.
inline constexpr double kMaxWindowValue = 1e27;

class WindowLogic {
 public:
  virtual ~WindowLogic() = default;
  /// `rows`: of one group and time. The group's `last` is still that of the rows before (closing:
  /// where the window began).
  virtual void add(WindowGroup& g, std::span<const WindowRow> rows) = 0;
  /// Whether the condition holds for the window that ends at `at` (sliding), for the one that began
  /// there (closing). Fills `out` but its time.
  virtual bool decide(WindowGroup& g, int64_t at, WindowResult& out) = 0;
  /// Forgets all rows and gives the block back.
  virtual void clear(WindowGroup& g) = 0;

  /// Bytes outside the pool.
  virtual uint64_t used_bytes() const { return 0; }
};

std::unique_ptr<WindowLogic> make_count_logic(const plan::WindowSpec& spec, SlabPool& pool);
std::unique_ptr<WindowLogic> make_distinct_logic(const plan::WindowSpec& spec, SlabPool& pool);
std::unique_ptr<WindowLogic> make_number_logic(const plan::WindowSpec& spec, SlabPool& pool);
std::unique_ptr<WindowLogic> make_sequence_logic(const plan::WindowSpec& spec, SlabPool& pool);
std::unique_ptr<WindowLogic> make_absence_logic(const plan::WindowSpec& spec, SlabPool& pool);
std::unique_ptr<WindowLogic> make_window_logic(const plan::WindowSpec& spec, SlabPool& pool);

/// All bounds hold for `value`.
bool within(const std::vector<plan::WindowBound>& bounds, double value);
/// The least whole number that `>` and `>=` bounds let pass, at least 1.
uint64_t least_count(const std::vector<plan::WindowBound>& bounds);

}  // namespace postern::exec
