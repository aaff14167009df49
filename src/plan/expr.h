// Scalar expressions of plans: immutable trees of literals, columns and calls.
//
// Every language keeps its own functions (`sigma.contains`, `kql.has`, `spl.search_eq`), so an
// expression never loses the meaning of the rule it came from. `and`, `or`, `not`, `if`, `coalesce`
// are shared, with three-valued (Kleene) logic; a filter takes null as false. Tests:
// tests/unit/plan/expr_test.cc.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "data/value.h"

namespace postern::plan {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;
struct FunctionDef;

struct Expr {
  enum class Kind : uint8_t { kLiteral, kColumn, kCall };

  Kind kind = Kind::kLiteral;
  Span span;                            ///< place in the rule's source text
  data::Type type = data::Type::kNull;  ///< known once bound
  data::Value literal;
  std::string name;  ///< column or function
  std::vector<ExprPtr> args;
  const FunctionDef* function = nullptr;  ///< call: set by the binder

  bool is_literal() const { return kind == Kind::kLiteral; }

  bool is_column() const { return kind == Kind::kColumn; }

  bool is_call(std::string_view function_name) const {
    return kind == Kind::kCall && name == function_name;
  }
};

/// Stands for the first column of the rows, for front ends that do not know the columns.
inline constexpr std::string_view kFirstColumn = "*1";
/// As a key of an aggregation: every column (`distinct *`).
inline constexpr std::string_view kAllColumns = "*";

ExprPtr literal(data::Value v, Span span = {});
ExprPtr column(std::string name, Span span = {});
ExprPtr call(std::string function, std::vector<ExprPtr> args, Span span = {});
/// `and`/`or` of several, flattened; the single one itself; a true/false literal for none.
ExprPtr conjunction(std::vector<ExprPtr> terms, Span span = {});
ExprPtr disjunction(std::vector<ExprPtr> terms, Span span = {});
ExprPtr negation(ExprPtr e);

/// Top-level conjuncts of `e` (just `e` when it is no `and`).
std::vector<ExprPtr> conjuncts(const ExprPtr& e);
/// Adds the names of all columns that `e` reads.
void collect_columns(const ExprPtr& e, std::set<std::string>& out);
/// A copy with each node replaced, children first; `f` returns its argument to keep it.
ExprPtr rewrite(const ExprPtr& e, const std::function<ExprPtr(const ExprPtr&)>& f);
/// Structural equality, spans apart; and a hash that goes with it.
bool same(const Expr& a, const Expr& b);
size_t hash(const Expr& e);

/// As text: infix for functions that have a symbol, `name(args)` else, strings quoted and escaped.
std::string to_text(const Expr& e);

/// Parses the text form used in catalog files (and printed by `to_text` for the shared functions):
/// columns (`a`, `a.b`, `['odd name']`), literals (`1`, `2.5`, `"s"`, `true`, `null`, `5m`), calls,
/// infix
/// `== != < <= > >= + - * / and or`, prefix `not`, `x in (1, 2)`. Errors go to `diag` with spans in
/// `source`.
OrFailed<ExprPtr> parse_expr_text(const Source& source, Diagnostics& diag);

}  // namespace postern::plan
