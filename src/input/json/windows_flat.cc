// Flat layouts of Windows events: NXLog (with or without Logstash around it) and WEC exports.
// System fields and EventData lie side by side in one object, so System fields are known by name.
//
// NXLog's field names ignore case: the EventData field ProcessId collides with the header's
// ProcessID (the process that wrote the log) and is lost; the true id is only left in Message.
// Later configurations rename the header to ExecutionProcessID and keep ProcessId.
#include "base/text.h"
#include "base/time.h"
#include "input/json/windows.h"

namespace postern::input::json {
namespace {

/// What a member of a flat record is, besides a SystemField.
enum Role : int {
  kLevelText = 100,
  kEventTypeText,
  kKeywordsText,
  kTimeText,       // with a zone
  kLocalTimeText,  // EventTime: without one
  kReceivedText,   // EventReceivedTime, in the same zone
  kTimestamp,      // @timestamp: UTC
  kWriterProcess,  // ProcessID of plain NXLog
  kOpcodeText,
  kTaskText,
  kIgnored,
};

int role(SystemField f) {
  return static_cast<int>(f);
}

const NameTable& shared_roles(NameTable& t) {
  t.add("EventID", role(SystemField::kEventId));
  t.add("SourceName", role(SystemField::kProviderName));
  t.add("ProviderGuid", role(SystemField::kProviderGuid));
  t.add("Version", role(SystemField::kVersion));
  t.add("Channel", role(SystemField::kChannel));
  t.add("Hostname", role(SystemField::kComputer));
  t.add("RecordNumber", role(SystemField::kEventRecordId));
  t.add("ExecutionProcessID", role(SystemField::kExecutionProcessId));
  t.add("ExecutionThreadID", role(SystemField::kExecutionThreadId));
  t.add("ActivityID", role(SystemField::kActivityId));
  t.add("RelatedActivityID", role(SystemField::kRelatedActivityId));
  t.add("Message", role(SystemField::kMessage));
  t.add("Level", kLevelText);
  t.add("Keywords", kKeywordsText);
  t.add("@timestamp", kTimestamp);
  t.add("TimeCreated", kTimeText);
  t.add("Task", kTaskText);
  for (const char* name : {"@version", "tags"})
    t.add(name, kIgnored);
  return t;
}

const NameTable& wec_roles() {
  static const NameTable table = [] {
    NameTable t;
    return shared_roles(t);
  }();
  return table;
}

/// With the header that im_msvistalog writes, and what Logstash puts around it.
const NameTable& nxlog_roles() {
  static const NameTable table = [] {
    NameTable t;
    t.add("ProcessID", kWriterProcess);
    t.add("ThreadID", role(SystemField::kExecutionThreadId));
    t.add("OpcodeValue", kOpcodeText);
    t.add("UserID", role(SystemField::kUserId));
    t.add("EventTime", kLocalTimeText);
    t.add("EventReceivedTime", kReceivedText);
    t.add("EventType", kEventTypeText);
    for (const char* name :
         {"SeverityValue", "Severity", "Opcode", "Category", "Domain", "AccountName", "AccountType",
          "SourceModuleName", "SourceModuleType", "host", "port", "type"})
      t.add(name, kIgnored);
    return shared_roles(t);
  }();
  return table;
}

/// How far the clock of `local` is ahead of UTC, from the same moment in both, to the quarter of an
/// hour.
int64_t zone_offset(int64_t local, int64_t utc) {
  constexpr int64_t kQuarter = 15 * kTicksPerMinute;
  const int64_t d = local - utc;
  return (d >= 0 ? d + kQuarter / 2 : d - kQuarter / 2) / kQuarter * kQuarter;
}

/// The value after a label of a rendered message, up to the line end. `message` is as written in
/// JSON.
std::string_view after_label(std::string_view message, std::string_view label) {
  for (size_t at = message.find(label); at != std::string_view::npos;
       at = message.find(label, at + 1)) {
    // At the start of a line, after blanks: "\r\nProcessId: 12", "\n\tProcess ID:\t\t0x1f4".
    size_t before = at;
    while (before >= 2 && message[before - 2] == '\\' && message[before - 1] == 't')
      before -= 2;
    while (before >= 1 && message[before - 1] == ' ')
      --before;
    if (before < 2 || message[before - 2] != '\\' || message[before - 1] != 'n') continue;
    size_t from = at + label.size();
    while (from < message.size()) {
      if (message[from] == ' ')
        ++from;
      else if (message.substr(from, 2) == "\\t")
        from += 2;
      else
        break;
    }
    size_t to = from;
    while (to < message.size() && message[to] != '\\' && message[to] != ' ')
      ++to;
    return message.substr(from, to - from);
  }
  return {};
}

struct LostProcess {
  std::string_view column;
  std::string_view id;
};

/// The process id that NXLog lost, from the message that Windows rendered.
LostProcess lost_process(std::string_view provider,
                         std::string_view event_id,
                         std::string_view message) {
  if (provider == "Microsoft-Windows-Sysmon")
    return {"ProcessId", after_label(message, "ProcessId:")};
  if (provider != "Microsoft-Windows-Security-Auditing") return {};
  // Windows Filtering Platform: the field is spelled ProcessID there.
  if (event_id.size() == 4 && event_id >= "5150" && event_id <= "5159")
    return {"ProcessID", after_label(message, "Process ID:")};
  if (event_id == "4688") return {"ProcessId", after_label(message, "Creator Process ID:")};
  return {"ProcessId", after_label(message, "Process ID:")};
}

}  // namespace

void put_windows_flat(const Record& record, DialectState& state, Output& out, bool nxlog) {
  WindowsReader reader(record, state, out);
  WindowsEvent& event = reader.event();
  const NameTable& roles = nxlog ? nxlog_roles() : wec_roles();
  KeyNumbers& numbers = nxlog ? state.nxlog_roles : state.wec_roles;
  uint32_t writer = 0;  // ProcessID
  std::string_view task;
  std::string_view message;  // as written
  std::string_view created;
  std::string_view local;
  std::string_view received;
  std::string_view timestamp;
  std::vector<uint32_t>& fields = state.numbers;
  fields.clear();
  record.members([&](uint32_t i, const Item& member) {
    const int r = numbers.get(member.id, [&] { return roles.find(member.key, member.hash); });
    switch (r) {
      case -1:
        return fields.push_back(i);
      case kLevelText:
        return reader.level(member.text);
      case kEventTypeText:
        // A row that has both says the level itself.
        return event[SystemField::kLevel].data() ? void() : reader.level(member.text);
      case kKeywordsText:
        return reader.keywords(member.text);
      case kOpcodeText:
        return reader.opcode(member.text);
      case kTaskText:
        task = member.text;
        return;
      case kTimeText:
        created = member.text;
        return;
      case kLocalTimeText:
        local = member.text;
        return;
      case kReceivedText:
        received = member.text;
        return;
      case kTimestamp:
        timestamp = member.text;
        return;
      case kWriterProcess:
        writer = i;
        return;
      case kIgnored:
        return;
      default:
        break;
    }
    const auto f = static_cast<SystemField>(r);
    if (f == SystemField::kMessage)
      message = member.text;  // long, and seldom read
    else if (f == SystemField::kProviderGuid)
      reader.set(f, reader.guid(reader.text(member)));
    else
      reader.system(f, member);
  });

  reader.task(task);
  reader.time(created);
  if (event.time) {
    // The best there is.
  } else if (const auto ticks = parse_rfc3339(local)) {
    const auto got = parse_rfc3339(received);
    const auto utc = parse_rfc3339(timestamp);
    event.time = got && utc ? *ticks - zone_offset(*got, *utc) : *ticks;
    if (!(got && utc)) out.anomaly("json-time-without-zone", "NXLog EventTime is taken as UTC");
    reader.set(SystemField::kTimeCreated, reader.keep(format_rfc3339(*event.time)));
  } else {
    reader.time(timestamp);
  }
  if (writer > 0 && event[SystemField::kExecutionProcessId].data()) {
    fields.push_back(writer);  // the header has another name, so this is EventData
    writer = 0;
  }
  if (writer > 0) reader.system(SystemField::kExecutionProcessId, record.item(writer));
  if (!reader.start(true)) return;

  if (message.data() && reader.wants("Message", name_hash("Message")))
    reader.set(SystemField::kMessage, reader.unescape(message));
  // Filtering Platform events spell the field ProcessID; NXLog keeps whichever spelling it met
  // first.
  const bool filtering =
      event[SystemField::kProviderName] == "Microsoft-Windows-Security-Auditing" &&
      event[SystemField::kEventId].substr(0, 3) == "515";
  for (const uint32_t i : fields) {
    const Item& member = record.item(i);
    if (filtering && member.key == "ProcessId")
      reader.data("ProcessID", name_hash("ProcessID"), member, i);
    else
      reader.data(member, i);
  }
  if (writer > 0) {
    const LostProcess lost =
        lost_process(event[SystemField::kProviderName], event[SystemField::kEventId], message);
    if (!lost.id.empty() && !reader.has_data(lost.column)) reader.data(lost.column, lost.id);
  }
  reader.finish();
}

}  // namespace postern::input::json
