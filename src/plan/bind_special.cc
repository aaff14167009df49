// Forms of KQL that depend on the columns that are there: only the binder knows these.
//
// Each is a call that the lowering leaves as it is: column_ifexists("x", default), pack_all(),
// ingestion_time(), and `* has "x"` as kql.any_column("kql.has", "x"). Tests:
// tests/cases/kql: column_ifexists, pack_all, ingestion_time, search_in, bag_unpack, pivot.
#include <algorithm>
#include <iterator>

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
  if (e.name == "kql.unavailable") {
    const std::string what = e.args[0]->literal.as_bytes();
    if (told_.insert("service " + what).second)
      degrade(code("unavailable"), "`" + what + "` asks a service that is not at hand", e.span,
              "its columns are empty here", "");
    return failed_ ? nullptr : e.args[1];
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

/// Names that the rule reads somewhere and `schema` does not have: what an operator with columns
/// out of the data is asked for.
std::vector<std::string> Binder::asked_beyond(const Schema& schema) const {
  std::vector<std::string> out;
  for (const std::string& n : requested_)
    if (!n.starts_with('*') && !hidden(n) && !find_column(schema, n)) out.push_back(n);
  return out;
}

/// bag_unpack: an entry for each name that is asked for.
void Binder::unpack(Op& op, const Schema& input) const {
  for (size_t i = 0; i < op.items.size(); ++i) {
    const ExprPtr call_of = op.items[i].expr;
    if (!call_of->is_call("kql.unpack")) continue;
    const std::string prefix = call_of->args[1]->literal.as_bytes();
    op.items.erase(op.items.begin() + static_cast<std::ptrdiff_t>(i));
    for (const std::string& name : asked_beyond(input)) {
      if (!name.starts_with(prefix)) continue;
      op.items.push_back({name,
                          call("kql.at",
                               {call_of->args[0],
                                literal(Value::string(name.substr(prefix.size())), call_of->span)},
                               call_of->span),
                          call_of->span});
    }
    op.open = true;
    return;
  }
}

/// pivot: the aggregate of the rows of one value, for each name that is asked for.
std::vector<AggregateItem> Binder::pivoted(const AggregateItem& a,
                                           const Op& op,
                                           const Schema& input) const {
  std::vector<AggregateItem> out;
  // A plugin before may have given the same name out of its own bag: then it is asked of both.
  Schema taken = op.schema;
  std::copy_if(input.begin(), input.end(), std::back_inserter(taken),
               [](const ColumnInfo& c) { return c.type != Type::kDynamic; });
  for (const std::string& name : asked_beyond(taken)) {
    AggregateItem item = a;
    item.star = false;
    item.name = name;
    const ExprPtr chosen =
        call("kql.eq", {a.args[0], literal(Value::string(name), a.span)}, a.span);
    item.args.assign(a.args.begin() + 1, a.args.end());
    item.args.insert(item.args.begin() + std::min<std::ptrdiff_t>(1, std::ssize(item.args)),
                     chosen);
    out.push_back(std::move(item));
  }
  return out;
}

void Binder::tell_open_columns(const Op& plan) {
  const Op* at = &plan;
  while (!at->inputs.empty()) {
    const bool opens = at->open && (at->kind == OpKind::kExtend || at->kind == OpKind::kAggregate);
    if (opens)
      return degrade(code("open-columns"), "the columns of this plugin depend on the data",
                     at->span, "only those that the rule names are shown",
                     "`project` the columns that you want");
    if (at->kind == OpKind::kAggregate) return;
    if (at->kind == OpKind::kProject && !at->selects) return;
    at = at->inputs[0].get();
  }
}

}  // namespace postern::plan
