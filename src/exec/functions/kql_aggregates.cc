#include "exec/functions/kql_aggregates.h"

#include "exec/functions/functions.h"

namespace postern::exec::kql {

void Conditional::update(std::span<const Column> args,
                         const Column& time,
                         data::Rows rows,
                         const uint32_t* groups) {
  const Arg condition(args[predicate_]);
  std::vector<uint32_t> chosen;
  std::vector<uint32_t> chosen_groups;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!condition.boolean(rows[i]).value_or(false)) continue;
    chosen.push_back(rows[i]);
    chosen_groups.push_back(groups[i]);
  }
  if (chosen.empty()) return;
  std::vector<Column> others;
  for (size_t i = 0; i < args.size(); ++i)
    if (i != predicate_) others.push_back(args[i]);
  inner_->update(others, time, chosen, chosen_groups.data());
}

void add(plan::FunctionCatalog& catalog, std::span<const AggregateSpec> specs) {
  for (const AggregateSpec& s : specs) {
    AggregateDef a;
    a.name = "kql." + std::string(s.name);
    a.min_args = s.min_args;
    a.max_args = s.max_args;
    a.typing = s.typing;
    a.make = s.make;
    a.doc = std::string(s.doc);
    a.chosen_by = s.chosen_by;
    catalog.add(std::move(a));
  }
}

}  // namespace postern::exec::kql

namespace postern::exec {

void register_kql_aggregates(plan::FunctionCatalog& c) {
  kql::register_number_aggregates(c);
  kql::register_choice_aggregates(c);
  kql::register_collection_aggregates(c);
  kql::register_series_aggregates(c);
}

}  // namespace postern::exec
