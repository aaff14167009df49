// Made events as evidence: the line of a log that a decoder turns into them again.
//
// Windows tables (and Sysmon for Linux) as event JSON in the layout of evtx_dump, each column at
// the place that the catalog names as its source; Zeek, Suricata, osquery and Defender as their own
// JSON; audit records as lines of audit.log; syslog messages in the layout of RFC 5424. Tests:
// tests/unit/check/event_text_test.cc.
#pragma once
#include <optional>
#include <string>

#include "check/witness.h"
#include "plan/catalog.h"

namespace postern::check {

enum class Evidence : uint8_t { kJsonLines, kAuditLog, kSyslog };

inline constexpr size_t kNumEvidenceForms = 3;

struct EventText {
  Evidence form = Evidence::kJsonLines;
  std::string line;  ///< without its end
};

/// `serial` makes its time and record number. Nullopt: no layout is known for the table.
std::optional<EventText> event_text(const MadeEvent& event,
                                    const plan::Catalog& catalog,
                                    uint64_t serial);

}  // namespace postern::check
