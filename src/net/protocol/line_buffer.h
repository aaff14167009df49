// Lines put together from the pieces of a stream, each held up to a limit: a peer that never sends
// a line end costs no more than that. Tests: the session tests of smtp, imap and pop3
// (BoundsWhatItHolds, HoldsNoMoreThanALineOfAnEndlessOne).
#pragma once
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace postern::net::protocol {

class LineBuffer {
 public:
  explicit LineBuffer(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Takes bytes up to the next LF, that included. True: a line is whole; line() has it until the
  /// next call.
  bool take(std::string_view& bytes) {
    if (done_) clear();
    if (bytes.empty()) return false;
    const void* found = std::memchr(bytes.data(), '\n', bytes.size());
    const size_t length =
        found ? static_cast<size_t>(static_cast<const char*>(found) - bytes.data()) + 1
              : bytes.size();
    const size_t room = max_bytes_ - std::min(max_bytes_, text_.size());
    if (length > room) too_long_ = true;
    text_.append(bytes.substr(0, std::min(length, room)));
    bytes.remove_prefix(length);
    if (!found) return false;
    done_ = true;
    bare_lf_ = !too_long_ && (text_.size() < 2 || text_[text_.size() - 2] != '\r');
    while (!text_.empty() && (text_.back() == '\n' || text_.back() == '\r'))
      text_.pop_back();
    return true;
  }

  /// Without its line end.
  std::string_view line() const { return text_; }

  /// What did not fit is lost.
  bool too_long() const { return too_long_; }

  bool bare_lf() const { return bare_lf_; }

  /// Nothing of a line has come yet.
  bool empty() const { return done_ || text_.empty(); }

  void clear() {
    text_.clear();
    done_ = false;
    too_long_ = false;
    bare_lf_ = false;
  }

 private:
  size_t max_bytes_;
  std::string text_;
  bool done_ = false;
  bool too_long_ = false;
  bool bare_lf_ = false;
};

}  // namespace postern::net::protocol
