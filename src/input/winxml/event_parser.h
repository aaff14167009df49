// Reads one Windows event from XML text: what wevtutil, Event Viewer, Splunk (XmlWinEventLog) and
// Sysmon for Linux write.
//
// A scanner for exactly this kind of document, not an XML library: it keeps nothing but the fields,
// and it goes on where a library would stop, because collectors cut events at their length limit
// and exporters forget to escape. What it knows: elements, attributes in either quote, the five
// named entities and character references, CDATA, comments, processing instructions. What it does
// not need: namespaces (prefixes are dropped), DTDs (never expanded), validation. Tests:
// tests/unit/input/winxml_test.cc, fuzz_winxml.
#pragma once
#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "input/windows_event.h"
#include "input/windows_event_shape.h"

namespace postern::input::winxml {

/// Offset of the next `<Event` start tag at or after `from`, or npos.
size_t find_event(std::string_view text, size_t from);

/// True for a start tag at `at` that is followed by System: nothing else in an event has that.
bool is_whole_event(std::string_view text, size_t at);

class EventParser {
 public:
  struct Outcome {
    size_t end = 0;            ///< offset behind the event, or where the next one starts
    std::string_view problem;  ///< empty: well-formed
    size_t problem_at = 0;
  };

  /// Reads the event whose start tag is at text[at] into `event`, whose text lives until the next
  /// call or in `text`. After a problem the fields that came before it are there.
  Outcome parse(std::string_view text, size_t at, WindowsEvent& event);

 private:
  bool tag(WindowsEvent& event);
  bool start_tag(WindowsEvent& event);
  bool end_tag(WindowsEvent& event);
  bool attributes(WindowsEvent& event, bool& is_empty);
  void take_text();
  bool skip_to(size_t mark);
  void emit(const EventShape::Meaning& m, std::string_view value, WindowsEvent& event);
  bool fail(std::string_view problem);
  std::string_view unescape(std::string_view raw);
  std::string_view repaired(std::string_view text);
  void append_text(std::string_view piece);
  void forget_text();
  std::string& make();

  std::string_view text_;
  size_t at_ = 0;
  EventShape shape_;
  std::vector<std::string_view> open_;  // names of the open elements
  std::string_view value_;              // text of the innermost element so far
  std::string* joined_ = nullptr;       // where value_ lies, once it is made of several pieces
  std::deque<std::string> made_;        // texts that do not lie in the input as they are
  size_t num_made_ = 0;
  std::string_view problem_;
  size_t problem_at_ = 0;
  // From where on text_ has no end mark of comments, CDATA, instructions, declarations: else many
  // that are never closed would each be searched for until the end of the file.
  std::array<size_t, 4> no_mark_from_{};
  size_t last_start_ = 0;
};

}  // namespace postern::input::winxml
