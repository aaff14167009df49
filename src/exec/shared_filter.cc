#include "exec/shared_filter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "base/text_hash.h"
#include "data/dynamic.h"
#include "exec/filter_program.h"
#include "exec/value_memo.h"

namespace postern::exec {

using data::Column;
using data::Rows;
using data::Type;
using match::LiteralIndex;
using plan::ExprPtr;

namespace {

/// The number that a text is written as, when it is one.
std::optional<double> number_of(std::string_view text) {
  const std::string_view s = trim(text);
  if (s.empty() || !(ascii_digit(s[0]) || s[0] == '-' || s[0] == '+' || s[0] == '.'))
    return std::nullopt;
  if (const auto i = parse_int(s)) return static_cast<double>(*i);
  return parse_real(s);
}

/// Adds the time until its end to a column's cost.
class ColumnClock {
 public:
  explicit ColumnClock(FilterProfile::Column& cost) : cost_(&cost) {}

  ColumnClock(const ColumnClock&) = delete;
  ColumnClock& operator=(const ColumnClock&) = delete;

  ~ColumnClock() { cost_->seconds += std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  FilterProfile::Column* cost_;
  Clock::time_point begin_ = Clock::now();
};

class SharedState final : public SharedFilter::State {
 public:
  explicit SharedState(const FilterPrograms& shared)
      : shared_(shared),
        memos_(shared.columns().size()),
        hits_(shared.predicates().size(), 0),
        bits_(shared.predicates().size(), 0),
        tried_(shared.filters().size(), 0),
        marks_(shared.columns().size()),
        touched_in_(shared.predicates().size(), 0) {}

  bool has_group(int64_t key) const override { return groups_.count(key) > 0; }

  void add_group(int64_t key, std::vector<uint32_t> filters) override {
    Group& g = groups_[key];
    g.filters = std::move(filters);
    std::vector<bool> used(shared_.columns().size(), false);
    for (const uint32_t f : g.filters)
      for (const FilterStep& s : shared_.filters()[f].steps)
        if (s.predicate != kNoPredicate)
          for (const size_t c : shared_.predicates()[s.predicate].columns)
            used[c] = true;
    for (size_t c = 0; c < used.size(); ++c)
      if (used[c]) g.columns.push_back(c);
    anchor(g);
  }

  void run(int64_t key,
           std::span<const Column> columns,
           Rows rows,
           std::vector<Survivors>& out,
           std::vector<uint32_t>& touched) override {
    Group& g = groups_.find(key)->second;
    if (g.filters.empty() || rows.empty()) return;
    g.num_rows += rows.size();
    if (g.num_rows > g.next_anchoring) {
      g.next_anchoring = g.num_rows * 8;
      anchor(g);
    }
    look_up(g, columns, rows);
    if (profiling_) count_touched(g, rows.size());
    if (num_counted_ < kCountedRows || ++num_runs_ % kCountedRuns == 0) count(g, rows.size());
    for (size_t k = 0; k < rows.size(); ++k) {
      tried_predicates_.clear();
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list())
          if ((g.is_anchor[p / 64] >> (p % 64)) & 1) tried_predicates_.push_back(p);
      if (tried_predicates_.empty() && g.open.empty()) continue;
      next_epoch();
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list())
          bits_[p] = epoch_;
      for (const uint32_t p : tried_predicates_)
        for (uint32_t i = g.starts[p]; i < g.starts[p + 1]; ++i)
          decide(g.anchored[i], rows[k], out, touched);
      for (const uint32_t f : g.open)
        decide(f, rows[k], out, touched);
    }
  }

  void set_profiling() override {
    profiling_ = true;
    profile_.tried.resize(shared_.filters().size());
    profile_.touched.resize(shared_.predicates().size());
    for (const auto& c : shared_.columns())
      profile_.columns.push_back({c->slot, 0, 0, 0});
  }

  const FilterProfile& profile() const override { return profile_; }

 private:
  /// Filters that apply to one kind of row, each filed under the predicates it cannot do without.
  struct Group {
    std::vector<uint32_t> filters;
    std::vector<uint32_t> starts;     // by predicate, and one more: into anchored
    std::vector<uint32_t> anchored;   // filters
    std::vector<uint64_t> is_anchor;  // bit per predicate: some filter is filed under it
    std::vector<uint32_t> open;       // filters that may hold whatever is touched
    std::vector<size_t> columns;      // indexed columns that any of the filters tests
    uint64_t num_rows = 0;
    uint64_t next_anchoring = 2048;
  };

  struct Anchor {
    std::vector<uint32_t> predicates;
    double share = 0;
  };

  using Touched = ValueMemo::Answer;

  // Rows of which all touches are counted, and of which runs after that.
  static constexpr uint64_t kCountedRows = 16384;
  static constexpr uint64_t kCountedRuns = 16;

  double share(uint32_t predicate) const {
    constexpr double kPriorRows = 256;
    return (static_cast<double>(hits_[predicate]) +
            shared_.predicates()[predicate].prior * kPriorRows) /
           (static_cast<double>(num_counted_) + kPriorRows);
  }

  void count_touched(const Group& g, size_t num_rows) {
    profile_.num_rows += num_rows;
    for (size_t k = 0; k < num_rows; ++k)
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list())
          ++profile_.touched[p];
  }

  /// Counts how often predicates are touched, for anchors: by samples, once enough is known.
  void count(const Group& g, size_t num_rows) {
    for (size_t k = 0; k < num_rows; ++k)
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list())
          ++hits_[p];
    num_counted_ += num_rows;
  }

  /// Predicates of which one at least must be touched; nullopt: the node may hold without any.
  std::optional<Anchor> anchor_of(const FilterNode& n) const {
    switch (n.kind) {
      case FilterNode::Kind::kTest:
        if (n.negated) return std::nullopt;
        return Anchor{{n.predicate}, share(n.predicate)};
      case FilterNode::Kind::kAnd: {
        std::optional<Anchor> best;
        for (const FilterNode& c : n.children)
          if (auto a = anchor_of(c); a && (!best || a->share < best->share)) best = std::move(a);
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
        return all;
      }
      case FilterNode::Kind::kFalse:
        return Anchor{};
      case FilterNode::Kind::kOpen:
      case FilterNode::Kind::kTrue:
        return std::nullopt;
    }
    return std::nullopt;
  }

  void anchor(Group& g) const {
    g.open.clear();
    std::vector<std::pair<uint32_t, uint32_t>> pairs;  // predicate, filter
    for (const uint32_t f : g.filters) {
      const auto a = anchor_of(shared_.filters()[f].root);
      if (!a) {
        g.open.push_back(f);
        continue;
      }
      for (const uint32_t p : a->predicates)
        pairs.emplace_back(p, f);
    }
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    g.starts.assign(shared_.predicates().size() + 1, 0);
    g.anchored.clear();
    g.is_anchor.assign(shared_.predicates().size() / 64 + 1, 0);
    for (const auto& [p, f] : pairs) {
      g.is_anchor[p / 64] |= uint64_t{1} << (p % 64);
      ++g.starts[p + 1];
      g.anchored.push_back(f);
    }
    for (size_t i = 1; i < g.starts.size(); ++i)
      g.starts[i] += g.starts[i - 1];
  }

  /// Predicates that each row of each column touches.
  void look_up(const Group& g, std::span<const Column> columns, Rows rows) {
    touched_.resize(shared_.columns().size());
    for (const size_t c : g.columns) {
      const ColumnIndex& index = *shared_.columns()[c];
      const Column& column = columns[index.slot];
      touched_[c].assign(rows.size(), {});
      if (column.type() == Type::kNull) continue;
      std::optional<ColumnClock> clock;
      if (profiling_) {
        clock.emplace(profile_.columns[c]);
        profile_.columns[c].texts += rows.size();
      }
      looked_up_ = c;
      if (index.type == Type::kString)
        look_up_texts(index, column, rows, memos_[c], touched_[c]);
      else if (index.type == Type::kDynamic)
        look_up_members(index, column, rows, memos_[c], touched_[c]);
      else
        look_up_numbers(index, column, rows, touched_[c]);
    }
  }

  void look_up_texts(const ColumnIndex& index,
                     const Column& column,
                     Rows rows,
                     ValueMemo& memo,
                     std::vector<Touched>& out) {
    memo.begin_batch();
    const auto view = column.view<std::string_view>();
    const auto text_of = [&](size_t k) { return view[rows[k]]; };
    const auto touch_text = [&](size_t k) {
      return [&, k](std::vector<uint32_t>& ids) { touch(index, text_of(k), ids); };
    };
    if (column.is_constant()) {
      if (!view.valid(rows[0])) return;
      out[0] = memo.get(text_of(0), touch_text(0));
      std::fill(out.begin() + 1, out.end(), out[0]);
      return;
    }
    // A look at the text is quicker than the memory of it.
    if (index.texts.is_quick() && index.numbers.empty()) {
      for (size_t k = 0; k < rows.size(); ++k)
        if (view.valid(rows[k]) && index.texts.may_hold(text_of(k)))
          out[k] = memo.get(text_of(k), touch_text(k));
      return;
    }
    // A few rows ahead, so that memory is fetched while others are hashed.
    constexpr size_t kAhead = 16;
    std::array<uint64_t, kAhead> hashes{};
    for (size_t begin = 0; begin < rows.size(); begin += kAhead) {
      const size_t end = std::min(begin + kAhead, rows.size());
      const bool bypass = memo.bypasses();
      for (size_t k = begin; k < end && !bypass; ++k)
        if (view.valid(rows[k])) memo.prefetch(hashes[k - begin] = text_hash(text_of(k)));
      for (size_t k = begin; k < end; ++k)
        if (view.valid(rows[k]))
          out[k] = bypass ? memo.unremembered(touch_text(k))
                          : memo.get(text_of(k), hashes[k - begin], touch_text(k));
    }
  }

  /// Of an array every member, of another value its text.
  void look_up_members(const ColumnIndex& index,
                       const Column& column,
                       Rows rows,
                       ValueMemo& memo,
                       std::vector<Touched>& out) {
    memo.begin_batch();
    const auto view = column.view<std::string_view>();
    for (size_t k = 0; k < rows.size(); ++k) {
      if (!view.valid(rows[k])) continue;
      const data::Dynamic value(view[rows[k]]);
      if (index.texts_only && !index.texts.may_hold(view[rows[k]])) continue;
      merged_.clear();
      const auto add = [&](std::string_view text) {
        const auto answer =
            memo.get(text, [&](std::vector<uint32_t>& ids) { touch(index, text, ids); });
        merged_.insert(merged_.end(), answer.list().begin(), answer.list().end());
      };
      const auto add_value = [&](const data::Dynamic& d) {
        if (d.is_string())
          add(d.as_string());
        else if (!d.is_null())
          add(d.text());
      };
      if (value.is_array())
        for (uint32_t i = 0; i < value.size(); ++i)
          add_value(value.at(i));
      else
        add_value(value);
      std::sort(merged_.begin(), merged_.end());
      merged_.erase(std::unique(merged_.begin(), merged_.end()), merged_.end());
      out[k] = memo.keep(merged_);
    }
  }

  /// Fills `ids` with the predicates that a text touches, each once.
  void touch(const ColumnIndex& index, std::string_view text, std::vector<uint32_t>& ids) {
    if (profiling_) ++profile_.columns[looked_up_].computed;
    if (!index.texts.empty() && index.texts.may_hold(text)) {
      fold(text, folded_);
      index.texts.find(folded_, ids, marks_[looked_up_]);
    }
    if (!index.numbers.empty())
      if (const auto n = number_of(text))
        if (const auto it = index.numbers.find(*n); it != index.numbers.end())
          ids.insert(ids.end(), it->second.begin(), it->second.end());
    if (++touch_ == 0) {
      std::fill(touched_in_.begin(), touched_in_.end(), 0);
      touch_ = 1;
    }
    std::erase_if(ids,
                  [&](uint32_t id) { return std::exchange(touched_in_[id], touch_) == touch_; });
  }

  void look_up_numbers(const ColumnIndex& index,
                       const Column& column,
                       Rows rows,
                       std::vector<Touched>& out) const {
    const auto view = column.view<int64_t>();
    for (size_t k = 0; k < rows.size(); ++k) {
      if (!view.valid(rows[k])) continue;
      const auto it = index.numbers.find(static_cast<double>(view[rows[k]]));
      if (it != index.numbers.end())
        out[k] = {it->second.data(), nullptr, static_cast<uint32_t>(it->second.size()), 0};
    }
  }

  void next_epoch() {
    if (++epoch_ != 0) return;
    std::fill(bits_.begin(), bits_.end(), 0);
    std::fill(tried_.begin(), tried_.end(), 0);
    epoch_ = 1;
  }

  void decide(uint32_t filter,
              uint32_t row,
              std::vector<Survivors>& out,
              std::vector<uint32_t>& touched) {
    if (tried_[filter] == epoch_) return;
    tried_[filter] = epoch_;
    if (profiling_) ++profile_.tried[filter];
    const FilterProgram& f = shared_.filters()[filter];
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
      if (hit && !shared_.predicates()[s.predicate].exact) {
        sure = false;  // it may hold, or not
        at = s.on_true;
      } else {
        at = hit != s.negated ? s.on_true : s.on_false;
      }
    }
    if (at == kReject) return;
    Survivors& to = out[filter];
    if (to.sure.empty() && to.maybe.empty()) touched.push_back(filter);
    (sure ? to.sure : to.maybe).push_back(row);
  }

  const FilterPrograms& shared_;
  std::vector<ValueMemo> memos_;  // by indexed column
  std::unordered_map<int64_t, Group> groups_;
  std::vector<std::vector<Touched>> touched_;  // by indexed column, then row of the run
  std::vector<uint64_t> hits_;                 // rows that touched a predicate
  std::vector<uint32_t> bits_;                 // epoch in which a predicate was touched
  std::vector<uint32_t> tried_;                // epoch in which a filter was decided
  std::vector<LiteralIndex::Marks> marks_;     // by indexed column
  std::vector<uint32_t> touched_in_;           // by predicate: the text that touched it last
  uint32_t touch_ = 0;
  std::string folded_;
  std::vector<uint32_t> merged_;
  std::vector<uint32_t> tried_predicates_;  // that the row touches and filters are filed under
  FilterProfile profile_;
  bool profiling_ = false;
  size_t looked_up_ = 0;      // column whose values are being looked up
  uint64_t num_counted_ = 0;  // rows behind hits_
  uint64_t num_runs_ = 0;
  uint32_t epoch_ = 0;
};

class Shared final : public SharedFilter {
 public:
  Shared(const std::vector<ExprPtr>& filters, const plan::Schema& schema)
      : programs_(filters, schema) {}

  std::unique_ptr<State> start() const override { return std::make_unique<SharedState>(programs_); }

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
