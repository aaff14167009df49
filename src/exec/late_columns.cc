#include "exec/late_columns.h"

#include <algorithm>

#include "exec/filter_anchor.h"

namespace postern::exec {
namespace {

// The part of the rows for which late columns are looked up after all, at most. Where half of the
// rows were open, looking twice would cost what it saves.
constexpr double kMostRows = 0.4;
constexpr size_t kMostColumns = 64;  // that a word of bits tells

class Chooser {
 public:
  Chooser(const FilterPrograms& programs,
          std::span<const uint32_t> filters,
          std::span<const size_t> columns,
          const RowSample& sample)
      : programs_(programs),
        sample_(sample),
        bits_(programs.columns().size()),
        touching_(programs.predicates().size()),
        is_needed_(programs.predicates().size()) {
    for (size_t i = 0; i < columns.size(); ++i)
      bits_[columns[i]] = uint64_t{1} << i;
    for (const uint32_t f : filters) {
      const FilterProgram& program = programs.filters()[f];
      uint64_t uses = 0;
      for (const uint32_t c : program.columns)
        uses |= bits_[c];
      filters_.push_back({&program.root, uses});
    }
    for (size_t kind = 0; kind < sample.size(); ++kind)
      for (const uint32_t p : sample.predicates(kind))
        touching_[p] += sample.count(kind);
  }

  uint64_t bit_of(size_t column) const { return bits_[column]; }

  /// The part of the sample, at most, that some filter leaves open while these columns are not
  /// known.
  double open_share(uint64_t late) {
    const auto num_rows = static_cast<double>(sample_.num_rows());
    const auto early = [&](uint32_t p) {
      if ((bits_of(p) & late) != 0) return kUnusable;
      // What was not met yet is as rare as it looks.
      return (static_cast<double>(touching_[p]) + programs_.predicates()[p].prior) / (num_rows + 1);
    };
    std::fill(is_needed_.begin(), is_needed_.end(), false);
    for (const auto& [root, uses] : filters_) {
      if ((uses & late) == 0) continue;
      if (!anchors_.find(*root, early)) return 1;
      for (const uint32_t p : anchors_.predicates())
        is_needed_[p] = true;
    }
    uint64_t open = 0;
    for (size_t kind = 0; kind < sample_.size(); ++kind) {
      const auto predicates = sample_.predicates(kind);
      if (std::any_of(predicates.begin(), predicates.end(),
                      [&](uint32_t p) { return is_needed_[p]; }))
        open += sample_.count(kind);
    }
    return static_cast<double>(open) / num_rows;
  }

 private:
  uint64_t bits_of(uint32_t predicate) const {
    uint64_t bits = 0;
    for (const size_t c : programs_.predicates()[predicate].columns)
      bits |= bits_[c];
    return bits;
  }

  struct Filter {
    const FilterNode* root;
    uint64_t uses;  // columns
  };

  const FilterPrograms& programs_;
  const RowSample& sample_;
  std::vector<uint64_t> bits_;  // by indexed column; 0: not of this group
  std::vector<Filter> filters_;
  std::vector<uint64_t> touching_;  // rows, by predicate
  std::vector<bool> is_needed_;     // by predicate: while open_share() runs
  AnchorFinder anchors_;
};

}  // namespace

std::vector<size_t> late_columns(const FilterPrograms& programs,
                                 std::span<const uint32_t> filters,
                                 std::span<const size_t> columns,
                                 const RowSample& sample,
                                 const std::vector<size_t>& late) {
  if (columns.size() > kMostColumns || sample.num_rows() == 0) return late;
  Chooser chooser(programs, filters, columns, sample);
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
