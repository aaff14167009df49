// What a place in an event document means: System field, EventData value, leaf of UserData.
//
// One state machine that follows elements as they open and close, shared by everything that reads
// event XML, textual (winxml) or binary (evtx), so that both give the same columns. It holds no
// text: the caller asks what an attribute or the text of the innermost element means and keeps the
// value. Document: [MS-EVEN6] 2.2.13 and event.xsd of the Windows SDK. Elements of Event other than
// those named there (DebugData, ProcessingErrorData, BinaryEventData) are read like UserData.
// Tests: tests/unit/input/winxml_test.cc, evtx_test.cc.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "input/windows_event.h"

namespace postern::input {

class EventShape {
 public:
  /// Where the innermost open element stands.
  enum class Place : uint8_t {
    kOutside,  ///< above Event
    kEvent,
    kSystem,
    kSystemField,
    kEventData,
    kData,  ///< Data or ComplexData
    kTree,  ///< UserData, what is below it, and unknown children of Event and EventData
    kRendering,
    kMessage,
    kIgnored,
  };

  enum class Kind : uint8_t { kNothing, kSystem, kData, kDataName };

  struct Meaning {
    Kind kind = Kind::kNothing;
    SystemField field = SystemField::kEventId;  ///< of kSystem
    std::string_view name;                      ///< of kData, "" for a nameless Data
  };

  /// Documents nested deeper are refused: no real event comes near.
  static constexpr size_t kMaxDepth = 64;

  /// `start`: where the document stands, for a fragment nested in an event.
  explicit EventShape(Place start = Place::kOutside) { reset(start); }

  void reset(Place start);

  /// Enters an element; `name` (prefix allowed) must live until it is closed. False: too deep.
  bool open(std::string_view name);
  /// Leaves the innermost element; false when none is open.
  bool close();
  /// Meaning of an attribute of the innermost element.
  Meaning attribute(std::string_view name) const;

  /// Says the Name of the innermost Data element.
  void set_data_name(std::string_view name) { stack_.back().name = name; }

  /// Meaning of the text of the innermost element; kNothing for one that has child elements.
  Meaning text() const;

  Place place() const { return stack_.back().place; }

  size_t depth() const { return stack_.size() - 1; }

 private:
  struct Frame {
    Place place = Place::kOutside;
    bool is_leaf = false;
    bool has_field = false;  // kSystemField whose text is a field
    SystemField field = SystemField::kEventId;
    std::string_view name;
  };

  static Frame child_of(const Frame& parent, std::string_view local);

  std::vector<Frame> stack_;
};

}  // namespace postern::input
