#include "match/literal_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/text_hash.h"

namespace postern::match {
namespace {

constexpr uint32_t kFilterBits = 3;  // the filter has this many bits more than there are buckets
constexpr size_t kMaxOffsets = 64;   // windows of a literal that are considered
constexpr size_t kShort = 4;         // bytes that a literal with windows has at least
constexpr size_t kWord = sizeof(uint64_t);
constexpr size_t kEdge = 2 * kWord;  // bytes of an edge that are hashed

uint64_t spread(uint64_t key) {
  return key * 0x9E3779B97F4A7C15U;
}

template <size_t width>
uint64_t window_at(const char* p) {
  if constexpr (width == kWord) {
    uint64_t w = 0;
    std::memcpy(&w, p, sizeof w);
    return w;
  } else {
    uint32_t w = 0;
    std::memcpy(&w, p, sizeof w);
    return w;
  }
}

uint64_t window_at(std::string_view s, size_t at, size_t width) {
  return width == kWord ? window_at<kWord>(s.data() + at) : window_at<kShort>(s.data() + at);
}

/// The sixteen bytes at an edge of a text: those nearest to the edge in `near`, pushed against it.
struct Edge {
  uint64_t near = 0;
  uint64_t far = 0;
};

Edge first_bytes(std::string_view s) {
  return {load_bytes(s.data(), s.size()),
          s.size() > kWord ? load_bytes(s.data() + kWord, s.size() - kWord) : 0};
}

Edge last_bytes(std::string_view s) {
  const auto right = [](std::string_view part) {
    return part.empty() ? 0 : load_bytes(part.data(), part.size()) << (64 - 8 * part.size());
  };
  const std::string_view near = s.substr(s.size() - std::min(s.size(), kWord));
  s.remove_suffix(near.size());
  return {right(near), right(s.substr(s.size() - std::min(s.size(), kWord)))};
}

/// Key of the `n` bytes nearest to the edge.
template <bool at_end>
uint64_t edge_key(const Edge& e, size_t n) {
  const auto keep = [](uint64_t word, size_t bytes) {
    if (bytes == 0) return uint64_t{0};
    const size_t drop = 64 - 8 * bytes;
    return at_end ? word >> drop : word << drop;
  };
  return mix(keep(e.near, std::min(n, kWord)) ^ 0xE7037ED1A0B428DBU,
             keep(e.far, n > kWord ? n - kWord : 0) + n * 0x8EBC6AF09C88C6E3U);
}

}  // namespace

void LiteralIndex::add(Place place, std::string_view literal, uint32_t id) {
  POSTERN_CHECK(place == Place::kWhole || !literal.empty());
  auto& numbers = numbers_[static_cast<size_t>(place)];
  const auto [it, is_new] =
      numbers.try_emplace(std::string(literal), static_cast<uint32_t>(literals_.size()));
  if (is_new) {
    literals_.push_back(
        {static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(literal.size()), 0, 0, place});
    texts_.append(literal);
  }
  added_.emplace_back(it->second, id);
}

void LiteralIndex::seal() {
  for (auto& numbers : numbers_)
    numbers = {};
  std::sort(added_.begin(), added_.end());
  added_.erase(std::unique(added_.begin(), added_.end()), added_.end());
  for (const auto& [literal, id] : added_) {
    Literal& l = literals_[literal];
    if (l.num_ids++ == 0) l.first_id = static_cast<uint32_t>(ids_.size());
    ids_.push_back(id);
  }
  added_ = {};
  build_edges();
  build_windows();
  std::vector<uint32_t> shorts;
  for (size_t i = 0; i < literals_.size(); ++i)
    if (literals_[i].place == Place::kPart && literals_[i].size < kShort)
      shorts.push_back(static_cast<uint32_t>(i));
  if (!shorts.empty()) build_short(shorts);
  if (only_parts()) {
    std::vector<std::string_view> all;
    for (const Literal& l : literals_)
      all.push_back(text_of(l));
    caseless_ = CaselessFilter(all);
    is_quick_ = caseless_.usable();
  }
}

void LiteralIndex::build_edges() {
  std::vector<Entry> whole;
  std::vector<Entry> first;
  std::vector<Entry> last;
  for (size_t i = 0; i < literals_.size(); ++i) {
    const std::string_view s = text_of(literals_[i]);
    const auto number = static_cast<uint32_t>(i);
    const size_t n = std::min(s.size(), kEdge);
    switch (literals_[i].place) {
      case Place::kWhole:
        whole.push_back({text_hash(s), number, 0});
        break;
      case Place::kPrefix:
        prefixes_.lengths |= uint32_t{1} << (n - 1);
        first.push_back({edge_key<false>(first_bytes(s), n), number, 0});
        break;
      case Place::kSuffix:
        suffixes_.lengths |= uint32_t{1} << (n - 1);
        last.push_back({edge_key<true>(last_bytes(s), n), number, 0});
        break;
      case Place::kPart:
        break;
    }
  }
  whole_.build(whole);
  prefixes_.table.build(first);
  suffixes_.table.build(last);
}

void LiteralIndex::build_windows() {
  constexpr size_t kFew = 1024;  // literals whose eight windows each keep the tables small
  const auto num_parts = std::count_if(literals_.begin(), literals_.end(),
                                       [](const Literal& l) { return l.place == Place::kPart; });
  // The first kind that a literal is long enough for.
  const auto kind_of = [&](const Literal& l) -> size_t {
    if (l.place != Place::kPart) return windows_.size();
    size_t k = static_cast<size_t>(num_parts) > kFew ? 1 : 0;
    while (k < windows_.size() && l.size < windows_[k].width + windows_[k].stride - 1)
      ++k;
    return k;
  };
  for (size_t k = 0; k < windows_.size(); ++k) {
    WindowTable& kind = windows_[k];
    const auto num_windows = [&](std::string_view s) {
      return std::min(s.size() - kind.width + 1, kMaxOffsets);
    };
    std::vector<uint32_t> literals;
    size_t all = 0;
    for (size_t i = 0; i < literals_.size(); ++i) {
      if (kind_of(literals_[i]) != k) continue;
      literals.push_back(static_cast<uint32_t>(i));
      all += num_windows(text_of(literals_[i]));
    }
    // How many windows of literals are alike, by hash: a guess is enough to choose by.
    const auto use_bits =
        std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_width(all)) + 2, 6, 22);
    std::vector<uint32_t> uses(size_t{1} << use_bits, 0);
    const auto use_of = [&](std::string_view s, size_t at) -> uint32_t& {
      return uses[spread(window_at(s, at, kind.width)) >> (64 - use_bits)];
    };
    for (const uint32_t i : literals)
      for (size_t at = 0; at < num_windows(text_of(literals_[i])); ++at)
        ++use_of(text_of(literals_[i]), at);
    std::vector<Entry> entries;
    for (const uint32_t i : literals) {
      const std::string_view s = text_of(literals_[i]);
      size_t best = 0;
      uint64_t least = UINT64_MAX;
      for (size_t at = 0; at + kind.stride <= num_windows(s); ++at) {
        uint64_t sum = 0;
        for (size_t j = 0; j < kind.stride; ++j)
          sum += use_of(s, at + j);
        if (sum < least) least = sum, best = at;
      }
      for (size_t j = 0; j < kind.stride; ++j)
        entries.push_back({window_at(s, best + j, kind.width), i, static_cast<uint32_t>(best + j)});
    }
    kind.table.build(entries);
  }
}

void LiteralIndex::Table::build(const std::vector<Entry>& from) {
  if (from.empty()) return;
  const auto wanted = static_cast<uint32_t>(std::bit_width(from.size() * 2));
  bits = std::clamp<uint32_t>(wanted, 4, 20);
  filter.assign((size_t{1} << (bits + kFilterBits)) / 64, 0);
  starts.assign((size_t{1} << bits) + 1, 0);
  const auto bucket = [&](const Entry& e) { return spread(e.key) >> (64 - bits); };
  for (const Entry& e : from) {
    ++starts[bucket(e) + 1];
    const uint64_t bit = spread(e.key) >> (64 - bits - kFilterBits);
    filter[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  for (size_t i = 1; i < starts.size(); ++i)
    starts[i] += starts[i - 1];
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  entries.resize(from.size());
  for (const Entry& e : from)
    entries[next[bucket(e)]++] = e;
}

template <class F>
bool LiteralIndex::Table::find(uint64_t key, F&& f) const {
  const uint64_t hash = spread(key);
  const uint64_t bit = hash >> (64 - bits - kFilterBits);
  if (!((filter[bit / 64] >> (bit % 64)) & 1)) return false;
  const uint64_t bucket = hash >> (64 - bits);
  for (uint32_t i = starts[bucket]; i < starts[bucket + 1]; ++i)
    if (entries[i].key == key && f(entries[i])) return true;
  return false;
}

void LiteralIndex::build_short(const std::vector<uint32_t>& literals) {
  constexpr uint32_t kPairs = 65536;
  std::vector<std::pair<uint32_t, uint32_t>> of_pair;  // pair of bytes, literal
  for (const uint32_t number : literals) {
    const std::string_view s = text_of(literals_[number]);
    const auto first = static_cast<unsigned char>(s[0]);
    if (s.size() > 1) {
      of_pair.emplace_back(first | static_cast<uint32_t>(static_cast<unsigned char>(s[1])) << 8,
                           number);
      continue;
    }
    if (short_.single.empty()) short_.single.assign(256, kNone);
    short_.single[first] = number;
    for (uint32_t second = 0; second < 256; ++second)
      of_pair.emplace_back(first | second << 8, number);
  }
  std::sort(of_pair.begin(), of_pair.end());
  short_.filter.assign(kPairs / 64, 0);
  short_.before.assign(kPairs / 64, 0);
  short_.literals.reserve(of_pair.size());
  for (size_t i = 0; i < of_pair.size(); ++i) {
    const auto [pair, number] = of_pair[i];
    if (i == 0 || of_pair[i - 1].first != pair) {
      short_.filter[pair / 64] |= uint64_t{1} << (pair % 64);
      short_.starts.push_back(static_cast<uint32_t>(i));
    }
    short_.literals.push_back(number);
  }
  short_.starts.push_back(static_cast<uint32_t>(of_pair.size()));
  uint32_t before = 0;
  for (size_t word = 0; word < short_.filter.size(); ++word) {
    short_.before[word] = before;
    before += static_cast<uint32_t>(std::popcount(short_.filter[word]));
  }
}

template <class Found>
bool LiteralIndex::try_one(
    std::string_view text, size_t begin, uint32_t literal, size_t sure, Found&& found) const {
  if (!found.wants(literal)) return false;
  const Literal& l = literals_[literal];
  if (l.size > text.size() - begin) return false;
  if (l.size > sure) {
    const char* a = text.data() + begin;
    const char* b = texts_.data() + l.begin;
    // The end first: what is filed under one window or edge begins alike.
    if (l.size >= kWord &&
        window_at<kWord>(a + l.size - kWord) != window_at<kWord>(b + l.size - kWord))
      return false;
    if (!equal_bytes(a, b, l.size)) return false;
  }
  return found(literal);
}

template <class Found>
bool LiteralIndex::scan_edges(std::string_view text, Found&& found) const {
  const auto whole = [&](const Entry& e) {
    return literals_[e.literal].size == text.size() && try_one(text, 0, e.literal, 0, found);
  };
  if (!whole_.empty() && whole_.find(text_hash(text), whole)) return true;
  const uint32_t fitting =
      text.size() < kEdge ? (uint32_t{1} << text.size()) - 1 : (uint32_t{1} << kEdge) - 1;
  if (uint32_t lengths = prefixes_.lengths & fitting; lengths != 0) {
    const Edge edge = first_bytes(text);
    for (; lengths != 0; lengths &= lengths - 1)
      if (prefixes_.table.find(
              edge_key<false>(edge, static_cast<size_t>(std::countr_zero(lengths)) + 1),
              [&](const Entry& e) { return try_one(text, 0, e.literal, 0, found); }))
        return true;
  }
  if (uint32_t lengths = suffixes_.lengths & fitting; lengths != 0) {
    const Edge edge = last_bytes(text);
    const auto suffix = [&](const Entry& e) {
      const size_t size = literals_[e.literal].size;
      return size <= text.size() && try_one(text, text.size() - size, e.literal, 0, found);
    };
    for (; lengths != 0; lengths &= lengths - 1)
      if (suffixes_.table.find(
              edge_key<true>(edge, static_cast<size_t>(std::countr_zero(lengths)) + 1), suffix))
        return true;
  }
  return false;
}

template <size_t width, size_t stride, class Found>
bool LiteralIndex::scan_windows(const Table& table, std::string_view text, Found&& found) const {
  if (table.empty() || text.size() < width) return false;
  const char* p = text.data();
  const uint64_t* filter = table.filter.data();
  const uint32_t shift = 64 - table.bits - kFilterBits;
  for (size_t at = 0; at + width <= text.size(); at += stride) {
    const uint64_t key = window_at<width>(p + at);
    const uint64_t bit = spread(key) >> shift;
    if (!((filter[bit / 64] >> (bit % 64)) & 1)) continue;
    if (table.find(key, [&](const Entry& e) {
          return e.offset <= at &&
                 try_one(text, at - e.offset, e.literal, e.offset == 0 ? width : 0, found);
        }))
      return true;
  }
  return false;
}

template <class Found>
bool LiteralIndex::scan_short(std::string_view text, Found&& found) const {
  if (text.empty()) return false;
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    uint16_t pair = 0;
    std::memcpy(&pair, text.data() + at, sizeof pair);
    const uint64_t word = short_.filter[pair / 64];
    const uint64_t bit = uint64_t{1} << (pair % 64);
    if ((word & bit) == 0) continue;
    const uint32_t number =
        short_.before[pair / 64] + static_cast<uint32_t>(std::popcount(word & (bit - 1)));
    for (uint32_t i = short_.starts[number]; i < short_.starts[number + 1]; ++i)
      if (try_one(text, at, short_.literals[i], 2, found)) return true;
  }
  if (short_.single.empty()) return false;
  const uint32_t single = short_.single[static_cast<unsigned char>(text.back())];
  return single != kNone && found.wants(single) && found(single);
}

// `found` gets each literal that holds and says whether that is enough.
template <class Found>
bool LiteralIndex::scan(std::string_view text, Found&& found) const {
  return scan_edges(text, found) || scan_windows<4, 8>(windows_[0].table, text, found) ||
         scan_windows<8, 4>(windows_[1].table, text, found) ||
         scan_windows<4, 4>(windows_[2].table, text, found) ||
         scan_windows<4, 2>(windows_[3].table, text, found) ||
         scan_windows<4, 1>(windows_[4].table, text, found) ||
         (!short_.filter.empty() && scan_short(text, found));
}

namespace {

struct FindsAny {
  bool wants(uint32_t) const { return true; }

  bool operator()(uint32_t) const { return true; }
};

/// Notes each literal once.
struct FindsAll {
  std::vector<uint32_t>& literals;
  std::vector<uint32_t>& seen;
  uint32_t search;

  bool wants(uint32_t literal) const { return seen[literal] != search; }

  bool operator()(uint32_t literal) const {
    seen[literal] = search;
    literals.push_back(literal);
    return false;
  }
};

}  // namespace

bool LiteralIndex::any(std::string_view text) const {
  return scan(text, FindsAny{});
}

void LiteralIndex::find(std::string_view text,
                        std::vector<uint32_t>& literals,
                        Marks& marks) const {
  marks.seen.resize(literals_.size());
  if (++marks.search == 0) {
    std::fill(marks.seen.begin(), marks.seen.end(), 0);
    marks.search = 1;
  }
  scan(text, FindsAll{literals, marks.seen, marks.search});
}

}  // namespace postern::match
