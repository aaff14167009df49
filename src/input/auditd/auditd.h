// Linux audit logs, raw: audit.log, its relays through syslog, and the kernel's own form.
//
// Tables: linux.auditd (one row per event) and linux.auditd.record (one per record, fields as the
// log names them, which is what rules for `service: auditd` are written for). Each is made only
// when read. Anomalies: auditd-bad-line, auditd-event-cut (an event ended by a limit, not by the
// log). Tests: tests/unit/input/auditd_test.cc, auditd_shared_test.cc, fuzz_auditd.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::auditd {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::auditd
