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

#include "base/file.h"
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
  const FileBytes* file = nullptr;    ///< `owner`, where `bytes` is all of a file
};

struct SliceEnd;

/// A part of an input that is decoded on its own: whole chunks, whole lines. Slices follow one
/// another without gaps; their rows, one slice after the other, are the rows of the input.
struct Slice {
  /// A line in front of the slice, by its place in the input.
  struct Line {
    uint64_t offset = 0;
    uint64_t number = 0;
  };

  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t lines_before = 0;  ///< of text, in front of `begin`
  std::string header;         ///< of text: the lines in front that say how to read it (Zeek's)
  std::vector<Line> carried;  ///< of text: lines of audit events that are open where it begins
  std::shared_ptr<SliceEnd> behind;  ///< where the decoder may tell the cutter something; or null
};

/// What the slice behind another begins with, as the decoder of that one knows it when it is done;
/// a cutter that is asked earlier finds it out by itself.
struct SliceEnd {
  std::atomic<bool> is_known{false};  ///< set last
  uint64_t lines_before = 0;
  std::vector<Slice::Line> carried;
};

/// Cuts one input into slices, always at the same places. Used by one thread at a time.
class Cutter {
 public:
  virtual ~Cutter() = default;
  /// The next slice, in order; false: there are no more.
  virtual bool next(Slice& slice) = 0;
};

/// Bytes of a slice, about, and half of what is worth cutting: far more than a batch, little beside
/// the memory of any machine.
inline constexpr uint64_t kSliceBytes = uint64_t{16} << 20;

/// Bytes of the next slice when `left` are left of the input: towards its end they become smaller,
/// so that threads are done at the same time. Depends on nothing but the input.
constexpr uint64_t slice_bytes_of(uint64_t left, uint64_t slice_bytes) {
  const uint64_t least = slice_bytes < 16 ? 1 : slice_bytes / 16;
  const uint64_t part = left / 8;
  return part < least ? least : part < slice_bytes ? part : slice_bytes;
}

/// What a decoder works with; one per input or slice of one, used by one thread.
struct DecodeContext {
  const data::Layouts& layouts;  ///< columns wanted, by native table
  data::BatchSink& sink;
  data::Anomalies& anomalies;
  match::ContentScanner* scanner = nullptr;  ///< contents to scan while they pass; null: none
  const std::atomic<bool>* cancelled = nullptr;
  /// Bytes done so far, for progress; decoders add as they go.
  std::atomic<uint64_t>* bytes_done = nullptr;
  const Slice* slice = nullptr;  ///< only this of the input; null: all of it

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
  /// Cuts an input so that several threads can decode it. Null, here or given back: it is decoded
  /// as a whole (what comes late changes how early bytes are read, or nobody needed it yet).
  std::unique_ptr<Cutter> (*cut)(const Input& input, uint64_t slice_bytes) = nullptr;
};

/// All formats, most specific first: the first whose detect() says yes decodes.
const std::vector<Format>& formats();
/// The format of a file, or nullptr when none is recognised.
const Format* detect_format(std::string_view head);

}  // namespace postern::input
