// Rows of a window that wait for their time, given in the order of (time, group, step, evidence).
//
// Rows that come together are sorted together; such runs are kept side by side, of falling length,
// and merged like the carries of a counter: a row is moved a logarithmic number of times however
// late others may come, and rows that come in order are hardly moved at all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exec/window/window_logic.h"

namespace postern::exec {

class WaitingRows {
 public:
  void add(const WindowRow& row) { fresh_.push_back(row); }

  size_t size() const { return size_ + fresh_.size(); }

  uint64_t used_bytes() const { return size() * sizeof(WindowRow); }

  /// Replaces `out` with the rows before `time`.
  void take_before(int64_t time, std::vector<WindowRow>& out);
  /// A time that half of the rows lie before, or at; there is a row.
  int64_t middle();

 private:
  struct Run {
    std::vector<WindowRow> rows;
    size_t at = 0;  // those before are taken

    size_t size() const { return rows.size() - at; }
  };

  void settle();
  void merge_last_two();

  std::vector<WindowRow> fresh_;  // in no order yet
  std::vector<Run> runs_;
  size_t size_ = 0;  // of runs_
  std::vector<WindowRow> spare_;
  std::vector<size_t> pieces_;  // scratch
};

}  // namespace postern::exec
