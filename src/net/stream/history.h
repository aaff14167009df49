// The history of a connection in letters, as in Zeek's conn.log: upper case from the originator,
// lower case from the responder (s SYN, h SYN+ACK, a ACK, d data, f FIN, r RST, c bad checksum, g
// gap, t retransmission, w zero window, i FIN+RST, q SYN with FIN or RST, ^ direction guessed).
#pragma once
#include <array>
#include <cstdint>
#include <string>

namespace postern::net::stream {

enum class Side : uint8_t { kOriginator, kResponder };

constexpr Side other(Side s) {
  return s == Side::kOriginator ? Side::kResponder : Side::kOriginator;
}

/// A text of at most 15 characters, which std::string would keep in itself with twice the size.
class ShortText {
 public:
  ShortText& operator=(const std::string& text) {
    size_ = static_cast<uint8_t>(text.size());
    text.copy(text_.data(), text_.size());
    return *this;
  }

  operator std::string() const { return {text_.data(), size_}; }  // NOLINT: what it is

  bool empty() const { return size_ == 0; }

 private:
  std::array<char, 15> text_{};
  uint8_t size_ = 0;
};

/// A short history, to be taken up again.
struct SavedHistory {
  ShortText letters;
  uint16_t seen[2] = {0, 0};
};

class History {
 public:
  /// Letters kept; an attacker could otherwise grow it with every packet.
  static constexpr size_t kMaxLetters = 128;

  /// `upper` as the side writes it.
  void add(Side side, char upper) {
    if (letters_.size() < kMaxLetters)
      letters_ +=
          side == Side::kOriginator || upper == '^' ? upper : static_cast<char>(upper | 0x20);
  }

  /// Adds a letter the first time the side writes one of its `kind`; true when it was there before.
  bool once(Side side, uint16_t kind, char upper) {
    uint16_t& seen = seen_[static_cast<size_t>(side)];
    if ((seen & kind) != 0) return true;
    seen = static_cast<uint16_t>(seen | kind);
    add(side, upper);
    return false;
  }

  const std::string& letters() const { return letters_; }

  /// False when it is too long to be saved.
  bool save(SavedHistory& out) const {
    if (letters_.size() >= sizeof out.letters) return false;
    out.letters = letters_;
    out.seen[0] = seen_[0];
    out.seen[1] = seen_[1];
    return true;
  }

  void restore(const SavedHistory& saved) {
    letters_ = saved.letters;
    seen_[0] = saved.seen[0];
    seen_[1] = saved.seen[1];
  }

 private:
  std::string letters_;
  uint16_t seen_[2] = {0, 0};
};

/// Counts an event and says when to write its letter: the 1st, 10th, 100th time.
struct ScaledCount {
  uint64_t count = 0;
  uint64_t next = 1;

  bool step() {
    if (++count != next) return false;
    next *= 10;
    return true;
  }
};

}  // namespace postern::net::stream
