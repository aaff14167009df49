// Operators of one input, apart from summarize.
#include <algorithm>

#include "data/dynamic.h"
#include "lang/kql/function_names.h"
#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

/// An operator with one input.
Op over(OpKind kind, OpPtr input, Span span) {
  Op op;
  op.kind = kind;
  op.span = span;
  op.inputs = {std::move(input)};
  return op;
}

/// `mvexpand` of old gives at most this many rows per input row.
constexpr int64_t kLegacyExpandLimit = 128;

}  // namespace

/// A filter, above the semi joins that stand for `x in (query)`.
OpPtr Lowering::where(const Operator& op, OpPtr input, const Scope* scope) {
  // `x in (Q)` that must hold is a semi join; the rest of the condition filters.
  std::vector<const Expr*> terms = {op.value};
  if (op.value->kind == ExprKind::kAnd)
    terms.assign(op.value->children.begin(), op.value->children.end());
  std::vector<ExprPtr> filters;
  RowContext row{std::move(input), {}, nullptr};
  for (const Expr* term : terms) {
    const bool by_query = term->kind == ExprKind::kIn && term->children.size() == 2 &&
                          term->name != "kql.has_any" && term->name != "kql.has_all" &&
                          is_tabular(*term->children[1], scope);
    if (by_query) {
      row.input = semi_join(*term, scope, row.input);
      if (!row.input) return nullptr;
      continue;
    }
    ExprPtr f = scalar(*term, scope, row);
    if (!f) return nullptr;
    filters.push_back(std::move(f));
  }
  if (filters.empty()) return row.input;
  Op out = over(OpKind::kFilter, row.input, op.span);
  out.predicate = plan::conjunction(std::move(filters), op.value->span);
  return keep_without(make(std::move(out)), row.hidden, op.span);
}

/// extend and project. Names that the query writes are kept; automatic ones step aside for them.
OpPtr Lowering::items(const Operator& op, OpPtr input, const Scope* scope) {
  RowContext row{std::move(input), {}, nullptr};
  std::vector<NamedExpr> items;
  NameSet names;
  // Names that are written win over automatic ones.
  for (const NamedItem& i : op.items) {
    if (i.names.size() > 1)
      return unsupported(i.name_span, "several names for one expression are not supported here");
    for (const std::string& name : i.names)
      if (!names.add(name))
        return error("kql-duplicate-column", i.name_span, "column given twice: " + name);
  }
  for (const NamedItem& i : op.items) {
    ExprPtr e = scalar(*i.expr, scope, row);
    if (!e) return nullptr;
    std::string name;
    if (!i.names.empty()) {
      name = i.names[0];
    } else {
      const std::string automatic = automatic_name(*i.expr);
      const bool plain = i.expr->kind == ExprKind::kName;
      if (plain && !names.add(automatic))
        return error("kql-duplicate-column", i.span, "column given twice: " + automatic);
      name = plain ? automatic : automatic.empty() ? names.unnamed() : names.unique(automatic);
    }
    items.push_back({std::move(name), std::move(e), i.span});
  }
  const bool extends = op.kind != OperatorKind::kProject;
  Op out = over(extends ? OpKind::kExtend : OpKind::kProject, row.input, op.span);
  out.items = std::move(items);
  OpPtr made = make(std::move(out));
  return extends ? keep_without(std::move(made), row.hidden, op.span) : made;
}

/// project-away, -keep, -rename, -reorder: patterns that the binder applies to the columns it
/// knows.
OpPtr Lowering::select(const Operator& op, OpPtr input) {
  Op out = over(OpKind::kSelect, std::move(input), op.span);
  out.mode = op.kind == OperatorKind::kProjectAway     ? plan::SelectMode::kAway
             : op.kind == OperatorKind::kProjectKeep   ? plan::SelectMode::kKeep
             : op.kind == OperatorKind::kProjectRename ? plan::SelectMode::kRename
                                                       : plan::SelectMode::kReorder;
  for (const NamePattern& p : op.patterns)
    out.patterns.push_back(p.text);
  return make(std::move(out));
}

/// The count of take, top and their kin: a number after lets are put in.
std::optional<int64_t> Lowering::row_count(const Expr& e, const Scope* scope) {
  RowContext none;
  const ExprPtr n = scalar(e, scope, none);
  if (!n) return std::nullopt;
  if (n->is_literal() && data::is_integer(n->literal.type()) && !n->literal.is_null() &&
      n->literal.as_int() >= 0)
    return n->literal.as_int();
  error("kql-bad-count", e.span, "the number of rows must be a whole number that is written out");
  return std::nullopt;
}

/// sort and top. Nulls come first where ascending and last where descending, unless it is said.
OpPtr Lowering::sort(const Operator& op, OpPtr input, const Scope* scope) {
  std::optional<int64_t> limit;
  if (op.value) {
    limit = row_count(*op.value, scope);
    if (!limit) return nullptr;
  }
  RowContext row{std::move(input), {}, nullptr};
  std::vector<plan::SortKey> keys;
  for (const SortItem& s : op.sort) {
    plan::SortKey key;
    key.expr = scalar(*s.expr, scope, row);
    if (!key.expr) return nullptr;
    key.descending = s.descending;
    key.nulls_first = s.nulls_first.value_or(!s.descending);
    keys.push_back(std::move(key));
  }
  Op out = over(OpKind::kSort, row.input, op.span);
  out.sort_keys = std::move(keys);
  out.limit = limit;
  return keep_without(make(std::move(out)), row.hidden, op.span);
}

/// Any n rows: the first ones, so that two runs agree.
OpPtr Lowering::take(const Operator& op, OpPtr input, const Scope* scope) {
  const std::optional<int64_t> n = row_count(*op.value, scope);
  if (!n) return nullptr;
  Op out = over(OpKind::kLimit, std::move(input), op.span);
  out.limit = n;
  return make(std::move(out));
}

/// Groups without aggregates. No input row gives no row, unlike a summarize without keys.
OpPtr Lowering::distinct(const Operator& op, OpPtr input, const Scope* scope) {
  RowContext row{std::move(input), {}, nullptr};
  std::vector<NamedExpr> keys;
  NameSet names;
  for (const NamedItem& i : op.items) {
    if (i.expr->kind == ExprKind::kStar) {
      const std::string all(plan::kAllColumns);
      keys.push_back({all, plan::column(all, i.span), i.span});
      continue;
    }
    ExprPtr e = scalar(*i.expr, scope, row);
    if (!e) return nullptr;
    const std::string automatic = i.names.empty() ? automatic_name(*i.expr) : i.names[0];
    keys.push_back(
        {automatic.empty() ? names.unnamed() : names.unique(automatic), std::move(e), i.span});
  }
  Op out = over(OpKind::kAggregate, row.input, op.span);
  out.keys = std::move(keys);
  out.row_when_empty = false;
  return make(std::move(out));
}

OpPtr Lowering::sample_distinct(const Operator& op, OpPtr input, const Scope* scope) {
  const std::optional<int64_t> n = row_count(*op.value, scope);
  OpPtr rows = n ? distinct(op, std::move(input), scope) : nullptr;
  if (!rows) return nullptr;
  Op out = over(OpKind::kLimit, std::move(rows), op.span);
  out.limit = n;
  return make(std::move(out));
}

OpPtr Lowering::count(const Operator& op, OpPtr input) {
  Op out = over(OpKind::kAggregate, std::move(input), op.span);
  plan::AggregateItem n;
  n.name = op.items.empty() ? "Count" : op.items[0].names[0];
  n.function = "kql.count";
  n.span = op.keyword;
  out.aggregates.push_back(std::move(n));
  return make(std::move(out));
}

/// One row that nothing is read for.
OpPtr Lowering::print(const Operator& op, const Scope* scope) {
  Op one;
  one.kind = OpKind::kValues;
  one.span = op.keyword;
  one.rows.emplace_back();
  RowContext row{make(std::move(one)), {}, nullptr};
  std::vector<NamedExpr> items;
  NameSet names;
  for (size_t i = 0; i < op.items.size(); ++i) {
    const NamedItem& item = op.items[i];
    ExprPtr e = scalar(*item.expr, scope, row);
    if (!e) return nullptr;
    const std::string name = item.names.empty() ? "print_" + std::to_string(i) : item.names[0];
    if (!names.add(name))
      return error("kql-duplicate-column", item.name_span, "column given twice: " + name);
    items.push_back({name, std::move(e), item.span});
  }
  Op out = over(OpKind::kProject, row.input, op.span);
  out.items = std::move(items);
  return make(std::move(out));
}

/// `range x from a to b step s`: one row with an array, expanded.
OpPtr Lowering::range(const Operator& op, const Scope* scope) {
  Op one;
  one.kind = OpKind::kValues;
  one.span = op.keyword;
  one.rows.emplace_back();
  RowContext row{make(std::move(one)), {}, nullptr};
  std::vector<ExprPtr> bounds;
  for (const Expr* e : op.range) {
    ExprPtr x = scalar(*e, scope, row);
    if (!x) return nullptr;
    bounds.push_back(std::move(x));
  }
  Type type = Type::kNull;
  for (const ExprPtr& b : bounds) {
    const bool time = b->is_call("kql.now") || b->is_call("kql.ago");
    const Type t = time ? Type::kDatetime : b->is_literal() ? b->literal.type() : Type::kNull;
    if (t == Type::kReal || t == Type::kDatetime || type == Type::kNull)
      type = t == Type::kInt ? Type::kLong : t;
    if (t != Type::kNull) continue;
    return unsupported(b->span, "`range` needs bounds that are written out, now() or ago(...)");
  }
  if (bounds[0]->is_literal() && bounds[0]->literal.type() == Type::kTimespan)
    type = Type::kTimespan;
  const std::string& name = op.items[0].names[0];
  Op array = over(OpKind::kProject, row.input, op.span);
  array.items.push_back({name, plan::call("kql.range", bounds, op.span), op.span});
  Op expand = over(OpKind::kExpand, make(std::move(array)), op.span);
  expand.patterns = {name};
  expand.item_names = {name};
  Op cast = over(OpKind::kProject, make(std::move(expand)), op.span);
  cast.items.push_back(
      {name,
       plan::call("kql.typed",
                  {plan::column(name, op.span),
                   plan::literal(Value::string(std::string(data::type_name(type))))},
                  op.span),
       op.span});
  return make(std::move(cast));
}

/// Bags and arrays are made arrays first, then expanded side by side; shorter ones give nulls.
OpPtr Lowering::mv_expand(const Operator& op, OpPtr input, const Scope* scope) {
  const Option* bags = op.option("bagexpansion");
  if (!bags) bags = op.option("kind");
  const bool pairs = bags && bags->value == "array";
  if (bags && !pairs && bags->value != "bag")
    return error("kql-bad-option", bags->span, "not a way to expand bags: " + bags->value, "",
                 "write `bag` or `array`");
  RowContext row{std::move(input), {}, nullptr};
  std::vector<NamedExpr> prepared;
  NameSet names;
  for (const NamedItem& i : op.items) {
    ExprPtr e = scalar(*i.expr, scope, row);
    if (!e) return nullptr;
    const std::string automatic = i.names.empty() ? automatic_name(*i.expr) : i.names[0];
    std::string name = automatic.empty() ? names.unnamed() : automatic;
    if (!automatic.empty() && !names.add(name))
      return error("kql-duplicate-column", i.span, "column given twice: " + name);
    // Bags become arrays of one-entry bags (or of pairs) first; arrays stay as they are.
    prepared.push_back(
        {name, plan::call(pairs ? "kql.bag_to_pairs" : "kql.bag_to_array", {std::move(e)}, i.span),
         i.span});
  }
  Op arrays = over(OpKind::kExtend, row.input, op.span);
  arrays.items = prepared;
  Op expand = over(OpKind::kExpand, make(std::move(arrays)), op.span);
  for (const NamedExpr& p : prepared) {
    expand.patterns.push_back(p.name);
    expand.item_names.push_back(p.name);
  }
  if (const Option* index = op.option("with_itemindex")) expand.index_column = index->value;
  if (op.value) {
    expand.limit = row_count(*op.value, scope);
    if (!expand.limit) return nullptr;
  } else if (op.word == "mvexpand") {
    expand.limit = kLegacyExpandLimit;
  }
  OpPtr out = make(std::move(expand));
  std::vector<NamedExpr> casts;
  for (size_t i = 0; i < prepared.size(); ++i)
    if (op.types[i] != Type::kNull && op.types[i] != Type::kDynamic)
      casts.push_back(
          {prepared[i].name,
           plan::call("kql.typed",
                      {plan::column(prepared[i].name, prepared[i].span),
                       plan::literal(Value::string(std::string(data::type_name(op.types[i]))))},
                      prepared[i].span),
           prepared[i].span});
  if (out && !casts.empty()) {
    Op cast = over(OpKind::kExtend, std::move(out), op.span);
    cast.items = std::move(casts);
    out = make(std::move(cast));
  }
  return keep_without(std::move(out), row.hidden, op.span);
}

/// parse: one hidden array with the texts found, then one column each.
OpPtr Lowering::parse(const Operator& op, OpPtr input, const Scope* scope) {
  const Option* kind = op.option("kind");
  const Option* flags = op.option("flags");
  const std::string mode = kind ? kind->value : "simple";
  if (mode != "simple" && mode != "relaxed" && mode != "regex")
    return error("kql-bad-option", kind->span, "not a kind of `parse`: " + mode, "",
                 "kinds are simple, relaxed, regex");
  RowContext row{std::move(input), {}, nullptr};
  ExprPtr text = scalar(*op.value, scope, row);
  if (!text) return nullptr;
  data::DynamicWriter pattern;
  pattern.begin_array();
  for (const ParsePart& p : op.parts) {
    static constexpr std::string_view kKinds[] = {"text", "column", "skip"};
    pattern.begin_array();
    pattern.string(kKinds[static_cast<size_t>(p.kind)]);
    pattern.string(p.kind == ParsePart::Kind::kColumn ? data::type_name(p.type)
                                                      : std::string_view(p.text));
    pattern.end();
  }
  pattern.end();
  const std::string found = hidden_name("parse");
  Op search = over(OpKind::kExtend, row.input, op.span);
  search.items.push_back({found,
                          plan::call("kql.parse",
                                     {text, plan::literal(Value::dynamic(pattern.take()), op.span),
                                      plan::literal(Value::string(mode)),
                                      plan::literal(Value::string(flags ? flags->value : ""))},
                                     op.span),
                          op.span});
  OpPtr out = make(std::move(search));
  if (out && op.word == "parse-where") {
    Op matched = over(OpKind::kFilter, std::move(out), op.span);
    matched.predicate = plan::call("kql.isnotnull", {plan::column(found)}, op.span);
    out = make(std::move(matched));
  }
  std::vector<NamedExpr> columns;
  NameSet names;
  for (const ParsePart& p : op.parts) {
    if (p.kind != ParsePart::Kind::kColumn) continue;
    if (!names.add(p.text))
      return error("kql-duplicate-column", p.span, "column given twice: " + p.text);
    ExprPtr value =
        plan::call("kql.at",
                   {plan::column(found, p.span),
                    plan::literal(Value::integer(static_cast<int64_t>(columns.size())))},
                   p.span);
    if (p.type != Type::kDynamic)
      value = plan::call(
          "kql.typed", {value, plan::literal(Value::string(std::string(data::type_name(p.type))))},
          p.span);
    columns.push_back({p.text, std::move(value), p.span});
  }
  if (out && !columns.empty()) {
    Op extend = over(OpKind::kExtend, std::move(out), op.span);
    extend.items = std::move(columns);
    out = make(std::move(extend));
  }
  std::vector<std::string> hidden = row.hidden;
  hidden.push_back(found);
  return keep_without(std::move(out), hidden, op.span);
}

}  // namespace postern::lang::kql
