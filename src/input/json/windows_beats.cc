// Winlogbeat: version 6 (flat names, event_data{…}), and 7 and later (winlog.…), as the agent
// writes it or after Elastic's pipelines, which move most of Sysmon's event data to ECS names. Keys
// may be nested, dotted, or partly both. Version 6 leaves out empty values.
#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "input/json/windows.h"

namespace postern::input::json {
namespace {

enum Role : int {
  kEventDataRole = 100,
  kUserDataRole,
  kLevelRole,
  kKeywordsRole,
  kOpcodeRole,
  kTaskRole,
  kGuidRole,
  kTimeRole,
  kCreatedRole,
  kHostRole,
  kEventCodeRole,   // second to winlog.event_id
  kDottedDataRole,  // a data field or a leaf of UserData, by its whole path
  kWayRole,         // and the numbers behind it: an object of kWays
};

/// Objects on the way to a role are few; all else is passed over.
constexpr std::string_view kWays[kNumBeatsWays] = {
    "winlog",      "event", "host", "log", "winlog.process", "winlog.process.thread",
    "winlog.user", "user"};

int role(SystemField f) {
  return static_cast<int>(f);
}

/// Version 6, by names at the top.
const NameTable& roles6() {
  static const NameTable table = [] {
    NameTable t;
    t.add("event_id", role(SystemField::kEventId));
    t.add("log_name", role(SystemField::kChannel));
    t.add("source_name", role(SystemField::kProviderName));
    t.add("provider_guid", kGuidRole);
    t.add("computer_name", role(SystemField::kComputer));
    t.add("record_number", role(SystemField::kEventRecordId));
    t.add("process_id", role(SystemField::kExecutionProcessId));
    t.add("thread_id", role(SystemField::kExecutionThreadId));
    t.add("version", role(SystemField::kVersion));
    t.add("activity_id", role(SystemField::kActivityId));
    t.add("related_activity_id", role(SystemField::kRelatedActivityId));
    t.add("message", role(SystemField::kMessage));
    t.add("user.identifier", role(SystemField::kUserId));
    t.add("level", kLevelRole);
    t.add("keywords", kKeywordsRole);
    t.add("opcode", kOpcodeRole);
    t.add("task", kTaskRole);
    t.add("event_data", kEventDataRole);
    t.add("user_data", kUserDataRole);
    t.add("@timestamp", kTimeRole);
    return t;
  }();
  return table;
}

/// Version 7, by whole paths.
const NameTable& roles7() {
  static const NameTable table = [] {
    NameTable t;
    t.add("winlog.event_id", role(SystemField::kEventId));
    t.add("winlog.channel", role(SystemField::kChannel));
    t.add("winlog.provider_name", role(SystemField::kProviderName));
    t.add("winlog.provider_guid", kGuidRole);
    t.add("winlog.computer_name", role(SystemField::kComputer));
    t.add("winlog.record_id", role(SystemField::kEventRecordId));
    t.add("winlog.process.pid", role(SystemField::kExecutionProcessId));
    t.add("winlog.process.thread.id", role(SystemField::kExecutionThreadId));
    t.add("winlog.version", role(SystemField::kVersion));
    t.add("winlog.activity_id", role(SystemField::kActivityId));
    t.add("winlog.related_activity_id", role(SystemField::kRelatedActivityId));
    t.add("winlog.user.identifier", role(SystemField::kUserId));
    t.add("winlog.keywords", kKeywordsRole);
    t.add("winlog.opcode", kOpcodeRole);
    t.add("winlog.task", kTaskRole);
    t.add("winlog.event_data", kEventDataRole);
    t.add("winlog.user_data", kUserDataRole);
    t.add("winlog.time_created", kCreatedRole);
    t.add("event.code", kEventCodeRole);
    t.add("event.provider", role(SystemField::kProviderName));
    t.add("host.name", kHostRole);
    t.add("message", role(SystemField::kMessage));
    t.add("log.level", kLevelRole);
    t.add("@timestamp", kTimeRole);
    return t;
  }();
  return table;
}

constexpr std::string_view kEventDataPrefix = "winlog.event_data.";
constexpr std::string_view kUserDataPrefix = "winlog.user_data.";

class BeatsReader {
 public:
  BeatsReader(WindowsReader& reader, const NameTable& roles, BeatsNumbers& numbers)
      : reader_(reader), roles_(roles), numbers_(numbers) {}

  void top() {
    reader_.state().numbers.clear();
    reader_.state().scratch.path.clear();
    walk(reader_.record().object(), 0);
  }

  /// What depends on several fields.
  void complete() {
    WindowsEvent& event = reader_.event();
    if (event_id_.data()) reader_.set(SystemField::kEventId, event_id_);
    reader_.set(SystemField::kComputer, host_);
    reader_.time(created_);
    if (!event.time) reader_.time(timestamp_);
    reader_.task(task_);
  }

  void put_data() {
    if (message_) reader_.system(SystemField::kMessage, *message_);
    const Record& record = reader_.record();
    if (event_data_ > 0) reader_.event_data(event_data_);
    if (user_data_ > 0) reader_.data("", name_hash(""), record.item(user_data_), user_data_);
    for (const uint32_t i : reader_.state().numbers) {
      const Item& item = record.item(i);
      // The name is what follows the prefix; nested objects below it are leaves of UserData.
      const size_t prefix = item.key.substr(0, kEventDataPrefix.size()) == kEventDataPrefix
                                ? kEventDataPrefix.size()
                                : item.key.rfind('.') + 1;
      const std::string_view name = item.key.substr(prefix);
      reader_.data(name, name_hash(name), item, i);
    }
  }

 private:
  /// The role of a path, or -1.
  int look_up(std::string_view path, uint32_t hash, bool top) const {
    if (top && (path.starts_with(kEventDataPrefix) || path.starts_with(kUserDataPrefix)))
      return kDottedDataRole;
    if (const int r = roles_.find(path, hash); r >= 0) return r;
    const auto way = std::find(std::begin(kWays), std::end(kWays), path);
    return way == std::end(kWays) ? -1 : kWayRole + static_cast<int>(way - std::begin(kWays));
  }

  /// Walks an object whose path, and a dot, is in the scratch; `level`: 0 at the top, else one more
  /// than its number among kWays.
  void walk(uint32_t object, size_t level) {
    std::string& path = reader_.state().scratch.path;
    const size_t base = path.size();
    reader_.record().members(object, [&](uint32_t i, const Item& member) {
      const int r = numbers_[level].get(member.id, [&] {
        if (level == 0) return look_up(member.key, member.hash, true);
        path.append(member.key);
        const int found = look_up(path, name_hash(path), false);
        path.resize(base);
        return found;
      });
      if (r >= kWayRole)
        walk_below(static_cast<size_t>(r - kWayRole), member, i);
      else if (r >= 0)
        take(r, member, i);
    });
  }

  void walk_below(size_t way, const Item& member, uint32_t number) {
    if (!member.is_object()) return;
    std::string& path = reader_.state().scratch.path;
    const size_t base = path.size();
    path.assign(kWays[way]).push_back('.');
    walk(number, way + 1);
    path.resize(base);  // the way here is the beginning of the way there
  }

  void take(int r, const Item& member, uint32_t number) {
    switch (r) {
      case kEventDataRole:
        event_data_ = number;
        return;
      case kUserDataRole:
        user_data_ = number;
        return;
      case kLevelRole:
        return reader_.level(reader_.text(member));
      case kKeywordsRole:
        if (member.is_array())
          reader_.record().members(
              number, [&](uint32_t, const Item& k) { reader_.keywords(reader_.text(k)); });
        else
          reader_.keywords(reader_.text(member));
        return;
      case kOpcodeRole:
        return reader_.opcode(reader_.text(member));
      case kTaskRole:
        task_ = reader_.text(member);
        return;
      case kGuidRole:
        return reader_.set(SystemField::kProviderGuid, reader_.guid(reader_.text(member)));
      case kTimeRole:
        timestamp_ = reader_.text(member);
        return;
      case kCreatedRole:
        created_ = reader_.text(member);
        return;
      case kHostRole:
        host_ = reader_.text(member);
        return;
      case kEventCodeRole:
        event_id_ = reader_.text(member);
        return;
      case kDottedDataRole:
        return reader_.state().numbers.push_back(number);
      default:
        break;
    }
    const auto f = static_cast<SystemField>(r);
    if (f == SystemField::kMessage)
      message_ = &member;
    else
      reader_.system(f, member);
  }

  WindowsReader& reader_;
  const NameTable& roles_;
  BeatsNumbers& numbers_;
  uint32_t event_data_ = 0;
  uint32_t user_data_ = 0;
  const Item* message_ = nullptr;
  std::string_view event_id_;
  std::string_view host_;
  std::string_view timestamp_;
  std::string_view created_;
  std::string_view task_;
};

}  // namespace

void put_winlogbeat6(const Record& record, DialectState& state, Output& out) {
  WindowsReader reader(record, state, out);
  BeatsReader beats(reader, roles6(), state.beats6_roles);
  beats.top();
  beats.complete();
  if (!reader.start(true)) return;
  beats.put_data();
  reader.finish();
}

void put_winlogbeat7(const Record& record, DialectState& state, Output& out) {
  WindowsReader reader(record, state, out);
  BeatsReader beats(reader, roles7(), state.beats7_roles);
  beats.top();
  beats.complete();
  if (!reader.start()) return;
  beats.put_data();
  fill_from_ecs(reader);
  reader.finish();
}

}  // namespace postern::input::json
