// The chunks of an EVTX file: where they are, whether they are whole, and the records in them.
//
// A file is a 4,096-byte header and then 64-KiB chunks. The header's counts are not used: files are
// pre-allocated (empty chunks at the end) and headers of running or crashed systems are stale.
// Every chunk position is looked at; one that starts with zeros was never used. Source: [MS-EVEN6],
// libyal documentation of the format. Tests: tests/unit/input/evtx_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "input/evtx/record.h"

namespace postern::input::evtx {

inline constexpr size_t kFileHeaderBytes = 4096;
inline constexpr size_t kChunkBytes = 65536;
inline constexpr size_t kChunkHeaderBytes = 512;

/// True when the bytes start as an EVTX file, or as a lone chunk (carved evidence).
bool is_evtx(std::string_view head);
/// Offset of the first chunk position.
size_t first_chunk(std::string_view file);
/// The chunk that the byte at `offset` of a file belongs to: its offset and its bytes.
size_t chunk_of(std::string_view file, uint64_t offset);

/// True when a chunk position holds no chunk and never did.
bool is_unused(std::string_view chunk);

/// Checks magic, checksums and sizes, reporting what is wrong. False: no chunk at all. `used` is
/// the end of the last record.
bool check_chunk(std::string_view chunk, uint64_t file_offset, const Report& report, size_t& used);

/// Calls `each` for every record in chunk[512, used) until it returns false. A damaged record is
/// reported and the next one looked for.
void for_each_record(std::string_view chunk,
                     uint64_t file_offset,
                     size_t used,
                     const Report& report,
                     const std::function<bool(const RecordHeader&)>& each);

/// CRC-32 (IEEE 802.3) of a, then b.
uint32_t crc32(std::string_view a, std::string_view b = {});

}  // namespace postern::input::evtx
