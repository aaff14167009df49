// Patterns of literal runs, "any run" and "any one character": the values of Sigma and SPL.
//
// "Any one" is one code point (a malformed byte counts as one). Ignoring case means simple Unicode
// folding of pattern and subject (base/text.h). Matching takes time linear in the subject for each
// run of the pattern, never exponential. Tests: tests/unit/match/wildcard_test.cc; fuzz_wildcard.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::match {

/// A pattern as a list of parts; the whole subject must match (anchored both ends).
class Wildcard {
 public:
  /// `*` (SPL search) or `any_run` is any run, `any_one` any one character unless 0; all else is
  /// literal. Sealed.
  static Wildcard of_stars(std::string_view text,
                           bool ignore_case,
                           char any_run = '*',
                           char any_one = 0);

  enum class Part : uint8_t { kLiteral, kAnyRun, kAnyOne };

  void literal(std::string_view text);
  void any_run();
  void any_one();

  /// Makes the pattern ready, once; `ignore_case` folds by simple Unicode folding. Neighbouring
  /// runs become one, and "any one" moves before the run beside it.
  void seal(bool ignore_case);

  /// After seal(). Thread-safe.
  bool matches(std::string_view subject) const;

  bool empty() const { return parts_.empty(); }
  /// Shapes that faster matchers take: the sole literal of "x", "x*", "*x", "*x*".
  enum class Shape : uint8_t { kExact, kPrefix, kSuffix, kContains, kAny, kGeneral };

  Shape shape() const { return shape_; }

  /// Folded when case is ignored; "" for kAny and kGeneral.
  const std::string& sole_literal() const { return sole_; }

  /// The longest literal run (folded when case is ignored), "" if none: necessary for a match.
  std::string_view longest_literal() const { return longest_; }

 private:
  struct Piece {
    Part part;
    std::string text;
  };

  /// Pieces between two runs: [begin, end) of parts_, with no kAnyRun inside.
  struct Segment {
    size_t begin;
    size_t end;
  };

  template <class Compare>
  bool matches_general(std::string_view subject) const;
  template <class Compare>
  bool match_forward(std::string_view subject, Segment segment, size_t& at) const;
  template <class Compare>
  bool match_backward(std::string_view subject, Segment segment, size_t& end) const;
  void classify();

  std::vector<Piece> parts_;
  std::vector<Segment> segments_;  ///< at least one; first and last may be empty
  std::string longest_;
  std::string sole_;
  Shape shape_ = Shape::kExact;
  bool ignore_case_ = false;
  bool sealed_ = false;
};

}  // namespace postern::match
