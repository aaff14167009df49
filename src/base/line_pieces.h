// The lines of a stream that comes in pieces of any size: whole lines, and of lines that are longer
// than a limit one part after the other. So nobody holds more than the limit, and a line that lies
// in one piece of the stream is never copied. Tests: tests/unit/base/line_pieces_test.cc.
#pragma once
#include <cstring>
#include <string>
#include <string_view>

namespace postern {

class LinePieces {
 public:
  /// Parts of a line that is longer than `max_held` bytes are handed on as they come.
  explicit LinePieces(size_t max_held) : max_held_(max_held) {}

  /// Takes bytes from the front until there is a piece, which is valid until the next call (and as
  /// long as `bytes` are); false when all are taken and the line goes on.
  bool next(std::string_view& bytes) {
    if (handed_on_) held_.clear();
    handed_on_ = false;
    if (bytes.empty()) return false;
    begins_ = next_begins_;
    const void* found = std::memchr(bytes.data(), '\n', bytes.size());
    const size_t length =
        found ? static_cast<size_t>(static_cast<const char*>(found) - bytes.data()) + 1
              : bytes.size();
    ends_ = found != nullptr;
    if (ends_ && held_.empty()) {
      piece_ = bytes.substr(0, length);
    } else {
      held_.append(bytes.substr(0, length));
      piece_ = held_;
    }
    bytes.remove_prefix(length);
    if (!ends_ && held_.size() <= max_held_) return false;
    handed_on_ = !held_.empty();
    next_begins_ = ends_;
    return true;
  }

  /// With its line end, if it has one.
  std::string_view piece() const { return piece_; }

  /// The piece is the beginning of its line.
  bool begins() const { return begins_; }

  /// The line end is part of the piece.
  bool ends() const { return ends_; }

  /// What came of a line since the last piece.
  std::string_view held() const { return handed_on_ ? std::string_view() : held_; }

  /// What is held, or comes next, begins a line.
  bool next_begins() const { return next_begins_; }

  /// Bytes are lost: what is held is dropped, and what comes next is the rest of a line.
  void lose() {
    held_.clear();
    handed_on_ = false;
    next_begins_ = false;
  }

  /// Begins anew, with a line.
  void clear() {
    lose();
    next_begins_ = true;
  }

 private:
  size_t max_held_;
  std::string held_;
  std::string_view piece_;
  bool handed_on_ = false;  // the piece lies in held_
  bool begins_ = true;
  bool ends_ = false;
  bool next_begins_ = true;
};

}  // namespace postern
