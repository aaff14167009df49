#include "check/witness.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include "base/text.h"
#include "check/solver.h"
#include "data/batch.h"

namespace postern::check {

using plan::Branch;
using plan::Expr;
using plan::ExprPtr;

namespace {

/// Separates a column from the part of it that a view takes out: "Hashes#MD5".
constexpr char kPart = '#';

const plan::Op* find(const plan::Op& op, plan::OpKind kind) {
  if (op.kind == kind) return &op;
  for (const plan::OpPtr& input : op.inputs)
    if (const plan::Op* found = find(*input, kind)) return found;
  return nullptr;
}

/// Branches of the bound scan that the optimizer kept.
std::vector<const Branch*> branches(const engine::LoadedRule& rule) {
  std::vector<const Branch*> out;
  const plan::Op* bound = rule.bound ? find(*rule.bound, plan::OpKind::kScan) : nullptr;
  const plan::Op* kept = rule.optimized ? find(*rule.optimized, plan::OpKind::kScan) : nullptr;
  if (!bound || !kept) return out;
  for (const Branch& b : bound->branches)
    if (std::any_of(kept->branches.begin(), kept->branches.end(),
                    [&](const Branch& k) { return k.table == b.table; }))
      out.push_back(&b);
  return out;
}

/// The subject of a test in terms that a value can be made for; what must hold beside is added to
/// `beside`. Null: nothing can be made.
ExprPtr inverted(const ExprPtr& e, std::vector<Goal>& beside) {
  if (e->kind != Expr::Kind::kCall) return e;
  if (e->is_call("hash_part") && e->args[0]->is_column() && e->args[1]->is_literal()) {
    auto part = std::make_shared<Expr>(
        *plan::column(e->args[0]->name + kPart + e->args[1]->literal.text(), e->span));
    part->type = data::Type::kString;
    return part;
  }
  static constexpr std::string_view kSame[] = {"tostring", "tolong",       "toint",
                                               "toreal",   "tobool",       "lower",
                                               "coalesce", "none_if_dash", "todynamic"};
  for (const std::string_view name : kSame)
    if (e->is_call(name)) return inverted(e->args[0], beside);
  if ((e->is_call("if") || e->is_call("case")) && e->args.size() >= 2) {
    beside.push_back({e->args[0], true});
    return inverted(e->args[1], beside);
  }
  return nullptr;
}

std::string type_name(const std::string& part) {
  return part.substr(part.find(kPart) + 1);
}

/// The condition over native columns of one table.
class Substitution {
 public:
  Substitution(const Branch& branch, std::vector<Goal>& beside)
      : branch_(branch), beside_(beside) {}

  ExprPtr operator()(const ExprPtr& e) {
    return plan::rewrite(e, [&](const ExprPtr& node) -> ExprPtr {
      if (!node->is_column()) return node;
      for (const plan::NamedExpr& c : branch_.columns) {
        if (c.name != node->name) continue;
        if (const ExprPtr made = inverted(c.expr, beside_)) return made;
        return c.expr;
      }
      return plan::literal(data::Value::null(node->type), node->span);
    });
  }

 private:
  const Branch& branch_;
  std::vector<Goal>& beside_;
};

/// What is asked of one column.
struct Column {
  ExprPtr subject;
  std::vector<ValueTest> tests;
};

/// Values for all columns that the literals speak of.
class EventMaker {
 public:
  EventMaker(const std::vector<Literal>& literals, std::string& reason)
      : literals_(literals), reason_(reason) {}

  bool make(MadeEvent& out) {
    for (const Literal& l : literals_)
      if (!take(l)) return false;
    // A keyword that must not be there must not be in any value.
    for (auto& [name, column] : columns_)
      column.tests.insert(column.tests.end(), ruled_out_.begin(), ruled_out_.end());
    for (auto& [name, column] : columns_) {
      for (const auto& [a, b] : differ_)
        for (const auto& [own, other] : {std::pair(a, b), std::pair(b, a)})
          if (own == name && out.fields.count(other))
            column.tests.push_back(not_equal_to(out.fields.at(other)));
      const bool number = data::is_integer(column.subject->type);
      const MadeValue v = make_value(column.tests, number, filler(name));
      if (!v.found) {
        reason_ = "no value found for " + name;
        return false;
      }
      if (v.text) put(out, name, *v.text);
    }
    if (!keywords_.empty()) {
      keywords_.insert(keywords_.end(), ruled_out_.begin(), ruled_out_.end());
      const MadeValue v = make_value(keywords_, false, " ");
      if (!v.found || !v.text) {
        reason_ = "no text found with all keywords";
        return false;
      }
      put(out, kWitnessCarrier, *v.text);
    }
    for (const auto& [a, b] : equal_)
      if (const auto it = out.fields.find(a); it != out.fields.end()) out.fields[b] = it->second;
    return times(out);
  }

 private:
  static std::string filler(const std::string& column) {
    for (const char* word : {"Image", "Filename", "Path", "Process", "File", "Directory"})
      if (column.find(word) != std::string::npos) return "C:\\x";
    return "x";
  }

  bool take(const Literal& l) {
    if (l.atom->args.empty()) return fail(l);
    const ExprPtr& subject = l.atom->args[0];
    if (l.atom->name.starts_with("sigma.field_")) {
      if (!l.wanted) {
        if (subject->is_column() && l.atom->args[1]->is_column())
          differ_.emplace_back(subject->name, l.atom->args[1]->name);
        return true;
      }
      if (!subject->is_column() || !l.atom->args[1]->is_column()) return fail(l);
      equal_.emplace_back(subject->name, l.atom->args[1]->name);
      Column& c = columns_[subject->name];
      c.subject = subject;
      c.tests.push_back(present());
      return true;
    }
    if (!l.test.values) return l.wanted ? fail(l) : true;
    if (subject->kind == Expr::Kind::kCall) {
      if (subject->name.starts_with("sigma.") && subject->args.size() == 1 &&
          subject->args[0]->is_column()) {
        times_[subject->args[0]->name][subject->name.substr(6)].push_back(l.test);
        return true;
      }
      return l.wanted ? fail(l) : true;
    }
    if (!subject->is_column()) return true;  // a constant, decided by the solver
    if (subject->name == data::kRawColumn || subject->name == data::kTextColumn)
      return l.wanted ? fail(l) : true;
    if (subject->name == data::kValuesColumn) {
      (l.wanted ? keywords_ : ruled_out_).push_back(l.test);
      return true;
    }
    Column& c = columns_[subject->name];
    c.subject = subject;
    c.tests.push_back(l.test);
    return true;
  }

  bool fail(const Literal& l) {
    reason_ = "nothing can be made for " + plan::to_text(*l.atom).substr(0, 120);
    return false;
  }

  static ValueTest present() {
    auto v = std::make_shared<TestValues>();
    v->kind = TestKind::kNull;
    return {v, false, -1};
  }

  static ValueTest not_equal_to(const std::string& text) {
    const plan::ExprPtr call =
        plan::call("==", {plan::column("_"), plan::literal(data::Value::string(text))});
    return {read_test(*call), false, -1};
  }

  static void put(MadeEvent& out, const std::string& name, const std::string& text) {
    const size_t part = name.find(kPart);
    if (part == std::string::npos || part == 0) {
      out.fields[name] = text;
      return;
    }
    std::string& whole = out.fields[name.substr(0, part)];
    whole += (whole.empty() ? "" : ",") + type_name(name) + "=" + text;
  }

  /// Parts of times: each part's number is found by trying, then a time is written with all of
  /// them.
  bool times(MadeEvent& out) {
    for (const auto& [column, parts] : times_) {
      std::map<std::string, int> found = {
          {"year", 2026}, {"month", 1}, {"day", 5}, {"hour", 10}, {"minute", 30}};
      for (const auto& [part, tests] : parts) {
        int n = -1;
        for (int i = 0; i <= 9999 && n < 0; ++i) {
          const std::string text = std::to_string(i);
          if (std::all_of(tests.begin(), tests.end(),
                          [&](const ValueTest& t) { return holds(t, text) == t.wanted; }))
            n = i;
        }
        if (n < 0) {
          reason_ = "no " + part + " found for " + column;
          return false;
        }
        if (part == "week") {
          // The fourth of January lies in week 1 of ISO 8601.
          const int day = 4 + 7 * (n - 1);
          static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
          int month = 0;
          int rest = day;
          while (month < 11 && rest > kDays[month])
            rest -= kDays[month++];
          found["month"] = month + 1;
          found["day"] = std::max(rest, 1);
        } else {
          found[part] = n;
        }
      }
      char text[64];
      std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:00", found["year"], found["month"],
                    std::max(found["day"], 1), found["hour"], found["minute"]);
      out.fields[column] = text;
    }
    return true;
  }

  const std::vector<Literal>& literals_;
  std::string& reason_;
  std::map<std::string, Column> columns_;
  std::vector<ValueTest> keywords_;
  std::vector<ValueTest> ruled_out_;
  std::vector<std::pair<std::string, std::string>> equal_;
  std::vector<std::pair<std::string, std::string>> differ_;
  std::map<std::string, std::map<std::string, std::vector<ValueTest>>> times_;
};

std::optional<MadeEvent> solved(const Branch& branch,
                                const plan::TableDef* table,
                                std::vector<Goal> goals,
                                std::string& reason) {
  Solver solver([table](const std::string& name) { return table ? table->find(name) : nullptr; });
  std::optional<MadeEvent> out;
  size_t tries = 0;
  const Solver::Answer answer = solver.solve(std::move(goals), [&](const std::vector<Literal>& l) {
    MadeEvent e;
    e.table = branch.table;
    if (EventMaker(l, reason).make(e)) out = std::move(e);
    return out || ++tries > 200;
  });
  if (answer == Solver::Answer::kImpossible) reason = "impossible: " + solver.conflict();
  if (answer == Solver::Answer::kGaveUp && reason.empty()) reason = "not found within the limits";
  return out;
}

}  // namespace

size_t num_branches(const engine::LoadedRule& rule) {
  return branches(rule).size();
}

WitnessResult make_witness(const engine::LoadedRule& rule,
                           const plan::Catalog& catalog,
                           size_t branch) {
  WitnessResult out;
  if (!rule.report.never.empty()) {
    out.reason = rule.report.never;
    return out;
  }
  const plan::Op* filter = rule.bound ? find(*rule.bound, plan::OpKind::kFilter) : nullptr;
  const std::vector<const Branch*> all = branches(rule);
  if (rule.rule.kind != plan::RuleKind::kEvent || !filter || branch >= all.size()) {
    out.reason = "not a rule about single events";
    return out;
  }
  const Branch& b = *all[branch];
  const plan::TableDef* table = catalog.table(b.table);
  std::vector<Goal> log_source;
  if (b.where) log_source.push_back({b.where, true});
  const std::vector<ExprPtr> conditions = plan::conjuncts(filter->predicate);
  std::vector<ExprPtr> native;
  for (const ExprPtr& c : conditions)
    native.push_back(Substitution(b, log_source)(c));
  std::vector<Goal> goals = log_source;
  for (const ExprPtr& n : native)
    goals.push_back({n, true});
  std::optional<MadeEvent> event = solved(b, table, goals, out.reason);
  if (!event) return out;
  out.reason.clear();
  out.witness = Witness{std::move(*event), {}};
  for (size_t i = 0; i < native.size(); ++i) {
    goals = log_source;
    for (size_t k = 0; k < native.size(); ++k)
      if (k != i) goals.push_back({native[k], true});
    goals.push_back({native[i], false});
    NearMiss miss;
    miss.condition = plan::to_text(*conditions[i]);
    miss.event = solved(b, table, std::move(goals), miss.reason);
    out.witness->near_misses.push_back(std::move(miss));
  }
  return out;
}

std::string impossible(const engine::LoadedRule& rule, const plan::Catalog& catalog) {
  const plan::Op* filter = rule.bound ? find(*rule.bound, plan::OpKind::kFilter) : nullptr;
  const plan::Op* scan = rule.bound ? find(*rule.bound, plan::OpKind::kScan) : nullptr;
  if (!filter || !scan) return "";
  const auto take = [](const std::vector<Literal>&) { return true; };
  // By itself, in the words of the rule.
  Solver own(nullptr);
  if (own.solve({{filter->predicate, true}}, take) == Solver::Answer::kImpossible)
    return own.conflict();
  // With what each table is known to hold.
  std::string why;
  for (const Branch& b : scan->branches) {
    const plan::TableDef* table = catalog.table(b.table);
    std::vector<Goal> goals;
    if (b.where) goals.push_back({b.where, true});
    std::vector<Goal> beside;
    goals.push_back({Substitution(b, beside)(filter->predicate), true});
    Solver solver([table](const std::string& name) { return table ? table->find(name) : nullptr; });
    if (solver.solve(std::move(goals), take) != Solver::Answer::kImpossible) return "";
    if (why.empty() && !solver.conflict().empty()) why = "in " + b.table + ", " + solver.conflict();
  }
  return why;
}

}  // namespace postern::check
