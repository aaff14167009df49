// The file level: events are found by their start tag, wherever they stand, so a root element, a
// prolog, syslog headers or garbage between events need no rules of their own.
#include "input/winxml/winxml.h"

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
  uint64_t number = 0;
  for (size_t at = find_event(text, 0); at != std::string_view::npos; at = find_event(text, at)) {
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
  if (writer.ok() && !context.stopped()) progress.at(text.size());
  writer.flush();
}

}  // namespace postern::input::winxml
