#include "input/json/splitter.h"

#include <algorithm>
#include <cstring>

namespace postern::input::json {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

Splitter::Splitter(std::string_view text, size_t max_document_bytes)
    : text_(text), max_bytes_(max_document_bytes) {
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
}

size_t Splitter::line_end(size_t from) {
  // A line may hold a million documents; its end is looked for once.
  if (from < line_from_ || from > line_stop_) {
    const void* end = std::memchr(text_.data() + from, '\n', text_.size() - from);
    line_from_ = from;
    line_stop_ =
        end ? static_cast<size_t>(static_cast<const char*>(end) - text_.data()) : text_.size();
  }
  return line_stop_;
}

void Splitter::move_to(size_t to) {
  line_ += static_cast<uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                            text_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
  at_ = to;
}

/// Blanks, and the brackets and commas of a top-level array. False at the end.
bool Splitter::skip_between() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n')
      ++line_;
    else if (!is_blank(c) && c != ',' && c != '[' && c != ']' &&
             c != '\x1E')  // RFC 7464 record mark
      return true;
  }
  return false;
}

Splitter::Extent Splitter::follow_brackets(size_t from) {
  Extent extent;
  // Past this much effort in vain the file is hostile or not JSON, and documents of several lines
  // are no longer looked for.
  if (wasted_ > uint64_t{4} * text_.size() + (uint64_t{64} << 20)) {
    extent.not_tried = true;
    return extent;
  }
  const size_t limit = std::min(text_.size(), from + max_bytes_);
  size_t depth = 0;
  bool in_string = false;
  size_t i = from;
  for (; i < limit; ++i) {
    const char c = text_[i];
    if (c == '\n') {
      if (extent.restart == 0 && i + 1 < limit && text_[i + 1] == '{') {
        extent.restart = i + 1;
        if (one_per_line_) break;
      }
    } else if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      extent.end = i + 1;
      return extent;
    }
  }
  wasted_ += i - from;
  extent.too_large = i >= limit && limit < text_.size();
  if (extent.too_large && extent.restart == 0) {
    const size_t found = text_.find("\n{", limit);
    extent.restart = found == std::string_view::npos ? text_.size() : found + 1;
  }
  return extent;
}

size_t Splitter::after(const Extent& extent, size_t stop) const {
  if (extent.not_tried) return stop;
  if (extent.end > 0 && extent.end <= stop) return extent.end;
  // Brackets that run over lines do so because one of them is broken: what starts a line inside may
  // be a good document.
  if (extent.restart > 0) return extent.restart;
  return extent.end > 0 ? extent.end : text_.size();
}

bool Splitter::next(Piece& piece) {
  if (by_line_) one_per_line_ = true;  // nobody complained about the last one
  by_line_ = false;
  if (!skip_between()) return false;
  start_ = at_;
  start_line_ = line_;
  piece.offset = at_;
  piece.line = line_;
  piece.kind = Piece::Kind::kDocument;
  const size_t stop = line_end(at_);
  if (text_[at_] != '{') {
    piece.kind = Piece::Kind::kText;
    piece.text = text_.substr(at_, stop - at_);
    at_ = stop;
    return true;
  }
  if (at_ >= by_brackets_until_) {
    size_t end = stop;
    while (end > at_ && (is_blank(text_[end - 1]) || text_[end - 1] == ','))
      --end;
    if (text_[end - 1] == ']') {
      // The end of the array, unless the last line of a document ends with an array of its own.
      size_t before = end - 1;
      while (is_blank(text_[before - 1]))
        --before;
      if (text_[before - 1] == '}') end = before;
    }
    if (text_[end - 1] == '}' && end - at_ <= max_bytes_) {
      piece.text = text_.substr(at_, end - at_);
      by_line_ = true;
      at_ = end;
      return true;
    }
  }
  last_ = follow_brackets(at_);
  if (last_.end > 0) {
    piece.text = text_.substr(at_, last_.end - at_);
    move_to(last_.end);
    return true;
  }
  piece.kind = last_.too_large ? Piece::Kind::kTooLarge : Piece::Kind::kUnclosed;
  piece.text = text_.substr(at_, stop - at_);
  move_to(after(last_, stop));
  return true;
}

bool Splitter::retry(Piece& piece) {
  if (!by_line_) {
    wasted_ += piece.text.size();
    at_ = start_;
    line_ = start_line_;
    move_to(after(last_, line_end(start_)));
    return false;
  }
  by_line_ = false;
  const size_t cut = at_;
  const size_t stop = line_end(start_);
  last_ = follow_brackets(start_);
  if (last_.end == 0 || last_.end == cut) {
    at_ = stop;
    return false;
  }
  if (last_.end < cut) by_brackets_until_ = stop;
  at_ = start_;
  line_ = start_line_;
  piece.text = text_.substr(start_, last_.end - start_);
  move_to(last_.end);
  return true;
}

}  // namespace postern::input::json
