// A rule between reading and lowering: what processing pipelines look at and change.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/sigma/detection_tree.h"
#include "plan/rule.h"

namespace postern::lang::sigma {

struct NamedDetection {
  std::string name;
  Span span;  ///< of its name
  Detection detection;
  bool whole = false;  ///< read without errors
};

/// A condition that a pipeline puts beside the rule's own: `(rule) and [not] added`.
struct AddedCondition {
  Detection detection;
  bool negated = false;
};

/// A filter that applies to the rule, with selections of its own.
struct FilterPart {
  std::string title;
  std::vector<NamedDetection> selections;
  adapt::YamlNode condition;
};

/// A field that a correlation names.
struct FieldName {
  std::string text;
  Span span;
};

/// What a correlation says of the events of the rules that it is made of.
struct CorrelationFields {
  std::vector<FieldName> groups;
  std::vector<FieldName> values;
  std::map<std::string, std::map<std::string, FieldName>> aliases;  ///< alias, rule, field
  /// Log sources of the rules that it is made of.
  std::vector<std::map<std::string, std::string>> logsources;
};

struct RuleModel {
  plan::RuleInfo info;
  std::map<std::string, std::string> logsource;  ///< category, product, service
  std::vector<NamedDetection> selections;
  std::vector<AddedCondition> added;
  std::vector<FilterPart> filters;
  Placeholders placeholders;                     ///< values that pipelines give, beside the user's
  std::optional<CorrelationFields> correlation;  ///< instead of a log source and selections
  Span head;  ///< where to point when the rule as a whole is meant
  // What pipelines remember of their own work.
  std::set<std::string> applied;             ///< ids of items that were applied
  std::map<std::string, std::string> state;  ///< `set_state`
};

}  // namespace postern::lang::sigma
