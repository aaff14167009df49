// Inside of bind.cc: the Binder, shared by bind_expr.cc, bind_scan.cc and bind_op.cc.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "plan/bind.h"

namespace postern::plan {

class Binder {
 public:
  Binder(const Rule& rule, const BindContext& context, Diagnostics& diag, BindReport& report)
      : rule_(rule), context_(context), diag_(diag), report_(report) {}

  OpPtr bind(const OpPtr& op);
  /// Binds `e` against `schema`; null once an error was added.
  ExprPtr bind(const ExprPtr& e, const Schema& schema);

  void set_requested(std::set<std::string> names) { requested_ = std::move(names); }

  bool failed() const { return failed_; }

  /// Degrades a rule whose result would have columns that only the data knows.
  void tell_open_columns(const Op& plan);

 private:
  ExprPtr bind_column(const ExprPtr& e, const Schema& schema);
  ExprPtr bind_call(const ExprPtr& e, const Schema& schema);
  ExprPtr special_form(const Expr& e, const Schema& schema);
  static std::vector<NamedExpr> all_keys(const Op& op, const Schema& input);
  std::vector<std::string> asked_beyond(const Schema& schema) const;
  void unpack(Op& op, const Schema& input) const;
  std::vector<AggregateItem> pivoted(const AggregateItem& a,
                                     const Op& op,
                                     const Schema& input) const;
  ExprPtr fold(const std::shared_ptr<Expr>& e);
  data::Type guess_type(const std::string& column) const;
  void degrade(std::string code, std::string message, Span at, std::string label, std::string hint);
  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "");

  std::string code(std::string_view what) const {
    return rule_.info.language + "-" + std::string(what);
  }

  OpPtr bind_scan(const Op& op);
  const BindCache::BoundScan* known_scan(const std::vector<const VocabularyTable*>& tables) const;
  OpPtr bind_unprovided(const Op& op, bool unknown);
  void add_branch(Op& scan, const VocabularyTable& table, const View& view, bool of_catalog);
  ExprPtr provided(const ColumnInfo& column,
                   const Op& scan,
                   const VocabularyTable& table,
                   const View& view,
                   const TableDef& native_table);
  ExprPtr remembered(const ColumnInfo& column,
                     const Op& scan,
                     const VocabularyTable& table,
                     const View& view,
                     const TableDef& native_table);
  void unify_types(Op& scan);
  ExprPtr native(const ExprPtr& e, const TableDef& table);
  ExprPtr inside_array(const std::string& name, const Op& scan, const TableDef& table);
  ExprPtr native_column(const std::string& name, const TableDef& table);
  ExprPtr cast(ExprPtr e, data::Type to);

  OpPtr bind_items(const Op& op, OpPtr input);
  OpPtr bind_select(const Op& op, OpPtr input);
  OpPtr bind_aggregate(const Op& op, OpPtr input);
  bool bind_aggregate_items(Op& out, const Schema& input, bool fresh);
  OpPtr bind_running(const Op& op, OpPtr input);
  OpPtr bind_sort(const Op& op, OpPtr input);
  OpPtr bind_join(const Op& op, OpPtr left, OpPtr right);
  std::vector<OpPtr> named_inputs(const Op& op) const;
  OpPtr bind_union(const Op& op, std::vector<OpPtr> inputs);
  OpPtr bind_expand(const Op& op, OpPtr input);
  OpPtr bind_window(const Op& op, OpPtr input);
  OpPtr bind_time_window(const Op& op, OpPtr input);
  OpPtr bind_apply(const Op& op);
  OpPtr bind_schema(const Op& op, const Schema& input);
  bool open_below(const Op& op) const;

  const Rule& rule_;
  const BindContext& context_;
  Diagnostics& diag_;
  BindReport& report_;
  std::set<std::string> requested_;
  std::set<std::string> told_;  // unknown columns and services already reported
  bool open_ = false;           // the language has no schema: unknown columns are null
  bool failed_ = false;
  int view_depth_ = 0;
  std::vector<Schema> elements_;  // of the applies around
};

}  // namespace postern::plan
