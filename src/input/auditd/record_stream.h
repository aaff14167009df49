// Audit records that come one by one, of a log of their own or between other lines (syslog): to the
// rows of both tables. Tests: tests/unit/input/auditd_test.cc, syslog_test.cc.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/auditd/assembler.h"
#include "input/auditd/event.h"
#include "input/auditd/record_writer.h"
#include "input/rows.h"

namespace postern::input::auditd {

/// The lines of all events that are open, in order of the events; each with the number of the first
/// one of its event.
std::vector<Slice::Line> lines_of(const Assembler& assembler, std::string_view input);

class RecordStream {
 public:
  RecordStream(const Input& input, DecodeContext& context);
  RecordStream(const RecordStream&) = delete;
  RecordStream& operator=(const RecordStream&) = delete;

  /// A line of the input that may be a record; false: it is none. Its text must live as long as the
  /// input.
  bool add(std::string_view line, uint64_t offset, uint64_t number);

  /// What was open where a slice begins: its lines have been given out as records.
  void carry(const std::vector<Slice::Line>& lines);

  /// The lines of the events that are open now, by event.
  std::vector<Slice::Line> open_lines() const { return lines_of(assembler_, input_.bytes); }

  /// Gives out the events that are still open, and the batches.
  void finish();
  /// The same at the end of a slice that is not the last: what is open goes on behind it.
  void finish_slice();

  /// False once the sink asked to stop.
  bool ok() const { return tables_.ok(); }

 private:
  bool record(Line& line, std::string_view text, uint64_t offset, uint64_t number);
  void event(const Event& event, bool forced);
  void flush();

  const Input& input_;
  DecodeContext& context_;
  TableSet tables_;
  uint64_t skipped_records_ = 0;
  uint64_t skipped_events_ = 0;
  Assembler assembler_;
  LastStamp last_stamp_;
  RecordShapes shapes_;
  RecordWriter record_writer_;
  EventWriter event_writer_;
  bool wants_events_;
  bool wants_records_;
};

/// For cutters: knows which events are open behind the lines so far.
///
/// The lines of most events follow each other, and then nothing is left of them. So lines wait
/// until another event's comes, and only then the event is begun.
class OpenEvents {
 public:
  explicit OpenEvents(std::string_view input) : input_(input) {}

  /// Before any line: what is open in front of them.
  void carry(const std::vector<Slice::Line>& lines);
  /// A line of the input as the decoder hands it to RecordStream::add().
  void add(std::string_view line, uint64_t number);
  std::vector<Slice::Line> lines();

 private:
  void add_to_open(const Line& line, std::string_view text, uint64_t number);
  void begin_waiting();

  std::string_view input_;
  LastStamp last_stamp_;
  Assembler assembler_{[](const Event&, bool) {}};
  std::vector<std::string_view> waiting_;  // the first lines of one event, or none
  EventId waiting_id_;
  uint64_t waiting_number_ = 0;  // of the first
};

}  // namespace postern::input::auditd
