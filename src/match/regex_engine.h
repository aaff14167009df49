// What a compiled expression of one engine can do; regex.cc chooses among them per subject.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "match/regex.h"

namespace postern::match {

class RegexEngine {
 public:
  virtual ~RegexEngine() = default;
  /// `groups` may be null: then only whether there is a match. Unset groups have data() == nullptr.
  /// False in `complete`: a limit ended the search without an answer.
  virtual bool search(std::string_view subject,
                      size_t from,
                      std::vector<std::string_view>* groups,
                      bool& complete) const = 0;
  virtual int num_groups() const = 0;
  virtual std::vector<std::string> group_names() const = 0;
};

/// Why an engine refused a pattern.
struct RegexFault {
  std::string message;
  size_t offset = std::string::npos;  ///< in the pattern it was given, if known
  bool too_large = false;             ///< valid, but beyond a limit of the engine
};

/// How an engine reads pattern and subject.
enum class RegexText { kUtf8, kLatin1 };

/// Null and `fault` set when RE2 refuses.
std::unique_ptr<RegexEngine> make_re2(const std::string& pattern,
                                      RegexFlags flags,
                                      RegexText text,
                                      RegexFault& fault);

/// `unicode_classes`: `\b`, `\w`, … over Unicode, and `$` only at the very end (Kusto).
std::unique_ptr<RegexEngine> make_pcre2(const std::string& pattern,
                                        RegexFlags flags,
                                        RegexText text,
                                        bool unicode_classes,
                                        RegexFault& fault);

}  // namespace postern::match
