// Texts of all kinds: searching agrees with folding, times and numbers read back what they print.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "base/time.h"

namespace {

size_t find_slowly(std::string_view s, std::string_view needle) {
  const std::string wanted = postern::fold(needle);
  for (size_t at = 0; at <= s.size();) {
    if (postern::fold(s.substr(at)).starts_with(wanted)) return at;
    if (at == s.size()) break;
    postern::next_code_point(s, at);
  }
  return std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 512) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t cut = (all[0] & 0x7F) % size;
  const std::string_view needle = all.substr(1, cut), text = all.substr(std::min(size, 1 + cut));

  POSTERN_CHECK(postern::valid_utf8(postern::repair_utf8(text)));
  POSTERN_CHECK(postern::valid_utf8(text) == (postern::repair_utf8(text) == text));
  // A needle that ends within a letter folds to bytes that a whole letter may begin with.
  if (postern::valid_utf8(needle))
    POSTERN_CHECK(postern::find_ignore_case(text, needle) == find_slowly(text, needle));
  const std::string folded = postern::fold(text), folded_needle = postern::fold(needle);
  POSTERN_CHECK(postern::equal_ignore_case(text, needle) == (folded == folded_needle));
  if (postern::ends_with_ignore_case(text, needle)) POSTERN_CHECK(folded.ends_with(folded_needle));
  if (postern::starts_with_ignore_case(text, needle))
    POSTERN_CHECK(folded.starts_with(folded_needle));

  if (const auto t = postern::parse_timespan(text))
    POSTERN_CHECK(postern::parse_timespan(postern::format_timespan(*t)) == t);
  if (const auto t = postern::parse_rfc3339(text))
    POSTERN_CHECK(postern::parse_rfc3339(postern::format_rfc3339(*t)) == t);
  (void)postern::ticks_from_unix_text(text);
  if (const auto v = postern::parse_real(text))
    POSTERN_CHECK(postern::parse_real(postern::real_text(*v)) == v);
  if (const auto v = postern::parse_int(text))
    POSTERN_CHECK(postern::parse_int(std::to_string(*v)) == v);
  (void)postern::nearest_name(needle, {text, "contains", "startswith"});
  return 0;
}
