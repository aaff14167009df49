// Walking a chunk: sizes are taken from the records one after another, as Windows does. Only when
// one does not fit is the next record searched for by its magic number; it is believed when its
// size, which a record also carries in its last four bytes, says the same at both ends.
#include "input/evtx/chunk.h"

#include <algorithm>
#include <array>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "input/evtx/bytes.h"

namespace postern::input::evtx {
namespace {

constexpr std::string_view kFileMagic("ElfFile\0", 8);
constexpr std::string_view kChunkMagic("ElfChnk\0", 8);
constexpr std::string_view kRecordMagic("\x2a\x2a\0\0", 4);

// Chunk header: magic, first/last record number and id (8 each), u32 header size, u32 last record,
// u32 free space, u32 checksum of the records, 64 bytes unknown, u32 flags, u32 checksum of the
// header.
constexpr size_t kFreeSpaceAt = 48;
constexpr size_t kRecordsChecksumAt = 52;
constexpr size_t kFlagsAt = 120;
constexpr size_t kHeaderChecksumAt = 124;
constexpr size_t kTablesAt = 128;
constexpr uint32_t kFlagNoChecksum = 0x4;

// Eight bytes a step: the tables say what a byte does to the register k bytes later.
constexpr std::array<std::array<uint32_t, 256>, 8> make_crc_tables() {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit)
      c = c & 1 ? 0xedb88320U ^ (c >> 1) : c >> 1;
    t[0][i] = c;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t i = 0; i < 256; ++i)
      t[k][i] = t[0][t[k - 1][i] & 0xff] ^ (t[k - 1][i] >> 8);
  return t;
}

constexpr auto kCrc = make_crc_tables();

#if defined(__x86_64__)
/// Sixty-four bytes a step by carry-less multiplication. `bytes` is a multiple of 16, at least 64.
/// Source: Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ (Intel,
/// 2009), with its constants for the reflected polynomial of IEEE 802.3.
__attribute__((target("pclmul,sse4.1"))) uint32_t crc_fold(uint32_t c, std::string_view bytes) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  const auto at = [&p](size_t i) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + i);
  };
  __m128i x1 = _mm_xor_si128(at(0), _mm_cvtsi32_si128(static_cast<int>(c)));
  __m128i x2 = at(1);
  __m128i x3 = at(2);
  __m128i x4 = at(3);
  __m128i k = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
    const __m128i y1 = _mm_clmulepi64_si128(x1, k, 0x00);
    const __m128i y2 = _mm_clmulepi64_si128(x2, k, 0x00);
    const __m128i y3 = _mm_clmulepi64_si128(x3, k, 0x00);
    const __m128i y4 = _mm_clmulepi64_si128(x4, k, 0x00);
    x1 = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x1, k, 0x11), y1), at(0));
    x2 = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x2, k, 0x11), y2), at(1));
    x3 = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x3, k, 0x11), y3), at(2));
    x4 = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x4, k, 0x11), y4), at(3));
  }
  // Four registers to one, and the rest sixteen bytes at a time.
  k = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  for (const __m128i next : {x2, x3, x4})
    x1 = _mm_xor_si128(
        _mm_xor_si128(_mm_clmulepi64_si128(x1, k, 0x11), _mm_clmulepi64_si128(x1, k, 0x00)), next);
  for (; n >= 16; p += 16, n -= 16)
    x1 = _mm_xor_si128(
        _mm_xor_si128(_mm_clmulepi64_si128(x1, k, 0x11), _mm_clmulepi64_si128(x1, k, 0x00)), at(0));
  // 128 bits to 64, then to 32 (Barrett).
  const __m128i low = _mm_setr_epi32(-1, 0, -1, 0);
  x1 = _mm_xor_si128(_mm_srli_si128(x1, 8), _mm_clmulepi64_si128(x1, k, 0x10));
  k = _mm_set_epi64x(0, 0x163cd6124);
  x1 = _mm_xor_si128(_mm_srli_si128(x1, 4), _mm_clmulepi64_si128(_mm_and_si128(x1, low), k, 0x00));
  k = _mm_set_epi64x(0x1f7011641, 0x1db710641);
  __m128i q = _mm_clmulepi64_si128(_mm_and_si128(x1, low), k, 0x10);
  q = _mm_clmulepi64_si128(_mm_and_si128(q, low), k, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(x1, q), 1));
}

bool can_fold() {
  static const bool can = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return can;
}
#endif

uint32_t crc_step(uint32_t c, std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= 64 && can_fold()) {
    const size_t folded = bytes.size() & ~size_t{15};
    c = crc_fold(c, bytes.substr(0, folded));
    bytes.remove_prefix(folded);
  }
#endif
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const uint64_t v = load<uint64_t>(p) ^ c;
    c = kCrc[7][v & 0xff] ^ kCrc[6][(v >> 8) & 0xff] ^ kCrc[5][(v >> 16) & 0xff] ^
        kCrc[4][(v >> 24) & 0xff] ^ kCrc[3][(v >> 32) & 0xff] ^ kCrc[2][(v >> 40) & 0xff] ^
        kCrc[1][(v >> 48) & 0xff] ^ kCrc[0][v >> 56];
  }
  for (; n > 0; --n, ++p)
    c = kCrc[0][(c ^ static_cast<uint8_t>(*p)) & 0xff] ^ (c >> 8);
  return c;
}

// A magic number alone is common in damaged bytes; a size repeated at the right distance is not.
/// Next place at or after `at` with a record that fits and ends with its own size, or npos.
size_t find_record(std::string_view chunk, size_t at, size_t used) {
  for (at = chunk.find(kRecordMagic, at); at < used; at = chunk.find(kRecordMagic, at + 1)) {
    const auto h = record_header(chunk.substr(0, used), at);
    if (h && load<uint32_t>(chunk.data() + h->payload_end) == h->payload_end + 4 - at) return at;
  }
  return std::string_view::npos;
}

}  // namespace

uint32_t crc32(std::string_view a, std::string_view b) {
  return ~crc_step(crc_step(0xffffffffU, a), b);
}

bool is_evtx(std::string_view head) {
  return head.starts_with(kFileMagic) || head.starts_with(kChunkMagic);
}

size_t first_chunk(std::string_view file) {
  return file.starts_with(kChunkMagic) ? 0 : kFileHeaderBytes;
}

size_t chunk_of(std::string_view file, uint64_t offset) {
  const size_t first = first_chunk(file);
  return first + (static_cast<size_t>(offset) - first) / kChunkBytes * kChunkBytes;
}

bool is_unused(std::string_view chunk) {
  return chunk.substr(0, 8).find_first_not_of('\0') == std::string_view::npos;
}

bool check_chunk(std::string_view chunk, uint64_t file_offset, const Report& report, size_t& used) {
  if (!chunk.starts_with(kChunkMagic)) {
    report("evtx-bad-chunk", file_offset, "no chunk where one must be");
    return false;
  }
  if (chunk.size() < kChunkHeaderBytes) {
    report("evtx-truncated-chunk", file_offset, "file ends in the header of its last chunk");
    return false;
  }
  used = load<uint32_t>(chunk.data() + kFreeSpaceAt);
  const bool is_cut = chunk.size() < kChunkBytes;
  if (is_cut) report("evtx-truncated-chunk", file_offset, "file ends within its last chunk");
  if (used < kChunkHeaderBytes || used > kChunkBytes) {
    report("evtx-bad-chunk", file_offset, "end of records lies outside of the chunk");
    used = chunk.size();
  }
  if (!(load<uint32_t>(chunk.data() + kFlagsAt) & kFlagNoChecksum)) {
    // Wrong checksums are said, not obeyed: a log copied from a running system often has them.
    const uint32_t header =
        crc32(chunk.substr(0, kFlagsAt), chunk.substr(kTablesAt, kChunkHeaderBytes - kTablesAt));
    if (header != load<uint32_t>(chunk.data() + kHeaderChecksumAt))
      report("evtx-chunk-checksum", file_offset, "checksum of the chunk header is wrong");
    else if (!is_cut && crc32(chunk.substr(kChunkHeaderBytes, used - kChunkHeaderBytes)) !=
                            load<uint32_t>(chunk.data() + kRecordsChecksumAt))
      report("evtx-chunk-checksum", file_offset, "checksum of the records is wrong");
  }
  used = std::min(used, chunk.size());
  return true;
}

void for_each_record(std::string_view chunk,
                     uint64_t file_offset,
                     size_t used,
                     const Report& report,
                     const std::function<bool(const RecordHeader&)>& each) {
  const std::string_view within = chunk.substr(0, used);
  size_t at = kChunkHeaderBytes;
  while (at < used) {
    const auto h = record_header(within, at);
    if (!h) {
      // The rest of an unsized chunk is zeros; anything else is damage.
      if (within.substr(at).find_first_not_of('\0') == std::string_view::npos) return;
      const size_t next = find_record(chunk, at + 1, used);
      report("evtx-truncated-record", file_offset + at,
             next == std::string_view::npos ? "no further record in this chunk"
                                            : "damaged record, went on with the next");
      if (next == std::string_view::npos) return;
      at = next;
      continue;
    }
    const size_t end = h->payload_end + 4;
    if (load<uint32_t>(chunk.data() + h->payload_end) != end - at) {
      // Either size may be the wrong one: trust this one only if a record or the end follows.
      report("evtx-bad-record", file_offset + at, "the two sizes of the record differ");
      if (end < used && !record_header(within, end)) {
        const size_t next = find_record(chunk, at + 4, used);
        if (!each(*h) || next == std::string_view::npos) return;
        at = next;
        continue;
      }
    }
    if (!each(*h)) return;
    at = end;
  }
}

}  // namespace postern::input::evtx
