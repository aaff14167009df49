// A rule as every front end gives it: what it says of itself, and its unbound plan.
//
// All spans, also those inside the plan, are byte ranges of the rule's whole file, so that any
// later stage can point at the text. What came out of a macro points at the macro's call.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "plan/op.h"

namespace postern::plan {

struct RuleInfo {
  std::string id;  ///< as published; made from path and title where there is none
  std::string title;
  std::string language;  ///< "sigma", "spl", "kql", "yara", "strategy"
  std::string level;     ///< informational, low, medium, high, critical; "" unknown
  std::string status;
  std::string version;
  std::string author;
  std::string description;
  std::vector<std::string> attack;  ///< technique ids, upper case: "T1048.003"
  std::vector<std::string> tags;
  std::vector<std::string> references;
  std::vector<std::string> false_positives;
  std::string path;  ///< file as given by the user
};

/// An event rule's finding is the event itself; a query rule's is a result row.
enum class RuleKind : uint8_t { kEvent, kQuery };

/// A language's own view of a rule for `explain`. The text is made only when it is asked for: a run
/// loads thousands of rules and shows none.
struct Stage {
  std::string name;  ///< "parsed", "macros expanded", …
  std::function<std::string()> text;
};

/// Another rule of the set, by name or id.
struct RuleReference {
  std::string text;
  Span span;
};

/// Vocabulary of scans that stand for the findings of another rule, until they are resolved.
inline constexpr const char* kRuleVocabulary = "rule";

struct Rule {
  RuleInfo info;
  std::string name;  ///< other rules refer to it by this, or by its id
  /// Correlations: what they are made of. Their plan scans each as `kRuleVocabulary`.
  std::vector<RuleReference> references;
  /// Correlations: the rules referred to alert by themselves as well.
  bool generate = false;
  /// Correlations: makes `plan` anew once the rules that it is made of are known (in the order of
  /// `references`). Null where nothing depends on them.
  std::function<void(Rule&, const std::vector<OpPtr>& plans, Diagnostics&)> fit;
  RuleKind kind = RuleKind::kQuery;
  OpPtr plan;  ///< unbound
  /// Vocabulary that names without one belong to: "sigma", "kql", "spl".
  std::string vocabulary;
  std::vector<Stage> stages;  ///< before the plan, in order
};

}  // namespace postern::plan
