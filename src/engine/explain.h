// Why a row passed a filter: the conditions that hold, with the value of the rule that matched.
//
// Done only for findings: each condition is evaluated again, for the one row. A rule that finds
// once mostly finds again, so what was compiled for a finding serves those that follow (a regular
// expression takes longer to compile than a batch takes to filter). Tests:
// tests/unit/engine/hunt_test.cc, rule_set_test.cc.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "data/column.h"
#include "engine/finding.h"
#include "exec/evaluate.h"
#include "plan/op.h"

namespace postern::engine {

/// What a branch's filter has to say about rows that passed. Shared by threads.
class Explanation {
 public:
  /// Both live as long as this. `schema`: of the columns that of() is given.
  Explanation(const plan::Branch& branch, const plan::Schema& schema)
      : branch_(branch), schema_(schema) {}

  /// Conditions of the filter that hold for one row, field by field, as a person would say them.
  std::vector<Reason> of(std::span<const data::Column> columns,
                         uint32_t row,
                         uint32_t num_rows) const;

 private:
  using Program = std::shared_ptr<const exec::CompiledExpr>;

  /// A row of a batch.
  struct Place {
    std::span<const data::Column> columns;
    uint32_t row;
    uint32_t num_rows;
  };

  void explain(const plan::ExprPtr& e, const Place& at, std::vector<Reason>& out) const;
  data::Value matching_value(const plan::ExprPtr& e, const Place& at) const;
  bool holds(const plan::ExprPtr& e, size_t argument, const Place& at) const;
  Program program(const plan::ExprPtr& e, size_t argument) const;
  std::string view_name(const std::string& native) const;

  const plan::Branch& branch_;
  const plan::Schema& schema_;
  mutable std::mutex mutex_;
  /// Of a condition, and of it with one of its arguments alone (0: all of them).
  mutable std::map<std::pair<const plan::Expr*, size_t>, Program> programs_;
};

}  // namespace postern::engine
