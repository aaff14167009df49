// Text evidence: one encoding for all (UTF-8 without a mark), and its lines with their places.
//
// Windows tools write UTF-16 (PowerShell redirection, some CSV exports); such a file is converted
// once, and offsets then count bytes of the converted text. Tests:
// tests/unit/input/text_input_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "input/format.h"

namespace postern::input {

/// The head of a file as UTF-8 without a byte order mark; `converted` holds it where it was UTF-16.
std::string_view text_head(std::string_view head, std::string& converted);

/// The whole input likewise. Where it was converted the result owns its text.
Input text_input(const Input& input);

/// A line beyond this is no record of a log (a JSON document may have as much).
inline constexpr size_t kMaxLineBytes = size_t{32} << 20;

/// Walks lines: without line end ("\n" or "\r\n"), each with its offset and its number from 1.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;  // a byte order mark is no part of the line
  }

  /// The lines of a slice of `text`; offsets and numbers are those in the whole. Null: all lines.
  LineReader(std::string_view text, const Slice* slice)
      : LineReader(slice ? text.substr(0, slice->end) : text) {
    if (!slice || slice->begin == 0) return;
    at_ = slice->begin;
    number_ = slice->lines_before;
  }

  /// False at the end of the text; a last line without line end counts.
  bool next() {
    if (at_ >= text_.size()) return false;
    offset_ = at_;
    const void* end = std::memchr(text_.data() + at_, '\n', text_.size() - at_);
    const size_t stop =
        end ? static_cast<size_t>(static_cast<const char*>(end) - text_.data()) : text_.size();
    line_ = text_.substr(at_, stop - at_);
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    at_ = stop + 1;
    ++number_;
    return true;
  }

  std::string_view line() const { return line_; }

  uint64_t offset() const { return offset_; }

  uint64_t number() const { return number_; }

  /// Bytes read so far, for progress.
  uint64_t done() const { return at_ < text_.size() ? at_ : text_.size(); }

 private:
  std::string_view text_;
  std::string_view line_;
  size_t at_ = 0;
  uint64_t offset_ = 0;
  uint64_t number_ = 0;
};

/// True for a line that is too long to be a record: it is counted as `text-long-line`, and to be
/// passed over.
bool is_long_line(const LineReader& reader, const Input& input, DecodeContext& context);

/// Cuts a text into slices of whole lines.
class LineCutter : public Cutter {
 public:
  /// `may_begin` says whether a slice may begin with this text, which follows a line end. `marked`:
  /// line() sees the lines that begin so; 0: none.
  LineCutter(std::string_view text,
             uint64_t slice_bytes,
             bool (*may_begin)(std::string_view),
             char marked = 0)
      : text_(text), slice_bytes_(slice_bytes), may_begin_(may_begin), marked_(marked) {}

  bool next(Slice& slice) override;

 protected:
  /// Sees the beginning of every marked line, in order.
  virtual void line(std::string_view) {}

  std::string header_;  ///< of the slices to come

 private:
  /// Counts the line ends in front of `end` and shows the marked lines behind them.
  void pass(size_t end);
  void show(std::string_view rest);

  std::string_view text_;
  uint64_t slice_bytes_;
  bool (*may_begin_)(std::string_view);
  char marked_;
  size_t at_ = 0;
  uint64_t lines_ = 0;
};

/// True when the text of an input lies as it is and is worth cutting.
bool can_cut_text(const Input& input, uint64_t slice_bytes);

/// Tells a DecodeContext how far a decoder is, in steps worth an atomic operation, and gives memory
/// of the input back behind it.
class Progress {
 public:
  /// `input`: whose bytes are counted, where they were not converted.
  explicit Progress(DecodeContext& context, const Input* input = nullptr)
      : context_(context),
        file_(input ? input->file : nullptr),
        done_(context.slice ? context.slice->begin : 0),
        told_(done_),
        released_(done_) {}

  ~Progress() { report(); }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done`: bytes done since the start. False: stop, the run was cancelled.
  bool at(uint64_t done) {
    done_ = done;
    if (done_ - told_ < kStep) return true;
    report();
    // Some way behind: rows of the batch that is being filled still point there.
    if (file_ && done_ - released_ > 2 * kKept) {
      file_->release(released_, done_ - kKept);
      released_ = done_ - kKept;
    }
    return !context_.stopped();
  }

 private:
  static constexpr uint64_t kStep = uint64_t{64} * 1024;
  static constexpr uint64_t kKept = uint64_t{8} << 20;

  void report() {
    if (context_.bytes_done)
      context_.bytes_done->fetch_add(done_ - told_, std::memory_order_relaxed);
    told_ = done_;
  }

  DecodeContext& context_;
  const FileBytes* file_;
  uint64_t done_;
  uint64_t told_;
  uint64_t released_;
};

}  // namespace postern::input
