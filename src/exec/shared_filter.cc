#include "exec/shared_filter.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "exec/asked_memo.h"
#include "exec/column_lookup.h"
#include "exec/filter_program.h"
#include "exec/filter_verdicts.h"

namespace postern::exec {

using data::Column;
using data::Rows;
using plan::ExprPtr;

namespace {

class SharedState final : public SharedFilter::State {
 public:
  SharedState(const FilterPrograms& programs, std::shared_ptr<MemoBudget> memos)
      : programs_(programs),
        lookup_(programs),
        verdicts_(programs, lookup_),
        asked_of_values_(programs.filters().size()),
        to_learn_(programs.filters().size()),
        memos_(std::move(memos)) {}

  bool has_group(int64_t key) const override { return groups_.count(key) > 0; }

  void add_group(int64_t key, std::vector<uint32_t> filters) override {
    groups_[key] = verdicts_.add_group(std::move(filters));
  }

  void run(int64_t key,
           std::span<const Column> columns,
           Rows rows,
           std::vector<Survivors>& out,
           std::vector<uint32_t>& touched) override {
    const uint32_t group = groups_.find(key)->second;
    if (rows.empty()) return;
    make_room(rows.size());
    const std::vector<uint32_t>& kinds = kinds_of(group, columns, rows);
    for (size_t k = 0; k < rows.size(); ++k) {
      const uint32_t kind = kinds[k];
      for (const FilterVerdicts::Verdict v : verdicts_.of_kind(kind)) {
        bool sure = v.sure;
        if (!sure) {
          const auto said = asked_before(v.filter, kind, k, rows[k], out[v.filter]);
          if (said && !*said) continue;
          sure = said.has_value();
        }
        Survivors& to = out[v.filter];
        if (to.sure.empty() && to.maybe.empty()) touched.push_back(v.filter);
        (sure ? to.sure : to.maybe).push_back(rows[k]);
      }
    }
  }

  void learn(uint32_t filter, Rows passed) override {
    const bool by_value = programs_.filters()[filter].repeats_by_value();
    for (const Asked& a : to_learn_[filter]) {
      const bool said = std::binary_search(passed.begin(), passed.end(), a.row);
      if (by_value)
        asked_of_values_bytes_ += asked_of_values_[filter].add(a.key[2], said);
      else
        asked_.add(a.key, said);
    }
    to_learn_[filter].clear();
  }

  void set_profiling() override {
    profile_.tried.resize(programs_.filters().size());
    for (const auto& c : programs_.columns())
      profile_.columns.push_back({c->slot, 0, 0, 0});
    lookup_.set_profile(&profile_);
    verdicts_.count_tried(&profile_.tried);
  }

  const FilterProfile& profile() override {
    profile_.touched = verdicts_.num_rows_touching();
    profile_.num_rows = verdicts_.num_rows();
    return profile_;
  }

 private:
  struct Asked {
    AskedMemo::Key key;
    uint32_t row;
  };

  /// Before `num_rows` more rows.
  void make_room(size_t num_rows) {
    constexpr size_t kRowsBetweenLooks = 512;
    rows_since_look_ += num_rows;
    if (rows_since_look_ >= kRowsBetweenLooks) {
      rows_since_look_ = 0;
      const bool is_over = memos_.is_over(memory_bytes());
      if (is_over || lookup_.full()) {
        verdicts_.forget();
        lookup_.forget(is_over);
        forget_asked();
      }
    }
    if (verdicts_.make_room()) forget_asked();
  }

  size_t memory_bytes() const {
    return lookup_.memory_bytes() + verdicts_.memory_bytes() + asked_.memory_bytes() +
           asked_of_values_bytes_;
  }

  const std::vector<uint32_t>& kinds_of(uint32_t group,
                                        std::span<const Column> columns,
                                        Rows rows) {
    const std::vector<size_t>& late = verdicts_.late_columns(group);
    lookup_.run(verdicts_.first_columns(group), columns, rows, verdicts_.mark(group), late.size());
    const std::vector<uint32_t>& kinds = verdicts_.kinds(rows.size());
    if (!late.empty()) {
      const std::vector<uint32_t>& open = verdicts_.open_rows();
      late_rows_.clear();
      for (const uint32_t k : open)
        late_rows_.push_back(rows[k]);
      if (!open.empty())
        lookup_.run_more(late, columns, late_rows_, open, verdicts_.late_mark(group));
      verdicts_.decide_open_rows();
    }
    verdicts_.count_rows(group);
    return kinds;
  }

  /// What the filter said of a row like this one; nullopt: it must be asked, and may say it to
  /// learn().
  std::optional<bool> asked_before(
      uint32_t filter, uint32_t kind, size_t k, uint32_t row, const Survivors& so_far) {
    const FilterProgram& f = programs_.filters()[filter];
    if (!f.repeats) return std::nullopt;
    AskedMemo::Key key = {filter, f.splits ? 0 : kind, 0, 0};
    if (f.repeats_by_value()) {
      key[2] = lookup_.value(f.asked_columns[0], k);
      if (key[2] == ColumnLookup::kUnknown) return std::nullopt;
      if (const auto said = asked_of_values_[filter].find(key[2])) return said;
      return ask_later(filter, key, row, so_far);
    }
    for (size_t i = 0; i < f.asked_columns.size(); ++i) {
      key[2 + i] = lookup_.value(f.asked_columns[i], k);
      if (key[2 + i] == ColumnLookup::kUnknown) return std::nullopt;
    }
    if (const auto said = asked_.find(key)) return said;
    return ask_later(filter, key, row, so_far);
  }

  std::nullopt_t ask_later(uint32_t filter,
                           const AskedMemo::Key& key,
                           uint32_t row,
                           const Survivors& so_far) {
    // What an earlier batch left is of no use any more.
    if (so_far.maybe.empty()) to_learn_[filter].clear();
    to_learn_[filter].push_back({key, row});
    return std::nullopt;
  }

  /// Values or kinds have other numbers from now on.
  void forget_asked() {
    asked_.clear();
    for (AskedValues& some : asked_of_values_)
      some.clear();
    asked_of_values_bytes_ = 0;
    for (auto& some : to_learn_)
      some.clear();
  }

  const FilterPrograms& programs_;
  ColumnLookup lookup_;
  FilterVerdicts verdicts_;
  AskedMemo asked_;
  std::vector<AskedValues> asked_of_values_;  // by filter
  size_t asked_of_values_bytes_ = 0;
  std::vector<std::vector<Asked>> to_learn_;      // by filter: rows of this batch
  std::unordered_map<int64_t, uint32_t> groups_;  // to those of verdicts_
  std::vector<uint32_t> late_rows_;
  MemoBudget::Account memos_;
  size_t rows_since_look_ = 0;
  FilterProfile profile_;
};

class Shared final : public SharedFilter {
 public:
  Shared(const std::vector<ExprPtr>& filters, const plan::Schema& schema)
      : programs_(filters, schema) {}

  std::unique_ptr<State> start(std::shared_ptr<MemoBudget> memos) const override {
    return std::make_unique<SharedState>(programs_, std::move(memos));
  }

  bool decides(uint32_t filter) const override {
    const std::vector<FilterStep>& steps = programs_.filters()[filter].steps;
    return std::all_of(steps.begin(), steps.end(), [&](const FilterStep& s) {
      return s.predicate != kNoPredicate && programs_.predicates()[s.predicate].exact;
    });
  }

  size_t num_predicates() const override { return programs_.predicates().size(); }

  std::string predicate_text(uint32_t predicate) const override {
    return plan::to_text(*programs_.predicates()[predicate].expr);
  }

 private:
  FilterPrograms programs_;
};

}  // namespace

std::shared_ptr<const SharedFilter> SharedFilter::make(const std::vector<ExprPtr>& filters,
                                                       const plan::Schema& schema) {
  return std::make_shared<Shared>(filters, schema);
}

}  // namespace postern::exec
