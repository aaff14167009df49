// Processing pipelines in pySigma's YAML form: how rules are fitted to logs with other names.
//
//   name: …             priority: 100 (lower ones run first)
//   vars: { NAME: [values] }
//   transformations:
//     - id: windows_fields
//       type: field_name_mapping
//       mapping: { Image: process.executable, User: [user.name, user.id] }
//       rule_conditions: [ { type: logsource, product: windows } ]
//
// Items run in order, each on what the ones before made of the rule. There are: field_name_mapping,
// field_name_prefix_mapping, add_fieldname_prefix, add_fieldname_suffix, drop_detection_item,
// hashes_fields, add_condition, change_logsource, replace_string, map_string, set_value,
// convert_type, case, value_placeholders, wildcard_placeholders, rule_failure,
// detection_item_failure, set_state, nest; set_custom_attribute changes nothing here. What is about
// queries of other engines (postprocessing, finalizers, query expressions) is refused. Conditions:
// pipeline_conditions.h.
//
// One field to several means: one of them holds it; with `neq`: none does. Source: pySigma's
// documentation, chapter "Processing Pipelines". Tests: tests/cases/sigma/pipeline_*.case.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "lang/sigma/rule_model.h"

namespace postern::lang::sigma {

class Pipelines {
 public:
  /// Adds one file. With errors (all of them told) the set counts as broken.
  void add(const Source& file, Diagnostics& diag);

  bool empty() const { return pipelines_.empty(); }

  /// A pipeline could not be read: rules would mean something else without it.
  bool broken() const { return broken_; }

  /// Runs all items over a rule; what fails it is an error in `diag`, at the rule's place.
  void apply(RuleModel& rule, Diagnostics& diag) const;

  /// True for a text that is written as a pipeline.
  static bool recognises(const Source& file);

  using Action = std::function<void(RuleModel&, Diagnostics&)>;

 private:
  struct Pipeline {
    std::string name;
    int64_t priority = 0;
    std::vector<Action> actions;
  };

  std::vector<Pipeline> pipelines_;  // by priority
  bool broken_ = false;
};

}  // namespace postern::lang::sigma
