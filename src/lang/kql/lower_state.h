// Inside of the lowering: one class, its methods in lower.cc (statements, scopes, calls of user
// functions), lower_table.cc (sources and operators), lower_summarize.cc, lower_join.cc (join,
// union, queries inside expressions), lower_apply.cc (rows in order, arrays inside of rows) and
// lower_expr.cc.
#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lang/kql/lower.h"
#include "lang/kql/names.h"
#include "plan/expr.h"

namespace postern::lang::kql {

/// Substituted trees may not grow beyond these: a few lets can double each other without end.
inline constexpr int kMaxLoweredDepth = 1000;
inline constexpr size_t kMaxLoweredNodes = 300'000;

struct Scope;

/// What a name stands for: an expression of the text in its own scope, or rows already lowered.
struct Binding {
  std::string name;
  const Expr* node = nullptr;
  const Scope* scope = nullptr;
  plan::OpPtr rows;
  const data::Value* value = nullptr;  ///< given from outside (query parameter)
};

struct Scope {
  const Scope* outer = nullptr;
  Binding binding;
};

/// Where scalars are evaluated: the rows they read. Queries inside scalars are joined to `input`.
struct RowContext {
  plan::OpPtr input;                ///< null: no rows here, only constants
  std::vector<std::string> hidden;  ///< columns added by such joins
  /// Aggregates met inside scalars go here, under hidden names (summarize); null elsewhere.
  std::vector<plan::AggregateItem>* aggregates = nullptr;
};

class Lowering {
 public:
  Lowering(const Ast& ast, const ReadOptions& options, Diagnostics& diag)
      : ast_(ast), options_(options), diag_(diag) {}

  std::vector<LoweredQuery> run();

 private:
  // Diagnostics; each place is reported once, however often it is substituted.
  std::nullptr_t error(std::string code,
                       Span at,
                       std::string message,
                       std::string label = "",
                       std::string hint = "");
  std::nullptr_t unsupported(Span at, std::string message, std::string hint = "");
  void warning(std::string code, Span at, std::string message, std::string hint = "");
  bool budget(Span at);

  // Scopes.
  const Scope* extend(const Scope* outer, Binding binding);
  static const Binding* find(const Scope* scope, std::string_view name);
  const Scope* let(const Let& let, const Scope* scope);
  const Scope* parameters(const Statement& s, const Scope* scope);
  const Scope* enter(const Expr& lambda,
                     const Scope* definition,
                     const Expr& call,
                     const Scope* caller,
                     plan::OpPtr piped);
  bool is_tabular(const Expr& e, const Scope* scope, int depth = 0);

  // Tables.
  plan::OpPtr table(const Expr& e, const Scope* scope);
  plan::OpPtr table_name(const Expr& e, const Scope* scope);
  plan::OpPtr table_call(const Expr& e, const Scope* scope);
  plan::OpPtr user_table(const Expr& call,
                         const Binding& function,
                         const Scope* caller,
                         plan::OpPtr piped);
  plan::OpPtr source_function(const Expr& e, const Scope* scope);
  plan::OpPtr datatable(const Expr& e);
  plan::OpPtr pipe(const Expr& e, const Scope* scope);
  plan::OpPtr make(plan::Op op);
  plan::OpPtr keep_without(plan::OpPtr input, const std::vector<std::string>& columns, Span span);

  // Operators.
  plan::OpPtr operator_(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr where(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr items(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr select(const Operator& op, plan::OpPtr input);
  plan::OpPtr sort(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr take(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr distinct(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr sample_distinct(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr count(const Operator& op, plan::OpPtr input);
  plan::OpPtr print(const Operator& op, const Scope* scope);
  plan::OpPtr range(const Operator& op, const Scope* scope);
  plan::OpPtr mv_expand(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr parse(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr invoke(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr file_profile(const Operator& op, plan::OpPtr input);
  plan::OpPtr serialize(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr mv_apply(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr make_series(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr search(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr parse_kv(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr evaluate(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr bag_unpack(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr pivot(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr get_schema(const Operator& op, plan::OpPtr input);
  bool serialized(const plan::Op& op) const;
  const Expr* search_condition(const Expr& e, bool case_sensitive);
  plan::OpPtr summarize(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr join(const Operator& op, plan::OpPtr input, const Scope* scope);
  plan::OpPtr union_(const Operator& op, plan::OpPtr input, const Scope* scope);
  std::optional<int64_t> row_count(const Expr& e, const Scope* scope);

  // Summarize.
  bool aggregate_items(const NamedItem& item,
                       const Scope* scope,
                       RowContext& row,
                       NameSet& names,
                       std::vector<plan::AggregateItem>& out);
  std::vector<plan::AggregateItem> aggregate_call(const Expr& call,
                                                  const Scope* scope,
                                                  RowContext& row);
  bool is_aggregate(const Expr& e, const Scope* scope) const;

  // Scalars.
  plan::ExprPtr scalar(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr scalar_name(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr call(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr builtin(const Expr& e,
                        std::string_view plan_name,
                        const Scope* scope,
                        RowContext& row);
  plan::ExprPtr typed_result(const Expr& e, plan::ExprPtr value, data::Type type);
  plan::ExprPtr in(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr in_query(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr to_scalar(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr scalar_query(const Expr& query,
                             const Scope* scope,
                             RowContext& row,
                             bool all_values);
  plan::ExprPtr binary(const Expr& e, const Scope* scope, RowContext& row);
  plan::ExprPtr window_call(const Expr& e,
                            std::string_view plan_name,
                            std::vector<plan::ExprPtr> args,
                            RowContext& row);
  plan::ExprPtr any_column(const Expr& e, const Scope* scope, RowContext& row);
  plan::OpPtr semi_join(const Expr& e, const Scope* scope, plan::OpPtr input);
  plan::OpPtr first_column_of(const Expr& query, const Scope* scope, std::string& name);
  std::string hidden_name(std::string_view what);

  const Ast& ast_;
  const ReadOptions& options_;
  Diagnostics& diag_;
  std::deque<Scope> scopes_;
  std::deque<data::Value> values_;
  std::set<std::pair<uint32_t, std::string>> told_;
  std::unordered_map<const plan::Op*, int> op_depth_;
  std::set<const plan::Op*> serialized_;  ///< operators whose rows come in a stated order
  std::set<const plan::Op*> own_joins_;   ///< joins that stand for queries inside expressions
  Ast made_;                              ///< nodes that the text does not have
  int depth_ = 0;
  size_t nodes_ = 0;
  int hidden_ = 0;
  bool too_large_ = false;
  bool failed_ = false;
  bool depends_on_run_ = false;
};

/// Names of an operator's output columns, in order, where the plan itself says them (everything but
/// the columns of a table); nothing otherwise.
std::optional<std::vector<std::string>> known_columns(const plan::Op& op);

/// row_number and its kin, by their names in the plan.
bool is_window_function(std::string_view plan_name);

}  // namespace postern::lang::kql
