// What filters compute of a table's columns, once per batch for all of them: further columns.
//
// A view gives a vocabulary's column as an expression (the file name out of a path, one hash out of
// a list), so hundreds of rules test the same expressions. Each that enough tests look at becomes a
// column behind the table's own; the filters read that column instead, and the shared filter can
// file their tests under it as under any other. Tests: tests/unit/engine/derived_columns_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/row_filter.h"
#include "exec/evaluate.h"
#include "plan/expr.h"
#include "plan/op.h"

namespace postern::engine {

class DerivedColumns {
 public:
  /// A filter (or null) and the event ids that it asks for, sorted (nullopt: any).
  struct Filter {
    plan::ExprPtr where;
    std::optional<std::vector<int64_t>> event_ids;
  };

  /// Puts the columns that are worth it behind `schema`, and what reads them into `filters`. A
  /// filter means the same afterwards.
  void find(std::vector<Filter>& filters, plan::Schema& schema);

  /// Adds the columns to those of a batch. Rows of other kinds than the filters ask for are null.
  void add_to(std::vector<data::Column>& columns, const RowsById& rows, uint32_t num_rows) const;

 private:
  struct ExprHash {
    size_t operator()(const plan::Expr* e) const { return plan::hash(*e); }
  };

  struct SameExpr {
    bool operator()(const plan::Expr* a, const plan::Expr* b) const { return plan::same(*a, *b); }
  };

  template <class T>
  using ByExpr = std::unordered_map<const plan::Expr*, T, ExprHash, SameExpr>;

  struct Derived {
    std::shared_ptr<const exec::CompiledExpr> program;
    bool any_event = false;
    std::vector<int64_t> event_ids;  ///< sorted
  };

  /// While they are found.
  struct Search {
    ByExpr<size_t> uses;
    ByExpr<plan::ExprPtr> columns;    ///< what is chosen: the column for it
    ByExpr<plan::ExprPtr> rewritten;  ///< tests that are known already
  };

  static void count(const plan::ExprPtr& e, Search& search);
  static plan::ExprPtr rewritten(const plan::ExprPtr& e, Search& search);

  std::vector<Derived> derived_;
};

}  // namespace postern::engine
