// Logs in JSON: one object per line, pretty-printed objects, or one array; all dialects
// (dialect.h).
//
// Anomalies: json-bad-line (text that is no JSON object; passed over), json-bad-utf8 (repaired),
// json-too-large (a document beyond the limits of document.h), json-long-path (a name nested
// absurdly deep, left out), json-large-envelope (osquery), json-bad-event-data (EventData of a
// Windows event that is a string of no known form), json-time-without-zone (taken as UTC). Tests:
// tests/unit/input/json_*_test.cc, tests/fuzz/fuzz_json_log.cc.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::json {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
/// Where each line is a document of its own, at line ends; else not at all.
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::json
