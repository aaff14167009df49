// Commands with a search in brackets: append, appendpipe, multisearch, join.
//
// Splunk cuts subsearches off by time and number of rows; here they give their whole answer.
#include <algorithm>

#include "lang/spl/lower.h"

namespace postern::lang::spl {

using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

bool Lowering::append(const AppendCommand& c, Rows& rows, Span at) {
  auto all = std::make_shared<Op>();
  all->kind = OpKind::kUnion;
  all->span = at;
  Rows out;
  if (c.kind == AppendCommand::Kind::kMultisearch) {
    if (rows.op) {
      error("spl-syntax", "`multisearch` begins a search", at);
      return false;
    }
    out.open = false;
  } else {
    out = rows;
    all->inputs.push_back(rows.op);
  }
  for (const Pipeline& p : c.pipelines) {
    Rows part;
    if (c.kind == AppendCommand::Kind::kAppendpipe) {
      part = rows;
      pipeline(p, 0, part);
    } else if (first_command(p, part)) {
      pipeline(p, 1, part);
    }
    if (failed_ || !part.op) return false;
    all->inputs.push_back(part.op);
    out.open = out.open || part.open;
    for (const std::string& column : part.columns)
      out.add(column);
    if (out.order != part.order || c.kind != AppendCommand::Kind::kMultisearch)
      out.order = Rows::Order::kGiven;
  }
  out.op = all;
  // Several searches over events are merged by time; appended rows follow the ones before.
  if (c.kind == AppendCommand::Kind::kMultisearch) out.order = Rows::Order::kNewestFirst;
  rows = std::move(out);
  return true;
}

// join overwrite=true: each row takes the first rows of the subsearch with the same keys (max=1:
// one); fields of the subsearch replace those of the row where they have a value.
bool Lowering::join(const JoinCommand& c, Rows& rows, Span at) {
  Rows right;
  if (!first_command(*c.pipeline, right)) return false;
  pipeline(*c.pipeline, 1, right, true);  // the first row of each key is the one that counts
  if (failed_ || !right.op) return false;
  if (right.open) {
    unsupported("form: join with a subsearch of events", at,
                "end the subsearch with stats, table or fields");
    return false;
  }
  std::vector<std::string> keys;
  if (c.fields.empty()) {
    // All fields that both sides have: known only where both are.
    if (rows.open) {
      unsupported("form: join without fields on events", at, "name the fields to join on");
      return false;
    }
    for (const std::string& column : right.columns)
      if (rows.has(column)) keys.push_back(column);
    if (keys.empty()) {
      error("spl-bad-value", "join without fields: the two sides have no field in common", at);
      return false;
    }
  }
  for (const FieldName& f : c.fields) {
    if (f.name.find('*') != std::string::npos) {
      unsupported("wildcard in the fields of join", f.span);
      return false;
    }
    if (std::find(keys.begin(), keys.end(), f.name) == keys.end()) keys.push_back(f.name);
    if (rows.open) rows.add(f.name);
  }
  const auto is_key = [&](const std::string& n) {
    return std::find(keys.begin(), keys.end(), n) != keys.end();
  };
  // Right side: one row per key, the keys as texts under names of their own.
  std::vector<ExprPtr> present;
  std::vector<NamedExpr> items;
  std::vector<std::string> key_names;
  for (const std::string& k : keys) {
    present.push_back(plan::call("spl.isnotnull", {plan::column(k, at)}, at));
    key_names.push_back(k + " (joined)");
    items.push_back({key_names.back(), plan::call("spl.text", {plan::column(k, at)}, at), at});
  }
  std::vector<std::string> brought;
  for (const std::string& column : right.columns) {
    if (is_key(column)) continue;
    brought.push_back(column);
    items.push_back({column, plan::column(column, at), at});
  }
  OpPtr side = plan::filter(right.op, plan::conjunction(std::move(present), at), at);
  side = plan::project(side, std::move(items), at);
  if (c.max > 0) {
    auto first = std::make_shared<Op>();
    first->kind = OpKind::kDedup;
    first->span = at;
    first->inputs = {side};
    first->patterns = key_names;
    first->limit = c.max;
    side = first;
  }
  // Left side: what the subsearch also brings steps aside under another name.
  std::vector<NamedExpr> kept;
  std::vector<std::string> clashing;
  std::vector<std::string> aside;
  for (const std::string& column : brought) {
    if (!rows.open && !rows.has(column)) continue;
    clashing.push_back(column);
    aside.push_back(column + " (before join)");
    kept.push_back({aside.back(), plan::column(column, at), at});
  }
  if (!kept.empty()) {
    extend(rows, std::move(kept), at);
    away(rows, clashing, at);
  }
  auto joined = std::make_shared<Op>();
  joined->kind = OpKind::kJoin;
  joined->span = at;
  joined->join_kind = c.left ? plan::JoinKind::kLeftOuter : plan::JoinKind::kInner;
  joined->lookup = true;
  joined->inputs = {rows.op, side};
  for (size_t i = 0; i < keys.size(); ++i) {
    joined->keys.push_back({keys[i], plan::call("spl.text", {plan::column(keys[i], at)}, at), at});
    joined->right_keys.push_back(plan::column(key_names[i], at));
  }
  rows.op = joined;
  for (const std::string& column : brought)
    rows.add(column);
  if (!clashing.empty()) {
    std::vector<NamedExpr> merged;
    for (size_t i = 0; i < clashing.size(); ++i)
      merged.push_back({clashing[i],
                        plan::call("spl.coalesce",
                                   {plan::column(clashing[i], at), plan::column(aside[i], at)}, at),
                        at});
    extend(rows, std::move(merged), at);
    away(rows, aside, at);
  }
  return true;
}

}  // namespace postern::lang::spl
