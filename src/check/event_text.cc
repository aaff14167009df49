#include "check/event_text.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "data/value.h"
#include "input/syslog/header.h"

namespace postern::check {

using data::json_string;
using data::Type;

namespace {

constexpr int64_t kFirstSecond = 1'767'225'600;  // 2026-01-01T00:00:00Z

/// A JSON object under construction: members by path, objects made as needed.
struct Object {
  std::map<std::string, std::string> members;  // rendered
  std::map<std::string, Object> objects;

  void set(std::string_view path, std::string rendered) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) {
      members[std::string(path)] = std::move(rendered);
      return;
    }
    objects[std::string(path.substr(0, slash))].set(path.substr(slash + 1), std::move(rendered));
  }

  bool has(std::string_view path) const {
    const size_t slash = path.find('/');
    const std::string first(path.substr(0, slash));
    if (slash == std::string_view::npos) return members.count(first) > 0;
    const auto it = objects.find(first);
    return it != objects.end() && it->second.has(path.substr(slash + 1));
  }

  std::string json() const {
    std::string out = "{";
    for (const auto& [name, value] : members)
      out += (out.size() > 1 ? "," : "") + json_string(name) + ":" + value;
    for (const auto& [name, object] : objects)
      out += (out.size() > 1 ? "," : "") + json_string(name) + ":" + object.json();
    return out + "}";
  }
};

/// A value as JSON has it for a column of this type.
std::string typed_json(const std::string& text, Type type) {
  if (data::is_integer(type) && parse_int(text)) return text;
  if (type == Type::kReal && parse_real(text)) return text;
  if (type == Type::kBool && (equal_ignore_case(text, "true") || equal_ignore_case(text, "false")))
    return fold(text);
  if (type == Type::kDynamic) return "[" + json_string(text) + "]";
  return json_string(text);
}

Type type_of(const plan::TableDef* table, const std::string& column) {
  const plan::FieldDef* f = table ? table->find(column) : nullptr;
  return f ? f->type : Type::kString;
}

// ---- Windows

struct Origin {
  std::string_view provider;
  std::string_view channel;
};

/// Where the events of a table come from when nothing is asked of it.
Origin origin_of(const MadeEvent& e) {
  if (e.table == "windows.sysmon")
    return {"Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"};
  if (e.table == "linux.sysmon") return {"Linux-Sysmon", "Linux-Sysmon/Operational"};
  if (e.table == "windows.security") return {"Microsoft-Windows-Security-Auditing", "Security"};
  if (e.table == "windows.powershell") {
    const auto it = e.fields.find("EventID");
    const auto id = it == e.fields.end() ? std::nullopt : parse_int(it->second);
    const auto channel = e.fields.find("Channel");
    // Events of Windows PowerShell are numbered below 1,000, those of its operational log above.
    if ((id && *id < 1000) ||
        (channel != e.fields.end() && equal_ignore_case(channel->second, "Windows PowerShell")))
      return {"PowerShell", "Windows PowerShell"};
    return {"Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational"};
  }
  return {"Witness", "Application"};
}

/// "System/Provider/@Name" as evtx_dump has it: System/Provider/#attributes/Name.
std::string place_of(const plan::TableDef* table, const std::string& column) {
  const plan::FieldDef* f = table ? table->find(column) : nullptr;
  if (!f || f->source.find('/') == std::string::npos) return "EventData/" + column;
  const size_t at = f->source.find("/@");
  if (at == std::string::npos) return f->source;
  return f->source.substr(0, at) + "/#attributes/" + f->source.substr(at + 2);
}

std::string windows_json(const MadeEvent& e, const plan::TableDef* table, uint64_t serial) {
  Object event;
  const Origin origin = origin_of(e);
  for (const auto& [column, text] : e.fields) {
    const Type type = type_of(table, column);
    // All data of an event is text; only System has numbers.
    const std::string place = place_of(table, column);
    const bool number = place.starts_with("System/") && data::is_integer(type) && parse_int(text);
    event.set(place, number ? text : json_string(text));
  }
  const auto otherwise = [&](const std::string& place, const std::string& rendered) {
    if (!event.has(place)) event.set(place, rendered);
  };
  otherwise("System/Provider/#attributes/Name", json_string(origin.provider));
  otherwise("System/Channel", json_string(origin.channel));
  otherwise("System/EventID", "9999");
  otherwise("System/Computer", json_string("WITNESS"));
  otherwise("System/EventRecordID", std::to_string(serial));
  otherwise(
      "System/TimeCreated/#attributes/SystemTime",
      json_string(format_rfc3339(ticks_from_unix(kFirstSecond + static_cast<int64_t>(serial)))));
  if (!event.objects.count("EventData")) event.set("EventData/RuleName", json_string("-"));
  Object root;
  root.objects["Event"] = std::move(event);
  return root.json();
}

// ---- other JSON

std::string flat_json(const MadeEvent& e, const plan::TableDef* table, Object root, bool nested) {
  for (const auto& [column, text] : e.fields) {
    std::string path = column;
    if (nested) std::replace(path.begin(), path.end(), '.', '/');
    root.set(path, typed_json(text, type_of(table, column)));
  }
  return root.json();
}

std::string zeek_json(const MadeEvent& e, const plan::TableDef* table, uint64_t serial) {
  Object root;
  root.set("_path", json_string(e.table.substr(5)));
  root.set("ts", std::to_string(kFirstSecond + static_cast<int64_t>(serial)));
  root.set("uid", json_string("C" + std::to_string(serial)));
  return flat_json(e, table, std::move(root), false);
}

std::string suricata_json(const MadeEvent& e, const plan::TableDef* table, uint64_t serial) {
  Object root;
  root.set(
      "timestamp",
      json_string(format_rfc3339(ticks_from_unix(kFirstSecond + static_cast<int64_t>(serial)))));
  root.set("flow_id", std::to_string(serial));
  root.set("event_type", json_string("alert"));
  return flat_json(e, table, std::move(root), true);
}

std::string defender_json(const MadeEvent& e, const plan::TableDef* table, uint64_t serial) {
  Object root;
  const std::string time =
      json_string(format_rfc3339(ticks_from_unix(kFirstSecond + static_cast<int64_t>(serial))));
  root.set("category", json_string("AdvancedHunting-" + e.table.substr(9)));
  root.set("time", time);
  Object properties;
  properties.set("Timestamp", time);
  for (const auto& [column, text] : e.fields)
    properties.set(column, typed_json(text, type_of(table, column)));
  root.objects["properties"] = std::move(properties);
  return root.json();
}

std::string osquery_json(const MadeEvent& e, uint64_t serial) {
  Object root;
  root.set("name", json_string(e.table.substr(8)));
  root.set("hostIdentifier", json_string("WITNESS"));
  root.set("unixTime", std::to_string(kFirstSecond + static_cast<int64_t>(serial)));
  root.set("action", json_string("added"));
  Object columns;
  // The table is told by columns that only it has.
  if (e.table == "osquery.es_process_events") {
    columns.set("event_type", json_string("exec"));
    columns.set("signing_id", json_string("witness"));
    columns.set("pid", json_string("4711"));
  }
  if (e.table == "osquery.process_events") {
    columns.set("pid", json_string("4711"));
    columns.set("cmdline", json_string("witness"));
    columns.set("auid", json_string("0"));
    columns.set("overflows", json_string(""));
  }
  if (e.table == "osquery.socket_events") columns.set("family", json_string("2"));
  for (const auto& [column, text] : e.fields) {
    if (column == "hostIdentifier")
      root.set(column, json_string(text));
    else
      columns.set(column, json_string(text));
  }
  root.objects["columns"] = std::move(columns);
  return root.json();
}

// ---- audit.log

bool is_argument(const std::string& key) {
  return key.size() >= 2 && key[0] == 'a' &&
         std::all_of(key.begin() + 1, key.end(), [](char c) { return ascii_digit(c); });
}

/// Fields whose text is the user's: quoted, or in hex when it has other than plain characters.
bool is_untrusted(const std::string& key, const std::string& type) {
  static constexpr std::string_view kKeys[] = {"exe",  "comm",      "name", "cwd", "cmd",
                                               "acct", "proctitle", "key",  "path"};
  return (is_argument(key) && type == "EXECVE") ||
         std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

std::string audit_value(const std::string& key, const std::string& type, const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\'';
  });
  if (is_untrusted(key, type)) {
    if (plain) return "\"" + text + "\"";
    std::string coded = hex(text);
    for (char& c : coded)
      if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 32);
    return coded;
  }
  return plain ? text : "\"" + text + "\"";
}

std::string audit_line(const MadeEvent& e, uint64_t serial) {
  const auto type_field = e.fields.find("type");
  const std::string type = type_field != e.fields.end() ? type_field->second : "CWD";
  std::string out = "type=" + type + " msg=audit(" +
                    std::to_string(kFirstSecond + static_cast<int64_t>(serial)) +
                    ".000:" + std::to_string(serial) + "):";
  for (const auto& [key, text] : e.fields)
    if (key != "type") out += " " + key + "=" + audit_value(key, type, text);
  return out;
}

// ---- syslog

/// The number whose name is wanted; -1: none has it.
int numbered(std::string_view name, std::string_view (*name_of)(int), int step) {
  constexpr int kMost = 24 * 8;
  for (int i = 0; i < kMost; i += step)
    if (equal_ignore_case(name_of(i), name)) return i;
  return -1;
}

/// RFC 5424: <34>1 2026-01-01T00:00:00Z host program pid id - text. Nullopt: fields that a message
/// has no place for.
std::optional<std::string> syslog_line(const MadeEvent& e, uint64_t serial) {
  int facility = 8;  // user
  int severity = 6;  // info
  std::map<std::string_view, std::string> head = {
      {"host", "WITNESS"}, {"program", "witness"}, {"pid", "-"}, {"message_id", "-"}};
  std::string message;
  std::string carried;
  for (const auto& [column, text] : e.fields) {
    if (text.find('\n') != std::string::npos) return std::nullopt;
    if (column == "message")
      message = text;
    else if (column == kWitnessCarrier)
      carried = text;
    else if (column == "facility")
      facility = numbered(text, input::syslog::facility_name, 8);
    else if (column == "severity")
      severity = numbered(text, input::syslog::severity_name, 1);
    else if (head.count(column) && !text.empty() && text.find(' ') == std::string::npos)
      head[column] = text;
    else
      return std::nullopt;
  }
  if (facility < 0 || severity < 0) return std::nullopt;
  if (!message.empty() && !carried.empty()) message += " ";
  return "<" + std::to_string(facility + severity) + ">1 " +
         format_rfc3339(ticks_from_unix(kFirstSecond + static_cast<int64_t>(serial))) + " " +
         head["host"] + " " + head["program"] + " " + head["pid"] + " " + head["message_id"] +
         " - " + message + carried;
}

}  // namespace

std::optional<EventText> event_text(const MadeEvent& event,
                                    const plan::Catalog& catalog,
                                    uint64_t serial) {
  const plan::TableDef* table = catalog.table(event.table);
  const auto json = [](std::string line) {
    return EventText{Evidence::kJsonLines, std::move(line)};
  };
  const std::string& t = event.table;
  if (t.starts_with("windows.") || t == "linux.sysmon")
    return json(windows_json(event, table, serial));
  if (t.starts_with("zeek.")) return json(zeek_json(event, table, serial));
  if (t == "suricata.eve") return json(suricata_json(event, table, serial));
  if (t.starts_with("defender.")) return json(defender_json(event, table, serial));
  if (t == "json.object") return json(flat_json(event, table, {}, true));
  if (t.starts_with("osquery.")) return json(osquery_json(event, serial));
  if (t == "syslog.message") {
    std::optional<std::string> line = syslog_line(event, serial);
    if (!line) return std::nullopt;
    return EventText{Evidence::kSyslog, std::move(*line)};
  }
  if (t == "linux.auditd.record") return EventText{Evidence::kAuditLog, audit_line(event, serial)};
  return std::nullopt;
}

}  // namespace postern::check
