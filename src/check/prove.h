// Proof that rules can fire: witnesses made (witness.h), written as evidence (event_text.h), read
// back by the ordinary decoders and judged by the ordinary engine.
//
// A rule is proven when its witness makes it fire. A near miss is right when it does not. Where a
// witness of one native table fails, the next table behind the log source is tried. Tests:
// tests/unit/check/prove_test.cc.
#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/event_text.h"
#include "engine/hunt.h"
#include "engine/rule_set.h"

namespace postern::check {

struct ProvenNearMiss {
  std::string condition;
  EventText text;  ///< line empty: there is none
  bool silent = false;
  std::string reason;  ///< why there is none
};

struct Proof {
  const engine::LoadedRule* rule = nullptr;  ///< null: the rule was refused
  std::string title;
  std::string id;
  std::string path;
  bool fires = false;
  std::string reason;  ///< of a rule without a witness
  std::string table;
  EventText text;
  std::vector<ProvenNearMiss> near_misses;
};

struct Proofs {
  std::vector<Proof> all;
  size_t num_proven = 0;
  size_t num_conditions = 0;   ///< that an event can miss while it meets the others
  size_t num_implied = 0;      ///< that follow from the others, or the log source: a proof
  size_t num_near_misses = 0;  ///< made, and silent
};

Proofs prove(const engine::RuleSet& rules, const engine::HuntOptions& hunt);

/// Rules without a witness and near misses that fire, then the totals.
void write_text(std::ostream& out, const Proofs& proofs, bool verbose);
/// A line per rule, with its witness and near misses as they were read.
void write_jsonl(std::ostream& out, const Proofs& proofs);
/// Writes witness.ndjson, witness.audit.log, witness.syslog.log, near-miss.… likewise and
/// index.jsonl (which line is of which rule). Error: a file could not be written.
Result<bool> write_evidence(const std::string& folder, const Proofs& proofs);

}  // namespace postern::check
