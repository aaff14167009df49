#include "exec/window/group_table.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

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

// The record, then the key; one of 255 bytes or more has four bytes of length before it.
constexpr size_t kLongKey = 255;
constexpr size_t kKeyAt = offsetof(WindowGroup, key);

static uint32_t record_class(size_t key_size) {
  const size_t bytes = kKeyAt + key_size + (key_size < kLongKey ? 0 : sizeof(uint32_t));
  return SlabPool::class_for((std::max(bytes, sizeof(WindowGroup)) + 3) / 4);
}

std::string_view GroupTable::key(uint32_t group) {
  const char* bytes = reinterpret_cast<const char*>(pool_.at(group)) + kKeyAt;
  const uint8_t size = (*this)[group].key_size;
  if (size < kLongKey) return {bytes, size};
  uint32_t long_size;
  std::memcpy(&long_size, bytes, sizeof long_size);
  return {bytes + sizeof long_size, long_size};
}

void GroupTable::add_pending(uint32_t group) {
  WindowGroup& g = (*this)[group];
  if (g.pending == WindowGroup::kManyPending) {
    ++*many_pending_.find(group);
  } else if (++g.pending == WindowGroup::kManyPending) {
    many_pending_[group] = WindowGroup::kManyPending;
  }
}

void GroupTable::take_pending(uint32_t group, uint32_t n) {
  WindowGroup& g = (*this)[group];
  if (g.pending < WindowGroup::kManyPending) {
    g.pending = (g.pending - n) & WindowGroup::kManyPending;
    return;
  }
  uint32_t& left = *many_pending_.find(group);
  left -= n;
  if (left >= WindowGroup::kManyPending) return;
  g.pending = left & WindowGroup::kManyPending;
  many_pending_.erase(group);
}

uint32_t GroupTable::find_or_add(std::string_view key) {
  reserve(live_ + uint64_t{1});
  return find_or_add(key, hash_of(key));
}

void GroupTable::find_or_add(std::span<const std::string_view> keys, uint32_t* groups) {
  for (size_t first = 0; first < keys.size(); first += kAtOnce) {
    const size_t n = std::min(kAtOnce, keys.size() - first);
    reserve(uint64_t{live_} + n);
    uint32_t hashes[kAtOnce];
    uint32_t seen[kAtOnce];
    for (size_t i = 0; i < n; ++i) {
      hashes[i] = hash_of(keys[first + i]);
      __builtin_prefetch(&slots_[home(hashes[i])]);
    }
    for (size_t i = 0; i < n; ++i) {
      size_t at = home(hashes[i]);
      while (slots_[at].group != SlabPool::kNone && slots_[at].hash != hashes[i])
        at = after(at);
      seen[i] = slots_[at].group;
      if (seen[i] != SlabPool::kNone) __builtin_prefetch(pool_.at(seen[i]), 1);
    }
    for (size_t i = 0; i < n; ++i)
      groups[first + i] = find_or_add(keys[first + i], hashes[i]);
  }
}

uint32_t GroupTable::find_or_add(std::string_view key, uint32_t hash) {
  for (size_t i = home(hash);; i = after(i)) {
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
  const uint32_t group = pool_.allocate(record_class(key.size()));
  WindowGroup* g = new (pool_.at(group)) WindowGroup{};
  g->key_size = static_cast<uint8_t>(std::min(key.size(), kLongKey));
  char* bytes = reinterpret_cast<char*>(g) + kKeyAt;
  if (key.size() >= kLongKey) {
    const auto size = static_cast<uint32_t>(key.size());
    std::memcpy(bytes, &size, sizeof size);
    bytes += sizeof size;
  }
  std::memcpy(bytes, key.data(), key.size());
  ++live_;
  return group;
}

void GroupTable::drop(uint32_t group) {
  const std::string_view own = key(group);
  size_t hole = home(hash_of(own));
  while (slots_[hole].group != group)
    hole = after(hole);
  close_hole(
      slots_, hole, [this](const Slot& s) { return home(s.hash); },
      [](const Slot& s) { return s.group == SlabPool::kNone; });
  pool_.release(group, record_class(own.size()));
  --live_;
}

void GroupTable::reserve(uint64_t groups) {
  if (groups * 6 <= slots_.size() * 5) return;
  constexpr size_t kLarge = size_t{1} << 16;
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.size() < kLarge ? std::max<size_t>(64, old.size() * 2) : old.size() / 4 * 5,
                Slot{});
  for (const Slot& s : old) {
    if (s.group == SlabPool::kNone) continue;
    size_t i = home(s.hash);
    while (slots_[i].group != SlabPool::kNone)
      i = after(i);
    slots_[i] = s;
  }
}

}  // namespace postern::exec
