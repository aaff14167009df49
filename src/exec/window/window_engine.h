// Windows of one operator: rows wait until their time has come, then go to their group's window.
//
// advance(w) says that no row before w will come any more: the rows before w are taken in the order
// of (time, group, step, evidence), so the order of arrival shows in no answer. A row that comes
// too late all the same is counted and dropped. Groups with state stand in slices by age: what has
// left every window is dropped slice by slice. Windows that close stand in a list in the order in
// which they opened, and are closed from its front. No timer per group.
//
// Memory has a limit. When it is reached, the older half of the waiting rows is taken before its
// time, or, when groups fill it, the oldest groups are forgotten; both are counted. Tests:
// tests/unit/exec/window_test.cc, tests/differential.
#pragma once
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "exec/window/flat_map.h"
#include "exec/window/group_ages.h"
#include "exec/window/group_table.h"
#include "exec/window/waiting_rows.h"
#include "exec/window/window_logic.h"

namespace postern::exec {

class WindowSink {
 public:
  virtual ~WindowSink() = default;
  virtual void fired(std::string_view key, WindowResult& result) = 0;
};

/// What went wrong, in numbers of rows and groups.
struct WindowCounts {
  uint64_t late = 0;       ///< rows that came after their time
  uint64_t hurried = 0;    ///< rows taken before their time for want of memory
  uint64_t forgotten = 0;  ///< groups forgotten for want of memory
};

class WindowEngine {
 public:
  /// `spec` outlives the engine. `max_bytes`: of state, above 0.
  WindowEngine(const plan::WindowSpec& spec, uint64_t max_bytes, WindowSink& sink);

  /// One more row; `row.group` is set here.
  void add(std::string_view key, WindowRow row) { add({&key, 1}, {&row, 1}); }

  /// As many rows as keys.
  void add(std::span<const std::string_view> keys, std::span<const WindowRow> rows);
  /// No row before `watermark` comes any more.
  void advance(int64_t watermark);
  /// No row comes any more.
  void finish();

  const WindowCounts& counts() const { return counts_; }

  uint32_t num_groups() const { return groups_.size(); }

  uint64_t used_bytes() const;

 private:
  void process();
  void take(const WindowRow* rows, size_t n);
  void close_until(int64_t now);
  void forget_until(int64_t now);
  void forget(uint32_t group);
  void fire(uint32_t group, int64_t at, int64_t time);
  bool silent(uint32_t group, int64_t at);
  void open(uint32_t group);
  uint32_t take_opened();
  void prefetch(size_t row);
  void limit_memory();

  const plan::WindowSpec& spec_;
  uint64_t max_bytes_;
  WindowSink& sink_;
  bool absent_;   // every row opens a window
  bool closing_;  // windows do not overlap
  SlabPool pool_;
  GroupTable groups_;
  std::unique_ptr<WindowLogic> logic_;
  WaitingRows waiting_;
  // Scratch: rows that are not late, their keys and groups.
  std::vector<std::string_view> keys_;
  std::vector<WindowRow> arrived_;
  std::vector<uint32_t> found_;
  std::vector<WindowRow> ready_;
  std::deque<std::pair<int64_t, uint32_t>> openings_;  // absent: (begin, group)
  int64_t watermark_ = kNever;
  GroupAges ages_;                           // but for closing windows
  uint32_t first_opened_ = SlabPool::kNone;  // closing windows
  uint32_t last_opened_ = SlabPool::kNone;
  FlatMap<uint32_t, int64_t> fired_;  // of groups marked so: where the window was that fired
  uint32_t since_check_ = 0;
  WindowCounts counts_;
  WindowResult result_;
};

}  // namespace postern::exec
