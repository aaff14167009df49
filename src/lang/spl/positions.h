// Where each byte of a YAML scalar's value stands in the file.
//
// Detections write their searches as quoted scalars over many lines, with `''` for a quote and
// folded line ends; errors have to point into those all the same.
#pragma once
#include <string_view>

#include "adapt/yaml.h"
#include "lang/spl/expand.h"

namespace postern::lang::spl {

/// Maps positions in `node.text` to positions in `file`; `node` and `file` must outlive the result.
Origin origin_of(const adapt::YamlNode& node, std::string_view file);

}  // namespace postern::lang::spl
