// Packet captures for the benchmarks: see captures.cc.
#pragma once
#include <cstdint>
#include <string_view>

namespace postern::bench {

struct CaptureCounts {
  uint64_t events = 0;  ///< mails, packets or flows, by kind
  uint64_t wanted = 0;  ///< rows of the rules of bench/rules/mail_*
};

/// Writes a capture of kind "mail", "packets" or "idle" of about `bytes`; no counts when the kind
/// is another or the file cannot be written.
CaptureCounts write_capture(std::string_view kind, const char* path, uint64_t bytes, uint64_t seed);

}  // namespace postern::bench
