// Comparing and finding text without regard to case.
//
// ASCII against ASCII never leaves the byte loops. Anything else goes code point by code point,
// with a malformed byte standing for itself (a number beyond Unicode), so that "\xff" equals "\xff"
// alone.
#include "base/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/unicode_table.h"

namespace postern {
namespace {

constexpr char32_t kMalformed = 0x110000;  // plus the byte
constexpr char32_t kReplacement = 0xFFFD;

char32_t fold_by_table(char32_t c) {
  const auto at = std::lower_bound(kFoldRanges.begin(), kFoldRanges.end(), c,
                                   [](const FoldRange& r, char32_t x) { return r.last < x; });
  if (at == kFoldRanges.end() || c < at->first || (c - at->first) % at->stride != 0) return c;
  return static_cast<char32_t>(static_cast<int64_t>(c) + at->delta);
}

bool high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

/// Next code point of `s`, not folded; a malformed byte is itself.
char32_t next_symbol(std::string_view s, size_t& at) {
  const size_t begin = at;
  const char32_t c = next_code_point(s, at);
  if (c == kReplacement && at - begin == 1)
    return kMalformed + static_cast<unsigned char>(s[begin]);
  return c;
}

char32_t next_folded(std::string_view s, size_t& at) {
  if (!high(s[at])) return static_cast<char32_t>(ascii_lower(s[at++]));
  return fold(next_symbol(s, at));
}

/// The folded code point that ends at `end`, which moves to its beginning.
char32_t previous_folded(std::string_view s, size_t& end) {
  const size_t least = end > 4 ? end - 4 : 0;
  for (size_t begin = end; begin-- > least;) {
    if ((static_cast<unsigned char>(s[begin]) & 0xC0) == 0x80) continue;  // not a first byte
    size_t at = begin;
    const char32_t c = next_folded(s, at);
    if (at != end) break;
    end = begin;
    return c;
  }
  --end;
  return kMalformed + static_cast<unsigned char>(s[end]);
}

// Eight ASCII bytes at a time, as one number. No byte below carries into the next one.
constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = kOnes * 0x80;

uint64_t load8(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// Lower case of eight ASCII bytes: the high bit marks what is at least 'A' and not beyond 'Z'.
uint64_t lower8(uint64_t word) {
  const uint64_t from_a = word + kOnes * (0x80 - 'A');
  const uint64_t beyond_z = word + kOnes * (0x7F - 'Z');
  return word | (((from_a ^ beyond_z) & kHighBits) >> 2);
}

bool equal_ascii(const char* a, const char* b, size_t n) {
  for (size_t i = 0; i < n; ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

/// Where the match of `needle` at `s[at]` ends, or npos.
size_t match_at(std::string_view s, size_t at, std::string_view needle) {
  size_t i = 0;
  while (i < needle.size()) {
    if (needle.size() - i >= sizeof(uint64_t) && s.size() - at >= sizeof(uint64_t)) {
      const uint64_t a = load8(s.data() + at), b = load8(needle.data() + i);
      if (((a | b) & kHighBits) == 0) {
        if (lower8(a) != lower8(b)) return std::string_view::npos;
        at += sizeof(uint64_t);
        i += sizeof(uint64_t);
        continue;
      }
    }
    if (at >= s.size()) return std::string_view::npos;
    if (!high(s[at]) && !high(needle[i])) {
      if (ascii_lower(s[at++]) != ascii_lower(needle[i++])) return std::string_view::npos;
    } else if (next_folded(s, at) != next_folded(needle, i)) {
      return std::string_view::npos;
    }
  }
  return at;
}

/// One byte of an ASCII needle as a comparison: (x | bit) == lower.
struct Probe {
  explicit Probe(char c) : bit(ascii_alpha(c) ? 0x20 : 0), lower(ascii_lower(c)) {}

  bool hits(char x) const { return static_cast<char>(x | bit) == lower; }

  char bit;
  char lower;
};

/// First position of an ASCII needle where first and last byte fit, sixteen positions at a time;
/// the bytes between are compared only there.
size_t find_ascii(std::string_view s, std::string_view needle, size_t from) {
  if (s.size() < needle.size() || from > s.size() - needle.size()) return std::string_view::npos;
  const Probe first(needle.front());
  const Probe last(needle.back());
  const size_t reach = needle.size() - 1;
  const size_t end = s.size() - reach;  // one after the last position
  const auto inside = [&](size_t at) {
    return needle.size() <= 2 ||
           equal_ascii(s.data() + at + 1, needle.data() + 1, needle.size() - 2);
  };
  size_t at = from;
#if defined(__SSE2__)
  constexpr size_t kLanes = 16;
  const __m128i first_bit = _mm_set1_epi8(first.bit), first_lower = _mm_set1_epi8(first.lower);
  const __m128i last_bit = _mm_set1_epi8(last.bit), last_lower = _mm_set1_epi8(last.lower);
  for (; end - at >= kLanes; at += kLanes) {
    const auto* p = reinterpret_cast<const __m128i*>(s.data() + at);
    const auto* q = reinterpret_cast<const __m128i*>(s.data() + at + reach);
    const __m128i a = _mm_cmpeq_epi8(_mm_or_si128(_mm_loadu_si128(p), first_bit), first_lower);
    const __m128i b = _mm_cmpeq_epi8(_mm_or_si128(_mm_loadu_si128(q), last_bit), last_lower);
    auto hits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(a, b)));
    for (; hits != 0; hits &= hits - 1) {
      const size_t hit = at + static_cast<size_t>(std::countr_zero(hits));
      if (inside(hit)) return hit;
    }
  }
#endif
  for (; at < end; ++at)
    if (first.hits(s[at]) && last.hits(s[at + reach]) && inside(at)) return at;
  return std::string_view::npos;
}

/// Code points outside ASCII that fold into it: U+017F (s) and U+212A (k), by their lead bytes.
bool may_fold_to_ascii(std::string_view s) {
  return !s.empty() && (std::memchr(s.data(), 0xC5, s.size()) != nullptr ||
                        std::memchr(s.data(), 0xE2, s.size()) != nullptr);
}

bool has_k_or_s(std::string_view s) {
  return s.find_first_of("kKsS") != std::string_view::npos;
}

/// The plain search, code point by code point.
size_t find_folded(std::string_view s, std::string_view needle, size_t from) {
  size_t i = 0;
  const char32_t first = next_folded(needle, i);
  const std::string_view rest = needle.substr(i);
  for (size_t at = from; at < s.size();) {
    const size_t begin = at;
    if (next_folded(s, at) == first && match_at(s, at, rest) != std::string_view::npos)
      return begin;
  }
  return std::string_view::npos;
}

}  // namespace

char32_t fold(char32_t c) {
  if (c < 0x80) return static_cast<char32_t>(ascii_lower(static_cast<char>(c)));
  // The letters that evidence is made of: one load instead of a search.
  constexpr size_t kDirect = 0x600;
  static const std::array<uint16_t, kDirect> direct = [] {
    std::array<uint16_t, kDirect> t{};
    for (char32_t x = 0; x < kDirect; ++x)
      t[x] = static_cast<uint16_t>(fold_by_table(x));
    return t;
  }();
  return c < kDirect ? direct[c] : fold_by_table(c);
}

namespace {

/// Lower case of the ASCII that `s` begins with, to `out`; the number of bytes done.
size_t fold_ascii(std::string_view s, char* out) {
  constexpr size_t kWord = sizeof(uint64_t);
  const auto put = [&](size_t at) {
    const uint64_t word = load8(s.data() + at);
    if ((word & kHighBits) != 0) return false;
    const uint64_t lower = lower8(word);
    std::memcpy(out + at, &lower, kWord);
    return true;
  };
  size_t at = 0;
#if defined(__SSE2__)
  constexpr size_t kStep = sizeof(__m128i);
  for (; at + kStep <= s.size(); at += kStep) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
    if (_mm_movemask_epi8(v) != 0) break;
    const __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('A' - 1)),
                                        _mm_cmplt_epi8(v, _mm_set1_epi8('Z' + 1)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at),
                     _mm_or_si128(v, _mm_and_si128(upper, _mm_set1_epi8(32))));
  }
#endif
  for (; at + kWord <= s.size(); at += kWord)
    if (!put(at)) return at;
  if (at == s.size()) return at;
  if (at > 0 && put(s.size() - kWord)) return s.size();
  for (; at < s.size() && !high(s[at]); ++at)
    out[at] = ascii_lower(s[at]);
  return at;
}

}  // namespace

void fold(std::string_view s, std::string& out) {
  out.resize(s.size());
  size_t at = fold_ascii(s, out.data());
  out.resize(at);
  while (at < s.size()) {
    if (!high(s[at])) {
      out.push_back(ascii_lower(s[at++]));
      continue;
    }
    const char32_t c = fold(next_symbol(s, at));
    if (c >= kMalformed)
      out.push_back(static_cast<char>(c - kMalformed));
    else
      append_utf8(out, c);
  }
}

std::string fold(std::string_view s) {
  std::string out;
  fold(s, out);
  return out;
}

bool is_alnum(char32_t c) {
  if (c < 0x80) return ascii_alpha(static_cast<char>(c)) || ascii_digit(static_cast<char>(c));
  const auto at = std::lower_bound(kAlnumRanges.begin(), kAlnumRanges.end(), c,
                                   [](const CodeRange& r, char32_t x) { return r.last < x; });
  return at != kAlnumRanges.end() && c >= at->first;
}

bool equal_ignore_case(std::string_view a, std::string_view b) {
  return match_at(a, 0, b) == a.size();
}

bool starts_with_ignore_case(std::string_view s, std::string_view prefix) {
  return match_at(s, 0, prefix) != std::string_view::npos;
}

bool ends_with_ignore_case(std::string_view s, std::string_view suffix) {
  size_t end = s.size();
  size_t i = suffix.size();
  while (i > 0) {
    if (end == 0) return false;
    if (!high(s[end - 1]) && !high(suffix[i - 1])) {
      if (ascii_lower(s[--end]) != ascii_lower(suffix[--i])) return false;
    } else if (previous_folded(s, end) != previous_folded(suffix, i)) {
      return false;
    }
  }
  return true;
}

size_t find_ignore_case(std::string_view s, std::string_view needle, size_t from) {
  if (from > s.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  if (is_ascii(needle)) {
    if (has_k_or_s(needle) && may_fold_to_ascii(s)) return find_folded(s, needle, from);
    return find_ascii(s, needle, from);
  }
  if (is_ascii(s)) {
    // Only a needle whose every letter folds into ASCII can be found there.
    const std::string folded = fold(needle);
    return is_ascii(folded) ? find_ascii(s, folded, from) : std::string_view::npos;
  }
  return find_folded(s, needle, from);
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && ascii_space(s.front()))
    s.remove_prefix(1);
  while (!s.empty() && ascii_space(s.back()))
    s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = s.find(separator);
    parts.push_back(s.substr(0, at));
    if (at == std::string_view::npos) return parts;
    s.remove_prefix(at + 1);
  }
}

}  // namespace postern
