// Audit records that come one by one, of a log of their own or between other lines (syslog): to the
// rows of both tables. Tests: tests/unit/input/auditd_test.cc, syslog_test.cc.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "input/auditd/assembler.h"
#include "input/auditd/event.h"
#include "input/rows.h"

namespace postern::input::auditd {

class RecordStream {
 public:
  RecordStream(const Input& input, DecodeContext& context);
  RecordStream(const RecordStream&) = delete;
  RecordStream& operator=(const RecordStream&) = delete;

  /// A line of the input that may be a record; false: it is none. Its text must live as long as the
  /// input.
  bool add(std::string_view line, uint64_t offset, uint64_t number);

  /// Whether what comes from now on is given out (it is, at first): lines before a slice are read
  /// only to know which events are open where it begins.
  void give_out(bool on) { gives_out_ = on; }

  /// Gives out the events that are still open, and the batches.
  void finish();
  /// The same at the end of a slice: events that began at `offset` or behind are the next slice's.
  void finish_slice(uint64_t offset);

  /// False once the sink asked to stop.
  bool ok() const { return tables_.ok(); }

 private:
  void record(const Line& line, std::string_view text, uint64_t offset, uint64_t number);
  void event(const Event& event, bool forced);

  const Input& input_;
  DecodeContext& context_;
  TableSet tables_;
  Assembler assembler_;
  EventWriter writer_;
  bool wants_events_;
  bool wants_records_;
  bool gives_out_ = true;
};

}  // namespace postern::input::auditd
