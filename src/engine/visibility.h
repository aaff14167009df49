// Whether evidence can make a rule fire: are its tables and kinds of events there, and does
// anything in them fill the fields that its filters ask for?
//
// The judgement is about presence alone, so "can fire" never means that something is found. A
// condition on a field that nothing fills is taken as not met, unless it asks for just that
// (`is_null`, `not`). Tests: tests/unit/engine/inventory_test.cc.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/inventory.h"
#include "engine/rule_set.h"

namespace postern::engine {

/// What is there of one table, for a filter.
struct FieldsThere {
  std::function<bool(std::string_view)> is_filled;
  /// All values of a field, or null where that is not known.
  std::function<const std::set<std::string, std::less<>>*(std::string_view)> values;
};

/// Whether a filter can hold where only some fields are filled; if not, what it lacks.
struct Sight {
  bool possible = true;
  std::set<std::string> lacking;    ///< fields
  std::set<std::string> never_met;  ///< conditions on kinds of events that are not there
};

Sight can_hold(const plan::ExprPtr& filter, const FieldsThere& there);

struct Visibility {
  enum class State : uint8_t { kCanFire, kLacksSource, kLacksField, kNever };
  State state = State::kCanFire;
  /// Tables without events, with the ids that were looked for: "windows.sysmon 3", "linux.auditd
  /// with syscall == \"connect\""; of a strategy, the log sources of it that are missing (it may be
  /// judged in part nonetheless).
  std::set<std::string> sources;
  std::set<std::string> fields;  ///< "windows.sysmon.Hashes"
  std::string reason;            ///< kNever
};

Visibility judge(const LoadedRule& rule, const Inventory& evidence, const plan::Catalog& catalog);

/// "can fire", "lacks source: …", "lacks field: …", "never fires: …".
std::string visibility_text(const Visibility& v);

/// A table of a vocabulary, and what of it this evidence feeds.
struct FedTable {
  std::string vocabulary;
  std::string table;
  std::set<std::string> from;  ///< native tables
  uint64_t events = 0;         ///< at most: of kinds that its views let through
  std::set<std::string> columns;
  std::set<std::string> empty;  ///< columns that it declares and nothing here fills
};

/// All tables of all vocabularies that the evidence feeds, in the order of the catalog.
std::vector<FedTable> fed_tables(const Inventory& evidence, const plan::Catalog& catalog);

}  // namespace postern::engine
