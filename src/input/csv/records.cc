#include "input/csv/records.h"

#include <algorithm>
#include <cstring>

namespace postern::input::csv {
namespace {

size_t find(std::string_view text, char c, size_t from, size_t limit) {
  if (from >= limit) return limit;
  const void* p = std::memchr(text.data() + from, c, limit - from);
  return p ? static_cast<size_t>(static_cast<const char*>(p) - text.data()) : limit;
}

}  // namespace

std::string_view plain(const Value& value, std::string& scratch) {
  if (!value.has_doubled_quotes) return value.text;
  scratch.clear();
  for (size_t i = 0; i < value.text.size(); ++i) {
    scratch.push_back(value.text[i]);
    if (value.text[i] == '"' && i + 1 < value.text.size() && value.text[i + 1] == '"') ++i;
  }
  return scratch;
}

Records::Records(std::string_view text, char separator) : text_(text), separator_(separator) {
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
}

/// Leaves the record out: the next one begins behind its first line.
void Records::pass_over(size_t stop) {
  values_.clear();
  end_ = stop;
  at_ = std::min(stop + 1, text_.size());
  ++next_line_;
}

/// A line without quotes: split at the separators.
void Records::take_plain_line(size_t stop) {
  size_t end = stop;
  if (end > at_ && text_[end - 1] == '\r') --end;
  for (size_t from = at_;;) {
    const size_t to = find(text_, separator_, from, end);
    values_.push_back({text_.substr(from, to - from), false});
    if (to == end) break;
    from = to + 1;
  }
  end_ = end;
}

/// One value and the separator behind it; at_ is then at the next value or at the line end. False:
/// a quote does not close.
bool Records::take_value(size_t limit) {
  if (at_ < limit && text_[at_] == '"') {
    Value value;
    const size_t from = ++at_;
    for (;;) {
      at_ = find(text_, '"', at_, limit);
      if (at_ == limit) return false;
      if (at_ + 1 < limit && text_[at_ + 1] == '"') {
        value.has_doubled_quotes = true;
        at_ += 2;
        continue;
      }
      break;
    }
    value.text = text_.substr(from, at_ - from);
    ++at_;
    // What some writers leave behind the closing quote (a blank) is no part of the value.
    while (at_ < limit && text_[at_] != separator_ && text_[at_] != '\n')
      ++at_;
    values_.push_back(value);
  } else {
    const size_t from = at_;
    while (at_ < limit && text_[at_] != separator_ && text_[at_] != '\n')
      ++at_;
    size_t end = at_;
    if (end > from && text_[end - 1] == '\r' && (at_ == limit || text_[at_] == '\n')) --end;
    values_.push_back({text_.substr(from, end - from), false});
  }
  return true;
}

void Records::seek(uint64_t offset, uint64_t lines_before) {
  at_ = offset;
  next_line_ = lines_before + 1;
}

bool Records::next(bool split) {
  values_.clear();
  broken_ = false;
  too_long_ = false;
  for (;; ++next_line_) {
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '\n')
      ++at_;
    else if (text_.substr(at_, 2) == "\r\n")
      at_ += 2;
    else
      break;
  }
  offset_ = at_;
  line_ = next_line_;
  const size_t stop = find(text_, '\n', at_, text_.size());
  if (find(text_, '"', at_, stop) == stop) {
    too_long_ = stop - at_ > kMaxRecordBytes;
    if (too_long_) return pass_over(stop), true;
    if (split) take_plain_line(stop);
    at_ = std::min(stop + 1, text_.size());
    ++next_line_;
    return true;
  }
  // Quotes that do not close are looked for only so long: a hostile file must cost linear time.
  const bool may_span = wasted_ <= uint64_t{4} * text_.size() + (uint64_t{64} << 20);
  const size_t limit = may_span ? std::min(text_.size(), offset_ + kMaxRecordBytes) : stop;
  for (;;) {
    if (!take_value(limit)) {
      wasted_ += limit - offset_;
      broken_ = true;
      return pass_over(stop), true;
    }
    too_long_ = at_ >= limit && at_ < text_.size() && text_[at_] != '\n';
    if (too_long_) return pass_over(stop), true;
    if (at_ >= limit || text_[at_] == '\n') break;
    ++at_;  // the separator; a value follows, if an empty one
  }
  end_ = at_;
  if (end_ > offset_ && text_[end_ - 1] == '\r') --end_;
  next_line_ +=
      static_cast<uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(offset_),
                                       text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n')) +
      1;
  at_ = std::min(at_ + 1, text_.size());
  return true;
}

}  // namespace postern::input::csv
