#include "exec/window/value_counts.h"

#include <utility>

#include "exec/window/mix.h"

namespace postern::exec {

uint64_t ValueCounts::key_of(uint32_t group, uint64_t hash) {
  return mix64(hash ^ (uint64_t{group} << 32 | group), 0x9e3779b97f4a7c15);
}

size_t ValueCounts::find(uint64_t key) const {
  const size_t mask = slots_.size() - 1;
  size_t i = key & mask;
  while (slots_[i].count != 0 && slots_[i].key != key)
    i = (i + 1) & mask;
  return i;
}

uint32_t ValueCounts::add(uint32_t group, uint64_t hash) {
  if ((live_ + 1) * 4 > slots_.size() * 3) grow();
  const uint64_t key = key_of(group, hash);
  Slot& s = slots_[find(key)];
  if (s.count == 0) ++live_;
  s.key = key;
  return ++s.count;
}

uint32_t ValueCounts::remove(uint32_t group, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t hole = find(key_of(group, hash));
  if (--slots_[hole].count > 0) return slots_[hole].count;
  --live_;
  for (size_t i = (hole + 1) & mask; slots_[i].count != 0; i = (i + 1) & mask) {
    const size_t home = slots_[i].key & mask;
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    slots_[i].count = 0;
    hole = i;
  }
  return 0;
}

void ValueCounts::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? 64 : old.size() * 2, Slot{});
  for (const Slot& s : old)
    if (s.count != 0) slots_[find(s.key)] = s;
}

}  // namespace postern::exec
