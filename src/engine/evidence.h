// Evidence on disk: files, folders, globs and archives, as inputs that decoders take.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "input/format.h"

namespace postern::engine {

/// Paths of all files behind the given ones, in a fixed order; what cannot be read is told to
/// `errors`.
std::vector<std::string> expand_evidence(const std::vector<std::string>& paths,
                                         std::vector<std::string>& errors);

/// Opens a file and calls `take(input, format)` for it, or for each member of an archive (also
/// nested, three deep). `format` is null for what no decoder knows.
void open_evidence(const std::string& path,
                   data::Anomalies& anomalies,
                   std::vector<std::string>& errors,
                   const std::function<void(const input::Input&, const input::Format*)>& take);

}  // namespace postern::engine
