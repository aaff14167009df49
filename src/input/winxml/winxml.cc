// The file level: events are found by their start tag, wherever they stand, so a root element, a
// prolog, syslog headers or garbage between events need no rules of their own.
#include "input/winxml/winxml.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "input/text_input.h"
#include "input/windows_event.h"
#include "input/winxml/event_parser.h"

namespace postern::input::winxml {
namespace {

/// Parses events again by their offsets.
class Reader : public data::RecordReader {
 public:
  Reader(std::string_view text, std::shared_ptr<const void> owner, std::vector<uint64_t> offsets)
      : text_(text), owner_(std::move(owner)), offsets_(std::move(offsets)) {}

  void read(uint32_t row, data::FieldVisitor& out) const override {
    if (row >= offsets_.size()) return;
    EventParser parser;
    WindowsEvent event;
    parser.parse(text_, static_cast<size_t>(offsets_[row]), event);
    visit(event, out);
  }

 private:
  std::string_view text_;
  std::shared_ptr<const void> owner_;
  std::vector<uint64_t> offsets_;
};

/// Whether an event with a fault says enough of itself to be a row.
bool has_identity(const WindowsEvent& event) {
  return event[SystemField::kEventId].data() &&
         (event[SystemField::kChannel].data() || event[SystemField::kProviderName].data());
}

/// Slices begin at events, as the decoder finds them one after the other; it is the number of
/// events that is counted as lines.
class EventCutter final : public Cutter {
 public:
  EventCutter(std::string_view text, uint64_t slice_bytes)
      : text_(text), slice_bytes_(slice_bytes) {}

  bool next(Slice& slice) override {
    if (begin_ >= text_.size()) return false;
    slice.begin = begin_;
    slice.lines_before = events_;
    size_t at = find_event(text_, begin_);
    const size_t enough = begin_ + slice_bytes_of(text_.size() - begin_, slice_bytes_);
    while (at < enough && at != std::string_view::npos)
      at = next_event(at);
    slice.end = begin_ = std::min(at, text_.size());
    return true;
  }

 private:
  /// The first event behind the one at `at`. What looks like one inside of it is data, unless it is
  /// whole: then the first has no end.
  size_t next_event(size_t at) {
    ++events_;
    const size_t end = text_.find("</Event>", at);
    size_t next = find_event(text_, at + 1);
    while (next < end && next != std::string_view::npos && !is_whole_event(text_, next))
      next = find_event(text_, next + 1);
    return next;
  }

  std::string_view text_;
  uint64_t slice_bytes_;
  size_t begin_ = 0;
  uint64_t events_ = 0;
};

}  // namespace

// The document may start with a prolog, a root, or (syslog) text in front of the first event; JSON
// and CSV that carry events within their strings are formats of their own.
bool detect(std::string_view head) {
  std::string converted;
  head = text_head(head, converted);
  const std::string_view start = trim(head.substr(0, 64));
  if (start.empty() || start[0] == '{' || start[0] == '[' || start[0] == '"') return false;
  const size_t event = find_event(head, 0);
  if (event == std::string_view::npos) return false;
  const size_t tag_end = head.find('>', event);
  if (tag_end == std::string_view::npos) return false;
  const std::string_view inside = trim(head.substr(tag_end + 1, 256));
  return inside.starts_with("<System>") || inside.starts_with("<System ");
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  const std::string_view text = input.bytes;
  WindowsEventWriter writer(context, input.path);
  std::array<std::vector<uint64_t>, kNumWindowsTables> offsets;  // of rows not yet handed over
  writer.set_reader_factory([&](WindowsTable t) {
    return std::make_shared<Reader>(text, input.owner,
                                    std::exchange(offsets[static_cast<size_t>(t)], {}));
  });

  Progress progress(context, &input);
  EventParser parser;
  WindowsEvent event;
  const uint64_t begin = context.slice ? context.slice->begin : 0;
  const uint64_t end = context.slice ? context.slice->end : text.size();
  uint64_t number = context.slice ? context.slice->lines_before : 0;
  for (size_t at = find_event(text, begin); at < end; at = find_event(text, at)) {
    const EventParser::Outcome outcome = parser.parse(text, at, event);
    ++number;
    if (!outcome.problem.empty())
      context.anomalies.add("xml-malformed-event", input.path, outcome.problem_at, outcome.problem);
    if (outcome.problem.empty() || has_identity(event)) {
      // Before the row: the one that fills a batch hands it over, and its offset belongs to it.
      if (writer.wanted(event)) offsets[static_cast<size_t>(event.table())].push_back(at);
      writer.write(event, {at, number}, false);
    }
    at = outcome.end;
    if (!progress.at(at) || !writer.ok()) break;
  }
  if (writer.ok() && !context.stopped()) progress.at(end);
  writer.flush();
}

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  return std::make_unique<EventCutter>(input.bytes, slice_bytes);
}

}  // namespace postern::input::winxml
