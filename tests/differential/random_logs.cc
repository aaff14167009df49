#include "random_logs.h"

#include <array>

#include "input/evtx/chunk.h"
#include "random_logs_write.h"

namespace postern::differential {

struct LogMaker::EventKind {
  const char* type;
  const char* provider;
  const char* channel;
  int id;
  std::vector<const char*> fields;
};

namespace {

TextKind kind_of(const std::string& field) {
  static const std::map<std::string, TextKind> kKinds = {
      {"Image", TextKind::kPath},
      {"ParentImage", TextKind::kPath},
      {"TargetFilename", TextKind::kPath},
      {"TargetObject", TextKind::kPath},
      {"NewProcessName", TextKind::kPath},
      {"Application", TextKind::kPath},
      {"ImagePath", TextKind::kPath},
      {"exe", TextKind::kPath},
      {"name", TextKind::kPath},
      {"uri", TextKind::kPath},
      {"CommandLine", TextKind::kWords},
      {"ParentCommandLine", TextKind::kWords},
      {"ScriptBlockText", TextKind::kWords},
      {"Message", TextKind::kWords},
      {"user_agent", TextKind::kWords},
      {"DestinationIp", TextKind::kAddress},
      {"id.orig_h", TextKind::kAddress},
      {"id.resp_h", TextKind::kAddress},
      {"DestinationPort", TextKind::kNumber},
      {"ProcessId", TextKind::kNumber},
      {"ProcessGuid", TextKind::kGuid},
      {"id.orig_p", TextKind::kNumber},
      {"id.resp_p", TextKind::kNumber},
      {"orig_bytes", TextKind::kNumber},
      {"status_code", TextKind::kNumber},
      {"uid", TextKind::kNumber},
      {"pid", TextKind::kNumber},
      {"auid", TextKind::kNumber},
      {"a0", TextKind::kWords},
      {"a1", TextKind::kWords},
      {"a2", TextKind::kWords},
  };
  const auto known = kKinds.find(field);
  return known == kKinds.end() ? TextKind::kName : known->second;
}

}  // namespace

const char* format_name(LogFormat format) {
  static constexpr std::array<const char*, kNumLogFormats> kNames = {
      "wec",  "nxlog",  "winlogbeat7", "winlogbeat6", "evtx-dump",
      "evtx", "auditd", "zeek-json",   "zeek-tsv"};
  return kNames[static_cast<size_t>(format)];
}

bool is_windows(LogFormat format) {
  return format <= LogFormat::kEvtx;
}

bool is_json(LogFormat format) {
  return format < LogFormat::kEvtx || format == LogFormat::kZeekJson;
}

const std::vector<LogMaker::EventKind>& LogMaker::kinds(LogFormat format) {
  static constexpr const char* kSysmon = "Microsoft-Windows-Sysmon";
  static constexpr const char* kSysmonLog = "Microsoft-Windows-Sysmon/Operational";
  static constexpr const char* kSecurity = "Microsoft-Windows-Security-Auditing";
  static const std::vector<EventKind> kWindows = {
      {"",
       kSysmon,
       kSysmonLog,
       1,
       {"Image", "CommandLine", "ParentImage", "ParentCommandLine", "User", "Hashes", "ProcessId",
        "Company"}},
      {"",
       kSysmon,
       kSysmonLog,
       1,
       {"ProcessGuid", "Image", "CommandLine", "ParentImage", "ParentCommandLine", "User", "Hashes",
        "ProcessId", "Company"}},
      {"", kSysmon, kSysmonLog, 3, {"Image", "User", "DestinationIp", "DestinationPort"}},
      {"", kSysmon, kSysmonLog, 11, {"Image", "TargetFilename", "User"}},
      {"", kSysmon, kSysmonLog, 13, {"Image", "TargetObject", "Details"}},
      {"", kSysmon, kSysmonLog, 255, {"ID", "Description"}},
      {"", kSecurity, "Security", 4688, {"NewProcessName", "CommandLine", "SubjectUserName"}},
      {"", kSecurity, "Security", 5156, {"ProcessId", "Application", "DestinationIp"}},
      {"", kSecurity, "Security", 4624, {"SubjectUserName", "TargetUserName", "ProcessName"}},
      {"",
       "Microsoft-Windows-PowerShell",
       "Microsoft-Windows-PowerShell/Operational",
       4104,
       {"ScriptBlockText", "Path"}},
      {"", "Service Control Manager", "System", 7045, {"ServiceName", "ImagePath"}},
      {"", "Windows Defender", "System", 1116, {"Threat Name", "ThreatName", "Task"}},
  };
  static const std::vector<EventKind> kAudit = {
      {"SYSCALL", "", "", 0, {"success", "exe", "comm", "key", "uid", "pid", "auid"}},
      {"EXECVE", "", "", 0, {"a0", "a1", "a2"}},
      {"PATH", "", "", 0, {"name", "nametype"}},
      {"CWD", "", "", 0, {"cwd"}},
      {"PROCTITLE", "", "", 0, {"proctitle"}},
      {"USER_CMD", "", "", 0, {"cmd", "uid", "pid"}},
      {"SERVICE_STOP", "", "", 0, {"unit", "comm", "exe"}},
      {"execve", "", "", 0, {"a0", "a1"}},
      {"SECCOMP", "", "", 0, {"exe", "comm", "pid"}},
      {"UNKNOWN[1334]", "", "", 0, {"exe", "comm"}},
  };
  static const std::vector<EventKind> kConn = {
      {"conn",
       "",
       "",
       0,
       {"id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "conn_state",
        "history", "orig_bytes"}}};
  static const std::vector<EventKind> kHttp = {{"http",
                                                "",
                                                "",
                                                0,
                                                {"id.orig_h", "id.resp_h", "method", "host", "uri",
                                                 "user_agent", "status_code", "trans_depth"}}};
  if (format == LogFormat::kAuditd) return kAudit;
  if (format == LogFormat::kZeekJson) return kHttp;
  return format == LogFormat::kZeekTsv ? kConn : kWindows;
}

LogMaker::LogMaker(Random& random, LogFormat format, uint64_t unique_in) : format_(format) {
  other_ = std::make_unique<TextPool>(random, TextKind::kName, 0);
  for (const EventKind& k : kinds(format))
    for (const char* field : k.fields) {
      auto& pool = pools_[field];
      // Fields differ in how often they repeat themselves.
      const uint64_t in = random.one_in(2) ? 0 : random.one_in(2) ? 1 : unique_in;
      if (!pool) pool = std::make_unique<TextPool>(random, kind_of(field), unique_in == 0 ? 0 : in);
    }
}

const TextPool& LogMaker::pool(const std::string& field) const {
  const auto known = pools_.find(field);
  return known == pools_.end() ? *other_ : *known->second;
}

Member LogMaker::member(Random& random, const std::string& name) const {
  const TextPool& pool = this->pool(name);
  Member m;
  m.name = name;
  m.texts = {pool.value(random)};
  if (pool.kind() == TextKind::kNumber) {
    m.kind = Member::Kind::kNumber;
    return m;
  }
  if (pool.kind() == TextKind::kGuid) return m;
  if (random.one_in(60)) {
    m.kind = Member::Kind::kNull;
  } else if (random.one_in(80)) {
    m.kind = Member::Kind::kList;
    for (uint64_t n = random.below(4); n > 0; --n)
      m.texts.push_back(pool.value(random));
  } else if (random.one_in(120)) {
    m.kind = Member::Kind::kObject;
  } else if (random.one_in(120)) {
    m.kind = Member::Kind::kTrue;
    m.texts = {"true"};
  }
  return m;
}

std::vector<Event> LogMaker::events(Random& random, size_t num_events) const {
  const std::vector<EventKind>& all = kinds(format_);
  std::vector<Event> events;
  // Runs of one kind, as logs have them, and mixtures.
  const EventKind* kind = &all[0];
  const uint64_t run = 1 + random.below(20);
  for (size_t i = 0; i < num_events; ++i) {
    if (random.one_in(run)) kind = &random.pick(all);
    Event e;
    e.second = static_cast<int64_t>(i);
    e.type = kind->type;
    e.provider = kind->provider;
    e.channel = kind->channel;
    e.id = kind->id;
    e.dotted = random.one_in(10);
    if (format_ == LogFormat::kAuditd && i > 0 && random.one_in(2)) {
      e.more = true;
      e.second = events.back().second;
    }
    const bool steady = !random.one_in(4);
    for (const char* field : kind->fields) {
      if (!steady && random.one_in(4)) continue;
      e.members.push_back(member(random, field));
      if (!steady && random.one_in(20)) e.members.push_back(member(random, field));
    }
    if (!steady && random.one_in(6)) e.members.push_back(member(random, "Extra"));
    if (!steady && random.one_in(30)) e.members.push_back(member(random, "Message"));
    events.push_back(std::move(e));
  }
  return events;
}

std::string LogMaker::file_name() const {
  switch (format_) {
    case LogFormat::kEvtx:
      return "events.evtx";
    case LogFormat::kAuditd:
      return "audit.log";
    case LogFormat::kZeekJson:
      return "http.log";
    case LogFormat::kZeekTsv:
      return "conn.log";
    default:
      return "events.json";
  }
}

std::string LogMaker::write(const std::vector<Event>& events,
                            const Writing& writing,
                            uint64_t seed) const {
  Random random(seed);
  if (format_ == LogFormat::kEvtx) return write_evtx(events, random);
  if (format_ == LogFormat::kAuditd) return write_auditd(events, writing, random);
  if (format_ == LogFormat::kZeekTsv) return write_zeek_tsv(events, writing);
  return write_json(events, format_, writing, random);
}

std::string gzip_of(std::string_view bytes) {
  constexpr size_t kBlock = 65535;
  const auto number = [](uint32_t v, int size) {
    std::string out;
    for (int i = 0; i < size; ++i)
      out.push_back(static_cast<char>(v >> (8 * i) & 0xFF));
    return out;
  };
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  for (size_t at = 0; at == 0 || at < bytes.size(); at += kBlock) {
    const std::string_view block = bytes.substr(at, kBlock);
    out.push_back(at + kBlock >= bytes.size() ? '\1' : '\0');
    const auto size = static_cast<uint32_t>(block.size());
    out += number(size, 2) + number(~size, 2);
    out += block;
  }
  return out + number(input::evtx::crc32(bytes), 4) +
         number(static_cast<uint32_t>(bytes.size()), 4);
}

}  // namespace postern::differential
