#include "net/stream/flow_index.h"

#include <cstring>

namespace postern::net::stream {

uint64_t FlowIndex::hash(const FlowKey& k) {
  uint64_t h = uint64_t{k.low_port} << 32 | uint64_t{k.high_port} << 8 | k.protocol;
  const auto feed = [&h](const std::array<uint8_t, 16>& a) {
    uint64_t parts[2];
    std::memcpy(parts, a.data(), 16);
    for (const uint64_t part : parts) {
      h = (h ^ part) * 0x9e3779b97f4a7c15u;
      h ^= h >> 32;
    }
  };
  feed(k.low);
  feed(k.high);
  return h;
}

FlowIndex::Slot* FlowIndex::find(const FlowKey& key) {
  if (heads_.empty()) return nullptr;
  for (uint32_t at = heads_[bucket(key)]; at != kNone; at = slots_[at].next)
    if (slots_[at].key == key) return &slots_[at];
  return nullptr;
}

FlowIndex::Slot& FlowIndex::insert(const FlowKey& key) {
  if (size_ >= heads_.size()) grow();
  uint32_t number = static_cast<uint32_t>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  Slot& s = slots_[number];
  s.key = key;
  s.number = number;
  uint32_t& head = heads_[bucket(key)];
  s.next = head;
  head = number;
  ++size_;
  return s;
}

void FlowIndex::erase(Slot& slot) {
  uint32_t* link = &heads_[bucket(slot.key)];
  while (*link != slot.number)
    link = &slots_[*link].next;
  *link = slot.next;
  slot.next = kNone;
  slot.id = 0;
  slot.flow.reset();
  slot.resting.reset();
  free_.push_back(slot.number);
  --size_;
}

void FlowIndex::grow() {
  constexpr size_t kFirst = 1024;
  heads_.assign(heads_.empty() ? kFirst : heads_.size() * 2, kNone);
  for (Slot& s : slots_) {
    if (s.id == 0) continue;
    uint32_t& head = heads_[bucket(s.key)];
    s.next = head;
    head = s.number;
  }
}

}  // namespace postern::net::stream
