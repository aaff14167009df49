// AST to plan: each command is one operator or a few, in the words of the function catalog
// (`spl.*`).
//
// What the plan language lacks is expressed, not approximated: `eventstats` is an aggregate joined
// back, `top` an aggregate, a sort and a share of the total. Two things are tracked on the way:
// which columns exist once a command has fixed them (stats, table, fields), so that wildcards and
// `fillnull` without fields can be resolved here; and the order of rows. Splunk gives events newest
// first and groups by their keys; the engine promises no order, so a sort is put in front of the
// first command that an order matters to (head, dedup, list, first, last), and only there. Tests:
// tests/unit/lang/spl/rule_test.cc, tests/cases/spl.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/spl/ast.h"
#include "lang/spl/lookups.h"
#include "plan/op.h"

namespace postern::lang::spl {

/// Rows between two commands.
struct Rows {
  plan::OpPtr op;
  /// Events: any field may be asked for. Else `columns` is all there is, in order.
  bool open = true;
  std::vector<std::string> columns;  ///< open: those that the search itself has named so far

  enum class Order : uint8_t { kAny, kNewestFirst, kByKeys, kGiven };
  /// kNewestFirst and kByKeys: what Splunk would give here, not yet made so by a sort.
  Order order = Order::kAny;
  std::vector<std::string> order_keys;

  bool has(const std::string& column) const;
  void add(const std::string& column);
};

class Lowering {
 public:
  /// `lookups` finds the lookups that the search names; null: it has none.
  using FindLookup = std::function<LookupLibrary::Found(const std::string&)>;

  explicit Lowering(Diagnostics& diag, FindLookup lookups = nullptr)
      : diag_(diag), lookups_(std::move(lookups)) {}

  /// The plan of a whole search over `input`, or over a scan of the search's own when null.
  OrFailed<plan::OpPtr> lower(const Pipeline& p,
                              plan::OpPtr input,
                              std::vector<std::string> columns);
  /// Condition of a search over events, for tests.
  plan::ExprPtr condition(const SearchExpr& e, const Rows& rows);

 private:
  // lower.cc
  /// `ordered_end`: who takes the rows looks at their order.
  bool pipeline(const Pipeline& p, size_t from, Rows& rows, bool ordered_end = false);
  bool first_command(const Pipeline& p, Rows& rows);
  bool command(const Command& c, Rows& rows);
  bool order_matters(const Pipeline& p, size_t from, const Rows& rows, bool ordered_end) const;
  void settle_order(Rows& rows, Span at);
  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "");
  void unsupported(std::string what, Span at, std::string hint = "");
  std::vector<std::string> matching(const Rows& rows, const std::string& pattern) const;
  void extend(Rows& rows, std::vector<plan::NamedExpr> items, Span at);
  void away(Rows& rows, std::vector<std::string> names, Span at);
  void project_columns(Rows& rows, const std::vector<FieldName>& fields, Span at);
  bool check_regex(const std::string& pattern, Span at, std::vector<std::string>* groups);

  // lower_search.cc
  bool search(const SearchCommand& c, Rows& rows, Span at);
  plan::ExprPtr comparison(const SearchExpr& e);
  plan::ExprPtr comparison(const std::string& column, const SearchExpr& e);
  plan::ExprPtr time_modifier(const SearchExpr& e);
  plan::ExprPtr term(const SearchExpr& e, const Rows& rows);
  void note_fields(const SearchExpr& e, Rows& rows) const;

  // lower_eval.cc
  plan::ExprPtr value(const EvalExpr& e);
  plan::ExprPtr truth(const EvalExpr& e);
  plan::ExprPtr value_call(const EvalExpr& e);
  plan::ExprPtr member_call(const EvalExpr& e);
  bool eval(const EvalCommand& c, Rows& rows, Span at);
  bool where(const WhereCommand& c, Rows& rows, Span at);

  // lower_stats.cc
  bool stats(const StatsCommand& c, Rows& rows, Span at);
  bool eventstats(const StatsCommand& c, Rows& rows, Span at);
  bool aggregate_items(const std::vector<StatsItem>& items,
                       const std::vector<FieldName>& by,
                       const Rows& rows,
                       std::vector<plan::AggregateItem>& out);
  bool aggregate_item(const StatsItem& i,
                      const std::string& field,
                      std::string name,
                      const Rows& rows,
                      plan::AggregateItem& out);
  bool top(const TopCommand& c, Rows& rows, Span at);
  void join_back(Rows& rows,
                 plan::OpPtr groups,
                 const std::vector<std::string>& by,
                 const std::vector<std::string>& names,
                 Span at);

  // lower_tstats.cc
  bool tstats(const TstatsCommand& c, Rows& rows, Span at);
  bool from(const FromCommand& c, Rows& rows, Span at);

  // lower_fields.cc
  bool rename(const RenameCommand& c, Rows& rows, Span at);
  bool fields(const FieldsCommand& c, Rows& rows, Span at);
  bool sort(const SortCommand& c, Rows& rows, Span at);
  bool sort_keys(const std::vector<SortField>& fields, std::vector<plan::SortKey>& out);
  bool dedup(const DedupCommand& c, Rows& rows, Span at);
  bool fillnull(const FillnullCommand& c, Rows& rows, Span at);
  bool fillnull_events(const FillnullCommand& c, Rows& rows, Span at);
  bool replace(const ReplaceCommand& c, Rows& rows, Span at);

  // lower_values.cc
  bool convert(const ConvertCommand& c, Rows& rows, Span at);
  bool bin(const BinCommand& c, Rows& rows, Span at);
  bool rex(const RexCommand& c, Rows& rows, Span at);
  bool regex(const RegexCommand& c, Rows& rows, Span at);
  bool mvexpand(const MvexpandCommand& c, Rows& rows, Span at);
  bool makemv(const MakemvCommand& c, Rows& rows, Span at);

  // lower_join.cc
  bool append(const AppendCommand& c, Rows& rows, Span at);
  bool join(const JoinCommand& c, Rows& rows, Span at);

  // lower_lookups.cc
  bool lookup(const LookupCommand& c, Rows& rows, Span at);
  bool inputlookup(const InputlookupCommand& c, Rows& rows, Span at);
  std::shared_ptr<const Lookup> find_lookup(const std::string& name, Span at);
  std::optional<CsvTable> lookup_rows(const Pipeline& p);
  plan::ExprPtr subsearch(const SearchExpr& e);

  // lower_sequence.cc
  std::set<std::string> read_later(const Rows& rows, bool& any_left);
  bool streamstats(const StatsCommand& c, Rows& rows, Span at);
  bool transaction(const TransactionCommand& c, Rows& rows, Span at);
  bool tail(const TailCommand& c, Rows& rows, Span at);
  bool spath(const SpathCommand& c, Rows& rows, Span at);
  bool foreach (const ForeachCommand& c, Rows & rows, Span at);
  bool addtotals(const AddtotalsCommand& c, Rows& rows, Span at);

  Diagnostics& diag_;
  FindLookup lookups_;
  /// Set while the condition of a tstats is lowered: columns without their dataset's name.
  bool in_tstats_ = false;
  std::string tstats_nodename_;
  const Rows* rows_ = nullptr;  ///< what the expression being lowered reads
  const Pipeline* pipeline_ = nullptr;
  size_t index_ = 0;  ///< of the command being lowered in *pipeline_
  bool probing_ = false;
  bool failed_ = false;
  bool raw_is_read_later_ = false;
};

/// "Processes.user" to "user": the field without the names of the datasets it belongs to.
std::string without_dataset(const std::string& field);
/// True when `text` is a span of `bin` and `tstats` that we can honour: "1h", "30s", "10", "1d@d".
bool valid_span(const std::string& text);
/// A value as a literal: a number when it looks like one, else a string.
plan::ExprPtr scalar_literal(const std::string& text, Span at);

}  // namespace postern::lang::spl
