#include "input/json/record.h"

#include "data/dynamic.h"
#include "input/time_field.h"

namespace postern::input::json {
namespace {

constexpr std::string_view kKeyNames[kNumKeys] = {
    "Event",
    "winlog",
    "winlog.channel",
    "winlog.event_id",
    "log_name",
    "source_name",
    "event_id",
    "EventID",
    "SourceName",
    "Channel",
    "SourceModuleName",
    "SourceModuleType",
    "EventReceivedTime",
    "Provider",
    "EventData",
    "EventSourceName",
    "SyslogMessage",
    "ParameterXml",
    "Type",
    "Computer",
    "columns",
    "hostIdentifier",
    "snapshot",
    "diffResults",
    "processImagePath",
    "eventMessage",
    "machTimestamp",
    "eventType",
    "subsystem",
    "traceID",
    "finished",
    "count",
    "category",
    "properties",
    "time",
    "ActionType",
    "Timestamp",
    "TimeGenerated",
    "DeviceId",
    "NetworkMessageId",
    "AlertId",
    "event_type",
    "timestamp",
    "flow_id",
    "src_ip",
    "dest_ip",
    "_path",
    "_write_ts",
    "@stream",
    "ts",
    "uid",
    "id.orig_h",
    "id_orig_h",
    "_index",
    "_source",
    "_id",
    "records",
    "Records",
    "Results",
    "Schema",
    "result",
    "preview",
};

const NameTable& key_table() {
  static const NameTable table = [] {
    NameTable t;
    for (size_t i = 0; i < kNumKeys; ++i)
      t.add(std::string(kKeyNames[i]), static_cast<int>(i));
    return t;
  }();
  return table;
}

/// Longest "outer.inner" path; real ones have some ten parts.
constexpr size_t kMaxPathBytes = 1024;

}  // namespace

void Record::set(const Document& document, uint32_t object, bool in_input, KeyNumbers& known) {
  document_ = &document;
  object_ = object;
  in_input_ = in_input;
  text_ = document[object].text;
  keys_.reset();
  const NameTable& table = key_table();
  members([&](uint32_t i, const Item& member) {
    const int key = known.get(member.id, [&] { return table.find(member.key, member.hash); });
    if (key < 0) return;
    keys_.set(static_cast<size_t>(key));
    at_[static_cast<size_t>(key)] = i;
  });
}

std::string_view Record::string(Key k) const {
  if (!has(k) || !item(at(k)).is_string()) return {};
  return item(at(k)).text;
}

void put(Row& row,
         Row::Target target,
         std::string_view name,
         const Item& item,
         bool in_input,
         Scratch& scratch) {
  switch (item.kind) {
    case Kind::kNull:
      return;
    case Kind::kNumber:
      if (row.type(target, name) == data::Type::kDatetime) {
        if (const auto ticks = time_from_epoch(item.text))
          return row.datetime(target, name, *ticks);
      }
      return row.literal(target, name, item.text);
    case Kind::kTrue:
    case Kind::kFalse:
      return row.literal(target, name, item.text);
    case Kind::kString: {
      const std::string_view text = unescaped(item.text, scratch.text);
      // A dynamic column may come as JSON inside a string (Defender's AdditionalFields).
      if (!text.empty() && (text[0] == '{' || text[0] == '[') &&
          row.type(target, name) == data::Type::kDynamic) {
        if (const auto encoded = data::dynamic_from_json(text))
          return row.dynamic(target, name, *encoded);
      }
      return row.text(target, name, text, in_input && text.data() == item.text.data());
    }
    case Kind::kArray:
    case Kind::kObject:
      if (const auto encoded = data::dynamic_from_json(item.text))
        row.dynamic(target, name, *encoded);
  }
}

namespace {

bool put_members(Row& row, const Record& record, uint32_t object, Scratch& scratch) {
  bool complete = true;
  const size_t base = scratch.path.size();
  record.members(object, [&](uint32_t i, const Item& member) {
    // The key alone is the path at the top, and its hash is known.
    if (base > 0) scratch.path.append(member.key);
    const std::string_view path = base > 0 ? std::string_view(scratch.path) : member.key;
    if (path.size() > kMaxPathBytes) {
      complete = false;
    } else {
      const Row::Target target = row.target(path, base > 0 ? name_hash(path) : member.hash);
      if (!member.is_object() || member.next == i + 1) {
        if (target != Row::kUnread) put(row, target, path, member, record.in_input(), scratch);
      } else {
        if (target != Row::kUnread && target != Row::kByName)
          put(row, target, path, member, record.in_input(), scratch);
        if (base == 0) scratch.path.assign(member.key);
        scratch.path.push_back('.');
        complete = put_members(row, record, i, scratch) && complete;
      }
    }
    scratch.path.resize(base);
  });
  return complete;
}

}  // namespace

bool put_flat(
    Row& row, const Record& record, uint32_t object, std::string_view prefix, Scratch& scratch) {
  scratch.path.assign(prefix);
  const bool complete = put_members(row, record, object, scratch);
  scratch.path.clear();
  return complete;
}

}  // namespace postern::input::json
