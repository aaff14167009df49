#include "engine/row_filter.h"

#include <algorithm>

#include "base/scoped_seconds.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

constexpr int64_t kOtherKinds = 0;  // group of all event ids that no rule names

}  // namespace

RowFilter::RowFilter(const TableProgram& table, bool profiling)
    : table_(table), state_(table.filter->start(table.memos)), survivors_(table.branches.size()) {
  for (const BranchProgram& b : table.branches)
    if (b.event_ids)
      for (const int64_t id : *b.event_ids)
        groups_.try_emplace(id, static_cast<int64_t>(groups_.size()) + 1);
  if (profiling) {
    // Of all kinds together, so that a column is told once.
    state_->set_profiling();
    costs_.resize(table.branches.size());
  } else if (table.kinds.any()) {
    kinds_ = std::make_unique<KindLookup>(table.kinds);
    kind_rows_.resize(table.kind_filters.size());
    for (uint32_t group = 0; group < table.kind_filters.size(); ++group) {
      kind_states_.push_back(table.kind_filters[group]->start(table.memos));
      kind_states_.back()->add_group(kOtherKinds, table.kinds.filters[group]);
    }
  }
}

void RowFilter::run(std::span<const data::Column> columns,
                    const RowsById& rows,
                    uint32_t num_rows) {
  for (const uint32_t b : passed_)
    survivors_[b].sure.clear();
  passed_.clear();
  other_rows_.clear();
  for (const auto& [id, of_id] : rows) {
    if (const auto group = groups_.find(id); group != groups_.end())
      run_group(group->second, id, columns, of_id);
    else
      other_rows_.insert(other_rows_.end(), of_id.begin(), of_id.end());
  }
  if (!other_rows_.empty()) {
    std::sort(other_rows_.begin(), other_rows_.end());
    if (kinds_)
      run_kinds(columns, other_rows_);
    else
      run_group(kOtherKinds, std::nullopt, columns, other_rows_);
  }
  std::sort(passed_.begin(), passed_.end());
  const plan::RunContext none;
  std::erase_if(passed_, [&](uint32_t b) {
    exec::Survivors& s = survivors_[b];
    std::sort(s.maybe.begin(), s.maybe.end());
    if (!s.maybe.empty()) {
      const ScopedSeconds clock(costs_.empty() ? nullptr : &costs_[b].seconds);
      passed_when_asked_.clear();
      table_.branches[b].where->get().select(columns, s.maybe, num_rows, none, passed_when_asked_);
      learn(b, passed_when_asked_);
      s.sure.insert(s.sure.end(), passed_when_asked_.begin(), passed_when_asked_.end());
      if (!costs_.empty()) costs_[b].asked += s.maybe.size();
      s.maybe.clear();
    }
    if (!costs_.empty()) costs_[b].passed += s.sure.size();
    std::sort(s.sure.begin(), s.sure.end());
    return s.sure.empty();
  });
}

void RowFilter::run_group(int64_t group,
                          std::optional<int64_t> id,
                          std::span<const data::Column> columns,
                          data::Rows rows) {
  if (!state_->has_group(group)) {
    std::vector<uint32_t> wanting;
    for (uint32_t b = 0; b < table_.branches.size(); ++b)
      if (id ? table_.branches[b].wants(*id) : !table_.branches[b].event_ids) wanting.push_back(b);
    state_->add_group(group, std::move(wanting));
  }
  state_->run(group, columns, rows, survivors_, passed_);
}

void RowFilter::run_kinds(std::span<const data::Column> columns, data::Rows rows) {
  for (std::vector<uint32_t>& some : kind_rows_)
    some.clear();
  const data::Column& texts = columns[static_cast<size_t>(table_.kind_slot)];
  if (texts.type() == data::Type::kNull) {
    kind_rows_[0].assign(rows.begin(), rows.end());
  } else {
    const auto view = texts.view<std::string_view>();
    for (const uint32_t row : rows)
      kind_rows_[view.valid(row) ? kinds_->group(view[row]) : 0].push_back(row);
  }
  for (size_t group = 0; group < kind_rows_.size(); ++group)
    kind_states_[group]->run(kOtherKinds, columns, kind_rows_[group], survivors_, passed_);
}

void RowFilter::learn(uint32_t branch, data::Rows passed) {
  state_->learn(branch, passed);
  for (const auto& state : kind_states_)
    state->learn(branch, passed);
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
