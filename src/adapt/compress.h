// Compressed files and archives as plain bytes. Library: libarchive (gz, bz2, xz, zstd, lz4; zip,
// tar, 7z). Tests: tests/unit/adapt/compress_test.cc; fuzz_compress.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace postern::adapt {

/// Limits against bombs; exceeding one is Code::kLimit.
struct ArchiveLimits {
  uint64_t max_bytes = uint64_t{16} << 30;  ///< of all members together
  uint32_t max_members = 100'000;
  double max_ratio = 1000;  ///< output to input, once 64 MiB have come out
};

/// "gzip", "zstd", "xz", "bzip2", "lz4", "zip", "tar", "7z", or "" when `head` is none of them.
std::string_view archive_kind(std::string_view head);

/// What takes the members; each call returns false to stop.
struct MemberTaker {
  /// Before a member is unpacked; false: it is left out. Null: all are wanted.
  std::function<bool(const std::string& name)> wants;
  /// A member and its bytes, in memory or (large ones) in a temporary file.
  std::function<bool(const std::string& name, std::shared_ptr<const FileBytes> bytes)> take;
  /// While it goes on: bytes of the archive consumed so far; false: stop. May be null.
  std::function<bool(uint64_t consumed)> progress;
};

/// Gives each regular member (one, named "", for a bare compressed file), in order. Members of
/// nested archives are not unpacked here. Names are UTF-8 (repaired where they are not) and may be
/// paths with "..": they are not for opening files. Returns how many were given. Errors:
/// kUnsupported (no archive; or, after all others were given, some members are encrypted), kCorrupt
/// and kTruncated (what could be read of the last member was given), kLimit, kIo (no room for a
/// temporary file).
Result<uint32_t> unpack(std::string_view archive,
                        const ArchiveLimits& limits,
                        const MemberTaker& taker);

/// The same with all members in memory, for small ones.
Result<uint32_t> for_each_member(
    std::string_view archive,
    const ArchiveLimits& limits,
    const std::function<bool(const std::string& name, std::string bytes)>& member);

}  // namespace postern::adapt
