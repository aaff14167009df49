// Whether any of a few literals may be in a text, in whatever case: sixteen or thirty-two bytes of
// the text at a time, and no copy of it.
//
// Each literal is known by four neighbouring bytes that are seldom in logs. Each of the first three
// has two tables, by the low and the high half of a byte, of the literals (in eight groups) that
// may have such a byte there; where all six agree on a group the four bytes are looked up, and the
// literals that have them compared (the "Teddy" of Hyperscan and of Rust's aho-corasick). "No" is
// always right, and so is "yes" but for texts with the two characters beyond ASCII that fold to a
// letter. Needs SSSE3, and takes twice the bytes with AVX2; without it, and for literals that this
// cannot know, it never says no.
//
// Tests: tests/unit/match/caseless_filter_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::match {

class CaselessFilter {
 public:
  CaselessFilter() = default;
  /// `literals` are folded (base/text.h).
  /// `most_step`: bytes at a time, where the machine could do more.
  explicit CaselessFilter(const std::vector<std::string_view>& literals, size_t most_step = 32);

  /// Whether it ever says no.
  bool usable() const { return usable_; }

  /// False: no literal is in the folded text. `text` itself is not folded.
  bool may_hold(std::string_view text) const;
  /// The same, but true also for JSON that writes any character by its number (json_escape.h).
  bool may_hold_json(std::string_view text) const;

 private:
  static constexpr size_t kBytes = 3;                  // of a window that have tables; the least
  static constexpr size_t kWindow = sizeof(uint32_t);  // bytes of a longer literal that are known
  using Halves = std::array<uint8_t, 16>;

  /// A literal by its window.
  struct Entry {
    uint32_t window;
    uint32_t offset;  // of the window in the literal
    std::string literal;
  };

  bool may(std::string_view text, bool json) const;
  /// Whether there is something in the windows that begin in `size` bytes of `text`, but for those
  /// behind the last whole step.
  bool scan(const char* begin, size_t size, std::string_view text, bool json) const;
  bool scan_wide(const char* begin, size_t size, std::string_view text, bool json) const;
  static bool any_begins_escape(const char* begin, uint32_t marks, std::string_view text);
  bool holds_at(const char* p, std::string_view text) const;
  /// Whether three bytes are one of the literals that have no more.
  bool is_shortest(std::string_view folded) const;
  bool ends_with_shortest(std::string_view text) const;

  std::array<Halves, kBytes> low_{};
  std::array<Halves, kBytes> high_{};
  std::vector<Entry> entries_;   // sorted by window
  std::vector<Entry> shortest_;  // literals of three bytes, likewise
  size_t step_ = 0;              // bytes of a text at a time
  bool usable_ = false;
};

}  // namespace postern::match
