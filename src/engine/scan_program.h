// What all rules want of one native table: which columns to decode, and a compiled filter per
// branch.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "engine/derived_columns.h"
#include "engine/explain.h"
#include "engine/record_kinds.h"
#include "engine/row_filter.h"
#include "engine/rule_set.h"
#include "exec/evaluate.h"

namespace postern::engine {

/// A branch's filter, compiled when it is first asked: most never are, because the shared filter
/// decides them.
class BranchFilter {
 public:
  /// `schema` lives as long as this.
  BranchFilter(plan::ExprPtr where, const plan::Schema& schema)
      : where_(std::move(where)), schema_(schema) {}

  /// What compiling would refuse: what a function's prepare() says. Called for every filter that
  /// get() may be called for and that might fail: not for tests of text with literals, nor for
  /// rules of Sigma, whose front end has tried every expression that it let through.
  Result<bool> check(exec::CompileCheck& calls) const { return calls.check(*where_); }

  const exec::CompiledExpr& get() const;

  const plan::ExprPtr& expr() const { return where_; }

 private:
  plan::ExprPtr where_;
  const plan::Schema& schema_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const exec::CompiledExpr> compiled_;
};

/// Of the columns of a scan; null where the table lacks one.
using ColumnPrograms = std::vector<std::shared_ptr<const exec::CompiledExpr>>;

/// One branch of one scan of one rule, compiled against its table's layout plus `_time`.
struct BranchProgram {
  const LoadedRule* rule = nullptr;
  size_t rule_index = 0;
  size_t scan = 0;
  const plan::Branch* branch = nullptr;
  /// Event ids that the filter requires, sorted; nullopt: any event may pass.
  std::optional<std::vector<int64_t>> event_ids;
  std::shared_ptr<const BranchFilter> where;  ///< over derived columns too; null: every row passes
  std::shared_ptr<const BranchFilter> plain;  ///< the same as the plan has it
  std::shared_ptr<const Explanation> why;     ///< of what passed
  /// Slot of the machine's name, where this scan reads its vocabulary's own table and others beside
  /// it: then rows of the others count only for machines of which the own table tells nothing.
  int host_slot = -1;

  bool wants(int64_t event_id) const {
    return !event_ids || std::binary_search(event_ids->begin(), event_ids->end(), event_id);
  }

  /// The same ones where several branches give the same columns. Null for rules that report the
  /// event itself.
  std::shared_ptr<const ColumnPrograms> columns;
};

struct TableProgram {
  const plan::TableDef* table = nullptr;
  const data::Layout* layout = nullptr;
  plan::Schema schema;  ///< layout fields, then `_time`, then what is derived
  DerivedColumns derived;
  int event_id_slot = -1;
  std::vector<BranchProgram> branches;
  std::shared_ptr<const exec::SharedFilter> filter;  ///< of all branches, by their numbers
  /// Where filters tell kinds of records apart: which of them ask for which, by the text of a
  /// column; and of each group the filters of those that do (the others are null).
  RecordKinds kinds;
  int kind_slot = -1;
  std::vector<std::shared_ptr<const exec::SharedFilter>> kind_filters;
  std::shared_ptr<RowFilterPool> filter_states = std::make_shared<RowFilterPool>();
  std::shared_ptr<exec::MemoBudget> memos;  ///< of all tables; null: unlimited
};

/// An event rule whose plan is no more than a filtered scan: it reports the event itself.
bool reports_event(const LoadedRule& rule);

/// True when a scan reads its vocabulary's own table and foreign ones beside it.
bool mixes_own_and_foreign(const plan::Op& scan);

/// Event ids that a filter requires of the column that holds them, sorted; nullopt: any may pass.
std::optional<std::vector<int64_t>> required_event_ids(const plan::ExprPtr& where,
                                                       const std::string& column);

/// Immutable while a run lasts.
class ScanPrograms {
 public:
  /// Also asks for the event id column of `counted` tables, so that their events can be told apart.
  /// `gate_texts`: decoders may leave out `_values` and `_text` of records without any keyword.
  static Result<std::unique_ptr<ScanPrograms>> make(const RuleSet& rules,
                                                    bool use_event_ids = true,
                                                    bool gate_texts = true);

  /// What the filters of all tables may remember together. To be called before the run.
  void limit_memos(const std::shared_ptr<exec::MemoBudget>& memos);

  /// No batch has more rows than this.
  void limit_batches(uint32_t rows);

  const data::Layouts& layouts() const { return layouts_; }

  const TableProgram* table(std::string_view name) const;

  const std::map<std::string, TableProgram, std::less<>>& tables() const { return tables_; }

 private:
  void gate_decoders(const RuleSet& rules);
  void tell_kinds(const plan::Catalog& catalog, bool gate_texts);
  void gate_texts();

  data::Layouts layouts_;
  std::map<std::string, TableProgram, std::less<>> tables_;
};

}  // namespace postern::engine
