#include "exec/functions/literal_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/check.h"

namespace postern::exec {
namespace {

constexpr uint32_t kFilterBits = 3;  // the filter has this many bits more than there are buckets
constexpr size_t kMaxOffsets = 64;   // windows of a literal that are considered

uint32_t spread(uint32_t window) {
  return window * 0x9E3779B1U;
}

uint32_t window_at(std::string_view s, size_t at, size_t size) {
  uint32_t w = 0;
  std::memcpy(&w, s.data() + at, size);
  return w;
}

}  // namespace

void LiteralScan::add(std::string_view literal) {
  POSTERN_CHECK(!literal.empty());
  literals_.emplace_back(literal);
}

void LiteralScan::seal() {
  std::sort(literals_.begin(), literals_.end());
  literals_.erase(std::unique(literals_.begin(), literals_.end()), literals_.end());
  const auto window_size = [](const std::string& s) { return std::min(s.size(), kMaxWindow); };
  const auto num_offsets = [&](const std::string& s) {
    return std::min(s.size() - window_size(s) + 1, kMaxOffsets);
  };
  std::unordered_map<uint32_t, uint32_t> uses;
  for (const std::string& s : literals_)
    for (size_t at = 0; at < num_offsets(s); ++at)
      ++uses[window_at(s, at, window_size(s))];
  std::array<std::vector<Entry>, kMaxWindow> entries;
  for (size_t i = 0; i < literals_.size(); ++i) {
    const std::string& s = literals_[i];
    size_t best = 0;
    for (size_t at = 1; at < num_offsets(s); ++at)
      if (uses[window_at(s, at, window_size(s))] < uses[window_at(s, best, window_size(s))])
        best = at;
    entries[window_size(s) - 1].push_back({window_at(s, best, window_size(s)),
                                           static_cast<uint32_t>(i), static_cast<uint32_t>(best)});
  }
  for (size_t n = 0; n < kMaxWindow; ++n)
    if (!entries[n].empty()) build(tables_[n], entries[n]);
}

void LiteralScan::build(Table& table, const std::vector<Entry>& entries) {
  const auto wanted = static_cast<uint32_t>(std::bit_width(entries.size() * 2));
  table.bits = std::clamp<uint32_t>(wanted, 4, 20);
  table.filter.assign((size_t{1} << (table.bits + kFilterBits)) / 64, 0);
  table.starts.assign((size_t{1} << table.bits) + 1, 0);
  const auto bucket = [&](const Entry& e) { return spread(e.window) >> (32 - table.bits); };
  for (const Entry& e : entries) {
    ++table.starts[bucket(e) + 1];
    const uint32_t bit = spread(e.window) >> (32 - table.bits - kFilterBits);
    table.filter[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  for (size_t i = 1; i < table.starts.size(); ++i)
    table.starts[i] += table.starts[i - 1];
  std::vector<uint32_t> next(table.starts.begin(), table.starts.end() - 1);
  table.entries.resize(entries.size());
  for (const Entry& e : entries)
    table.entries[next[bucket(e)]++] = e;
}

bool LiteralScan::search(const Table& table, size_t window_size, std::string_view text) const {
  for (size_t at = 0; at + window_size <= text.size(); ++at) {
    const uint32_t window = window_at(text, at, window_size);
    const uint32_t hash = spread(window);
    const uint32_t bit = hash >> (32 - table.bits - kFilterBits);
    if (!((table.filter[bit / 64] >> (bit % 64)) & 1)) continue;
    const uint32_t bucket = hash >> (32 - table.bits);
    for (uint32_t i = table.starts[bucket]; i < table.starts[bucket + 1]; ++i) {
      const Entry& e = table.entries[i];
      if (e.window != window || e.offset > at) continue;
      const std::string& literal = literals_[e.literal];
      if (text.compare(at - e.offset, literal.size(), literal) == 0) return true;
    }
  }
  return false;
}

bool LiteralScan::found_in(std::string_view text) const {
  for (size_t n = 0; n < kMaxWindow; ++n)
    if (!tables_[n].entries.empty() && search(tables_[n], n + 1, text)) return true;
  return false;
}

}  // namespace postern::exec
