// Audit logs of go-libaudit's test data against what that library makes of them.
#include <fstream>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/time.h"
#include "decoded.h"
#include "input/auditd/auditd.h"
#include "input/auditd/decode.h"
#include "input/json/document.h"

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

/// Members of an object as text, those of objects inside by dotted path.
void flatten(const Document& d, uint32_t object, const std::string& prefix, Fields& out) {
  for (uint32_t i = object + 1; i < d[object].next; i = d[i].next) {
    const std::string name = prefix + std::string(d[i].key);
    if (d[i].is_object())
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

bool is_same(const std::string& name, const std::string& expected, const std::string& own) {
  if (expected == own) return true;
  if (expected == "unset") return own == "4294967295";
  // Numbers of errors and signals are given by name.
  if (name == "exit") return expected.substr(0, 1) == "E" && own.substr(0, 1) == "-";
  return name == "sig" && expected.substr(0, 3) == "SIG" && !own.empty();
}

TEST(AuditdSharedData, EveryRecordIsReadLikeGoLibauditReadsIt) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string folder = shared + "/evidence/logs/auditd-go-libaudit/auparse/testdata";
  size_t num_records = 0;
  size_t num_fields = 0;
  size_t num_equal = 0;
  const auto files = list_files(folder);
  ASSERT_TRUE(files.ok());
  for (const std::string& file : *files) {
    if (file.size() < 4 || file.substr(file.size() - 4) != ".log") continue;
    std::string text;
    uint64_t num_refused = 0;
    const std::vector<Fields> expected = golden(file + ".golden", text, num_refused);
    Decoded d({{"linux.auditd.record", {{"type", kString}}}});
    d.run(auditd::decode, read_file(file));
    const auto& rows = d.rows("linux.auditd.record");
    ASSERT_EQ(rows.size(), expected.size()) << file;
    EXPECT_EQ(d.anomaly("auditd-bad-line"), num_refused) << file;
    for (size_t i = 0; i < rows.size(); ++i) {
      const Fields& e = expected[i];
      const Fields& r = rows[i].all;
      EXPECT_EQ(r.at("serial"), e.at("sequence"));
      EXPECT_EQ(parse_rfc3339(rows[i].fields.at("_time")), parse_rfc3339(e.at("@timestamp")));
      if (e.at("record_type").rfind("unknown", 0) != 0) {
        EXPECT_EQ(r.at("type"), upper(e.at("record_type")));
      }
      ++num_records;
      for (const auto& [key, value] : e) {
        if (key.rfind("data.", 0) != 0) continue;
        const std::string name = key.substr(5);
        ++num_fields;
        const std::string own = ours(r, name);
        num_equal += is_same(name, value, own) ? 1 : 0;
        EXPECT_TRUE(is_same(name, value, own))
            << file << " " << r.at("type") << " " << name << ": " << value << " | " << own;
      }
    }
  }
  EXPECT_GT(num_records, 80u);
  std::cout << "auditd records: " << num_records << ", fields equal: " << num_equal << " of "
            << num_fields << "\n";
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
    {"event.result", "success"},
    {"event.sequence", "serial"},
    {"event.data.socket.saddr", "saddr_ip"},
};

TEST(AuditdSharedData, EveryEventIsJoinedLikeGoLibauditJoinsIt) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string folder = shared + "/evidence/logs/auditd-go-libaudit/aucoalesce/testdata";
  const auto files = list_files(folder);
  ASSERT_TRUE(files.ok());
  size_t num_events = 0;
  size_t num_fields = 0;
  size_t num_equal = 0;
  for (const std::string& file : *files) {
    if (file.size() < 5 || file.substr(file.size() - 5) != ".yaml") continue;
    uint64_t num_refused = 0;
    std::string text;
    std::map<std::string, Fields> expected;
    for (Fields& f : golden(file.substr(0, file.size() - 5) + ".json.golden", text, num_refused))
      expected[f.at("test_name")] = f;
    for (const auto& [name, log] : yaml_logs(file)) {
      ASSERT_EQ(expected.count(name), 1u) << file << " " << name;
      const Fields& e = expected.at(name);
      Decoded d({{"linux.auditd", {{"serial", kLong}}}});
      d.run(auditd::decode, log);
      ASSERT_EQ(d.rows("linux.auditd").size(), 1u) << file << " " << name;
      EXPECT_TRUE(d.anomalies().all().empty()) << file << " " << name;
      const Fields& r = d.rows("linux.auditd")[0].all;
      EXPECT_EQ(parse_rfc3339(d.row("linux.auditd").at("_time")),
                parse_rfc3339(e.at("event.@timestamp")));
      ++num_events;
      for (const auto& [field, value] : e) {
        const auto column = kSame.find(field);
        if (column == kSame.end()) continue;
        ++num_fields;
        const auto it = r.find(column->second);
        std::string own = it == r.end() ? "" : it->second;
        if (field == "event.result")
          own = own.empty() ? "unknown" : own == "yes" ? "success" : "fail";
        const bool same = own == value || (value == "unset" && (own == "-1" || own.empty()));
        num_equal += same ? 1 : 0;
        EXPECT_TRUE(same) << file << " " << name << " " << field << ": " << value << " | " << own;
      }
    }
  }
  EXPECT_GT(num_events, 40u);
  std::cout << "auditd events: " << num_events << ", fields equal: " << num_equal << " of "
            << num_fields << "\n";
}

/// Serials in the order in which events come out, with the types of their records.
std::vector<std::string> events_of(const std::string& path) {
  Decoded d({{"linux.auditd", {{"serial", kLong}, {"types", kDynamic}}}});
  d.run(auditd::decode, read_file(path));
  std::vector<std::string> out;
  for (const auto& row : d.rows("linux.auditd"))
    out.push_back(row.fields.at("serial") + row.fields.at("types"));
  return out;
}

TEST(AuditdSharedData, LinesOutOfOrderGiveTheSameEvents) {
  const std::string shared = shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data";
  const std::string folder = shared + "/evidence/logs/auditd-go-libaudit/testdata/";
  auto normal = events_of(folder + "normal.log");
  auto mixed = events_of(folder + "out_of_order.log");
  EXPECT_EQ(normal.size(), 5u);
  std::sort(normal.begin(), normal.end());
  std::sort(mixed.begin(), mixed.end());
  EXPECT_EQ(normal, mixed);
  EXPECT_EQ(events_of(folder + "rollover.log").size(), 5u);
  EXPECT_EQ(events_of(folder + "lost_messages.log").size(), 5u);
}

}  // namespace
}  // namespace postern::input
