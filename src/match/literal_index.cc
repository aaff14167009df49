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
constexpr size_t kAhead = 64;        // places of a text that are gathered before they are looked at

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

uint32_t four_at(const char* p) {
  return static_cast<uint32_t>(window_at<kShort>(p));
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

/// Numbers of bytes that literals are filed under at their edge: the greatest that they have. Few,
/// so that few keys of a text are looked up; above sixteen, because paths begin alike.
constexpr std::array<size_t, 12> kEdgeBytes{1, 2, 3, 4, 6, 8, 12, kEdge, 20, 24, 32, 48};

/// Which of kEdgeBytes a literal of so many bytes is filed under, by that number.
constexpr auto kEdgeClasses = [] {
  std::array<uint8_t, kEdgeBytes.back() + 1> classes{};
  for (size_t n = 0; n < classes.size(); ++n)
    while (size_t{classes[n]} + 1 < kEdgeBytes.size() && kEdgeBytes[classes[n] + 1U] <= n)
      ++classes[n];
  return classes;
}();

size_t edge_class(size_t n) {
  return kEdgeClasses[std::min(n, kEdgeClasses.size() - 1)];
}

/// Key of the `n` bytes at an edge of a text, of which `e` tells sixteen.
template <bool at_end>
uint64_t edge_key(std::string_view s, const Edge& e, size_t n) {
  if (n > kEdge) return text_hash(at_end ? s.substr(s.size() - n) : s.substr(0, n));
  return edge_key<at_end>(e, n);
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
  using Entries = std::vector<std::pair<uint64_t, EdgeEntry>>;
  Entries whole;
  Entries first;
  Entries last;
  const auto put = [](Entries& to, uint64_t key, uint32_t literal) {
    to.push_back({spread(key), {key, literal}});
  };
  for (size_t i = 0; i < literals_.size(); ++i) {
    const std::string_view s = text_of(literals_[i]);
    const auto number = static_cast<uint32_t>(i);
    const size_t c = edge_class(s.size());
    switch (literals_[i].place) {
      case Place::kWhole:
        put(whole, text_hash(s), number);
        break;
      case Place::kPrefix:
        prefixes_.classes |= uint32_t{1} << c;
        put(first, edge_key<false>(s, first_bytes(s), kEdgeBytes[c]), number);
        break;
      case Place::kSuffix:
        suffixes_.classes |= uint32_t{1} << c;
        put(last, edge_key<true>(s, last_bytes(s), kEdgeBytes[c]), number);
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
  constexpr size_t kFew = 1024;  // literals whose eight windows each keep the table small
  std::vector<uint32_t> literals;
  size_t shortest = SIZE_MAX;
  for (size_t i = 0; i < literals_.size(); ++i) {
    if (literals_[i].place != Place::kPart || literals_[i].size < kShort) continue;
    literals.push_back(static_cast<uint32_t>(i));
    shortest = std::min<size_t>(shortest, literals_[i].size);
  }
  if (literals.empty()) return;
  // The greatest step that the shortest literal allows: one walk over a text for all of them costs
  // less than a second one with greater steps saves.
  windows_.width = kShort;
  windows_.stride = std::bit_floor(std::min<size_t>(shortest - kShort + 1, kWord));
  if (windows_.stride == kWord && literals.size() > kFew) windows_.width = windows_.stride = kWord;
  while (windows_.width + windows_.stride - 1 > shortest)
    windows_.stride /= 2;
  const size_t width = windows_.width;
  const size_t stride = windows_.stride;
  const auto num_windows = [&](std::string_view s) {
    return std::min(s.size() - width + 1, kMaxOffsets);
  };
  size_t all = 0;
  for (const uint32_t i : literals)
    all += num_windows(text_of(literals_[i]));
  // How many windows of literals are alike, by hash: a guess is enough to choose by.
  const auto use_bits = std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_width(all)) + 2, 6, 22);
  std::vector<uint32_t> uses(size_t{1} << use_bits, 0);
  const auto use_of = [&](std::string_view s, size_t at) -> uint32_t& {
    return uses[spread(window_at(s, at, width)) >> (64 - use_bits)];
  };
  for (const uint32_t i : literals)
    for (size_t at = 0; at < num_windows(text_of(literals_[i])); ++at)
      ++use_of(text_of(literals_[i]), at);
  // The bytes around a window by which its literal is told from others.
  const auto entry_of = [&](uint32_t i, size_t at) {
    const std::string_view s = text_of(literals_[i]);
    const size_t bytes = std::min(s.size(), kWord);
    const size_t begin = std::min(at, s.size() - bytes);
    return WindowEntry{four_at(s.data() + begin),
                       four_at(s.data() + begin + bytes - kShort),
                       i,
                       static_cast<uint8_t>(at),
                       static_cast<uint8_t>(at - begin),
                       static_cast<uint8_t>(bytes),
                       static_cast<uint8_t>(std::min<size_t>(s.size() - at - width, 255))};
  };
  std::vector<std::pair<uint64_t, WindowEntry>> entries;
  for (const uint32_t i : literals) {
    const std::string_view s = text_of(literals_[i]);
    size_t best = 0;
    uint64_t least = UINT64_MAX;
    for (size_t at = 0; at + stride <= num_windows(s); ++at) {
      uint64_t sum = 0;
      for (size_t j = 0; j < stride; ++j)
        sum += use_of(s, at + j);
      if (sum < least) least = sum, best = at;
    }
    for (size_t j = 0; j < stride; ++j)
      entries.emplace_back(spread(window_at(s, best + j, width)), entry_of(i, best + j));
  }
  windows_.table.build(entries);
}

template <class Entry>
void LiteralIndex::Table<Entry>::build(const std::vector<std::pair<uint64_t, Entry>>& from) {
  if (from.empty()) return;
  const auto wanted = static_cast<uint32_t>(std::bit_width(from.size() * 2));
  bits = std::clamp<uint32_t>(wanted, 4, 20);
  filter.assign((size_t{1} << (bits + kFilterBits)) / 64, 0);
  starts.assign((size_t{1} << bits) + 1, 0);
  for (const auto& [hash, entry] : from) {
    ++starts[(hash >> (64 - bits)) + 1];
    const uint64_t bit = hash >> (64 - bits - kFilterBits);
    filter[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  for (size_t i = 1; i < starts.size(); ++i)
    starts[i] += starts[i - 1];
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  entries.resize(from.size());
  for (const auto& [hash, entry] : from)
    entries[next[hash >> (64 - bits)]++] = entry;
}

void LiteralIndex::build_short(const std::vector<uint32_t>& literals) {
  constexpr uint32_t kPairs = 65536;
  std::vector<std::pair<uint32_t, ShortEntry>> of_pair;  // pair of bytes
  for (const uint32_t number : literals) {
    const std::string_view s = text_of(literals_[number]);
    const auto first = static_cast<unsigned char>(s[0]);
    if (s.size() == 1)
      short_.singles.emplace_back(first, number);
    else
      of_pair.push_back({first | static_cast<uint32_t>(static_cast<unsigned char>(s[1])) << 8,
                         {number, s.size() > 2, s.size() > 2 ? s[2] : '\0'}});
  }
  if (of_pair.empty()) return;
  std::stable_sort(of_pair.begin(), of_pair.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  short_.is_used.assign(kPairs, 0);
  short_.filter.assign(kPairs / 64, 0);
  short_.before.assign(kPairs / 64, 0);
  short_.entries.reserve(of_pair.size());
  for (size_t i = 0; i < of_pair.size(); ++i) {
    const auto& [pair, entry] = of_pair[i];
    if (i == 0 || of_pair[i - 1].first != pair) {
      short_.is_used[pair] = 1;
      short_.filter[pair / 64] |= uint64_t{1} << (pair % 64);
      short_.starts.push_back(static_cast<uint32_t>(i));
    }
    short_.entries.push_back(entry);
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

template <LiteralIndex::Place place, class Found>
bool LiteralIndex::scan_edge(const Table<EdgeEntry>& table,
                             uint64_t key,
                             std::string_view text,
                             Found&& found) const {
  const uint64_t hash = spread(key);
  const uint64_t bit = hash >> (64 - table.bits - kFilterBits);
  if (!((table.filter[bit / 64] >> (bit % 64)) & 1)) return false;
  const uint64_t bucket = hash >> (64 - table.bits);
  for (uint32_t i = table.starts[bucket]; i < table.starts[bucket + 1]; ++i) {
    const EdgeEntry& e = table.entries[i];
    if (e.key != key) continue;
    const size_t size = literals_[e.literal].size;
    if (place == Place::kWhole ? size != text.size() : size > text.size()) continue;
    if (try_one(text, place == Place::kSuffix ? text.size() - size : 0, e.literal, 0, found))
      return true;
  }
  return false;
}

template <class Found>
bool LiteralIndex::scan_edges(std::string_view text, Found&& found) const {
  if (!whole_.empty() && scan_edge<Place::kWhole>(whole_, text_hash(text), text, found))
    return true;
  if (text.empty()) return false;
  const uint32_t fitting = (uint32_t{2} << edge_class(text.size())) - 1;
  if (uint32_t classes = prefixes_.classes & fitting; classes != 0) {
    const Edge edge = first_bytes(text);
    for (; classes != 0; classes &= classes - 1) {
      const size_t n = kEdgeBytes[static_cast<size_t>(std::countr_zero(classes))];
      if (scan_edge<Place::kPrefix>(prefixes_.table, edge_key<false>(text, edge, n), text, found))
        return true;
    }
  }
  if (uint32_t classes = suffixes_.classes & fitting; classes != 0) {
    const Edge edge = last_bytes(text);
    for (; classes != 0; classes &= classes - 1) {
      const size_t n = kEdgeBytes[static_cast<size_t>(std::countr_zero(classes))];
      if (scan_edge<Place::kSuffix>(suffixes_.table, edge_key<true>(text, edge, n), text, found))
        return true;
    }
  }
  return false;
}

template <size_t width, size_t stride, class Found>
bool LiteralIndex::scan_windows(const Table<WindowEntry>& table,
                                std::string_view text,
                                Found&& found) const {
  if (table.empty() || text.size() < width) return false;
  const char* p = text.data();
  const uint64_t* filter = table.filter.data();
  const uint32_t shift = 64 - table.bits - kFilterBits;
  const size_t end = text.size() - width + 1;
  std::array<size_t, kAhead> hits;
  for (size_t at = 0; at < end;) {
    size_t num_hits = 0;
    for (const size_t stop = std::min(end, at + kAhead * stride); at < stop; at += stride) {
      const uint64_t bit = spread(window_at<width>(p + at)) >> shift;
      hits[num_hits] = at;
      num_hits += (filter[bit / 64] >> (bit % 64)) & 1;
    }
    const uint32_t* starts = table.starts.data();
    const auto bucket_of = [&](size_t hit) {
      return spread(window_at<width>(p + hits[hit])) >> (shift + kFilterBits);
    };
    for (size_t i = 0; i < num_hits; ++i)
      __builtin_prefetch(starts + bucket_of(i));
    for (size_t i = 0; i < num_hits; ++i)
      __builtin_prefetch(table.entries.data() + starts[bucket_of(i)]);
    for (size_t i = 0; i < num_hits; ++i) {
      const uint64_t bucket = bucket_of(i);
      const size_t found_at = hits[i];
      for (uint32_t j = starts[bucket]; j < starts[bucket + 1]; ++j) {
        const WindowEntry& e = table.entries[j];
        if (e.offset > found_at || found_at + width + e.rest > text.size()) continue;
        const char* told = p + found_at - e.back;
        if (four_at(told) == e.first && four_at(told + e.bytes - kShort) == e.last &&
            try_one(text, found_at - e.offset, e.literal, e.back == e.offset ? e.bytes : 0, found))
          return true;
      }
    }
  }
  return false;
}

template <class Found>
bool LiteralIndex::scan_singles(std::string_view text, Found&& found) const {
  constexpr size_t kFew = 8;  // are looked for one by one
  if (short_.singles.size() <= kFew) {
    for (const auto& [byte, literal] : short_.singles)
      if (text.find(static_cast<char>(byte)) != std::string_view::npos && found.wants(literal) &&
          found(literal))
        return true;
    return false;
  }
  std::array<bool, 256> is_there{};
  for (const char c : text)
    is_there[static_cast<unsigned char>(c)] = true;
  for (const auto& [byte, literal] : short_.singles)
    if (is_there[byte] && found.wants(literal) && found(literal)) return true;
  return false;
}

template <class Found>
bool LiteralIndex::scan_pairs(std::string_view text, Found&& found) const {
  const char* p = text.data();
  const uint8_t* is_used = short_.is_used.data();
  const uint64_t* filter = short_.filter.data();
  std::array<size_t, kAhead> hits;
  for (size_t at = 0; at + 1 < text.size();) {
    size_t num_hits = 0;
    for (const size_t stop = std::min(text.size() - 1, at + kAhead); at < stop; ++at) {
      uint16_t pair = 0;
      std::memcpy(&pair, p + at, sizeof pair);
      hits[num_hits] = at;
      num_hits += is_used[pair];
    }
    for (size_t i = 0; i < num_hits; ++i) {
      uint16_t pair = 0;
      std::memcpy(&pair, p + hits[i], sizeof pair);
      const uint64_t below = (uint64_t{1} << (pair % 64)) - 1;
      const uint32_t number = short_.before[pair / 64] +
                              static_cast<uint32_t>(std::popcount(filter[pair / 64] & below));
      for (uint32_t j = short_.starts[number]; j < short_.starts[number + 1]; ++j) {
        const ShortEntry& e = short_.entries[j];
        if (e.has_third && (hits[i] + 2 >= text.size() || p[hits[i] + 2] != e.third)) continue;
        if (found.wants(e.literal) && found(e.literal)) return true;
      }
    }
  }
  return false;
}

template <class Found>
bool LiteralIndex::scan_windows(std::string_view text, Found&& found) const {
  switch (windows_.stride) {
    case 8:
      return windows_.width == kWord ? scan_windows<8, 8>(windows_.table, text, found)
                                     : scan_windows<4, 8>(windows_.table, text, found);
    case 4:
      return windows_.width == kWord ? scan_windows<8, 4>(windows_.table, text, found)
                                     : scan_windows<4, 4>(windows_.table, text, found);
    case 2:
      return scan_windows<4, 2>(windows_.table, text, found);
    default:
      return scan_windows<4, 1>(windows_.table, text, found);
  }
}

// `found` gets each literal that holds and says whether that is enough.
template <class Found>
bool LiteralIndex::scan(std::string_view text, Found&& found) const {
  return scan_edges(text, found) || scan_windows(text, found) ||
         (!short_.singles.empty() && scan_singles(text, found)) ||
         (!short_.filter.empty() && scan_pairs(text, found));
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
