#include "exec/window/group_table.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "exec/window/mix.h"

namespace postern::exec {

namespace {

// Small letters for eight bytes at once: bit 5 is set where the byte lies in 'A'..'Z'.
uint64_t lower8(uint64_t w) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  const uint64_t seven = w & ~kHigh;
  const uint64_t from_a = seven + 0x3f3f3f3f3f3f3f3f;    // high bit: >= 'A'
  const uint64_t beyond_z = seven + 0x2525252525252525;  // high bit: > 'Z'
  const uint64_t upper = from_a & ~beyond_z & ~w & kHigh;
  return w | (upper >> 2);
}

}  // namespace

uint64_t hash_bytes(std::string_view bytes, bool ignore_case, uint64_t seed) {
  uint64_t h = seed ^ (bytes.size() * 0x9e3779b97f4a7c15);
  size_t at = 0;
  for (; at < bytes.size(); at += 8) {
    uint64_t w = 0;
    std::memcpy(&w, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    if (ignore_case) w = lower8(w);
    h = mix64(h ^ w ^ 0xa0761d6478bd642f, 0xe7037ed1a0b428db);
  }
  return mix64(h ^ 0x8ebc6af09c88c6e3, 0x589965cc75374cc3);
}

bool GroupTable::same(std::string_view a, std::string_view b) const {
  if (a.size() != b.size()) return false;
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  if (!ignore_case_) return false;
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

uint32_t GroupTable::hash_of(std::string_view key) const {
  const uint64_t h = hash_bytes(key, ignore_case_);
  return static_cast<uint32_t>(h ^ (h >> 32));
}

std::string_view GroupTable::key(uint32_t group) {
  const uint32_t* words = pool_.at((*this)[group].key);
  return {reinterpret_cast<const char*>(words + 1), words[0]};
}

uint32_t GroupTable::find_or_add(std::string_view key) {
  if ((live_ + 1) * uint64_t{4} > slots_.size() * uint64_t{3}) grow();
  const uint32_t hash = hash_of(key);
  const auto mask = static_cast<uint32_t>(slots_.size() - 1);
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& s = slots_[i];
    if (s.group == SlabPool::kNone) {
      s.hash = hash;
      s.group = add(key);
      return s.group;
    }
    if (s.hash != hash) continue;
    const std::string_view own = this->key(s.group);
    if (!same(own, key)) continue;
    if (ignore_case_ && key < own)
      std::memcpy(const_cast<char*>(own.data()), key.data(), key.size());
    return s.group;
  }
}

uint32_t GroupTable::add(std::string_view key) {
  uint32_t group = free_;
  if (group == SlabPool::kNone) {
    group = num_groups_++;
    if (group >> kPageBits == pages_.size())
      pages_.push_back(std::make_unique<WindowGroup[]>(kPageSize));
  } else {
    free_ = (*this)[group].next;
  }
  WindowGroup& g = (*this)[group];
  g = WindowGroup{};
  const uint32_t key_class = SlabPool::class_for(1 + (key.size() + 3) / 4);
  g.key_class = static_cast<uint8_t>(key_class);
  g.key = pool_.allocate(key_class);
  uint32_t* words = pool_.at(g.key);
  words[0] = static_cast<uint32_t>(key.size());
  std::memcpy(words + 1, key.data(), key.size());
  ++live_;
  return group;
}

void GroupTable::drop(uint32_t group) {
  const auto mask = static_cast<uint32_t>(slots_.size() - 1);
  uint32_t hole = hash_of(key(group)) & mask;
  while (slots_[hole].group != group)
    hole = (hole + 1) & mask;
  // What was pushed on by the hole's slot moves back, so that no search stops too early.
  for (uint32_t i = (hole + 1) & mask; slots_[i].group != SlabPool::kNone; i = (i + 1) & mask) {
    const uint32_t home = slots_[i].hash & mask;
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = Slot{};
  WindowGroup& g = (*this)[group];
  pool_.release(g.key, g.key_class);
  g.key = SlabPool::kNone;
  g.next = free_;
  free_ = group;
  --live_;
}

void GroupTable::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 64 : old.size() * 2, Slot{});
  const auto mask = static_cast<uint32_t>(slots_.size() - 1);
  for (const Slot& s : old) {
    if (s.group == SlabPool::kNone) continue;
    uint32_t i = s.hash & mask;
    while (slots_[i].group != SlabPool::kNone)
      i = (i + 1) & mask;
    slots_[i] = s;
  }
}

}  // namespace postern::exec
