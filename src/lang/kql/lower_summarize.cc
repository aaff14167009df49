// summarize: aggregates under their names, and expressions over aggregates.
//
// `round(avg(x), 2)` computes avg(x) under a hidden name and rounds it in a Project behind. Names
// follow the official analyzer: keys first, then aggregates in order, duplicates numbered.
#include <algorithm>

#include "lang/kql/function_names.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::AggregateItem;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

/// Old spellings keep at most this many members.
constexpr int64_t kLegacySetLimit = 128;

}  // namespace

/// Whether a call is of an aggregate: a let of the same name hides it.
bool Lowering::is_aggregate(const Expr& e, const Scope* scope) const {
  return e.kind == ExprKind::kCall && find_function(e.name).kind == FunctionKind::kAggregate &&
         !find(scope, e.name);
}

/// The items of one aggregate call, automatic names included; empty once an error was added.
std::vector<AggregateItem> Lowering::aggregate_call(const Expr& call,
                                                    const Scope* scope,
                                                    RowContext& row) {
  const FunctionName f = find_function(call.name);
  const std::string automatic = automatic_name(call);
  AggregateItem base;
  base.function = std::string(f.plan_name);
  base.span = call.span;
  base.name = automatic;
  // count(x) counts rows, whatever x is.
  if (f.plan_name == "kql.count") return {base};

  std::vector<ExprPtr> args;
  bool star = false;
  RowContext inside{row.input, {}, nullptr};
  for (size_t i = 0; i < call.children.size(); ++i) {
    const Expr& arg = *call.children[i];
    if (!call.arg_names[i].empty()) {
      unsupported(arg.span, "arguments by name are not supported for `" + call.name + "`");
      return {};
    }
    if (arg.kind == ExprKind::kStar) {
      star = true;
      continue;
    }
    ExprPtr x = scalar(arg, scope, inside);
    if (!x) return {};
    args.push_back(std::move(x));
  }
  row.input = inside.input;
  row.hidden.insert(row.hidden.end(), inside.hidden.begin(), inside.hidden.end());

  const auto with = [&](std::string name, std::vector<ExprPtr> arguments) {
    AggregateItem item = base;
    item.name = std::move(name);
    item.args = std::move(arguments);
    return item;
  };
  const auto argument_name = [&](size_t i) { return automatic_name(*call.children[i]); };
  std::vector<AggregateItem> out;
  if (f.plan_name == "kql.arg_max" || f.plan_name == "kql.arg_min") {
    if (args.empty()) {
      error("kql-argument-count", call.span, "`" + call.name + "` needs a value to compare");
      return {};
    }
    const std::string prefix =
        f.prefix.empty() ? "" : std::string(f.prefix) + "_" + argument_name(0);
    out.push_back(with(prefix.empty() ? argument_name(0) : prefix, {args[0]}));
    out.back().star = star;
    for (size_t i = 1; i < args.size(); ++i)
      out.push_back(
          with((prefix.empty() ? "" : prefix + "_") + argument_name(i), {args[0], args[i]}));
  } else if (f.plan_name == "kql.take_any") {
    const std::string prefix = call.name == "any" ? "any_" : "";
    // Several columns must come from one row.
    if (star || args.size() > 1) base.function = "kql.take_first";
    if (star) {
      out.push_back(with("", {}));
      out.back().star = true;
    }
    for (size_t i = 0; i < args.size(); ++i)
      out.push_back(with(prefix + argument_name(i), {args[i]}));
  } else if (f.plan_name == "kql.percentile") {
    for (size_t i = 1; i < args.size(); ++i)
      out.push_back(with("percentile_" + argument_name(0) + "_" +
                             (args[i]->is_literal() ? args[i]->literal.text() : ""),
                         {args[0], args[i]}));
  } else {
    if ((call.name == "makeset" || call.name == "makelist") && args.size() == 1)
      args.push_back(plan::literal(Value::integer(kLegacySetLimit), call.span));
    // Counts are exact here: the accuracy only chooses an error bound.
    if (f.plan_name == "kql.dcount" && args.size() == 2) args.pop_back();
    if (f.plan_name == "kql.dcountif" && args.size() == 3) args.pop_back();
    out.push_back(with(automatic, std::move(args)));
  }
  if (out.empty()) error("kql-argument-count", call.span, "`" + call.name + "` needs arguments");
  return out;
}

/// Direct aggregates of one item of summarize, under their final names.
bool Lowering::aggregate_items(const NamedItem& item,
                               const Scope* scope,
                               RowContext& row,
                               NameSet& names,
                               std::vector<AggregateItem>& out) {
  std::vector<AggregateItem> items = aggregate_call(*item.expr, scope, row);
  if (items.empty()) return false;
  if (item.names.size() > items.size() && !items[0].star) {
    error("kql-syntax", item.name_span,
          "`" + item.expr->name + "` has fewer results than names are given");
    return false;
  }
  for (size_t i = 0; i < items.size(); ++i) {
    AggregateItem& a = items[i];
    if (i < item.names.size())
      a.name = item.names[i];
    else if (!(a.star && a.args.empty()))
      a.name = a.name.empty() ? names.unnamed() : names.unique(a.name);
    out.push_back(std::move(a));
  }
  return true;
}

/// Keys, aggregates, and a Project behind where an item is more than one aggregate.
OpPtr Lowering::summarize(const Operator& op, OpPtr input, const Scope* scope) {
  Op out;
  out.kind = OpKind::kAggregate;
  out.span = op.span;
  out.row_when_empty = op.by.empty();
  RowContext row{std::move(input), {}, nullptr};
  NameSet names;
  for (const std::vector<NamedItem>* list : {&op.by, &op.items})
    for (const NamedItem& i : *list)
      for (const std::string& name : i.names)
        if (!names.add(name))
          return error("kql-duplicate-column", i.name_span, "column given twice: " + name);
  for (const NamedItem& key : op.by) {
    ExprPtr e = scalar(*key.expr, scope, row);
    if (!e) return nullptr;
    std::string name = key.names.empty() ? automatic_name(*key.expr) : key.names[0];
    if (key.names.empty()) {
      const bool plain = key.expr->kind == ExprKind::kName;
      if (plain && !names.add(name))
        return error("kql-duplicate-column", key.span, "column given twice: " + name);
      if (!plain) name = name.empty() ? names.unnamed() : names.unique(name);
    }
    out.keys.push_back({std::move(name), std::move(e), key.span});
  }

  // Behind the aggregation: the outputs in order, where some are computed from aggregates.
  std::vector<NamedExpr> outputs;
  for (const NamedExpr& k : out.keys)
    outputs.push_back({k.name, plan::column(k.name, k.span), k.span});
  bool computed = false;
  bool star = false;
  for (const NamedItem& item : op.items) {
    if (is_aggregate(*item.expr, scope)) {
      const size_t before = out.aggregates.size();
      if (!aggregate_items(item, scope, row, names, out.aggregates)) return nullptr;
      for (size_t i = before; i < out.aggregates.size(); ++i) {
        const AggregateItem& a = out.aggregates[i];
        star = star || a.star;
        outputs.push_back({a.name, plan::column(a.name, a.span), a.span});
      }
      continue;
    }
    computed = true;
    const std::string automatic = item.names.empty() ? automatic_name(*item.expr) : item.names[0];
    RowContext behind{row.input, {}, &out.aggregates};
    const size_t before = out.aggregates.size();
    ExprPtr e = scalar(*item.expr, scope, behind);
    if (!e) return nullptr;
    row.input = behind.input;
    if (out.aggregates.size() == before && item.expr->kind != ExprKind::kLiteral)
      return error("kql-no-aggregate", item.span,
                   "this expression of `summarize` has no aggregate");
    const std::string name = !item.names.empty() ? automatic
                             : automatic.empty() ? names.unnamed()
                                                 : names.unique(automatic);
    outputs.push_back({name, std::move(e), item.span});
  }
  if (computed && star)
    return unsupported(op.keyword, "`*` beside an expression over aggregates is not supported",
                       "split it into two `summarize`");
  out.inputs = {row.input};
  if (op.items.empty()) out.row_when_empty = false;
  OpPtr aggregated = make(std::move(out));
  if (!computed || !aggregated) return aggregated;
  Op project;
  project.kind = OpKind::kProject;
  project.span = op.span;
  project.items = std::move(outputs);
  project.inputs = {std::move(aggregated)};
  return make(std::move(project));
}

}  // namespace postern::lang::kql
