#include "exec/filter_verdicts.h"

#include <algorithm>
#include <array>
#include <utility>

#include "exec/filter_anchor.h"

namespace postern::exec {
namespace {

constexpr size_t kMaxKinds = size_t{1} << 16;
constexpr size_t kMaxVerdicts = size_t{1} << 20;
constexpr uint64_t kFirstRows = 2048;  // after which the filters are filed anew, and then
constexpr uint64_t kTimesRows = 8;     // after so many times the rows
constexpr uint64_t kGroupRows = 512;   // of a group, before columns of it may be late

}  // namespace

FilterVerdicts::FilterVerdicts(const FilterPrograms& programs, const ColumnLookup& lookup)
    : programs_(programs),
      lookup_(lookup),
      groups_(1),
      rows_of_forgotten_(programs.predicates().size()),
      touching_(programs.predicates().size()),
      bits_(programs.predicates().size()),
      tried_(programs.filters().size()) {
  forget();
}

uint32_t FilterVerdicts::add_group(std::vector<uint32_t> filters) {
  Group g;
  g.filters = std::move(filters);
  g.is_member.resize(programs_.filters().size() / 64 + 1);
  std::vector<bool> used(programs_.columns().size());
  for (const uint32_t f : g.filters) {
    const FilterProgram& program = programs_.filters()[f];
    g.is_member[f / 64] |= uint64_t{1} << (f % 64);
    for (const uint32_t c : program.columns)
      used[c] = true;
  }
  for (size_t c = 0; c < used.size(); ++c)
    if (used[c]) g.first.push_back(c);
  if (!is_open_.empty()) find_open(g);
  groups_.push_back(std::move(g));
  return static_cast<uint32_t>(groups_.size() - 1);
}

bool FilterVerdicts::make_room() {
  bool changed = false;
  if (num_rows_ >= next_filing_) {
    next_filing_ = std::max(kFirstRows, num_rows_ * kTimesRows);
    touching_ = num_rows_touching();
    num_filed_rows_ = num_rows_;
    changed = choose_late_columns();
    file_filters();
  }
  if (!changed && kinds_.size() <= kMaxKinds && verdicts_.size() <= kMaxVerdicts) return false;
  forget();
  return true;
}

void FilterVerdicts::forget() {
  rows_of_forgotten_ = num_rows_touching();
  kinds_.clear();
  decided_ = std::vector<Decided>(1);
  verdicts_ = {};
}

std::vector<uint64_t> FilterVerdicts::num_rows_touching() const {
  std::vector<uint64_t> rows = rows_of_forgotten_;
  for (uint32_t kind = 1; kind < decided_.size(); ++kind)
    if (const uint64_t n = decided_[kind].num_rows; n > 0)
      for (const uint32_t list : kinds_[kind].subspan(1))
        for (const uint32_t p : lookup_.predicates(list))
          rows[p] += n;
  return rows;
}

/// The part of `num_rows` that touches a predicate.
double FilterVerdicts::share(uint32_t predicate, uint64_t num_rows) const {
  constexpr double kPriorRows = 256;
  return (static_cast<double>(touching_[predicate]) +
          programs_.predicates()[predicate].prior * kPriorRows) /
         (static_cast<double>(num_rows) + kPriorRows);
}

/// Rows of a group as far as they are remembered.
RowSample FilterVerdicts::sample(uint32_t group) const {
  constexpr size_t kMostKinds = 4096;  // tell enough
  RowSample rows;
  for (uint32_t kind = 1; kind < decided_.size() && rows.size() < kMostKinds; ++kind) {
    const std::span<const uint32_t> row = kinds_[kind];
    if (row[0] / 2 != group || decided_[kind].num_rows == 0) continue;
    rows.begin(decided_[kind].num_rows);
    for (const uint32_t list : row.subspan(1))
      rows.add_predicates(lookup_.predicates(list));
  }
  return rows;
}

/// True: any group has other late columns than before.
bool FilterVerdicts::choose_late_columns() {
  bool changed = false;
  for (uint32_t group = 1; group < groups_.size(); ++group) {
    Group& g = groups_[group];
    if (g.num_rows < kGroupRows || g.never_late) continue;
    // Where most rows need them after all, they are never late again.
    if (g.num_open_rows * 2 > g.num_rows) {
      g.never_late = true;
      set_late_columns(g, {});
      changed = true;
      continue;
    }
    std::vector<size_t> columns = g.first;
    columns.insert(columns.end(), g.late.begin(), g.late.end());
    std::sort(columns.begin(), columns.end());
    auto late = exec::late_columns(programs_, g.filters, columns, sample(group), g.late);
    if (late == g.late) continue;
    set_late_columns(g, std::move(late));
    changed = true;
  }
  return changed;
}

void FilterVerdicts::set_late_columns(Group& g, std::vector<size_t> late) const {
  const auto is_late = [&](size_t c) { return std::binary_search(late.begin(), late.end(), c); };
  g.first.insert(g.first.end(), g.late.begin(), g.late.end());
  std::sort(g.first.begin(), g.first.end());
  std::erase_if(g.first, is_late);
  g.is_late.assign(programs_.predicates().size() / 64 + 1, 0);
  for (size_t p = 0; p < programs_.predicates().size(); ++p) {
    const std::vector<size_t>& columns = programs_.predicates()[p].columns;
    if (std::any_of(columns.begin(), columns.end(), is_late))
      g.is_late[p / 64] |= uint64_t{1} << (p % 64);
  }
  g.late = std::move(late);
}

void FilterVerdicts::file_filters() {
  const size_t num_filters = programs_.filters().size();
  const size_t num_predicates = programs_.predicates().size();
  std::vector<double> shares(num_predicates);
  for (uint32_t p = 0; p < num_predicates; ++p)
    shares[p] = share(p, num_filed_rows_);
  std::vector<const Group*> late_groups;  // of the filter at hand, with late columns
  const auto early = [&](uint32_t p) {
    const bool is_late = std::any_of(late_groups.begin(), late_groups.end(),
                                     [&](const Group* g) { return g->has_late(p); });
    return is_late ? kUnusable : shares[p];
  };
  // By filter first, then by predicate.
  std::vector<std::pair<uint32_t, Anchored>> filed;
  anchor_starts_.assign(num_predicates + 1, 0);
  is_open_.assign(num_filters, false);
  AnchorFinder anchors;
  for (uint32_t f = 0; f < num_filters; ++f) {
    late_groups.clear();
    for (const Group& g : groups_)
      if (!g.late.empty() && g.has(f)) late_groups.push_back(&g);
    is_open_[f] = !anchors.find(programs_.filters()[f].root, early);
    if (is_open_[f]) continue;
    for (const uint32_t p : anchors.predicates()) {
      filed.push_back({p, {f, anchors.guard()}});
      ++anchor_starts_[p + 1];
    }
  }
  for (size_t i = 1; i < anchor_starts_.size(); ++i)
    anchor_starts_[i] += anchor_starts_[i - 1];
  anchored_.resize(filed.size());
  std::vector<uint32_t> next(anchor_starts_.begin(), anchor_starts_.end() - 1);
  for (const auto& [p, anchored] : filed)
    anchored_[next[p]++] = anchored;
  for (Group& g : groups_)
    find_open(g);
}

void FilterVerdicts::find_open(Group& g) const {
  g.open.clear();
  std::copy_if(g.filters.begin(), g.filters.end(), std::back_inserter(g.open),
               [&](uint32_t f) { return is_open_[f]; });
}

const std::vector<uint32_t>& FilterVerdicts::kinds(size_t num_rows) {
  // A few rows ahead, so that memory is fetched while others are hashed.
  constexpr size_t kAhead = 16;
  std::array<uint64_t, kAhead> hashes{};
  row_kinds_.resize(num_rows);
  for (size_t begin = 0; begin < num_rows; begin += kAhead) {
    const size_t n = std::min(kAhead, num_rows - begin);
    for (size_t i = 0; i < n; ++i)
      kinds_.prefetch_slot(hashes[i] = DistinctLists::hash_of(lookup_.row(begin + i)));
    for (size_t i = 0; i < n; ++i)
      kinds_.prefetch_entry(hashes[i]);
    for (size_t i = 0; i < n; ++i)
      row_kinds_[begin + i] = kind_of(lookup_.row(begin + i), hashes[i]);
  }
  return row_kinds_;
}

const std::vector<uint32_t>& FilterVerdicts::open_rows() {
  open_rows_.clear();
  for (size_t k = 0; k < row_kinds_.size(); ++k)
    if (decided_[row_kinds_[k]].is_open) open_rows_.push_back(static_cast<uint32_t>(k));
  return open_rows_;
}

void FilterVerdicts::decide_open_rows() {
  for (const uint32_t k : open_rows_)
    row_kinds_[k] = kind_of(lookup_.row(k), DistinctLists::hash_of(lookup_.row(k)));
}

void FilterVerdicts::count_rows(uint32_t group) {
  for (const uint32_t kind : row_kinds_)
    ++decided_[kind].num_rows;
  num_rows_ += row_kinds_.size();
  groups_[group].num_rows += row_kinds_.size();
  if (!groups_[group].late.empty()) groups_[group].num_open_rows += open_rows_.size();
}

uint32_t FilterVerdicts::kind_of(std::span<const uint32_t> row, uint64_t hash) {
  const uint32_t kind = kinds_.number_of(row, hash);
  if (kind == decided_.size()) decide_kind(row);
  return kind;
}

void FilterVerdicts::decide_kind(std::span<const uint32_t> row) {
  const Group& g = groups_[row[0] / 2];
  const bool all_known = row[0] % 2 != 0;
  const auto begin = static_cast<uint32_t>(verdicts_.size());
  depends_ = false;
  next_epoch();
  for (const uint32_t list : row.subspan(1))
    for (const uint32_t p : lookup_.predicates(list))
      bits_[p] = epoch_;
  for (const uint32_t list : row.subspan(1))
    for (const uint32_t p : lookup_.predicates(list))
      for (uint32_t i = anchor_starts_[p]; i < anchor_starts_[p + 1]; ++i) {
        const auto [f, guard] = anchored_[i];
        if (guard != kNoPredicate && bits_[guard] != epoch_) continue;
        if (g.has(f)) decide(g, all_known, f);
      }
  for (const uint32_t f : g.open)
    decide(g, all_known, f);
  if (depends_) verdicts_.resize(begin);
  decided_.push_back({begin, static_cast<uint32_t>(verdicts_.size()) - begin, 0, depends_});
}

void FilterVerdicts::decide(const Group& g, bool all_known, uint32_t filter) {
  if (tried_[filter] == epoch_ || depends_) return;
  tried_[filter] = epoch_;
  if (num_tried_) ++(*num_tried_)[filter];
  const FilterProgram& f = programs_.filters()[filter];
  uint32_t at = f.entry;
  bool sure = true;
  bool depends = false;
  while (at < kReject) {
    const FilterStep& s = f.steps[at];
    if (s.predicate == kNoPredicate) {
      sure = false;
      at = s.on_true;
      continue;
    }
    const bool hit = bits_[s.predicate] == epoch_;
    if (!hit && !all_known && g.has_late(s.predicate)) {
      depends = true;  // it may hold, and then again not
      at = s.on_true;
    } else if (hit && !programs_.predicates()[s.predicate].exact) {
      sure = false;  // it may hold, or not
      at = s.on_true;
    } else {
      at = hit != s.negated ? s.on_true : s.on_false;
    }
  }
  if (at == kReject) return;
  // What it says when it is asked is remembered by values, which must be known.
  if (!sure && !all_known)
    depends = depends || std::any_of(f.asked_columns.begin(), f.asked_columns.end(), [&](size_t c) {
                return std::binary_search(g.late.begin(), g.late.end(), c);
              });
  depends_ = depends;
  if (!depends) verdicts_.push_back({filter, sure});
}

void FilterVerdicts::next_epoch() {
  if (++epoch_ != 0) return;
  std::fill(bits_.begin(), bits_.end(), 0);
  std::fill(tried_.begin(), tried_.end(), 0);
  epoch_ = 1;
}

}  // namespace postern::exec
