// Commands about runs of rows: streamstats, transaction, tail, reverse; and about fields that later
// commands decide: spath, xmlkv, fromjson, foreach, addtotals.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/time.h"
#include "lang/spl/lower.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

using data::Value;
using plan::AggregateItem;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;

namespace {

/// "30s", "5m", "2h", "1d" as ticks.
std::optional<int64_t> span_ticks(std::string_view s) {
  size_t i = 0;
  while (i < s.size() && ascii_digit(s[i]))
    ++i;
  const auto n = parse_int(s.substr(0, i));
  if (!n || *n <= 0 || *n > 100'000'000) return std::nullopt;

  struct Unit {
    std::string_view name;
    int64_t ticks;
  };

  static constexpr Unit kUnits[] = {
      {"", kTicksPerSecond},       {"s", kTicksPerSecond},       {"sec", kTicksPerSecond},
      {"secs", kTicksPerSecond},   {"second", kTicksPerSecond},  {"seconds", kTicksPerSecond},
      {"m", kTicksPerMinute},      {"min", kTicksPerMinute},     {"mins", kTicksPerMinute},
      {"minute", kTicksPerMinute}, {"minutes", kTicksPerMinute}, {"h", kTicksPerHour},
      {"hr", kTicksPerHour},       {"hrs", kTicksPerHour},       {"hour", kTicksPerHour},
      {"hours", kTicksPerHour},    {"d", kTicksPerDay},          {"day", kTicksPerDay},
      {"days", kTicksPerDay}};
  for (const Unit& u : kUnits)
    if (u.name == s.substr(i)) return *n * u.ticks;
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// What the stars of a pattern stand for in a name, in one run: `<<MATCHSTR>>`.
std::string star_of(const std::string& pattern, const std::string& name) {
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return name;
  const size_t tail = pattern.size() - pattern.rfind('*') - 1;
  return name.substr(star, name.size() - star - tail);
}

}  // namespace

// The fields that commands after this one read: of all that an event may have, those are the ones
// that count. Nothing is returned when a later command fails; the real pass will say why.
// `any_left`: the end of the search still has events, whose fields nobody named.
std::set<std::string> Lowering::read_later(const Rows& rows, bool& any_left) {
  Diagnostics ignored;
  Lowering probe(ignored, lookups_);
  probe.probing_ = true;
  Rows after = rows;
  after.op = plan::scan("spl", "", {});
  probe.pipeline(*pipeline_, index_ + 1, after);
  any_left = after.open;
  std::set<std::string> read;
  if (probe.failed_) return read;
  plan::collect_columns(after.op, read);
  std::erase_if(read, [](const std::string& n) { return n.empty(); });
  return read;
}

bool Lowering::streamstats(const StatsCommand& c, Rows& rows, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kRunning;
  op->span = at;
  op->inputs = {rows.op};
  op->include_current = c.current;
  op->window_per_group = !c.global;
  if (c.window > 0) op->limit = c.window;
  if (!aggregate_items(c.items, c.by, rows, op->aggregates)) return false;
  for (const FieldName& f : c.by) {
    op->keys.push_back({f.name, plan::column(f.name, f.span), f.span});
    if (rows.open) rows.add(f.name);
  }
  for (const AggregateItem& a : op->aggregates)
    rows.add(a.name);
  rows.op = op;
  return true;
}

// transaction: each event gets the number of its transaction, and an aggregate by it gives the
// transactions: every field as the set of its values, the time of the first event, the time between
// first and last, and how many there are. Of an event's fields those count that the search names.
bool Lowering::transaction(const TransactionCommand& c, Rows& rows, Span at) {
  if (probing_ && rows.open) return true;
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kSessions;
  op->span = at;
  op->index_column = "transaction";
  for (const auto& [text, ticks] :
       {std::pair{&c.maxspan, &op->max_span}, std::pair{&c.maxpause, &op->max_pause}}) {
    if (text->empty()) continue;
    const auto t = span_ticks(*text);
    if (!t) {
      error("spl-bad-span", "not a span: " + *text, c.span_span, "", "for example 30s, 5m, 1h, 1d");
      return false;
    }
    *ticks = *t;
  }
  if (c.maxevents > 0) op->limit = c.maxevents;
  rows_ = &rows;
  for (const auto& [name, when] :
       {std::pair{"startswith", &c.startswith}, std::pair{"endswith", &c.endswith}}) {
    ExprPtr e;
    if (when->search)
      e = condition(*when->search, rows);
    else if (when->eval)
      e = truth(*when->eval);
    else
      continue;
    if (!e) return false;
    if (when->search) note_fields(*when->search, rows);
    op->items.push_back({name, std::move(e), at});
  }
  std::set<std::string> shown(rows.columns.begin(), rows.columns.end());
  if (rows.open) {
    bool any_left = false;
    shown.merge(read_later(rows, any_left));
  }
  for (const FieldName& f : c.fields) {
    if (f.name.find('*') != std::string::npos) {
      unsupported("wildcard in transaction", f.span);
      return false;
    }
    op->keys.push_back(
        {f.name, plan::call("spl.text", {plan::column(f.name, f.span)}, f.span), f.span});
    shown.insert(f.name);
  }
  // Splunk asks for events newest first and gives what it gives otherwise; here they always come
  // so.
  auto newest = std::make_shared<Op>();
  newest->kind = OpKind::kSort;
  newest->span = at;
  newest->inputs = {rows.op};
  newest->sort_keys.push_back({plan::column("_time", at), true, false, false});
  op->inputs = {newest};
  auto groups = std::make_shared<Op>();
  groups->kind = OpKind::kAggregate;
  groups->span = at;
  groups->drop_null_keys = true;
  groups->inputs = {op};
  groups->keys.push_back({op->index_column, plan::column(op->index_column, at), at});
  const auto add = [&](const char* name, const char* function, const char* column) {
    AggregateItem item;
    item.name = name;
    item.function = function;
    item.span = at;
    if (column) item.args = {plan::column(column, at)};
    groups->aggregates.push_back(std::move(item));
  };
  add("_time", "spl.earliest", "_time");
  add("duration", "spl.range", "_time");
  add("eventcount", "spl.count", nullptr);
  Rows out;
  out.open = false;
  out.columns = {"_time", "duration", "eventcount"};
  for (const std::string& name : shown) {
    if (name == "transaction" || out.has(name)) continue;
    add(name.c_str(), "spl.values", name.c_str());
    out.columns.push_back(name);
  }
  out.op = groups;
  // The newest transaction first.
  auto sorted = std::make_shared<Op>();
  sorted->kind = OpKind::kSort;
  sorted->span = at;
  sorted->inputs = {out.op};
  sorted->sort_keys.push_back({plan::column("_time", at), true, false, false});
  out.op = sorted;
  away(out, {"transaction"}, at);
  out.order = Rows::Order::kGiven;
  rows = std::move(out);
  return true;
}

// The last rows, the last one first: rows are numbered and sorted by their numbers.
bool Lowering::tail(const TailCommand& c, Rows& rows, Span at) {
  const std::string number = "number of the row";
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kRunning;
  op->span = at;
  op->inputs = {rows.op};
  AggregateItem count;
  count.name = number;
  count.function = "spl.count";
  count.span = at;
  op->aggregates.push_back(std::move(count));
  auto sorted = std::make_shared<Op>();
  sorted->kind = OpKind::kSort;
  sorted->span = at;
  sorted->inputs = {op};
  sorted->sort_keys.push_back({plan::column(number, at), true, false, false});
  if (c.limit > 0) sorted->limit = c.limit;
  rows.op = sorted;
  away(rows, {number}, at);
  rows.order = Rows::Order::kGiven;
  return true;
}

bool Lowering::spath(const SpathCommand& c, Rows& rows, Span at) {
  const ExprPtr input = plan::column(c.input.name, c.input.span);
  static constexpr const char* kFunctions[] = {"spl.spath", "spl.xmlkv", "spl.json_member"};
  const auto extract = [&](const std::string& name) {
    return plan::call(kFunctions[static_cast<size_t>(c.kind)],
                      {input, plan::literal(Value::string(name), at)}, at);
  };
  if (!c.path.empty()) {
    const std::string& name = c.output.empty() ? c.path : c.output;
    ExprPtr e = extract(c.path);
    if (rows.has(name)) e = plan::call("spl.coalesce", {std::move(e), plan::column(name, at)}, at);
    if (rows.open) rows.add(c.input.name);
    extend(rows, {{name, std::move(e), at}}, at);
    return true;
  }
  // The fields of an event that is JSON are there from the start.
  if (c.kind == SpathCommand::Kind::kSpath && c.input.name == "_raw" && rows.open) return true;
  if (probing_) return true;
  bool any_left = false;
  std::set<std::string> names = read_later(rows, any_left);
  if (any_left) {
    diag_.warning("spl-fields-not-named",
                  "of the fields that this finds, only those that the search names are shown", at);
  }
  if (rows.open) rows.add(c.input.name);
  std::vector<NamedExpr> items;
  for (const std::string& name : names) {
    if (name[0] == '_' || name == c.input.name) continue;
    if (!name.starts_with(c.prefix)) continue;
    items.push_back(
        {name,
         plan::call("spl.coalesce", {extract(name.substr(c.prefix.size())), plan::column(name, at)},
                    at),
         at});
  }
  if (!items.empty()) extend(rows, std::move(items), at);
  return true;
}

// foreach: the template once per field, with the field's name in the place of <<FIELD>>.
bool Lowering::foreach (const ForeachCommand& c, Rows & rows, Span) {
  std::vector<std::pair<std::string, std::string>> fields;  // name, what the stars stand for
  for (const FieldName& p : c.patterns) {
    const bool wild = p.name.find('*') != std::string::npos;
    if (wild && rows.open) {
      unsupported("form: foreach over a wildcard on events", p.span,
                  "which fields there are is not known before; name them, or put table in front");
      return false;
    }
    for (const std::string& name : wild ? matching(rows, p.name) : std::vector{p.name}) {
      if (wild && name[0] == '_' && p.name[0] != '_') continue;
      fields.emplace_back(name, star_of(p.name, name));
    }
  }
  if (fields.size() > kMaxOperators) {
    error("spl-too-long", "foreach over more than " + std::to_string(kMaxOperators) + " fields",
          c.body_span);
    return false;
  }
  for (const auto& [name, star] : fields) {
    std::string text = c.body;
    replace_all(text, "<<FIELD>>", name);
    replace_all(text, "<<MATCHSTR>>", star);
    replace_all(text, "<<MATCHSEG1>>", star);
    const Span at = c.body_span;
    auto expanded = expand(
        text, {}, [at](size_t) { return static_cast<uint32_t>(at.begin); }, diag_);
    if (!expanded) return failed_ = true, false;
    auto parsed = Parser(*expanded, diag_).parse(Start::kCommand);
    if (!parsed) return failed_ = true, false;
    for (const Command& command : (*parsed).commands) {
      const auto* e = std::get_if<EvalCommand>(&command.body);
      if (!e) {
        unsupported("form: " + command.name + " in foreach", c.body_span, "foreach runs eval");
        return false;
      }
      if (!eval(*e, rows, c.body_span)) return false;
    }
  }
  return true;
}

bool Lowering::addtotals(const AddtotalsCommand& c, Rows& rows, Span at) {
  std::vector<std::string> names;
  for (const FieldName& f : c.fields) {
    const bool wild = f.name.find('*') != std::string::npos;
    if (wild && rows.open) {
      unsupported("form: addtotals over a wildcard on events", f.span);
      return false;
    }
    for (std::string& n : wild ? matching(rows, f.name) : std::vector{f.name})
      names.push_back(std::move(n));
  }
  if (c.fields.empty()) {
    if (rows.open) {
      unsupported("form: addtotals of all fields on events", at, "name the fields");
      return false;
    }
    for (const std::string& n : rows.columns)
      if (n[0] != '_') names.push_back(n);
  }
  ExprPtr sum = plan::literal(Value::integer(0), at);
  for (const std::string& n : names) {
    const ExprPtr number = plan::call("spl.tonumber", {plan::column(n, at)}, at);
    sum = plan::call(
        "spl.add",
        {sum, plan::call("spl.coalesce", {number, plan::literal(Value::integer(0), at)}, at)}, at);
    if (rows.open) rows.add(n);
  }
  extend(rows, {{c.name, std::move(sum), at}}, at);
  return true;
}

}  // namespace postern::lang::spl
