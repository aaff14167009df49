// Events made for a rule: one that it fires on, and for each of its conditions one near miss.
//
// A rule's bound condition is put into the columns of one native table at a time (as a view maps
// them), solved (solver.h), and each column gets a value that meets what the branch asks of it
// (value_test.h). A condition is a conjunct of the rule's formula: an item of a selection, `not
// filter`, or a whole disjunction; its near miss meets all others and not this one. Whether a made
// event does what it should is for the engine to say (prove.h). Tests:
// tests/unit/check/witness_test.cc.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/rule_set.h"
#include "plan/catalog.h"

namespace postern::check {

/// Column of a made event that carries keywords; open tables take any name.
inline constexpr const char* kWitnessCarrier = "WitnessText";

/// An event as native columns and their texts.
struct MadeEvent {
  std::string table;
  std::map<std::string, std::string> fields;
};

struct NearMiss {
  std::string condition;           ///< as text, not met by the event
  std::optional<MadeEvent> event;  ///< nullopt: there is none
  std::string reason;              ///< why there is none
};

struct Witness {
  MadeEvent event;
  std::vector<NearMiss> near_misses;
};

struct WitnessResult {
  std::optional<Witness> witness;
  std::string reason;  ///< why there is none
};

/// `branch`: which of the native tables behind the rule's log source; see num_branches().
WitnessResult make_witness(const engine::LoadedRule& rule,
                           const plan::Catalog& catalog,
                           size_t branch);

/// Native tables that can make the rule fire.
size_t num_branches(const engine::LoadedRule& rule);

/// Why no event at all can meet the rule's condition, in any of its tables; "" when that is not
/// proven.
std::string impossible(const engine::LoadedRule& rule, const plan::Catalog& catalog);

}  // namespace postern::check
