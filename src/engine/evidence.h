// Evidence on disk: files, folders, globs and archives, as inputs that decoders take.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/batch.h"
#include "input/format.h"

namespace postern::engine {

/// Paths of all files behind the given ones, in a fixed order; what cannot be read is told to
/// `errors`.
std::vector<std::string> expand_evidence(const std::vector<std::string>& paths,
                                         std::vector<std::string>& errors);

/// What opening needs beside the path.
struct OpenOptions {
  /// Bytes of the file that are done: the decoder counts for a plain file (see `bytes_done_of`),
  /// the unpacking for an archive. May be null.
  std::atomic<uint64_t>* bytes_done = nullptr;
  const std::atomic<bool>* cancelled = nullptr;
  bool carve = false;  ///< decode with input::with_carving()
};

/// Opens a file and calls `take(input, format)` for it, or for each member of an archive (also
/// nested, three deep; all that comes out of one file is bounded together). `format` is null for
/// what no decoder knows.
void open_evidence(const std::string& path,
                   const OpenOptions& options,
                   data::Anomalies& anomalies,
                   std::vector<std::string>& errors,
                   const std::function<void(const input::Input&, const input::Format*)>& take);

/// Where the decoder of `in` counts its bytes: nowhere for what was unpacked.
inline std::atomic<uint64_t>* bytes_done_of(const OpenOptions& options, const input::Input& in) {
  return in.is_unpacked ? nullptr : options.bytes_done;
}

/// A large file whose format can be cut, with the cutter at its start.
struct CutFile {
  input::Input input;
  const input::Format* format = nullptr;
  std::unique_ptr<input::Cutter> cutter;
};

/// The file, if it is worth cutting; null for all else (small files, archives, formats that are
/// decoded as a whole, what cannot be opened), which open_evidence() reads.
std::shared_ptr<CutFile> cut_evidence(const std::string& path, uint64_t slice_bytes);

}  // namespace postern::engine
