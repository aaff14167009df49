// Tables: names, functions that give rows, literals of rows, pipes.
#include <algorithm>

#include "lang/kql/function_names.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

/// Parameters of the ASIM parser functions that only choose rows, as comparisons with a column.
struct SourceParameter {
  std::string_view name;
  std::string_view column;
  std::string_view function;
};

constexpr SourceParameter kSourceParameters[] = {
    {"starttime", "TimeGenerated", "kql.ge"},
    {"endtime", "TimeGenerated", "kql.le"},
    {"dstportnumber", "DstPortNumber", "kql.eq"},
    {"eventresult", "EventResult", "kql.eq"},
    {"eventtype", "EventType", "kql.eq"},
    {"srcipaddr_has_any_prefix", "SrcIpAddr", "kql.has_any_ipv4_prefix"},
    {"dstipaddr_has_any_prefix", "DstIpAddr", "kql.has_any_ipv4_prefix"}};

/// Parameters that choose among parsers or the layout of the result, not among rows.
constexpr std::string_view kIgnoredParameters[] = {"disabled", "pack"};

}  // namespace

/// Finishes a node: counts it, checks its depth. Null when an input failed.
OpPtr Lowering::make(Op op) {
  if (!budget(op.span)) return nullptr;
  if (std::find(op.inputs.begin(), op.inputs.end(), nullptr) != op.inputs.end()) return nullptr;
  int depth = 1;
  for (const OpPtr& input : op.inputs)
    depth = std::max(depth, 1 + op_depth_[input.get()]);
  if (depth > kMaxLoweredDepth)
    return error("kql-too-deep", op.span,
                 "more than " + std::to_string(kMaxLoweredDepth) + " operators in one pipe");
  auto out = std::make_shared<const Op>(std::move(op));
  op_depth_[out.get()] = depth;
  return out;
}

/// Drops the columns that a query inside of an expression had added.
OpPtr Lowering::keep_without(OpPtr input, const std::vector<std::string>& columns, Span span) {
  if (columns.empty() || !input) return input;
  Op op;
  op.kind = OpKind::kSelect;
  op.mode = plan::SelectMode::kAway;
  op.patterns = columns;
  op.span = span;
  op.inputs = {std::move(input)};
  return make(std::move(op));
}

/// An expression where rows are wanted.
OpPtr Lowering::table(const Expr& e, const Scope* scope) {
  if (!budget(e.span)) return nullptr;
  ++depth_;
  OpPtr out;
  switch (e.kind) {
    case ExprKind::kName:
      out = table_name(e, scope);
      break;
    case ExprKind::kCall:
      out = table_call(e, scope);
      break;
    case ExprKind::kPipe:
      out = pipe(e, scope);
      break;
    case ExprKind::kDatatable:
      out = datatable(e);
      break;
    case ExprKind::kLambda:
      if (e.parameters.empty()) {
        const Scope* inner = enter(e, scope, e, scope, nullptr);
        out = inner ? table(*e.children[0], inner) : nullptr;
      } else {
        error("kql-not-a-table", e.span, "a function where a table is needed");
      }
      break;
    case ExprKind::kMember:
      unsupported(e.span, "tables of other databases are not supported");
      break;
    case ExprKind::kStar:
      failed_ = true;  // the parser has told
      break;
    default:
      error("kql-not-a-table", e.span, "a value where a table is needed");
  }
  --depth_;
  return out;
}

/// A let, or a table of the evidence.
OpPtr Lowering::table_name(const Expr& e, const Scope* scope) {
  const Binding* b = find(scope, e.name);
  if (b && b->rows) return b->rows;
  if (b && (b->value || !b->node))
    return error("kql-not-a-table", e.span, "`" + e.name + "` is a value, not a table");
  if (b && b->node->kind == ExprKind::kLambda) return user_table(e, *b, scope, nullptr);
  if (b) return table(*b->node, b->scope);
  Op op;
  op.kind = OpKind::kScan;
  op.vocabulary = "kql";
  op.dataset = e.name;
  op.span = e.span;
  return make(std::move(op));
}

/// A function of the query, `table("name")`, or a parser function such as `_Im_Dns()`.
OpPtr Lowering::table_call(const Expr& e, const Scope* scope) {
  if (const Binding* b = find(scope, e.name)) return user_table(e, *b, scope, nullptr);
  if (e.name == "materialize") {
    if (e.children.size() != 1)
      return error("kql-argument-count", e.span, "`materialize` takes one table");
    return table(*e.children[0], scope);
  }
  if (e.name == "table") {
    RowContext none;
    const ExprPtr name = e.children.empty() ? nullptr : scalar(*e.children[0], scope, none);
    if (!name || !name->is_literal() || name->literal.type() != Type::kString)
      return unsupported(e.span, "`table` over a name that is computed is not supported");
    Op op;
    op.kind = OpKind::kScan;
    op.vocabulary = "kql";
    op.dataset = name->literal.as_bytes();
    op.span = e.children[0]->span;
    return make(std::move(op));
  }
  const FunctionName f = find_function(e.name);
  if (f.kind == FunctionKind::kUnsupported)
    return unsupported(e.name_span, "the function `" + e.name + "` is not supported");
  if (f.kind != FunctionKind::kUnknown)
    return error("kql-not-a-table", e.span, "`" + e.name + "` gives a value, not a table");
  return source_function(e, scope);
}

/// `_Im_NetworkSession(starttime=ago(1d))`: the table of that name, its arguments as filters.
OpPtr Lowering::source_function(const Expr& e, const Scope* scope) {
  Op op;
  op.kind = OpKind::kScan;
  op.vocabulary = "kql";
  op.dataset = e.name;
  op.span = e.name_span;
  OpPtr out = make(std::move(op));
  for (size_t i = 0; i < e.children.size() && out; ++i) {
    const std::string& name = e.arg_names[i];
    const Expr& arg = *e.children[i];
    if (std::find(std::begin(kIgnoredParameters), std::end(kIgnoredParameters), name) !=
        std::end(kIgnoredParameters))
      continue;
    const auto known = std::find_if(std::begin(kSourceParameters), std::end(kSourceParameters),
                                    [&](const SourceParameter& p) { return p.name == name; });
    if (known == std::end(kSourceParameters))
      return unsupported(arg.span,
                         name.empty()
                             ? "arguments by position are not supported for `" + e.name + "`"
                             : "the argument `" + name + "` of `" + e.name + "` is not supported",
                         "filter the rows with `where` instead");
    // The parsers take '*', null and [] for "no choice".
    if (arg.kind == ExprKind::kLiteral &&
        (arg.value.is_null() || arg.value.text() == "*" || arg.value.text() == "[]"))
      continue;
    RowContext row{out, {}, nullptr};
    ExprPtr value = scalar(arg, scope, row);
    if (!value) return nullptr;
    Op filter;
    filter.kind = OpKind::kFilter;
    filter.span = arg.span;
    filter.predicate =
        plan::call(std::string(known->function),
                   {plan::column(std::string(known->column), arg.span), value}, arg.span);
    filter.inputs = {row.input};
    out = keep_without(make(std::move(filter)), row.hidden, arg.span);
  }
  return out;
}

/// Rows that are written out.
OpPtr Lowering::datatable(const Expr& e) {
  Op op;
  op.kind = OpKind::kValues;
  op.span = e.span;
  NameSet names;
  for (const ColumnDecl& c : e.columns) {
    if (!names.add(c.name))
      return error("kql-duplicate-column", c.span, "column given twice: " + c.name);
    op.schema.push_back({c.name, c.type});
  }
  for (size_t i = 0; i + e.columns.size() <= e.rows.size(); i += e.columns.size()) {
    if (!budget(e.span)) return nullptr;
    const auto first = e.rows.begin() + static_cast<std::ptrdiff_t>(i);
    op.rows.emplace_back(first, first + static_cast<std::ptrdiff_t>(e.columns.size()));
  }
  return make(std::move(op));
}

/// Operators one after the other, each over the rows of the one before.
OpPtr Lowering::pipe(const Expr& e, const Scope* scope) {
  OpPtr rows;
  if (!e.children.empty()) {
    rows = table(*e.children[0], scope);
    if (!rows) return nullptr;
  }
  for (const Operator* op : e.operators) {
    rows = operator_(*op, std::move(rows), scope);
    if (!rows) return nullptr;
  }
  return rows;
}

OpPtr Lowering::operator_(const Operator& op, OpPtr input, const Scope* scope) {
  const bool begins = op.kind == OperatorKind::kPrint || op.kind == OperatorKind::kRange ||
                      op.kind == OperatorKind::kUnion || op.kind == OperatorKind::kSearch ||
                      op.kind == OperatorKind::kEvaluate;
  if (op.kind == OperatorKind::kUnsupported) {
    failed_ = true;  // the parser has told
    return nullptr;
  }
  if (!input && !begins)
    return error("kql-syntax", op.keyword, "`" + op.word + "` needs rows before it");
  if (input && (op.kind == OperatorKind::kPrint || op.kind == OperatorKind::kRange))
    return error("kql-syntax", op.keyword, "`" + op.word + "` cannot follow `|`",
                 "it begins a query");
  switch (op.kind) {
    case OperatorKind::kWhere:
      return where(op, std::move(input), scope);
    case OperatorKind::kExtend:
    case OperatorKind::kProject:
      return items(op, std::move(input), scope);
    case OperatorKind::kProjectAway:
    case OperatorKind::kProjectKeep:
    case OperatorKind::kProjectRename:
    case OperatorKind::kProjectReorder:
      return select(op, std::move(input));
    case OperatorKind::kSummarize:
      return summarize(op, std::move(input), scope);
    case OperatorKind::kSort:
    case OperatorKind::kTop:
      return sort(op, std::move(input), scope);
    case OperatorKind::kTake:
      return take(op, std::move(input), scope);
    case OperatorKind::kDistinct:
      return distinct(op, std::move(input), scope);
    case OperatorKind::kSampleDistinct:
      return sample_distinct(op, std::move(input), scope);
    case OperatorKind::kCount:
      return count(op, std::move(input));
    case OperatorKind::kPrint:
      return print(op, scope);
    case OperatorKind::kRange:
      return range(op, scope);
    case OperatorKind::kUnion:
      return union_(op, std::move(input), scope);
    case OperatorKind::kJoin:
    case OperatorKind::kLookup:
      return join(op, std::move(input), scope);
    case OperatorKind::kMvExpand:
      return mv_expand(op, std::move(input), scope);
    case OperatorKind::kParse:
      return parse(op, std::move(input), scope);
    case OperatorKind::kInvoke:
      return invoke(op, std::move(input), scope);
    case OperatorKind::kSerialize:
      return serialize(op, std::move(input), scope);
    case OperatorKind::kMvApply:
      return mv_apply(op, std::move(input), scope);
    case OperatorKind::kMakeSeries:
      return make_series(op, std::move(input), scope);
    case OperatorKind::kEvaluate:
      return evaluate(op, std::move(input), scope);
    case OperatorKind::kSearch:
      return search(op, std::move(input), scope);
    case OperatorKind::kParseKv:
      return parse_kv(op, std::move(input), scope);
    case OperatorKind::kGetSchema:
      return get_schema(op, std::move(input));
    case OperatorKind::kNothing:
    case OperatorKind::kUnsupported:
      return input;
  }
  return input;
}

/// `T | invoke f(…)` with a function of the query; those of a server are unknown here.
OpPtr Lowering::invoke(const Operator& op, OpPtr input, const Scope* scope) {
  const Expr& call = *op.value;
  if (const Binding* b = find(scope, call.name))
    return user_table(call, *b, scope, std::move(input));
  if (call.name == "FileProfile") return file_profile(op, std::move(input));
  return unsupported(call.name_span, "`invoke " + call.name + "` is not supported");
}

}  // namespace postern::lang::kql
