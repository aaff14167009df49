// Narrowing: while all units are below 0x80, sixteen of them are two loads, one test, one pack and
// one store. The general converter takes over at the first other unit and hands back after each.
#include "input/evtx/utf16.h"

#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "input/evtx/bytes.h"

namespace postern::input::evtx {
namespace {

/// Narrows units while they are ASCII; returns how many. Writes at most `units` bytes.
size_t narrow_ascii(const char* in, size_t units, char* out) {
  size_t i = 0;
#if defined(__SSE2__)
  const __m128i high = _mm_set1_epi16(static_cast<short>(0xff80));
  const __m128i zero = _mm_setzero_si128();
  for (; i + 16 <= units; i += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i + 16));
    const __m128i above = _mm_and_si128(_mm_or_si128(a, b), high);
    if (_mm_movemask_epi8(_mm_cmpeq_epi16(above, zero)) != 0xffff) break;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_packus_epi16(a, b));
  }
  // Most values end within the next eight.
  for (; i + 8 <= units; i += 8) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i));
    if (_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_and_si128(a, high), zero)) != 0xffff) break;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), _mm_packus_epi16(a, a));
  }
#endif
  for (; i < units; ++i) {
    const uint16_t u = load<uint16_t>(in + 2 * i);
    if (u > 0x7f) break;
    out[i] = static_cast<char>(u);
  }
  return i;
}

char* put(char* out, char32_t c) {
  const auto byte = [](char32_t b) { return static_cast<char>(b); };
  if (c < 0x80) {
    *out++ = byte(c);
  } else if (c < 0x800) {
    *out++ = byte(0xc0 | (c >> 6));
    *out++ = byte(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    *out++ = byte(0xe0 | (c >> 12));
    *out++ = byte(0x80 | ((c >> 6) & 0x3f));
    *out++ = byte(0x80 | (c & 0x3f));
  } else {
    *out++ = byte(0xf0 | (c >> 18));
    *out++ = byte(0x80 | ((c >> 12) & 0x3f));
    *out++ = byte(0x80 | ((c >> 6) & 0x3f));
    *out++ = byte(0x80 | (c & 0x3f));
  }
  return out;
}

/// Writes at most 3 bytes a unit (a surrogate pair is two units and four bytes); returns the end.
char* convert(const char* in, size_t units, char* out) {
  size_t i = 0;
  while (i < units) {
    const size_t n = narrow_ascii(in + 2 * i, units - i, out);
    i += n;
    out += n;
    if (i == units) break;
    char32_t c = load<uint16_t>(in + 2 * i++);
    if (c >= 0xd800 && c < 0xe000) {
      const char32_t low = c < 0xdc00 && i < units ? load<uint16_t>(in + 2 * i) : 0;
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        ++i;
      } else {
        c = 0xfffd;
      }
    }
    out = put(out, c);
  }
  return out;
}

// The only characters beyond ASCII that fold into it (base/text.h).
constexpr uint16_t kLongS = 0x017f;
constexpr uint16_t kKelvin = 0x212a;

}  // namespace

Narrowed narrow_to_search(const char* in, size_t units, const char* stop, char* out) {
  Narrowed told;
  size_t i = 0;
#if defined(__SSE2__)
  // Whole steps: what the last one takes beyond the units is written over by what comes next.
  const __m128i long_s = _mm_set1_epi16(kLongS);
  const __m128i kelvin = _mm_set1_epi16(kKelvin);
  __m128i found = _mm_setzero_si128();
  __m128i all = _mm_setzero_si128();
  const auto look_at = [&](__m128i v) {
    all = _mm_or_si128(all, v);
    found =
        _mm_or_si128(found, _mm_or_si128(_mm_cmpeq_epi16(v, long_s), _mm_cmpeq_epi16(v, kelvin)));
  };
  for (; i < units && stop - (in + 2 * i) >= 32; i += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i + 16));
    look_at(a);
    look_at(b);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_packus_epi16(a, b));
  }
  told.folds = _mm_movemask_epi8(found) != 0;
  const __m128i high = _mm_andnot_si128(_mm_set1_epi16(0x7f), all);
  told.beyond = _mm_movemask_epi8(_mm_cmpeq_epi16(high, _mm_setzero_si128())) != 0xffff;
#endif
  for (; i < units; ++i) {
    const uint16_t u = load<uint16_t>(in + 2 * i);
    out[i] = u > 0x7f ? '\xff' : static_cast<char>(u);
    told.folds = told.folds || u == kLongS || u == kKelvin;
    told.beyond = told.beyond || u > 0x7f;
  }
  return told;
}

std::string_view trim_utf16(std::string_view utf16) {
  size_t n = utf16.size() & ~size_t{1};
  while (n != 0 && utf16[n - 1] == 0 && utf16[n - 2] == 0)
    n -= 2;
  return utf16.substr(0, n);
}

std::string_view utf8_in_arena(Arena& arena, std::string_view utf16) {
  const size_t units = utf16.size() / 2;
  if (units == 0) return {"", 0};
  char* const ascii = arena.allocate(units);
  const size_t n = narrow_ascii(utf16.data(), units, ascii);
  if (n == units) return {ascii, units};
  // Rare enough that the copy, and the bytes left unused in the arena, do not matter.
  std::string wide;
  append_utf8_from_utf16(wide, utf16);
  return arena.copy(wide);
}

void append_utf8_from_utf16(std::string& out, std::string_view utf16) {
  const size_t units = utf16.size() / 2;
  const size_t before = out.size();
  out.resize(before + units * 3);
  const char* const end = convert(utf16.data(), units, out.data() + before);
  out.resize(static_cast<size_t>(end - out.data()));
}

}  // namespace postern::input::evtx
