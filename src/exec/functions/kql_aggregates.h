// Inside of KQL's aggregates: how families register, and the wrapper that makes sumif() of sum().
#pragma once
#include <memory>
#include <vector>

#include "exec/functions/kql_kernel.h"
#include "plan/function.h"

namespace postern::exec::kql {

using plan::AggregateDef;
using plan::Aggregator;

using Constants = std::span<const Value* const>;
using MakeAggregator = std::unique_ptr<Aggregator> (*)(Constants, std::span<const Type>, Type);

/// The rows for which the second argument is true, given to an aggregate of the other arguments.
class Conditional final : public Aggregator {
 public:
  Conditional(std::unique_ptr<Aggregator> inner, size_t predicate)
      : inner_(std::move(inner)), predicate_(predicate) {}

  void resize(uint32_t n) override { inner_->resize(n); }

  void update(std::span<const Column> args,
              const Column& time,
              data::Rows rows,
              const uint32_t* groups) override;

  void finish(uint32_t group, ColumnBuilder& out) override { inner_->finish(group, out); }

  uint64_t memory_bytes() const override { return inner_->memory_bytes(); }

 private:
  std::unique_ptr<Aggregator> inner_;
  size_t predicate_;
};

/// make_… of an aggregate with a condition: `make` sees the arguments without it.
template <MakeAggregator make, size_t predicate = 1>
std::unique_ptr<Aggregator> conditional(Constants constants,
                                        std::span<const Type> types,
                                        Type result) {
  std::vector<const Value*> c;
  std::vector<Type> t;
  for (size_t i = 0; i < types.size(); ++i) {
    if (i == predicate) continue;
    c.push_back(constants[i]);
    t.push_back(types[i]);
  }
  return std::make_unique<Conditional>(make(c, t, result), predicate);
}

/// Type rule with a condition at `predicate`: the rule of the other arguments, and the condition is
/// bool.
template <Typing (*rule)(const TypeRequest&), size_t predicate = 1>
Typing conditional_typing(const TypeRequest& r) {
  std::vector<Type> types;
  std::vector<const Value*> constants;
  for (size_t i = 0; i < r.types.size(); ++i) {
    if (i != predicate) {
      types.push_back(r.types[i]);
      constants.push_back(r.constants[i]);
    } else if ((kBoolArg & bit(r.types[i])) == 0 && r.types[i] != Type::kNull) {
      return Typing::wrong("the condition must be bool, but is " +
                           std::string(data::type_name(r.types[i])));
    }
  }
  return rule({types, constants});
}

struct AggregateSpec {
  std::string_view name;
  int min_args;
  int max_args;
  Typing (*typing)(const TypeRequest&);
  MakeAggregator make;
  std::string_view doc;
  int chosen_by = -1;  // as of AggregateDef
};

void add(plan::FunctionCatalog& catalog, std::span<const AggregateSpec> specs);

void register_number_aggregates(plan::FunctionCatalog& c);      // kql_aggregate_numbers.cc
void register_choice_aggregates(plan::FunctionCatalog& c);      // kql_aggregate_choice.cc
void register_collection_aggregates(plan::FunctionCatalog& c);  // kql_aggregate_collections.cc
void register_series_aggregates(plan::FunctionCatalog& c);      // kql_aggregate_series.cc

}  // namespace postern::exec::kql
