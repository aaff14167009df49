#include "engine/rule_references.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace postern::engine {

using plan::Op;
using plan::OpKind;
using plan::OpPtr;
using plan::RuleReference;

namespace {

plan::ExprPtr placed(const plan::ExprPtr& e, Span at) {
  if (!e) return e;
  auto out = std::make_shared<plan::Expr>(*e);
  out->span = at;
  for (plan::ExprPtr& a : out->args)
    a = placed(a, at);
  return out;
}

/// A plan of another text, shown at one place of this one.
OpPtr placed(const OpPtr& op, Span at) {
  auto out = std::make_shared<Op>(*op);
  out->span = at;
  out->predicate = placed(out->predicate, at);
  for (plan::NamedExpr& i : out->items)
    i = {i.name, placed(i.expr, at), at};
  for (plan::NamedExpr& k : out->keys)
    k = {k.name, placed(k.expr, at), at};
  for (OpPtr& input : out->inputs)
    input = placed(input, at);
  return out;
}

OpPtr as_input(const Op& window, const std::set<std::string>& read, bool asks_whether);

/// A window's input with further columns of its events.
OpPtr with_columns(const Op& input, const std::set<std::string>& names, bool asks_whether) {
  auto out = std::make_shared<Op>(input);
  if (input.kind != OpKind::kProject) {
    for (OpPtr& i : out->inputs)
      i = with_columns(*i, names, asks_whether);
    return out;
  }
  std::set<std::string> read;
  for (const std::string& n : names) {
    const bool known = std::any_of(out->items.begin(), out->items.end(),
                                   [&](const plan::NamedExpr& i) { return i.name == n; });
    if (!known) out->items.push_back({n, plan::column(n, input.span), input.span});
  }
  for (const plan::NamedExpr& i : out->items)
    plan::collect_columns(i.expr, read);
  if (out->inputs[0]->kind == OpKind::kTimeWindow)
    out->inputs[0] = as_input(*out->inputs[0], read, asks_whether);
  return out;
}

/// A window that another one reads `read` from. What it does not give itself it takes along from
/// its events; who asks only whether its condition holds is told each time it does.
OpPtr as_input(const Op& window, const std::set<std::string>& read, bool asks_whether) {
  std::set<std::string> missing = read;
  for (const plan::NamedExpr& k : window.keys)
    missing.erase(k.name);
  for (const char* own : {plan::kWindowFrom, plan::kWindowTo})
    missing.erase(own);
  missing.erase(window.window->name);
  auto spec = std::make_shared<plan::WindowSpec>(*window.window);
  spec->every = asks_whether;
  spec->carried.assign(missing.begin(), missing.end());
  auto out = std::make_shared<Op>(window);
  if (!missing.empty())
    out->inputs[0] =
        with_columns(*out->inputs[0], missing, spec->kind == plan::WindowKind::kSequence);
  out->window = std::move(spec);
  return out;
}

/// `op` with each scan of a rule replaced by that rule's plan.
OpPtr resolved(const OpPtr& op, const std::map<std::string, OpPtr>& plans, bool asks_whether) {
  auto out = std::make_shared<Op>(*op);
  for (OpPtr& input : out->inputs) {
    const bool reference =
        input->kind == OpKind::kScan && input->vocabulary == plan::kRuleVocabulary;
    if (!reference) {
      input = resolved(input, plans, asks_whether);
      continue;
    }
    OpPtr whole = placed(plans.at(input->dataset), input->span);
    if (whole->kind == OpKind::kTimeWindow) {
      std::set<std::string> read;
      for (const plan::NamedExpr& i : op->items)
        plan::collect_columns(i.expr, read);
      whole = as_input(*whole, read, asks_whether);
    }
    input = std::move(whole);
  }
  return out;
}

}  // namespace

void RuleReferences::defer(size_t file, plan::Rule rule) {
  Deferred& d = deferred_.emplace_back();
  d.file = file;
  d.rule = std::move(rule);
}

void RuleReferences::check(size_t file, plan::RuleReference reference) {
  checked_.emplace_back(file, std::move(reference));
}

const plan::Rule& RuleReferences::rule_of(const Target& t) {
  return t.loaded ? t.loaded->rule : t.deferred->rule;
}

void RuleReferences::resolve(std::deque<RuleFile>& files,
                             std::deque<LoadedRule>& rules,
                             const Add& add,
                             const PlanOf& plan_of) {
  if (deferred_.empty() && checked_.empty()) return;
  files_ = &files;
  add_ = &add;
  plan_of_ = &plan_of;
  auto index = [&](const plan::Rule& rule, const Target& t) {
    if (!rule.name.empty()) by_name_[rule.name].push_back(t);
    if (!rule.info.id.empty()) by_id_[fold(rule.info.id)].push_back(t);
  };
  for (LoadedRule& r : rules)
    if (r.rule.info.language == "sigma" && r.compiled) index(r.rule, {&r, nullptr});
  for (Deferred& d : deferred_)
    index(d.rule, {nullptr, &d});
  for (const auto& [file, reference] : checked_) {
    Deferred refused;
    refused.file = file;
    Target meant;
    find(refused, reference, meant);
  }
  for (Deferred& d : deferred_)
    build(d);
  // Who is fed by a rule, and whether one of them lets it speak.
  std::set<LoadedRule*> fed;
  std::set<LoadedRule*> heard;
  for (Deferred& d : deferred_) {
    if (!d.loaded) continue;
    for (Deferred* inner : d.made_of)
      if (inner->loaded) d.fed_by.push_back(inner->loaded);
    for (LoadedRule* r : d.fed_by) {
      fed.insert(r);
      if (d.rule.generate) heard.insert(r);
    }
  }
  for (LoadedRule* r : fed)
    r->silent = !heard.count(r);
}

void RuleReferences::refuse(Deferred& d,
                            std::string code,
                            std::string message,
                            Span at,
                            std::string label,
                            std::string hint) {
  (*files_)[d.file].diagnostics.error(std::move(code), std::move(message), at, std::move(label),
                                      std::move(hint));
  d.state = State::kRefused;
}

bool RuleReferences::find(Deferred& d, const RuleReference& r, Target& out) {
  const std::vector<Target>* found = nullptr;
  if (const auto it = by_id_.find(fold(r.text)); it != by_id_.end()) found = &it->second;
  if (const auto it = by_name_.find(r.text); !found && it != by_name_.end()) found = &it->second;
  if (found && found->size() == 1) {
    out = found->front();
    return true;
  }
  if (found) {
    // The document's own file comes first: examples repeat names from file to file.
    std::vector<Target> near;
    for (const Target& t : *found)
      if ((t.loaded ? t.loaded->file : t.deferred->file) == d.file) near.push_back(t);
    if (near.size() == 1) {
      out = near.front();
      return true;
    }
    std::string paths;
    for (const Target& t : *found)
      paths += (paths.empty() ? "" : ", ") + rule_of(t).info.path;
    refuse(d, "sigma-ambiguous-rule", "several rules are called " + r.text, r.span, paths,
           "refer to one by its id");
    return false;
  }
  std::vector<std::string_view> names;
  std::string hint;
  for (const auto& [name, targets] : by_name_)
    names.push_back(name);
  for (const auto* index : {&by_name_, &by_id_})
    for (const auto& [name, targets] : *index)
      for (const Target& t : targets)
        if (rule_of(t).info.title == r.text)
          hint = "rules are referred to by `name` or `id`, not by title; that one's id is " +
                 rule_of(t).info.id;
  const std::string near = nearest_name(r.text, names);
  if (hint.empty())
    hint = near.empty() ? "load the rule as well, and give it this `name`; a refused rule is none"
                        : "did you mean `" + near + "`?";
  refuse(d, "sigma-unknown-rule", "no rule has the name or id " + r.text, r.span, "", hint);
  return false;
}

bool RuleReferences::build(Deferred& d) {
  if (d.state == State::kGood || d.state == State::kRefused) return d.state == State::kGood;
  d.state = State::kOpen;
  path_.push_back(&d);
  std::map<std::string, OpPtr> plans;
  for (const RuleReference& r : d.rule.references) {
    Target t;
    if (!find(d, r, t)) continue;
    if (t.loaded) {
      plans[r.text] = (*plan_of_)(*t.loaded);
      POSTERN_CHECK(plans[r.text] != nullptr);
      d.fed_by.push_back(t.loaded);
      continue;
    }
    if (t.deferred->state == State::kOpen) {
      std::string cycle;
      for (auto it = std::find(path_.begin(), path_.end(), t.deferred); it != path_.end(); ++it)
        cycle += (*it)->rule.info.title + " -> ";
      refuse(d, "sigma-cyclic-correlation", "the correlation is made of itself", r.span,
             cycle + t.deferred->rule.info.title, "");
      continue;
    }
    if (!build(*t.deferred)) {
      refuse(d, "sigma-unknown-rule", "the rule it refers to is refused: " + r.text, r.span, "",
             "mend that one first");
      continue;
    }
    plans[r.text] = t.deferred->plan;
    d.made_of.push_back(t.deferred);
  }
  path_.pop_back();
  if (d.state == State::kRefused) {
    ++(*files_)[d.file].num_refused;
    return false;
  }
  if (d.rule.fit) {
    std::vector<OpPtr> parts;
    for (const RuleReference& r : d.rule.references)
      parts.push_back(plans.at(r.text));
    Diagnostics own;
    d.rule.fit(d.rule, parts, own);
    d.rule.fit = nullptr;
    for (const Diagnostic& o : own.all())
      (*files_)[d.file].diagnostics.add(o);
    if (own.has_errors()) {
      d.state = State::kRefused;
      ++(*files_)[d.file].num_refused;
      return false;
    }
  }
  const bool asks_whether = d.rule.plan->window->kind == plan::WindowKind::kSequence;
  d.plan = resolved(d.rule.plan, plans, asks_whether);
  plan::Rule whole = d.rule;
  whole.plan = d.plan;
  d.loaded = (*add_)(d.file, std::move(whole));
  d.state = d.loaded ? State::kGood : State::kRefused;
  return d.loaded != nullptr;
}

}  // namespace postern::engine
