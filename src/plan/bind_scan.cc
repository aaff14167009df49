// Binding of scans: which native tables provide a vocabulary's table, and each column's expression.
#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "data/batch.h"
#include "plan/binder.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

std::string_view cast_function(Type t) {
  switch (t) {
    case Type::kBool:
      return "tobool";
    case Type::kInt:
      return "toint";
    case Type::kLong:
      return "tolong";
    case Type::kReal:
      return "toreal";
    case Type::kDatetime:
      return "todatetime";
    case Type::kTimespan:
      return "totimespan";
    case Type::kDynamic:
      return "todynamic";
    default:
      return "tostring";
  }
}

// "_time" of every native table is its batch's event time.
constexpr std::string_view kTimeColumn = "_time";

}  // namespace

ExprPtr Binder::cast(ExprPtr e, Type to) {
  if (e->type == to) return e;
  if (e->is_literal() && e->literal.is_null()) return literal(Value::null(to), e->span);
  auto c = std::make_shared<Expr>(*call(std::string(cast_function(to)), {e}, e->span));
  c->function = context_.functions.function(c->name);
  POSTERN_CHECK(c->function != nullptr);
  c->type = to;
  return fold(c);
}

ExprPtr Binder::native_column(const std::string& name, const TableDef& table) {
  auto typed = [&](Type t) {
    // One expression for all rules: columns are most of what plans are made of.
    ExprPtr* known = context_.cache ? &context_.cache->columns[&table][name] : nullptr;
    if (known && *known) return *known;
    auto e = std::make_shared<Expr>(*column(name));
    e->type = t;
    if (known) *known = e;
    return ExprPtr(e);
  };
  if (name == kTimeColumn) return typed(Type::kDatetime);
  if (name == data::kRawColumn || name == data::kTextColumn) return typed(Type::kString);
  if (name == data::kValuesColumn) return typed(Type::kDynamic);
  for (const auto& [key, value] : table.constants)
    if (key == name) return literal(Value::string(value));
  if (const FieldDef* f = table.find(name)) return typed(f->type);
  return table.open ? typed(Type::kString) : nullptr;
}

// `a.b{}.c`: what lies inside an array of a record, by the paths of the vocabulary's language. The
// array itself is a leaf of open tables. Null when the name is no such path.
ExprPtr Binder::inside_array(const std::string& name, const Op& scan, const TableDef& table) {
  const size_t braces = name.find("{}");
  const std::string function = scan.vocabulary + ".inside_array";
  if (braces == std::string::npos || braces == 0 || table.find(name) || !table.open ||
      !context_.functions.function(function))
    return nullptr;
  return native(
      call(function, {column(name.substr(0, braces)), literal(Value::string(name.substr(braces)))}),
      table);
}

// Binds an expression of the catalog over native columns; null when the table lacks one of them.
ExprPtr Binder::native(const ExprPtr& e, const TableDef& table) {
  std::set<std::string> names;
  collect_columns(e, names);
  Schema schema;
  bool complete = true;
  ExprPtr replaced = rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
    if (!node->is_column()) return node;
    ExprPtr c = native_column(node->name, table);
    complete = complete && c;
    return c ? c : node;
  });
  if (!complete) return nullptr;
  for (const std::string& n : names)
    if (const ExprPtr c = native_column(n, table); c && c->is_column())
      schema.push_back({n, c->type});
  return bind(replaced, schema);
}

/// What `view` gives for a column of `table`; null when it has none.
ExprPtr Binder::provided(const ColumnInfo& c,
                         const Op& scan,
                         const VocabularyTable& table,
                         const View& view,
                         const TableDef& native_table) {
  ExprPtr e;
  if (const ExprPtr* mapped = view.find(c.name))
    e = native(*mapped, native_table);
  else if (view.passthrough || c.name == kTimeColumn || data::is_pseudo_column(c.name)) {
    e = inside_array(c.name, scan, native_table);
    if (!e) e = native_column(c.name, native_table);
  }
  if (!e) return nullptr;
  const FieldDef* declared = table.find(c.name);
  // A table's bag that the evidence holds as text is the JSON that the text is.
  const bool json = declared && !scan.open && declared->type == Type::kDynamic &&
                    e->type == Type::kString && context_.functions.function("kql.parse_json");
  if (json) {
    auto parsed = std::make_shared<Expr>(*call("kql.parse_json", {e}));
    parsed->function = context_.functions.function("kql.parse_json");
    parsed->type = Type::kDynamic;
    e = fold(parsed);
  }
  return e && declared && !scan.open ? cast(e, declared->type) : e;
}

/// provided(), remembered: it depends on the catalog alone, but for paths into arrays.
ExprPtr Binder::remembered(const ColumnInfo& c,
                           const Op& scan,
                           const VocabularyTable& table,
                           const View& view,
                           const TableDef& native_table) {
  if (!context_.cache || c.name.find("{}") != std::string::npos)
    return provided(c, scan, table, view, native_table);
  auto& known = context_.cache->views[scan.open ? 1 : 0][&view];
  if (const auto it = known.find(c.name); it != known.end()) return it->second;
  ExprPtr e = provided(c, scan, table, view, native_table);
  if (!failed_) known.emplace(c.name, e);
  return e;
}

/// `of_catalog`: the view lives as long as the catalog.
void Binder::add_branch(Op& scan, const VocabularyTable& table, const View& view, bool of_catalog) {
  const TableDef* native_table = context_.catalog.table(view.from);
  if (!native_table)
    return error("catalog-unknown-table", "view of an unknown table: " + view.from, scan.span);
  Branch b;
  b.table = view.from;
  // defender.DeviceNetworkEvents is what DeviceNetworkEvents itself was exported to.
  b.own = view.passthrough && view.from.ends_with("." + table.name);
  if (view.where) {
    b.where = native(view.where, *native_table);
    if (!b.where)
      return error("catalog-view",
                   "the view of " + table.name + " on " + view.from + " reads unknown columns",
                   scan.span);
  }
  std::vector<NamedExpr> columns;
  std::vector<std::string> missing;
  columns.reserve(scan.schema.size());
  for (const ColumnInfo& c : scan.schema) {
    ExprPtr e = of_catalog ? remembered(c, scan, table, view, *native_table)
                           : provided(c, scan, table, view, *native_table);
    if (failed_) return;
    if (e)
      columns.push_back({c.name, std::move(e), {}});
    else
      missing.push_back(c.name);
  }
  b.columns = std::move(columns);
  b.missing = std::move(missing);
  report_.tables.insert(b.table);
  scan.branches.push_back(std::move(b));
}

// A schema-less scan's column has the type that all its branches agree on, else string.
void Binder::unify_types(Op& scan) {
  // Each branch has its columns in the order of the schema, without those that it lacks.
  std::vector<size_t> at(scan.branches.size(), 0);
  std::vector<NamedExpr*> given;
  for (ColumnInfo& c : scan.schema.edit()) {
    given.clear();
    std::set<Type> types;
    for (size_t b = 0; b < at.size(); ++b) {
      std::vector<NamedExpr>& columns = scan.branches[b].columns.edit();
      if (at[b] == columns.size() || columns[at[b]].name != c.name) continue;
      given.push_back(&columns[at[b]++]);
      types.insert(given.back()->expr->type);
    }
    if (types.empty())
      c.type = Type::kString;
    else if (types.size() == 1)
      c.type = *types.begin();
    else if (std::all_of(types.begin(), types.end(), data::is_integer))
      c.type = Type::kLong;
    else
      c.type = types.count(Type::kDynamic) ? Type::kDynamic : Type::kString;
    for (NamedExpr* n : given)
      n->expr = cast(n->expr, c.type);
  }
}

// A log source that nothing provides: the rule is right and loads, but no evidence can make it
// fire.
OpPtr Binder::bind_unprovided(const Op& op, bool unknown) {
  std::string what;
  std::string hint;
  for (const auto& [key, value] : op.attributes) {
    what += (what.empty() ? "" : ", ") + key + ": " + value;
    std::vector<std::string_view> values;
    const auto sigma = context_.catalog.vocabularies().find("sigma");
    if (sigma != context_.catalog.vocabularies().end())
      for (const VocabularyTable& t : sigma->second.tables)
        if (const auto own = t.logsource.find(key); own != t.logsource.end())
          values.push_back(own->second);
    const bool known = std::find(values.begin(), values.end(), value) != values.end();
    const std::string near = known ? "" : nearest_name(value, values);
    if (!near.empty() && hint.empty()) hint = "did you mean `" + key + ": " + near + "`?";
  }
  if (unknown)
    diag_.warning(code("unknown-logsource"), "unknown log source: " + what, op.span,
                  "no evidence format provides it", hint);
  report_.never = "no evidence format provides this log source: " + what;
  auto out = std::make_shared<Op>(op);
  out->open = true;
  open_ = true;
  std::set<std::string> names = requested_;
  std::erase_if(names, [](const std::string& n) { return n.starts_with('*'); });
  names.insert(std::string(kTimeColumn));
  for (const std::string& n : names)
    out->schema.push_back({n, Type::kString});
  return out;
}

// A table of a closed vocabulary is bound alike for every rule.
const BindCache::BoundScan* Binder::known_scan(
    const std::vector<const VocabularyTable*>& tables) const {
  if (!context_.cache || tables.size() != 1) return nullptr;
  const auto it = context_.cache->scans.find(tables.front());
  return it == context_.cache->scans.end() ? nullptr : &it->second;
}

OpPtr Binder::bind_scan(const Op& op) {
  auto out = std::make_shared<Op>(op);
  std::vector<const VocabularyTable*> tables;
  if (op.vocabulary == "sigma") {
    if (context_.cache) {
      const auto [it, is_new] = context_.cache->sigma_tables.try_emplace(op.attributes);
      if (is_new) it->second = context_.catalog.sigma_tables(op.attributes);
      tables = it->second;
    } else {
      tables = context_.catalog.sigma_tables(op.attributes);
    }
  } else if (op.vocabulary == "native") {
    if (const TableDef* t = context_.catalog.table(op.dataset)) {
      for (const FieldDef& f : t->fields)
        out->schema.push_back({f.name, f.type});
      VocabularyTable self;
      View view;
      view.from = t->name;
      view.passthrough = true;
      if (!find_column(out->schema, "_time")) out->schema.push_back({"_time", Type::kDatetime});
      add_branch(*out, self, view, false);
      return out;
    }
  } else if (const VocabularyTable* t =
                 context_.catalog.vocabulary_table(op.vocabulary, op.dataset)) {
    tables.push_back(t);
    if (!t->query.empty() && context_.view_query) {
      if (++view_depth_ > 16) {
        error("catalog-view", "views that refer to each other: " + t->name, op.span);
        return nullptr;
      }
      OpPtr query = context_.view_query(*t, diag_);
      OpPtr bound = query ? bind(query) : nullptr;
      --view_depth_;
      if (!bound) failed_ = true;
      return bound;
    }
  }
  const bool provided = std::any_of(tables.begin(), tables.end(),
                                    [](const VocabularyTable* t) { return !t->views.empty(); });
  if (op.vocabulary == "sigma" && !provided) return bind_unprovided(op, tables.empty());
  if (tables.empty()) {
    const std::string near = nearest_name(op.dataset, context_.catalog.table_names(op.vocabulary));
    error(code("unknown-table"), "unknown table: " + op.dataset, op.span, "",
          near.empty() ? "" : "did you mean `" + near + "`?");
    return nullptr;
  }
  out->open = op.open || tables.front()->open;
  if (out->open) {
    open_ = true;
    std::set<std::string> names = requested_;
    std::erase_if(names, [](const std::string& n) { return n.starts_with('*'); });
    names.insert(std::string(kTimeColumn));
    for (const std::string& n : names)
      out->schema.push_back({n, Type::kString});
    if (rule_.kind == RuleKind::kQuery)
      for (const VocabularyTable* t : tables)
        for (const FieldDef& f : t->fields)
          if (!names.count(f.name) && names.insert(f.name).second)
            out->schema.push_back({f.name, f.type});
  } else if (const BindCache::BoundScan* known = known_scan(tables)) {
    out->schema = known->schema;
    out->branches = known->branches;
    for (const Branch& b : out->branches)
      report_.tables.insert(b.table);
    return out;
  } else {
    for (const FieldDef& f : tables.front()->fields)
      out->schema.push_back({f.name, f.type});
  }
  for (const VocabularyTable* t : tables)
    for (const View& v : t->views)
      add_branch(*out, *t, v, true);
  if (!failed_ && !out->open && context_.cache && tables.size() == 1)
    context_.cache->scans[tables.front()] = {out->schema, out->branches};
  if (out->open) unify_types(*out);
  return failed_ ? nullptr : OpPtr(out);
}

}  // namespace postern::plan
