#include "input/json/unescape.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "base/hex_digit.h"
#include "base/text.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace postern::input::json {
namespace {

/// Four hex digits at `at`, or -1.
int32_t hex4(std::string_view s, size_t at) {
  if (at + 4 > s.size()) return -1;
  int32_t v = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int d = hex_digit(s[i]);
    if (d < 0) return -1;
    v = v * 16 + d;
  }
  return v;
}

bool is_high_surrogate(int32_t v) {
  return v >= 0xD800 && v <= 0xDBFF;
}

bool is_low_surrogate(int32_t v) {
  return v >= 0xDC00 && v <= 0xDFFF;
}

/// The character of the escape "\uXXXX" at `at`, whose digits are `first`; moves `in` over the
/// second half of a surrogate pair.
char32_t code_point(std::string_view raw, size_t at, int32_t first, const char*& in) {
  if (!is_high_surrogate(first) && !is_low_surrogate(first)) return static_cast<char32_t>(first);
  if (is_low_surrogate(first) || raw.substr(at + 6, 2) != "\\u") return 0xFFFD;
  const int32_t second = hex4(raw, at + 8);
  if (!is_low_surrogate(second)) return 0xFFFD;
  in += 6;
  return 0x10000U + (static_cast<char32_t>(first - 0xD800) << 10) +
         static_cast<char32_t>(second - 0xDC00);
}

char* put_utf8(char* to, char32_t c) {
  const auto byte = [](char32_t v) { return static_cast<char>(static_cast<uint8_t>(v)); };
  if (c < 0x80) {
    *to++ = byte(c);
  } else if (c < 0x800) {
    *to++ = byte(0xC0 | c >> 6);
    *to++ = byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *to++ = byte(0xE0 | c >> 12);
    *to++ = byte(0x80 | (c >> 6 & 0x3F));
    *to++ = byte(0x80 | (c & 0x3F));
  } else {
    *to++ = byte(0xF0 | c >> 18);
    *to++ = byte(0x80 | (c >> 12 & 0x3F));
    *to++ = byte(0x80 | (c >> 6 & 0x3F));
    *to++ = byte(0x80 | (c & 0x3F));
  }
  return to;
}

/// What stands for a character behind a backslash; 0: nothing that is one letter.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> t{};
  t['"'] = '"';
  t['\\'] = '\\';
  t['/'] = '/';
  t['b'] = '\b';
  t['f'] = '\f';
  t['n'] = '\n';
  t['r'] = '\r';
  t['t'] = '\t';
  return t;
}();

/// Resolves the escape that begins at `in`, a backslash; moves behind it.
char* put_escape(std::string_view raw, const char*& in, char* to) {
  const char* const end = raw.data() + raw.size();
  if (in + 1 == end) {
    *to++ = *in++;
    return to;
  }
  const char c = in[1];
  if (const char plain = kEscapes[static_cast<uint8_t>(c)]; plain != 0) {
    *to++ = plain;
  } else if (int32_t first = -1;
             c == 'u' && (first = hex4(raw, static_cast<size_t>(in - raw.data()) + 2)) >= 0) {
    const auto at = static_cast<size_t>(in - raw.data());
    in += 4;
    to = put_utf8(to, code_point(raw, at, first, in));
  } else {
    *to++ = '\\';
    *to++ = c;
  }
  in += 2;
  return to;
}

#if defined(__x86_64__)

/// Where to take each byte of eight from when those that have no bit in the number are left out.
constexpr std::array<std::array<uint8_t, 8>, 256> kKept = [] {
  std::array<std::array<uint8_t, 8>, 256> t{};
  for (size_t bits = 0; bits < t.size(); ++bits) {
    size_t n = 0;
    for (uint8_t i = 0; i < 8; ++i)
      if (bits >> i & 1) t[bits][n++] = i;
  }
  return t;
}();

/// Sixteen bytes a step: of `\\\\`, `\\"` and `\\/` the backslash is left out, and what else is
/// escaped is resolved one by one.
__attribute__((target("ssse3,popcnt"))) size_t unescape_by_blocks(std::string_view raw, char* out) {
  constexpr int kBlock = 16;
  constexpr uint32_t kOdd = 0xAAAAAAAA;
  const char* in = raw.data();
  const char* const end = in + raw.size();
  char* to = out;
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('/');
  while (in < end) {
    const auto limit = static_cast<int>(std::min<std::ptrdiff_t>(kBlock, end - in));
    const uint32_t inside = (1U << limit) - 1;
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    const __m128i is_backslash = _mm_cmpeq_epi8(block, backslash);
    const uint32_t found = static_cast<uint32_t>(_mm_movemask_epi8(is_backslash)) & inside;
    if (found == 0) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block);
      in += limit;
      to += limit;
      continue;
    }
    // Those that begin an escape: every other one of a run. No block begins with an escaped byte.
    const uint32_t begin = ((((found << 1) | kOdd) - found) ^ kOdd) & found;
    const __m128i is_plain = _mm_or_si128(
        is_backslash, _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, slash)));
    const uint32_t plain = static_cast<uint32_t>(_mm_movemask_epi8(is_plain)) & inside;
    // Of what is escaped behind the block nothing is known; it begins the next one.
    const uint32_t other = begin & ~(plain >> 1);
    const int size = other != 0 ? std::countr_zero(other) : limit;
    const uint32_t keep = ~begin & ((1U << size) - 1);
    const auto half = [&](uint32_t bits) __attribute__((target("ssse3,popcnt"))) {
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kKept[bits].data()));
    };
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(block, half(keep & 0xFF)));
    to += std::popcount(keep & 0xFF);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to),
                     _mm_shuffle_epi8(_mm_unpackhi_epi64(block, block), half(keep >> 8)));
    to += std::popcount(keep >> 8);
    in += size;
    if (other != 0 && size < kBlock - 1) to = put_escape(raw, in, to);
  }
  return static_cast<size_t>(to - out);
}

const bool kHasBlocks = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");

#endif

}  // namespace

size_t unescape(std::string_view raw, char* out) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101ULL;
  constexpr uint64_t kHigh = kOnes * 0x80;
  const char* in = raw.data();
  const char* const end = in + raw.size();
  char* to = out;
  while (in < end) {
    // Eight bytes at a time up to the next backslash. What is written beyond it is overwritten: the
    // output is never ahead of the input.
    while (end - in >= 8) {
      uint64_t word;
      std::memcpy(&word, in, 8);
      std::memcpy(to, &word, 8);
      const uint64_t x = word ^ (kOnes * static_cast<uint8_t>('\\'));
      const uint64_t found = (x - kOnes) & ~x & kHigh;
      if (found != 0) {
        const auto n = static_cast<size_t>(std::countr_zero(found)) / 8;
        in += n;
        to += n;
        break;
      }
      in += 8;
      to += 8;
    }
    if (in == end) break;
    if (*in == '\\')
      to = put_escape(raw, in, to);
    else
      *to++ = *in++;
  }
  return static_cast<size_t>(to - out);
}

size_t unescape_with_slack(std::string_view raw, char* out) {
#if defined(__x86_64__)
  if (kHasBlocks) return unescape_by_blocks(raw, out);
#endif
  return unescape(raw, out);
}

}  // namespace postern::input::json
