// The log source of a rule or filter: category, product and service.
#pragma once
#include <map>
#include <string>

#include "adapt/yaml.h"
#include "base/diagnostic.h"

namespace postern::lang::sigma {

/// Reads `logsource` of a document into `out`, values in lower case. False once errors were added.
bool read_logsource(const adapt::YamlNode& document,
                    std::map<std::string, std::string>& out,
                    Diagnostics& diag);

}  // namespace postern::lang::sigma
