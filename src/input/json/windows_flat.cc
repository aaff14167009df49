// Flat layouts of Windows events: NXLog (with or without Logstash around it) and WEC exports.
// System fields and EventData lie side by side in one object, so System fields are known by name.
//
// NXLog's field names ignore case: the EventData field ProcessId collides with the header's
// ProcessID (the process that wrote the log) and is lost; the true id is only left in Message.
// Later configurations rename the header to ExecutionProcessID and keep ProcessId.
//
// This is the plain way, which every record can go. Records of a shape that was met before go by a
// plan (flat_plan.h).
#include "input/json/windows_flat.h"

#include "base/text.h"
#include "base/time.h"

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

struct LostField {
  std::string_view column;
  std::string_view label;  // of its value in the message
};

/// The process id that NXLog lost.
LostField lost_process(std::string_view provider, std::string_view event_id) {
  if (provider == "Microsoft-Windows-Sysmon") return {"ProcessId", "ProcessId:"};
  if (provider != "Microsoft-Windows-Security-Auditing") return {};
  // Windows Filtering Platform: the field is spelled ProcessID there.
  if (event_id.size() == 4 && event_id >= "5150" && event_id <= "5159")
    return {"ProcessID", "Process ID:"};
  if (event_id == "4688") return {"ProcessId", "Creator Process ID:"};
  return {"ProcessId", "Process ID:"};
}

}  // namespace

int FlatHeader::role_of(bool nxlog, std::string_view key, uint32_t hash) {
  return (nxlog ? nxlog_roles() : wec_roles()).find(key, hash);
}

bool FlatHeader::is_ignored(int role) {
  return role == kIgnored;
}

bool FlatHeader::is_writer(int role) {
  return role == kWriterProcess;
}

bool FlatHeader::is_execution_process(int role) {
  return role == json::role(SystemField::kExecutionProcessId);
}

void FlatHeader::member(int role, uint32_t number, const Item& item) {
  switch (role) {
    case kLevelText:
      return reader_.level(reader_.text(item));
    case kEventTypeText:
      event_type_ = reader_.text(item);
      return;
    case kKeywordsText:
      return reader_.keywords(reader_.text(item));
    case kOpcodeText:
      return reader_.opcode(reader_.text(item));
    case kTaskText:
      task_ = reader_.text(item);
      return;
    case kTimeText:
      created_ = reader_.text(item);
      return;
    case kLocalTimeText:
      local_ = reader_.text(item);
      return;
    case kReceivedText:
      received_ = reader_.text(item);
      return;
    case kTimestamp:
      timestamp_ = reader_.text(item);
      return;
    case kWriterProcess:
      writer_ = number;
      writer_item_ = item;
      return;
    case kIgnored:
      return;
    default:
      break;
  }
  const auto f = static_cast<SystemField>(role);
  if (f == SystemField::kMessage)
    message_ = item.text;  // long, and seldom read
  else if (f == SystemField::kProviderGuid)
    reader_.set(f, reader_.guid(reader_.text(item)));
  else
    reader_.system(f, item);
}

void FlatHeader::finish(Output& out) {
  WindowsEvent& event = reader_.event();
  reader_.level(event_type_);  // unless the record says the level itself
  reader_.task(task_);
  reader_.time(created_);
  if (event.time) {
    // The best there is.
  } else if (const auto ticks = parse_rfc3339(local_)) {
    const auto got = parse_rfc3339(received_);
    const auto utc = parse_rfc3339(timestamp_);
    event.time = got && utc ? *ticks - zone_offset(*got, *utc) : *ticks;
    if (!(got && utc)) out.anomaly("json-time-without-zone", "NXLog EventTime is taken as UTC");
    reader_.set(SystemField::kTimeCreated, reader_.keep(format_rfc3339(*event.time)));
  } else {
    reader_.time(timestamp_);
  }
  if (writer_ > 0 && event[SystemField::kExecutionProcessId].data()) {
    writer_field_ = writer_;  // the header has another name, so this is EventData
    writer_ = 0;
  }
  if (writer_ > 0) reader_.system(SystemField::kExecutionProcessId, writer_item_);
}

bool FlatHeader::is_filtering() const {
  const WindowsEvent& event = reader_.event();
  return event[SystemField::kProviderName] == "Microsoft-Windows-Security-Auditing" &&
         event[SystemField::kEventId].substr(0, 3) == "515";
}

std::string_view FlatHeader::lost_column() const {
  const WindowsEvent& event = reader_.event();
  return lost_process(event[SystemField::kProviderName], event[SystemField::kEventId]).column;
}

std::string_view FlatHeader::lost_id() const {
  const WindowsEvent& event = reader_.event();
  const std::string_view label =
      lost_process(event[SystemField::kProviderName], event[SystemField::kEventId]).label;
  return label.empty() ? label : after_label(message_, label);
}

void put_flat_fields(WindowsReader& reader,
                     const FlatHeader& header,
                     const std::vector<uint32_t>& fields) {
  if (header.message().data() && reader.wants("Message", name_hash("Message")))
    reader.set(SystemField::kMessage, reader.unescape(header.message()));
  const bool filtering = header.is_filtering();
  for (const uint32_t i : fields) {
    const Item& member = reader.record().item(i);
    if (filtering && member.key == "ProcessId")
      reader.data("ProcessID", name_hash("ProcessID"), member, i);
    else
      reader.data(member, i);
  }
  if (header.may_lose_process() && !reader.has_data(header.lost_column())) {
    const std::string_view id = header.lost_id();
    if (!id.empty()) reader.data(header.lost_column(), id);
  }
  reader.finish();
}

void put_windows_flat(const Record& record, DialectState& state, Output& out, bool nxlog) {
  WindowsReader reader(record, state, out);
  FlatHeader header(reader);
  KeyNumbers& numbers = nxlog ? state.nxlog_roles : state.wec_roles;
  std::vector<uint32_t>& fields = state.numbers;
  fields.clear();
  record.members([&](uint32_t i, const Item& member) {
    const int role =
        numbers.get(member.id, [&] { return FlatHeader::role_of(nxlog, member.key, member.hash); });
    if (role < 0)
      fields.push_back(i);
    else
      header.member(role, i, member);
  });
  if (record.object() == 0 && record.document().is_flat())
    state.flat_plans.learn(record.document(), nxlog);
  header.finish(out);
  if (header.writer_field() > 0) fields.push_back(header.writer_field());
  if (reader.start(true)) put_flat_fields(reader, header, fields);
}

}  // namespace postern::input::json
