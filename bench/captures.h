// Packet captures for the benchmarks: see captures.cc.
#pragma once
#include <cstdint>
#include <string_view>

#include "bench/output.h"

namespace postern::bench {

/// Writes a capture of kind "mail", "packets" or "idle" of about `bytes`; no counts when the kind
/// is another or the file cannot be written.
Counts write_capture(std::string_view kind, const char* path, uint64_t bytes, uint64_t seed);

}  // namespace postern::bench
