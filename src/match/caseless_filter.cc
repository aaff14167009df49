#include "match/caseless_filter.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/text.h"

#if defined(__x86_64__)
#include <tmmintrin.h>
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

bool has_instructions() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("ssse3") != 0;
#else
  return false;
#endif
}

}  // namespace

CaselessFilter::CaselessFilter(const std::vector<std::string_view>& literals) {
  usable_ = has_instructions() && literals.size() <= kMostLiterals &&
            std::all_of(literals.begin(), literals.end(),
                        [](std::string_view s) { return s.size() >= kWindow && is_ascii(s); });
  if (!usable_) return;
  std::vector<std::string_view> windows;
  for (const std::string_view s : literals) {
    const std::string_view w = rarest(s, kWindow);
    windows.push_back(w);
    Entry& e = entries_.emplace_back();
    std::memcpy(&e.window, w.data(), kWindow);
    e.offset = static_cast<uint32_t>(w.data() - s.data());
    e.literal = s;
  }
  std::sort(entries_.begin(), entries_.end(),
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
  return false;
}

#if defined(__x86_64__)
__attribute__((target("ssse3"))) bool CaselessFilter::scan(const char* begin,
                                                           size_t size,
                                                           std::string_view text) const {
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
  for (size_t at = 0; at + kStep + kWindow - 1 <= size; at += kStep) {
    const auto load = [&](size_t i) __attribute__((target("ssse3"))) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin + at + i));
    };
    const __m128i v0 = load(0);
    const __m128i v1 = load(1);
    const __m128i all =
        _mm_and_si128(groups(v0, low0, high0),
                      _mm_and_si128(groups(v1, low1, high1), groups(load(2), low2, high2)));
    // U+017F and U+212A, which fold to s and k: C5 BF and (E2) 84 AA.
    const auto is = [](__m128i v, int byte) __attribute__((target("ssse3"))) {
      return _mm_cmpeq_epi8(v, _mm_set1_epi8(static_cast<char>(byte)));
    };
    const __m128i folds = _mm_or_si128(_mm_and_si128(is(v0, 0xC5), is(v1, 0xBF)),
                                       _mm_and_si128(is(v0, 0x84), is(v1, 0xAA)));
    if (_mm_movemask_epi8(folds) != 0) return true;
    auto places = static_cast<uint32_t>(~_mm_movemask_epi8(_mm_cmpeq_epi8(all, zero))) & 0xFFFFU;
    for (; places != 0; places &= places - 1)
      if (holds_at(begin + at + std::countr_zero(places), text)) return true;
  }
  return false;
}
#else
bool CaselessFilter::scan(const char*, size_t, std::string_view) const {
  return true;
}
#endif

bool CaselessFilter::may_hold(std::string_view text) const {
  if (!usable_) return true;
  constexpr size_t kBlock = kStep + kWindow - 1;
  // What folds to a letter and lies too near to the end to begin a window.
  for (size_t cut = 0; cut < kWindow && cut < text.size(); ++cut) {
    const std::string_view s = text.substr(0, text.size() - cut);
    if (s.ends_with("\xC5\xBF") || s.ends_with("\x84\xAA")) return true;
  }
  if (text.size() < kBlock) {
    char padded[kBlock] = {};
    std::memcpy(padded, text.data(), text.size());
    return scan(padded, kBlock, {padded, text.size()});
  }
  // The last block overlaps the one before, so that no window is left over.
  return scan(text.data(), text.size(), text) ||
         scan(text.data() + text.size() - kBlock, kBlock, text);
}

}  // namespace postern::match
