// Regular expressions of the rule languages, each on the engine that has its meaning.
//
// Kusto: RE2 syntax, unanchored, case-sensitive, `\d \w \s \b` over Unicode (Kusto documentation,
// regex). Sigma: a PCRE subset, unanchored, flags i m s. Splunk: PCRE. RE2 where its language
// suffices (linear time); PCRE2 with JIT and a match limit where not, or where Splunk's meaning
// needs it. Invalid UTF-8 in a subject is matched bytewise (Latin-1). Named groups are `(?<n>…)` or
// `(?P<n>…)` in every dialect. Kusto's class operators (`&&`, `--`, `~~`) and look-arounds are
// errors. Tests: tests/unit/match/regex_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::match {

enum class RegexDialect { kKusto, kSigma, kPcre };

struct RegexFlags {
  bool ignore_case = false;
  bool multi_line = false;  ///< ^ and $ at line ends
  bool dot_all = false;     ///< . matches a newline
};

/// A compiled expression; thread-safe.
class Regex {
 public:
  virtual ~Regex() = default;

  /// Error (kInvalid) with the engine's words; the offset of the fault is in the message if known.
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern,
                                                      RegexDialect dialect,
                                                      RegexFlags flags = {});

  /// Unanchored search.
  virtual bool matches(std::string_view subject) const = 0;
  /// First match at or after `from`: group 0 and each capture (unset groups have data() ==
  /// nullptr).
  virtual bool search(std::string_view subject,
                      size_t from,
                      std::vector<std::string_view>& groups) const = 0;
  virtual int num_groups() const = 0;
  /// Names by group number; "" for unnamed ones; [0] is "".
  virtual const std::vector<std::string>& group_names() const = 0;
  /// Searches that a limit of PCRE2 ended (10,000,000 steps, 64 MB); they count as no match.
  virtual uint64_t limit_hits() const = 0;
};

}  // namespace postern::match
