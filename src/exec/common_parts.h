// Which parts of an expression come more than once in it?
//
// A filter that is pushed below `eval` steps takes each computed field's expression with it, once
// for every place that names it, so a few steps that build on each other become a tree of thousands
// of nodes of which few differ. Tests: tests/unit/exec/evaluate_test.cc.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plan/expr.h"

namespace postern::exec {

/// Gives equal parts of one expression the same number, and counts who needs each.
class CommonParts {
 public:
  explicit CommonParts(const plan::ExprPtr& root);

  /// Of a part of the expression that the constructor was given.
  uint32_t number(const plan::Expr& e) const { return numbers_.at(&e); }

  /// True when different parts, or one of them twice, need it, and it is worth keeping: a call that
  /// gives the same whenever it is asked.
  bool is_common(uint32_t number) const {
    return parts_[number].uses > 1 && parts_[number].is_repeatable;
  }

  bool any() const { return any_; }

 private:
  struct Part {
    const plan::Expr* expr = nullptr;
    std::vector<uint32_t> args;  // numbers
    size_t hash = 0;
    uint32_t uses = 0;
    bool is_repeatable = false;
  };

  struct Hash {
    const std::vector<Part>* parts;

    size_t operator()(uint32_t number) const { return (*parts)[number].hash; }
  };

  struct Same {
    const std::vector<Part>* parts;

    bool operator()(uint32_t a, uint32_t b) const;
  };

  uint32_t add(const plan::ExprPtr& e);

  std::vector<Part> parts_;
  std::unordered_map<const plan::Expr*, uint32_t> numbers_;
  std::unordered_set<uint32_t, Hash, Same> known_;
  bool any_ = false;
};

}  // namespace postern::exec
