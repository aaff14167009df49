// Do two windows that hold the same rows give the same results?
//
// Windows overlap by half, so that evidence of an hour is mostly whole in two windows of a day. A
// query is then run over the same rows twice, with another now(). Where now() is asked by nothing
// but filters right above the scans (`| where Timestamp > ago(1d)`), and those let the same rows
// through, the second run could only repeat the first. Tests: tests/unit/engine/query_run_test.cc.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "exec/evaluate.h"
#include "exec/operators/operators.h"
#include "plan/op.h"

namespace postern::engine {

class NowFilters {
 public:
  /// Nullopt when more of a plan than filters of scanned rows depends on when it runs.
  static std::optional<NowFilters> of(const plan::Op& root);

  /// True when they say the same of these rows of scan `scan` at both times.
  bool agree(size_t scan,
             const exec::Chunk& chunk,
             data::Rows rows,
             const plan::RunContext& a,
             const plan::RunContext& b) const;

 private:
  using Programs = std::vector<std::shared_ptr<const exec::CompiledExpr>>;

  /// False: something else depends on it.
  bool find(const plan::Op& op);

  std::vector<Programs> filters_;  // by scan, in the order of CompiledPlan::scans()
};

}  // namespace postern::engine
