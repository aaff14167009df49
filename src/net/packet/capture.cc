#include "net/packet/capture.h"

#include <algorithm>
#include <string>

#include "base/time.h"

namespace postern::net::packet {
namespace {

constexpr uint32_t kMicro = 0xa1b2c3d4;
constexpr uint32_t kNano = 0xa1b23c4d;
constexpr uint32_t kModified = 0xa1b2cd34;  // Kuznetzov's, eight more bytes per record
constexpr uint32_t kSection = 0x0a0d0d0a;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;

constexpr uint32_t kInterfaceBlock = 1;
constexpr uint32_t kObsoletePacketBlock = 2;
constexpr uint32_t kSimplePacketBlock = 3;
constexpr uint32_t kEnhancedPacketBlock = 6;

constexpr uint64_t kFileHeader = 24;
/// No link gives larger frames; libpcap refuses more, too (its limit for D-Bus is 128 MiB).
constexpr uint32_t kMaxFrame = 16u << 20;
/// How far a lost reader looks for the next record.
constexpr uint64_t kResyncBytes = 4u << 20;

/// Ticks from a count of units since 1970.
int64_t ticks_of(uint64_t stamp, uint64_t per_second, int64_t offset_seconds) {
  const uint64_t seconds = stamp / per_second;
  uint64_t rest = stamp % per_second;
  // Finer than a nanosecond: drop what a tick cannot hold before it overflows.
  while (per_second > 1'000'000'000) {
    per_second /= 2;
    rest /= 2;
  }
  const uint64_t nanoseconds = rest * 1'000'000'000 / per_second;
  // Years beyond 9999 are noise of a broken writer; the clamp keeps the arithmetic defined.
  constexpr uint64_t kMaxSeconds = 250'000'000'000;
  const auto bounded = static_cast<int64_t>(std::min(seconds, kMaxSeconds));
  const int64_t shift =
      std::clamp<int64_t>(offset_seconds, -bounded, static_cast<int64_t>(kMaxSeconds) - bounded);
  return ticks_from_unix(bounded + shift, static_cast<int64_t>(nanoseconds));
}

}  // namespace

bool CaptureReader::detect(Bytes head) {
  if (head.size() < 12) return false;
  const uint32_t le = le32(head, 0);
  const uint32_t be = be32(head, 0);
  if (le == kSection) return le32(head, 8) == kByteOrder || be32(head, 8) == kByteOrder;
  for (const uint32_t magic : {kMicro, kNano, kModified})
    if (le == magic || be == magic) return true;
  return false;
}

CaptureReader::CaptureReader(Bytes file, Faults& faults) : file_(file), faults_(faults) {
  if (file.size() < 4 || le32(file, 0) == kSection) {
    kind_ = Kind::kPcapng;
    return;
  }
  const uint32_t le = le32(file, 0);
  big_endian_ = le != kMicro && le != kNano && le != kModified;
  const uint32_t magic = u32(file, 0, big_endian_);
  nanoseconds_ = magic == kNano;
  if (magic == kModified) record_header_ = 24;
  if (file.size() < kFileHeader) {
    faults_.add("pcap-truncated", 0, "the file header is cut");
    at_ = file.size();
    return;
  }
  // The upper bits tell whether frames end with a checksum; the type itself has 28 bits.
  link_type_ = u32(file, 20, big_endian_) & 0x0fffffff;
  at_ = kFileHeader;
}

bool CaptureReader::next(CapturedFrame& out) {
  return kind_ == Kind::kPcap ? next_pcap(out) : next_pcapng(out);
}

bool CaptureReader::next_pcap(CapturedFrame& out) {
  while (at_ < file_.size()) {
    if (file_.size() - at_ < record_header_) {
      faults_.add("pcap-truncated", at_, "the last packet header is cut");
      at_ = file_.size();
      return false;
    }
    const uint32_t captured = u32(file_, at_ + 8, big_endian_);
    if (captured > kMaxFrame) {
      faults_.add("pcap-bad-record", at_, "packet of " + std::to_string(captured) + " bytes");
      if (!resync_pcap()) return false;
      continue;
    }
    if (file_.size() - at_ - record_header_ < captured) {
      faults_.add("pcap-truncated", at_, "the last packet is cut");
      at_ = file_.size();
      return false;
    }
    const uint32_t seconds = u32(file_, at_, big_endian_);
    const uint32_t fraction = u32(file_, at_ + 4, big_endian_);
    last_seconds_ = seconds;
    out.time = ticks_of(seconds, 1, 0) +
               (nanoseconds_ ? fraction / 100 : int64_t{fraction} * kTicksPerMicrosecond);
    out.bytes = file_.substr(at_ + record_header_, captured);
    out.wire_length = std::max(u32(file_, at_ + 12, big_endian_), captured);
    out.link_type = link_type_;
    out.offset = at_;
    out.number = ++number_;
    at_ += record_header_ + captured;
    return true;
  }
  return false;
}

/// A record header with a time within a day of the last one and lengths that agree.
bool CaptureReader::plausible_record(uint64_t at) const {
  if (file_.size() - at < record_header_) return false;
  const uint32_t seconds = u32(file_, at, big_endian_);
  const uint32_t fraction = u32(file_, at + 4, big_endian_);
  const uint32_t captured = u32(file_, at + 8, big_endian_);
  const uint32_t wire = u32(file_, at + 12, big_endian_);
  const uint32_t distance =
      seconds > last_seconds_ ? seconds - last_seconds_ : last_seconds_ - seconds;
  return distance < 86'400 && fraction < (nanoseconds_ ? 1'000'000'000u : 1'000'000u) &&
         captured > 0 && captured <= 262'144 && captured <= wire && wire <= kMaxFrame &&
         captured <= file_.size() - at - record_header_;
}

bool CaptureReader::resync_pcap() {
  const uint64_t end = std::min<uint64_t>(file_.size(), at_ + kResyncBytes);
  for (uint64_t at = at_ + 1; at + record_header_ <= end; ++at) {
    if (!plausible_record(at)) continue;
    // One header may be chance; two in a row, or one that ends the file, are not.
    const uint64_t after = at + record_header_ + u32(file_, at + 8, big_endian_);
    if (after != file_.size() && !plausible_record(after)) continue;
    at_ = at;
    return true;
  }
  at_ = file_.size();
  return false;
}

bool CaptureReader::next_pcapng(CapturedFrame& out) {
  while (at_ < file_.size()) {
    const uint64_t begin = at_;
    if (file_.size() - at_ < 12) {
      faults_.add("pcap-truncated", at_, "the last block is cut");
      at_ = file_.size();
      return false;
    }
    // A section header tells the byte order of what follows, itself included.
    const bool section = le32(file_, at_) == kSection;
    if (section && !begin_section(file_.substr(at_))) return false;
    const uint32_t type = u32(file_, at_, big_endian_);
    const uint32_t length = u32(file_, at_ + 4, big_endian_);
    if (length < 12 || length % 4 != 0) {
      faults_.add("pcapng-bad-block", at_, "block of " + std::to_string(length) + " bytes");
      at_ = file_.size();
      return false;
    }
    if (length > file_.size() - at_) {
      faults_.add("pcap-truncated", at_, "the last block is cut");
      at_ = file_.size();
      return false;
    }
    if (u32(file_, at_ + length - 4, big_endian_) != length)
      faults_.add("pcapng-bad-block", at_, "the two lengths differ");
    const Bytes body = file_.substr(at_ + 8, length - 12);
    at_ += length;
    if (section) continue;
    if (type == kInterfaceBlock) {
      add_interface(body);
    } else if (type == kEnhancedPacketBlock || type == kSimplePacketBlock ||
               type == kObsoletePacketBlock) {
      ++number_;
      out.offset = begin;
      out.number = number_;
      if (packet_block(type, body, out)) return true;
    }
  }
  return false;
}

bool CaptureReader::begin_section(Bytes block) {
  if (le32(block, 8) == kByteOrder) {
    big_endian_ = false;
  } else if (be32(block, 8) == kByteOrder) {
    big_endian_ = true;
  } else {
    faults_.add("pcapng-bad-block", at_, "section without byte order");
    at_ = file_.size();
    return false;
  }
  interfaces_.clear();
  return true;
}

void CaptureReader::add_interface(Bytes body) {
  constexpr uint16_t kEnd = 0;
  constexpr uint16_t kResolution = 9;
  constexpr uint16_t kOffset = 14;
  Interface made;
  if (body.size() >= 8) {
    made.link_type = u16(body, 0, big_endian_);
    made.snap_length = u32(body, 4, big_endian_);
  }
  size_t at = 8;
  while (at + 4 <= body.size()) {
    const uint16_t code = u16(body, at, big_endian_);
    const uint16_t length = u16(body, at + 2, big_endian_);
    at += 4;
    if (code == kEnd || length > body.size() - at) break;
    if (code == kResolution && length >= 1) {
      const uint8_t exponent = u8(body, at) & 0x7f;
      const bool binary = (u8(body, at) & 0x80) != 0;
      uint64_t units = 1;
      // Beyond 10^18 or 2^62 no writer goes and no counter reaches.
      for (int i = 0; i < std::min<int>(exponent, binary ? 62 : 18); ++i)
        units *= binary ? 2 : 10;
      made.units_per_second = units;
    } else if (code == kOffset && length >= 8) {
      const uint64_t low = u32(body, at + (big_endian_ ? 4 : 0), big_endian_);
      const uint64_t high = u32(body, at + (big_endian_ ? 0 : 4), big_endian_);
      made.offset_seconds = static_cast<int64_t>(high << 32 | low);
    }
    at += (length + 3u) & ~3u;
  }
  interfaces_.push_back(made);
}

bool CaptureReader::packet_block(uint32_t type, Bytes body, CapturedFrame& out) {
  if (type == kSimplePacketBlock) {
    if (body.size() < 4) {
      faults_.add("pcapng-bad-block", out.offset, "packet block too short");
      return false;
    }
    const uint32_t wire = u32(body, 0, big_endian_);
    uint64_t captured = std::min<uint64_t>(wire, body.size() - 4);
    if (!interfaces_.empty() && interfaces_[0].snap_length != 0)
      captured = std::min<uint64_t>(captured, interfaces_[0].snap_length);
    // A simple packet has no time of its own: the last one's is the best there is.
    const int64_t time = last_time_;
    if (!fill(0, 0, body.substr(4, captured), wire, out)) return false;
    out.time = last_time_ = time;
    return true;
  }
  if (body.size() < 20) {
    faults_.add("pcapng-bad-block", out.offset, "packet block too short");
    return false;
  }
  const uint32_t interface =
      type == kEnhancedPacketBlock ? u32(body, 0, big_endian_) : u16(body, 0, big_endian_);
  const uint64_t stamp =
      static_cast<uint64_t>(u32(body, 4, big_endian_)) << 32 | u32(body, 8, big_endian_);
  const uint32_t captured = u32(body, 12, big_endian_);
  const uint32_t wire = u32(body, 16, big_endian_);
  if (captured > body.size() - 20) {
    faults_.add("pcapng-bad-block", out.offset, "packet longer than its block");
    return false;
  }
  return fill(interface, stamp, body.substr(20, captured), wire, out);
}

bool CaptureReader::fill(
    uint32_t interface, uint64_t stamp, Bytes bytes, uint32_t wire, CapturedFrame& out) {
  if (interface >= interfaces_.size()) {
    faults_.add("pcapng-unknown-interface", out.offset, std::to_string(interface));
    return false;
  }
  const Interface& from = interfaces_[interface];
  out.time = last_time_ = ticks_of(stamp, from.units_per_second, from.offset_seconds);
  out.bytes = bytes;
  out.wire_length = std::max<uint32_t>(wire, static_cast<uint32_t>(bytes.size()));
  out.link_type = from.link_type;
  return true;
}

}  // namespace postern::net::packet
