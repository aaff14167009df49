#include "net/packet/fragments.h"

#include <algorithm>
#include <cstring>

#include "base/time.h"

namespace postern::net::packet {
namespace {

constexpr uint32_t kMaxPacket = 65'535;
constexpr int64_t kPatience = 30 * kTicksPerSecond;
/// Ranges of one packet: more are a flood of tiny fragments.
constexpr size_t kMaxRanges = 1024;

}  // namespace

std::shared_ptr<const std::string> FragmentTable::add(IpHeader& header,
                                                      int64_t time,
                                                      uint64_t offset) {
  while (!by_age_.empty() && pending_.at(by_age_.front()).first_time + kPatience < time)
    drop_oldest();
  if (header.payload.size() < header.payload_length) {
    faults_.add("ip-fragment-cut", offset);
    return nullptr;
  }
  const uint32_t begin = header.fragment_offset;
  const uint32_t end = begin + header.payload_length;
  if (end > kMaxPacket || header.payload_length == 0 ||
      (header.more_fragments && header.payload_length % 8 != 0)) {
    faults_.add("ip-bad-fragment", offset);
    return nullptr;
  }

  const Key key{header.source.bytes, header.destination.bytes, header.identification,
                header.protocol};
  auto found = pending_.find(key);
  if (found == pending_.end()) {
    if (pending_.size() >= kMaxPending) drop_oldest();
    found = pending_.try_emplace(key).first;
    found->second.first_time = time;
    found->second.offset = offset;
    by_age_.push_back(key);
    found->second.age = std::prev(by_age_.end());
  }
  Pending& p = found->second;
  if (begin == 0) p.header_length = header.total_length - header.payload_length;
  if (!header.more_fragments) {
    if (p.length != 0 && p.length != end) faults_.add("ip-fragment-conflict", offset, "two ends");
    if (p.length == 0) p.length = end;
  }
  if (store(p, begin, header.payload)) faults_.add("ip-fragment-conflict", offset);

  const bool whole = p.length != 0 && p.have.size() == 1 && p.have.begin()->first == 0 &&
                     p.have.begin()->second >= p.length;
  if (!whole && p.have.size() <= kMaxRanges) return nullptr;
  std::shared_ptr<const std::string> made;
  if (whole) {
    p.bytes.resize(p.length);
    header.payload_length = p.length;
    header.total_length = p.header_length + p.length;
    header.fragment = header.more_fragments = false;
    header.fragment_offset = 0;
    made = std::make_shared<const std::string>(std::move(p.bytes));
    header.payload = *made;
  } else {
    faults_.add("ip-fragments-dropped", offset, "too many pieces");
  }
  by_age_.erase(p.age);
  pending_.erase(found);
  return made;
}

/// Fills only what is missing; true when a byte that was there already differs.
bool FragmentTable::store(Pending& p, uint32_t begin, Bytes bytes) {
  const auto end = begin + static_cast<uint32_t>(bytes.size());
  if (p.bytes.size() < end) p.bytes.resize(end);
  bool conflict = false;
  uint32_t at = begin;
  auto range = p.have.upper_bound(begin);
  if (range != p.have.begin()) --range;
  uint32_t new_begin = begin;
  uint32_t new_end = end;
  while (range != p.have.end() && range->first <= end) {
    if (range->second < begin) {
      ++range;
      continue;
    }
    // Free space before this range, then the part that both have.
    if (at < range->first) {
      std::memcpy(p.bytes.data() + at, bytes.data() + (at - begin), range->first - at);
      at = range->first;
    }
    const uint32_t both = std::min(end, range->second);
    if (both > at) {
      conflict |= std::memcmp(p.bytes.data() + at, bytes.data() + (at - begin), both - at) != 0;
      at = both;
    }
    new_begin = std::min(new_begin, range->first);
    new_end = std::max(new_end, range->second);
    range = p.have.erase(range);
  }
  if (at < end) std::memcpy(p.bytes.data() + at, bytes.data() + (at - begin), end - at);
  p.have[new_begin] = new_end;
  return conflict;
}

void FragmentTable::drop_oldest() {
  const auto found = pending_.find(by_age_.front());
  faults_.add("ip-fragments-dropped", found->second.offset);
  pending_.erase(found);
  by_age_.pop_front();
}

}  // namespace postern::net::packet
