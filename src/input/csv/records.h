// Records of a CSV text (RFC 4180): quoted values may hold separators, doubled quotes and line
// ends.
//
// Values are views into the text; only one with doubled quotes needs rewriting, when it is wanted.
// A quote that never closes would swallow the rest of the file, so such a record ends at its line.
// Tests: tests/unit/input/csv_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::input::csv {

/// A record of more is taken for one whose quote does not close.
inline constexpr size_t kMaxRecordBytes = size_t{16} << 20;

struct Value {
  std::string_view text;  ///< without the quotes around it
  bool has_doubled_quotes = false;
};

/// The value as it is meant; `scratch` holds it where quotes were doubled.
std::string_view plain(const Value& value, std::string& scratch);

class Records {
 public:
  Records(std::string_view text, char separator);

  /// The next record; blank lines are passed over. False at the end. Not `split`: only its end is
  /// looked for, and the values of most records are left out.
  bool next(bool split = true);
  /// Goes on at `offset`, which a record begins at, behind so many lines.
  void seek(uint64_t offset, uint64_t lines_before);

  const std::vector<Value>& values() const { return values_; }

  std::string_view text() const { return text_.substr(offset_, end_ - offset_); }

  uint64_t offset() const { return offset_; }

  uint64_t line() const { return line_; }  ///< of its beginning, from 1

  bool is_broken() const { return broken_; }  ///< a quote did not close

  bool is_too_long() const { return too_long_; }  ///< beyond kMaxRecordBytes; it has no values

  uint64_t done() const { return at_; }

  uint64_t lines_done() const { return next_line_ - 1; }

 private:
  bool take_value(size_t limit);
  void take_plain_line(size_t stop);
  void pass_over(size_t stop);

  std::string_view text_;
  char separator_;
  std::vector<Value> values_;
  size_t at_ = 0;
  uint64_t next_line_ = 1;
  size_t offset_ = 0;
  size_t end_ = 0;
  uint64_t line_ = 0;
  bool broken_ = false;
  bool too_long_ = false;
  uint64_t wasted_ = 0;  // bytes looked through for quotes that do not close
};

}  // namespace postern::input::csv
