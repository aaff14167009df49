// Sigma rules as published (specification 2.1): YAML documents to plans.
//
// A rule becomes `filter <condition>` over `scan <log source>`; a finding is the event itself. The
// plan keeps the published values: wildcards and escapes stay in the text, encodings are calls
// (`sigma.contains(CommandLine, sigma.windash(" -enc"))`), so a rule can be explained and rendered.
// How a rule comes about: modifier.h (the key's modifiers), value.h (scalars and placeholders),
// detection.h (selections to expressions), condition.h (the condition over selections), rule.h (the
// document), pipeline.h and filter.h (what a site changes). What each function means:
// exec/functions/sigma.h. Tests: tests/unit/lang/sigma, tests/cases/sigma; all rules of the public
// corpus when at hand.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "plan/rule.h"

namespace postern::lang::sigma {

/// Values of placeholders (`%Administrators%` with the modifier `expand`) by name, as plain text.
using Placeholders = std::map<std::string, std::vector<std::string>, std::less<>>;

class Filters;
class Pipelines;

struct ReadOptions {
  Placeholders placeholders;
  const Pipelines* pipelines = nullptr;  ///< null: none
  Filters* filters = nullptr;            ///< null: none; remembers which rules it was asked for
  /// Documents that gave no rule are added here, where somebody counts them.
  size_t* num_refused = nullptr;
  /// References of correlations that are refused for another reason are added here: who resolves
  /// references tells which of these are wrong, too.
  std::vector<plan::RuleReference>* refused_references = nullptr;
};

/// The rules of a file of one or more documents. A document with errors gives diagnostics and no
/// rule.
std::vector<plan::Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag);

/// True for a text that is written as Sigma (also correlations and filters, and rules with
/// mistakes).
bool recognises(const Source& file);

}  // namespace postern::lang::sigma
