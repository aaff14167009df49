// When an item of a pipeline applies: conditions on the rule, on a detection item, on a field name.
//
//   rule:   logsource, contains_detection_item, contains_field, processing_item_applied,
//           processing_state, rule_attribute, tag, is_sigma_rule, is_sigma_correlation_rule
//   item:   match_string, match_value, contains_wildcard, is_null, processing_item_applied,
//           processing_state
//   field:  include_fields, exclude_fields, processing_item_applied, processing_state
//
// Each list is joined by `…_cond_op: and|or` (default and), then negated by `…_cond_not: true`; a
// map of named conditions is joined by `…_cond_expr: "a and not (b or c)"`. Patterns are matched
// from the start of the text, as Python's re.match does.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapt/yaml.h"
#include "lang/sigma/rule_model.h"

namespace postern::lang::sigma {

struct ItemConditions {
  std::function<bool(const RuleModel&)> rule;
  std::function<bool(const RuleModel&, const Item&)> item;
  /// Of a field's name; the item is given where the name is its field, else null.
  std::function<bool(const RuleModel&, const std::string&, const Item*)> field;
};

/// Reads the conditions of one transformation; errors go to `diag`.
ItemConditions read_conditions(const adapt::YamlNode& transformation, Diagnostics& diag);

/// True for a key that read_conditions() takes.
bool is_condition_key(std::string_view key);

}  // namespace postern::lang::sigma
