// Syslog as it lies in files and comes out of relays: RFC 3164, RFC 5424, rsyslog's and
// journalctl's layouts, with or without priority.
//
// Table: syslog.message. What a message carries goes to its own decoder instead: events of Sysmon
// for Linux (XML), audit records, JSON objects. Lines that begin with a blank belong to the message
// before them. Anomalies: syslog-no-header (a line that is no message; it becomes a row of its
// text), syslog-time-without-year (taken as the last such day, UTC), syslog-bad-utf8. Tests:
// tests/unit/input/syslog_test.cc, fuzz_syslog.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::syslog {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::syslog
