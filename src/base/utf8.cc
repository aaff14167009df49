// UTF-8 and UTF-16LE: decoding that never fails, and repair of what is malformed.
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"

namespace postern {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr uint64_t kHighBits = 0x8080808080808080;

/// Position of the first non-ASCII byte at or after `at`.
size_t skip_ascii(std::string_view s, size_t at) {
#if defined(__SSE2__)
  constexpr size_t kBlock = sizeof(__m128i);
  for (; s.size() - at >= 2 * kBlock; at += 2 * kBlock) {
    const auto* blocks = reinterpret_cast<const __m128i*>(s.data() + at);
    if (_mm_movemask_epi8(_mm_or_si128(_mm_loadu_si128(blocks), _mm_loadu_si128(blocks + 1))) != 0)
      break;
  }
#endif
  const auto word_at = [&](size_t from) {
    uint64_t word = 0;
    std::memcpy(&word, s.data() + from, sizeof word);
    return word;
  };
  for (; s.size() - at >= sizeof(uint64_t); at += sizeof(uint64_t))
    if (word_at(at) & kHighBits) break;
  // The last word overlaps what has been looked at.
  if (s.size() >= sizeof(uint64_t) && s.size() - at < sizeof(uint64_t) &&
      !(word_at(s.size() - sizeof(uint64_t)) & kHighBits))
    return s.size();
  while (at < s.size() && static_cast<unsigned char>(s[at]) < 0x80)
    ++at;
  return at;
}

}  // namespace

bool is_ascii(std::string_view s) {
  return skip_ascii(s, 0) == s.size();
}

char32_t next_code_point(std::string_view s, size_t& at) {
  const auto byte = [&s](size_t i) -> uint32_t {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0;
  };
  const uint32_t lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead >= 0xC2 && lead <= 0xF4 && s.size() - at >= length) {
    uint32_t c = lead & (0x7FU >> length);
    bool well_formed = true;
    for (size_t i = 1; i < length; ++i) {
      const uint32_t b = byte(at + i);
      well_formed = well_formed && (b & 0xC0) == 0x80;
      c = (c << 6) | (b & 0x3F);
    }
    // C0 and C1 are gone; left are overlong three and four byte forms, surrogates, beyond Unicode.
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (well_formed && c >= kLeast[length] && c <= 0x10FFFF && !surrogate) {
      at += length;
      return c;
    }
  }
  ++at;
  return kReplacement;
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  const auto put = [&out](uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool valid_utf8(std::string_view s) {
  for (size_t at = skip_ascii(s, 0); at < s.size(); at = skip_ascii(s, at)) {
    const size_t begin = at;
    next_code_point(s, at);
    if (at - begin == 1) return false;  // only a malformed byte is a lone non-ASCII one
  }
  return true;
}

std::string repair_utf8(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  size_t done = 0;
  for (size_t at = skip_ascii(s, 0); at < s.size(); at = skip_ascii(s, at)) {
    const size_t begin = at;
    next_code_point(s, at);
    if (at - begin > 1) continue;
    out.append(s.substr(done, begin - done));
    append_utf8(out, kReplacement);
    done = at;
  }
  return out.append(s.substr(done));
}

void append_utf16le(std::string& out, std::string_view utf16) {
  const auto unit = [&utf16](size_t at) -> char32_t {
    return static_cast<char32_t>(static_cast<unsigned char>(utf16[at]) |
                                 (static_cast<unsigned char>(utf16[at + 1]) << 8));
  };
  size_t at = 0;
  while (utf16.size() - at >= 2) {
    char32_t c = unit(at);
    at += 2;
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
      continue;
    }
    if (c >= 0xD800 && c < 0xDC00 && utf16.size() - at >= 2) {
      const char32_t low = unit(at);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    append_utf8(out, c);  // a lone surrogate becomes U+FFFD there
  }
  if (at < utf16.size()) append_utf8(out, kReplacement);  // half a code unit
}

}  // namespace postern
