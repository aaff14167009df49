#include "input/auditd/auditd.h"

#include <memory>
#include <string>

#include "base/text.h"
#include "input/auditd/assembler.h"
#include "input/auditd/event.h"
#include "input/rows.h"
#include "input/text_input.h"

namespace postern::input::auditd {
namespace {

/// What a RecordRef points to, in its `row`.
enum : uint32_t { kOneRecord, kWholeEvent };

/// Lines that an ausearch listing puts between events.
bool is_listing_mark(std::string_view line) {
  return line.empty() || line == "----" || line.substr(0, 6) == "time->";
}

/// Decodes again: the text is one line, or the stretch of the log from an event's first line to its
/// last, in which lines of other events are passed over.
void read_again(const RecordRef& ref, data::FieldVisitor& visitor) {
  Row row(visitor);
  Line line;
  if (ref.row == kOneRecord) {
    if (read_head(ref.text, line)) write_record(line, row);
    return;
  }
  std::vector<Line> lines;
  LineReader reader(ref.text);
  while (reader.next())
    if (read_head(reader.line(), line) && (lines.empty() || line.id == lines[0].id) &&
        type_name(line.type) != "EOE")
      lines.push_back(line);
  EventWriter().write(lines, row);
}

class Decoder {
 public:
  Decoder(const Input& input, DecodeContext& context)
      : input_(input),
        context_(context),
        tables_(input, context, read_again),
        assembler_([this](const Event& e, bool forced) { event(e, forced); }),
        wants_events_(context.layout(kEventTable) != nullptr),
        wants_records_(context.layout(kRecordTable) != nullptr) {}

  void run() {
    LineReader reader(input_.bytes);
    Progress progress(context_);
    Line line;
    while (tables_.ok() && reader.next()) {
      if (!progress.at(reader.done())) break;
      if (is_listing_mark(reader.line())) continue;
      if (!read_head(reader.line(), line)) {
        bad_line(reader);
        continue;
      }
      // With no reader at all, records are counted.
      if (wants_records_ || !wants_events_) record(line, reader);
      if (wants_events_) assembler_.add(line, reader.line(), reader.offset(), reader.number());
    }
    progress.at(reader.done());
    if (tables_.ok()) assembler_.flush();
    tables_.flush();
  }

 private:
  void record(const Line& line, const LineReader& reader) {
    TableRows* rows = tables_.event(kRecordTable);
    if (!rows) return;
    rows->begin({reader.offset(), reader.number()}, {reader.line(), kOneRecord});
    Row row(*rows);
    row.raw(reader.line(), true);
    write_record(line, row);
    rows->end();
    tables_.check(*rows);
  }

  void event(const Event& event, bool forced) {
    if (event.lines.empty()) return;
    if (forced)
      context_.anomalies.add("auditd-event-cut", input_.path, event.offset,
                             "too many events or lines open");
    TableRows* rows = tables_.event(kEventTable);
    if (!rows || !tables_.ok()) return;
    std::shared_ptr<const std::string> copy;
    const std::string_view text = stretch(event, copy);
    rows->begin({event.offset, event.line_number}, {text, kWholeEvent}, copy);
    Row row(*rows);
    if (rows->layout().raw_slot() >= 0) row.raw(joined(event), false);
    writer_.write(event.lines, row);
    rows->end();
    tables_.check(*rows);
  }

  /// The text to decode the event again from: the stretch of the log that holds it, unless that is
  /// so long that a copy of the lines alone is cheaper to read.
  std::string_view stretch(const Event& event, std::shared_ptr<const std::string>& copy) const {
    constexpr size_t kMaxStretch = size_t{64} * 1024;
    const char* from = event.texts.front().data();
    const char* to = event.texts.back().data() + event.texts.back().size();
    const auto size = static_cast<size_t>(to - from);
    if (size <= kMaxStretch) return {from, size};
    copy = std::make_shared<const std::string>(joined(event));
    return *copy;
  }

  static std::string joined(const Event& event) {
    std::string out;
    for (const std::string_view line : event.texts) {
      if (!out.empty()) out.push_back('\n');
      out.append(line);
    }
    return out;
  }

  void bad_line(const LineReader& reader) {
    constexpr size_t kShown = 60;
    std::string detail;
    if (context_.anomalies.all().find("auditd-bad-line") == context_.anomalies.all().end())
      detail = "line " + std::to_string(reader.number()) + ": " +
               repair_utf8(reader.line().substr(0, kShown));
    context_.anomalies.add("auditd-bad-line", input_.path, reader.offset(), detail);
  }

  const Input& input_;
  DecodeContext& context_;
  TableSet tables_;
  Assembler assembler_;
  EventWriter writer_;
  bool wants_events_;
  bool wants_records_;
};

}  // namespace

bool detect(std::string_view head) {
  std::string converted;
  LineReader reader(text_head(head, converted));
  Line line;
  // A syslog file with some audit lines is not an audit log: the first lines must be.
  for (int lines = 0; lines < 8 && reader.next();) {
    if (is_listing_mark(reader.line())) continue;
    if (read_head(reader.line(), line)) return true;
    ++lines;
  }
  return false;
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  Decoder(input, context).run();
}

}  // namespace postern::input::auditd
