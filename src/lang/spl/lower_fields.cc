// Commands about columns and the order of rows: rename, table, fields, sort, dedup, fillnull,
// replace.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::SelectMode;

namespace {

bool wildcard(const std::string& name) {
  return name.find('*') != std::string::npos;
}

/// What the runs of `*` in `pattern` stand for in `name`; false when it does not match. Leftmost
/// shortest.
bool match_runs(std::string_view pattern, std::string_view name, std::vector<std::string>& runs) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  const std::string_view tail = name.substr(star);
  for (size_t n = rest.empty() ? tail.size() : 0; n <= tail.size(); ++n) {
    std::vector<std::string> more;
    if (!match_runs(rest, tail.substr(n), more)) continue;
    runs.emplace_back(tail.substr(0, n));
    runs.insert(runs.end(), more.begin(), more.end());
    return true;
  }
  return false;
}

std::string with_runs(const std::string& pattern, const std::vector<std::string>& runs) {
  std::string out;
  size_t next = 0;
  for (const char c : pattern) {
    if (c == '*' && next < runs.size())
      out += runs[next++];
    else
      out += c;
  }
  return out;
}

}  // namespace

bool Lowering::rename(const RenameCommand& c, Rows& rows, Span at) {
  if (rows.open) {
    auto op = std::make_shared<Op>();
    op->kind = OpKind::kSelect;
    op->mode = SelectMode::kRename;
    op->span = at;
    op->inputs = {rows.op};
    for (const RenamePair& p : c.pairs) {
      op->patterns.push_back(p.from.name);
      op->patterns.push_back(p.to.name);
      std::erase(rows.columns, p.from.name);
      if (!wildcard(p.to.name)) rows.add(p.to.name);
    }
    rows.op = op;
    return true;
  }
  // All columns are known: each gets its new name, and a column that another one's name falls on
  // goes.
  std::vector<std::string> renamed = rows.columns;
  std::vector<bool> moved(rows.columns.size(), false);
  for (const RenamePair& p : c.pairs) {
    bool found = false;
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      std::vector<std::string> runs;
      if (moved[i] || !match_runs(p.from.name, rows.columns[i], runs)) continue;
      found = moved[i] = true;
      renamed[i] = with_runs(p.to.name, runs);
    }
    if (found || wildcard(p.from.name)) continue;
    std::vector<std::string_view> names(rows.columns.begin(), rows.columns.end());
    const std::string near = nearest_name(p.from.name, names);
    diag_.warning("spl-unknown-field", "rename of a field that is not there: " + p.from.name,
                  p.from.span, "no column of this name",
                  near.empty() ? "" : "did you mean `" + near + "`?");
  }
  std::vector<NamedExpr> items;
  std::vector<std::string> columns;
  for (size_t i = 0; i < renamed.size(); ++i) {
    // The last one that took a name has it; one that only kept its name yields to any that took it.
    bool replaced = false;
    for (size_t j = 0; j < renamed.size(); ++j)
      if (j != i && renamed[j] == renamed[i] && moved[j] && (!moved[i] || j > i)) replaced = true;
    if (replaced) continue;
    columns.push_back(renamed[i]);
    items.push_back({renamed[i], plan::column(rows.columns[i], at), at});
  }
  if (std::find(moved.begin(), moved.end(), true) == moved.end()) return true;
  for (std::string& k : rows.order_keys)
    for (size_t i = 0; i < rows.columns.size(); ++i)
      if (rows.columns[i] == k) {
        k = renamed[i];
        break;
      }
  rows.op = plan::project(rows.op, std::move(items), at);
  rows.columns = std::move(columns);
  return true;
}

bool Lowering::fields(const FieldsCommand& c, Rows& rows, Span at) {
  if (c.mode == FieldsCommand::Mode::kRemove) {
    std::vector<std::string> names;
    for (const FieldName& f : c.fields)
      names.push_back(f.name);
    away(rows, std::move(names), at);
    return true;
  }
  const bool any_wildcard = std::any_of(c.fields.begin(), c.fields.end(),
                                        [](const FieldName& f) { return wildcard(f.name); });
  const bool keep = c.mode == FieldsCommand::Mode::kKeep;
  if (rows.open && any_wildcard) {
    auto op = std::make_shared<Op>();
    op->kind = OpKind::kSelect;
    op->mode = SelectMode::kKeep;
    op->span = at;
    op->inputs = {rows.op};
    for (const FieldName& f : c.fields)
      op->patterns.push_back(f.name);
    if (keep) {
      op->patterns.emplace_back("_time");
      if (raw_is_read_later_) op->patterns.emplace_back("_raw");
    }
    rows.op = op;
    return true;
  }
  std::vector<FieldName> wanted;
  for (const FieldName& f : c.fields) {
    if (!wildcard(f.name))
      wanted.push_back(f);
    else
      for (std::string& n : matching(rows, f.name))
        wanted.push_back({std::move(n), f.span});
  }
  // `fields` keeps the time and the text of the event unless they are removed by name.
  if (keep && (rows.open || rows.has("_time"))) wanted.push_back({"_time", at});
  if (keep && raw_is_read_later_ && (rows.open || rows.has("_raw"))) wanted.push_back({"_raw", at});
  project_columns(rows, wanted, at);
  return true;
}

bool Lowering::sort_keys(const std::vector<SortField>& fields, std::vector<plan::SortKey>& out) {
  for (const SortField& f : fields) {
    if (wildcard(f.field.name)) {
      unsupported("wildcard in sort", f.field.span);
      return false;
    }
    ExprPtr e = plan::column(f.field.name, f.field.span);
    if (f.as == SortField::As::kNumber) e = plan::call("spl.tonumber", {e}, f.field.span);
    if (f.as == SortField::As::kString) e = plan::call("spl.tostring", {e}, f.field.span);
    if (f.as == SortField::As::kIp) e = plan::call("spl.ip_key", {e}, f.field.span);
    // By the documentation a row without the field is last in either direction.
    out.push_back({std::move(e), f.descending, false, f.as == SortField::As::kAuto});
  }
  return true;
}

bool Lowering::sort(const SortCommand& c, Rows& rows, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kSort;
  op->span = at;
  op->inputs = {rows.op};
  if (!sort_keys(c.fields, op->sort_keys)) return false;
  if (c.limit > 0) op->limit = c.limit;
  rows.op = op;
  rows.order = Rows::Order::kGiven;
  for (const SortField& f : c.fields)
    if (rows.open) rows.add(f.field.name);
  return true;
}

bool Lowering::dedup(const DedupCommand& c, Rows& rows, Span at) {
  if (c.keep_empty) {
    unsupported("option: keepempty=true of dedup", at);
    return false;
  }
  std::vector<ExprPtr> present;
  std::vector<std::string> names;
  for (const FieldName& f : c.fields) {
    if (wildcard(f.name)) {
      unsupported("wildcard in dedup", f.span);
      return false;
    }
    present.push_back(plan::call("spl.isnotnull", {plan::column(f.name, f.span)}, f.span));
    names.push_back(f.name);
    if (rows.open) rows.add(f.name);
  }
  rows.op = plan::filter(rows.op, plan::conjunction(std::move(present), at), at);
  if (!c.sort_by.empty()) {
    auto sorted = std::make_shared<Op>();
    sorted->kind = OpKind::kSort;
    sorted->span = at;
    sorted->inputs = {rows.op};
    if (!sort_keys(c.sort_by, sorted->sort_keys)) return false;
    rows.op = sorted;
    rows.order = Rows::Order::kGiven;
  }
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kDedup;
  op->span = at;
  op->inputs = {rows.op};
  op->patterns = std::move(names);
  op->limit = c.limit;
  rows.op = op;
  return true;
}

bool Lowering::fillnull(const FillnullCommand& c, Rows& rows, Span at) {
  std::vector<FieldName> fields = c.fields;
  if (fields.empty()) {
    if (rows.open) return fillnull_events(c, rows, at);
    for (const std::string& name : rows.columns)
      fields.push_back({name, at});
  }
  std::vector<NamedExpr> items;
  for (const FieldName& f : fields) {
    if (wildcard(f.name)) {
      unsupported("wildcard in fillnull", f.span);
      return false;
    }
    items.push_back(
        {f.name,
         plan::call("spl.coalesce", {plan::column(f.name, f.span), scalar_literal(c.value, at)},
                    f.span),
         f.span});
  }
  extend(rows, std::move(items), at);
  return true;
}

// `fillnull` over events fills every field that some row has. Of all their fields only those count
// that a later command reads; a field that no row has stays missing, so that `stats … by` it gives
// nothing, as in Splunk. Which ones those are is an aggregate over all rows, joined back.
bool Lowering::fillnull_events(const FillnullCommand& c, Rows& rows, Span at) {
  if (probing_) return true;
  bool any_left = false;
  const std::set<std::string> read = read_later(rows, any_left);
  if (any_left) {
    unsupported("form: fillnull without fields on events", at,
                "name the fields: fillnull value=0 user");
    return false;
  }
  auto seen = std::make_shared<Op>();
  seen->kind = OpKind::kAggregate;
  seen->span = at;
  seen->inputs = {rows.op};
  std::vector<NamedExpr> items;
  std::vector<std::string> counts;
  for (const std::string& name : read) {
    if (name[0] == '_') continue;
    const std::string count = "rows with " + name;
    plan::AggregateItem item;
    item.name = count;
    item.function = "spl.count";
    item.args = {plan::column(name, at)};
    item.span = at;
    seen->aggregates.push_back(std::move(item));
    counts.push_back(count);
    const ExprPtr field = plan::column(name, at);
    ExprPtr filled = plan::call("spl.coalesce", {field, scalar_literal(c.value, at)}, at);
    ExprPtr any =
        plan::call("spl.gt", {plan::column(count, at), plan::literal(Value::integer(0), at)}, at);
    items.push_back(
        {name, plan::call("spl.if", {std::move(any), std::move(filled), field}, at), at});
  }
  if (items.empty()) return true;
  join_back(rows, seen, {}, counts, at);
  extend(rows, std::move(items), at);
  away(rows, std::move(counts), at);
  return true;
}

bool Lowering::replace(const ReplaceCommand& c, Rows& rows, Span at) {
  std::vector<NamedExpr> items;
  for (const FieldName& f : c.fields) {
    if (wildcard(f.name)) {
      unsupported("wildcard in the fields of replace", f.span);
      return false;
    }
    std::vector<ExprPtr> args = {plan::column(f.name, f.span)};
    for (const ReplaceCommand::Pair& p : c.pairs) {
      if (wildcard(p.to.text)) {
        unsupported("wildcard in the new value of replace", p.to.span);
        return false;
      }
      args.push_back(plan::literal(Value::string(p.from.text), p.from.span));
      args.push_back(plan::literal(Value::string(p.to.text), p.to.span));
    }
    items.push_back({f.name, plan::call("spl.replace_value", std::move(args), at), f.span});
  }
  extend(rows, std::move(items), at);
  return true;
}

}  // namespace postern::lang::spl
