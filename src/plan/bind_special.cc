// Forms of KQL that depend on the columns that are there: only the binder knows these.
//
// Each is a call that the lowering leaves as it is: column_ifexists("x", default), pack_all(),
// ingestion_time(), and `* has "x"` as kql.any_column("kql.has", "x"). Tests:
// tests/cases/kql/column_ifexists.case, pack_all.case, ingestion_time.case,
// search_all_columns.case.
#include <algorithm>

#include "plan/binder.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

// Event time of Sentinel's and of Defender's tables. Replay has no time of ingestion of its own.
constexpr std::string_view kTimeColumns[] = {"TimeGenerated", "Timestamp"};

bool hidden(std::string_view name) {
  return name.starts_with("__");
}

}  // namespace

/// What such a call stands for, unbound; null when it is none (or an error was added).
ExprPtr Binder::special_form(const Expr& e, const Schema& schema) {
  if (e.name == "kql.column_ifexists") {
    if (e.args.size() != 2 || !e.args[0]->is_literal() ||
        e.args[0]->literal.type() != Type::kString) {
      error(code("bad-argument"), "`column_ifexists` takes a column's name and a default", e.span);
      return nullptr;
    }
    const std::string& name = e.args[0]->literal.as_bytes();
    return find_column(schema, name) ? column(name, e.args[0]->span) : e.args[1];
  }
  if (e.name == "kql.ingestion_time" && e.args.empty()) {
    for (const std::string_view name : kTimeColumns)
      if (const ColumnInfo* c = find_column(schema, name); c && c->type == Type::kDatetime)
        return column(c->name, e.span);
    return literal(Value::null(Type::kDatetime), e.span);
  }
  if (e.name == "kql.pack_all") {
    const bool ignore_empty =
        !e.args.empty() && e.args[0]->is_literal() && e.args[0]->literal.text() == "true";
    std::vector<ExprPtr> args;
    for (const ColumnInfo& c : schema) {
      if (hidden(c.name)) continue;
      args.push_back(literal(Value::string(c.name), e.span));
      args.push_back(column(c.name, e.span));
    }
    if (args.empty()) return literal(Value::null(Type::kDynamic), e.span);
    return call(ignore_empty ? "kql.bag_pack_filled" : "kql.bag_pack", std::move(args), e.span);
  }
  if (e.name == "kql.any_column") {
    std::vector<ExprPtr> terms;
    for (const ColumnInfo& c : schema)
      if (!hidden(c.name))
        terms.push_back(call(e.args[0]->literal.as_bytes(),
                             {call("kql.tostring", {column(c.name, e.span)}, e.span), e.args[1]},
                             e.span));
    return disjunction(std::move(terms), e.span);
  }
  return nullptr;
}

/// `distinct *` and its kin: a key named `*` stands for every column.
std::vector<NamedExpr> Binder::all_keys(const Op& op, const Schema& input) {
  std::vector<NamedExpr> out;
  for (const NamedExpr& k : op.keys) {
    if (!k.expr->is_column() || k.expr->name != kAllColumns) {
      out.push_back(k);
      continue;
    }
    for (const ColumnInfo& c : input)
      if (!hidden(c.name) && std::none_of(op.keys.begin(), op.keys.end(),
                                          [&](const NamedExpr& o) { return o.name == c.name; }))
        out.push_back({c.name, column(c.name, k.span), k.span});
  }
  return out;
}

}  // namespace postern::plan
