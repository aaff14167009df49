// YARA rules as published: recognising a file, and what a rule says of itself in its meta section.
// Compiling and scanning is libyara's, behind match/content_scanner.h. Tests: tests/unit/lang/yara.
#pragma once
#include <string>

#include "base/diagnostic.h"
#include "match/content_scanner.h"
#include "plan/rule.h"

namespace postern::lang::yara {

/// True for a text that holds a YARA rule (comments and imports before it are skipped).
bool recognises(const Source& file);

/// Number of rules that a text declares, whether or not they compile.
size_t count_rules(const Source& file);

/// Title, level, ATT&CK ids, references from identifier, tags and meta, by the names in common use.
plan::RuleInfo rule_info(const match::YaraRuleInfo& rule, const std::string& path);

/// The stages of `explain`: "parsed" (strings and condition as written in `file`), "bound" (the
/// contents that the rule scans), "optimized" (what finds its strings). Both arguments must outlive
/// the stages.
std::vector<plan::Stage> stages(const match::YaraRuleInfo& rule, std::string_view file);

}  // namespace postern::lang::yara
