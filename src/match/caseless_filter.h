// Whether any of a few literals may be in a text, in whatever case: sixteen bytes of the text at a
// time, and no copy of it.
//
// Each literal is known by four neighbouring bytes that are seldom in logs. Each of the first three
// has two tables, by the low and the high half of a byte, of the literals (in eight groups) that
// may have such a byte there; where all six agree on a group the four bytes are compared (the
// "Teddy" of Hyperscan and of Rust's aho-corasick). Only "no" is an answer. Needs SSSE3; without
// it, and for literals that this cannot know, it never says no.
//
// Tests: tests/unit/match/caseless_filter_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::match {

class CaselessFilter {
 public:
  CaselessFilter() = default;
  /// `literals` are folded (base/text.h).
  explicit CaselessFilter(const std::vector<std::string_view>& literals);

  /// Whether it ever says no.
  bool usable() const { return usable_; }

  /// False: no literal is in the folded text. `text` itself is not folded.
  bool may_hold(std::string_view text) const;

 private:
  static constexpr size_t kBytes = 3;                  // of a window that have tables
  static constexpr size_t kWindow = sizeof(uint32_t);  // bytes of a literal that are known
  using Halves = std::array<uint8_t, 16>;

  bool scan(const char* begin, size_t size) const;
  bool is_window(const char* p) const;

  std::array<Halves, kBytes> low_{};
  std::array<Halves, kBytes> high_{};
  std::vector<uint32_t> windows_;  // sorted
  bool usable_ = false;
};

}  // namespace postern::match
