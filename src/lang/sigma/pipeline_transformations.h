// What the items of a pipeline do: one maker per transformation type (list in pipeline.h).
#pragma once
#include <map>
#include <string>
#include <vector>

#include "lang/sigma/pipeline.h"
#include "lang/sigma/pipeline_conditions.h"

namespace postern::lang::sigma {

/// `vars` of the pipeline: values of placeholders.
using PipelineVars = std::map<std::string, std::vector<std::string>>;

/// Reads one transformation with its conditions; null once errors were added.
Pipelines::Action read_transformation(const adapt::YamlNode& node,
                                      const PipelineVars& vars,
                                      size_t depth,
                                      Diagnostics& diag);

}  // namespace postern::lang::sigma
