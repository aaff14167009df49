#include "exec/filter_verdicts.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace postern::exec {
namespace {

constexpr size_t kMaxKinds = size_t{1} << 16;
constexpr size_t kMaxVerdicts = size_t{1} << 20;
constexpr uint64_t kFirstRows = 2048;  // after which the filters are filed anew, and then
constexpr uint64_t kTimesRows = 8;     // after so many times the rows

}  // namespace

FilterVerdicts::FilterVerdicts(const FilterPrograms& programs, const ColumnLookup& lookup)
    : programs_(programs),
      lookup_(lookup),
      groups_(1),
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
    for (const FilterStep& s : program.steps)
      if (s.predicate != kNoPredicate)
        for (const size_t c : programs_.predicates()[s.predicate].columns)
          used[c] = true;
    for (const size_t c : program.asked_columns)
      used[c] = true;
  }
  for (size_t c = 0; c < used.size(); ++c)
    if (used[c]) g.columns.push_back(c);
  if (!is_open_.empty()) find_open(g);
  groups_.push_back(std::move(g));
  return static_cast<uint32_t>(groups_.size() - 1);
}

bool FilterVerdicts::make_room() {
  if (lookup_.num_rows() >= next_filing_) {
    next_filing_ = std::max(kFirstRows, lookup_.num_rows() * kTimesRows);
    touching_ = lookup_.num_rows_touching();
    num_rows_ = lookup_.num_rows();
    file_filters();
  }
  if (kinds_.size() <= kMaxKinds && verdicts_.size() <= kMaxVerdicts) return false;
  forget();
  return true;
}

void FilterVerdicts::forget() {
  kinds_.clear();
  starts_ = {0, 0};
  verdicts_.clear();
}

/// What `other`, of another part that must hold too, can do as a guard.
void FilterVerdicts::Anchor::guard_by(const Anchor& other) {
  if (other.predicates.size() == 1 && other.share < guard_share) {
    guard = other.predicates[0];
    guard_share = other.share;
  }
  if (other.guard_share < guard_share) {
    guard = other.guard;
    guard_share = other.guard_share;
  }
}

double FilterVerdicts::share(uint32_t predicate) const {
  constexpr double kPriorRows = 256;
  return (static_cast<double>(touching_[predicate]) +
          programs_.predicates()[predicate].prior * kPriorRows) /
         (static_cast<double>(num_rows_) + kPriorRows);
}

/// Predicates of which one at least must be touched; nullopt: the node may hold without any.
std::optional<FilterVerdicts::Anchor> FilterVerdicts::anchor_of(const FilterNode& n) const {
  switch (n.kind) {
    case FilterNode::Kind::kTest:
      if (n.negated) return std::nullopt;
      return Anchor{{n.predicate}, share(n.predicate), kNoPredicate, 1};
    case FilterNode::Kind::kAnd: {
      std::optional<Anchor> best;
      for (const FilterNode& c : n.children) {
        auto a = anchor_of(c);
        if (!a) continue;
        if (!best || a->share < best->share) std::swap(a, best);
        if (a) best->guard_by(*a);
      }
      return best;
    }
    case FilterNode::Kind::kOr: {
      Anchor all;
      for (const FilterNode& c : n.children) {
        auto a = anchor_of(c);
        if (!a) return std::nullopt;
        all.predicates.insert(all.predicates.end(), a->predicates.begin(), a->predicates.end());
        all.share += a->share;
      }
      return all;  // what one of the alternatives needs guards no other
    }
    case FilterNode::Kind::kFalse:
      return Anchor{};
    case FilterNode::Kind::kOpen:
    case FilterNode::Kind::kTrue:
      return std::nullopt;
  }
  return std::nullopt;
}

void FilterVerdicts::file_filters() {
  std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> filed;  // predicate, filter, guard
  is_open_.assign(programs_.filters().size(), false);
  for (uint32_t f = 0; f < programs_.filters().size(); ++f) {
    const auto a = anchor_of(programs_.filters()[f].root);
    is_open_[f] = !a;
    if (a)
      for (const uint32_t p : a->predicates)
        filed.emplace_back(p, f, a->guard);
  }
  std::sort(filed.begin(), filed.end());
  filed.erase(std::unique(filed.begin(), filed.end()), filed.end());
  anchor_starts_.assign(programs_.predicates().size() + 1, 0);
  anchored_.clear();
  for (const auto& [p, f, guard] : filed) {
    ++anchor_starts_[p + 1];
    anchored_.push_back({f, guard});
  }
  for (size_t i = 1; i < anchor_starts_.size(); ++i)
    anchor_starts_[i] += anchor_starts_[i - 1];
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

uint32_t FilterVerdicts::kind_of(std::span<const uint32_t> row, uint64_t hash) {
  const uint32_t kind = kinds_.number_of(row, hash);
  if (kind + 1 == starts_.size()) {
    decide_kind(row);
    starts_.push_back(static_cast<uint32_t>(verdicts_.size()));
  }
  return kind;
}

void FilterVerdicts::decide_kind(std::span<const uint32_t> row) {
  const Group& g = groups_[row[0]];
  next_epoch();
  for (const uint32_t list : row.subspan(1))
    for (const uint32_t p : lookup_.predicates(list))
      bits_[p] = epoch_;
  for (const uint32_t list : row.subspan(1))
    for (const uint32_t p : lookup_.predicates(list))
      for (uint32_t i = anchor_starts_[p]; i < anchor_starts_[p + 1]; ++i) {
        const auto [f, guard] = anchored_[i];
        if (guard != kNoPredicate && bits_[guard] != epoch_) continue;
        if ((g.is_member[f / 64] >> (f % 64)) & 1) decide(f);
      }
  for (const uint32_t f : g.open)
    decide(f);
}

void FilterVerdicts::decide(uint32_t filter) {
  if (tried_[filter] == epoch_) return;
  tried_[filter] = epoch_;
  if (num_tried_) ++(*num_tried_)[filter];
  const FilterProgram& f = programs_.filters()[filter];
  uint32_t at = f.entry;
  bool sure = true;
  while (at < kReject) {
    const FilterStep& s = f.steps[at];
    if (s.predicate == kNoPredicate) {
      sure = false;
      at = s.on_true;
      continue;
    }
    const bool hit = bits_[s.predicate] == epoch_;
    if (hit && !programs_.predicates()[s.predicate].exact) {
      sure = false;  // it may hold, or not
      at = s.on_true;
    } else {
      at = hit != s.negated ? s.on_true : s.on_false;
    }
  }
  if (at != kReject) verdicts_.push_back({filter, sure});
}

void FilterVerdicts::next_epoch() {
  if (++epoch_ != 0) return;
  std::fill(bits_.begin(), bits_.end(), 0);
  std::fill(tried_.begin(), tried_.end(), 0);
  epoch_ = 1;
}

}  // namespace postern::exec
