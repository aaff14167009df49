// Sigma's string values: literal text with wildcards, and what string modifiers make of them.
//
// A value is kept as published until it is matched; here it is read: `*` any run, `?` any one
// character, a backslash makes the next `*`, `?` or `\` literal and is itself literal before
// anything else. So `C:\Windows\*` has no wildcard, and `\\*\IPC$` is a backslash, any run,
// `\IPC$`. A modifier that changes text (windash, base64, …) gives patterns again, whose text reads
// back as the same pattern: a `*` that was literal stays so. Source: Sigma specification 2.1,
// chapters "Escaping" and appendix "Modifiers"; base64 offsets count bytes, UTF-16 with a mark
// begins with FF FE. Tests: tests/unit/lang/sigma/pattern_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "match/wildcard.h"

namespace postern::match {

class SigmaPattern {
 public:
  struct Piece {
    Wildcard::Part part = Wildcard::Part::kLiteral;
    std::string text;  ///< of a literal
    friend bool operator==(const Piece&, const Piece&) = default;
  };

  static SigmaPattern parse(std::string_view value);
  /// Text without wildcards, whatever characters it holds.
  static SigmaPattern literal(std::string_view text);

  const std::vector<Piece>& pieces() const { return pieces_; }

  void add_literal(std::string_view text);

  void add(Wildcard::Part wildcard) { pieces_.push_back({wildcard, ""}); }

  void prepend(Wildcard::Part wildcard) { pieces_.insert(pieces_.begin(), {wildcard, ""}); }

  bool has_wildcards() const;
  bool begins_with_any_run() const;
  bool ends_with_any_run() const;
  /// All literals joined: the text itself when there are no wildcards.
  std::string literal_text() const;
  /// Ready to match; an open start or end takes any text before or after the pattern.
  Wildcard wildcard(bool open_start, bool open_end, bool ignore_case) const;
  /// A value that parses to this pattern.
  std::string text() const;

  friend bool operator==(const SigmaPattern&, const SigmaPattern&) = default;

 private:
  std::vector<Piece> pieces_;
};

/// Dashes that windash takes for each other: `-`, `/`, en dash, em dash, horizontal bar.
inline constexpr size_t kNumSigmaDashes = 5;
/// Dashes of `p` that begin a word (`-enc`, not `a-b`).
size_t count_sigma_dashes(const SigmaPattern& p);
/// Every combination of the five dashes in those places: 5 to the power of their number, at most
/// `max_alternatives` (else none).
std::vector<SigmaPattern> sigma_windash(const SigmaPattern& p, size_t max_alternatives);

enum class Utf16Form : uint8_t { kLittleEndian, kBigEndian, kWithMark };
/// The bytes of the literals in UTF-16; wildcards stay.
SigmaPattern sigma_utf16(const SigmaPattern& p, Utf16Form form);

/// RFC 4648 with padding.
std::string base64(std::string_view bytes);
/// The text of `bytes` within a longer base64 text, at each of the three offsets: only characters
/// that its bytes alone decide. One byte has none at one offset, so at least two are needed.
std::vector<std::string> base64_at_offsets(std::string_view bytes);

}  // namespace postern::match
