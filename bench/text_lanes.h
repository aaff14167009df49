// The text evidence of the rule benchmarks (bench/rules.py), and what writing text shares.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/output.h"

namespace postern::bench {

/// Writes one of the lanes; nothing where there is no lane of that name.
///
///   sysmon   NDJSON, a Sysmon event per line, its fields as members
///   raw      NDJSON, the same events, all fields in the one member Message
///   execve   auditd: processes, connections and files, joined from several records
///   conn     Zeek conn.log, TSV
///   smtp     Zeek smtp.log, TSV
///
/// With `-unique` behind the name every text is met once (bench/fleet_events.h).
Counts text_lane(std::string_view lane, const char* path, uint64_t bytes, uint64_t seed);

void append_json(std::string& out, std::string_view text);
/// `, "name": "text"`
void append_member(std::string& out, std::string_view name, std::string_view text);
std::string rfc3339(uint64_t filetime);
std::string upper_hex(std::string_view text);

}  // namespace postern::bench
