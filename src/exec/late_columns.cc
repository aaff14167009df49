#include "exec/late_columns.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace postern::exec {
namespace {

// The part of the rows for which late columns are looked up after all, at most.
constexpr double kMostRows = 0.2;
constexpr size_t kMostColumns = 64;  // that a word of bits tells

/// Predicates of which a row must touch one for the filter to hold, and the share of rows that do.
struct Need {
  std::vector<uint32_t> predicates;
  double share = 0;
};

class Chooser {
 public:
  Chooser(const FilterPrograms& programs,
          std::span<const uint32_t> filters,
          std::span<const size_t> columns,
          const Share& share)
      : programs_(programs), share_(share), bits_(programs.columns().size()) {
    for (size_t i = 0; i < columns.size(); ++i)
      bits_[columns[i]] = uint64_t{1} << i;
    for (const uint32_t f : filters) {
      const FilterProgram& program = programs.filters()[f];
      uint64_t uses = 0;
      for (const FilterStep& s : program.steps)
        if (s.predicate != kNoPredicate) uses |= bits_of(s.predicate);
      for (const size_t c : program.asked_columns)
        uses |= bits_[c];
      filters_.push_back({&program.root, uses});
    }
  }

  uint64_t bit_of(size_t column) const { return bits_[column]; }

  /// The part of the rows, at most, that some filter leaves open while these columns are not known.
  double open_share(uint64_t late) {
    std::unordered_set<uint32_t> needed;
    double sum = 0;
    for (const auto& [root, uses] : filters_) {
      if ((uses & late) == 0) continue;
      const auto need = need_of(*root, late);
      if (!need) return 1;
      for (const uint32_t p : need->predicates)
        if (needed.insert(p).second) sum += share_(p);
      if (sum > kMostRows) return sum;
    }
    return sum;
  }

 private:
  uint64_t bits_of(uint32_t predicate) const {
    uint64_t bits = 0;
    for (const size_t c : programs_.predicates()[predicate].columns)
      bits |= bits_[c];
    return bits;
  }

  std::optional<Need> need_of(const FilterNode& n, uint64_t late) const {
    switch (n.kind) {
      case FilterNode::Kind::kTest:
        if (n.negated || (bits_of(n.predicate) & late) != 0) return std::nullopt;
        return Need{{n.predicate}, share_(n.predicate)};
      case FilterNode::Kind::kAnd: {
        std::optional<Need> best;
        for (const FilterNode& c : n.children)
          if (auto need = need_of(c, late); need && (!best || need->share < best->share))
            best = std::move(need);
        return best;
      }
      case FilterNode::Kind::kOr: {
        Need all;
        for (const FilterNode& c : n.children) {
          const auto need = need_of(c, late);
          if (!need) return std::nullopt;
          all.predicates.insert(all.predicates.end(), need->predicates.begin(),
                                need->predicates.end());
          all.share += need->share;
        }
        return all;
      }
      case FilterNode::Kind::kFalse:
        return Need{};
      case FilterNode::Kind::kOpen:
      case FilterNode::Kind::kTrue:
        return std::nullopt;
    }
    return std::nullopt;
  }

  struct Filter {
    const FilterNode* root;
    uint64_t uses;  // columns
  };

  const FilterPrograms& programs_;
  const Share& share_;
  std::vector<uint64_t> bits_;  // by indexed column; 0: not of this group
  std::vector<Filter> filters_;
};

}  // namespace

std::vector<size_t> late_columns(const FilterPrograms& programs,
                                 std::span<const uint32_t> filters,
                                 std::span<const size_t> columns,
                                 const Share& share,
                                 const std::vector<size_t>& late) {
  if (columns.size() > kMostColumns) return late;
  Chooser chooser(programs, filters, columns, share);
  std::vector<size_t> chosen = late;
  uint64_t bits = 0;
  for (const size_t c : late)
    bits |= chooser.bit_of(c);
  std::vector<std::pair<double, size_t>> candidates;  // share of rows that need it, column
  for (const size_t c : columns) {
    if ((chooser.bit_of(c) & bits) != 0) continue;
    // A number is looked up as quickly as it is left out.
    if (data::is_integer(programs.columns()[c]->type)) continue;
    if (const double open = chooser.open_share(bits | chooser.bit_of(c)); open <= kMostRows)
      candidates.emplace_back(open, c);
  }
  std::sort(candidates.begin(), candidates.end());
  for (const auto& [open, c] : candidates) {
    if (chooser.open_share(bits | chooser.bit_of(c)) > kMostRows) continue;
    bits |= chooser.bit_of(c);
    chosen.push_back(c);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace postern::exec
