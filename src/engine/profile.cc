#include "engine/profile.h"

#include <algorithm>

#include "engine/rule_set.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

/// Adds up what the threads' states counted over one table.
void add_table(const TableProgram& table, std::vector<HuntProfile::Rule>& rules, HuntProfile& out) {
  std::vector<uint64_t> touched(table.filter->num_predicates());
  std::vector<HuntProfile::Column> columns;
  table.filter_states->each([&](const RowFilter& filter) {
    const exec::FilterProfile& shared = filter.shared_costs();
    for (size_t b = 0; b < filter.costs().size(); ++b) {
      HuntProfile::Rule& r = rules[table.branches[b].rule_index];
      r.tried += shared.tried[b];
      r.asked += filter.costs()[b].asked;
      r.passed += filter.costs()[b].passed;
      r.filter_seconds += filter.costs()[b].seconds;
    }
    for (size_t p = 0; p < shared.touched.size(); ++p)
      touched[p] += shared.touched[p];
    columns.resize(table.schema.size());
    for (const exec::FilterProfile::Column& from : shared.columns) {
      HuntProfile::Column& to = columns[from.slot];  // of all indexes over it
      to.table = table.table->name;
      to.name = table.schema[from.slot].name;
      to.texts += from.texts;
      to.computed += from.computed;
      to.seconds += from.seconds;
    }
  });
  for (uint32_t p = 0; p < touched.size(); ++p)
    if (touched[p] > 0)
      out.predicates.push_back({table.table->name, table.filter->predicate_text(p), touched[p]});
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(out.columns),
               [](const HuntProfile::Column& c) { return c.texts > 0; });
}

}  // namespace

HuntProfile profile_of(const RuleSet& rules,
                       const ScanPrograms& programs,
                       const std::vector<double>& query_seconds) {
  HuntProfile out;
  std::vector<HuntProfile::Rule> all(rules.rules().size());
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].rule = &rules.rules()[i];
    all[i].query_seconds = query_seconds[i];
  }
  for (const auto& [name, table] : programs.tables())
    add_table(table, all, out);
  std::copy_if(
      all.begin(), all.end(), std::back_inserter(out.rules),
      [](const HuntProfile::Rule& r) { return r.tried + r.passed > 0 || r.query_seconds > 0; });
  std::stable_sort(out.rules.begin(), out.rules.end(),
                   [](const HuntProfile::Rule& a, const HuntProfile::Rule& b) {
                     return a.seconds() != b.seconds() ? a.seconds() > b.seconds()
                                                       : a.tried > b.tried;
                   });
  std::stable_sort(out.predicates.begin(), out.predicates.end(),
                   [](const HuntProfile::Predicate& a, const HuntProfile::Predicate& b) {
                     return a.rows > b.rows;
                   });
  if (out.predicates.size() > HuntProfile::kMaxPredicates)
    out.predicates.resize(HuntProfile::kMaxPredicates);
  std::stable_sort(out.columns.begin(), out.columns.end(),
                   [](const HuntProfile::Column& a, const HuntProfile::Column& b) {
                     return a.seconds > b.seconds;
                   });
  return out;
}

}  // namespace postern::engine
