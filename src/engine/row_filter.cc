#include "engine/row_filter.h"

#include <algorithm>
#include <chrono>

#include "engine/scan_program.h"

namespace postern::engine {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

RowFilter::RowFilter(const TableProgram& table, bool profiling)
    : table_(table), state_(table.filter->start()), survivors_(table.branches.size()) {
  if (!profiling) return;
  state_->set_profiling();
  costs_.resize(table.branches.size());
}

void RowFilter::run(std::span<const data::Column> columns,
                    const RowsById& rows,
                    uint32_t num_rows) {
  for (const uint32_t b : passed_)
    survivors_[b].sure.clear();
  passed_.clear();
  for (const auto& [id, of_id] : rows) {
    if (!state_->has_group(id)) {
      std::vector<uint32_t> wanting;
      for (uint32_t b = 0; b < table_.branches.size(); ++b)
        if (table_.branches[b].wants(id)) wanting.push_back(b);
      state_->add_group(id, std::move(wanting));
    }
    state_->run(id, columns, of_id, survivors_, passed_);
  }
  std::sort(passed_.begin(), passed_.end());
  const plan::RunContext none;
  std::erase_if(passed_, [&](uint32_t b) {
    exec::Survivors& s = survivors_[b];
    std::sort(s.maybe.begin(), s.maybe.end());
    if (!s.maybe.empty()) {
      const auto begin = costs_.empty() ? Clock::time_point() : Clock::now();
      table_.branches[b].where->get().select(columns, s.maybe, num_rows, none, s.sure);
      if (!costs_.empty()) {
        costs_[b].asked += s.maybe.size();
        costs_[b].seconds += std::chrono::duration<double>(Clock::now() - begin).count();
      }
      s.maybe.clear();
    }
    if (!costs_.empty()) costs_[b].passed += s.sure.size();
    std::sort(s.sure.begin(), s.sure.end());
    return s.sure.empty();
  });
}

std::unique_ptr<RowFilter> RowFilterPool::take(const TableProgram& table, bool profiling) {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<RowFilter> filter = std::move(free_.back());
      free_.pop_back();
      return filter;
    }
  }
  return std::make_unique<RowFilter>(table, profiling);
}

void RowFilterPool::give_back(std::unique_ptr<RowFilter> filter) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(filter));
}

}  // namespace postern::engine
