#include "match/caseless_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "base/text.h"
#include "match/json_escape.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace postern::match {
namespace {

constexpr size_t kGroups = 8;
constexpr size_t kStep = 16;
constexpr size_t kSize = 3;  // of a window

/// How often a byte is met in logs, as a rough guess.
double frequency(char c) {
  if (ascii_digit(c)) return 0.05;
  if (c == ' ' || c == '=') return 0.08;
  if (c >= 'a' && c <= 'f') return 0.03;
  if (ascii_alpha(c)) return 0.02;
  if (std::string_view("\"\\/-_.:").find(c) != std::string_view::npos) return 0.02;
  if (std::string_view("(),").find(c) != std::string_view::npos) return 0.006;
  return 0.0005;
}

/// How often two neighbouring bytes are, against what each alone lets expect.
double attraction(char a, char b) {
  if (a == ' ' && !ascii_alpha(b)) return 0.01;
  if (a == '-' && b == ' ') return 0.1;
  if (b == ' ' && ascii_alpha(a)) return 0.2;
  if (a == '=' && !ascii_alpha(b) && !ascii_digit(b) && b != '"' && b != '/') return 0.1;
  return 1;
}

/// What logs are full of.
constexpr std::string_view kEverywhere =
    "/usr/local/bin/ /usr/sbin/ /usr/lib/systemd/ /var/lib/ /var/log/ /home/user /etc/ /dev/ "
    "/proc/ "
    "/tmp/ /opt/ c:\\windows\\system32\\ c:\\program files\\ c:\\users\\ microsoft .exe .dll .com "
    "http:// service type= name= path= msg=audit(1 success=yes exit=0 uid=1 key= ";

double frequency(std::string_view window) {
  if (kEverywhere.find(window) != std::string_view::npos) return 0.01;
  double all = frequency(window[0]);
  for (size_t i = 1; i < window.size(); ++i)
    all *= frequency(window[i]) * attraction(window[i - 1], window[i]);
  return all;
}

/// The neighbouring bytes of a literal that are met least.
std::string_view rarest(std::string_view literal) {
  size_t best = 0;
  double least = 1;
  for (size_t at = 0; at + kSize <= literal.size(); ++at)
    if (const double f = frequency(literal.substr(at, kSize)); f < least) least = f, best = at;
  return literal.substr(best, kSize);
}

/// Bytes by their halves: those of which both are in the sets.
struct ByteSet {
  uint16_t low = 0;
  uint16_t high = 0;

  void add(char c) {
    const auto byte = static_cast<uint8_t>(c);
    low = static_cast<uint16_t>(low | 1U << (byte & 15));
    high = static_cast<uint16_t>(high | 1U << (byte >> 4));
  }

  ByteSet with(const ByteSet& other) const {
    return {static_cast<uint16_t>(low | other.low), static_cast<uint16_t>(high | other.high)};
  }
};

/// Of bytes by their high half and, eight at a time, by a set of their low ones.
using Frequencies = std::array<std::array<std::array<float, 256>, 2>, 16>;

const Frequencies& frequencies() {
  static const Frequencies all = [] {
    Frequencies f{};
    for (size_t high = 0; high < 16; ++high)
      for (size_t part = 0; part < 2; ++part)
        for (size_t set = 1; set < 256; ++set) {
          const auto last = static_cast<size_t>(std::countr_zero(set));
          const auto byte = static_cast<char>(high << 4 | part << 3 | last);
          const double one = high < 8 ? frequency(byte) : 0.0001;
          f[high][part][set] = f[high][part][set & (set - 1)] + static_cast<float>(one);
        }
    return f;
  }();
  return all;
}

float frequency(const ByteSet& set) {
  const Frequencies& all = frequencies();
  float sum = 0;
  for (uint32_t high = set.high; high != 0; high &= high - 1) {
    const auto& of_high = all[static_cast<size_t>(std::countr_zero(high))];
    sum += of_high[0][set.low & 0xFF] + of_high[1][set.low >> 8];
  }
  return sum;
}

/// Windows that share a bit of the tables.
struct Group {
  std::array<ByteSet, kSize> bytes;
  float passes = 0;  // the part of places that it lets through, as a guess

  Group() = default;

  explicit Group(std::string_view window) {
    for (size_t i = 0; i < kSize; ++i) {
      bytes[i].add(window[i]);
      if (ascii_alpha(window[i])) bytes[i].add(static_cast<char>(window[i] - 32));
    }
    guess();
  }

  Group with(const Group& other) const {
    Group both;
    for (size_t i = 0; i < kSize; ++i)
      both.bytes[i] = bytes[i].with(other.bytes[i]);
    both.guess();
    return both;
  }

 private:
  void guess() {
    passes = 1;
    for (const ByteSet& b : bytes)
      passes *= frequency(b);
  }
};

/// Eight groups of all windows: again and again those two become one that cost least together.
std::vector<Group> grouped(const std::vector<std::string_view>& windows) {
  std::vector<Group> groups(windows.begin(), windows.end());
  const size_t n = groups.size();
  // What two of them let through more than each on its own, in rows.
  std::vector<float> costs(n * n);
  const auto cost = [&](size_t a, size_t b) -> float& {
    return costs[std::max(a, b) * n + std::min(a, b)];
  };
  const auto fill = [&](size_t a, size_t b) {
    cost(a, b) = groups[a].with(groups[b]).passes - groups[a].passes - groups[b].passes;
  };
  for (size_t a = 0; a < n; ++a)
    for (size_t b = 0; b < a; ++b)
      fill(a, b);
  while (groups.size() > kGroups) {
    const size_t last = groups.size() - 1;
    size_t to = 0;
    size_t from = 1;
    for (size_t a = 1; a <= last; ++a)
      for (size_t b = 0; b < a; ++b)
        if (cost(a, b) < cost(to, from)) to = b, from = a;
    groups[to] = groups[to].with(groups[from]);
    groups[from] = groups[last];
    groups.pop_back();
    for (size_t other = 0; other < last; ++other) {
      if (other != from && from != last) cost(from, other) = cost(last, other);
      if (other != to) fill(to, other);
    }
  }
  return groups;
}

/// Three bytes in lower case.
uint32_t window_at(const char* p) {
  uint32_t window = 0;
  for (size_t i = 0; i < kSize; ++i)
    window |= uint32_t{static_cast<uint8_t>(ascii_lower(p[i]))} << (8 * i);
  return window;
}

/// Of three bytes in whatever case.
uint32_t bit_of(uint32_t window) {
  constexpr uint32_t kBits = 10;
  return ((window | 0x20'2020U) * 0x9E37'79B1U) >> (32 - kBits);
}

/// Bytes of a text that this machine looks at in one step; 0: it has not the instructions.
size_t widest_step() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return 2 * kStep;
  if (__builtin_cpu_supports("ssse3")) return kStep;
#endif
  return 0;
}

}  // namespace

CaselessFilter::CaselessFilter(const std::vector<std::string_view>& literals,
                               size_t most_literals,
                               size_t most_step)
    : step_(std::min(widest_step(), most_step)) {
  static_assert(kWindow == kSize);
  usable_ = step_ >= kStep && literals.size() <= most_literals &&
            std::all_of(literals.begin(), literals.end(),
                        [](std::string_view s) { return s.size() >= kWindow && is_ascii(s); });
  if (!usable_) return;
  std::vector<std::string_view> windows;
  for (const std::string_view s : literals) {
    const std::string_view w = rarest(s);
    windows.push_back(w);
    const uint32_t window = window_at(w.data());
    entries_.push_back({window, static_cast<uint32_t>(w.data() - s.data()), std::string(s)});
    has_window_[bit_of(window) / 64] |= uint64_t{1} << (bit_of(window) % 64);
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.window < b.window; });
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  build_tables(std::move(windows));
}

void CaselessFilter::build_tables(std::vector<std::string_view> windows) {
  const std::vector<Group> groups = grouped(windows);
  for (size_t g = 0; g < groups.size(); ++g)
    for (size_t i = 0; i < kWindow; ++i)
      for (size_t half = 0; half < 16; ++half) {
        const ByteSet& set = groups[g].bytes[i];
        low_[i][half] = static_cast<uint8_t>(low_[i][half] | (set.low >> half & 1) << g);
        high_[i][half] = static_cast<uint8_t>(high_[i][half] | (set.high >> half & 1) << g);
      }
}

/// Whether a literal whose window begins at `p` is in `text`, of which that is a place.
inline bool CaselessFilter::holds_at(const char* p, std::string_view text) const {
  uint16_t begin = 0;
  std::memcpy(&begin, p, sizeof begin);
  const uint32_t bit = bit_of(uint32_t{begin} | uint32_t{static_cast<uint8_t>(p[2])} << 16);
  return (has_window_[bit / 64] >> (bit % 64) & 1) != 0 && is_any(p, text);
}

bool CaselessFilter::is_any(const char* p, std::string_view text) const {
  const uint32_t window = window_at(p);
  auto e = std::lower_bound(entries_.begin(), entries_.end(), window,
                            [](const Entry& a, uint32_t w) { return a.window < w; });
  const auto at = static_cast<size_t>(p - text.data());
  for (; e != entries_.end() && e->window == window; ++e) {
    if (e->offset > at || at - e->offset + e->literal.size() > text.size()) continue;
    const char* q = p - e->offset;
    if (std::all_of(e->literal.begin(), e->literal.end(),
                    [&](char c) { return ascii_lower(*q++) == c; }))
      return true;
  }
  return false;
}

#if defined(__x86_64__)
// Both widths do the same; the last step overlaps the one before it. Where the tables of three
// neighbouring bytes agree on a group, the literals are compared. What else is looked for: U+017F
// and U+212A, which fold to s and k (C5 BF and (E2) 84 AA), in a text that has any byte beyond
// ASCII; and in JSON an escape by number.

__attribute__((target("ssse3"))) bool CaselessFilter::scan(const char* begin,
                                                           size_t size,
                                                           std::string_view text,
                                                           bool json) const {
  const auto table = [](const Halves& h) __attribute__((target("ssse3"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(h.data()));
  };
  const __m128i low0 = table(low_[0]), low1 = table(low_[1]), low2 = table(low_[2]);
  const __m128i high0 = table(high_[0]), high1 = table(high_[1]), high2 = table(high_[2]);
  const __m128i half = _mm_set1_epi8(15);
  const __m128i zero = _mm_setzero_si128();
  const auto groups = [&](__m128i v, __m128i low, __m128i high) __attribute__((target("ssse3"))) {
    return _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(v, half)),
                         _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(v, 4), half)));
  };
  const auto is = [](__m128i v, int byte) __attribute__((target("ssse3"))) {
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(static_cast<char>(byte)));
  };
  const auto bits = [](__m128i v) __attribute__((target("ssse3"))) {
    return static_cast<uint32_t>(_mm_movemask_epi8(v));
  };
  const size_t last = size - (kStep + kWindow - 1);
  for (size_t at = 0;; at = std::min(at + kStep, last)) {
    const auto load = [&](size_t i) __attribute__((target("ssse3"))) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin + at + i));
    };
    const __m128i v0 = load(0);
    const __m128i v1 = load(1);
    const __m128i all =
        _mm_and_si128(groups(v0, low0, high0),
                      _mm_and_si128(groups(v1, low1, high1), groups(load(2), low2, high2)));
    if (bits(v0) != 0) {
      const __m128i folds = _mm_or_si128(_mm_and_si128(is(v0, 0xC5), is(v1, 0xBF)),
                                         _mm_and_si128(is(v0, 0x84), is(v1, 0xAA)));
      if (bits(folds) != 0) return true;
    }
    if (json) {
      const uint32_t escapes = bits(_mm_and_si128(is(v0, '\\'), is(v1, 'u')));
      if (escapes != 0 && any_begins_escape(begin + at, escapes, text)) return true;
    }
    for (auto places = ~bits(_mm_cmpeq_epi8(all, zero)) & 0xFFFFU; places != 0;
         places &= places - 1)
      if (holds_at(begin + at + std::countr_zero(places), text)) return true;
    if (at == last) return false;
  }
}

__attribute__((target("avx2"))) bool CaselessFilter::scan_wide(const char* begin,
                                                               size_t size,
                                                               std::string_view text,
                                                               bool json) const {
  const auto table = [&](const Halves& h) __attribute__((target("avx2"))) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(h.data())));
  };
  const __m256i low0 = table(low_[0]), low1 = table(low_[1]), low2 = table(low_[2]);
  const __m256i high0 = table(high_[0]), high1 = table(high_[1]), high2 = table(high_[2]);
  const __m256i half = _mm256_set1_epi8(15);
  const __m256i zero = _mm256_setzero_si256();
  const auto groups = [&](__m256i v, __m256i low, __m256i high) __attribute__((target("avx2"))) {
    return _mm256_and_si256(
        _mm256_shuffle_epi8(low, _mm256_and_si256(v, half)),
        _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
  };
  const auto is = [&](__m256i v, int byte) __attribute__((target("avx2"))) {
    return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(static_cast<char>(byte)));
  };
  const auto bits = [&](__m256i v) __attribute__((target("avx2"))) {
    return static_cast<uint32_t>(_mm256_movemask_epi8(v));
  };
  const size_t last = size - (2 * kStep + kWindow - 1);
  for (size_t at = 0;; at = std::min(at + 2 * kStep, last)) {
    const auto load = [&](size_t i) __attribute__((target("avx2"))) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(begin + at + i));
    };
    const __m256i v0 = load(0);
    const __m256i v1 = load(1);
    const __m256i all =
        _mm256_and_si256(groups(v0, low0, high0),
                         _mm256_and_si256(groups(v1, low1, high1), groups(load(2), low2, high2)));
    if (bits(v0) != 0) {
      const __m256i folds = _mm256_or_si256(_mm256_and_si256(is(v0, 0xC5), is(v1, 0xBF)),
                                            _mm256_and_si256(is(v0, 0x84), is(v1, 0xAA)));
      if (bits(folds) != 0) return true;
    }
    if (json) {
      const uint32_t escapes = bits(_mm256_and_si256(is(v0, '\\'), is(v1, 'u')));
      if (escapes != 0 && any_begins_escape(begin + at, escapes, text)) return true;
    }
    for (uint32_t places = ~bits(_mm256_cmpeq_epi8(all, zero)); places != 0; places &= places - 1)
      if (holds_at(begin + at + std::countr_zero(places), text)) return true;
    if (at == last) return false;
  }
}
#else
bool CaselessFilter::scan(const char*, size_t, std::string_view, bool) const {
  return true;
}

bool CaselessFilter::scan_wide(const char*, size_t, std::string_view, bool) const {
  return true;
}
#endif

/// Whether one of the backslashes at `begin` and the marked bytes behind it begins an escape.
bool CaselessFilter::any_begins_escape(const char* begin, uint32_t marks, std::string_view text) {
  for (; marks != 0; marks &= marks - 1) {
    const char* p = begin + std::countr_zero(marks);
    if (begins_escape(text, static_cast<size_t>(p - text.data()))) return true;
  }
  return false;
}

bool CaselessFilter::may(std::string_view text, bool json) const {
  // What lies too near to the end to begin a window, but folds to a letter or begins an escape.
  uint32_t end = UINT32_MAX;
  if (text.size() >= sizeof end)
    std::memcpy(&end, text.data() + text.size() - sizeof end, sizeof end);
  const bool plain = !json && (end & 0x80808080U) == 0;  // mostly
  for (size_t cut = 0; !plain && cut < kWindow && cut < text.size(); ++cut) {
    const std::string_view s = text.substr(0, text.size() - cut);
    if (s.ends_with("\xC5\xBF") || s.ends_with("\x84\xAA")) return true;
    if (json && s.ends_with("\\u") && begins_escape(s, s.size() - 2)) return true;
  }
  constexpr size_t kMore = kWindow - 1;
  if (step_ == 2 * kStep && text.size() >= 2 * kStep + kMore)
    return scan_wide(text.data(), text.size(), text, json);
  constexpr size_t kBlock = kStep + kMore;
  if (text.size() >= kBlock) return scan(text.data(), text.size(), text, json);
  char padded[kBlock] = {};
  std::memcpy(padded, text.data(), text.size());
  return scan(padded, kBlock, {padded, text.size()}, json);
}

bool CaselessFilter::may_hold(std::string_view text) const {
  return !usable_ || may(text, false);
}

bool CaselessFilter::may_hold_json(std::string_view text) const {
  return !usable_ || may(text, true);
}

}  // namespace postern::match
