// Lookups: tables from files that rows are joined with, read as rows, or searched for.
//
// A lookup's table travels as a literal into one call per command, whose answer holds all output
// fields. A subsearch over a lookup is known here and now, so that its rows become the condition
// that Splunk would put in its place: ((a="x" AND b="y") OR …).
#include <algorithm>
#include <set>

#include "base/text.h"
#include "data/dynamic.h"
#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;

namespace {

constexpr size_t kMaxSubsearchRows = 10'000;  // limits.conf, [subsearch] maxout

const char* match_name(LookupDefinition::Match m) {
  static constexpr const char* kNames[] = {"exact", "wildcard", "cidr"};
  return kNames[static_cast<size_t>(m)];
}

/// What spl.lookup takes as its table (src/exec/functions/spl_lookup.cc).
Value table_literal(const Lookup& lookup,
                    const std::vector<size_t>& keys,
                    const std::vector<size_t>& outputs) {
  const LookupDefinition& d = lookup.definition;
  data::DynamicWriter w;
  w.begin_object();
  w.key("match");
  w.begin_array();
  for (const size_t k : keys)
    w.string(match_name(d.match_of(lookup.table->columns[k])));
  w.end();
  w.key("outputs");
  w.integer(static_cast<int64_t>(outputs.size()));
  w.key("ignore_case");
  w.boolean(!d.case_sensitive);
  w.key("max");
  w.integer(d.max_matches);
  w.key("min");
  w.integer(d.min_matches);
  w.key("default");
  w.string(d.default_match);
  w.key("rows");
  w.begin_array();
  for (const std::vector<std::string>& row : lookup.table->rows) {
    w.begin_array();
    for (const auto* list : {&keys, &outputs})
      for (const size_t c : *list)
        w.string(row[c]);
    w.end();
  }
  w.end();
  w.end();
  return Value::dynamic(w.take());
}

}  // namespace

std::shared_ptr<const Lookup> Lowering::find_lookup(const std::string& name, Span at) {
  if (!lookups_) {
    unsupported("lookup: " + name, at);
    return nullptr;
  }
  LookupLibrary::Found found = lookups_(name);
  if (!found.lookup) {
    const bool unknown = found.problem.starts_with("unknown");
    error(unknown ? "spl-unknown-lookup" : "spl-unsupported", found.problem, at, "", found.hint);
  }
  return found.lookup;
}

bool Lowering::lookup(const LookupCommand& c, Rows& rows, Span at) {
  const auto lookup = find_lookup(c.name, c.name_span);
  if (!lookup) return false;
  const CsvTable& table = *lookup->table;
  std::vector<size_t> keys;
  std::vector<size_t> outputs;
  std::vector<LookupCommand::Pair> shown = c.outputs;
  const auto column = [&](const FieldName& f, std::vector<size_t>& out) {
    out.push_back(table.find(f.name));
    if (out.back() < table.columns.size()) return true;
    const std::vector<std::string_view> names(table.columns.begin(), table.columns.end());
    const std::string near = nearest_name(f.name, names);
    error("spl-unknown-field", "lookup " + c.name + " has no field " + f.name, f.span, "",
          near.empty() ? "" : "did you mean `" + near + "`?");
    return false;
  };
  for (const LookupCommand::Pair& p : c.keys)
    if (!column(p.column, keys)) return false;
  if (shown.empty())
    for (size_t i = 0; i < table.columns.size(); ++i)
      if (std::find(keys.begin(), keys.end(), i) == keys.end())
        shown.push_back({{table.columns[i], at}, {table.columns[i], at}});
  for (const LookupCommand::Pair& p : shown)
    if (!column(p.column, outputs)) return false;
  std::vector<ExprPtr> args = {plan::literal(table_literal(*lookup, keys, outputs), c.name_span)};
  for (const LookupCommand::Pair& p : c.keys) {
    args.push_back(plan::column(p.field.name, p.field.span));
    if (rows.open) rows.add(p.field.name);
  }
  const std::string answer = "answer of " + c.name;
  extend(rows, {{answer, plan::call("spl.lookup", std::move(args), at), at}}, at);
  std::vector<NamedExpr> items;
  for (size_t i = 0; i < shown.size(); ++i) {
    const FieldName& field = shown[i].field;
    ExprPtr e = plan::call(
        "spl.lookup_field",
        {plan::column(answer, at), plan::literal(Value::integer(static_cast<int64_t>(i)), at)},
        field.span);
    // Nothing is put out where nothing matches; OUTPUTNEW leaves what is there in any case. Fields
    // the search has not named are taken not to be there, as for rex; but OUTPUTNEW asks for them.
    const ExprPtr there = plan::column(field.name, field.span);
    if (c.only_new)
      e = plan::call("spl.coalesce", {there, std::move(e)}, field.span);
    else if (rows.has(field.name))
      e = plan::call("spl.coalesce", {std::move(e), there}, field.span);
    items.push_back({field.name, std::move(e), field.span});
  }
  extend(rows, std::move(items), at);
  away(rows, {answer}, at);
  return true;
}

bool Lowering::inputlookup(const InputlookupCommand& c, Rows& rows, Span at) {
  if (rows.op && !c.append) {
    error("spl-syntax", "`inputlookup` begins a search", at, "",
          "add its rows to the ones before with append=true");
    return false;
  }
  const auto lookup = find_lookup(c.name, c.name_span);
  if (!lookup) return false;
  const CsvTable& table = *lookup->table;
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kValues;
  op->span = at;
  op->open = true;
  for (const std::string& name : table.columns)
    op->schema.push_back({name, data::Type::kString});
  const auto from = static_cast<size_t>(c.start);
  const size_t most = c.max ? static_cast<size_t>(*c.max) : table.rows.size();
  Rows read;
  read.op = op;
  read.open = false;
  read.columns = table.columns;
  read.order = Rows::Order::kGiven;
  for (size_t r = from; r < table.rows.size() && (c.where || r - from < most); ++r) {
    std::vector<Value> values;
    // An empty cell is no value.
    for (const std::string& cell : table.rows[r])
      values.push_back(cell.empty() ? Value::null(data::Type::kString) : Value::string(cell));
    op->rows.push_back(std::move(values));
  }
  if (c.where) {
    ExprPtr e = condition(*c.where, read);
    if (!e) return false;
    read.op = plan::filter(read.op, std::move(e), c.where->span);
    if (c.max) read.op = plan::limit(read.op, *c.max, at);
  }
  if (!rows.op) {
    rows = std::move(read);
    return true;
  }
  auto all = std::make_shared<Op>();
  all->kind = OpKind::kUnion;
  all->span = at;
  all->inputs = {rows.op, read.op};
  rows.op = all;
  rows.order = Rows::Order::kGiven;
  for (const std::string& name : table.columns)
    rows.add(name);
  return true;
}

/// Rows of a subsearch that reads only a lookup; nullopt when it does more than choose columns.
std::optional<CsvTable> Lowering::lookup_rows(const Pipeline& p) {
  const auto* input = std::get_if<InputlookupCommand>(&p.commands.front().body);
  if (!input || input->where) {
    unsupported("subsearch in a search condition", p.span,
                "subsearches that begin with inputlookup and choose columns are run");
    return std::nullopt;
  }
  const auto lookup = find_lookup(input->name, input->name_span);
  if (!lookup) return std::nullopt;
  CsvTable t = *lookup->table;
  const auto begin = std::min(static_cast<size_t>(input->start), t.rows.size());
  t.rows.erase(t.rows.begin(), t.rows.begin() + static_cast<std::ptrdiff_t>(begin));
  if (input->max && static_cast<size_t>(*input->max) < t.rows.size())
    t.rows.resize(static_cast<size_t>(*input->max));
  for (size_t i = 1; i < p.commands.size(); ++i) {
    const Command& c = p.commands[i];
    bool plain = true;
    if (const auto* f = std::get_if<FieldsCommand>(&c.body)) {
      CsvTable chosen;
      chosen.rows.resize(t.rows.size());
      const bool remove = f->mode == FieldsCommand::Mode::kRemove;
      for (size_t column = 0; column < t.columns.size(); ++column) {
        const bool named = std::any_of(f->fields.begin(), f->fields.end(), [&](const FieldName& n) {
          plain = plain && n.name.find('*') == std::string::npos;
          return n.name == t.columns[column];
        });
        if (named == remove) continue;
        chosen.columns.push_back(t.columns[column]);
        for (size_t r = 0; r < t.rows.size(); ++r)
          chosen.rows[r].push_back(t.rows[r][column]);
      }
      t = std::move(chosen);
    } else if (const auto* r = std::get_if<RenameCommand>(&c.body)) {
      for (const RenamePair& pair : r->pairs) {
        plain = plain && pair.from.name.find('*') == std::string::npos;
        for (std::string& column : t.columns)
          if (column == pair.from.name) column = pair.to.name;
      }
    } else if (const auto* h = std::get_if<HeadCommand>(&c.body)) {
      if (static_cast<size_t>(h->limit) < t.rows.size())
        t.rows.resize(static_cast<size_t>(h->limit));
    } else {
      // A second row of the same values adds nothing to a disjunction.
      const auto* d = std::get_if<DedupCommand>(&c.body);
      plain = d && d->limit == 1 && d->fields.size() == t.columns.size();
    }
    if (plain) continue;
    unsupported("form: " + c.name + " in a subsearch of a condition", c.name_span);
    return std::nullopt;
  }
  for (const std::string& column : t.columns) {
    if (column != "search" && column != "query") continue;
    unsupported("form: subsearch that gives search text", p.span);
    return std::nullopt;
  }
  return t;
}

ExprPtr Lowering::subsearch(const SearchExpr& e) {
  auto table = lookup_rows(*e.subsearch);
  if (!table) return nullptr;
  if (table->rows.size() > kMaxSubsearchRows) {
    diag_.warning("spl-subsearch-cut",
                  "Splunk would search for the first 10,000 rows of this subsearch only", e.span);
  }
  std::vector<ExprPtr> any;
  std::set<std::vector<std::string>> seen;
  for (const std::vector<std::string>& row : table->rows) {
    if (!seen.insert(row).second) continue;
    std::vector<ExprPtr> all;
    for (size_t c = 0; c < row.size(); ++c) {
      if (row[c].empty()) continue;
      const std::string field = in_tstats_ ? without_dataset(table->columns[c]) : table->columns[c];
      all.push_back(plan::call(
          "spl.search_eq",
          {plan::column(field, e.span), plan::literal(Value::string(row[c]), e.span)}, e.span));
    }
    if (!all.empty()) any.push_back(plan::conjunction(std::move(all), e.span));
  }
  // A subsearch without rows stands for NOT (), which nothing meets.
  if (any.empty()) return plan::literal(Value::boolean(false), e.span);
  // One field: one call with all its values, which a set answers.
  if (table->columns.size() == 1) {
    std::vector<ExprPtr> args = {any[0]->args[0]};
    for (const ExprPtr& a : any)
      args.push_back(a->args[1]);
    return plan::call("spl.search_eq", std::move(args), e.span);
  }
  return plan::disjunction(std::move(any), e.span);
}

}  // namespace postern::lang::spl
