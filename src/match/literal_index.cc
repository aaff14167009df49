#include "match/literal_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace postern::match {
namespace {

constexpr uint32_t kFilterBits = 3;  // the filter has this many bits more than there are buckets
constexpr size_t kMaxOffsets = 64;   // windows of a literal that are considered

uint32_t spread(uint32_t window) {
  return window * 0x9E3779B1U;
}

uint32_t window_at(std::string_view s, size_t at, size_t size) {
  uint32_t w = 0;
  std::memcpy(&w, s.data() + at, size);
  return w;
}

}  // namespace

void LiteralIndex::add(Place place, std::string_view literal, uint32_t id) {
  POSTERN_CHECK(place == Place::kWhole || !literal.empty());
  auto& numbers = numbers_[static_cast<size_t>(place)];
  const auto [it, is_new] =
      numbers.try_emplace(std::string(literal), static_cast<uint32_t>(literals_.size()));
  if (is_new) literals_.push_back({std::string(literal), place, 0, 0});
  added_.emplace_back(it->second, id);
}

void LiteralIndex::seal() {
  for (auto& numbers : numbers_)
    numbers.clear();
  std::sort(added_.begin(), added_.end());
  added_.erase(std::unique(added_.begin(), added_.end()), added_.end());
  for (const auto& [literal, id] : added_) {
    Literal& l = literals_[literal];
    if (l.num_ids++ == 0) l.first_id = static_cast<uint32_t>(ids_.size());
    ids_.push_back(id);
  }
  added_ = {};
  const auto window_size = [](const std::string& s) { return std::min(s.size(), kMaxWindow); };
  const auto num_offsets = [&](const std::string& s) {
    return std::min(s.size() - window_size(s) + 1, kMaxOffsets);
  };
  std::unordered_map<uint32_t, uint32_t> uses;
  for (const Literal& l : literals_)
    if (l.place != Place::kWhole)
      for (size_t at = 0; at < num_offsets(l.text); ++at)
        ++uses[window_at(l.text, at, window_size(l.text))];
  std::array<std::vector<Entry>, kMaxWindow> entries;
  for (size_t i = 0; i < literals_.size(); ++i) {
    const std::string& s = literals_[i].text;
    if (literals_[i].place == Place::kWhole) {
      whole_.emplace(s, static_cast<uint32_t>(i));
      continue;
    }
    size_t best = 0;
    for (size_t at = 1; at < num_offsets(s); ++at)
      if (uses[window_at(s, at, window_size(s))] < uses[window_at(s, best, window_size(s))])
        best = at;
    entries[window_size(s) - 1].push_back({window_at(s, best, window_size(s)),
                                           static_cast<uint32_t>(i), static_cast<uint32_t>(best)});
  }
  for (size_t n = 0; n < kMaxWindow; ++n)
    if (!entries[n].empty()) build(tables_[n], entries[n]);
}

void LiteralIndex::build(Table& table, const std::vector<Entry>& entries) {
  const auto wanted = static_cast<uint32_t>(std::bit_width(entries.size() * 2));
  table.bits = std::clamp<uint32_t>(wanted, 4, 20);
  table.filter.assign((size_t{1} << (table.bits + kFilterBits)) / 64, 0);
  table.starts.assign((size_t{1} << table.bits) + 1, 0);
  const auto bucket = [&](const Entry& e) { return spread(e.window) >> (32 - table.bits); };
  for (const Entry& e : entries) {
    ++table.starts[bucket(e) + 1];
    const uint32_t bit = spread(e.window) >> (32 - table.bits - kFilterBits);
    table.filter[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  for (size_t i = 1; i < table.starts.size(); ++i)
    table.starts[i] += table.starts[i - 1];
  std::vector<uint32_t> next(table.starts.begin(), table.starts.end() - 1);
  table.entries.resize(entries.size());
  for (const Entry& e : entries)
    table.entries[next[bucket(e)]++] = e;
}

// `found` gets each literal that holds and says whether that is enough.
template <class Found>
bool LiteralIndex::scan(const Table& table,
                        size_t window_size,
                        std::string_view text,
                        Found&& found) const {
  for (size_t at = 0; at + window_size <= text.size(); ++at) {
    const uint32_t window = window_at(text, at, window_size);
    const uint32_t hash = spread(window);
    const uint32_t bit = hash >> (32 - table.bits - kFilterBits);
    if (!((table.filter[bit / 64] >> (bit % 64)) & 1)) continue;
    const uint32_t bucket = hash >> (32 - table.bits);
    for (uint32_t i = table.starts[bucket]; i < table.starts[bucket + 1]; ++i) {
      const Entry& e = table.entries[i];
      if (e.window != window || e.offset > at) continue;
      const Literal& literal = literals_[e.literal];
      const size_t begin = at - e.offset;
      if (literal.text.size() > text.size() - begin) continue;
      if (literal.place == Place::kPrefix && begin != 0) continue;
      if (literal.place == Place::kSuffix && begin + literal.text.size() != text.size()) continue;
      if (std::memcmp(text.data() + begin, literal.text.data(), literal.text.size()) != 0) continue;
      if (found(literal)) return true;
    }
  }
  return false;
}

template <class Found>
bool LiteralIndex::scan(std::string_view text, Found&& found) const {
  if (!whole_.empty())
    if (const auto it = whole_.find(text); it != whole_.end())
      if (found(literals_[it->second])) return true;
  for (size_t n = 0; n < kMaxWindow; ++n)
    if (!tables_[n].entries.empty() && scan(tables_[n], n + 1, text, found)) return true;
  return false;
}

bool LiteralIndex::any(std::string_view text) const {
  return scan(text, [](const Literal&) { return true; });
}

void LiteralIndex::find(std::string_view text, std::vector<uint32_t>& ids) const {
  scan(text, [&](const Literal& l) {
    ids.insert(ids.end(), ids_.begin() + l.first_id, ids_.begin() + l.first_id + l.num_ids);
    return false;
  });
}

}  // namespace postern::match
