// Correlation documents: a window over the findings of other rules.
//
//   correlation:
//     type: event_count | value_count | temporal | temporal_ordered
//           | value_sum | value_avg | value_percentile | value_median
//     rules: [ name or id, … ]
//     group-by: [ User, … ]              may be left out: one group
//     timespan: 10m                      s m h d, and w M y
//     condition: { gte: 10, lt: 100, field: User, percentile: 95 }
//              | rule_a and not rule_b   temporal types only
//     aliases: { ip: { rule_a: SourceIp, rule_b: DestinationIp } }
//     generate: true                     the rules alert by themselves as well
//
// It becomes a plan::WindowSpec over scans of the rules it names (plan::kRuleVocabulary); the
// engine puts their plans there once all rules are read, since they may stand in other files. What
// windows mean and which choices are ours: docs/correlations.md. Source: Sigma correlation rules
// specification 2.1; the expression as condition from its draft 2.2; percentile and value_median as
// the reference implementation has them. Tests: tests/cases/sigma/correlation_*.case,
// tests/differential.
#pragma once
#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "plan/rule.h"

namespace postern::lang::sigma {

class Pipelines;

/// Fills plan, references and kind of `rule` from the document's `correlation`; false once errors
/// were added (the references are there all the same). `head`: where to point when something is
/// missing. `pipelines` (null: none) live until the rule's references are resolved: they change
/// names of fields, and whether they apply is a matter of the log sources of the rules referred to.
bool read_correlation(const adapt::YamlNode& document,
                      Span head,
                      const Pipelines* pipelines,
                      plan::Rule& rule,
                      Diagnostics& diag);

}  // namespace postern::lang::sigma
