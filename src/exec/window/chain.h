// Chains: rows of given steps in a given order, the next one not before the one before.
//
// For each prefix of the steps the chain that began last is kept: it is the last to leave the
// window, so it tells whether any chain of that length lies in it. A row extends chains by one
// step; rows of one time may follow each other in any order, each used once. O(steps) per row.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "exec/window/window_logic.h"

namespace postern::exec {

/// The chains of one term, as words of a group's block: per prefix its rows, of which the first
/// tells where it began (kNever: none yet).
class Chain {
 public:
  explicit Chain(std::vector<uint32_t> steps) : steps_(std::move(steps)) {}

  uint32_t num_words() const { return static_cast<uint32_t>(first_row(steps_.size())); }

  void reset(uint32_t* state) const;
  /// `rows`: of one time, by step.
  void add(uint32_t* state, std::span<const WindowRow> rows);
  /// Where the last complete chain began; kNever when there is none.
  int64_t began(const uint32_t* state) const;
  void evidence(const uint32_t* state, std::vector<WindowEvidence>& out) const;

 private:
  int64_t begin_of(const uint32_t* state, size_t prefix) const;
  /// Makes the chain of prefix `to` out of the one of `from` (none: kFresh) and `rows`.
  void extend(uint32_t* state,
              const uint32_t* old,
              size_t from,
              size_t to,
              std::span<const WindowRow* const> rows);

  // Prefixes have one row, two, three …, of three words each.
  static size_t first_row(size_t prefix) { return prefix * (prefix + 1) / 2 * 3; }

  static constexpr size_t kFresh = SIZE_MAX;

  std::vector<uint32_t> steps_;
  std::vector<uint32_t> old_;            // scratch
  std::vector<const WindowRow*> taken_;  // scratch
};

}  // namespace postern::exec
