#include "check/solver.h"

#include <algorithm>

#include "base/text.h"
#include "data/batch.h"

namespace postern::check {

using plan::Expr;
using plan::ExprPtr;

namespace {

constexpr size_t kMaxShown = 80;
/// Beyond any published rule: a branch with more is left unjudged, since each new literal is held
/// against the others, and each choice keeps what is still open.
constexpr size_t kMaxLiterals = 1000;
constexpr size_t kMaxChoices = 500;

std::string shown(const ExprPtr& e, bool wanted) {
  std::string text = plan::to_text(*e);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return wanted ? text : "not " + text;
}

/// True when the subject may hold several values at once.
bool is_multivalued(const Expr& subject) {
  return subject.type == data::Type::kDynamic;
}

bool is_literal_bool(const ExprPtr& e, bool& value) {
  if (!e->is_literal()) return false;
  value = !e->literal.is_null() && e->literal.type() == data::Type::kBool && e->literal.as_bool();
  return true;
}

}  // namespace

const std::shared_ptr<const TestValues>& Solver::test_of(const ExprPtr& atom) {
  const auto [it, added] = tests_.emplace(atom.get(), nullptr);
  if (added) it->second = read_test(*atom);
  return it->second;
}

Solver::Answer Solver::solve(std::vector<Goal> goals,
                             const std::function<bool(const std::vector<Literal>&)>& take) {
  take_ = &take;
  steps_ = 0;
  gave_up_ = false;
  State state;
  std::reverse(goals.begin(), goals.end());
  state.open = std::move(goals);
  if (search(std::move(state))) return Answer::kFound;
  return gave_up_ ? Answer::kGaveUp : Answer::kImpossible;
}

bool Solver::search(State state) {
  if (++steps_ > max_steps_) {
    gave_up_ = true;
    return false;
  }
  if (!settle(state)) return false;
  if (state.choices.size() > kMaxChoices) {
    gave_up_ = true;
    return false;
  }
  if (!state.choices.empty()) return choose(state);
  if ((*take_)(state.literals)) return true;
  gave_up_ = true;  // possible as far as is known, but not for the caller
  return false;
}

// Follows everything that leaves no choice. Goals are taken from the back, so that the first of a
// conjunction is the first literal.
bool Solver::settle(State& state) {
  while (!state.open.empty()) {
    const Goal g = std::move(state.open.back());
    state.open.pop_back();
    bool value = false;
    if (is_literal_bool(g.expr, value)) {
      if (value != g.wanted) return false;
    } else if (g.expr->is_call("not")) {
      state.open.push_back({g.expr->args[0], !g.wanted});
    } else if (g.expr->is_call(g.wanted ? "and" : "or")) {
      for (size_t i = g.expr->args.size(); i > 0; --i)
        state.open.push_back({g.expr->args[i - 1], g.wanted});
    } else if (g.expr->is_call(g.wanted ? "or" : "and")) {
      state.choices.push_back(g);
    } else {
      const auto& test = test_of(g.expr);
      if (g.wanted && test && test->size() > 1)
        state.choices.push_back(g);
      else if (!add(state, g.expr, g.wanted, -1))
        return false;
    }
  }
  return true;
}

bool Solver::choose(const State& state) {
  State rest = state;
  const Goal g = std::move(rest.choices.front());
  rest.choices.erase(rest.choices.begin());
  if (g.expr->is_call("or") || g.expr->is_call("and")) {
    for (const ExprPtr& a : g.expr->args) {
      State next = rest;
      next.open.push_back({a, g.wanted});
      if (search(std::move(next))) return true;
      if (steps_ > max_steps_) return false;
    }
    return false;
  }
  const size_t n = test_of(g.expr)->size();
  for (size_t i = 0; i < n; ++i) {
    State next = rest;
    if (add(next, g.expr, true, static_cast<int>(i)) && search(std::move(next))) return true;
    if (++steps_ > max_steps_) {
      gave_up_ = true;
      return false;
    }
  }
  return false;
}

// A value that its column can never have: not among the vocabulary's words, no number, no boolean.
bool Solver::possible(const Literal& l) {
  const Expr& subject = *l.atom->args[0];
  if (!l.wanted || !l.test.values || l.test.kind() != TestKind::kEquals) return true;
  const TestValues& v = *l.test.values;
  const size_t from = l.test.chosen < 0 ? 0 : static_cast<size_t>(l.test.chosen);
  if (from >= v.patterns.size() || v.patterns[from].has_wildcards()) return true;
  const std::string text = v.patterns[from].literal_text();
  if (subject.is_literal())
    return holds(l.test,
                 subject.literal.is_null() ? std::nullopt : std::optional(subject.literal.text()));
  if (!subject.is_column()) return true;
  if (data::is_integer(subject.type)) return parse_real(trim(text)).has_value();
  if (subject.type == data::Type::kBool)
    return equal_ignore_case(text, "true") || equal_ignore_case(text, "false");
  const plan::FieldDef* f = field_ ? field_(subject.name) : nullptr;
  if (!f || f->values.empty()) return true;
  return std::any_of(f->values.begin(), f->values.end(),
                     [&](const std::string& x) { return equal_ignore_case(x, text); });
}

bool Solver::add(State& state, const ExprPtr& atom, bool wanted, int chosen) {
  if (state.literals.size() >= kMaxLiterals) {
    gave_up_ = true;
    return false;
  }
  Literal l;
  l.atom = atom;
  l.wanted = wanted;
  l.test = {test_of(atom), wanted, chosen};
  const auto told = [&](const std::string& why) {
    if (conflict_.empty()) conflict_ = why;
    return false;
  };
  if (!possible(l)) return told(shown(atom, wanted) + " has a value that the field cannot hold");
  const Expr& subject = atom->args.empty() ? *atom : *atom->args[0];
  // A constant of the log source decides its tests.
  if (l.test.values && subject.is_literal()) {
    const bool held =
        holds({l.test.values, true, chosen},
              subject.literal.is_null() ? std::nullopt : std::optional(subject.literal.text()));
    if (held != wanted) return told(shown(atom, wanted) + " is never so in this log");
    return true;
  }
  // All values of the event are one subject with many values.
  const bool many =
      is_multivalued(subject) || (subject.is_column() && subject.name == data::kValuesColumn);
  for (const Literal& other : state.literals) {
    if (other.atom == atom || plan::same(*other.atom, *atom)) {
      if (other.wanted != wanted) return told(shown(atom, true) + " is asked for and ruled out");
      if (other.test.chosen == chosen) return true;
    }
    if (!l.test.values || !other.test.values || other.atom->args.empty()) continue;
    if (!plan::same(*other.atom->args[0], subject)) continue;
    if (contradict(l.test, other.test, many))
      return told(shown(other.atom, other.wanted) + " and " + shown(atom, wanted) +
                  " exclude each other");
  }
  state.literals.push_back(std::move(l));
  return true;
}

}  // namespace postern::check
