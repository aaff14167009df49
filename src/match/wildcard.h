// Patterns of literal runs, "any run" and "any one character": the values of Sigma and SPL.
// Tests: tests/unit/match/wildcard_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::match {

/// A pattern as a list of parts; the whole subject must match (anchored both ends).
class Wildcard {
 public:
  enum class Part : uint8_t { kLiteral, kAnyRun, kAnyOne };

  void literal(std::string_view text);
  void any_run();
  void any_one();

  /// Makes the pattern ready; `ignore_case` folds by simple Unicode folding.
  void seal(bool ignore_case);

  bool matches(std::string_view subject) const;
  bool empty() const { return parts_.empty(); }
  /// Shapes that faster matchers take: the sole literal of "x", "x*", "*x", "*x*".
  enum class Shape : uint8_t { kExact, kPrefix, kSuffix, kContains, kAny, kGeneral };
  Shape shape() const;
  const std::string& sole_literal() const;
  /// The longest literal run (folded when case is ignored), "" if none: necessary for a match.
  std::string_view longest_literal() const;

 private:
  struct Piece {
    Part part;
    std::string text;
  };

  std::vector<Piece> parts_;
  bool ignore_case_ = false;
  bool ascii_ = true;
};

}  // namespace postern::match
