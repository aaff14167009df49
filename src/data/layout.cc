#include "data/batch.h"

namespace postern::data {

int Layout::add(const std::string& name, Type type) {
  const auto [at, added] = slots_.emplace(name, static_cast<int>(fields_.size()));
  if (added) {
    fields_.push_back({name, type});
    if (name == kRawColumn) raw_slot_ = at->second;
    if (name == kTextColumn) text_slot_ = at->second;
    if (name == kValuesColumn) values_slot_ = at->second;
  }
  return at->second;
}

int Layout::slot(std::string_view name) const {
  const auto at = slots_.find(name);
  return at == slots_.end() ? -1 : at->second;
}

}  // namespace postern::data
