// JSON text to a dynamic value and back: what was read prints as JSON that reads as the same bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "data/dynamic.h"

using postern::data::Dynamic;
using postern::data::dynamic_from_json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Bytes that are no encoding must not be read beyond.
  (void)Dynamic(text).json();
  (void)Dynamic(text).find("a").text();
  const auto once = dynamic_from_json(text);
  if (!once) return 0;
  const std::string printed = Dynamic(*once).json();
  POSTERN_CHECK(postern::valid_utf8(printed));
  const auto twice = dynamic_from_json(printed);
  POSTERN_CHECK(twice && *twice == *once);
  return 0;
}
