// Windows events in Azure Monitor tables: WindowsEvent (EventData is JSON in a string),
// SecurityEvent and Event (XML in a string, where the agent sent it; else the table's own columns),
// and whole events as XML inside a Syslog row (Sysmon for Linux). Source: Azure Monitor table
// reference.
#include "input/json/windows.h"
#include "input/winxml/event_parser.h"

namespace postern::input::json {
namespace {

/// Levels come as numbers (EventLevel) and as words beside them.
struct Place {
  std::string_view name;
  SystemField field;
};

constexpr Place kPlaces[] = {
    {"Provider", SystemField::kProviderName},
    {"Channel", SystemField::kChannel},
    {"Computer", SystemField::kComputer},
    {"EventID", SystemField::kEventId},
    {"EventLevel", SystemField::kLevel},
    {"Task", SystemField::kTask},
    {"Opcode", SystemField::kOpcode},
    {"Version", SystemField::kVersion},
    {"Keywords", SystemField::kKeywords},
    {"EventRecordId", SystemField::kEventRecordId},
    {"SystemProcessId", SystemField::kExecutionProcessId},
    {"SystemThreadId", SystemField::kExecutionThreadId},
    {"SystemUserId", SystemField::kUserId},
    {"Correlation", SystemField::kActivityId},
};

/// SecurityEvent and Event: columns that are System fields.
constexpr Place kSecurityPlaces[] = {
    {"EventSourceName", SystemField::kProviderName},
    {"Source", SystemField::kProviderName},
    {"Channel", SystemField::kChannel},
    {"EventLog", SystemField::kChannel},
    {"Computer", SystemField::kComputer},
    {"EventID", SystemField::kEventId},
    {"Task", SystemField::kTask},
    {"Version", SystemField::kVersion},
    {"Keywords", SystemField::kKeywords},
    {"EventRecordId", SystemField::kEventRecordId},
    {"RenderedDescription", SystemField::kMessage},
};

/// Columns of Azure's own: about the row or derived, no part of the event.
constexpr std::string_view kAzureColumns[] = {
    "TenantId",
    "SourceSystem",
    "TimeGenerated",
    "TimeCollected",
    "TimeCreated",
    "Type",
    "MG",
    "ManagementGroupName",
    "_ResourceId",
    "_ItemId",
    "_SubscriptionId",
    "SourceComputerId",
    "EventOriginId",
    "PartitionKey",
    "RowKey",
    "StorageAccount",
    "AzureDeploymentID",
    "Role",
    "EventData",
    "ParameterXml",
    "EventLevelName",
    "EventLevel",
    "Level",
    "Activity",
    "EventCategory",
    "Opcode",
    "Correlation",
    "SystemProcessId",
    "SystemThreadId",
    "SystemUserId",
};

std::string_view find_text(WindowsReader& reader, std::string_view name) {
  const Record& record = reader.record();
  const uint32_t at = record.document().find(record.object(), name);
  return at > 0 ? reader.text(record.item(at)) : std::string_view();
}

void read_time(WindowsReader& reader) {
  for (const std::string_view name : {"TimeCreated", "TimeGenerated"})
    if (!reader.event().time) reader.time(find_text(reader, name));
}

template <size_t N>
void read_system(WindowsReader& reader, const Place (&places)[N]) {
  for (const Place& p : places)
    reader.set(p.field, find_text(reader, p.name));
}

bool is_azure_column(std::string_view name) {
  for (const std::string_view c : kAzureColumns)
    if (c == name) return true;
  return false;
}

template <size_t N>
bool is_system(std::string_view name, const Place (&places)[N]) {
  for (const Place& p : places)
    if (p.name == name) return true;
  return false;
}

}  // namespace

void put_azure_windows(const Record& record, DialectState& state, Output& out) {
  WindowsReader reader(record, state, out);
  read_system(reader, kPlaces);
  read_time(reader);
  if (!reader.start()) return;
  const uint32_t data = record.at(Key::kEventData);
  const Item& item = record.item(data);
  if (item.is_string() && !item.text.empty()) {
    const std::string_view text = reader.unescape(item.text);
    if (state.inner_parser.parse(text, state.inner) == ParseStatus::kOk &&
        state.inner[0].is_object()) {
      Record inner;
      inner.set(state.inner, 0, false, state.known_keys);
      reader.event_data_of(inner);
    } else {
      out.anomaly("json-bad-event-data", "EventData is a string, but no JSON object");
      reader.data("EventData", text);
    }
  } else {
    reader.event_data(data);
  }
  reader.finish();
}

void put_azure_security(const Record& record, DialectState& state, Output& out) {
  WindowsReader reader(record, state, out);
  read_system(reader, kSecurityPlaces);
  for (const std::string_view name : {"EventLevel", "Level", "EventLevelName"})
    reader.level(find_text(reader, name));
  read_time(reader);
  if (!reader.start()) return;
  const std::string_view xml = find_text(reader, "EventData");
  const size_t from = xml.find("<EventData");
  WindowsEvent inner;
  winxml::EventParser parser;
  if (from != std::string_view::npos) {
    const std::string_view whole =
        reader.keep("<Event>" + std::string(xml.substr(from)) + "</Event>");
    const auto outcome = parser.parse(whole, 0, inner);
    if (!outcome.problem.empty()) out.anomaly("json-bad-event-data", outcome.problem);
    reader.take_data(inner);
  } else {
    // SecurityEvent has the data of the well-known events as columns; absent ones are empty there.
    record.members([&](uint32_t i, const Item& member) {
      if (member.text.empty() || is_azure_column(member.key) ||
          is_system(member.key, kSecurityPlaces))
        return;
      reader.data(member, i);
    });
  }
  reader.finish();
}

void put_syslog_sysmon(const Record& record, DialectState& state, Output& out) {
  WindowsReader reader(record, state, out);
  const std::string_view text = reader.text(record.item(record.at(Key::kSyslogMessage)));
  const size_t from = winxml::find_event(text, 0);
  if (from == std::string_view::npos) return put_generic(record, state, out);
  WindowsEvent inner;
  winxml::EventParser parser;
  const auto outcome = parser.parse(text, from, inner);
  if (!outcome.problem.empty()) out.anomaly("json-bad-event-data", outcome.problem);
  reader.event().system = inner.system;
  reader.event().time = inner.time;
  if (!inner.time) read_time(reader);
  if (!reader.start()) return;
  reader.take_data(inner);
  reader.finish();
}

}  // namespace postern::input::json
