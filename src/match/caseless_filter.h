// Whether any of a few literals may be in a text, in whatever case: sixteen or thirty-two bytes of
// the text at a time, and no copy of it.
//
// Each literal is known by three neighbouring bytes that are seldom in logs. Each of the three has
// two tables, by the low and the high half of a byte, of the literals (in eight groups) that may
// have such a byte there; where all six agree on a group the three bytes are looked up, and the
// literals that have them compared (the "Teddy" of Hyperscan and of Rust's aho-corasick). Literals
// share a group where the group, with both, still lets little through. "No" is always right, and so
// is "yes" but for texts with the two characters beyond ASCII that fold to a letter. Needs SSSE3,
// and takes twice the bytes with AVX2; without it, and for literals that this cannot know, it never
// says no.
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
  /// `literals` are folded (base/text.h); of so many most texts tell that they have none.
  /// `most_step`: bytes at a time, where the machine could do more.
  explicit CaselessFilter(const std::vector<std::string_view>& literals,
                          size_t most_literals = 64,
                          size_t most_step = 32);

  /// Whether it ever says no.
  bool usable() const { return usable_; }

  /// False: no literal is in the folded text. `text` itself is not folded.
  bool may_hold(std::string_view text) const;
  /// The same, but true also for JSON that writes any character by its number (json_escape.h).
  bool may_hold_json(std::string_view text) const;

 private:
  static constexpr size_t kWindow = 3;  // bytes of a literal that are known
  using Halves = std::array<uint8_t, 16>;

  /// A literal by its window.
  struct Entry {
    uint32_t window;
    uint32_t offset;  // of the window in the literal
    std::string literal;
  };

  bool may(std::string_view text, bool json) const;
  /// Whether there is something in the windows of `size` bytes of `text`: at least one step of
  /// them.
  bool scan(const char* begin, size_t size, std::string_view text, bool json) const;
  bool scan_wide(const char* begin, size_t size, std::string_view text, bool json) const;
  static bool any_begins_escape(const char* begin, uint32_t marks, std::string_view text);
  bool holds_at(const char* p, std::string_view text) const;
  bool is_any(const char* p, std::string_view text) const;
  void build_tables(std::vector<std::string_view> windows);

  std::array<Halves, kWindow> low_{};
  std::array<Halves, kWindow> high_{};
  std::array<uint64_t, 16> has_window_{};  // bit per hash of a window
  std::vector<Entry> entries_;             // sorted by window
  size_t step_ = 0;                        // bytes of a text at a time
  bool usable_ = false;
};

}  // namespace postern::match
