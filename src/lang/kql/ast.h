// The syntax tree of KQL: what the text says, with the place of everything; no names are resolved
// yet.
//
// Nodes live in an Ast and refer to each other by pointer, so that a tree of any shape is freed
// without recursion. A tabular expression is an Expr too (kPipe, kDatatable), since Kusto lets both
// stand where the other may: `x in (T | project a)`, `let n = toscalar(...)`.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "data/value.h"
#include "plan/op.h"

namespace postern::lang::kql {

struct Expr;
struct Operator;

enum class ExprKind : uint8_t {
  kLiteral,  ///< value
  kName,     ///< name: a column, a let, a table
  kStar,     ///< `*`: all columns, in aggregates and before a string operator
  kCall,     ///< name(children), arg_names where named
  kBinary,   ///< name: the plan function ("kql.eq"); children: left, right
  kNegate,   ///< unary minus of children[0]
  kAnd,      ///< children, two or more
  kOr,
  kMember,   ///< children[0] . name
  kIndex,    ///< children[0] [ children[1] ]
  kIn,       ///< name: the plan function; children[0] in children[1…]
  kBetween,  ///< name: the plan function; children: x, low, high
  kTypeof,   ///< typeof(type)
  kPipe,  ///< children[0] | operators…; no child when the first operator begins it (print, union)
  kDatatable,  ///< columns, rows
  kLambda      ///< function of a let: parameters, lets, body children[0]
};

/// `name = expr`, `(a, b) = expr` or `expr` in a list of an operator.
struct NamedItem {
  std::vector<std::string> names;  ///< empty: automatic
  Expr* expr = nullptr;
  Span span;
  Span name_span;
};

struct ColumnDecl {
  std::string name;
  data::Type type = data::Type::kString;
  Span span;
};

struct Parameter {
  std::string name;
  bool tabular = false;
  data::Type type = data::Type::kString;
  Expr* default_value = nullptr;
  Span span;
};

struct Let {
  std::string name;
  Span name_span;
  Expr* value = nullptr;
};

struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Span span;
  std::string name;
  Span name_span;
  data::Value value;
  std::vector<Expr*> children;
  std::vector<std::string> arg_names;   // kCall: parallel to children, "" for positional ones
  std::vector<Operator*> operators;     // kPipe
  std::vector<ColumnDecl> columns;      // kDatatable
  std::vector<data::Value> rows;        // kDatatable: all cells, row by row
  std::vector<Parameter> parameters;    // kLambda
  std::vector<Let> lets;                // kLambda
  data::Type type = data::Type::kNull;  // kTypeof
  int depth = 1;  // 1 + that of the deepest child: walkers may recurse this far
};

enum class OperatorKind : uint8_t {
  kWhere,
  kExtend,
  kProject,
  kProjectAway,
  kProjectKeep,
  kProjectRename,
  kProjectReorder,
  kSummarize,
  kSort,
  kTop,
  kTake,
  kDistinct,
  kSampleDistinct,
  kCount,
  kPrint,
  kRange,
  kUnion,
  kJoin,
  kLookup,
  kMvExpand,
  kParse,
  kInvoke,
  kSerialize,
  kMvApply,
  kMakeSeries,
  kEvaluate,
  kSearch,
  kParseKv,
  kGetSchema,
  kNothing,     ///< as, render: rows pass as they are
  kUnsupported  ///< diagnosed by the parser
};

struct SortItem {
  Expr* expr = nullptr;
  bool descending = true;
  std::optional<bool> nulls_first;
};

/// A column name of project-away and its kin, maybe with `*`.
struct NamePattern {
  std::string text;
  Span span;
};

/// `a`, or `$left.a == $right.b`, of join and lookup.
struct JoinKey {
  Expr* left = nullptr;
  Expr* right = nullptr;
};

/// A part of a `parse` pattern: text to find, or a column to fill, or `*`.
struct ParsePart {
  enum class Kind : uint8_t { kText, kColumn, kSkip };
  Kind kind = Kind::kText;
  std::string text;  ///< literal text, or column name
  data::Type type = data::Type::kString;
  Span span;
};

struct Option {
  std::string name;   ///< "kind", "withsource", "isfuzzy", "hint.strategy", …
  std::string value;  ///< text of a name, literal or string
  Span span;
};

struct Operator {
  OperatorKind kind = OperatorKind::kNothing;
  Span span;
  Span keyword;
  std::string word;  ///< as written: "order"
  std::vector<Option> options;
  std::vector<NamedItem> items;  ///< extend, project, summarize, distinct, print, mv-expand
  std::vector<NamedItem> by;     ///< summarize
  std::vector<SortItem> sort;    ///< sort, top
  Expr* value = nullptr;      ///< where: predicate; take, top: count; parse: the text; invoke: call
  std::vector<Expr*> tables;  ///< union: operands; join, lookup: [0] the right side; mv-apply: [0]
                              ///< the query; search
  std::vector<JoinKey> on;
  std::vector<NamePattern> patterns;  ///< project-*; rename: from, to, from, to
  std::vector<ParsePart> parts;       ///< parse
  std::vector<data::Type> types;      ///< mv-expand: `to typeof`, parallel to items; kNull: none
  std::vector<Expr*> range;     ///< range, make-series: from, to, step; of range, items[0] names it
  std::vector<NamedItem> axis;  ///< make-series: one
  std::vector<Expr*> defaults;  ///< make-series: parallel to items, null: none is given
  bool old_range = false;       ///< make-series: `in range(…)`, whose end belongs to it
  std::vector<ColumnDecl> columns;  ///< evaluate: the columns it is said to give; parse-kv
  int depth = 1;                    ///< of the deepest expression in it

  const Option* option(std::string_view option_name) const {
    for (const Option& o : options)
      if (o.name == option_name) return &o;
    return nullptr;
  }
};

struct QueryParameter {
  std::string name;
  data::Type type = data::Type::kString;
  Expr* default_value = nullptr;
  Span span;
};

/// A statement in order of the text.
struct Statement {
  enum class Kind : uint8_t { kLet, kParameters, kQuery };
  Kind kind = Kind::kQuery;
  Let let;
  std::vector<QueryParameter> parameters;
  Expr* query = nullptr;
  Span span;
};

/// All nodes of one text, and its statements.
class Ast {
 public:
  Expr* expr(ExprKind kind, Span span) {
    Expr& e = exprs_.emplace_back();
    e.kind = kind;
    e.span = span;
    return &e;
  }

  Operator* op() { return &operators_.emplace_back(); }

  std::vector<Statement> statements;

 private:
  std::deque<Expr> exprs_;
  std::deque<Operator> operators_;
};

}  // namespace postern::lang::kql
