// Evaluates bound expressions on columns, whole batches at a time.
//
// compile() turns an expression into a flat program over column slots; evaluate() runs it for the
// given rows. `and`, `or`, `if`, `case`, `coalesce` are evaluated lazily: the second argument only
// for the rows that still matter. Tests: tests/unit/exec/evaluate_test.cc, tests/cases.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "data/column.h"
#include "plan/expr.h"
#include "plan/function.h"
#include "plan/op.h"

namespace postern::exec {

/// A program for one expression. Immutable; safe to share between threads.
class CompiledExpr {
 public:
  virtual ~CompiledExpr() = default;
  virtual data::Type type() const = 0;
  /// Fills `rows` of a column of `num_rows` (at most data::kBatchRows).
  virtual data::Column evaluate(std::span<const data::Column> columns,
                                data::Rows rows,
                                uint32_t num_rows,
                                const plan::RunContext& run) const = 0;
  /// Rows for which a bool expression is true, in order; appended to `out`.
  void select(std::span<const data::Column> columns,
              data::Rows rows,
              uint32_t num_rows,
              const plan::RunContext& run,
              std::vector<uint32_t>& out) const;
};

/// Compiles an expression bound against `schema` (column i of evaluate() is schema[i]). Error: what
/// a function's prepare() said (a bad regex).
Result<std::shared_ptr<const CompiledExpr>> compile(const plan::ExprPtr& expr,
                                                    const plan::Schema& schema);

/// Tells whether compile() will refuse an expression, and keeps nothing of it but which calls
/// their functions agree to: rules repeat each other's.
class CompileCheck {
 public:
  /// True, or what compile() would say. `schema` null: the columns are known to be there.
  Result<bool> check(const plan::Expr& expr, const plan::Schema* schema = nullptr);

 private:
  std::unordered_set<std::string> agreed_;  // functions with their literals, and types
};

/// Value of an expression without columns (constant folding); an error when a function refuses.
Result<data::Value> evaluate_constant(const plan::ExprPtr& expr, const plan::RunContext& run);

}  // namespace postern::exec
