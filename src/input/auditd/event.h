// Audit events as rows of linux.auditd: their records joined. Tests:
// tests/unit/input/auditd_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dynamic.h"
#include "input/auditd/decode.h"
#include "input/auditd/event_columns.h"
#include "input/auditd/line.h"
#include "input/auditd/shape.h"
#include "input/rows.h"

namespace postern::input::auditd {

inline constexpr std::string_view kEventTable = "linux.auditd";

/// Writes events, all to rows of the same readers; keeps its buffers from one to the next.
class EventWriter {
 public:
  /// `shapes` live as long as this.
  explicit EventWriter(RecordShapes& shapes) : shapes_(shapes) {}

  /// `lines`: all lines of one event, in order of the log.
  void write(const std::vector<Line>& lines, Row& row);

 private:
  void clear();
  void record(const Line& line, Row& row);
  void describe(const Line& line, RecordShape& shape, Row& row);
  void take(int column, const FieldPlan& plan, const Field& field, Row& row);
  void arguments(const Line& line, RecordShape& shape);
  void path(const Line& line, RecordShape& shape);
  void write_lists(Row& row);
  void write_address(Row& row);

  RecordShapes& shapes_;
  std::optional<EventTargets> to_;
  // Of the current event.
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
