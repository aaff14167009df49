// How our reading of the audit logs in go-libaudit's test data compares with what that library
// makes of them: record by record (auparse) and event by event (aucoalesce). Every field that both
// have is compared; the maps below say which of ours stands for which of theirs. A field of an
// event that is no column of linux.auditd is looked for in the event's records.
//
// What is not compared, because the library derives it and the log does not say it: is_derived().
// What is compared through a rule: labels are split there; results are one word; errors and
// signals have names; "unset" is 4294967295, -1 or absent.
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/text.h"
#include "base/time.h"
#include "input/auditd/auditd.h"
#include "input/auditd/decode.h"
#include "input/json/document.h"
#include "tests/unit/input/decoded.h"

namespace postern::input {
namespace {

using json::Document;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string plain(const json::Item& item) {
  std::string scratch;
  return std::string(json::unescaped(item.text, scratch));
}

/// Members of an object as text, those of objects and arrays inside by dotted path.
void flatten(const Document& d, uint32_t outer, const std::string& prefix, Fields& out) {
  size_t n = 0;
  for (uint32_t i = outer + 1; i < d[outer].next; i = d[i].next, ++n) {
    const std::string name =
        prefix + (d[outer].is_array() ? std::to_string(n) : std::string(d[i].key));
    if (d[i].is_object() || d[i].is_array())
      flatten(d, i, name + ".", out);
    else
      out[name] = plain(d[i]);
  }
}

std::vector<Fields> golden(const std::string& path, std::string& text, uint64_t& num_refused) {
  static json::Parser parser;
  static Document d;
  text = read_file(path);
  std::vector<Fields> out;
  if (parser.parse(text, d) != json::ParseStatus::kOk || !d[0].is_array()) return out;
  for (uint32_t i = 1; i < d[0].next; i = d[i].next)
    if (d[i].is_object())
      flatten(d, i, "", out.emplace_back());
    else
      ++num_refused;  // null: a line that the library refuses
  return out;
}

std::string upper(std::string s) {
  for (char& c : s)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return s;
}

/// Part `i` of a security label.
std::string label_part(const Fields& r, const std::string& name, size_t i) {
  const auto it = r.find(name);
  if (it == r.end()) return "";
  const auto parts = split(it->second, ':');
  return i < parts.size() ? std::string(parts[i]) : "";
}

/// What we know about a field of that library's record, under its name for it: it splits labels,
/// decodes addresses in place and calls results alike.
std::string ours(const Fields& r, const std::string& name) {
  const auto get = [&](const std::string& key) {
    const auto it = r.find(key);
    return it == r.end() ? std::string() : it->second;
  };
  if (name == "arch") return get("ARCH");
  if (name == "syscall") return get("SYSCALL");
  if (name == "old_auid") return get("old-auid");
  if (name == "new_auid") return get("auid");
  if (name == "result") {
    const std::string res = r.count("res") ? get("res") : get("success");
    return res == "yes" || res == "success" || res == "1" ? "success" : "fail";
  }
  const char* const kParts[] = {"user", "role", "domain", "level", "category"};
  for (size_t i = 0; i < 5; ++i) {
    if (name == std::string("subj_") + kParts[i]) return label_part(r, "subj", i);
    if (name == std::string("obj_") + kParts[i]) return label_part(r, "obj", i);
  }
  if (get("type") == "SOCKADDR") {
    const auto a = auditd::socket_address(get("saddr"));
    if (a && name == "family")
      return a->family == "inet"     ? "ipv4"
             : a->family == "inet6"  ? "ipv6"
             : a->family == "local"  ? "unix"
             : a->family == "unspec" ? "0"
                                     : a->family;
    if (a && name == "addr") return a->ip;
    if (a && name == "port") return std::to_string(a->port);
    if (a && name == "path") return a->path;
  }
  return get(name);
}

/// Numbers of errors and signals are given by name there.
bool is_same(const std::string& name, const std::string& expected, const std::string& own) {
  if (expected == own) return true;
  if (expected == "unset" || expected == "4294967295")
    return own == "4294967295" || own == "-1" || own.empty();
  const int number = std::abs(std::atoi(own.c_str()));
  if (name == "exit") {
    const char* error = strerrorname_np(number);
    return own.substr(0, 1) == "-" && error != nullptr && expected == error;
  }
  const char* signal = sigabbrev_np(number);
  return name == "sig" && signal != nullptr && expected == std::string("SIG") + signal;
}

/// Test name and log of each entry of a YAML file of the form "tests: { name: | lines }".
std::vector<std::pair<std::string, std::string>> yaml_logs(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> out;
  std::istringstream in(read_file(path));
  std::string line;
  while (std::getline(in, line)) {
    if (line.size() > 3 && line.substr(0, 2) == "  " && line[2] != ' ' && line[2] != '#') {
      const size_t colon = line.rfind(':');
      std::string name = line.substr(2, colon - 2);
      if (name.size() > 1 && (name[0] == '"' || name[0] == '\''))
        name = name.substr(1, name.size() - 2);
      out.emplace_back(name, "");
    } else if (!out.empty() && line.substr(0, 4) == "    ") {
      out.back().second += line.substr(4) + "\n";
    }
  }
  return out;
}

/// The column of linux.auditd that says what a field of the library's event says.
const std::map<std::string, std::string> kSame = {
    {"event.process.pid", "pid"},
    {"event.process.ppid", "ppid"},
    {"event.process.name", "comm"},
    {"event.process.exe", "exe"},
    {"event.process.cwd", "cwd"},
    {"event.process.title", "proctitle"},
    {"event.user.ids.uid", "uid"},
    {"event.user.ids.gid", "gid"},
    {"event.user.ids.euid", "euid"},
    {"event.user.ids.auid", "auid"},
    {"event.user.ids.suid", "suid"},
    {"event.user.ids.fsuid", "fsuid"},
    {"event.user.ids.egid", "egid"},
    {"event.user.ids.sgid", "sgid"},
    {"event.user.ids.fsgid", "fsgid"},
    {"event.user.ids.old-auid", "old_auid"},
    {"event.session", "ses"},
    {"event.data.syscall", "syscall"},
    {"event.data.arch", "arch"},
    {"event.data.a0", "syscall_a0"},
    {"event.data.a1", "syscall_a1"},
    {"event.data.a2", "syscall_a2"},
    {"event.data.a3", "syscall_a3"},
    {"event.data.tty", "tty"},
    {"event.data.op", "op"},
    {"event.data.acct", "acct"},
    {"event.data.terminal", "terminal"},
    {"event.data.unit", "unit"},
    {"event.data.hostname", "hostname"},
    {"event.data.exit", "exit"},
    {"event.data.old-ses", "old_ses"},
    {"event.result", "success"},
    {"event.sequence", "serial"},
    {"event.data.socket_addr", "saddr_ip"},
    {"event.data.socket_port", "saddr_port"},
    {"event.data.socket_path", "saddr_path"},
    {"event.data.socket_family", "saddr_family"},
};

/// What the library works out beyond the log: categories, actions and objects by tables of its own,
/// names of ids, its own warnings.
bool is_derived(const std::string& field) {
  for (const char* const prefix : {"test_name", "warnings", "event.category", "event.ecs.",
                                   "event.summary.", "event.network.direction"})
    if (field.rfind(prefix, 0) == 0) return true;
  return false;
}

struct Tally {
  size_t things = 0;  ///< records or events
  size_t fields = 0;
  size_t equal = 0;
  size_t faults = 0;  ///< beside fields: missing rows, times, anomalies

  void field(bool same, const std::string& what) {
    ++fields;
    equal += same ? 1 : 0;
    if (!same) std::cout << "  differs: " << what << "\n";
  }

  void expect(bool same, const std::string& what) {
    faults += same ? 0 : 1;
    if (!same) std::cout << "  fault: " << what << "\n";
  }
};

std::string get(const Fields& f, const std::string& name) {
  const auto it = f.find(name);
  return it == f.end() ? "" : it->second;
}

void check_records(const std::string& file, Tally& tally) {
  std::string text;
  uint64_t num_refused = 0;
  const std::vector<Fields> expected = golden(file + ".golden", text, num_refused);
  Decoded d({{"linux.auditd.record", {{"type", kString}}}});
  d.run(auditd::decode, read_file(file));
  const auto& rows = d.rows("linux.auditd.record");
  tally.expect(rows.size() == expected.size(), file + ": number of records");
  tally.expect(d.anomaly("auditd-bad-line") == num_refused, file + ": refused lines");
  for (size_t i = 0; i < std::min(rows.size(), expected.size()); ++i) {
    const Fields& e = expected[i];
    const Fields& r = rows[i].all;
    const std::string place = file + " " + get(r, "type") + " " + get(r, "serial");
    tally.expect(get(r, "serial") == get(e, "sequence"), place + ": serial");
    tally.expect(parse_rfc3339(get(rows[i].fields, "_time")) == parse_rfc3339(get(e, "@timestamp")),
                 place + ": time");
    if (get(e, "record_type").rfind("unknown", 0) != 0)
      tally.expect(get(r, "type") == upper(get(e, "record_type")), place + ": type");
    ++tally.things;
    for (const auto& [key, value] : e) {
      if (key.rfind("data.", 0) != 0) continue;
      const std::string name = key.substr(5);
      const std::string own = ours(r, name);
      tally.field(is_same(name, value, own), place + " " + name + ": " + value + " | " + own);
    }
  }
}

/// A field of the library's event by its name there, in the columns and records of ours; nothing
/// where we have no such field.
class Event {
 public:
  Event(const Fields& columns, const std::vector<Decoded::DecodedRow>& records)
      : columns_(columns), records_(records) {}

  bool agrees(const std::string& field, const std::string& value) const {
    if (const auto same = kSame.find(field); same != kSame.end())
      return is_same(field.substr(field.rfind('.') + 1), value, column(same->second));
    const auto part = [&](const char* prefix) { return field.substr(std::string(prefix).size()); };
    if (field == "event.record_type") return upper(value) == first_type();
    if (field.rfind("event.data.", 0) == 0) return in_some_record(part("event.data."), value);
    if (field.rfind("event.user.selinux.", 0) == 0)
      return in_some_label("subj", part("event.user.selinux."), value);
    if (field.rfind("event.file.selinux.", 0) == 0)
      return in_some_label("obj", part("event.file.selinux."), value);
    if (field.rfind("event.file.", 0) == 0) return is_of_a_path(part("event.file."), value);
    if (field.rfind("event.paths.", 0) == 0) return is_in_path(part("event.paths."), value);
    if (field.rfind("event.process.args.", 0) == 0) return in_list("argv", field, value);
    if (field.rfind("event.tags.", 0) == 0) return is_key(field, value);
    const bool address = field == "event.source.ip" || field == "event.destination.ip";
    if (address) return column("addr") == value || column("saddr_ip") == value;
    const bool port = field == "event.source.port" || field == "event.destination.port";
    return port && column("saddr_port") == value;
  }

  std::string column(const std::string& name) const {
    const auto it = columns_.find(name);
    const std::string value = it == columns_.end() ? "" : it->second;
    if (name == "success") return value.empty() ? "unknown" : value == "yes" ? "success" : "fail";
    if (name == "saddr_family") return value == "inet" ? "ipv4" : value == "inet6" ? "ipv6" : value;
    return value;
  }

 private:
  std::string first_type() const { return records_.empty() ? "" : ours(records_[0].all, "type"); }

  /// The library cuts a key at "=": of `key="key=net"` it keeps "net", and of a null key before an
  /// enriched part whose mark was lost ("(null)ARCH=x86_64") the architecture.
  bool is_key(const std::string& field, const std::string& value) const {
    const std::string key = column("key");
    if (key.empty()) return value == column("arch");
    return key.substr(key.rfind('=') + 1) == value || in_list("key", field, value);
  }

  bool in_some_record(const std::string& name, const std::string& value) const {
    for (const auto& r : records_)
      if (is_same(name, value, ours(r.all, name))) return true;
    return false;
  }

  bool in_some_label(const std::string& label,
                     const std::string& part,
                     const std::string& value) const {
    for (const auto& r : records_) {
      if (ours(r.all, label + "_" + part) == value) return true;
      // A label without parts is a user there.
      if (part == "user" && ours(r.all, label) == value) return true;
    }
    return false;
  }

  bool is_of_a_path(const std::string& name, const std::string& value) const {
    static const std::map<std::string, std::string> kNames = {
        {"path", "name"}, {"device", "rdev"}, {"uid", "ouid"}, {"gid", "ogid"}};
    const auto it = kNames.find(name);
    for (const auto& r : records_) {
      const std::string own = ours(r.all, it == kNames.end() ? name : it->second);
      if (own == value) return true;
      // Permissions without the kind of file.
      if (name == "mode" && own.size() > 4 && own.substr(own.size() - 4) == value) return true;
    }
    return false;
  }

  /// "1.inode": of the PATH record with that number.
  bool is_in_path(const std::string& place, const std::string& value) const {
    const size_t dot = place.find('.');
    size_t n = std::strtoul(place.c_str(), nullptr, 10);
    for (const auto& r : records_) {
      if (ours(r.all, "type") != "PATH" || n-- > 0) continue;
      return is_same("", value, ours(r.all, place.substr(dot + 1)));
    }
    return false;
  }

  /// Item of a column that is an array, by the number at the end of the field's name.
  bool in_list(const std::string& name, const std::string& field, const std::string& value) const {
    const std::string text = column(name);
    json::Parser parser;
    Document d;
    if (parser.parse(text, d) != json::ParseStatus::kOk || !d[0].is_array()) return false;
    Fields items;
    flatten(d, 0, "", items);
    const auto it = items.find(field.substr(field.rfind('.') + 1));
    return it != items.end() && it->second == value;
  }

  const Fields& columns_;
  const std::vector<Decoded::DecodedRow>& records_;
};

void check_events(const std::string& file, Tally& tally) {
  uint64_t num_refused = 0;
  std::string text;
  std::map<std::string, Fields> expected;
  for (Fields& f : golden(file.substr(0, file.size() - 5) + ".json.golden", text, num_refused))
    expected[get(f, "test_name")] = f;
  for (const auto& [name, log] : yaml_logs(file)) {
    const std::string place = file + " " + name;
    tally.expect(expected.count(name) == 1, place + ": no such event there");
    const Fields& e = expected[name];
    Decoded d(
        {{"linux.auditd", {{"serial", kLong}}}, {"linux.auditd.record", {{"type", kString}}}});
    d.run(auditd::decode, log);
    tally.expect(d.rows("linux.auditd").size() == 1, place + ": number of events");
    tally.expect(d.anomalies().all().empty(), place + ": anomalies");
    if (d.rows("linux.auditd").empty()) continue;
    tally.expect(parse_rfc3339(get(d.row("linux.auditd"), "_time")) ==
                     parse_rfc3339(get(e, "event.@timestamp")),
                 place + ": time");
    ++tally.things;
    const Event own(d.rows("linux.auditd")[0].all, d.rows("linux.auditd.record"));
    for (const auto& [field, value] : e)
      if (kSame.count(field) > 0 || (!is_derived(field) && field != "event.@timestamp"))
        tally.field(own.agrees(field, value), place + " " + field + ": " + value);
  }
}

bool report(const char* what, const Tally& t) {
  std::cout << "auditd " << what << ": " << t.things << ", " << t.equal << " of " << t.fields
            << " fields equal, " << t.faults << " other faults\n";
  return t.things > 0 && t.equal == t.fields && t.faults == 0;
}

int check(const std::string& folder) {
  Tally records;
  Tally events;
  const auto files = list_files(folder);
  if (!files.ok()) return std::cerr << files.error().message << '\n', 2;
  for (const std::string& file : *files) {
    if (file.ends_with(".log") && file.find("/auparse/") != std::string::npos)
      check_records(file, records);
    if (file.ends_with(".yaml") && file.find("/aucoalesce/") != std::string::npos)
      check_events(file, events);
  }
  const bool good = report("records", records);
  return report("events", events) && good ? 0 : 1;
}

}  // namespace
}  // namespace postern::input

int main() {
  const std::string shared = postern::input::shared_folder();
  if (shared.empty()) return std::cerr << "skipped: no shared data\n", 77;
  return postern::input::check(shared + "/evidence/logs/auditd-go-libaudit");
}
