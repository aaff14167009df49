#include "plan/function.h"

#include <utility>

namespace postern::plan {
namespace {

template <class Map>
std::vector<std::string_view> names_with_prefix(const Map& map, std::string_view prefix) {
  std::vector<std::string_view> out;
  for (auto it = map.lower_bound(prefix); it != map.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    out.push_back(it->first);
  }
  return out;
}

}  // namespace

void FunctionCatalog::add(FunctionDef f) {
  std::string name = f.name;
  const bool added = functions_.emplace(std::move(name), std::move(f)).second;
  POSTERN_CHECK(added);
}

void FunctionCatalog::add(AggregateDef f) {
  std::string name = f.name;
  const bool added = aggregates_.emplace(std::move(name), std::move(f)).second;
  POSTERN_CHECK(added);
}

const FunctionDef* FunctionCatalog::function(std::string_view name) const {
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : &it->second;
}

const AggregateDef* FunctionCatalog::aggregate(std::string_view name) const {
  const auto it = aggregates_.find(name);
  return it == aggregates_.end() ? nullptr : &it->second;
}

std::vector<std::string_view> FunctionCatalog::function_names(std::string_view prefix) const {
  return names_with_prefix(functions_, prefix);
}

std::vector<std::string_view> FunctionCatalog::aggregate_names(std::string_view prefix) const {
  return names_with_prefix(aggregates_, prefix);
}

}  // namespace postern::plan
