// Operators of several inputs, and queries inside expressions.
#include <algorithm>

#include "lang/kql/lower_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::JoinKind;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

struct JoinName {
  std::string_view name;
  JoinKind kind;
};

constexpr JoinName kJoinKinds[] = {
    {"inner", JoinKind::kInner},           {"innerunique", JoinKind::kInnerUnique},
    {"leftouter", JoinKind::kLeftOuter},   {"rightouter", JoinKind::kRightOuter},
    {"fullouter", JoinKind::kFullOuter},   {"leftsemi", JoinKind::kLeftSemi},
    {"leftanti", JoinKind::kLeftAnti},     {"anti", JoinKind::kLeftAnti},
    {"leftantisemi", JoinKind::kLeftAnti}, {"rightsemi", JoinKind::kRightSemi},
    {"rightanti", JoinKind::kRightAnti},   {"rightantisemi", JoinKind::kRightAnti}};

bool truth(std::string_view value) {
  return value == "true" || value == "1" || value == "True";
}

/// `a*b` of project-away and its kin. After a mismatch only the last star needs to take more, so
/// many stars cost no more than few.
bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t taken = 0;  // what the last star has taken ends here
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

using Names = std::vector<std::string>;

/// Columns keep the place of their first mention.
void put(Names& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

/// Columns that are left of `input` after project-away and its kin.
std::optional<Names> selected(const Op& op, const Names& input) {
  Names out;
  if (op.mode == plan::SelectMode::kRename) {
    out = input;
    for (size_t i = 0; i + 1 < op.patterns.size(); i += 2) {
      if (op.patterns[i].find('*') != std::string::npos) return std::nullopt;
      std::replace(out.begin(), out.end(), op.patterns[i], op.patterns[i + 1]);
    }
    return out;
  }
  const auto chosen = [&](const std::string& name) {
    return std::any_of(op.patterns.begin(), op.patterns.end(),
                       [&](const std::string& p) { return matches(p, name); });
  };
  if (op.mode != plan::SelectMode::kAway)
    for (const std::string& p : op.patterns)
      for (const std::string& name : input)
        if (matches(p, name)) put(out, name);
  if (op.mode != plan::SelectMode::kKeep)
    for (const std::string& name : input)
      if (!chosen(name)) put(out, name);
  return out;
}

}  // namespace

/// Names of an operator's columns as far as the query itself states them. A table's own columns are
/// known to the binder only, and what a join calls its columns depends on them.
std::optional<Names> known_columns(const Op& op) {
  Names out;
  switch (op.kind) {
    case OpKind::kValues:
      for (const plan::ColumnInfo& c : op.schema)
        out.push_back(c.name);
      return out;
    case OpKind::kProject:
      for (const plan::NamedExpr& i : op.items)
        out.push_back(i.name);
      return out;
    case OpKind::kAggregate:
      for (const plan::NamedExpr& k : op.keys) {
        if (k.name == plan::kAllColumns) return std::nullopt;
        out.push_back(k.name);
      }
      for (const plan::AggregateItem& a : op.aggregates) {
        if (a.star) return std::nullopt;
        out.push_back(a.name);
      }
      return out;
    case OpKind::kExtend: {
      auto input = known_columns(*op.inputs[0]);
      for (const plan::NamedExpr& i : op.items) {
        if (i.name == plan::kAllColumns) return std::nullopt;
        if (input) put(*input, i.name);
      }
      return input;
    }
    case OpKind::kExpand: {
      auto input = known_columns(*op.inputs[0]);
      if (input) {
        for (const std::string& n : op.item_names)
          put(*input, n);
        if (!op.index_column.empty()) put(*input, op.index_column);
      }
      return input;
    }
    case OpKind::kFilter:
    case OpKind::kSort:
    case OpKind::kLimit:
    case OpKind::kDedup:
      return known_columns(*op.inputs[0]);
    case OpKind::kSelect: {
      const auto input = known_columns(*op.inputs[0]);
      if (op.mode == plan::SelectMode::kSchema)
        return Names{"ColumnName", "ColumnOrdinal", "DataType", "ColumnType"};
      return input ? selected(op, *input) : std::nullopt;
    }
    case OpKind::kJoin:
      // Of the joins that this lowering makes itself, and of those that keep one side's columns.
      if (op.join_kind == JoinKind::kLeftSemi || op.join_kind == JoinKind::kLeftAnti)
        return known_columns(*op.inputs[0]);
      if (op.join_kind == JoinKind::kRightSemi || op.join_kind == JoinKind::kRightAnti)
        return known_columns(*op.inputs[1]);
      return std::nullopt;
    case OpKind::kWindow: {
      auto input = known_columns(*op.inputs[0]);
      if (input)
        for (const plan::AggregateItem& a : op.aggregates)
          put(*input, a.name);
      return input;
    }
    case OpKind::kScan:
    case OpKind::kTimeWindow:
    case OpKind::kUnion:     // depends on types
    case OpKind::kApply:     // on both its queries
    case OpKind::kElements:  // on the rows around
    case OpKind::kRunning:
    case OpKind::kSessions:
      return std::nullopt;
  }
  return std::nullopt;
}

/// join and lookup; lookup is the join that adds columns to the left side and drops the right keys.
OpPtr Lowering::join(const Operator& op, OpPtr input, const Scope* scope) {
  const bool lookup = op.kind == OperatorKind::kLookup;
  Op out;
  out.kind = OpKind::kJoin;
  out.span = op.span;
  out.lookup = lookup;
  out.join_kind = lookup ? JoinKind::kLeftOuter : JoinKind::kInnerUnique;
  if (const Option* kind = op.option("kind")) {
    const auto known = std::find_if(std::begin(kJoinKinds), std::end(kJoinKinds),
                                    [&](const JoinName& k) { return k.name == kind->value; });
    const bool allowed =
        known != std::end(kJoinKinds) &&
        (!lookup || known->kind == JoinKind::kLeftOuter || known->kind == JoinKind::kInner);
    if (!allowed)
      return error("kql-bad-option", kind->span, "not a kind of `" + op.word + "`: " + kind->value);
    out.join_kind = known->kind;
  }
  OpPtr right = table(*op.tables[0], scope);
  if (!right) return nullptr;
  for (const JoinKey& key : op.on) {
    const auto side = [](const Expr& e) { return plan::column(e.name, e.span); };
    if (key.left == key.right) {
      out.keys.push_back({key.left->name, side(*key.left), key.left->span});
      out.right_keys.push_back(side(*key.right));
      continue;
    }
    out.keys.push_back(
        {key.left->name, plan::column(key.left->name, key.left->name_span), key.left->span});
    out.right_keys.push_back(plan::column(key.right->name, key.right->name_span));
  }
  out.inputs = {std::move(input), std::move(right)};
  return make(std::move(out));
}

/// A union of one table is that table, unless its name is wanted.
OpPtr Lowering::union_(const Operator& op, OpPtr input, const Scope* scope) {
  Op out;
  out.kind = OpKind::kUnion;
  out.span = op.span;
  bool fuzzy = false;
  for (const Option& o : op.options) {
    if (o.name == "kind") {
      if (o.value != "outer" && o.value != "inner")
        return error("kql-bad-option", o.span, "not a kind of `union`: " + o.value);
      out.outer_union = o.value == "outer";
    } else if (o.name == "withsource" || o.name == "with_source") {
      out.source_column = o.value;
    } else if (o.name == "isfuzzy") {
      fuzzy = truth(o.value);
    } else if (!o.name.starts_with("hint.")) {
      return error("kql-bad-option", o.span, "not an option of `union`: " + o.name);
    }
  }
  if (input) out.inputs.push_back(std::move(input));
  for (const Expr* t : op.tables) {
    OpPtr rows = table(*t, scope);
    if (!rows) return nullptr;
    out.inputs.push_back(std::move(rows));
  }
  if (fuzzy) out.fuzzy = true;
  const bool wild =
      out.inputs[0]->kind == OpKind::kScan && out.inputs[0]->dataset.find('*') != std::string::npos;
  if (out.inputs.size() == 1 && out.source_column.empty() && !wild) return out.inputs[0];
  return make(std::move(out));
}

/// The rows of a query inside an expression, and the name of their first column, which is what
/// counts.
OpPtr Lowering::first_column_of(const Expr& query, const Scope* scope, std::string& name) {
  OpPtr rows = table(query, scope);
  if (!rows) return nullptr;
  const auto names = known_columns(*rows);
  name = names && !names->empty() ? names->front() : std::string(plan::kFirstColumn);
  return rows;
}

/// toscalar(Q): the first value of Q beside every row.
ExprPtr Lowering::to_scalar(const Expr& e, const Scope* scope, RowContext& row) {
  if (e.children.size() != 1)
    return error("kql-argument-count", e.span, "`toscalar` takes one query");
  // toscalar over a plain value is the value.
  if (!is_tabular(*e.children[0], scope) && e.children[0]->kind != ExprKind::kName)
    return scalar(*e.children[0], scope, row);
  return scalar_query(*e.children[0], scope, row, false);
}

/// The first value of a query (or all of them, as an array) beside every row: an outer join on a
/// constant.
ExprPtr Lowering::scalar_query(const Expr& query,
                               const Scope* scope,
                               RowContext& row,
                               bool all_values) {
  const Span span = query.span;
  if (!row.input) return unsupported(span, "a query is not supported here");
  std::string first;
  OpPtr rows = first_column_of(query, scope, first);
  if (!rows) return nullptr;
  const std::string hidden = hidden_name("scalar");
  Op one;
  one.span = span;
  one.inputs = {std::move(rows)};
  if (all_values) {
    one.kind = OpKind::kAggregate;
    plan::AggregateItem set;
    set.name = hidden;
    set.function = "kql.make_set";
    set.args = {plan::column(first, span)};
    set.span = span;
    one.aggregates.push_back(std::move(set));
  } else {
    one.kind = OpKind::kLimit;
    one.limit = 1;
  }
  OpPtr value = make(std::move(one));
  if (!all_values) {
    Op project;
    project.kind = OpKind::kProject;
    project.span = span;
    project.items.push_back({hidden, plan::column(first, span), span});
    project.inputs = {std::move(value)};
    value = make(std::move(project));
  }
  Op join;
  join.kind = OpKind::kJoin;
  join.join_kind = JoinKind::kLeftOuter;
  join.span = span;
  join.keys.push_back({"", plan::literal(Value::integer(1), span), span});
  join.right_keys.push_back(plan::literal(Value::integer(1), span));
  join.inputs = {row.input, std::move(value)};
  row.input = make(std::move(join));
  own_joins_.insert(row.input.get());
  row.hidden.push_back(hidden);
  return row.input ? plan::column(hidden, span) : nullptr;
}

/// `x in (Q)` as a condition of its own: a semi join by the text of the values.
OpPtr Lowering::semi_join(const Expr& e, const Scope* scope, OpPtr input) {
  std::string first;
  OpPtr rows = first_column_of(*e.children[1], scope, first);
  if (!rows) return nullptr;
  RowContext row{std::move(input), {}, nullptr};
  ExprPtr x = scalar(*e.children[0], scope, row);
  if (!x) return nullptr;
  const bool ignore_case = e.name.ends_with("_ci");
  const bool negated = e.name.starts_with("kql.not_");
  const std::string key = ignore_case ? "kql.in_key_ci" : "kql.in_key";
  // Null never equals null here, though join keys would.
  Op present;
  present.kind = OpKind::kFilter;
  present.span = e.span;
  present.predicate = plan::call("kql.isnotnull", {plan::column(first, e.span)}, e.span);
  present.inputs = {std::move(rows)};
  Op join;
  join.kind = OpKind::kJoin;
  join.join_kind = negated ? JoinKind::kLeftAnti : JoinKind::kLeftSemi;
  join.span = e.span;
  join.keys.push_back({"", plan::call(key, {x}, e.children[0]->span), e.children[0]->span});
  join.right_keys.push_back(
      plan::call(key, {plan::column(first, e.children[1]->span)}, e.children[1]->span));
  join.inputs = {row.input, make(std::move(present))};
  OpPtr joined = make(std::move(join));
  own_joins_.insert(joined.get());
  return keep_without(std::move(joined), row.hidden, e.span);
}

/// `x in (Q)` inside a larger condition: an outer join that marks the rows that match.
ExprPtr Lowering::in_query(const Expr& e, const Scope* scope, RowContext& row) {
  if (!row.input) return unsupported(e.span, "a query is not supported here");
  std::string first;
  OpPtr rows = first_column_of(*e.children[1], scope, first);
  ExprPtr x = rows ? scalar(*e.children[0], scope, row) : nullptr;
  if (!x) return nullptr;
  const std::string f = e.name.ends_with("_ci") ? "kql.in_key_ci" : "kql.in_key";
  const std::string key = hidden_name("key");
  const std::string mark = hidden_name("in");
  Op present;
  present.kind = OpKind::kFilter;
  present.span = e.span;
  present.predicate = plan::call("kql.isnotnull", {plan::column(first, e.span)}, e.span);
  present.inputs = {std::move(rows)};
  Op keys;
  keys.kind = OpKind::kAggregate;
  keys.span = e.span;
  keys.row_when_empty = false;
  keys.keys.push_back({key, plan::call(f, {plan::column(first, e.span)}, e.span), e.span});
  keys.inputs = {make(std::move(present))};
  Op marked;
  marked.kind = OpKind::kExtend;
  marked.span = e.span;
  marked.items.push_back({mark, plan::literal(Value::boolean(true)), e.span});
  marked.inputs = {make(std::move(keys))};
  Op join;
  join.kind = OpKind::kJoin;
  join.join_kind = JoinKind::kLeftOuter;
  join.lookup = true;
  join.span = e.span;
  join.keys.push_back({"", plan::call(f, {x}, e.span), e.span});
  join.right_keys.push_back(plan::column(key, e.span));
  join.inputs = {row.input, make(std::move(marked))};
  row.input = make(std::move(join));
  if (!row.input) return nullptr;
  own_joins_.insert(row.input.get());
  row.hidden.push_back(mark);
  const bool negated = e.name.starts_with("kql.not_");
  return plan::call(negated ? "kql.isnull" : "kql.isnotnull", {plan::column(mark, e.span)}, e.span);
}

}  // namespace postern::lang::kql
