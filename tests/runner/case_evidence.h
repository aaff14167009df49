// Events of a `.case` file as evidence: rows of the native table that stands behind the named one.
#pragma once
#include <memory>

#include "case_file.h"
#include "engine/hunt.h"
#include "engine/setup.h"

namespace postern::tests {

/// The catalog of a case (tables that only the case names are added, with columns as its events
/// have them) and a feed per events block.
struct CaseEvidence {
  std::shared_ptr<const engine::Setup> setup;
  std::vector<engine::Feed> feeds;
};

Result<CaseEvidence> make_evidence(const CaseFile& file, const engine::Setup& base);

}  // namespace postern::tests
