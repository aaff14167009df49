// Tabular operators of plans: immutable trees. What runs is in `exec`; this is only the
// description. Tests: tests/unit/plan/op_test.cc and every `expect plan` of tests/cases.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/expr.h"
#include "plan/shared_list.h"
#include "plan/window.h"

namespace postern::plan {

struct Op;
using OpPtr = std::shared_ptr<const Op>;

struct ColumnInfo {
  std::string name;
  data::Type type = data::Type::kString;
};

/// Columns of an operator's output, in order; known once bound.
using Schema = SharedList<ColumnInfo>;

const ColumnInfo* find_column(const Schema& s, std::string_view name);

/// An expression with its output name. `name` empty in Project: the binder takes the column's name.
struct NamedExpr {
  std::string name;
  ExprPtr expr;
  Span span;
};

struct AggregateItem {
  std::string name;      ///< output column
  std::string function;  ///< "kql.arg_max"
  std::vector<ExprPtr> args;
  /// `arg_max(t, *)`, `take_any(*)`: the binder adds an item per remaining column.
  bool star = false;
  Span span;
};

struct SortKey {
  ExprPtr expr;
  bool descending = false;
  bool nulls_first = false;
  /// SPL order: numbers as numbers before text, text by bytes; else the type's own order.
  bool spl_order = false;
};

/// One way a vocabulary table is provided by a native one; made by the binder from the catalog.
struct Branch {
  std::string table;                ///< native table
  ExprPtr where;                    ///< over native columns; null: all
  SharedList<NamedExpr> columns;    ///< provided view columns over native ones, bound
  SharedList<std::string> missing;  ///< view columns asked for that this table does not have
  /// The vocabulary's own table (DeviceNetworkEvents from a Defender export), not another one seen
  /// through its words. Where both tell of one host, the own one counts.
  bool own = false;
};

enum class OpKind : uint8_t {
  kScan,
  kFilter,
  kProject,
  kExtend,
  kSelect,
  kAggregate,
  kSort,
  kLimit,
  kJoin,
  kUnion,
  kValues,
  kDedup,
  kExpand,
  kWindow,     ///< columns from the rows around: row_number, prev, next, …
  kApply,      ///< a query of its own over the array of each row
  kElements,   ///< within such a query: the elements, beside the row's other columns
  kRunning,    ///< each row with the aggregates over the rows up to it
  kSessions,   ///< each row with the number of the session it belongs to
  kTimeWindow  ///< what holds of the rows within a timespan, per group (window.h)
};

enum class JoinKind : uint8_t {
  kInner,
  kInnerUnique,
  kLeftOuter,
  kRightOuter,
  kFullOuter,
  kLeftSemi,
  kLeftAnti,
  kRightSemi,
  kRightAnti
};

enum class SelectMode : uint8_t { kKeep, kAway, kReorder, kRename, kSchema };

/// One operator. Which members count depends on `kind`, as noted.
struct Op {
  OpKind kind = OpKind::kScan;
  Span span;
  /// Join: left, right; Union: all; Apply: rows, query; Scan, Values, Elements: none; others: one
  std::vector<OpPtr> inputs;
  Schema schema;  ///< bound: output columns

  // Scan: `vocabulary` "sigma" | "spl" | "kql" | "native"; `dataset` the table's name there ("" for
  // SPL's all events); `attributes` category, product, service of a Sigma log source.
  std::string vocabulary;
  std::string dataset;
  std::map<std::string, std::string> attributes;
  std::vector<Branch> branches;  ///< bound
  /// Scan of a schema-less language: an unknown column is null, not an error. Bound Extend and
  /// Aggregate: columns came out of the data, as far as the rule names them.
  bool open = false;
  bool selects = false;  // Project: made of a Select that takes columns away

  ExprPtr predicate;                  // Filter
  std::vector<NamedExpr> items;       // Project, Extend (all over the input: no item sees another)
  std::vector<std::string> patterns;  // Select: names with `*`; Dedup, Expand, Apply: columns
  SelectMode mode = SelectMode::kKeep;    // Select (kRename: pairs from, to; kSchema: none)
  std::vector<NamedExpr> keys;            // Aggregate: by; Join: left key and …
  std::vector<ExprPtr> right_keys;        // … right key
  std::vector<AggregateItem> aggregates;  // Aggregate; Window: its calls
  /// Aggregate: rows with a null key are dropped and counted, multivalue keys exploded (SPL).
  bool drop_null_keys = false;
  /// Aggregate without keys over no rows gives one row (Kusto and SPL: yes; distinct: no).
  bool row_when_empty = true;
  std::vector<SortKey> sort_keys;  // Sort
  /// Sort (top n), Limit, Dedup (rows kept per key), Expand and Apply (elements per row)
  std::optional<int64_t> limit;
  JoinKind join_kind = JoinKind::kInner;
  bool lookup = false;        // Join: right key columns are dropped
  bool outer_union = true;    // Union: all columns, else only common ones
  bool fuzzy = false;         // Union: inputs that read an unknown table are left out
  std::string source_column;  // Union withsource=
  /// … and how inputs without a table's name are called there, with their number.
  std::string source_prefix = "union_arg";
  std::vector<std::vector<data::Value>> rows;  // Values, typed by schema
  std::vector<std::string> item_names;         // Expand, Apply: names of the elements
  std::string index_column;                    // Expand, Apply: with_itemindex

  // Running: each row with the aggregates over the rows up to it, in the order they come, per group
  // of `keys` (SPL's streamstats). `limit`: only the last so many rows count.
  bool include_current = true;    ///< off: the row itself does not count
  bool window_per_group = false;  ///< `limit` counts rows of the group, not of the whole stream
  // Sessions: each row gets the number of the session it belongs to, in `index_column` (SPL's
  // transaction; null: in none). Rows come newest first. `keys`: their fields; `items`: the
  // conditions `startswith` and `endswith`, where there are any; `limit`: rows of one session.
  int64_t max_span = 0;   ///< ticks between the first and the last row; 0: any
  int64_t max_pause = 0;  ///< ticks between neighbours; 0: any
  /// TimeWindow: `keys` are its groups, `items` its step column (sequence) or value columns.
  std::shared_ptr<const WindowSpec> window;
};

OpPtr scan(std::string vocabulary, std::string dataset, Span span = {});
OpPtr filter(OpPtr input, ExprPtr predicate, Span span = {});
OpPtr project(OpPtr input, std::vector<NamedExpr> items, Span span = {});
OpPtr extend(OpPtr input, std::vector<NamedExpr> items, Span span = {});
OpPtr limit(OpPtr input, int64_t n, Span span = {});

/// A copy of `op` with other inputs.
OpPtr with_inputs(const Op& op, std::vector<OpPtr> inputs);
/// Names of all columns that expressions anywhere in the tree read.
void collect_columns(const OpPtr& op, std::set<std::string>& out);

/// The tree, one operator a line, the last one first, inputs indented by two blanks:
///   aggregate n=count() by bin(TimeGenerated, 1h), Computer
///     filter EventID == 4625
///       scan SecurityEvent [Computer, EventID, TimeGenerated]
/// With `physical`, below each scan the native tables it reads, and what each of them is asked.
std::string to_text(const Op& op, bool physical = true);

}  // namespace postern::plan
