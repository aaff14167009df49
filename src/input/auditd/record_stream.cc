#include "input/auditd/record_stream.h"

#include <functional>
#include <utility>
#include <vector>

#include "input/auditd/auditd.h"
#include "input/text_input.h"

namespace postern::input::auditd {
namespace {

/// What a RecordRef points to, in its `row`.
enum : uint32_t { kOneRecord, kWholeEvent };

/// Decodes again: the text is one line, or the stretch of the log from an event's first line to its
/// last, in which lines of other events are passed over.
void read_again(const RecordRef& ref, data::FieldVisitor& visitor) {
  Row row(visitor);
  // What is known of records in general serves all of them.
  thread_local RecordShapes shapes{Layouts{}};
  Line line;
  if (ref.row == kOneRecord) {
    if (read_head(ref.text, line)) RecordWriter(shapes).write(line, shapes.of(line.type), row);
    return;
  }
  Event event;
  LineReader reader(ref.text);
  while (reader.next())
    if (read_head(reader.line(), line) && (event.lines.empty() || line.id == event.lines[0].id) &&
        type_name(line.type) != "EOE")
      event.lines.push_back(line);
  event.ranges.resize(event.lines.size());
  EventWriter writer(shapes, nullptr);
  writer.begin(event);
  writer.write(row);
}

std::string joined(const Event& event) {
  std::string out;
  for (const std::string_view line : event.texts) {
    if (!out.empty()) out.push_back('\n');
    out.append(line);
  }
  return out;
}

/// The text to decode the event again from: the stretch of the log that holds it, unless that is so
/// long that a copy of the lines alone is cheaper to read.
std::string_view stretch(const Event& event, std::shared_ptr<const std::string>& copy) {
  constexpr size_t kMaxStretch = size_t{64} * 1024;
  const char* from = event.texts.front().data();
  const char* to = event.texts.back().data() + event.texts.back().size();
  const auto size = static_cast<size_t>(to - from);
  if (size <= kMaxStretch) return {from, size};
  copy = std::make_shared<const std::string>(joined(event));
  return *copy;
}

/// What lines_of() gave.
void carry_into(Assembler& assembler,
                std::string_view input,
                const std::vector<Slice::Line>& lines) {
  for (const Slice::Line& l : lines) {
    LineReader reader(input.substr(l.offset));
    Line line;
    if (reader.next() && read_head(reader.line(), line))
      assembler.carry(line, reader.line(), l.offset, l.number);
  }
}

}  // namespace

RecordStream::RecordStream(const Input& input, DecodeContext& context)
    : input_(input),
      context_(context),
      tables_(input, context, read_again),
      assembler_([this](const Event& e, bool forced) { event(e, forced); }),
      shapes_({context.layout(kRecordTable), context.layout(kEventTable)}),
      record_writer_(shapes_),
      event_writer_(shapes_, context.layout(kEventTable)),
      wants_events_(context.layout(kEventTable) != nullptr),
      wants_records_(context.layout(kRecordTable) != nullptr) {}

bool RecordStream::add(std::string_view text, uint64_t offset, uint64_t number) {
  Line line;
  if (!read_head(text, line, &last_stamp_)) return false;
  const char* end = input_.bytes.data() + input_.bytes.size();
  if (!std::less<>()(text.data(), input_.bytes.data()) && !std::less<>()(end, text.data()))
    line.readable = end;
  // With no reader at all, records are counted.
  const bool walked = (wants_records_ || !wants_events_) && record(line, text, offset, number);
  if (wants_events_)
    assembler_.add(line, text, offset, number, walked ? &record_writer_.event_fields() : nullptr);
  return true;
}

void RecordStream::finish() {
  if (tables_.ok()) assembler_.flush();
  flush();
}

void RecordStream::finish_slice() {
  assembler_.forget();
  flush();
}

void RecordStream::flush() {
  tables_.flush();
  if (skipped_records_ > 0) context_.sink.skipped(kRecordTable, std::exchange(skipped_records_, 0));
  if (skipped_events_ > 0) context_.sink.skipped(kEventTable, std::exchange(skipped_events_, 0));
}

void RecordStream::carry(const std::vector<Slice::Line>& lines) {
  if (wants_events_) carry_into(assembler_, input_.bytes, lines);
}

std::vector<Slice::Line> lines_of(const Assembler& assembler, std::string_view input) {
  std::vector<Slice::Line> out;
  for (const Event& e : assembler.open())
    for (const std::string_view text : e.texts)
      out.push_back({static_cast<uint64_t>(text.data() - input.data()), e.line_number});
  return out;
}

void OpenEvents::carry(const std::vector<Slice::Line>& lines) {
  carry_into(assembler_, input_, lines);
}

void OpenEvents::add(std::string_view text, uint64_t number) {
  Line line;
  if (!read_head(text, line, &last_stamp_)) return;
  if (waiting_.empty() || waiting_id_ != line.id) {
    begin_waiting();
    if (assembler_.is_open(line.id) || assembler_.num_lines() >= Assembler::kMaxOpenLines)
      return add_to_open(line, text, number);
    assembler_.make_room(line.id);
    waiting_id_ = line.id;
    waiting_number_ = number;
  } else if (assembler_.num_lines() + waiting_.size() >= Assembler::kMaxOpenLines ||
             waiting_.size() + 1 >= Assembler::kMaxLinesPerEvent) {
    begin_waiting();
    return add_to_open(line, text, number);
  }
  if (ends_event(line.type))
    waiting_.clear();
  else
    waiting_.push_back(text);
}

void OpenEvents::add_to_open(const Line& line, std::string_view text, uint64_t number) {
  assembler_.add(line, text, static_cast<uint64_t>(text.data() - input_.data()), number);
}

void OpenEvents::begin_waiting() {
  Line line;
  for (const std::string_view text : waiting_)
    if (read_head(text, line)) add_to_open(line, text, waiting_number_);
  waiting_.clear();
}

std::vector<Slice::Line> OpenEvents::lines() {
  begin_waiting();
  return lines_of(assembler_, input_);
}

/// False: the record has not been walked, because nobody reads it.
bool RecordStream::record(Line& line, std::string_view text, uint64_t offset, uint64_t number) {
  RecordShape& shape = shapes_.of(line.type);
  line.kind = shape.kind();
  if (!shape.is_read()) {
    ++skipped_records_;
    return false;
  }
  if (shape.row_gate() && !record_writer_.may_pass(line, text, shape)) {
    ++skipped_records_;
    return true;
  }
  TableRows* rows = tables_.event(kRecordTable);
  if (!rows) return false;
  rows->begin({offset, number}, {text, kOneRecord});
  data::BatchBuilder& builder = rows->builder();
  // The line holds its values, but for those in hex and names that stand for numbers.
  const data::TextGate* gate = shape.reads_texts() ? shape.text_gate() : nullptr;
  if (gate && gate->may_hold_plain(text)) gate = nullptr;
  if (gate || !shape.reads_texts()) builder.leave_out_texts();
  Row row(*rows);
  data::BatchBuilder* values = builder.wants_values() ? &builder : nullptr;
  if (record_writer_.write(line, shape, row, values, gate)) {
    builder.dynamic(rows->layout().values_slot(), record_writer_.values(line));
    builder.text(rows->layout().text_slot(), text, true);
  }
  row.raw(text, true);
  rows->end();
  tables_.check(*rows);
  return true;
}

void RecordStream::event(const Event& event, bool forced) {
  if (event.lines.empty()) return;
  if (forced)
    context_.anomalies.add("auditd-event-cut", input_.path, event.offset,
                           "too many events or lines open");
  if (!tables_.ok()) return;
  if (!event_writer_.begin(event)) {
    ++skipped_events_;
    return;
  }
  TableRows* rows = tables_.event(kEventTable);
  if (!rows) return;
  std::shared_ptr<const std::string> copy;
  const std::string_view text = stretch(event, copy);
  rows->begin({event.offset, event.line_number}, {text, kWholeEvent}, copy);
  Row row(*rows);
  if (rows->layout().wants_text()) row.raw(joined(event), false);
  event_writer_.write(row);
  rows->end();
  tables_.check(*rows);
}

}  // namespace postern::input::auditd
