// Which tests must hold together for a condition to be true: a search over its `and`, `or`, `not`.
//
// A goal is an expression and the truth it shall have. Conjunctions are followed at once; where one
// of several alternatives will do they are tried in order, the first ones first, so that answers
// are stable. Two tests of one subject that cannot hold together end a branch; that is certain,
// never guessed, so `kImpossible` is a proof. The search gives up after a number of steps. Tests:
// tests/unit/check/solver_test.cc.
#pragma once
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "check/value_test.h"
#include "plan/catalog.h"

namespace postern::check {

struct Goal {
  plan::ExprPtr expr;
  bool wanted = true;
};

/// An atom of a chosen branch.
struct Literal {
  plan::ExprPtr atom;
  bool wanted = true;
  /// Of an atom that tests one value (else values is null): of `atom->args[0]`.
  ValueTest test;
};

class Solver {
 public:
  enum class Answer : uint8_t { kFound, kImpossible, kGaveUp };

  /// `field`: what the catalog knows of a column, or null.
  using FieldLookup = std::function<const plan::FieldDef*(const std::string&)>;

  explicit Solver(FieldLookup field, size_t max_steps = 4000)
      : field_(std::move(field)), max_steps_(max_steps) {}

  /// Calls `take` with the literals of each branch without contradiction until it says true.
  Answer solve(std::vector<Goal> goals,
               const std::function<bool(const std::vector<Literal>&)>& take);

  /// The first contradiction met, in words; "" if none was.
  const std::string& conflict() const { return conflict_; }

 private:
  struct State {
    std::vector<Goal> open;     // followed at once
    std::vector<Goal> choices;  // wait
    std::vector<Literal> literals;
  };

  bool search(State state);
  bool settle(State& state);
  bool choose(const State& state);
  bool add(State& state, const plan::ExprPtr& atom, bool wanted, int chosen);
  bool possible(const Literal& l);
  const std::shared_ptr<const TestValues>& test_of(const plan::ExprPtr& atom);

  FieldLookup field_;
  size_t max_steps_;
  size_t steps_ = 0;
  bool gave_up_ = false;
  const std::function<bool(const std::vector<Literal>&)>* take_ = nullptr;
  std::string conflict_;
  std::unordered_map<const plan::Expr*, std::shared_ptr<const TestValues>> tests_;
};

}  // namespace postern::check
