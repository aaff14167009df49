#include "match/json_escape.h"

#include <bit>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace postern::match {

bool begins_escape(std::string_view json, size_t at) {
  size_t before = at;
  while (before > 0 && json[before - 1] == '\\')
    --before;
  return (at - before) % 2 == 0;
}

bool has_unicode_escape(std::string_view json) {
  size_t at = 0;
#if defined(__x86_64__)
  // Sixteen places at a time: most backslashes are those of paths.
  constexpr size_t kStep = 16;
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i letter = _mm_set1_epi8('u');
  for (; at + kStep < json.size(); at += kStep) {
    const auto load = [&](size_t i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(json.data() + at + i));
    };
    const __m128i both =
        _mm_and_si128(_mm_cmpeq_epi8(load(0), backslash), _mm_cmpeq_epi8(load(1), letter));
    for (auto places = static_cast<uint32_t>(_mm_movemask_epi8(both)); places != 0;
         places &= places - 1)
      if (begins_escape(json, at + static_cast<size_t>(std::countr_zero(places)))) return true;
  }
#endif
  for (; at + 1 < json.size(); ++at)
    if (json[at] == '\\' && json[at + 1] == 'u' && begins_escape(json, at)) return true;
  return false;
}

}  // namespace postern::match
