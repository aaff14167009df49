// Why a rule fires on an event, or does not: each part of its condition, whether it held, and on
// which value.
//
// The events of a file go through the ordinary decoder; the parts are evaluated by the engine's own
// functions, one by one. Tests: tests/unit/check/explain_event_test.cc.
#pragma once
#include <ostream>
#include <string>

#include "base/result.h"
#include "engine/rule_set.h"

namespace postern::check {

/// Events beyond this number are counted, not explained.
inline constexpr size_t kMaxExplainedEvents = 50;

/// Explains every rule of the set that is about single events. Error: the file cannot be read, or
/// is of no known format.
Result<bool> explain_event(std::ostream& out,
                           const engine::RuleSet& rules,
                           const std::string& path);

}  // namespace postern::check
