// What a hunt cost, rule by rule and predicate by predicate (`hunt --profile`).
//
// The filters of all rules are answered together, so most of their cost belongs to no rule: it is
// told by column, whose values are looked up once for all. A rule's own cost is what is left: rows
// on which its program was run, rows on which its filter itself had to be asked, and the time of
// that and of the rest of its query.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace postern::engine {

class RuleSet;
class ScanPrograms;
struct LoadedRule;

struct HuntProfile {
  struct Rule {
    const LoadedRule* rule = nullptr;
    uint64_t tried = 0;   ///< rows on which its boolean program was run
    uint64_t asked = 0;   ///< of these, rows on which its filter was evaluated
    uint64_t passed = 0;  ///< rows that its filter let through
    double filter_seconds = 0;
    double query_seconds = 0;  ///< of the relational rest

    double seconds() const { return filter_seconds + query_seconds; }
  };

  struct Predicate {
    std::string table;
    std::string text;
    uint64_t rows = 0;  ///< that touched it
  };

  struct Column {
    std::string table;
    std::string name;
    uint64_t texts = 0;     ///< values that were looked up
    uint64_t computed = 0;  ///< of these, not remembered from before
    double seconds = 0;
  };

  std::vector<Rule> rules;            ///< that cost anything, dearest first
  std::vector<Predicate> predicates;  ///< touched most often first; at most kMaxPredicates
  std::vector<Column> columns;        ///< dearest first

  static constexpr size_t kMaxPredicates = 200;
};

/// Of a hunt that is over and was told to profile; `query_seconds` by number of the rule.
HuntProfile profile_of(const RuleSet& rules,
                       const ScanPrograms& programs,
                       const std::vector<double>& query_seconds);

}  // namespace postern::engine
