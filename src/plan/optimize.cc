// The optimizer: filters down into scan branches, constants folded, unread columns dropped.
//
// Each step keeps the meaning: conjuncts that depend on the run (now()) stay above the scan,
// because a scheduled query is replayed with another now() over the rows that passed once.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "plan/binder.h"
#include "plan/simplify.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

constexpr size_t kLargestPushed = 20'000;  // nodes of a condition moved below a projection

class Optimizer {
 public:
  Optimizer(const BindContext& context, const Rule& rule, Diagnostics& diag, BindReport& report)
      : context_(context), rule_(rule), diag_(diag), report_(report) {}

  OpPtr run(OpPtr plan) {
    OpPtr out = push(std::move(plan), {});
    std::set<std::string> all;
    for (const ColumnInfo& c : out->schema)
      all.insert(c.name);
    out = prune(std::move(out), all);
    finish(*out);
    share_lists(*out);
    return out;
  }

 private:
  // `op` to be changed: itself where nobody else has it. Tables of vocabularies have hundreds of
  // columns, which are not copied for each step. To be called before its inputs are taken out, so
  // that a copy shares them.
  static std::shared_ptr<Op> own(OpPtr op) {
    if (op.use_count() == 1) return std::const_pointer_cast<Op>(std::move(op));
    return std::make_shared<Op>(*op);
  }

  ExprPtr substitute(const ExprPtr& e, const std::vector<NamedExpr>& items) const {
    return rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is_column()) return node;
      for (const NamedExpr& i : items)
        if (i.name == node->name) return i.expr;
      return node;
    });
  }

  // Nodes of `e` once its columns are replaced by the items of those names. `eval x=x.x` a few
  // dozen times over would grow without end, so that a condition that gets too large stays where it
  // is.
  static size_t grown_size(const Expr& e, const std::vector<NamedExpr>& items) {
    size_t n = 1;
    if (e.is_column()) {
      for (const NamedExpr& i : items)
        if (i.name == e.name) return size(*i.expr, kLargestPushed + 1);
      return 1;
    }
    for (const ExprPtr& a : e.args) {
      n += grown_size(*a, items);
      if (n > kLargestPushed) break;
    }
    return n;
  }

  // Nodes of `e`, counted up to `most`.
  static size_t size(const Expr& e, size_t most) {
    size_t n = 1;
    for (const ExprPtr& a : e.args) {
      if (n >= most) break;
      n += size(*a, most - n);
    }
    return n;
  }

  static bool reads_only(const ExprPtr& e, const Schema& schema) {
    std::set<std::string> names;
    collect_columns(e, names);
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& n) { return find_column(schema, n) != nullptr; });
  }

  // Whether a condition on an aggregation's rows may choose among the rows before it: it reads keys
  // alone, and says the same of all rows of a group. A multivalue key makes several groups of a
  // row, and 0.0 and -0.0 are one group.
  static bool chooses_groups(const Op& aggregate, const ExprPtr& condition) {
    if (depends_on_run(*condition) || !is_deterministic(*condition) ||
        grown_size(*condition, aggregate.keys) > kLargestPushed)
      return false;
    std::set<std::string> names;
    collect_columns(condition, names);
    return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& n) {
      for (const NamedExpr& k : aggregate.keys)
        if (k.name == n)
          return k.expr->type != Type::kDynamic && k.expr->type != Type::kReal &&
                 k.expr->type == find_column(aggregate.schema, n)->type;
      return false;
    });
  }

  static bool is_deterministic(const Expr& e) {
    return (e.kind != Expr::Kind::kCall || (e.function && e.function->deterministic)) &&
           std::all_of(e.args.begin(), e.args.end(),
                       [](const ExprPtr& a) { return is_deterministic(*a); });
  }

  OpPtr keep_filter(OpPtr input, std::vector<ExprPtr> conditions) const {
    if (conditions.empty()) return input;
    auto f = std::make_shared<Op>(*filter(input, typed_and(std::move(conditions))));
    f->span = f->predicate->span;
    f->schema = input->schema;
    return f;
  }

  ExprPtr typed_and(std::vector<ExprPtr> terms) const {
    ExprPtr e = conjunction(std::move(terms));
    if (!e->is_call("and")) return e;
    auto copy = std::make_shared<Expr>(*e);
    copy->function = context_.functions.function("and");
    copy->type = Type::kBool;
    return copy;
  }

  // `op` with `conditions` (over its output) applied as deep as they may go.
  OpPtr push(OpPtr op, std::vector<ExprPtr> conditions) {
    if (op->kind == OpKind::kFilter) {
      const ExprPtr p = simplify(op->predicate, context_);
      for (ExprPtr& c : conjuncts(p))
        conditions.push_back(std::move(c));
      OpPtr input = op->inputs[0];
      op = nullptr;
      return push(std::move(input), std::move(conditions));
    }
    const std::shared_ptr<Op> out = own(std::move(op));
    std::vector<ExprPtr> below;
    std::vector<ExprPtr> stay;
    switch (out->kind) {
      case OpKind::kExtend:
      case OpKind::kProject:
        for (ExprPtr& c : conditions) {
          if (grown_size(*c, out->items) > kLargestPushed) {
            stay.push_back(std::move(c));
            continue;
          }
          ExprPtr s = substitute(c, out->items);
          (depends_on_run(*s) && !depends_on_run(*c) ? stay : below)
              .push_back(depends_on_run(*s) && !depends_on_run(*c) ? c : simplify(s, context_));
        }
        break;
      case OpKind::kSort:
        (out->limit ? stay : below) = std::move(conditions);
        break;
      case OpKind::kUnion:
        for (OpPtr& input : out->inputs)
          input = push(std::move(input), conditions);
        return out;
      case OpKind::kJoin:
        return push_join(out, std::move(conditions));
      case OpKind::kTimeWindow: {
        // Groups are apart: a condition on keys alone may choose among the rows before it (not so
        // where one group holds keys that the condition could tell apart).
        const Schema keys(out->schema.begin(),
                          out->schema.begin() + static_cast<std::ptrdiff_t>(out->keys.size()));
        for (ExprPtr& c : conditions) {
          if (!out->window->ignore_case && reads_only(c, keys) && !depends_on_run(*c))
            below.push_back(simplify(substitute(c, out->keys), context_));
          else
            stay.push_back(std::move(c));
        }
        break;
      }
      case OpKind::kAggregate:
        for (ExprPtr& c : conditions) {
          if (chooses_groups(*out, c))
            below.push_back(simplify(substitute(c, out->keys), context_));
          else
            stay.push_back(std::move(c));
        }
        break;
      case OpKind::kScan:
        return push_scan(out, std::move(conditions));
      default:
        stay = std::move(conditions);
        break;
    }
    for (OpPtr& input : out->inputs)
      input = push(std::move(input), std::exchange(below, {}));
    return keep_filter(out, std::move(stay));
  }

  OpPtr push_join(const std::shared_ptr<Op>& op, std::vector<ExprPtr> conditions) {
    std::vector<ExprPtr> left;
    std::vector<ExprPtr> right;
    std::vector<ExprPtr> stay;
    const JoinKind k = op->join_kind;
    const bool left_ok = k == JoinKind::kInner || k == JoinKind::kLeftOuter ||
                         k == JoinKind::kLeftSemi || k == JoinKind::kLeftAnti;
    const bool right_ok = k == JoinKind::kInner;
    for (ExprPtr& c : conditions) {
      std::set<std::string> names;
      collect_columns(c, names);
      const bool clash = std::any_of(names.begin(), names.end(), [&](const std::string& n) {
        return find_column(op->inputs[0]->schema, n) != nullptr;
      });
      if (left_ok && reads_only(c, op->inputs[0]->schema))
        left.push_back(std::move(c));
      else if (right_ok && !clash && reads_only(c, op->inputs[1]->schema))
        right.push_back(std::move(c));
      else
        stay.push_back(std::move(c));
    }
    op->inputs[0] = push(std::move(op->inputs[0]), std::move(left));
    op->inputs[1] = push(std::move(op->inputs[1]), std::move(right));
    return keep_filter(op, std::move(stay));
  }

  // An enumerated column that can hold none of the wanted values: the condition is never true.
  ExprPtr fold_enumerated(const ExprPtr& e, const Op& scan) {
    const VocabularyTable* table = context_.catalog.vocabulary_table(scan.vocabulary, scan.dataset);
    if (!table || !context_.simplify) return e;
    ExprPtr folded = rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
      if (node->kind != Expr::Kind::kCall || node->type != Type::kBool ||
          !node->function->deterministic)
        return node;
      const FieldDef* field = nullptr;
      for (const ExprPtr& a : node->args) {
        if (a->is_literal()) continue;
        if (!a->is_column() || field) return node;
        field = table->find(a->name);
        if (!field || field->values.empty()) return node;
      }
      if (!field) return node;
      std::vector<Value> possible = {Value::null(field->type)};
      for (const std::string& v : field->values)
        possible.push_back(Value::string(v));
      for (const Value& v : possible) {
        const ExprPtr tried = rewrite(
            node, [&](const ExprPtr& n) -> ExprPtr { return n->is_column() ? literal(v) : n; });
        const Result<Value> r = context_.evaluate(tried, RunContext{});
        if (!r || (!r->is_null() && r->as_bool())) return node;
      }
      std::string values;
      for (const std::string& v : field->values)
        values += (values.empty() ? "" : ", ") + v;
      const std::string message =
          "`" + to_text(*node) + "` is never true: " + field->name + " is one of " + values;
      if (never_told_.insert(message).second)
        diag_.warning(rule_.info.language + "-never-true", message, node->span,
                      "no event can hold this value", "a value of this column is one of " + values);
      never_because_ = message;
      return literal(Value::boolean(false), node->span);
    });
    return simplify(folded, context_);
  }

  // Columns of `missing` that `e` cannot do without: what coalesce has another value for is none.
  static bool collect_lacking(const Expr& e,
                              const std::set<std::string>& missing,
                              std::set<std::string>& out) {
    if (e.kind == Expr::Kind::kColumn) {
      if (!missing.count(e.name)) return false;
      out.insert(e.name);
      return true;
    }
    if (e.kind != Expr::Kind::kCall || e.args.empty()) return false;
    const bool any_will_do = e.name == "coalesce" || e.name.ends_with(".coalesce");
    std::set<std::string> own;
    size_t lacking = 0;
    for (const ExprPtr& a : e.args)
      lacking += collect_lacking(*a, missing, own) ? 1 : 0;
    if (any_will_do && lacking < e.args.size()) return false;
    out.merge(own);
    return lacking > 0;
  }

  // `e` in terms of the branch's table: what the table lacks is null.
  static ExprPtr in_native_terms(const ExprPtr& e, const Op& scan, const Branch& b) {
    return rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is_column()) return node;
      for (const NamedExpr& c : b.columns)
        if (c.name == node->name) return c.expr;
      if (std::find(b.missing.begin(), b.missing.end(), node->name) == b.missing.end()) return node;
      const ColumnInfo* c = find_column(scan.schema, node->name);
      return c ? typed_null(c->type) : node;
    });
  }

  static ExprPtr typed_null(Type type) {
    auto e = std::make_shared<Expr>(*literal(Value::null(type)));
    e->type = type;
    return e;
  }

  OpPtr push_scan(const std::shared_ptr<Op>& op, std::vector<ExprPtr> conditions) {
    std::vector<ExprPtr> stay;
    std::vector<ExprPtr> pushed;
    for (ExprPtr& c : conditions) {
      c = fold_enumerated(c, *op);
      (depends_on_run(*c) ? stay : pushed).push_back(std::move(c));
    }
    const ExprPtr all = pushed.empty() ? nullptr : typed_and(pushed);
    std::vector<Branch> kept;
    for (Branch& b : op->branches) {
      const std::set<std::string> missing(b.missing.begin(), b.missing.end());
      std::set<std::string> needed;
      if (all) collect_lacking(*all, missing, needed);
      for (const ExprPtr& c : stay)
        collect_lacking(*c, missing, needed);
      std::string lacks;
      for (const std::string& m : needed)
        lacks += (lacks.empty() ? "" : ", ") + m;
      if (!lacks.empty()) {
        report_.dropped.push_back({b.table, "lacks field " + lacks});
        continue;
      }
      if (all) {
        const ExprPtr native = in_native_terms(all, *op, b);
        ExprPtr where = simplify(b.where ? typed_and({b.where, native}) : native, context_);
        if (is_false(*where)) {
          report_.dropped.push_back(
              {b.table, never_because_.empty() ? "never true there" : never_because_});
          continue;
        }
        b.where = where->is_literal() ? nullptr : std::move(where);  // a literal: true
      }
      kept.push_back(std::move(b));
    }
    op->branches = std::move(kept);
    return keep_filter(op, std::move(stay));
  }

  static void read_by(const ExprPtr& e, std::set<std::string>& names) { collect_columns(e, names); }

  // Keeps what `wanted` says, and no room for the others: most columns of most tables go.
  template <class T, class F>
  static void keep(std::vector<T>& list, F wanted) {
    std::erase_if(list, [&](const T& t) { return !wanted(t); });
    list.shrink_to_fit();
  }

  template <class T, class F>
  static void keep(SharedList<T>& list, F wanted) {
    if (std::all_of(list.begin(), list.end(), wanted)) return;
    std::vector<T> kept;
    std::copy_if(list.begin(), list.end(), std::back_inserter(kept), wanted);
    kept.shrink_to_fit();
    list = std::move(kept);
  }

  /// What came out equal to another rule's lists becomes the same ones.
  void share_lists(const Op& plan) const {
    if (!context_.cache) return;
    BindCache& cache = *context_.cache;
    // A plan of ours: see own().
    Op& op = const_cast<Op&>(plan);
    cache.schemas.share(op.schema);
    for (Branch& b : op.branches) {
      cache.given_columns.share(b.columns);
      cache.missing_columns.share(b.missing);
    }
    for (const OpPtr& input : op.inputs)
      share_lists(*input);
  }

  OpPtr prune(OpPtr op, const std::set<std::string>& needed) {
    if (op->kind == OpKind::kValues || op->kind == OpKind::kElements) return op;
    if (op->kind == OpKind::kJoin) return prune_join(own(std::move(op)), needed);
    const std::shared_ptr<Op> out = own(std::move(op));
    std::set<std::string> below = needed;
    const auto is_needed = [&](const auto& c) { return needed.count(c.name) > 0; };
    switch (out->kind) {
      case OpKind::kScan: {
        keep(out->schema, is_needed);
        out->branches.shrink_to_fit();
        for (Branch& b : out->branches) {
          keep(b.columns, is_needed);
          keep(b.missing, [&](const std::string& c) { return needed.count(c) > 0; });
        }
        return out;
      }
      case OpKind::kProject: {
        keep(out->items, is_needed);
        keep(out->schema, is_needed);
        below.clear();
        for (const NamedExpr& i : out->items)
          read_by(i.expr, below);
        break;
      }
      case OpKind::kExtend:
        keep(out->items, is_needed);
        for (const NamedExpr& i : out->items)
          below.erase(i.name);
        for (const NamedExpr& i : out->items)
          read_by(i.expr, below);
        break;
      case OpKind::kFilter:
        read_by(out->predicate, below);
        break;
      case OpKind::kSort:
        for (const SortKey& k : out->sort_keys)
          read_by(k.expr, below);
        break;
      case OpKind::kDedup:
        for (const std::string& p : out->patterns)
          below.insert(p);
        break;
      case OpKind::kAggregate:
        // Keys make the groups, read or not.
        keep(out->aggregates, is_needed);
        keep(out->schema, [&](const ColumnInfo& c) {
          return is_needed(c) || std::any_of(out->keys.begin(), out->keys.end(),
                                             [&](const NamedExpr& k) { return k.name == c.name; });
        });
        below.clear();
        for (const NamedExpr& k : out->keys)
          read_by(k.expr, below);
        for (const AggregateItem& a : out->aggregates)
          for (const ExprPtr& arg : a.args)
            read_by(arg, below);
        break;
      case OpKind::kTimeWindow:
        below.clear();
        for (const NamedExpr& k : out->keys)
          read_by(k.expr, below);
        for (const NamedExpr& i : out->items)
          read_by(i.expr, below);
        below.insert(out->window->carried.begin(), out->window->carried.end());
        break;
      case OpKind::kApply: {
        // The inner query reads the rows by their schema as bound: it stays whole.
        std::set<std::string> all;
        for (const ColumnInfo& c : out->inputs[0]->schema)
          all.insert(c.name);
        out->inputs[0] = prune(std::move(out->inputs[0]), all);
        return out;
      }
      case OpKind::kWindow: {
        keep(out->aggregates, is_needed);
        for (const AggregateItem& a : out->aggregates)
          below.erase(a.name);
        for (const AggregateItem& a : out->aggregates)
          for (const ExprPtr& arg : a.args)
            read_by(arg, below);
        break;
      }
      case OpKind::kRunning:
        for (const AggregateItem& a : out->aggregates)
          below.erase(a.name);
        for (const AggregateItem& a : out->aggregates)
          for (const ExprPtr& arg : a.args)
            read_by(arg, below);
        for (const NamedExpr& k : out->keys)
          read_by(k.expr, below);
        break;
      case OpKind::kSessions:
        below.erase(out->index_column);
        for (const std::vector<NamedExpr>* list : {&out->keys, &out->items})
          for (const NamedExpr& e : *list)
            read_by(e.expr, below);
        break;
      case OpKind::kExpand:
        for (const ColumnInfo& c : out->inputs[0]->schema)
          below.insert(c.name);
        break;
      default:
        break;
    }
    for (OpPtr& input : out->inputs)
      input = prune(std::move(input), below);
    if (out->kind == OpKind::kUnion) {
      keep(out->schema, is_needed);
    } else if (out->kind == OpKind::kRunning || out->kind == OpKind::kSessions) {
      keep(out->schema, [&](const ColumnInfo& c) {
        return find_column(out->inputs[0]->schema, c.name) || c.name == out->index_column ||
               std::any_of(out->aggregates.begin(), out->aggregates.end(),
                           [&](const AggregateItem& a) { return a.name == c.name; });
      });
    } else if (out->kind == OpKind::kExtend) {
      // Output order stays: what the input still has, then what is added.
      Schema schema;
      for (const ColumnInfo& c : out->schema)
        if (find_column(out->inputs[0]->schema, c.name) ||
            std::any_of(out->items.begin(), out->items.end(),
                        [&](const NamedExpr& i) { return i.name == c.name; }))
          schema.push_back(c);
      out->schema = std::move(schema);
    } else if (out->kind == OpKind::kWindow) {
      Schema schema = out->inputs[0]->schema;
      for (const AggregateItem& a : out->aggregates)
        schema.push_back(*find_column(out->schema, a.name));
      out->schema = std::move(schema);
    } else if (out->kind == OpKind::kFilter || out->kind == OpKind::kSort ||
               out->kind == OpKind::kLimit || out->kind == OpKind::kDedup) {
      out->schema = out->inputs[0]->schema;
    }
    return out;
  }

  OpPtr prune_join(const std::shared_ptr<Op>& out, const std::set<std::string>& needed) {
    const Op& op = *out;
    const bool right_only =
        op.join_kind == JoinKind::kRightSemi || op.join_kind == JoinKind::kRightAnti;
    const bool left_only =
        op.join_kind == JoinKind::kLeftSemi || op.join_kind == JoinKind::kLeftAnti;
    // Which input column each output column is: left columns first, then the right ones.
    std::vector<std::pair<int, std::string>> origin;
    if (!right_only)
      for (const ColumnInfo& c : op.inputs[0]->schema)
        origin.emplace_back(0, c.name);
    if (!left_only) {
      for (const ColumnInfo& c : op.inputs[1]->schema) {
        const bool key =
            std::any_of(op.right_keys.begin(), op.right_keys.end(),
                        [&](const ExprPtr& k) { return k->is_column() && k->name == c.name; });
        if (!(op.lookup && key)) origin.emplace_back(1, c.name);
      }
    }
    POSTERN_CHECK(origin.size() == op.schema.size());
    std::set<std::string> below[2];
    for (size_t i = 0; i < origin.size(); ++i)
      if (needed.count(op.schema[i].name)) below[origin[i].first].insert(origin[i].second);
    for (const NamedExpr& k : op.keys)
      read_by(k.expr, below[0]);
    for (const ExprPtr& k : op.right_keys)
      read_by(k, below[1]);
    for (size_t side = 0; side < 2; ++side)
      out->inputs[side] = prune(std::move(out->inputs[side]), below[side]);
    Schema schema;
    for (size_t i = 0; i < origin.size(); ++i)
      if (find_column(out->inputs[static_cast<size_t>(origin[i].first)]->schema, origin[i].second))
        schema.push_back(op.schema[i]);
    out->schema = std::move(schema);
    return out;
  }

  // A sequence whose steps come from the inputs of a union, too few of which can give a row.
  static bool lacks_steps(const Op& op) {
    const WindowSpec& w = *op.window;
    const std::vector<OpPtr>& inputs = op.inputs[0]->inputs;
    if (w.kind != WindowKind::kSequence || op.inputs[0]->kind != OpKind::kUnion ||
        inputs.size() != w.steps.size())
      return false;
    std::vector<bool> can;
    for (const OpPtr& i : inputs)
      can.push_back(!empty(*i));
    const auto alive = static_cast<double>(std::count(can.begin(), can.end(), true));
    for (const WindowBound& b : w.bounds)
      if ((b.op == BoundOp::kGreater && alive <= b.value) ||
          (b.op == BoundOp::kGreaterEqual && alive < b.value))
        return true;
    return !w.terms.empty() &&
           std::none_of(w.terms.begin(), w.terms.end(), [&](const WindowTerm& t) {
             return std::all_of(t.steps.begin(), t.steps.end(), [&](uint32_t s) { return can[s]; });
           });
  }

  static bool empty(const Op& op) {
    switch (op.kind) {
      case OpKind::kScan:
        return op.branches.empty();
      case OpKind::kValues:
        return op.rows.empty();
      case OpKind::kElements:
        return false;
      case OpKind::kFilter:
        return is_false(*op.predicate) || empty(*op.inputs[0]);
      case OpKind::kUnion:
        return std::all_of(op.inputs.begin(), op.inputs.end(),
                           [](const OpPtr& i) { return empty(*i); });
      case OpKind::kJoin:
        switch (op.join_kind) {
          case JoinKind::kLeftOuter:
          case JoinKind::kLeftAnti:
            return empty(*op.inputs[0]);
          case JoinKind::kRightOuter:
          case JoinKind::kRightAnti:
            return empty(*op.inputs[1]);
          case JoinKind::kFullOuter:
            return empty(*op.inputs[0]) && empty(*op.inputs[1]);
          default:
            return empty(*op.inputs[0]) || empty(*op.inputs[1]);
        }
      case OpKind::kTimeWindow:
        return empty(*op.inputs[0]) || lacks_steps(op);
      case OpKind::kAggregate:
        return empty(*op.inputs[0]) && !(op.keys.empty() && op.row_when_empty);
      default:
        return empty(*op.inputs[0]);
    }
  }

  void finish(const Op& plan) {
    report_.tables.clear();
    for (const Op* s : scans(plan))
      for (const Branch& b : s->branches)
        report_.tables.insert(b.table);
    if (!empty(plan)) {
      // One source that nothing provides does not silence a rule that has others.
      if (scans(plan).size() > 1) report_.never.clear();
      return;
    }
    std::set<std::string> reasons;
    for (const DroppedTable& d : report_.dropped)
      if (d.reason != "never true there") reasons.insert(d.reason);
    for (const std::string& r : reasons)
      report_.never += (report_.never.empty() ? "" : "; ") + r;
    if (report_.never.empty()) report_.never = "its conditions contradict what every table holds";
  }

  const BindContext& context_;
  const Rule& rule_;
  Diagnostics& diag_;
  BindReport& report_;
  std::set<std::string> never_told_;
  std::string never_because_;
};

}  // namespace

std::map<std::string, std::set<std::string>> null_columns(const Op& plan) {
  std::map<std::string, std::set<std::string>> out;
  for (const Op* s : scans(plan))
    for (const Branch& b : s->branches)
      if (!b.missing.empty()) out[b.table].insert(b.missing.begin(), b.missing.end());
  return out;
}

OpPtr optimize(OpPtr plan,
               const BindContext& context,
               const Rule& rule,
               Diagnostics& diag,
               BindReport& report) {
  return Optimizer(context, rule, diag, report).run(std::move(plan));
}

}  // namespace postern::plan
