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

constexpr size_t kWindow = 4;

uint32_t window_at(std::string_view s, size_t at) {
  uint32_t w = 0;
  std::memcpy(&w, s.data() + at, kWindow);
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
  const auto is_long = [](const Literal& l) {
    return l.place != Place::kWhole && l.text.size() >= kWindow;
  };
  const auto num_offsets = [](const std::string& s) {
    return std::min(s.size() - kWindow + 1, kMaxOffsets);
  };
  // How many windows of literals are alike, by hash: a guess is enough to choose by.
  size_t num_windows = 0;
  for (const Literal& l : literals_)
    if (is_long(l)) num_windows += num_offsets(l.text);
  const uint32_t use_bits =
      std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_width(num_windows)) + 2, 6, 22);
  std::vector<uint32_t> uses(size_t{1} << use_bits, 0);
  const auto use_of = [&](const std::string& s, size_t at) -> uint32_t& {
    return uses[spread(window_at(s, at)) >> (32 - use_bits)];
  };
  for (const Literal& l : literals_)
    if (is_long(l))
      for (size_t at = 0; at < num_offsets(l.text); ++at)
        ++use_of(l.text, at);
  std::vector<Entry> entries;
  std::vector<uint32_t> shorts;
  for (size_t i = 0; i < literals_.size(); ++i) {
    const std::string& s = literals_[i].text;
    const auto number = static_cast<uint32_t>(i);
    if (literals_[i].place == Place::kWhole) {
      whole_.emplace(s, number);
    } else if (s.size() < kWindow) {
      shorts.push_back(number);
    } else {
      size_t best = 0;
      for (size_t at = 1; at < num_offsets(s); ++at)
        if (use_of(s, at) < use_of(s, best)) best = at;
      entries.push_back({window_at(s, best), number, static_cast<uint32_t>(best)});
    }
  }
  if (!entries.empty()) build(entries);
  if (!shorts.empty()) build_short(shorts);
}

void LiteralIndex::build(const std::vector<Entry>& entries) {
  Table& table = long_;
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

void LiteralIndex::build_short(const std::vector<uint32_t>& literals) {
  short_.filter.assign(65536 / 64, 0);
  short_.single.resize(256);
  const auto mark = [&](uint32_t pair) { short_.filter[pair / 64] |= uint64_t{1} << (pair % 64); };
  for (const uint32_t number : literals) {
    const std::string& s = literals_[number].text;
    const auto first = static_cast<unsigned char>(s[0]);
    if (s.size() == 1) {
      short_.single[first].push_back(number);
      for (uint32_t second = 0; second < 256; ++second)
        mark(first | second << 8);
    } else {
      const uint32_t pair = first | static_cast<uint32_t>(static_cast<unsigned char>(s[1])) << 8;
      short_.literals[pair].push_back(number);
      mark(pair);
    }
  }
}

template <class Found>
bool LiteralIndex::try_one(std::string_view text,
                           size_t begin,
                           const Literal& literal,
                           Found&& found) const {
  const size_t size = literal.text.size();
  if (size > text.size() - begin) return false;
  if (literal.place == Place::kPrefix && begin != 0) return false;
  if (literal.place == Place::kSuffix && begin + size != text.size()) return false;
  return std::memcmp(text.data() + begin, literal.text.data(), size) == 0 && found(literal);
}

template <class Found>
bool LiteralIndex::try_long(
    std::string_view text, size_t at, uint32_t window, uint32_t hash, Found&& found) const {
  const uint32_t bucket = hash >> (32 - long_.bits);
  for (uint32_t i = long_.starts[bucket]; i < long_.starts[bucket + 1]; ++i) {
    const Entry& e = long_.entries[i];
    if (e.window == window && e.offset <= at &&
        try_one(text, at - e.offset, literals_[e.literal], found))
      return true;
  }
  return false;
}

template <class Found>
bool LiteralIndex::try_short(std::string_view text, size_t at, Found&& found) const {
  const auto first = static_cast<unsigned char>(text[at]);
  for (const uint32_t number : short_.single[first])
    if (try_one(text, at, literals_[number], found)) return true;
  if (at + 1 == text.size()) return false;
  const uint32_t pair = first | static_cast<uint32_t>(static_cast<unsigned char>(text[at + 1]))
                                    << 8;
  const auto it = short_.literals.find(pair);
  if (it == short_.literals.end()) return false;
  for (const uint32_t number : it->second)
    if (try_one(text, at, literals_[number], found)) return true;
  return false;
}

// `found` gets each literal that holds and says whether that is enough.
template <bool has_short, class Found>
bool LiteralIndex::scan_parts(std::string_view text, Found&& found) const {
  size_t at = 0;
  if (!long_.entries.empty() && text.size() >= kWindow) {
    const uint64_t* filter = long_.filter.data();
    const uint32_t shift = 32 - long_.bits - kFilterBits;
    for (; at + kWindow <= text.size(); ++at) {
      uint32_t window = 0;
      std::memcpy(&window, text.data() + at, kWindow);
      const uint32_t hash = spread(window);
      const uint32_t bit = hash >> shift;
      if ((filter[bit / 64] >> (bit % 64)) & 1)
        if (try_long(text, at, window, hash, found)) return true;
      if constexpr (has_short) {
        const uint32_t pair = window & 0xFFFF;
        if ((short_.filter[pair / 64] >> (pair % 64)) & 1)
          if (try_short(text, at, found)) return true;
      }
    }
  }
  if constexpr (has_short)
    for (; at < text.size(); ++at)
      if (try_short(text, at, found)) return true;
  return false;
}

template <class Found>
bool LiteralIndex::scan(std::string_view text, Found&& found) const {
  if (!whole_.empty())
    if (const auto it = whole_.find(text); it != whole_.end())
      if (found(literals_[it->second])) return true;
  return short_.filter.empty() ? scan_parts<false>(text, found) : scan_parts<true>(text, found);
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
