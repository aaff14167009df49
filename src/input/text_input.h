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

/// Walks lines: without line end ("\n" or "\r\n"), each with its offset and its number from 1.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;  // a byte order mark is no part of the line
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

/// Tells a DecodeContext how far a decoder is, in steps worth an atomic operation.
class Progress {
 public:
  explicit Progress(DecodeContext& context) : context_(context) {}

  ~Progress() { report(); }

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done`: bytes done since the start. False: stop, the run was cancelled.
  bool at(uint64_t done) {
    done_ = done;
    if (done_ - told_ < kStep) return true;
    report();
    return !context_.stopped();
  }

 private:
  static constexpr uint64_t kStep = uint64_t{64} * 1024;

  void report() {
    if (context_.bytes_done)
      context_.bytes_done->fetch_add(done_ - told_, std::memory_order_relaxed);
    told_ = done_;
  }

  DecodeContext& context_;
  uint64_t done_ = 0;
  uint64_t told_ = 0;
};

}  // namespace postern::input
