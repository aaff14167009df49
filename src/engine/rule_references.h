// Rules made of other rules (correlations): who is meant, in which order they can be built, and
// their plans put together.
//
// References are resolved once all files are read, so that a rule may stand in any of them. A rule
// that only feeds correlations is silent: it is loaded, checked and shown, but does not alert.
// Tests: tests/cases/sigma/correlation_*.case, tests/unit/engine/rule_references_test.cc.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/rule_set.h"

namespace postern::engine {

class RuleReferences {
 public:
  /// Binds and compiles a rule whose plan is whole; null when it is refused.
  using Add = std::function<LoadedRule*(size_t file, plan::Rule rule)>;
  /// The unbound plan of a loaded rule, read again where it was not kept; null when that fails.
  using PlanOf = std::function<plan::OpPtr(const LoadedRule&)>;

  /// Keeps a rule with references until resolve().
  void defer(size_t file, plan::Rule rule);

  /// Of a rule that is refused already: resolve() only tells when nothing is meant.
  void check(size_t file, plan::RuleReference reference);

  /// Resolves all deferred rules against each other and `rules`, and silences what only feeds them.
  void resolve(std::deque<RuleFile>& files,
               std::deque<LoadedRule>& rules,
               const Add& add,
               const PlanOf& plan_of);

 private:
  enum class State : uint8_t { kNew, kOpen, kGood, kRefused };

  struct Deferred {
    size_t file = 0;
    plan::Rule rule;
    State state = State::kNew;
    plan::OpPtr plan;  ///< references resolved
    LoadedRule* loaded = nullptr;
    std::vector<LoadedRule*> fed_by;
    std::vector<Deferred*> made_of;
  };

  /// What a reference can mean: a loaded rule or a deferred one.
  struct Target {
    LoadedRule* loaded = nullptr;
    Deferred* deferred = nullptr;
  };

  bool build(Deferred& d);
  bool find(Deferred& d, const plan::RuleReference& r, Target& out);
  void refuse(Deferred& d,
              std::string code,
              std::string message,
              Span at,
              std::string label,
              std::string hint);
  static const plan::Rule& rule_of(const Target& t);

  std::deque<Deferred> deferred_;
  std::vector<std::pair<size_t, plan::RuleReference>> checked_;
  std::deque<RuleFile>* files_ = nullptr;
  const Add* add_ = nullptr;
  const PlanOf* plan_of_ = nullptr;
  std::map<std::string, std::vector<Target>> by_name_;
  std::map<std::string, std::vector<Target>> by_id_;
  std::vector<Deferred*> path_;  // being built, outermost first
};

}  // namespace postern::engine
