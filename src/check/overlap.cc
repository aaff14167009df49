#include "check/overlap.h"

#include <algorithm>
#include <map>
#include <string>

#include "check/value_test.h"
#include "plan/op.h"

namespace postern::check {

using engine::LoadedRule;
using plan::Expr;
using plan::ExprPtr;

namespace {

/// Tests with more values are compared as formulas only: each pair of values costs.
constexpr size_t kMaxValues = 300;
/// Rules of one log source that are held against each other, pair by pair.
constexpr size_t kMaxRules = 10'000;

struct Condition {
  ExprPtr expr;
  size_t hash = 0;
  bool wanted = true;
  ExprPtr subject;  ///< null: no test of one value
  size_t subject_hash = 0;
  std::shared_ptr<const TestValues> test;
};

struct Prepared {
  const LoadedRule* rule = nullptr;
  std::vector<Condition> conditions;
  uint64_t subjects = 0;  ///< bits of what its tests are about
  std::string source;
};

bool all_literals(const Expr& e) {
  return e.args.size() >= 2 && e.args.size() - 1 <= kMaxValues &&
         std::all_of(e.args.begin() + 1, e.args.end(),
                     [](const ExprPtr& a) { return a->is_literal(); });
}

Condition prepared(const ExprPtr& e) {
  Condition out;
  out.expr = e;
  out.hash = plan::hash(*e);
  out.wanted = !e->is_call("not");
  const ExprPtr& atom = out.wanted ? e : e->args[0];
  if (atom->kind == Expr::Kind::kCall && !atom->args.empty() && all_literals(*atom) &&
      (out.test = read_test(*atom))) {
    out.subject = atom->args[0];
    out.subject_hash = plan::hash(*out.subject);
  }
  return out;
}

/// What `a` says implies what `b` says.
bool condition_implies(const Condition& a, const Condition& b) {
  if (a.hash == b.hash && plan::same(*a.expr, *b.expr)) return true;
  if (!a.test || !b.test || a.wanted != b.wanted || a.subject_hash != b.subject_hash ||
      !plan::same(*a.subject, *b.subject))
    return false;
  const ValueTest x{a.test, true, -1};
  const ValueTest y{b.test, true, -1};
  return a.wanted ? implies(x, y) : implies(y, x);
}

bool rule_implies(const Prepared& a, const Prepared& b) {
  return std::all_of(b.conditions.begin(), b.conditions.end(), [&](const Condition& wanted) {
    return std::any_of(a.conditions.begin(), a.conditions.end(),
                       [&](const Condition& own) { return condition_implies(own, wanted); });
  });
}

Prepared prepare(const LoadedRule& r) {
  Prepared out;
  out.rule = &r;
  const plan::Op* filter = r.bound.get();
  while (filter && filter->kind != plan::OpKind::kFilter)
    filter = filter->inputs.empty() ? nullptr : filter->inputs[0].get();
  if (!filter) return out;
  for (const ExprPtr& c : plan::conjuncts(filter->predicate))
    out.conditions.push_back(prepared(c));
  for (const Condition& c : out.conditions) {
    // A condition of its own kind can only follow from the same one.
    const size_t h = c.subject ? c.subject_hash : c.hash;
    out.subjects |= uint64_t{1} << (h % 64);
  }
  const plan::Op* scan = filter;
  while (scan && scan->kind != plan::OpKind::kScan)
    scan = scan->inputs.empty() ? nullptr : scan->inputs[0].get();
  if (scan)
    for (const auto& [key, value] : scan->attributes)
      out.source += key + "=" + value + ";";
  return out;
}

}  // namespace

std::vector<Overlap> find_overlaps(const std::vector<const LoadedRule*>& rules) {
  std::map<std::string, std::vector<Prepared>> by_source;
  for (const LoadedRule* r : rules) {
    Prepared p = prepare(*r);
    if (!p.conditions.empty()) by_source[p.source].push_back(std::move(p));
  }
  std::map<const LoadedRule*, Overlap> found;
  for (const auto& [source, group] : by_source) {
    if (group.size() > kMaxRules) continue;
    for (size_t i = 0; i < group.size(); ++i) {
      for (size_t k = 0; k < group.size(); ++k) {
        const Prepared& narrow = group[i];
        const Prepared& wide = group[k];
        if (i == k || (wide.subjects & ~narrow.subjects) != 0 || found.count(narrow.rule)) continue;
        if (!rule_implies(narrow, wide)) continue;
        const bool equal = rule_implies(wide, narrow);
        if (equal && k > i) continue;  // told of the later one
        found[narrow.rule] = {narrow.rule, wide.rule, equal};
      }
    }
  }
  std::vector<Overlap> out;
  for (const LoadedRule* r : rules)
    if (const auto it = found.find(r); it != found.end()) out.push_back(it->second);
  return out;
}

}  // namespace postern::check
