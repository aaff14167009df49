// Operators over rows in order, over the arrays inside of rows, and over open sets of columns:
// serialize and the window functions, mv-apply, make-series, search, parse-kv, evaluate.
#include <algorithm>

#include "data/dynamic.h"
#include "lang/kql/function_names.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

constexpr std::string_view kWindowFunctions[] = {
    "kql.next",           "kql.prev",         "kql.row_cumsum",        "kql.row_number",
    "kql.row_rank_dense", "kql.row_rank_min", "kql.row_window_session"};

/// Aggregates of `pivot`, and those that count only the rows of one value.
constexpr std::pair<std::string_view, std::string_view> kConditional[] = {
    {"count", "countif"},
    {"sum", "sumif"},
    {"min", "minif"},
    {"max", "maxif"},
    {"avg", "avgif"},
    {"dcount", "dcountif"},
    {"make_set", "make_set_if"},
    {"make_list", "make_list_if"},
    {"makeset", "make_set_if"},
    {"makelist", "make_list_if"},
    {"any", "take_anyif"},
    {"take_any", "take_anyif"}};

/// What FileProfile adds, with its types; names that the rows already have stay as they are.
constexpr std::pair<std::string_view, Type> kFileProfile[] = {
    {"GlobalPrevalence", Type::kLong},   {"GlobalFirstSeen", Type::kDatetime},
    {"GlobalLastSeen", Type::kDatetime}, {"Signer", Type::kString},
    {"Issuer", Type::kString},           {"SignerHash", Type::kString},
    {"IsCertificateValid", Type::kBool}, {"IsRootSignerMicrosoft", Type::kBool},
    {"SignatureState", Type::kString},   {"IsExecutable", Type::kBool},
    {"ThreatName", Type::kString},       {"Publisher", Type::kString},
    {"SoftwareName", Type::kString},     {"ProfileAvailability", Type::kString}};

Op over(OpKind kind, OpPtr input, Span span) {
  Op op;
  op.kind = kind;
  op.span = span;
  op.inputs = {std::move(input)};
  return op;
}

ExprPtr text(std::string_view s, Span span = {}) {
  return plan::literal(Value::string(std::string(s)), span);
}

/// How many scans, and element leaves, a query reads.
size_t count_leaves(const Op& op, OpKind kind) {
  size_t n = op.kind == kind ? 1 : 0;
  for (const OpPtr& i : op.inputs)
    n += count_leaves(*i, kind);
  return n;
}

}  // namespace

bool is_window_function(std::string_view plan_name) {
  return std::find(std::begin(kWindowFunctions), std::end(kWindowFunctions), plan_name) !=
         std::end(kWindowFunctions);
}

/// Whether rows come in an order that the query states.
bool Lowering::serialized(const Op& op) const {
  if (serialized_.count(&op) > 0 || op.kind == OpKind::kSort) return true;
  switch (op.kind) {
    case OpKind::kFilter:
    case OpKind::kExtend:
    case OpKind::kProject:
    case OpKind::kSelect:
    case OpKind::kExpand:
    case OpKind::kLimit:
    case OpKind::kWindow:
    case OpKind::kApply:
      return serialized(*op.inputs[0]);
    case OpKind::kJoin:  // of queries inside expressions: they keep the order of the left side
      return (op.join_kind == plan::JoinKind::kLeftOuter ||
              op.join_kind == plan::JoinKind::kLeftSemi ||
              op.join_kind == plan::JoinKind::kLeftAnti) &&
             own_joins_.count(&op) > 0 && serialized(*op.inputs[0]);
    default:
      return false;
  }
}

/// A column that a Window puts under the rows of this expression.
ExprPtr Lowering::window_call(const Expr& e,
                              std::string_view plan_name,
                              std::vector<ExprPtr> args,
                              RowContext& row) {
  if (!row.input)
    return error("kql-not-serialized", e.name_span, "`" + e.name + "` needs rows around it");
  if (!serialized(*row.input))
    return error("kql-not-serialized", e.name_span,
                 "`" + e.name + "` needs rows in an order that the query states", "",
                 "put `sort by …` or `serialize` before");
  Op out = over(OpKind::kWindow, row.input, e.span);
  plan::AggregateItem call;
  call.name = hidden_name("window");
  call.function = std::string(plan_name);
  call.args = std::move(args);
  call.span = e.span;
  row.hidden.push_back(call.name);
  const std::string name = call.name;
  out.aggregates.push_back(std::move(call));
  row.input = make(std::move(out));
  return row.input ? plan::column(name, e.span) : nullptr;
}

OpPtr Lowering::serialize(const Operator& op, OpPtr input, const Scope* scope) {
  serialized_.insert(input.get());
  return op.items.empty() ? input : items(op, std::move(input), scope);
}

/// The arrays under hidden names, and the inner query over the elements.
OpPtr Lowering::mv_apply(const Operator& op, OpPtr input, const Scope* scope) {
  RowContext row{std::move(input), {}, nullptr};
  std::vector<plan::NamedExpr> arrays;
  Op out;
  NameSet names;
  std::vector<plan::NamedExpr> casts;
  for (size_t i = 0; i < op.items.size(); ++i) {
    const NamedItem& item = op.items[i];
    ExprPtr e = scalar(*item.expr, scope, row);
    if (!e) return nullptr;
    const std::string automatic = item.names.empty() ? automatic_name(*item.expr) : item.names[0];
    const std::string name = automatic.empty() ? names.unnamed() : automatic;
    if (!automatic.empty() && !names.add(name))
      return error("kql-duplicate-column", item.span, "column given twice: " + name);
    arrays.push_back({hidden_name("array"),
                      plan::call("kql.bag_to_array", {std::move(e)}, item.span), item.span});
    out.patterns.push_back(arrays.back().name);
    out.item_names.push_back(name);
    if (op.types[i] != Type::kNull && op.types[i] != Type::kDynamic)
      casts.push_back(
          {name,
           plan::call("kql.typed",
                      {plan::column(name, item.span), text(data::type_name(op.types[i]))},
                      item.span),
           item.span});
  }
  if (const Option* index = op.option("with_itemindex")) out.index_column = index->value;
  if (op.value) {
    out.limit = row_count(*op.value, scope);
    if (!out.limit) return nullptr;
  }
  Op extend = over(OpKind::kExtend, row.input, op.span);
  extend.items = std::move(arrays);
  OpPtr rows = make(std::move(extend));

  Op leaf;
  leaf.kind = OpKind::kElements;
  leaf.span = op.keyword;
  OpPtr query = make(std::move(leaf));
  if (!casts.empty() && query) {
    Op cast = over(OpKind::kExtend, std::move(query), op.span);
    cast.items = std::move(casts);
    query = make(std::move(cast));
  }
  // Elements come in the order of their array.
  if (query) serialized_.insert(query.get());
  for (const Operator* inner : op.tables[0]->operators) {
    if (!query) return nullptr;
    query = operator_(*inner, std::move(query), scope);
  }
  if (!query || !rows) return nullptr;
  if (count_leaves(*query, OpKind::kScan) > 0 || count_leaves(*query, OpKind::kElements) != 1)
    return unsupported(op.tables[0]->span,
                       "a query of `mv-apply` that reads a table is not supported",
                       "join the table before");
  out.kind = OpKind::kApply;
  out.span = op.span;
  out.inputs = {std::move(rows), std::move(query)};
  return keep_without(make(std::move(out)), row.hidden, op.span);
}

/// An aggregation by bins of the axis, and one over its groups that puts the bins into arrays.
OpPtr Lowering::make_series(const Operator& op, OpPtr input, const Scope* scope) {
  if (const Option* kind = op.option("kind"); kind && kind->value != "nonempty")
    return error("kql-bad-option", kind->span, "not a kind of `make-series`: " + kind->value);
  const NamedItem& axis = op.axis[0];
  const std::string axis_name = axis.names.empty() ? automatic_name(*axis.expr) : axis.names[0];
  const std::string bin_name = hidden_name("bin");
  const bool aligned = op.range[0] && !op.old_range;
  // bin(axis, step), or bin_at(axis, step, from) so that bins begin at the start.
  const auto binned = [&](Expr* value) {
    Expr* e = made_.expr(ExprKind::kCall, axis.span);
    e->name = aligned ? "bin_at" : "bin";
    e->name_span = axis.span;
    e->children = {value, op.range[2]};
    if (aligned) e->children.push_back(op.range[0]);
    e->arg_names.resize(e->children.size());
    return e;
  };
  RowContext row{std::move(input), {}, nullptr};
  std::vector<ExprPtr> inside;
  const ExprPtr bin = scalar(*binned(axis.expr), scope, row);
  if (!bin) return nullptr;
  ExprPtr bounds[2] = {plan::literal(Value(), op.span), plan::literal(Value(), op.span)};
  for (size_t i = 0; i < 2; ++i) {
    if (!op.range[i]) continue;
    bounds[i] = scalar(op.old_range ? *binned(op.range[i]) : *op.range[i], scope, row);
    if (!bounds[i]) return nullptr;
    inside.push_back(plan::call(i == 0         ? "kql.ge"
                                : op.old_range ? "kql.le"
                                               : "kql.lt",
                                {bin, bounds[i]}, op.range[i]->span));
  }
  inside.push_back(plan::call("kql.isnotnull", {bin}, axis.span));
  const ExprPtr step = scalar(*op.range[2], scope, row);
  if (!step) return nullptr;
  Op filter = over(OpKind::kFilter, row.input, op.span);
  filter.predicate = plan::conjunction(std::move(inside), op.span);
  OpPtr rows = make(std::move(filter));
  if (!rows) return nullptr;

  Operator groups;
  groups.kind = OperatorKind::kSummarize;
  groups.word = op.word;
  groups.keyword = op.keyword;
  groups.span = op.span;
  groups.items = op.items;
  groups.by = op.by;
  NamedItem key;
  key.names = {bin_name};
  key.expr = binned(axis.expr);
  key.span = axis.span;
  groups.by.push_back(std::move(key));
  rows = summarize(groups, std::move(rows), scope);
  const auto names = rows ? known_columns(*rows) : std::nullopt;
  if (!names) {
    if (rows) unsupported(op.keyword, "`make-series` over all columns is not supported");
    return nullptr;
  }
  Op out = over(OpKind::kAggregate, rows, op.span);
  out.row_when_empty = false;
  const size_t num_keys = op.by.size();
  for (size_t i = 0; i < num_keys; ++i)
    out.keys.push_back({(*names)[i], plan::column((*names)[i], op.span), op.by[i].span});
  RowContext constants{rows, {}, nullptr};
  const auto closed = plan::literal(Value::boolean(op.old_range), op.span);
  const auto series = [&](std::string name, std::string function, std::vector<ExprPtr> args) {
    plan::AggregateItem item;
    item.name = std::move(name);
    item.function = std::move(function);
    item.args = std::move(args);
    item.span = op.span;
    out.aggregates.push_back(std::move(item));
  };
  for (size_t i = num_keys + 1; i < names->size(); ++i) {
    const size_t place = std::min(i - num_keys - 1, op.defaults.size() - 1);
    ExprPtr absent = plan::literal(Value::integer(0), op.span);
    if (op.old_range) absent = plan::literal(Value(), op.span);
    if (op.defaults[place]) absent = scalar(*op.defaults[place], scope, constants);
    if (!absent) return nullptr;
    series((*names)[i], "kql.series_values",
           {plan::column(bin_name, op.span), plan::column((*names)[i], op.span), bounds[0],
            bounds[1], step, closed, absent});
  }
  series(axis_name, "kql.series_axis",
         {plan::column(bin_name, op.span), bounds[0], bounds[1], step, closed});
  return make(std::move(out));
}

/// A search term is `* has "term"`, with stars at its ends a prefix or a suffix of a word.
const Expr* Lowering::search_condition(const Expr& e, bool case_sensitive) {
  const bool term = e.kind == ExprKind::kLiteral &&
                    (e.value.type() == Type::kString || data::is_integer(e.value.type()));
  const bool negation = e.kind == ExprKind::kCall && e.name == "not";
  if (!term && !negation && e.kind != ExprKind::kAnd && e.kind != ExprKind::kOr) return &e;
  if (!term) {
    Expr* out = made_.expr(e.kind, e.span);
    out->name = e.name;
    out->name_span = e.name_span;
    out->arg_names = e.arg_names;
    out->depth = e.depth;
    for (const Expr* child : e.children)
      out->children.push_back(const_cast<Expr*>(search_condition(*child, case_sensitive)));
    return out;
  }
  std::string word = e.value.text();
  if (word == "*") {
    Expr* all = made_.expr(ExprKind::kLiteral, e.span);
    all->value = Value::boolean(true);
    return all;
  }
  const bool open_left = word.starts_with('*');
  const bool open_right = word.ends_with('*') && word.size() > 1;
  if (open_left) word.erase(0, 1);
  if (open_right) word.pop_back();
  if (word.find('*') != std::string::npos) {
    unsupported(e.span, "a search term with a star inside is not supported");
    return nullptr;
  }
  std::string f = open_left && open_right ? "kql.contains"
                  : open_left             ? "kql.hassuffix"
                  : open_right            ? "kql.hasprefix"
                                          : "kql.has";
  if (case_sensitive) f += "_cs";
  Expr* out = made_.expr(ExprKind::kBinary, e.span);
  out->name = std::move(f);
  Expr* value = made_.expr(ExprKind::kLiteral, e.span);
  value->value = Value::string(std::move(word));
  out->children = {made_.expr(ExprKind::kStar, e.span), value};
  return out;
}

/// `search`: rows of the input, or of the tables that are named, with `$table` before them.
OpPtr Lowering::search(const Operator& op, OpPtr input, const Scope* scope) {
  if (!input && op.tables.empty())
    return unsupported(op.keyword, "a search over all tables is not supported",
                       "name them: search in (Table1, Table2) …");
  bool case_sensitive = false;
  if (const Option* kind = op.option("kind")) {
    case_sensitive = kind->value == "case_sensitive";
    if (!case_sensitive && kind->value != "default" && kind->value != "case_insensitive")
      return error("kql-bad-option", kind->span, "not a kind of `search`: " + kind->value);
  }
  const Expr* condition = search_condition(*op.value, case_sensitive);
  if (!condition) return nullptr;
  Op rows;
  rows.kind = OpKind::kUnion;
  rows.span = op.span;
  rows.source_column = "$table";
  rows.source_prefix = "search_arg";
  const auto add = [&](OpPtr table) {
    RowContext row{std::move(table), {}, nullptr};
    ExprPtr p = scalar(*condition, scope, row);
    if (!p) return false;
    Op filter = over(OpKind::kFilter, row.input, op.span);
    filter.predicate = std::move(p);
    rows.inputs.push_back(keep_without(make(std::move(filter)), row.hidden, op.span));
    return rows.inputs.back() != nullptr;
  };
  if (input && !add(std::move(input))) return nullptr;
  for (const Expr* t : op.tables) {
    OpPtr table_rows = table(*t, scope);
    if (!table_rows || !add(std::move(table_rows))) return nullptr;
  }
  return make(std::move(rows));
}

/// parse-kv: one hidden array of texts, then a typed column each.
OpPtr Lowering::parse_kv(const Operator& op, OpPtr input, const Scope* scope) {
  std::string pair;
  std::string value_delimiter;
  std::string quotes;
  std::string escape;
  for (const Option& o : op.options) {
    if (o.name == "pair_delimiter")
      pair = o.value;
    else if (o.name == "kv_delimiter")
      value_delimiter = o.value;
    else if (o.name == "quote" && quotes.empty())
      quotes = o.value;
    else if (o.name == "escape")
      escape += o.value;
    else
      return unsupported(o.span, "the option `" + o.name + "` of `parse-kv` is not supported");
  }
  if (pair.empty() || value_delimiter.empty())
    return unsupported(op.keyword, "`parse-kv` without delimiters is not supported",
                       "write with (pair_delimiter=…, kv_delimiter=…)");
  RowContext row{std::move(input), {}, nullptr};
  ExprPtr source = scalar(*op.value, scope, row);
  if (!source) return nullptr;
  data::DynamicWriter keys;
  keys.begin_array();
  for (const ColumnDecl& c : op.columns)
    keys.string(c.name);
  keys.end();
  const std::string found = hidden_name("pairs");
  Op search = over(OpKind::kExtend, row.input, op.span);
  search.items.push_back(
      {found,
       plan::call("kql.parse_kv",
                  {source, plan::literal(Value::dynamic(keys.take()), op.span), text(pair),
                   text(value_delimiter), text(quotes), text(escape)},
                  op.span),
       op.span});
  Op extend = over(OpKind::kExtend, make(std::move(search)), op.span);
  NameSet names;
  for (const ColumnDecl& c : op.columns) {
    if (!names.add(c.name))
      return error("kql-duplicate-column", c.span, "column given twice: " + c.name);
    ExprPtr v =
        plan::call("kql.at",
                   {plan::column(found, c.span),
                    plan::literal(Value::integer(static_cast<int64_t>(extend.items.size())))},
                   c.span);
    const std::string convert = c.type == Type::kDynamic
                                    ? "kql.parse_json"
                                    : "kql.to" + std::string(data::type_name(c.type));
    extend.items.push_back({c.name, plan::call(convert, {v}, c.span), c.span});
  }
  std::vector<std::string> hidden = row.hidden;
  hidden.push_back(found);
  return keep_without(make(std::move(extend)), hidden, op.span);
}

/// Plugins whose columns depend on the data give those that the rest of the rule names; the binder
/// knows which these are, and says so.
OpPtr Lowering::evaluate(const Operator& op, OpPtr input, const Scope* scope) {
  const Expr& call = *op.value;
  if (!input) return unsupported(call.name_span, "`evaluate " + call.name + "` is not supported");
  if (call.name == "bag_unpack") return bag_unpack(op, std::move(input), scope);
  if (call.name == "pivot") return pivot(op, std::move(input), scope);
  return unsupported(call.name_span, "the plugin `" + call.name + "` is not supported");
}

/// bag_unpack(column [, prefix]): an entry becomes a column.
OpPtr Lowering::bag_unpack(const Operator& op, OpPtr input, const Scope* scope) {
  const Expr& call = *op.value;
  if (call.children.empty() || call.children[0]->kind != ExprKind::kName)
    return error("kql-syntax", call.span, "`bag_unpack` takes the name of a column");
  const std::string column = call.children[0]->name;
  std::string prefix;
  if (call.children.size() > 1) {
    RowContext none;
    const ExprPtr p = scalar(*call.children[1], scope, none);
    if (!p || !p->is_literal() || p->literal.type() != Type::kString || call.children.size() > 2)
      return unsupported(call.children[1]->span,
                         "options of `bag_unpack` other than a prefix are not supported");
    prefix = p->literal.as_bytes();
  }
  const std::string bag = hidden_name("bag");
  Op hold = over(OpKind::kExtend, std::move(input), op.span);
  hold.items.push_back({bag, plan::column(column, call.children[0]->span), call.children[0]->span});
  OpPtr held = keep_without(make(std::move(hold)), {column}, op.span);
  Op unpack = over(OpKind::kExtend, std::move(held), call.span);
  const auto entry = [&](std::string_view name) {
    std::string_view key = name;
    if (!prefix.empty() && key.starts_with(prefix)) key.remove_prefix(prefix.size());
    return plan::call("kql.at", {plan::column(bag, op.span), text(key, op.span)}, op.span);
  };
  for (const ColumnDecl& c : op.columns)
    unpack.items.push_back(
        {c.name, plan::call("kql.typed", {entry(c.name), text(data::type_name(c.type))}, c.span),
         c.span});
  if (op.columns.empty())
    unpack.items.push_back(
        {std::string(plan::kAllColumns),
         plan::call("kql.unpack", {plan::column(bag, op.span), text(prefix, op.span)}, call.span),
         call.span});
  return keep_without(make(std::move(unpack)), {bag}, op.span);
}

/// pivot(column, aggregate, keys…): a column per value of the first.
OpPtr Lowering::pivot(const Operator& op, OpPtr input, const Scope* scope) {
  const Expr& call = *op.value;
  if (call.children.size() < 3)
    return unsupported(call.span,
                       "`pivot` without an aggregate and columns to keep is not supported",
                       "write pivot(column, count(), key1, …)");
  const Expr& aggregate = *call.children[1];
  const auto known = std::find_if(std::begin(kConditional), std::end(kConditional),
                                  [&](const auto& c) { return c.first == aggregate.name; });
  if (aggregate.kind != ExprKind::kCall || known == std::end(kConditional))
    return unsupported(aggregate.span, "`pivot` with this aggregate is not supported");
  RowContext row{std::move(input), {}, nullptr};
  Op out;
  out.kind = OpKind::kAggregate;
  out.span = call.span;
  out.row_when_empty = false;
  plan::AggregateItem item;
  item.name = std::string(plan::kAllColumns);
  item.function = "kql." + std::string(known->second);
  item.star = true;
  item.span = call.span;
  const ExprPtr column = scalar(*call.children[0], scope, row);
  if (!column) return nullptr;
  item.args.push_back(plan::call("kql.tostring", {column}, column->span));
  if (aggregate.name != "count")
    for (const Expr* a : aggregate.children) {
      ExprPtr e = scalar(*a, scope, row);
      if (!e) return nullptr;
      item.args.push_back(std::move(e));
    }
  out.aggregates.push_back(std::move(item));
  for (size_t i = 2; i < call.children.size(); ++i) {
    ExprPtr e = scalar(*call.children[i], scope, row);
    if (!e) return nullptr;
    out.keys.push_back({automatic_name(*call.children[i]), std::move(e), call.children[i]->span});
  }
  out.inputs = {row.input};
  return make(std::move(out));
}

/// `invoke FileProfile(…)`: a service that is not at hand. Its columns are empty, as they are for
/// the rows beyond its limit of calls.
OpPtr Lowering::file_profile(const Operator& op, OpPtr input) {
  Op out = over(OpKind::kExtend, std::move(input), op.span);
  for (const auto& [name, type] : kFileProfile)
    out.items.push_back(
        {std::string(name),
         plan::call("kql.unavailable", {text("FileProfile"), plan::literal(Value::null(type))},
                    op.value->name_span),
         op.span});
  return make(std::move(out));
}

OpPtr Lowering::get_schema(const Operator& op, OpPtr input) {
  Op out = over(OpKind::kSelect, std::move(input), op.span);
  out.mode = plan::SelectMode::kSchema;
  return make(std::move(out));
}

}  // namespace postern::lang::kql
