// The walk over the commands, the order of rows, and the pieces that several commands share.
#include "lang/spl/lower.h"

#include <algorithm>

#include "base/text.h"
#include "match/regex.h"

namespace postern::lang::spl {

using data::Value;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

bool name_matches(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  if (rest.empty()) return true;
  for (size_t i = star; i <= name.size(); ++i)
    if (name_matches(rest, name.substr(i))) return true;
  return false;
}

bool ordered_function(const StatsItem& i) {
  return i.function == "list" || i.function == "first" || i.function == "last";
}

bool reads_raw(const SearchExpr& e) {
  if (e.kind == SearchExpr::Kind::kTerm) return e.values[0].text != "*";
  return std::any_of(e.children.begin(), e.children.end(),
                     [](const SearchPtr& c) { return reads_raw(*c); });
}

bool reads_raw(const EvalExpr& e) {
  if (e.kind == EvalExpr::Kind::kField) return e.text == "_raw";
  return std::any_of(e.args.begin(), e.args.end(), [](const EvalPtr& a) { return reads_raw(*a); });
}

/// Whether a later command reads the event's text, so that `fields` must keep it.
struct ReadsRaw {
  bool operator()(const SearchCommand& c) const { return c.condition && reads_raw(*c.condition); }

  bool operator()(const WhereCommand& c) const { return reads_raw(*c.condition); }

  bool operator()(const RexCommand& c) const { return c.field.name == "_raw"; }

  bool operator()(const RegexCommand& c) const { return c.field.name == "_raw"; }

  bool operator()(const EvalCommand& c) const {
    return std::any_of(c.assignments.begin(), c.assignments.end(),
                       [](const Assignment& a) { return reads_raw(*a.value); });
  }

  bool operator()(const StatsCommand& c) const {
    return std::any_of(c.items.begin(), c.items.end(), [](const StatsItem& i) {
      return i.field.name == "_raw" || (i.expr && reads_raw(*i.expr));
    });
  }

  bool operator()(const FieldsCommand& c) const {
    return std::any_of(c.fields.begin(), c.fields.end(),
                       [](const FieldName& f) { return f.name == "_raw"; });
  }

  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

bool Rows::has(const std::string& column) const {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

void Rows::add(const std::string& column) {
  if (!has(column)) columns.push_back(column);
}

void Lowering::error(
    std::string code, std::string message, Span at, std::string label, std::string hint) {
  failed_ = true;
  diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
}

void Lowering::unsupported(std::string what, Span at, std::string hint) {
  error("spl-unsupported", "unsupported " + std::move(what), at, "", std::move(hint));
}

OrFailed<OpPtr> Lowering::lower(const Pipeline& p, OpPtr input, std::vector<std::string> columns) {
  Rows rows;
  if (input) {
    rows.op = std::move(input);
    rows.open = columns.empty();
    rows.columns = std::move(columns);
    rows.order = Rows::Order::kGiven;
    pipeline(p, 0, rows);
  } else if (first_command(p, rows)) {
    pipeline(p, 1, rows);
  }
  if (failed_ || !rows.op) return Failed{};
  return rows.op;
}

// What a search begins with brings its rows; the rest of the commands needs some.
bool Lowering::first_command(const Pipeline& p, Rows& rows) {
  const Command& c = p.commands.front();
  const bool generates = std::holds_alternative<TstatsCommand>(c.body) ||
                         std::holds_alternative<FromCommand>(c.body) ||
                         std::holds_alternative<InputlookupCommand>(c.body) ||
                         std::holds_alternative<SearchCommand>(c.body);
  const auto* append = std::get_if<AppendCommand>(&c.body);
  if (!generates && !(append && append->kind == AppendCommand::Kind::kMultisearch)) {
    error("spl-no-rows", "`" + c.name + "` cannot begin a search", c.name_span,
          "it needs rows to work on", "begin with search terms, | tstats or | from datamodel");
    return false;
  }
  if (std::holds_alternative<SearchCommand>(c.body)) {
    auto scan = std::make_shared<Op>(*plan::scan("spl", "", c.name_span));
    scan->open = true;
    rows.op = scan;
    rows.order = Rows::Order::kNewestFirst;
  }
  raw_is_read_later_ = true;
  return command(c, rows) || true;
}

bool Lowering::pipeline(const Pipeline& p, size_t from, Rows& rows, bool ordered_end) {
  for (size_t i = from; i < p.commands.size(); ++i) {
    const Command& c = p.commands[i];
    if (!rows.op) return false;
    // Conditions keep whatever order there is, and make the sort cheaper by coming before it.
    const bool filters = std::holds_alternative<SearchCommand>(c.body) ||
                         std::holds_alternative<WhereCommand>(c.body) ||
                         std::holds_alternative<RegexCommand>(c.body);
    if (!filters && order_matters(p, i, rows, ordered_end)) settle_order(rows, c.name_span);
    raw_is_read_later_ =
        std::any_of(p.commands.begin() + static_cast<std::ptrdiff_t>(i) + 1, p.commands.end(),
                    [](const Command& later) { return std::visit(ReadsRaw{}, later.body); });
    pipeline_ = &p;
    index_ = i;
    command(c, rows);
  }
  if (ordered_end && rows.op && order_matters(p, p.commands.size(), rows, true))
    settle_order(rows, p.commands.back().name_span);
  return !failed_;
}

bool Lowering::order_matters(const Pipeline& p,
                             size_t from,
                             const Rows& rows,
                             bool ordered_end) const {
  if (rows.order != Rows::Order::kNewestFirst && rows.order != Rows::Order::kByKeys) return false;
  for (size_t i = from; i < p.commands.size(); ++i) {
    const auto& body = p.commands[i].body;
    if (std::holds_alternative<HeadCommand>(body) || std::holds_alternative<TailCommand>(body))
      return true;
    if (std::holds_alternative<TransactionCommand>(body)) return false;  // sorts itself
    if (const auto* d = std::get_if<DedupCommand>(&body)) return d->sort_by.empty();
    if (const auto* s = std::get_if<StatsCommand>(&body)) {
      if (s->running) return true;
      for (const StatsItem& item : s->items) {
        // Over events straight from the scan, first and last are latest and earliest: no sort
        // needed.
        if (ordered_function(item) &&
            (item.function == "list" || rows.order != Rows::Order::kNewestFirst))
          return true;
      }
      if (!s->event) return false;
    }
    if (std::holds_alternative<SortCommand>(body) || std::holds_alternative<TopCommand>(body))
      return false;
  }
  return ordered_end;
}

void Lowering::settle_order(Rows& rows, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kSort;
  op->span = at;
  op->inputs = {rows.op};
  if (rows.order == Rows::Order::kNewestFirst) {
    op->sort_keys.push_back({plan::column("_time", at), true, false, false});
  } else {
    for (const std::string& key : rows.order_keys)
      op->sort_keys.push_back({plan::column(key, at), false, false, true});
  }
  rows.order = Rows::Order::kGiven;
  if (!op->sort_keys.empty()) rows.op = op;
}

bool Lowering::command(const Command& c, Rows& rows) {
  struct Visitor {
    Lowering& l;
    const Command& c;
    Rows& rows;

    bool operator()(const SearchCommand& b) const { return l.search(b, rows, c.span); }

    bool operator()(const WhereCommand& b) const { return l.where(b, rows, c.span); }

    bool operator()(const EvalCommand& b) const { return l.eval(b, rows, c.span); }

    bool operator()(const StatsCommand& b) const {
      return b.running ? l.streamstats(b, rows, c.span)
             : b.event ? l.eventstats(b, rows, c.span)
                       : l.stats(b, rows, c.span);
    }

    bool operator()(const TstatsCommand& b) const { return l.tstats(b, rows, c.span); }

    bool operator()(const ConvertCommand& b) const { return l.convert(b, rows, c.span); }

    bool operator()(const RenameCommand& b) const { return l.rename(b, rows, c.span); }

    bool operator()(const FieldsCommand& b) const { return l.fields(b, rows, c.span); }

    bool operator()(const SortCommand& b) const { return l.sort(b, rows, c.span); }

    bool operator()(const DedupCommand& b) const { return l.dedup(b, rows, c.span); }

    bool operator()(const TopCommand& b) const { return l.top(b, rows, c.span); }

    bool operator()(const BinCommand& b) const { return l.bin(b, rows, c.span); }

    bool operator()(const FillnullCommand& b) const { return l.fillnull(b, rows, c.span); }

    bool operator()(const RexCommand& b) const { return l.rex(b, rows, c.span); }

    bool operator()(const RegexCommand& b) const { return l.regex(b, rows, c.span); }

    bool operator()(const MvexpandCommand& b) const { return l.mvexpand(b, rows, c.span); }

    bool operator()(const MakemvCommand& b) const { return l.makemv(b, rows, c.span); }

    bool operator()(const FromCommand& b) const { return l.from(b, rows, c.span); }

    bool operator()(const AppendCommand& b) const { return l.append(b, rows, c.span); }

    bool operator()(const ReplaceCommand& b) const { return l.replace(b, rows, c.span); }

    bool operator()(const JoinCommand& b) const { return l.join(b, rows, c.span); }

    bool operator()(const LookupCommand& b) const { return l.lookup(b, rows, c.span); }

    bool operator()(const InputlookupCommand& b) const { return l.inputlookup(b, rows, c.span); }

    bool operator()(const OutputlookupCommand&) const { return true; }

    bool operator()(const SpathCommand& b) const { return l.spath(b, rows, c.span); }

    bool operator()(const ForeachCommand& b) const { return l.foreach (b, rows, c.span); }

    bool operator()(const TransactionCommand& b) const { return l.transaction(b, rows, c.span); }

    bool operator()(const TailCommand& b) const { return l.tail(b, rows, c.span); }

    bool operator()(const AddtotalsCommand& b) const { return l.addtotals(b, rows, c.span); }

    bool operator()(const RefusedCommand&) const { return false; }

    bool operator()(const HeadCommand& b) const {
      rows.op = plan::limit(rows.op, b.limit, c.span);
      return true;
    }
  };

  return std::visit(Visitor{*this, c, rows}, c.body);
}

std::vector<std::string> Lowering::matching(const Rows& rows, const std::string& pattern) const {
  std::vector<std::string> out;
  for (const std::string& name : rows.columns)
    if (name_matches(pattern, name)) out.push_back(name);
  return out;
}

void Lowering::extend(Rows& rows, std::vector<NamedExpr> items, Span at) {
  for (const NamedExpr& i : items)
    rows.add(i.name);
  rows.op = plan::extend(rows.op, std::move(items), at);
}

void Lowering::away(Rows& rows, std::vector<std::string> names, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kSelect;
  op->mode = plan::SelectMode::kAway;
  op->span = at;
  op->inputs = {rows.op};
  std::erase_if(rows.columns, [&](const std::string& c) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& n) { return name_matches(n, c); });
  });
  op->patterns = std::move(names);
  rows.op = op;
}

void Lowering::project_columns(Rows& rows, const std::vector<FieldName>& fields, Span at) {
  std::vector<NamedExpr> items;
  std::vector<std::string> columns;
  for (const FieldName& f : fields) {
    if (std::find(columns.begin(), columns.end(), f.name) != columns.end()) continue;
    columns.push_back(f.name);
    items.push_back({f.name, plan::column(f.name, f.span), f.span});
  }
  rows.op = plan::project(rows.op, std::move(items), at);
  rows.columns = std::move(columns);
  rows.open = false;
}

bool Lowering::check_regex(const std::string& pattern, Span at, std::vector<std::string>* groups) {
  const auto regex = match::Regex::compile(pattern, match::RegexDialect::kPcre);
  if (!regex) {
    error("spl-bad-regex", "not a regular expression: " + regex.error().message, at);
    return false;
  }
  if (groups) *groups = (*regex)->group_names();
  return true;
}

plan::ExprPtr scalar_literal(const std::string& text, Span at) {
  if (const auto i = parse_int(text)) return plan::literal(Value::integer(*i), at);
  if (const auto r = parse_real(text)) return plan::literal(Value::real(*r), at);
  return plan::literal(Value::string(text), at);
}

}  // namespace postern::lang::spl
