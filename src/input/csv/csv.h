// Logs in CSV with a header line: advanced hunting exports of the Defender portal go to the tables
// defender.*, any other file to csv.row, under the names of its header.
//
// Separators: comma, semicolon or tab, told by the header (or by Excel's "sep=;" line). The portal
// adds " [UTC]" or " [Local Time]" to the names of times and writes them in US form; a local time
// has no zone in the file and is taken as UTC, which is said once. Anomalies: csv-bad-record (more
// or fewer values than the header has names), csv-open-quote, csv-bad-utf8 (repaired),
// csv-local-time. Source: RFC 4180. Tests: tests/unit/input/csv_test.cc, fuzz_csv.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::csv {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::csv
