// Binding of tabular operators: output schemas, wildcards, join suffixes, aggregate types.
#include <algorithm>

#include "base/text.h"
#include "plan/binder.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

// `*` any run; names compare exactly in Kusto and SPL.
bool name_matches(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t i = star; i <= name.size(); ++i)
    if (name_matches(rest, name.substr(i))) return true;
  return false;
}

std::string unused_name(const Schema& schema, const std::string& name) {
  if (!find_column(schema, name)) return name;
  for (int i = 1;; ++i) {
    std::string candidate = name + std::to_string(i);
    if (!find_column(schema, candidate)) return candidate;
  }
}

void put(Schema& schema, const std::string& name, Type type) {
  for (size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name != name) continue;
    if (schema[i].type != type) schema.edit()[i].type = type;
    return;
  }
  schema.push_back({name, type});
}

bool joinable(Type a, Type b) {
  return a == b || (data::is_numeric(a) && data::is_numeric(b)) || a == Type::kNull ||
         b == Type::kNull;
}

}  // namespace

bool Binder::open_below(const Op& op) const {
  if (op.kind == OpKind::kScan) return op.open;
  return std::any_of(op.inputs.begin(), op.inputs.end(),
                     [&](const OpPtr& i) { return open_below(*i); });
}

/// Inputs of a union, where `Device*` stands for every table of such a name.
std::vector<OpPtr> Binder::named_inputs(const Op& op) const {
  std::vector<OpPtr> out;
  for (const OpPtr& input : op.inputs) {
    const bool wild = input->kind == OpKind::kScan && input->dataset.find('*') != std::string::npos;
    const size_t before = out.size();
    if (wild)
      for (const std::string_view name : context_.catalog.table_names(input->vocabulary))
        if (name_matches(input->dataset, name))
          out.push_back(scan(input->vocabulary, std::string(name), input->span));
    if (out.size() == before) out.push_back(input);
  }
  return out;
}

OpPtr Binder::bind(const OpPtr& op) {
  if (op->kind == OpKind::kScan) return bind_scan(*op);
  if (op->kind == OpKind::kValues) {
    open_ = open_ || op->open;
    return op;
  }
  if (op->kind == OpKind::kApply) return bind_apply(*op);
  if (op->kind == OpKind::kElements) {
    auto out = std::make_shared<Op>(*op);
    out->schema = elements_.back();
    return out;
  }
  std::vector<OpPtr> inputs;
  for (const OpPtr& input : op->kind == OpKind::kUnion ? named_inputs(*op) : op->inputs) {
    OpPtr bound = bind(input);
    if (!bound) return nullptr;
    inputs.push_back(std::move(bound));
  }
  switch (op->kind) {
    case OpKind::kFilter: {
      ExprPtr p = bind(op->predicate, inputs[0]->schema);
      if (!p) return nullptr;
      if (p->type != Type::kBool && p->type != Type::kNull) {
        error(code("type-mismatch"),
              "a condition must be bool, not " + std::string(type_name(p->type)), p->span);
        return nullptr;
      }
      auto out = std::make_shared<Op>(*op);
      out->predicate = std::move(p);
      out->schema = inputs[0]->schema;
      out->inputs = std::move(inputs);
      return out;
    }
    case OpKind::kProject:
    case OpKind::kExtend:
      return bind_items(*op, inputs[0]);
    case OpKind::kSelect:
      return bind_select(*op, inputs[0]);
    case OpKind::kAggregate:
      return bind_aggregate(*op, inputs[0]);
    case OpKind::kSort:
      return bind_sort(*op, inputs[0]);
    case OpKind::kJoin:
      return bind_join(*op, inputs[0], inputs[1]);
    case OpKind::kUnion:
      return bind_union(*op, std::move(inputs));
    case OpKind::kExpand:
      return bind_expand(*op, inputs[0]);
    case OpKind::kWindow:
      return bind_window(*op, inputs[0]);
    case OpKind::kRunning:
    case OpKind::kSessions:
      return bind_running(*op, inputs[0]);
    case OpKind::kTimeWindow:
      return bind_time_window(*op, inputs[0]);
    case OpKind::kLimit:
    case OpKind::kDedup: {
      auto out = std::make_shared<Op>(*op);
      out->schema = inputs[0]->schema;
      out->inputs = std::move(inputs);
      return out;
    }
    default:
      return nullptr;
  }
}

OpPtr Binder::bind_items(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  if (op.kind == OpKind::kExtend) out->schema = input->schema;
  bool ok = true;
  unpack(*out, input->schema);
  for (NamedExpr& item : out->items) {
    if (item.name.empty() && item.expr->is_column()) item.name = item.expr->name;
    item.expr = bind(item.expr, input->schema);
    ok = ok && item.expr;
    if (!item.expr) continue;
    if (op.kind == OpKind::kProject && find_column(out->schema, item.name)) {
      error(code("duplicate-column"), "column given twice: " + item.name, item.span);
      ok = false;
    }
    put(out->schema, item.name, item.expr->type);
  }
  out->inputs = {std::move(input)};
  return ok ? OpPtr(out) : nullptr;
}

// Every form of choosing columns by name becomes a Project of columns.
OpPtr Binder::bind_select(const Op& op, OpPtr input) {
  if (op.mode == SelectMode::kSchema) return bind_schema(op, input->schema);
  std::vector<NamedExpr> items;
  std::vector<bool> taken(input->schema.size(), false);
  auto take = [&](size_t i, const std::string& name) {
    taken[i] = true;
    auto c = std::make_shared<Expr>(*column(input->schema[i].name, op.span));
    c->type = input->schema[i].type;
    items.push_back({name, c, op.span});
  };
  if (op.mode == SelectMode::kRename) {
    for (size_t i = 0; i < input->schema.size(); ++i) {
      std::string name = input->schema[i].name;
      bool replaced = false;  // another column takes this name
      for (size_t p = 0; p + 1 < op.patterns.size(); p += 2) {
        const std::string& from = op.patterns[p];
        const std::string& to = op.patterns[p + 1];
        const size_t star = from.find('*');
        if (from == name) {
          name = to;
          break;
        }
        if (star != std::string::npos && name_matches(from, name) &&
            to.find('*') != std::string::npos) {
          const std::string middle = name.substr(star, name.size() - (from.size() - 1));
          std::string renamed = to;
          renamed.replace(to.find('*'), 1, middle);
          name = renamed;
          break;
        }
      }
      for (size_t p = 0; p + 1 < op.patterns.size(); p += 2)
        replaced = replaced ||
                   (op.patterns[p + 1] == input->schema[i].name && name == input->schema[i].name &&
                    find_column(input->schema, op.patterns[p]));
      if (!replaced) take(i, name);
    }
    for (size_t p = 0; p + 1 < op.patterns.size(); p += 2)
      if (op.patterns[p].find('*') == std::string::npos &&
          !find_column(input->schema, op.patterns[p]) && !open_)
        bind(column(op.patterns[p], op.span), input->schema);
  } else {
    for (const std::string& pattern : op.patterns) {
      bool found = false;
      for (size_t i = 0; i < input->schema.size(); ++i) {
        if (!name_matches(pattern, input->schema[i].name)) continue;
        found = true;
        if (taken[i]) continue;
        if (op.mode == SelectMode::kAway)
          taken[i] = true;
        else
          take(i, input->schema[i].name);
      }
      if (found || pattern.find('*') != std::string::npos) continue;
      const ExprPtr missing = bind(column(pattern, op.span), input->schema);
      if (op.mode == SelectMode::kKeep && missing) items.push_back({pattern, missing, op.span});
    }
    if (op.mode != SelectMode::kKeep)
      for (size_t i = 0; i < taken.size(); ++i)
        if (!taken[i]) take(i, input->schema[i].name);
  }
  auto out = std::make_shared<Op>();
  out->kind = OpKind::kProject;
  out->span = op.span;
  for (const NamedExpr& i : items)
    put(out->schema, i.name, i.expr->type);
  out->items = std::move(items);
  out->inputs = {std::move(input)};
  out->selects = op.mode != SelectMode::kKeep;
  return failed_ ? nullptr : OpPtr(out);
}

OpPtr Binder::bind_aggregate(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  bool ok = true;
  out->keys = all_keys(op, input->schema);
  for (NamedExpr& k : out->keys) {
    if (k.name.empty() && k.expr->is_column()) k.name = k.expr->name;
    k.expr = bind(k.expr, input->schema);
    ok = ok && k.expr;
    if (k.expr) {
      k.name = unused_name(out->schema, k.name);
      out->schema.push_back({k.name, k.expr->type});
    }
  }
  ok = bind_aggregate_items(*out, input->schema, true) && ok;
  out->inputs = {std::move(input)};
  return ok ? OpPtr(out) : nullptr;
}

// The aggregates of `out` over rows of `input`, and their columns. With `fresh` each column gets a
// name of its own; else it takes the place of the one that has its name.
bool Binder::bind_aggregate_items(Op& out, const Schema& input, bool fresh) {
  bool ok = true;
  std::vector<AggregateItem> items;
  for (const AggregateItem& a : out.aggregates) {
    items.push_back(a);
    items.back().star = false;
    if (!a.star) continue;
    if (a.name == kAllColumns) {
      items.pop_back();
      for (AggregateItem& column : pivoted(a, out, input))
        items.push_back(std::move(column));
      out.open = true;
      continue;
    }
    // `arg_max(t, *)`: every other column of the input, in its order.
    std::vector<AggregateItem> more;
    for (const ColumnInfo& c : input) {
      const bool key = std::any_of(out.keys.begin(), out.keys.end(), [&](const NamedExpr& k) {
        return k.expr->is_column() && k.expr->name == c.name;
      });
      const bool own = !a.args.empty() && a.args[0]->is_column() && a.args[0]->name == c.name;
      if (key || own) continue;
      AggregateItem item = a;
      item.star = false;
      item.name = c.name;
      item.args.push_back(column(c.name, a.span));
      more.push_back(std::move(item));
    }
    if (a.args.empty()) items.pop_back();
    items.insert(items.end(), more.begin(), more.end());
  }
  for (AggregateItem& a : items) {
    const AggregateDef* f = context_.functions.aggregate(a.function);
    if (!f) {
      const size_t dot = a.function.find('.');
      std::vector<std::string_view> names =
          context_.functions.aggregate_names(a.function.substr(0, dot + 1));
      for (std::string_view& n : names)
        n.remove_prefix(dot + 1);
      const std::string bare = a.function.substr(dot + 1);
      const std::string near = nearest_name(bare, names);
      error(code("unknown-aggregate"), "unknown aggregate: " + bare, a.span, "",
            near.empty() ? "" : "did you mean `" + near + "`?");
      ok = false;
      continue;
    }
    std::vector<Type> types;
    std::vector<const Value*> constants;
    bool args_ok = true;
    for (ExprPtr& arg : a.args) {
      arg = bind(arg, input);
      args_ok = args_ok && arg;
      if (!arg) continue;
      types.push_back(arg->type);
      constants.push_back(arg->is_literal() ? &arg->literal : nullptr);
    }
    ok = ok && args_ok;
    if (!args_ok) continue;
    const Typing t = f->typing({types, constants});
    if (!t.error.empty()) {
      if (t.coercible)
        degrade(code("type-mismatch"), t.error, a.span, "", "");
      else
        error(code("type-mismatch"), t.error, a.span);
      ok = ok && t.coercible && !failed_;
    }
    if (fresh) a.name = unused_name(out.schema, a.name);
    put(out.schema, a.name, t.type);
  }
  out.aggregates = std::move(items);
  return ok;
}

OpPtr Binder::bind_running(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  bool ok = true;
  for (std::vector<NamedExpr>* list : {&out->keys, &out->items})
    for (NamedExpr& e : *list) {
      e.expr = bind(e.expr, input->schema);
      ok = ok && e.expr;
    }
  out->schema = input->schema;
  if (op.kind == OpKind::kSessions) {
    put(out->schema, op.index_column, Type::kLong);
  } else {
    ok = bind_aggregate_items(*out, input->schema, false) && ok;
  }
  out->inputs = {std::move(input)};
  return ok ? OpPtr(out) : nullptr;
}

OpPtr Binder::bind_sort(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  for (SortKey& k : out->sort_keys) {
    k.expr = bind(k.expr, input->schema);
    if (!k.expr) return nullptr;
  }
  out->schema = input->schema;
  out->inputs = {std::move(input)};
  return out;
}

OpPtr Binder::bind_join(const Op& op, OpPtr left, OpPtr right) {
  auto out = std::make_shared<Op>(op);
  for (size_t i = 0; i < out->keys.size(); ++i) {
    ExprPtr& l = out->keys[i].expr;
    ExprPtr& r = out->right_keys[i];
    l = bind(l, left->schema);
    r = bind(r, right->schema);
    if (!l || !r) return nullptr;
    if (!joinable(l->type, r->type)) {
      const std::string message =
          "join keys of different types: " + std::string(type_name(l->type)) + " and " +
          std::string(type_name(r->type));
      const bool texts = (l->type == Type::kDynamic || l->type == Type::kString) &&
                         (r->type == Type::kDynamic || r->type == Type::kString);
      if (texts && rule_.vocabulary == "kql") {
        // A value out of a bag against a text: its text is meant.
        degrade(code("type-mismatch"), message, out->keys[i].span, "",
                "compared by text; wrap the dynamic one in tostring()");
        ExprPtr& bag = l->type == Type::kDynamic ? l : r;
        bag = bind(call("kql.tostring", {bag}, bag->span),
                   l->type == Type::kDynamic ? left->schema : right->schema);
        if (failed_ || !bag) return nullptr;
        continue;
      }
      error(code("type-mismatch"), message, out->keys[i].span);
      return nullptr;
    }
  }
  const bool right_only =
      op.join_kind == JoinKind::kRightSemi || op.join_kind == JoinKind::kRightAnti;
  const bool left_only = op.join_kind == JoinKind::kLeftSemi || op.join_kind == JoinKind::kLeftAnti;
  if (right_only) {
    out->schema = right->schema;
  } else {
    out->schema = left->schema;
    if (!left_only) {
      for (const ColumnInfo& c : right->schema) {
        const bool key =
            std::any_of(out->right_keys.begin(), out->right_keys.end(),
                        [&](const ExprPtr& k) { return k->is_column() && k->name == c.name; });
        if (op.lookup && key) continue;
        // A number that the right side itself has a column for is passed over: `x` beside `x1`
        // becomes `x2`.
        std::string name = c.name;
        for (int i = 1;
             find_column(out->schema, name) || (name != c.name && find_column(right->schema, name));
             ++i)
          name = c.name + std::to_string(i);
        out->schema.push_back({name, c.type});
      }
    }
  }
  out->inputs = {std::move(left), std::move(right)};
  return out;
}

// Columns by name; one name with several types becomes one column per type (`x_long`, `x_string`).
OpPtr Binder::bind_union(const Op& op, std::vector<OpPtr> inputs) {
  auto out = std::make_shared<Op>(op);
  std::vector<std::string> order;
  std::map<std::string, std::vector<Type>> types;
  std::map<std::string, size_t> seen_in;
  for (const OpPtr& input : inputs) {
    for (const ColumnInfo& c : input->schema) {
      std::vector<Type>& t = types[c.name];
      if (t.empty()) order.push_back(c.name);
      if (std::find(t.begin(), t.end(), c.type) == t.end()) t.push_back(c.type);
      ++seen_in[c.name];
    }
  }
  if (!op.source_column.empty()) out->schema.push_back({op.source_column, Type::kString});
  for (const std::string& name : order) {
    if (!op.outer_union && seen_in[name] < inputs.size()) continue;
    const std::vector<Type>& t = types[name];
    if (t.size() == 1)
      out->schema.push_back({name, t[0]});
    else if (open_)
      out->schema.push_back({name, Type::kString});
    else
      for (const Type type : t)
        out->schema.push_back({name + "_" + std::string(type_name(type)), type});
  }
  // Each input is projected to the union's schema, so that execution only concatenates.
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::vector<NamedExpr> items;
    for (const ColumnInfo& c : out->schema) {
      const size_t suffix = c.name.size() - type_name(c.type).size() - 1;
      const ColumnInfo* from = find_column(inputs[i]->schema, c.name);
      if (!from && types.find(c.name) == types.end() && suffix < c.name.size()) {
        const ColumnInfo* split = find_column(inputs[i]->schema, c.name.substr(0, suffix));
        from = split && split->type == c.type ? split : nullptr;
      }
      ExprPtr e;
      if (c.name == op.source_column) {
        const Op* source = inputs[i].get();
        while (source->kind != OpKind::kScan && !source->inputs.empty())
          source = source->inputs[0].get();
        const std::string name =
            source->kind == OpKind::kScan ? source->dataset : op.source_prefix + std::to_string(i);
        e = literal(Value::string(name));
      } else if (from) {
        e = cast(bind(column(from->name, op.span), inputs[i]->schema), c.type);
      } else {
        e = literal(c.type == Type::kString && !open_ ? Value::string("") : Value::null(c.type));
      }
      items.push_back({c.name, e, op.span});
    }
    auto p = std::make_shared<Op>(*project(inputs[i], std::move(items), op.span));
    p->schema = out->schema;
    inputs[i] = p;
  }
  out->inputs = std::move(inputs);
  return failed_ ? nullptr : OpPtr(out);
}

OpPtr Binder::bind_expand(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  out->schema = input->schema;
  for (size_t i = 0; i < op.patterns.size(); ++i) {
    const ColumnInfo* c = find_column(input->schema, op.patterns[i]);
    if (!c) {
      if (!bind(column(op.patterns[i], op.span), input->schema)) return nullptr;
      continue;
    }
    const std::string name = i < op.item_names.size() ? op.item_names[i] : c->name;
    put(out->schema, name, c->type);
  }
  if (!op.index_column.empty()) put(out->schema, op.index_column, Type::kLong);
  out->inputs = {std::move(input)};
  return out;
}

OrFailed<OpPtr> bind(const Rule& rule,
                     const BindContext& context,
                     Diagnostics& diag,
                     BindReport& report) {
  Binder binder(rule, context, diag, report);
  std::set<std::string> names;
  collect_columns(rule.plan, names);
  binder.set_requested(std::move(names));
  OpPtr plan = binder.bind(rule.plan);
  if (plan && !binder.failed()) binder.tell_open_columns(*plan);
  if (!plan || binder.failed()) return Failed{};
  return plan;
}

std::vector<const Op*> scans(const Op& op) {
  std::vector<const Op*> out;
  if (op.kind == OpKind::kScan) out.push_back(&op);
  for (const OpPtr& input : op.inputs)
    for (const Op* s : scans(*input))
      out.push_back(s);
  return out;
}

}  // namespace postern::plan
