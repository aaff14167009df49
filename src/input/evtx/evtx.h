// EVTX, the binary event log of Windows: file to batches of the windows.* tables.
//
// Anomalies: evtx-bad-chunk, evtx-truncated-chunk, evtx-chunk-checksum, evtx-truncated-record,
// evtx-bad-record, evtx-bad-template, evtx-chunk-over-budget; each with file and offset, and
// decoding goes on behind it. Position: offset of the record in the file, record = EventRecordID.
// Layers: chunk (records in a chunk), binxml (tokens), program (compiled templates), value (text of
// binary values), record (fields of a record), here the file and the re-reading of records.
// Tests: tests/unit/input/evtx_test.cc, fuzz_evtx, tools/check_evtx.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::evtx {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
/// Also records behind the last live one of a chunk, and at positions where no chunk is.
void decode_and_carve(const Input& input, DecodeContext& context);
/// Looks for records in bytes that are no log: disk images, memory, files without their header.
void carve(const Input& input, DecodeContext& context);
/// At chunk positions.
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::evtx
