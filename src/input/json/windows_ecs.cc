// Event data that Elastic's pipelines moved to ECS names, moved back.
//
// The pipelines for Sysmon, Security and PowerShell rename fields (winlog.event_data.Image becomes
// process.executable), so that a processed record no longer has them. A column is filled only when
// the record does not have it under its own name. Source: field lists of the ECS reference and of
// the Winlogbeat modules' documentation.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "base/time.h"
#include "input/json/windows.h"

namespace postern::input::json {
namespace {

struct Moved {
  WindowsTable table;
  std::array<uint16_t, 6> events;  // 0: end; first 0: every event
  std::string_view column;
  std::string_view path;
};

constexpr auto kSysmon = WindowsTable::kSysmon;
constexpr auto kSecurity = WindowsTable::kSecurity;
constexpr auto kPowerShell = WindowsTable::kPowerShell;

constexpr Moved kMoved[] = {
    {kSysmon, {}, "RuleName", "rule.name"},
    {kSysmon, {8}, "SourceProcessGuid", "process.entity_id"},
    {kSysmon, {10}, "SourceProcessGUID", "process.entity_id"},
    {kSysmon, {8, 10}, "SourceProcessId", "process.pid"},
    {kSysmon, {8, 10}, "SourceImage", "process.executable"},
    {kSysmon, {10}, "SourceThreadId", "process.thread.id"},
    {kSysmon, {}, "ProcessGuid", "process.entity_id"},
    {kSysmon, {}, "ProcessId", "process.pid"},
    {kSysmon, {}, "Image", "process.executable"},
    {kSysmon, {1}, "CommandLine", "process.command_line"},
    {kSysmon, {1}, "CurrentDirectory", "process.working_directory"},
    {kSysmon, {1}, "ParentProcessGuid", "process.parent.entity_id"},
    {kSysmon, {1}, "ParentProcessId", "process.parent.pid"},
    {kSysmon, {1}, "ParentImage", "process.parent.executable"},
    {kSysmon, {1}, "ParentCommandLine", "process.parent.command_line"},
    {kSysmon, {1}, "FileVersion", "process.pe.file_version"},
    {kSysmon, {1}, "Description", "process.pe.description"},
    {kSysmon, {1}, "Product", "process.pe.product"},
    {kSysmon, {1}, "Company", "process.pe.company"},
    {kSysmon, {1}, "OriginalFileName", "process.pe.original_file_name"},
    {kSysmon, {3}, "Protocol", "network.transport"},
    {kSysmon, {3}, "SourceIp", "source.ip"},
    {kSysmon, {3}, "SourceHostname", "source.domain"},
    {kSysmon, {3}, "SourcePort", "source.port"},
    {kSysmon, {3}, "DestinationIp", "destination.ip"},
    {kSysmon, {3}, "DestinationHostname", "destination.domain"},
    {kSysmon, {3}, "DestinationPort", "destination.port"},
    {kSysmon, {3}, "DestinationPortName", "network.protocol"},
    {kSysmon, {6, 7}, "ImageLoaded", "file.path"},
    {kSysmon, {7}, "FileVersion", "file.pe.file_version"},
    {kSysmon, {7}, "Description", "file.pe.description"},
    {kSysmon, {7}, "Product", "file.pe.product"},
    {kSysmon, {7}, "Company", "file.pe.company"},
    {kSysmon, {7}, "OriginalFileName", "file.pe.original_file_name"},
    {kSysmon, {6, 7}, "Signed", "file.code_signature.signed"},
    {kSysmon, {6, 7}, "Signature", "file.code_signature.subject_name"},
    {kSysmon, {6, 7}, "SignatureStatus", "file.code_signature.status"},
    {kSysmon, {9}, "Device", "file.path"},
    {kSysmon, {2, 11, 15, 23, 26}, "TargetFilename", "file.path"},
    {kSysmon, {12, 13, 14}, "TargetObject", "registry.path"},
    {kSysmon, {13}, "Details", "registry.data.strings"},
    {kSysmon, {17, 18}, "PipeName", "file.name"},
    {kSysmon, {22}, "QueryName", "dns.question.name"},
    {kSysmon, {22}, "QueryStatus", "sysmon.dns.status"},
    {kSecurity, {4688}, "NewProcessName", "process.executable"},
    {kSecurity, {4688}, "NewProcessId", "process.pid"},
    {kSecurity, {4688}, "CommandLine", "process.command_line"},
    {kSecurity, {4688}, "ParentProcessName", "process.parent.executable"},
    {kSecurity, {4688}, "ProcessId", "process.parent.pid"},
    {kSecurity, {4689, 4624, 4625, 4648, 4663}, "ProcessName", "process.executable"},
    {kSecurity, {4689, 4624, 4625, 4648, 4663}, "ProcessId", "process.pid"},
    {kSecurity, {4624, 4625, 4648, 4768, 4769, 4776}, "IpAddress", "source.ip"},
    {kSecurity, {4624, 4625, 4648, 4768, 4769}, "IpPort", "source.port"},
    {kSecurity, {4624, 4625}, "WorkstationName", "source.domain"},
    {kSecurity, {5156, 5157, 5158}, "Application", "process.executable"},
    {kSecurity, {5156, 5157, 5158}, "ProcessID", "process.pid"},
    {kSecurity, {5156, 5157, 5158}, "SourceAddress", "source.ip"},
    {kSecurity, {5156, 5157, 5158}, "SourcePort", "source.port"},
    {kSecurity, {5156, 5157}, "DestAddress", "destination.ip"},
    {kSecurity, {5156, 5157}, "DestPort", "destination.port"},
    {kPowerShell, {4104}, "ScriptBlockText", "powershell.file.script_block_text"},
    {kPowerShell, {4104}, "ScriptBlockId", "powershell.file.script_block_id"},
    {kPowerShell, {4104}, "MessageNumber", "powershell.sequence"},
    {kPowerShell, {4104}, "MessageTotal", "powershell.total"},
    {kPowerShell, {4104}, "Path", "file.path"},
};

bool is_for(const Moved& m, int64_t event_id) {
  if (m.events[0] == 0) return true;
  return std::any_of(m.events.begin(), m.events.end(),
                     [&](uint16_t e) { return e != 0 && e == event_id; });
}

/// "SHA1=…,MD5=…" as Sysmon writes it, from process.hash or file.hash.
std::string hashes(const Record& record, WindowsReader& reader, std::string_view of) {
  struct Digest {
    std::string_view name;
    std::string_view path;
  };

  constexpr Digest kDigests[] = {{"SHA1", ".hash.sha1"},
                                 {"MD5", ".hash.md5"},
                                 {"SHA256", ".hash.sha256"},
                                 {"IMPHASH", ".pe.imphash"}};
  std::string out;
  for (const Digest& d : kDigests) {
    const uint32_t at = find_path(record, std::string(of) + std::string(d.path));
    if (at == 0) continue;
    if (!out.empty()) out.push_back(',');
    out.append(d.name).push_back('=');
    for (const char c : reader.text(record.item(at)))
      out.push_back(c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return out;
}

/// Has a pipeline been over the record? The agent itself writes none of these.
bool is_processed(const Record& record) {
  static const NameTable sets = [] {
    NameTable t;
    for (const char* set : {"process", "source", "destination", "network", "file", "registry",
                            "dns", "powershell", "user", "rule"})
      t.add(set, 0);
    return t;
  }();
  bool found = false;
  record.members([&](uint32_t, const Item& member) {
    const size_t dot = member.key.find('.');
    found = found || (dot == std::string_view::npos ? sets.find(member.key, member.hash)
                                                    : sets.find(member.key.substr(0, dot))) >= 0;
  });
  return found;
}

}  // namespace

void fill_from_ecs(WindowsReader& reader) {
  const Record& record = reader.record();
  if (!is_processed(record)) return;
  WindowsEvent& event = reader.event();
  const WindowsTable table = event.table();
  if (table == WindowsTable::kEvent) return;
  const int64_t id = parse_int(event[SystemField::kEventId]).value_or(0);

  const auto missing = [&](std::string_view column) {
    return reader.wants(column, name_hash(column)) && !reader.has_data(column);
  };
  for (const Moved& m : kMoved) {
    if (m.table != table || !is_for(m, id) || !missing(m.column)) continue;
    // Cross-process events name the process Source…, not plainly.
    if (table == kSysmon && (id == 8 || id == 10) && m.events[0] == 0 &&
        m.path.substr(0, 8) == "process.")
      continue;
    if (const uint32_t at = find_path(record, m.path))
      reader.data(m.column, name_hash(m.column), record.item(at), at);
  }

  if (table == kSysmon && id == 3 && missing("Initiated")) {
    if (const uint32_t at = find_path(record, "network.direction")) {
      const std::string_view direction = record.item(at).text;
      if (direction == "egress" || direction == "outbound") reader.data("Initiated", "true");
      if (direction == "ingress" || direction == "inbound") reader.data("Initiated", "false");
    }
  }
  if (table == kSysmon && missing("User") && id != 8 && id != 10) {
    const uint32_t name = find_path(record, "user.name");
    const uint32_t domain = find_path(record, "user.domain");
    if (name > 0 && domain > 0)
      reader.data("User", reader.keep(std::string(reader.text(record.item(domain))) + "\\" +
                                      std::string(reader.text(record.item(name)))));
    else if (name > 0)
      reader.data("User", reader.text(record.item(name)));
  }
  if (table == kSysmon && missing("Hashes")) {
    const std::string text = hashes(record, reader, id == 1 ? "process" : "file");
    if (!text.empty()) reader.data("Hashes", reader.keep(text));
  }
  if (table == kSysmon && missing("UtcTime") && event.time) {
    // "2019-05-18 20:19:21.130", always with milliseconds.
    const CivilTime c = civil_from_ticks(*event.time);
    std::string text = format_rfc3339(*event.time - c.sub_ticks).substr(0, 19);
    text[10] = ' ';
    const std::string millis = std::to_string(1000 + c.sub_ticks / kTicksPerMillisecond);
    text.push_back('.');
    reader.data("UtcTime", reader.keep(text.append(millis, 1, 3)));
  }
}

}  // namespace postern::input::json
