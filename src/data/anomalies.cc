#include "data/batch.h"

namespace postern::data {

void Anomalies::add(std::string_view name,
                    std::string_view path,
                    uint64_t offset,
                    std::string_view detail,
                    uint64_t count) {
  auto at = all_.find(name);
  if (at == all_.end())
    at = all_.emplace(name, Entry{0, std::string(path), offset, std::string(detail)}).first;
  at->second.count += count;
}

void Anomalies::merge(const Anomalies& other) {
  for (const auto& [name, entry] : other.all_) {
    const auto [at, added] = all_.emplace(name, entry);
    if (!added) at->second.count += entry.count;
  }
}

}  // namespace postern::data
