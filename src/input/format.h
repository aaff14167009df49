// Evidence formats: how a file is recognised by its content and turned into batches.
//
// To add a format: one folder or .cc here with a `Format`, one line in formats.cc, one
// catalog/tables file per native table it gives. Tests: tests/unit/input, tests/golden.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "match/content_scanner.h"

namespace postern::input {

/// One piece of evidence: a file, or a member of an archive (path "a.zip!b.json").
struct Input {
  std::string path;
  std::string_view bytes;
  std::shared_ptr<const void> owner;  ///< keeps `bytes` alive; batches that borrow from it keep it
  bool is_unpacked = false;           ///< came out of a compressed file or an archive
  uint64_t base_offset = 0;           ///< of bytes[0], where they are a part of the file
  uint64_t base_line = 0;             ///< lines before it
};

/// What a decoder works with; one per file, used by one thread.
struct DecodeContext {
  const data::Layouts& layouts;  ///< columns wanted, by native table
  data::BatchSink& sink;
  data::Anomalies& anomalies;
  match::ContentScanner* scanner = nullptr;  ///< contents to scan while they pass; null: none
  const std::atomic<bool>* cancelled = nullptr;
  /// Bytes done so far, for progress; decoders add as they go.
  std::atomic<uint64_t>* bytes_done = nullptr;

  bool stopped() const { return cancelled && cancelled->load(std::memory_order_relaxed); }

  const data::Layout* layout(std::string_view table) const {
    const auto it = layouts.find(table);
    return it == layouts.end() ? nullptr : &it->second;
  }
};

struct Format {
  std::string_view name;  ///< "evtx", "zeek-tsv", …, as `inspect` prints it
  /// True when the content is of this format. `head` is the first 64 KiB at most of the file.
  bool (*detect)(std::string_view head);
  /// Decodes the whole input; bad data is an anomaly, never an exception. Returns when done, when
  /// the sink said stop, or when cancelled.
  void (*decode)(const Input& input, DecodeContext& context);
};

/// All formats, most specific first: the first whose detect() says yes decodes.
const std::vector<Format>& formats();
/// The format of a file, or nullptr when none is recognised.
const Format* detect_format(std::string_view head);

}  // namespace postern::input
