// The modifiers after a field's name: `CommandLine|contains|all|windash`.
//
// A chain is a set of switches and one list: what is compared how (at most one comparison), which
// encodings the value goes through (in the order written), and all/neq/cased/expand. Where a switch
// stands does not matter: the corpus writes `contains|windash` as well as `windash|contains`. Only
// `re` must come before contains, startswith and endswith, as the specification wants.
// Tests: tests/unit/lang/sigma/modifier_test.cc, tests/cases/sigma.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"

namespace postern::lang::sigma {

enum class Comparison : uint8_t {
  kEquals,
  kContains,
  kStartsWith,
  kEndsWith,
  kRegex,
  kCidr,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kExists,
};

enum class Encoding : uint8_t {
  kWindash,
  kBase64,
  kBase64Offset,
  kUtf16LittleEndian,
  kUtf16BigEndian,
  kUtf16
};

/// A place where a regular expression must match; kAnywhere also for `re|contains`.
enum class Anchor : uint8_t { kAnywhere, kStart, kEnd };

struct Modifiers {
  std::string field;  ///< "" for keywords
  Span field_span;
  Comparison comparison = Comparison::kEquals;
  std::vector<Encoding> encodings;
  std::string time_part;  ///< "minute", "hour", …, or ""
  bool all = false;
  bool negated = false;  ///< neq
  bool cased = false;
  bool expand = false;
  bool field_reference = false;
  // Of a regular expression:
  Anchor anchor = Anchor::kAnywhere;
  bool ignore_case = false;
  bool multi_line = false;
  bool dot_all = false;
};

/// Reads a key; nullopt once errors (every one of the chain) were added.
std::optional<Modifiers> parse_modifiers(const adapt::YamlNode& key, Diagnostics& diag);

}  // namespace postern::lang::sigma
