// Texts for random events and rules: values with the edges that matching stumbles over, and
// literals cut out of these values, so that rules and events meet.
//
// All are valid UTF-8; how a log writes them (escapes, hex, bytes that are no UTF-8) is for the
// writer of the log to draw. Everything is drawn from one seed and the same on any machine.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random.h"

namespace postern::differential {

/// What values of a field look like.
enum class TextKind : uint8_t { kPath, kWords, kNumber, kAddress, kName, kGuid };

/// The values of one field: a pool from which most come, and new ones.
class TextPool {
 public:
  /// One of `unique_in` values is new; 0: none.
  TextPool(Random& random, TextKind kind, uint64_t unique_in);

  std::string value(Random& random) const;

  /// A part of a value, sometimes with one character changed; `least` characters, if the value has
  /// so many.
  std::string literal(Random& random, size_t least = 0) const;
  /// A whole value as rules write it: in another case now and then.
  std::string whole(Random& random) const;

  TextKind kind() const { return kind_; }

 private:
  std::string fresh(Random& random) const;

  TextKind kind_;
  uint64_t unique_in_;
  size_t padding_ = 0;  // characters that make all values of the field long
  std::vector<std::string> pool_;
};

/// The characters of a text, each as its bytes.
std::vector<std::string> characters(std::string_view text);
/// Another case here and there, also of letters beyond ASCII.
std::string other_case(Random& random, std::string_view text);

}  // namespace postern::differential
