#include "input/evtx/carve.h"

#include <algorithm>
#include <optional>

#include "input/evtx/bytes.h"
#include "input/evtx/chunk.h"

namespace postern::input::evtx {
namespace {

constexpr std::string_view kChunkMagic("ElfChnk\0", 8);
constexpr std::string_view kRecordMagic("\x2a\x2a\0\0", 4);
constexpr std::string_view kFragmentHeader("\x0f\x01\x01\x00", 4);

// FILETIME of 1990 and 2100.
constexpr uint64_t kEarliest = 122'756'256'000'000'000;
constexpr uint64_t kLatest = 157'469'184'000'000'000;

// Of an instance of a template, behind the fragment header: token, version, id, offset of the
// definition; and of the definition: offset of the next one, GUID (whose first four bytes are the
// id), size.
constexpr uint8_t kInstanceToken = 0x0c;
constexpr size_t kInstanceBytes = 10;
constexpr size_t kDefinitionIdAt = 4;

/// A record header at `at` of `bytes` that is no chance: sizes at both ends, time, binary XML.
std::optional<RecordHeader> plausible(std::string_view bytes, size_t at) {
  const auto h = record_header(bytes, at);
  if (!h || h->payload_end + 4 - at > kChunkBytes) return std::nullopt;
  if (load<uint32_t>(bytes.data() + h->payload_end) != h->payload_end + 4 - at) return std::nullopt;
  if (h->written < kEarliest || h->written > kLatest) return std::nullopt;
  const std::string_view payload = bytes.substr(h->payload, h->payload_end - h->payload);
  if (payload.size() < 8 || !payload.starts_with(kFragmentHeader)) return std::nullopt;
  const auto token = static_cast<uint8_t>(payload[4]);
  if (token != kInstanceToken && token != 0x01 && token != 0x41) return std::nullopt;
  return h;
}

/// The id and the offset of the definition that a record's template has; nullopt for a record
/// without a template.
struct Use {
  uint32_t id = 0;
  size_t definition = 0;
};

std::optional<Use> template_use(std::string_view bytes, size_t payload) {
  const size_t at = payload + kFragmentHeader.size();
  if (at + kInstanceBytes > bytes.size() || static_cast<uint8_t>(bytes[at]) != kInstanceToken)
    return std::nullopt;
  return Use{load<uint32_t>(bytes.data() + at + 2), load<uint32_t>(bytes.data() + at + 6)};
}

/// The chunk of a record without a template, by the name of its root where that stands in the
/// record itself: token, size and name's offset, then the name (next, hash, length, text).
std::optional<size_t> base_of_root(std::string_view file, const RecordHeader& h) {
  constexpr std::string_view kEvent("E\0v\0e\0n\0t\0", 10);
  constexpr size_t kNameTextAt = 8;
  const size_t offset_at = h.payload + kFragmentHeader.size() + 5;
  const size_t name = offset_at + 4;
  if (name + kNameTextAt + kEvent.size() > h.payload_end ||
      file.substr(name + kNameTextAt, kEvent.size()) != kEvent)
    return std::nullopt;
  const size_t offset = load<uint32_t>(file.data() + offset_at);
  if (offset > name) return std::nullopt;
  return name - offset;
}

}  // namespace

bool Carver::slack(size_t chunk, size_t used, const EachCarved& each) {
  const size_t end = std::min(kChunkBytes, file_.size() - chunk);
  const bool more = records_in(chunk, used, end, each);
  skip_to(chunk + end);
  return more;
}

bool Carver::records_in(size_t chunk, size_t from, size_t to, const EachCarved& each) {
  const std::string_view bytes = file_.substr(chunk, to);
  size_t at = std::max(from, done_ > chunk ? done_ - chunk : 0);
  for (at = bytes.find(kRecordMagic, at); at < to; at = bytes.find(kRecordMagic, at)) {
    const auto h = plausible(bytes, at);
    if (!h) {
      ++at;
      continue;
    }
    if (!give({chunk, *h}, each)) return false;
    at = h->payload_end + 4;
  }
  return true;
}

bool Carver::give(const CarvedRecord& record, const EachCarved& each) {
  const std::string_view chunk = file_.substr(record.chunk, kChunkBytes);
  const uint64_t offset = record.chunk + record.header.at;
  if (const auto use = template_use(chunk, record.header.payload)) {
    const size_t id_at = use->definition + kDefinitionIdAt;
    if (id_at + 4 > chunk.size() || load<uint32_t>(chunk.data() + id_at) != use->id) {
      report_("evtx-carved-record-lost", offset, "its template has been overwritten");
      return true;
    }
  }
  report_("evtx-carved-record", offset, "found outside of the live records");
  return each(record);
}

bool Carver::region(size_t begin, size_t end, const EachCarved& each) {
  size_t at = std::max(begin, done_);
  size_t chunk = 0;  // next place of each magic number at or after `at`; looked for once
  size_t record = 0;
  bool more = true;
  while (more && at < end) {
    if (chunk < at || chunk == 0) chunk = file_.find(kChunkMagic, at);
    if (record < at || record == 0) record = file_.find(kRecordMagic, at);
    const size_t next = std::min(chunk, record);
    if (next >= end) break;
    if (next == chunk) {
      size_t used = 0;
      if (file_.size() - chunk < kChunkHeaderBytes) break;
      check_chunk(file_.substr(chunk, kChunkBytes), chunk, report_, used);
      // Another chunk may begin before this one's end: then its own end was overwritten.
      const size_t following = file_.find(kChunkMagic, chunk + kChunkHeaderBytes);
      const size_t stop = std::min({file_.size(), chunk + kChunkBytes, following});
      done_ = std::max(done_, chunk);
      more = records_in(chunk, kChunkHeaderBytes, stop - chunk, each);
      at = stop;
    } else {
      more = lone_record(record, each);
      const auto h = plausible(file_, record);
      at = h ? h->payload_end + 4 : record + 1;
    }
    skip_to(at);
  }
  skip_to(end);
  return more;
}

bool Carver::lone_record(size_t at, const EachCarved& each) {
  const auto h = plausible(file_, at);
  if (!h) return true;
  const auto use = template_use(file_, h->payload);
  if (use) {
    // Where the definition stands behind its first use, it tells where the chunk begins.
    const size_t here = h->payload + kFragmentHeader.size() + kInstanceBytes;
    const bool is_inline = here + kDefinitionIdAt + 4 <= h->payload_end &&
                           here >= use->definition &&
                           load<uint32_t>(file_.data() + here + kDefinitionIdAt) == use->id;
    if (is_inline) base_ = here - use->definition;
  } else if (const auto base = base_of_root(file_, *h)) {
    base_ = *base;
  }
  const bool is_within =
      base_ != std::string_view::npos && at >= base_ && h->payload_end + 4 - base_ <= kChunkBytes;
  if (!is_within) {
    report_("evtx-carved-record-lost", at, "its chunk, and so its template, is not there");
    return true;
  }
  CarvedRecord record;
  record.chunk = base_;
  record.header = *h;
  record.header.at -= base_;
  record.header.payload -= base_;
  record.header.payload_end -= base_;
  return give(record, each);
}

}  // namespace postern::input::evtx
