// Binding: names to tables, columns, functions and types; views to native tables.
//
// Input is a rule's plan as its front end made it; output the same tree with every type, schema and
// view branch filled in. What a published rule gets wrong but every reader understands (a column
// its vocabulary lacks, a string against a number) degrades the rule with a warning, or is an error
// when `strict`. Tests: tests/unit/plan/bind_test.cc, tests/cases.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "plan/catalog.h"
#include "plan/function.h"
#include "plan/rule.h"

namespace postern::plan {

/// Value of an expression without columns; an error when it has none.
using Evaluator = std::function<Result<data::Value>(const ExprPtr&, const RunContext&)>;

/// Hash and equality of what lists are made of; expressions are the same one or different.
struct ListItem {
  size_t operator()(const ColumnInfo& c) const { return (*this)(c.name); }

  size_t operator()(const NamedExpr& e) const { return (*this)(e.name); }

  size_t operator()(const std::string& s) const { return std::hash<std::string>()(s); }

  bool operator()(const ColumnInfo& a, const ColumnInfo& b) const {
    return a.type == b.type && a.name == b.name;
  }

  bool operator()(const NamedExpr& a, const NamedExpr& b) const {
    return a.expr == b.expr && a.span.begin == b.span.begin && a.span.end == b.span.end &&
           a.name == b.name;
  }

  bool operator()(const std::string& a, const std::string& b) const { return a == b; }
};

/// What binding finds out about a catalog for each rule anew, unless it is remembered; and lists
/// that many rules have.
struct BindCache {
  struct BoundScan {
    Schema schema;
    std::vector<Branch> branches;
  };

  /// Native columns by table and name.
  std::unordered_map<const TableDef*, std::unordered_map<std::string, ExprPtr>> columns;
  /// What a view gives for a column, null where it has none; apart for scans that are open.
  std::unordered_map<const View*, std::unordered_map<std::string, ExprPtr>> views[2];
  std::map<std::map<std::string, std::string>, std::vector<const VocabularyTable*>> sigma_tables;
  /// Tables whose columns the rule has no say in.
  std::unordered_map<const VocabularyTable*, BoundScan> scans;
  SharedLists<ColumnInfo, ListItem> schemas;
  SharedLists<NamedExpr, ListItem> given_columns;
  SharedLists<std::string, ListItem> missing_columns;
};

struct BindContext {
  const Catalog& catalog;
  const FunctionCatalog& functions;
  Evaluator evaluate;
  bool strict = false;
  /// Off: expressions stay as bound (the oracle that simplified plans are compared with).
  bool simplify = true;
  /// The unbound plan of a vocabulary table that is defined by a query; null when it has none.
  std::function<OpPtr(const VocabularyTable&, Diagnostics&)> view_query;
  BindCache* cache = nullptr;  ///< of this catalog and these functions; null: nothing is remembered
};

/// A native table that a rule could have read, and why it does not.
struct DroppedTable {
  std::string table;
  std::string reason;  ///< "lacks field Image" | "never true: NetworkDirection =~ \"true\""
};

/// What binding and optimizing found out about a rule beside its plan.
struct BindReport {
  bool degraded = false;
  std::set<std::string> tables;  ///< native tables the plan reads
  std::vector<DroppedTable> dropped;
  /// Not empty: the rule can never fire, and why.
  std::string never;
};

OrFailed<OpPtr> bind(const Rule& rule,
                     const BindContext& context,
                     Diagnostics& diag,
                     BindReport& report);

/// Pushes filters into scan branches in native terms, folds constants, drops what can never be
/// true, keeps only the columns that are read. Meaning never changes. A plan that nobody else has
/// is changed in place.
OpPtr optimize(OpPtr plan,
               const BindContext& context,
               const Rule& rule,
               Diagnostics& diag,
               BindReport& report);

/// Columns only shown or grouped by that some table does not have: null there. Of an optimized
/// plan, by table.
std::map<std::string, std::set<std::string>> null_columns(const Op& plan);

/// Scans of a plan, left to right.
std::vector<const Op*> scans(const Op& op);

/// True when `e` calls a function whose answer depends on the run (now(), ago()).
bool depends_on_run(const Expr& e);

}  // namespace postern::plan
