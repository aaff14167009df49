#include "exec/shared_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "data/dynamic.h"
#include "exec/text_witness.h"
#include "exec/value_memo.h"
#include "match/literal_index.h"

namespace postern::exec {

using data::Column;
using data::Rows;
using data::Type;
using match::LiteralIndex;
using plan::Expr;
using plan::ExprPtr;
using Place = LiteralIndex::Place;

namespace {

// Targets of a program's steps.
constexpr uint32_t kAccept = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kReject = kAccept - 1;
constexpr uint32_t kNoPredicate = kAccept;

/// A filter with its negations pushed down to the tests.
struct Node {
  enum class Kind : uint8_t { kAnd, kOr, kTest, kOpen, kTrue, kFalse };
  Kind kind = Kind::kOpen;
  bool negated = false;               // kTest; only where the predicate is exact
  uint32_t predicate = kNoPredicate;  // kTest
  std::vector<Node> children;

  bool open() const {
    return kind == Kind::kOpen ||
           std::any_of(children.begin(), children.end(), [](const Node& c) { return c.open(); });
  }
};

struct Predicate {
  bool exact = false;
  std::vector<size_t> columns;  // numbers of indexed columns
  double prior = 0;             // share of rows that touch it, guessed from its literals
};

/// One test of a program: where to go on.
struct Step {
  uint32_t predicate = kNoPredicate;  // none: not known here
  bool exact = false;
  bool negated = false;
  uint32_t on_true = kAccept;
  uint32_t on_false = kReject;
};

struct Filter {
  Node root;
  std::vector<Step> steps;
  uint32_t entry = kAccept;
};

struct ColumnIndex {
  size_t slot = 0;
  Type type = Type::kString;  // kString, kDynamic (each member is a text), or an integer
  LiteralIndex texts;
  std::unordered_map<double, std::vector<uint32_t>> numbers;
};

/// How often a text of rules is met in events, as a rough guess: long ones are rare, and what must
/// be the whole value rarer than what may be anywhere.
double guessed_share(const TextWitness& w) {
  double share = 0.001 * static_cast<double>(w.numbers.size());
  for (const TextWitness::Literal& l : w.literals) {
    const double edge = l.place == Place::kWhole ? 4 : l.place == Place::kPart ? 0 : 2;
    share += std::exp(-0.3 * (static_cast<double>(l.text.size()) + edge));
  }
  return std::min(share, 1.0);
}

/// The number that a text is written as, when it is one.
std::optional<double> number_of(std::string_view text) {
  const std::string_view s = trim(text);
  if (s.empty() || !(ascii_digit(s[0]) || s[0] == '-' || s[0] == '+' || s[0] == '.'))
    return std::nullopt;
  if (const auto i = parse_int(s)) return static_cast<double>(*i);
  return parse_real(s);
}

class Shared final : public SharedFilter {
 public:
  Shared(const std::vector<ExprPtr>& filters, const plan::Schema& schema) {
    for (size_t i = 0; i < schema.size(); ++i)
      slots_.emplace(schema[i].name, i);
    schema_ = &schema;
    filters_.resize(filters.size());
    for (size_t i = 0; i < filters.size(); ++i) {
      Filter& f = filters_[i];
      if (!filters[i])
        f.root.kind = Node::Kind::kTrue;
      else
        f.root = node_of(*filters[i], false);
      f.entry = emit(f.root, kAccept, kReject, f.steps);
    }
    for (const auto& index : columns_)
      index->texts.seal();
    slots_.clear();
    known_.clear();
    schema_ = nullptr;
  }

  std::unique_ptr<State> start() const override;

  size_t num_predicates() const override { return predicates_.size(); }

  const std::vector<Filter>& filters() const { return filters_; }

  const std::vector<Predicate>& predicates() const { return predicates_; }

  const std::vector<std::unique_ptr<ColumnIndex>>& columns() const { return columns_; }

 private:
  Node node_of(const Expr& e, bool negated) {
    Node n;
    if (e.is_call("not") && e.args.size() == 1) return node_of(*e.args[0], !negated);
    if (e.is_call("and") || e.is_call("or")) {
      n.kind = e.is_call("and") != negated ? Node::Kind::kAnd : Node::Kind::kOr;
      for (const ExprPtr& a : e.args)
        n.children.push_back(node_of(*a, negated));
      // What is known first, so that less is left open.
      std::stable_partition(n.children.begin(), n.children.end(),
                            [](const Node& c) { return !c.open(); });
      return n;
    }
    if (e.is_literal() && e.literal.type() == Type::kBool && !e.literal.is_null()) {
      n.kind = e.literal.as_bool() != negated ? Node::Kind::kTrue : Node::Kind::kFalse;
      return n;
    }
    const uint32_t predicate = predicate_of(e);
    if (predicate == kNoPredicate || (negated && !predicates_[predicate].exact)) return n;
    n.kind = Node::Kind::kTest;
    n.predicate = predicate;
    n.negated = negated;
    return n;
  }

  uint32_t predicate_of(const Expr& e) {
    if (e.kind != Expr::Kind::kCall || e.args.empty() || !e.args[0]->is_column())
      return kNoPredicate;
    const auto [it, is_new] = known_.try_emplace(plan::to_text(e), kNoPredicate);
    if (!is_new) return it->second;
    const auto witness = text_witness(e);
    if (!witness) return kNoPredicate;
    std::vector<size_t> slots;
    for (size_t i = 0; i < witness->num_columns; ++i) {
      const auto slot = slots_.find(e.args[i]->name);
      if (slot == slots_.end() || !can_index(*witness, (*schema_)[slot->second].type))
        return kNoPredicate;
      slots.push_back(slot->second);
    }
    const auto number = static_cast<uint32_t>(predicates_.size());
    it->second = number;
    predicates_.push_back({witness->exact, {}, guessed_share(*witness)});
    for (const size_t slot : slots)
      predicates_.back().columns.push_back(file(*witness, number, slot));
    return number;
  }

  static bool can_index(const TextWitness& w, Type type) {
    if (type == Type::kString) return true;
    if (type == Type::kDynamic) return w.takes_members;
    // Of a number's text only the whole is known.
    return data::is_integer(type) &&
           std::all_of(w.literals.begin(), w.literals.end(),
                       [](const TextWitness::Literal& l) { return l.place == Place::kWhole; });
  }

  size_t file(const TextWitness& w, uint32_t predicate, size_t slot) {
    const auto [it, is_new] = by_slot_.try_emplace(slot, columns_.size());
    if (is_new) {
      columns_.push_back(std::make_unique<ColumnIndex>());
      columns_.back()->slot = slot;
      columns_.back()->type = (*schema_)[slot].type;
    }
    ColumnIndex& index = *columns_[it->second];
    for (const double n : w.numbers)
      index.numbers[n].push_back(predicate);
    for (const TextWitness::Literal& l : w.literals) {
      if (!data::is_integer(index.type)) {
        index.texts.add(l.place, l.text, predicate);
      } else if (const auto i = parse_int(l.text); i && std::to_string(*i) == l.text) {
        index.numbers[static_cast<double>(*i)].push_back(predicate);
      }
    }
    return it->second;
  }

  static uint32_t emit(const Node& n, uint32_t t, uint32_t f, std::vector<Step>& steps) {
    const auto push = [&](const Step& s) {
      steps.push_back(s);
      return static_cast<uint32_t>(steps.size() - 1);
    };
    switch (n.kind) {
      case Node::Kind::kTrue:
        return t;
      case Node::Kind::kFalse:
        return f;
      case Node::Kind::kOpen:
        return push({kNoPredicate, false, false, t, f});
      case Node::Kind::kTest:
        return push({n.predicate, false, n.negated, t, f});
      case Node::Kind::kAnd:
        for (size_t i = n.children.size(); i-- > 0;)
          t = emit(n.children[i], t, f, steps);
        return t;
      case Node::Kind::kOr:
        for (size_t i = n.children.size(); i-- > 0;)
          f = emit(n.children[i], t, f, steps);
        return f;
    }
    return t;
  }

  friend class SharedState;

  std::vector<Filter> filters_;
  std::vector<Predicate> predicates_;
  std::vector<std::unique_ptr<ColumnIndex>> columns_;
  // While it is made.
  std::unordered_map<size_t, size_t> by_slot_;
  std::unordered_map<std::string, size_t> slots_;
  std::unordered_map<std::string, uint32_t> known_;
  const plan::Schema* schema_ = nullptr;
};

class SharedState final : public SharedFilter::State {
 public:
  explicit SharedState(const Shared& shared)
      : shared_(shared),
        memos_(shared.columns().size()),
        hits_(shared.predicates().size(), 0),
        bits_(shared.predicates().size(), 0),
        tried_(shared.filters().size(), 0) {}

  bool has_group(int64_t key) const override { return groups_.count(key) > 0; }

  void add_group(int64_t key, std::vector<uint32_t> filters) override {
    Group& g = groups_[key];
    g.filters = std::move(filters);
    std::vector<bool> used(shared_.columns().size(), false);
    for (const uint32_t f : g.filters)
      for (const Step& s : shared_.filters()[f].steps)
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
    for (size_t k = 0; k < rows.size(); ++k) {
      next_epoch();
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list()) {
          bits_[p] = epoch_;
          ++hits_[p];
        }
      for (const size_t c : g.columns)
        for (const uint32_t p : touched_[c][k].list())
          for (uint32_t i = g.starts[p]; i < g.starts[p + 1]; ++i)
            decide(g.anchored[i], rows[k], out, touched);
      for (const uint32_t f : g.open)
        decide(f, rows[k], out, touched);
    }
    num_rows_ += rows.size();
  }

 private:
  /// Filters that apply to one kind of row, each filed under the predicates it cannot do without.
  struct Group {
    std::vector<uint32_t> filters;
    std::vector<uint32_t> starts;    // by predicate, and one more: into anchored
    std::vector<uint32_t> anchored;  // filters
    std::vector<uint32_t> open;      // filters that may hold whatever is touched
    std::vector<size_t> columns;     // indexed columns that any of the filters tests
    uint64_t num_rows = 0;
    uint64_t next_anchoring = 2048;
  };

  struct Anchor {
    std::vector<uint32_t> predicates;
    double share = 0;
  };

  using Touched = ValueMemo::Answer;

  double share(uint32_t predicate) const {
    constexpr double kPriorRows = 256;
    return (static_cast<double>(hits_[predicate]) +
            shared_.predicates()[predicate].prior * kPriorRows) /
           (static_cast<double>(num_rows_) + kPriorRows);
  }

  /// Predicates of which one at least must be touched; nullopt: the node may hold without any.
  std::optional<Anchor> anchor_of(const Node& n) const {
    switch (n.kind) {
      case Node::Kind::kTest:
        if (n.negated) return std::nullopt;
        return Anchor{{n.predicate}, share(n.predicate)};
      case Node::Kind::kAnd: {
        std::optional<Anchor> best;
        for (const Node& c : n.children)
          if (auto a = anchor_of(c); a && (!best || a->share < best->share)) best = std::move(a);
        return best;
      }
      case Node::Kind::kOr: {
        Anchor all;
        for (const Node& c : n.children) {
          auto a = anchor_of(c);
          if (!a) return std::nullopt;
          all.predicates.insert(all.predicates.end(), a->predicates.begin(), a->predicates.end());
          all.share += a->share;
        }
        return all;
      }
      case Node::Kind::kFalse:
        return Anchor{};
      case Node::Kind::kOpen:
      case Node::Kind::kTrue:
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
    for (const auto& [p, f] : pairs) {
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
    for (size_t k = 0; k < rows.size(); ++k) {
      const uint32_t row = rows[k];
      if (!view.valid(row)) continue;
      const std::string_view text = view[row];
      if (column.is_constant() && k > 0) {
        out[k] = out[k - 1];
        continue;
      }
      out[k] = memo.get(text, [&](std::vector<uint32_t>& ids) { touch(index, text, ids); });
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

  void touch(const ColumnIndex& index, std::string_view text, std::vector<uint32_t>& ids) {
    if (!index.texts.empty()) {
      fold(text, folded_);
      index.texts.find(folded_, ids);
    }
    if (!index.numbers.empty())
      if (const auto n = number_of(text))
        if (const auto it = index.numbers.find(*n); it != index.numbers.end())
          ids.insert(ids.end(), it->second.begin(), it->second.end());
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
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
    const Filter& f = shared_.filters()[filter];
    uint32_t at = f.entry;
    bool sure = true;
    while (at < kReject) {
      const Step& s = f.steps[at];
      if (s.predicate == kNoPredicate) {
        sure = false;
        at = s.on_true;
        continue;
      }
      const bool hit = bits_[s.predicate] == epoch_;
      if (!shared_.predicates()[s.predicate].exact && hit) sure = false;
      at = hit != s.negated ? s.on_true : s.on_false;
    }
    if (at == kReject) return;
    Survivors& to = out[filter];
    if (to.sure.empty() && to.maybe.empty()) touched.push_back(filter);
    (sure ? to.sure : to.maybe).push_back(row);
  }

  const Shared& shared_;
  std::vector<ValueMemo> memos_;  // by indexed column
  std::unordered_map<int64_t, Group> groups_;
  std::vector<std::vector<Touched>> touched_;  // by indexed column, then row of the run
  std::vector<uint64_t> hits_;                 // rows that touched a predicate
  std::vector<uint32_t> bits_;                 // epoch in which a predicate was touched
  std::vector<uint32_t> tried_;                // epoch in which a filter was decided
  std::string folded_;
  std::vector<uint32_t> merged_;
  uint64_t num_rows_ = 0;
  uint32_t epoch_ = 0;
};

std::unique_ptr<SharedFilter::State> Shared::start() const {
  return std::make_unique<SharedState>(*this);
}

}  // namespace

std::shared_ptr<const SharedFilter> SharedFilter::make(const std::vector<ExprPtr>& filters,
                                                       const plan::Schema& schema) {
  return std::make_shared<Shared>(filters, schema);
}

}  // namespace postern::exec
