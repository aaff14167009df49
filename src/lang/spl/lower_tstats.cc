// `tstats` and `from datamodel`: scans of a data model's dataset.
//
// The dataset's table has fields by their own names (`user`); tstats calls them `Processes.user`,
// also in its output, which is what the rename after it expects. Acceleration does not matter: a
// summary holds what the events hold.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::AggregateItem;
using plan::ExprPtr;
using plan::Op;
using plan::OpKind;

namespace {

// The names of data models and datasets begin with a capital, those of their fields do not.
bool dataset_segment(std::string_view s) {
  return !s.empty() && s[0] >= 'A' && s[0] <= 'Z';
}

bool meta_field(const std::string& f) {
  return f == "_time" || f == "host" || f == "source" || f == "sourcetype" || f == "index" ||
         f == "splunk_server";
}

void first_dataset(const std::string& field, std::string& out) {
  const size_t dot = field.find('.');
  if (out.empty() && dot != std::string::npos && dataset_segment(field)) out = field.substr(0, dot);
}

void first_dataset(const SearchExpr& e, std::string& out) {
  if (e.kind == SearchExpr::Kind::kCompare) first_dataset(e.field.name, out);
  for (const SearchPtr& c : e.children)
    first_dataset(*c, out);
}

/// Takes `nodename=X` out of the top-level conjuncts; it names the dataset.
void take_nodename(const SearchExpr& e,
                   std::string& nodename,
                   std::vector<const SearchExpr*>& rest) {
  if (e.kind == SearchExpr::Kind::kAnd) {
    for (const SearchPtr& c : e.children)
      take_nodename(*c, nodename, rest);
    return;
  }
  const bool names = e.kind == SearchExpr::Kind::kCompare && e.field.name == "nodename" &&
                     e.comparison == Comparison::kEqual && !e.in_list;
  if (!names) {
    rest.push_back(&e);
    return;
  }
  const std::string& text = e.values[0].text;
  nodename = text.substr(text.rfind('.') + 1);
}

}  // namespace

std::string without_dataset(const std::string& field) {
  size_t at = 0;
  for (;;) {
    const size_t dot = field.find('.', at);
    if (dot == std::string::npos || !dataset_segment(std::string_view(field).substr(at))) break;
    at = dot + 1;
  }
  return field.substr(at);
}

bool valid_span(const std::string& text) {
  size_t i = 0;
  while (i < text.size() && ascii_digit(text[i]))
    ++i;
  if (i == 0 || i > 12) return false;
  if (i < text.size() && text[i] == '.' && i + 1 < text.size() && ascii_digit(text[i + 1])) {
    ++i;
    while (i < text.size() && ascii_digit(text[i]))
      ++i;
  }
  const size_t unit = i;
  while (i < text.size() && ascii_alpha(text[i]))
    ++i;
  static constexpr std::string_view kUnits[] = {
      "",         "us",      "ms",   "cs",    "ds",     "s",      "sec",     "secs",
      "second",   "seconds", "m",    "min",   "mins",   "minute", "minutes", "h",
      "hr",       "hrs",     "hour", "hours", "d",      "day",    "days",    "w",
      "week",     "weeks",   "mon",  "month", "months", "q",      "qtr",     "quarter",
      "quarters", "y",       "yr",   "year",  "years"};
  const std::string_view written = std::string_view(text).substr(unit, i - unit);
  if (std::find(std::begin(kUnits), std::end(kUnits), written) == std::end(kUnits)) return false;
  if (text.find_first_not_of("0.") >= unit) return false;  // a span of nothing
  if (i == text.size()) return true;
  return text[i] == '@' && i + 1 < text.size() && !written.empty() &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i) + 1, text.end(),
                     [](char c) { return ascii_alpha(c) || ascii_digit(c); });
}

bool Lowering::from(const FromCommand& c, Rows& rows, Span) {
  if (rows.op) {
    error("spl-syntax", "`from` begins a search", c.span);
    return false;
  }
  auto scan = std::make_shared<Op>(
      *plan::scan("spl", c.dataset.empty() ? c.model : c.model + "." + c.dataset, c.span));
  scan->open = true;
  rows = Rows();
  rows.op = scan;
  rows.order = Rows::Order::kNewestFirst;
  return true;
}

bool Lowering::tstats(const TstatsCommand& c, Rows& rows, Span at) {
  if (rows.op) {
    error("spl-syntax", "`tstats` begins a search", at, "",
          "put it first, or into append [ | tstats ... ]");
    return false;
  }
  // The dataset: named, or by nodename=, or by what the fields are called.
  std::string dataset = c.dataset;
  std::string nodename;
  std::vector<const SearchExpr*> conjuncts;
  if (c.where) take_nodename(*c.where, nodename, conjuncts);
  if (!nodename.empty()) dataset = nodename;
  if (dataset.empty() && !c.model.empty()) {
    if (c.where) first_dataset(*c.where, dataset);
    for (const FieldName& f : c.by)
      first_dataset(f.name, dataset);
    for (const StatsItem& i : c.items)
      first_dataset(i.field.name, dataset);
  }
  auto scan =
      std::make_shared<Op>(*plan::scan("spl", dataset.empty() ? c.model : c.model + "." + dataset,
                                       c.model.empty() ? at : c.source_span));
  scan->open = true;
  Rows in;
  in.op = scan;
  in.order = Rows::Order::kNewestFirst;
  in_tstats_ = true;
  std::vector<ExprPtr> conditions;
  for (const SearchExpr* e : conjuncts) {
    ExprPtr t = condition(*e, in);
    if (t && !(t->is_literal() && t->literal.as_bool())) conditions.push_back(std::move(t));
  }
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kAggregate;
  op->span = at;
  op->drop_null_keys = !c.by.empty();
  const bool ok = aggregate_items(c.items, c.by, in, op->aggregates);
  in_tstats_ = false;
  if (!ok || failed_) return false;
  if (c.span && !valid_span(c.span->text)) {
    error("spl-bad-span", "not a span: " + c.span->text, c.span->span, "",
          "for example 30s, 5m, 1h, 1d");
    return false;
  }
  if (!conditions.empty())
    in.op =
        plan::filter(in.op, plan::conjunction(std::move(conditions), c.where->span), c.where->span);
  Rows out;
  out.open = false;
  out.order = Rows::Order::kByKeys;
  for (const FieldName& f : c.by) {
    const std::string column = meta_field(f.name) ? f.name : without_dataset(f.name);
    ExprPtr e = plan::column(column, f.span);
    if (column == "_time") {
      if (c.span)
        e = plan::call("spl.bin", {e, plan::literal(Value::string(c.span->text), c.span->span)},
                       f.span);
    } else if (c.fillnull) {
      e = plan::call("spl.coalesce", {e, plan::literal(Value::string(*c.fillnull), at)}, f.span);
    }
    op->keys.push_back({f.name, std::move(e), f.span});
    out.columns.push_back(f.name);
    out.order_keys.push_back(f.name);
  }
  for (const AggregateItem& a : op->aggregates)
    out.columns.push_back(a.name);
  op->inputs = {in.op};
  out.op = op;
  rows = std::move(out);
  return true;
}

}  // namespace postern::lang::spl
