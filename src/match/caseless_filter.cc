#include "match/caseless_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/text.h"
#include "match/json_escape.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace postern::match {
namespace {

constexpr size_t kMostLiterals = 64;  // more, and nearly every text may hold one
constexpr size_t kGroups = 8;
constexpr size_t kStep = 16;

/// How often a byte is met in logs, as a rough guess.
int commonness(char c) {
  if (ascii_alpha(c)) return c == 'e' || c == 's' || c == 'i' || c == 'o' || c == 'r' ? 4 : 3;
  if (ascii_digit(c)) return 3;
  if (c == '.') return 8;  // `.dll` and its kin end every other value
  return std::string_view(" \\\"/-_,=").find(c) != std::string_view::npos ? 3 : 1;
}

/// The neighbouring bytes that are met least.
std::string_view rarest(std::string_view literal, size_t size) {
  size_t best = 0;
  int least = 1000;
  for (size_t at = 0; at + size <= literal.size(); ++at) {
    int sum = 0;
    for (size_t i = 0; i < size; ++i)
      sum += commonness(literal[at + i]);
    if (sum < least) least = sum, best = at;
  }
  return literal.substr(best, size);
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

CaselessFilter::CaselessFilter(const std::vector<std::string_view>& literals, size_t most_step)
    : step_(std::min(widest_step(), most_step)) {
  usable_ = step_ >= kStep && literals.size() <= kMostLiterals &&
            std::all_of(literals.begin(), literals.end(),
                        [](std::string_view s) { return s.size() >= kBytes && is_ascii(s); });
  if (!usable_) return;
  std::vector<std::string_view> windows;
  for (const std::string_view s : literals) {
    const std::string_view w = rarest(s, std::min(kWindow, s.size()));
    windows.push_back(w);
    Entry& e = (w.size() < kWindow ? shortest_ : entries_).emplace_back();
    std::memcpy(&e.window, w.data(), w.size());
    e.offset = static_cast<uint32_t>(w.data() - s.data());
    e.literal = s;
  }
  for (std::vector<Entry>* entries : {&entries_, &shortest_})
    std::sort(entries->begin(), entries->end(),
              [](const Entry& a, const Entry& b) { return a.window < b.window; });
  // Alike ones share a group, which keeps the groups apart.
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  for (size_t i = 0; i < windows.size(); ++i) {
    const auto group = static_cast<uint8_t>(1U << (i * kGroups / windows.size()));
    for (size_t j = 0; j < kBytes; ++j) {
      const auto put = [&](char c) {
        const auto byte = static_cast<uint8_t>(c);
        low_[j][byte & 15] |= group;
        high_[j][byte >> 4] |= group;
      };
      put(windows[i][j]);
      if (ascii_alpha(windows[i][j])) put(static_cast<char>(windows[i][j] - 32));
    }
  }
}

/// Whether a literal whose window begins at `p` is in `text`, of which that is a place.
bool CaselessFilter::holds_at(const char* p, std::string_view text) const {
  char lower[kWindow];
  for (size_t i = 0; i < kWindow; ++i)
    lower[i] = ascii_lower(p[i]);
  uint32_t window = 0;
  std::memcpy(&window, lower, kWindow);
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
  return !shortest_.empty() && at + kBytes <= text.size() && is_shortest({lower, kBytes});
}

bool CaselessFilter::is_shortest(std::string_view folded) const {
  uint32_t window = 0;
  std::memcpy(&window, folded.data(), kBytes);
  return std::any_of(shortest_.begin(), shortest_.end(),
                     [&](const Entry& e) { return e.window == window; });
}

/// Whether the text ends with a literal that is too short to have a whole window there.
bool CaselessFilter::ends_with_shortest(std::string_view text) const {
  if (shortest_.empty() || text.size() < kBytes) return false;
  char lower[kBytes];
  for (size_t i = 0; i < kBytes; ++i)
    lower[i] = ascii_lower(text[text.size() - kBytes + i]);
  return is_shortest({lower, kBytes});
}

#if defined(__x86_64__)
// Both widths do the same: where the tables of three neighbouring bytes agree on a group, the
// literals are compared. What else is looked for: U+017F and U+212A, which fold to s and k (C5 BF
// and (E2) 84 AA), in a text that has any byte beyond ASCII; and in JSON an escape by number.

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
  for (size_t at = 0; at + kStep + kWindow - 1 <= size; at += kStep) {
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
  }
  return false;
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
  for (size_t at = 0; at + 2 * kStep + kWindow - 1 <= size; at += 2 * kStep) {
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
  }
  return false;
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
  if (ends_with_shortest(text)) return true;
  // The last block overlaps the one before, so that no window is left over.
  constexpr size_t kMore = kWindow - 1;
  if (const size_t block = 2 * kStep + kMore; step_ == 2 * kStep && text.size() >= block)
    return scan_wide(text.data(), text.size(), text, json) ||
           scan_wide(text.data() + text.size() - block, block, text, json);
  constexpr size_t kBlock = kStep + kMore;
  if (text.size() >= kBlock)
    return scan(text.data(), text.size(), text, json) ||
           scan(text.data() + text.size() - kBlock, kBlock, text, json);
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
