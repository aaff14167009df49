// Which records need not become rows? Those that no filter lets through, as far as texts tell.
// Tests: tests/unit/exec/row_gate_test.cc.
#pragma once
#include <cstdint>
#include <string_view>

namespace postern::data {

/// What filters need of records of one kind, for decoders of texts that hold the values: any of
/// some literals, wherever in the text, or that one column or two have one of some values. While
/// nothing of it is there, no filter lets the record through. Immutable, shared by threads.
class RowGate {
 public:
  /// What values of a record were found to be good for: alternatives by number, of which the first
  /// column, and of which the second is as it has to be.
  struct Touched {
    uint64_t first = 0;
    uint64_t second = 0;

    void add(const Touched& other) {
      first |= other.first;
      second |= other.second;
    }

    /// Whether one of them is all there.
    bool any() const { return (first & second) != 0; }
  };

  virtual ~RowGate() = default;

  /// Whether any of the literals is in a text, in which every character stands for itself: that of
  /// the record is to be asked, and each value that is written otherwise there.
  virtual bool may_hold(std::string_view text) const = 0;

  /// Before any value is known.
  virtual Touched start() const = 0;

  /// Whether filters need anything of a column's values.
  virtual bool asks(int slot) const = 0;

  /// What a value of such a column is good for.
  virtual Touched touched(int slot, std::string_view value) const = 0;
};

}  // namespace postern::data
