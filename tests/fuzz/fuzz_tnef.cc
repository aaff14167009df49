// TNEF streams and compressed RTF.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mime/tnef.h"

namespace {

struct Nothing final : postern::mime::TnefHandler {
  void tnef_file(std::string_view, std::string_view, std::string_view) override {}

  void tnef_body(std::string_view, std::string_view, std::string_view) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Nothing handler;
  postern::mime::read_tnef(bytes, handler);
  std::string out;
  postern::mime::decompress_rtf(bytes, 1 << 20, out);
  return 0;
}
