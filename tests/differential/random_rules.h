// Random rules about random logs (random_logs.h): Sigma with all of its modifiers, KQL
// where-clauses and SPL searches, over few fields, with literals out of the fields' own values.
#pragma once
#include <string>
#include <vector>

#include "random_logs.h"

namespace postern::differential {

struct RuleText {
  std::string file;  ///< "12.yml", "13.kql", "14.spl"
  std::string text;
};

/// `num_rules` rules; some of them are none that loads, since modifiers are drawn blindly.
std::vector<RuleText> random_rules(Random& random, const LogMaker& log, size_t num_rules);

}  // namespace postern::differential
