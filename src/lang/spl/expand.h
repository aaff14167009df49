// Macro expansion: search text with `macro` calls to plain search text, and the way back to the
// file.
//
// Textual and before parsing, as Splunk does it: a macro may be half a condition or three pipeline
// stages. ``` comments ``` are removed in the same pass. Limits keep hostile packs harmless: calls
// nest at most 100 deep, the expanded text is at most 1 MiB. Tests:
// tests/unit/lang/spl/expand_test.cc.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "lang/spl/macros.h"

namespace postern::lang::spl {

inline constexpr int kMaxMacroDepth = 100;
inline constexpr size_t kMaxExpandedBytes = size_t{1} << 20;

/// Position in the whole file of byte `at` of the search text.
using Origin = std::function<uint32_t(size_t at)>;

/// Expanded text; every byte knows its place in the file.
class Expansion {
 public:
  const std::string& text() const { return text_; }

  /// Place in the file of a range of the expanded text. What came out of a macro is at its call.
  Span span(size_t begin, size_t end) const;
  /// True when byte `at` came out of a macro: the file does not show it.
  bool from_macro(size_t at) const;
  bool any_macro() const;

 private:
  friend class Expander;

  struct Piece {
    size_t begin;  // in the expanded text
    size_t query;  // position in the search text (macro: ignored)
    bool macro;
    Span call;  // macro: the outermost call, in the file
  };

  const Piece& piece_at(size_t at) const;

  std::string text_;
  std::vector<Piece> pieces_;
  Origin origin_;
};

/// Where definitions are looked up, first one wins; null entries are skipped.
using MacroTables = std::vector<const MacroTable*>;

/// Expands `query`. All undefined macros are reported, not only the first.
OrFailed<Expansion> expand(std::string_view query,
                           const MacroTables& tables,
                           Origin origin,
                           Diagnostics& diag);

}  // namespace postern::lang::spl
