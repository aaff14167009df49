// One cell of each group, kept across batches, for the aggregates that choose a value. A group
// whose cell has no value costs a byte: `arg_max(t, *)` keeps a hundred columns, most of them
// empty.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {

class KeptCells {
 public:
  void resize(uint32_t num_groups) { states_.resize(num_groups, State::kNone); }

  /// Whether some row was kept, with a value or without.
  bool seen(uint32_t group) const { return states_[group] != State::kNone; }

  /// Whether the kept cell has a value.
  bool valid(uint32_t group) const { return states_[group] >= State::kEmptyText; }

  bool is_empty_text(uint32_t group) const { return states_[group] == State::kEmptyText; }

  /// Copies the cell: its batch is gone when the next one comes.
  void keep(uint32_t group, const Arg& a, uint32_t row);

  /// A row without a value.
  void keep_none(uint32_t group) { states_[group] = State::kNoValue; }

  // The value, where it is of that kind.
  int64_t whole(uint32_t group) const { return words_[group].whole; }

  double real(uint32_t group) const { return words_[group].real; }

  std::string_view bytes(uint32_t group) const { return texts_[group]; }

  /// Nothing kept is null, and of strings "".
  void append(uint32_t group, ColumnBuilder& out) const;

  uint64_t memory_bytes() const {
    return states_.size() + words_.size() * sizeof(Word) + texts_.size() * sizeof(std::string) +
           long_text_bytes_;
  }

 private:
  enum class State : uint8_t { kNone, kNoValue, kEmptyText, kValue };

  union Word {
    int64_t whole = 0;
    double real;
  };

  Word& word(uint32_t group);
  std::string& text(uint32_t group);

  std::vector<State> states_;
  // As far as some group needed one.
  std::vector<Word> words_;
  std::vector<std::string> texts_;
  uint64_t long_text_bytes_ = 0;
};

}  // namespace postern::exec::kql
