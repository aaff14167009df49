// A stack of places, one for each open element. The place of a child follows from its parent's
// place and its own name; tables say which System elements and attributes are fields.
#include "input/windows_event_shape.h"

#include "base/text.h"

namespace postern::input {
namespace {

struct TextField {
  std::string_view element;
  SystemField field;
};

constexpr TextField kTextFields[] = {
    {"EventID", SystemField::kEventId},   {"Version", SystemField::kVersion},
    {"Level", SystemField::kLevel},       {"Task", SystemField::kTask},
    {"Opcode", SystemField::kOpcode},     {"Keywords", SystemField::kKeywords},
    {"Channel", SystemField::kChannel},   {"EventRecordID", SystemField::kEventRecordId},
    {"Computer", SystemField::kComputer},
};

struct AttributeField {
  std::string_view element;
  std::string_view attribute;
  SystemField field;
};

constexpr AttributeField kAttributeFields[] = {
    {"Provider", "Name", SystemField::kProviderName},
    {"Provider", "Guid", SystemField::kProviderGuid},
    {"Provider", "EventSourceName", SystemField::kProviderEventSourceName},
    {"EventID", "Qualifiers", SystemField::kEventIdQualifiers},
    {"TimeCreated", "SystemTime", SystemField::kTimeCreated},
    {"Correlation", "ActivityID", SystemField::kActivityId},
    {"Correlation", "RelatedActivityID", SystemField::kRelatedActivityId},
    {"Execution", "ProcessID", SystemField::kExecutionProcessId},
    {"Execution", "ThreadID", SystemField::kExecutionThreadId},
    {"Security", "UserID", SystemField::kUserId},
};

std::string_view local_name(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

void EventShape::reset(Place start) {
  stack_.clear();
  Frame root;
  root.place = start;
  stack_.push_back(root);
}

EventShape::Frame EventShape::child_of(const Frame& parent, std::string_view local) {
  Frame f;
  f.name = local;
  f.is_leaf = true;
  switch (parent.place) {
    case Place::kOutside:
      f.place = local == "Event" ? Place::kEvent : Place::kOutside;
      break;
    case Place::kEvent:
      if (local == "System")
        f.place = Place::kSystem;
      else if (local == "EventData")
        f.place = Place::kEventData;
      else if (local == "RenderingInfo")
        f.place = Place::kRendering;
      else
        f.place = Place::kTree;
      f.is_leaf = local != "UserData";  // an empty one holds no field
      break;
    case Place::kSystem:
      f.place = Place::kSystemField;
      for (const TextField& t : kTextFields)
        if (t.element == local) f.has_field = true, f.field = t.field;
      break;
    // Some providers put Data elements into UserData, others elements of their own into EventData.
    case Place::kEventData:
    case Place::kData:
    case Place::kTree:
      f.place = local == "Data" || local == "ComplexData" ? Place::kData : Place::kTree;
      if (f.place == Place::kData) f.name = {};
      break;
    case Place::kRendering:
      f.place = local == "Message" ? Place::kMessage : Place::kIgnored;
      break;
    case Place::kSystemField:
    case Place::kMessage:
    case Place::kIgnored:
      f.place = Place::kIgnored;
      break;
  }
  return f;
}

bool EventShape::open(std::string_view name) {
  if (depth() >= kMaxDepth) return false;
  stack_.back().is_leaf = false;  // its text is indentation from now on
  stack_.push_back(child_of(stack_.back(), local_name(name)));
  return true;
}

bool EventShape::close() {
  if (depth() == 0) return false;
  stack_.pop_back();
  return true;
}

EventShape::Meaning EventShape::attribute(std::string_view name) const {
  Meaning m;
  const Frame& f = stack_.back();
  if (f.place == Place::kSystemField) {
    // Ignoring case: Sysmon for Linux writes UserId.
    for (const AttributeField& a : kAttributeFields)
      if (a.element == f.name && equal_ignore_case(a.attribute, name)) {
        m.kind = Kind::kSystem;
        m.field = a.field;
      }
  } else if (f.place == Place::kData && name == "Name") {
    m.kind = Kind::kDataName;
  }
  return m;
}

EventShape::Meaning EventShape::text() const {
  Meaning m;
  const Frame& f = stack_.back();
  if (!f.is_leaf) return m;
  if (f.place == Place::kSystemField && f.has_field) {
    m.kind = Kind::kSystem;
    m.field = f.field;
  } else if (f.place == Place::kMessage) {
    m.kind = Kind::kSystem;
    m.field = SystemField::kMessage;
  } else if (f.place == Place::kData || f.place == Place::kTree) {
    m.kind = Kind::kData;
    m.name = f.name;
  }
  return m;
}

}  // namespace postern::input
