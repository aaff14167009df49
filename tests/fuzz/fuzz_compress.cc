// Any bytes unpack within their limits, or give an error.
#include <cstdint>
#include <cstdlib>

#include "adapt/compress.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  postern::adapt::ArchiveLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_members = 20;
  uint64_t total = 0;
  uint32_t members = 0;
  const auto count =
      postern::adapt::for_each_member(input, limits, [&](const std::string&, std::string bytes) {
        total += bytes.size();
        ++members;
        return true;
      });
  if (total > limits.max_bytes || members > limits.max_members) std::abort();
  if (count && *count != members) std::abort();
  postern::adapt::archive_kind(input);
  return 0;
}
