// Audit events as rows of linux.auditd: their records joined. Tests:
// tests/unit/input/auditd_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/dynamic.h"
#include "input/auditd/assembler.h"
#include "input/auditd/decode.h"
#include "input/auditd/event_columns.h"
#include "input/auditd/line.h"
#include "input/auditd/shape.h"
#include "input/auditd/syscalls.h"
#include "input/rows.h"

namespace postern::input::auditd {

inline constexpr std::string_view kEventTable = "linux.auditd";

/// Writes events, all to rows of the same readers; keeps its buffers from one to the next.
class EventWriter {
 public:
  /// `shapes` live as long as this. `layout`: of the table; null: rows go to visitors alone.
  EventWriter(RecordShapes& shapes, const data::Layout* layout)
      : shapes_(shapes), layout_(layout) {}

  /// `event`: with all of its lines, in order of the log; it lasts until it is written. False:
  /// nobody reads events of its kind.
  bool begin(const Event& event);

  /// Writes the event.
  void write(Row& row);

 private:
  void clear();
  void find_call();
  const data::Layout::Kind* kind_of(std::string_view call);
  const EventTargets& targets_of(const data::Layout::Kind* kind, const Row& row);
  /// Records that describe the event, and those that have something of their own.
  void describing_record(size_t line, Row& row);
  void other_record(size_t line);
  void describe(const EventField& field, Row& row);
  void take(const EventField& field, Row& row);
  void argument(const EventField& field);
  void path(size_t line);
  template <class F>
  void each_field(size_t line, F&& f);
  void write_lists(Row& row);
  void write_address(Row& row);

  RecordShapes& shapes_;
  const data::Layout* layout_;
  std::string folded_;
  /// By kind of event, which are few; the first is of all kinds.
  std::vector<std::pair<const data::Layout::Kind*, std::unique_ptr<const EventTargets>>> targets_;

  /// Of calls that were met, by where their names are.
  struct KnownKind {
    std::string_view call;
    const data::Layout::Kind* kind = nullptr;
  };

  static constexpr size_t kKnownKinds = 64;
  std::array<KnownKind, kKnownKinds> known_kinds_;
  const EventTargets* to_ = nullptr;  // of the current event
  CallNames names_;
  // Of the current event.
  const Event* event_ = nullptr;
  const data::Layout::Kind* kind_ = nullptr;  // null: nobody tells events apart
  std::vector<RecordKind> kinds_;             // by line
  std::vector<std::string> argv_;  // strings behind num_arguments_ are there to be used again
  size_t num_arguments_ = 0;
  size_t num_paths_ = 0;
  uint64_t taken_ = 0;  // columns, by the first of kEventColumns that has the name
  std::string_view arch_;
  std::string_view call_;
  std::string title_;
  std::optional<SocketAddress> address_;
  data::DynamicWriter types_;
  data::DynamicWriter paths_;
  data::DynamicWriter path_types_;
  data::DynamicWriter list_;
  std::string scratch_;
  std::string joined_;
};

}  // namespace postern::input::auditd
