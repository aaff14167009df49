// Audit lines as rows: one row per record (linux.auditd.record), one per event (linux.auditd).
// Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/dynamic.h"
#include "input/auditd/line.h"
#include "input/rows.h"

namespace postern::input::auditd {

inline constexpr std::string_view kEventTable = "linux.auditd";
inline constexpr std::string_view kRecordTable = "linux.auditd.record";

/// Writes one record: its fields by their own names, untrusted strings decoded, several keys as an
/// array. Where the log is not enriched, SYSCALL and ARCH are added by name.
void write_record(const Line& line, Row& row);

/// Writes events; keeps its buffers from one to the next.
class EventWriter {
 public:
  /// `lines`: all lines of one event, in order of the log.
  void write(const std::vector<Line>& lines, Row& row);

 private:
  class Columns;

  void arguments(const Line& line);
  void write_lists(Row& row);

  std::vector<std::string> argv_;
  data::DynamicWriter list_;
  std::string scratch_;
  std::string joined_;
};

}  // namespace postern::input::auditd
