#include "exec/filter_program.h"

#include <cmath>
#include <optional>
#include <set>

#include "base/text.h"
#include "data/batch.h"
#include "exec/filter_anchor.h"
#include "plan/function.h"

namespace postern::exec {

using data::Type;
using plan::Expr;
using plan::ExprPtr;
using Place = match::LiteralIndex::Place;

namespace {

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

bool can_index(const TextWitness& w, Type type) {
  if (type == Type::kString) return true;
  if (type == Type::kDynamic) return w.takes_members;
  // Of a number's text only the whole is known.
  return data::is_integer(type) &&
         std::all_of(w.literals.begin(), w.literals.end(),
                     [](const TextWitness::Literal& l) { return l.place == Place::kWhole; });
}

uint32_t emit(const FilterNode& n, uint32_t t, uint32_t f, std::vector<FilterStep>& steps) {
  const auto push = [&](const FilterStep& s) {
    steps.push_back(s);
    return static_cast<uint32_t>(steps.size() - 1);
  };
  switch (n.kind) {
    case FilterNode::Kind::kTrue:
      return t;
    case FilterNode::Kind::kFalse:
      return f;
    case FilterNode::Kind::kOpen:
      return push({kNoPredicate, false, t, f});
    case FilterNode::Kind::kTest:
      return push({n.predicate, n.negated, t, f});
    case FilterNode::Kind::kAnd:
      for (size_t i = n.children.size(); i-- > 0;)
        t = emit(n.children[i], t, f, steps);
      return t;
    case FilterNode::Kind::kOr:
      for (size_t i = n.children.size(); i-- > 0;)
        f = emit(n.children[i], t, f, steps);
      return f;
  }
  return t;
}

/// What of a node the bits decide.
enum class Known : uint8_t { kAll, kNothing, kParts, kMixed };

/// kParts: parts that must all hold, each decided by the bits or not at all.
Known known_of(const FilterNode& n, const std::vector<Predicate>& predicates) {
  switch (n.kind) {
    case FilterNode::Kind::kTrue:
    case FilterNode::Kind::kFalse:
      return Known::kAll;
    case FilterNode::Kind::kOpen:
      return Known::kNothing;
    case FilterNode::Kind::kTest:
      return predicates[n.predicate].exact ? Known::kAll : Known::kNothing;
    case FilterNode::Kind::kAnd:
    case FilterNode::Kind::kOr:
      break;
  }
  std::optional<Known> all;
  for (const FilterNode& c : n.children) {
    const Known one = known_of(c, predicates);
    if (one == Known::kMixed) return one;
    if (!all || *all == one)
      all = one;
    else
      all = Known::kParts;
  }
  const bool parts = all == Known::kParts;
  return parts && n.kind == FilterNode::Kind::kOr ? Known::kMixed : all.value_or(Known::kAll);
}

}  // namespace

FilterPrograms::FilterPrograms(const std::vector<ExprPtr>& filters, const plan::Schema& schema)
    : exprs_(filters) {
  for (size_t i = 0; i < schema.size(); ++i)
    slots_.emplace(schema[i].name, i);
  schema_ = &schema;
  filters_.resize(filters.size());
  std::vector<std::vector<const Expr*>> open_tests(filters.size());
  for (size_t i = 0; i < filters.size(); ++i) {
    FilterProgram& f = filters_[i];
    if (!filters[i])
      f.root.kind = FilterNode::Kind::kTrue;
    else
      f.root = node_of(*filters[i], false);
    f.entry = emit(f.root, kAccept, kReject, f.steps);
    open_tests[i].swap(open_tests_);
  }
  file_predicates();
  for (size_t i = 0; i < filters.size(); ++i) {
    find_asked(filters_[i], open_tests[i]);
    find_columns(filters_[i]);
  }
  for (const auto& index : columns_) {
    index->texts.seal();
    index->texts_only = schema[index->slot].name == data::kValuesColumn && index->numbers.empty();
  }
  slots_ = {};
  by_slot_ = {};
  apart_by_slot_ = {};
  to_file_ = {};
  known_ = {};
  schema_ = nullptr;
}

FilterNode FilterPrograms::node_of(const Expr& e, bool negated) {
  FilterNode n;
  if (e.is_call("not") && e.args.size() == 1) return node_of(*e.args[0], !negated);
  if (e.is_call("and") || e.is_call("or")) {
    n.kind = e.is_call("and") != negated ? FilterNode::Kind::kAnd : FilterNode::Kind::kOr;
    for (const ExprPtr& a : e.args)
      n.children.push_back(node_of(*a, negated));
    // What is known first, so that less is left open.
    std::stable_partition(n.children.begin(), n.children.end(),
                          [](const FilterNode& c) { return !c.open(); });
    return n;
  }
  if (e.is_literal() && e.literal.type() == Type::kBool && !e.literal.is_null()) {
    n.kind = e.literal.as_bool() != negated ? FilterNode::Kind::kTrue : FilterNode::Kind::kFalse;
    return n;
  }
  const uint32_t predicate = predicate_of(e);
  const bool known = predicate != kNoPredicate;
  // That it is not touched says that it does not hold, but not that it is false.
  const bool open = !known || (negated && !predicates_[predicate].never_null);
  if (open || !predicates_[predicate].exact) open_tests_.push_back(&e);
  if (open) return n;
  n.kind = FilterNode::Kind::kTest;
  n.predicate = predicate;
  n.negated = negated;
  return n;
}

// The answers of tests that the bits leave open repeat when all that they read are texts of columns
// whose values are remembered, and they call nothing but functions of these.
void FilterPrograms::find_asked(FilterProgram& f, const std::vector<const Expr*>& tests) const {
  constexpr size_t kMostColumns = 2;  // that AskedMemo has room for
  if (tests.empty()) return;
  std::set<size_t> columns;
  for (const Expr* test : tests) {
    std::set<std::string> names;
    bool repeats = true;
    const auto visit = [&](const Expr& e, const auto& self) -> void {
      if (e.is_column()) names.insert(e.name);
      if (e.kind == Expr::Kind::kCall && (!e.function || !e.function->deterministic))
        repeats = false;
      for (const ExprPtr& a : e.args)
        self(*a, self);
    };
    visit(*test, visit);
    for (const std::string& name : names) {
      const auto slot = slots_.find(name);
      const auto column = slot == slots_.end() ? by_slot_.end() : by_slot_.find(slot->second);
      if (column == by_slot_.end() || columns_[column->second]->type != Type::kString) return;
      columns.insert(column->second);
    }
    if (!repeats || columns.size() > kMostColumns) return;
  }
  f.repeats = true;
  f.splits = known_of(f.root, predicates_) != Known::kMixed;
  f.asked_columns.assign(columns.begin(), columns.end());
}

void FilterPrograms::find_columns(FilterProgram& f) const {
  for (const FilterStep& s : f.steps)
    if (s.predicate != kNoPredicate)
      f.columns.insert(f.columns.end(), predicates_[s.predicate].columns.begin(),
                       predicates_[s.predicate].columns.end());
  f.columns.insert(f.columns.end(), f.asked_columns.begin(), f.asked_columns.end());
  std::sort(f.columns.begin(), f.columns.end());
  f.columns.erase(std::unique(f.columns.begin(), f.columns.end()), f.columns.end());
  f.columns.shrink_to_fit();
}

uint32_t FilterPrograms::predicate_of(const Expr& e) {
  if (e.kind != Expr::Kind::kCall || e.args.empty() || !e.args[0]->is_column()) return kNoPredicate;
  const auto [it, is_new] = known_.try_emplace(&e, kNoPredicate);
  if (!is_new) return it->second;
  const auto witness = text_witness(e);
  if (!witness) return kNoPredicate;
  std::vector<size_t> slots;
  bool exact = true;
  for (size_t i = 0; i < witness->num_columns; ++i) {
    const auto slot = slots_.find(e.args[i]->name);
    if (slot == slots_.end() || !can_index(*witness, (*schema_)[slot->second].type))
      return kNoPredicate;
    slots.push_back(slot->second);
    exact = exact && (data::is_integer((*schema_)[slot->second].type) ? witness->exact_numbers
                                                                      : witness->exact);
  }
  const auto number = static_cast<uint32_t>(predicates_.size());
  it->second = number;
  // What is exact on texts is never null (text_witness.h).
  predicates_.push_back(
      {exact, witness->never_null || witness->exact, {}, guessed_share(*witness), &e});
  to_file_.push_back({*witness, std::move(slots)});
  return number;
}

void FilterPrograms::file_predicates() {
  const std::vector<bool> apart = find_set_apart();
  for (uint32_t p = 0; p < predicates_.size(); ++p)
    for (const size_t slot : to_file_[p].slots)
      predicates_[p].columns.push_back(file(to_file_[p].witness, p, slot, apart[p]));
}

/// Predicates whose literals get an index of their own: those with short ones, unless a filter has
/// nothing else that is rare.
std::vector<bool> FilterPrograms::find_set_apart() const {
  constexpr size_t kShortLiteral = 4;     // bytes
  constexpr size_t kManyPredicates = 64;  // over one column, for it to be worth it
  constexpr double kRare = 0.1;
  constexpr size_t kCommonUses = 4;  // what every fourth filter needs tells nothing
  std::vector<bool> apart(predicates_.size());
  std::vector<size_t> uses(predicates_.size());
  for (const FilterProgram& f : filters_)
    for (const FilterStep& s : f.steps)
      if (s.predicate != kNoPredicate) ++uses[s.predicate];
  for (size_t p = 0; p < predicates_.size(); ++p) {
    const auto& [witness, slots] = to_file_[p];
    apart[p] = slots.size() == 1 && (*schema_)[slots[0]].type == Type::kString &&
               std::any_of(witness.literals.begin(), witness.literals.end(),
                           [](const TextWitness::Literal& l) {
                             return l.place == Place::kPart && l.text.size() <= kShortLiteral;
                           });
  }
  const auto other = [&](uint32_t p) {
    const bool is_number =
        std::any_of(to_file_[p].slots.begin(), to_file_[p].slots.end(),
                    [&](size_t slot) { return data::is_integer((*schema_)[slot].type); });
    if (apart[p] || is_number || uses[p] * kCommonUses > filters_.size()) return kUnusable;
    return predicates_[p].prior;
  };
  std::vector<bool> wanted(predicates_.size());
  AnchorFinder anchors;
  for (const FilterProgram& f : filters_) {
    if (anchors.find(f.root, other) && anchors.share() <= kRare) continue;
    for (const FilterStep& s : f.steps)
      if (s.predicate != kNoPredicate) wanted[s.predicate] = true;
  }
  std::unordered_map<size_t, size_t> by_slot;
  for (size_t p = 0; p < predicates_.size(); ++p) {
    apart[p] = apart[p] && !wanted[p];
    if (apart[p]) ++by_slot[to_file_[p].slots[0]];
  }
  for (size_t p = 0; p < predicates_.size(); ++p)
    apart[p] = apart[p] && by_slot[to_file_[p].slots[0]] >= kManyPredicates;
  return apart;
}

size_t FilterPrograms::file(const TextWitness& w, uint32_t predicate, size_t slot, bool apart) {
  const auto [it, is_new] = (apart ? apart_by_slot_ : by_slot_).try_emplace(slot, columns_.size());
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

}  // namespace postern::exec
