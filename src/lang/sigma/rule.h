// One Sigma document to a rule: what it says of itself, its log source, its detection.
#pragma once
#include <optional>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "lang/sigma/sigma.h"
#include "plan/rule.h"

namespace postern::lang::sigma {

/// Reads one document; nullopt once errors were added. Documents that are no rules (correlations,
/// filters) are refused by name.
std::optional<plan::Rule> read_rule(const adapt::YamlNode& document,
                                    const Source& file,
                                    const ReadOptions& options,
                                    Diagnostics& diag);

}  // namespace postern::lang::sigma
