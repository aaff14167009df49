// One pass over a regular expression before an engine sees it: what is in it that RE2 and PCRE2
// read differently, and how it must be written for RE2. Tests: tests/unit/match/regex_test.cc.
#pragma once
#include <string>
#include <string_view>

#include "match/regex.h"

namespace postern::match {

struct RegexSyntax {
  /// For RE2 over ASCII subjects: names as `(?P<name>`, `\s` with VT, escapes that RE2 lacks.
  std::string ascii;
  /// For RE2 over any subject; differs from `ascii` in Kusto's `\d \w \s` only.
  std::string unicode;
  /// For PCRE2: the pattern as it is, for Kusto with `\u` and `\v` in PCRE2's spelling.
  std::string pcre;

  bool unicode_differs = false;  ///< `ascii` is right for ASCII subjects only
  bool unicode_needs_pcre =
      false;  ///< Unicode `\b`, or `\W` in a negated class: RE2 has no words for it
  /// `$` or `^` outside of classes: before and after a last line end PCRE reads them its own way.
  bool line_anchor = false;
  bool needs_pcre = false;  ///< escapes or flags that RE2 reads otherwise or not at all
  /// What the dialect does not have though an engine would take it, with its place; "" if nothing.
  std::string refused;
  size_t refused_at = 0;
};

RegexSyntax scan_regex(std::string_view pattern, RegexDialect dialect);

}  // namespace postern::match
