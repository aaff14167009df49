// Event XML turned into JSON as it stands: {"Event":{"System":{…},"EventData":{…}}}.
//
// XML attributes come as members of "#attributes" (evtx_dump), as "@Name" (xmltodict and its like),
// or as members of a sibling "Provider_attributes" (evtx_dump with separate attributes). Typed
// values lost the braces of GUIDs; they are put back, so that they compare as in the event.
#include "input/json/windows.h"

namespace postern::input::json {
namespace {

struct Place {
  std::string_view element;
  std::string_view attribute;  // "": the element's own text
  SystemField field;
};

constexpr Place kPlaces[] = {
    {"Provider", "Name", SystemField::kProviderName},
    {"Provider", "Guid", SystemField::kProviderGuid},
    {"Provider", "EventSourceName", SystemField::kProviderEventSourceName},
    {"EventID", "", SystemField::kEventId},
    {"EventID", "Qualifiers", SystemField::kEventIdQualifiers},
    {"Version", "", SystemField::kVersion},
    {"Level", "", SystemField::kLevel},
    {"Task", "", SystemField::kTask},
    {"Opcode", "", SystemField::kOpcode},
    {"Keywords", "", SystemField::kKeywords},
    {"TimeCreated", "SystemTime", SystemField::kTimeCreated},
    {"EventRecordID", "", SystemField::kEventRecordId},
    {"Correlation", "ActivityID", SystemField::kActivityId},
    {"Correlation", "RelatedActivityID", SystemField::kRelatedActivityId},
    {"Execution", "ProcessID", SystemField::kExecutionProcessId},
    {"Execution", "ThreadID", SystemField::kExecutionThreadId},
    {"Channel", "", SystemField::kChannel},
    {"Computer", "", SystemField::kComputer},
    {"Security", "UserID", SystemField::kUserId},
};

constexpr std::string_view kAttributesSuffix = "_attributes";

class EvtxDumpReader {
 public:
  explicit EvtxDumpReader(WindowsReader& reader) : reader_(reader), record_(reader.record()) {}

  void system(uint32_t object) {
    record_.members(object, [&](uint32_t i, const Item& member) {
      std::string_view element = member.key;
      if (element.size() > kAttributesSuffix.size() &&
          element.substr(element.size() - kAttributesSuffix.size()) == kAttributesSuffix) {
        element.remove_suffix(kAttributesSuffix.size());
        record_.members(i, [&](uint32_t, const Item& a) { place(element, a.key, a); });
      } else if (member.is_object()) {
        record_.members(i, [&](uint32_t j, const Item& inner) {
          if (inner.key == "#attributes")
            record_.members(j, [&](uint32_t, const Item& a) { place(element, a.key, a); });
          else if (inner.key == "#text")
            place(element, "", inner);
          else if (!inner.key.empty() && inner.key[0] == '@')
            place(element, inner.key.substr(1), inner);
          else
            place(element, inner.key, inner);
        });
      } else {
        place(element, "", member);
      }
    });
  }

 private:
  void place(std::string_view element, std::string_view attribute, const Item& item) {
    for (const Place& p : kPlaces) {
      if (p.element != element || p.attribute != attribute) continue;
      const std::string_view text = reader_.text(item);
      if (p.field == SystemField::kTimeCreated) return reader_.time(text);
      const bool guid = p.field == SystemField::kProviderGuid ||
                        p.field == SystemField::kActivityId ||
                        p.field == SystemField::kRelatedActivityId;
      return reader_.set(p.field, guid ? reader_.guid(text) : text);
    }
  }

  WindowsReader& reader_;
  const Record& record_;
};

}  // namespace

void put_evtx_dump(const Record& record, DialectState& state, Output& out) {
  const Document& document = record.document();
  const uint32_t event = record.at(Key::kEvent);
  WindowsReader reader(record, state, out);
  reader.brace_guids();
  EvtxDumpReader(reader).system(document.find(event, "System"));
  if (!reader.start(true)) return;
  if (const uint32_t rendering = document.find(event, "RenderingInfo"))
    if (const uint32_t message = document.find(rendering, "Message"))
      reader.system(SystemField::kMessage, document[message]);
  if (const uint32_t data = document.find(event, "EventData")) reader.event_data(data);
  if (const uint32_t data = document.find(event, "UserData");
      data > 0 && document[data].is_object())
    reader.data("", name_hash(""), document[data], data);
  reader.finish();
}

}  // namespace postern::input::json
