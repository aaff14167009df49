// `stats`, `eventstats`, `top`, `rare`: aggregates, and aggregates joined back to the rows.
#include <algorithm>
#include <set>

#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::AggregateItem;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

bool is_condition(const ExprPtr& e) {
  if (e->kind != plan::Expr::Kind::kCall)
    return e->is_literal() && e->literal.type() == data::Type::kBool;
  static constexpr const char* kConditions[] = {
      "and",           "or",        "not",       "spl.xor",       "spl.eq",
      "spl.ne",        "spl.lt",    "spl.le",    "spl.gt",        "spl.ge",
      "spl.like",      "spl.match", "spl.in",    "spl.cidrmatch", "spl.isnull",
      "spl.isnotnull", "spl.isnum", "spl.isint", "spl.isstr",     "spl.isbool"};
  return std::any_of(std::begin(kConditions), std::end(kConditions),
                     [&](const char* name) { return e->name == name; });
}

std::shared_ptr<Op> aggregate(OpPtr input, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kAggregate;
  op->span = at;
  op->inputs = {std::move(input)};
  return op;
}

void add_key(Op& op, const FieldName& f) {
  op.keys.push_back({f.name, plan::column(f.name, f.span), f.span});
  op.drop_null_keys = true;
}

}  // namespace

bool Lowering::aggregate_item(const StatsItem& i,
                              const std::string& field,
                              std::string name,
                              const Rows& rows,
                              AggregateItem& out) {
  rows_ = &rows;
  out.span = i.span;
  out.name = std::move(name);
  out.function = "spl." + i.function;
  // Events come newest first in Splunk: their first is the latest. In an order made by the search
  // itself first and last are taken as they come.
  if (rows.order == Rows::Order::kNewestFirst && i.function == "first") out.function = "spl.latest";
  if (rows.order == Rows::Order::kNewestFirst && i.function == "last")
    out.function = "spl.earliest";
  if (i.expr) {
    ExprPtr e = value(*i.expr);
    if (!e) return false;
    // count(eval(a>1)) counts where it is true: a condition is 1 or nothing.
    if (is_condition(e))
      e = plan::call(
          "spl.if", {e, plan::literal(Value::integer(1), e->span), plan::literal(Value(), e->span)},
          e->span);
    out.args.push_back(std::move(e));
  } else if (!field.empty()) {
    out.args.push_back(plan::column(in_tstats_ ? without_dataset(field) : field, i.field.span));
  }
  if (i.function == "perc") {
    const auto whole = static_cast<int64_t>(i.percentile);
    out.args.push_back(static_cast<double>(whole) == i.percentile
                           ? plan::literal(Value::integer(whole), i.span)
                           : plan::literal(Value::real(i.percentile), i.span));
  }
  return true;
}

bool Lowering::aggregate_items(const std::vector<StatsItem>& items,
                               const std::vector<FieldName>& by,
                               const Rows& rows,
                               std::vector<AggregateItem>& out) {
  std::set<std::string> names;
  for (const FieldName& f : by) {
    if (f.name.find('*') != std::string::npos) {
      error("spl-bad-value", "a by-clause takes no wildcards", f.span);
      return false;
    }
    if (!names.insert(f.name).second) {
      error("spl-duplicate-column", "grouped twice by " + f.name, f.span);
      return false;
    }
  }
  for (const StatsItem& i : items) {
    std::vector<std::string> fields = {i.field.name};
    const bool wild = i.field.name.find('*') != std::string::npos;
    if (wild) {
      if (rows.open) {
        unsupported("form: statistics over a wildcard on events", i.field.span,
                    "which fields there are is not known before; name them, or put table in front");
        return false;
      }
      fields = matching(rows, i.field.name);
      // A star stands for no internal field, and a column that the search names itself comes first.
      std::erase_if(fields, [&](const std::string& f) {
        if (f[0] == '_' && i.field.name[0] != '_') return true;
        return std::any_of(by.begin(), by.end(), [&](const FieldName& b) { return b.name == f; }) ||
               std::any_of(items.begin(), items.end(),
                           [&](const StatsItem& other) { return other.name == f; });
      });
    }
    for (const std::string& field : fields) {
      std::string name = i.name;
      if (wild) {
        // `values(*) as *` and `values(a*) as x_*`: the run behind the star.
        const size_t star = i.field.name.find('*');
        const std::string middle = field.substr(star, field.size() - (i.field.name.size() - 1));
        const size_t to = name.find('*');
        if (to != std::string::npos) name.replace(to, 1, middle);
      }
      AggregateItem item;
      if (!aggregate_item(i, field, std::move(name), rows, item)) return false;
      if (!names.insert(item.name).second) {
        error("spl-duplicate-column", "column given twice: " + item.name, i.span, "",
              "give it another name with AS");
        return false;
      }
      out.push_back(std::move(item));
    }
  }
  return true;
}

bool Lowering::stats(const StatsCommand& c, Rows& rows, Span at) {
  auto op = aggregate(rows.op, at);
  if (!aggregate_items(c.items, c.by, rows, op->aggregates)) return false;
  Rows out;
  out.open = false;
  out.order = Rows::Order::kByKeys;
  for (const FieldName& f : c.by) {
    add_key(*op, f);
    out.columns.push_back(f.name);
    out.order_keys.push_back(f.name);
  }
  for (const AggregateItem& a : op->aggregates)
    out.columns.push_back(a.name);
  out.op = op;
  rows = std::move(out);
  return true;
}

// Each row with its group's results beside it; a row with a null key belongs to no group and gets
// none.
void Lowering::join_back(Rows& rows,
                         OpPtr groups,
                         const std::vector<std::string>& by,
                         const std::vector<std::string>& names,
                         Span at) {
  // A column of that name is replaced, also one that the events happen to have.
  std::vector<std::string> replaced;
  for (const std::string& n : names)
    if (rows.open || rows.has(n)) replaced.push_back(n);
  if (!replaced.empty()) away(rows, std::move(replaced), at);
  auto join = std::make_shared<Op>();
  join->kind = OpKind::kJoin;
  join->span = at;
  join->join_kind = plan::JoinKind::kLeftOuter;
  join->lookup = true;
  join->inputs = {rows.op, std::move(groups)};
  for (const std::string& b : by) {
    join->keys.push_back({b, plan::column(b, at), at});
    join->right_keys.push_back(plan::column(b, at));
  }
  if (by.empty()) {
    join->keys.push_back({"", plan::literal(Value::integer(1), at), at});
    join->right_keys.push_back(plan::literal(Value::integer(1), at));
  }
  rows.op = join;
  for (const std::string& n : names)
    rows.add(n);
}

bool Lowering::eventstats(const StatsCommand& c, Rows& rows, Span at) {
  auto groups = aggregate(rows.op, at);
  if (!aggregate_items(c.items, c.by, rows, groups->aggregates)) return false;
  std::vector<std::string> by;
  for (const FieldName& f : c.by) {
    add_key(*groups, f);
    by.push_back(f.name);
    rows.add(f.name);
  }
  std::vector<std::string> names;
  for (const AggregateItem& a : groups->aggregates)
    names.push_back(a.name);
  join_back(rows, groups, by, names, at);
  return true;
}

bool Lowering::top(const TopCommand& c, Rows& rows, Span at) {
  auto counted = aggregate(rows.op, at);
  Rows out;
  out.open = false;
  std::vector<std::string> by;
  std::set<std::string> names;
  for (const auto* list : {&c.by, &c.fields}) {
    for (const FieldName& f : *list) {
      if (f.name.find('*') != std::string::npos || !names.insert(f.name).second) {
        unsupported("form: wildcard or repeated field in top and rare", f.span);
        return false;
      }
      add_key(*counted, f);
      out.columns.push_back(f.name);
    }
  }
  for (const FieldName& f : c.by)
    by.push_back(f.name);
  AggregateItem count;
  count.name = c.count_field;
  count.function = "spl.count";
  count.span = at;
  counted->aggregates.push_back(count);
  out.columns.push_back(c.count_field);
  out.op = counted;
  if (c.show_percent) {
    const std::string total_name = "total (" + c.percent_field + ")";
    auto totals = aggregate(out.op, at);
    for (const FieldName& f : c.by)
      add_key(*totals, f);
    AggregateItem total;
    total.name = total_name;
    total.function = "spl.sum";
    total.args = {plan::column(c.count_field, at)};
    total.span = at;
    totals->aggregates.push_back(total);
    join_back(out, totals, by, {total_name}, at);
    ExprPtr share = plan::call(
        "spl.div",
        {plan::call("spl.mul",
                    {plan::column(c.count_field, at), plan::literal(Value::integer(100), at)}, at),
         plan::column(total_name, at)},
        at);
    extend(out,
           {{c.percent_field,
             plan::call("spl.round", {share, plan::literal(Value::integer(6), at)}, at), at}},
           at);
    away(out, {total_name}, at);
  }
  auto sorted = std::make_shared<Op>();
  sorted->kind = OpKind::kSort;
  sorted->span = at;
  sorted->inputs = {out.op};
  sorted->sort_keys.push_back({plan::column(c.count_field, at), !c.rare, false, true});
  // Equal counts would come in any order; by the values they always come in the same one.
  for (const FieldName& f : c.fields)
    sorted->sort_keys.push_back({plan::column(f.name, at), false, false, true});
  if (c.limit > 0 && by.empty()) sorted->limit = c.limit;
  out.op = sorted;
  if (c.limit > 0 && !by.empty()) {
    auto first = std::make_shared<Op>();
    first->kind = OpKind::kDedup;
    first->span = at;
    first->inputs = {out.op};
    first->patterns = by;
    first->limit = c.limit;
    out.op = first;
  }
  if (!c.show_count) away(out, {c.count_field}, at);
  out.order = Rows::Order::kGiven;
  rows = std::move(out);
  return true;
}

}  // namespace postern::lang::spl
