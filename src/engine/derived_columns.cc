#include "engine/derived_columns.h"

#include <algorithm>
#include <set>

#include "exec/text_witness.h"
#include "plan/function.h"

namespace postern::engine {

using plan::Expr;
using plan::ExprPtr;

namespace {

/// Fewer tests than these do not pay for a column of the whole batch.
constexpr size_t kFewestTests = 3;

bool is_junction(const Expr& e) {
  return e.is_call("and") || e.is_call("or") || e.is_call("not");
}

/// Deterministic, and made of nothing but columns, literals and known functions.
bool computes(const Expr& e, bool& reads_column) {
  if (e.is_column()) reads_column = true;
  if (e.kind != Expr::Kind::kCall) return true;
  if (!e.function || !e.function->deterministic || e.is_call("kql.column_ifexists")) return false;
  return std::all_of(e.args.begin(), e.args.end(),
                     [&](const ExprPtr& a) { return computes(*a, reads_column); });
}

ExprPtr typed_column(std::string name, data::Type type) {
  auto e = std::make_shared<Expr>(*plan::column(std::move(name)));
  e->type = type;
  return e;
}

/// What a test computes and then looks at, when the test could be filed under a column of it.
const Expr* subject_of(const Expr& test) {
  if (test.kind != Expr::Kind::kCall || test.type != data::Type::kBool || test.args.empty())
    return nullptr;
  const Expr& subject = *test.args[0];
  bool reads_column = false;
  const bool fits = subject.kind == Expr::Kind::kCall && subject.type == data::Type::kString &&
                    std::all_of(test.args.begin() + 1, test.args.end(),
                                [](const ExprPtr& a) { return a->is_literal(); }) &&
                    computes(subject, reads_column) && reads_column;
  if (!fits) return nullptr;
  Expr of_column = test;
  of_column.args[0] = typed_column("subject", subject.type);
  return exec::text_witness(of_column) ? &subject : nullptr;
}

std::string unused_name(const plan::Schema& schema, const Expr& e) {
  std::string name = plan::to_text(e);
  while (plan::find_column(schema, name))
    name += '\'';
  return name;
}

}  // namespace

void DerivedColumns::count(const ExprPtr& e, Search& search) {
  if (is_junction(*e)) {
    for (const ExprPtr& a : e->args)
      count(a, search);
    return;
  }
  if (const Expr* subject = subject_of(*e)) ++search.uses[subject];
}

/// From the top: what is chosen is looked for before its parts are.
ExprPtr DerivedColumns::rewritten(const ExprPtr& e, Search& search) {
  if (e->kind != Expr::Kind::kCall) return e;
  if (const auto column = search.columns.find(e.get()); column != search.columns.end())
    return column->second;
  std::shared_ptr<Expr> copy;
  for (size_t i = 0; i < e->args.size(); ++i) {
    ExprPtr a = rewritten(e->args[i], search);
    if (a == e->args[i]) continue;
    if (!copy) copy = std::make_shared<Expr>(*e);
    copy->args[i] = std::move(a);
  }
  if (!copy) return e;
  // Rules repeat each other's tests, and the tables of a vocabulary those of one rule.
  if (is_junction(*e)) return copy;
  const Expr* key = copy.get();
  return search.rewritten.try_emplace(key, std::move(copy)).first->second;
}

void DerivedColumns::find(std::vector<Filter>& filters, plan::Schema& schema) {
  Search search;
  for (const Filter& f : filters)
    if (f.where) count(f.where, search);
  // In the order of the filters, so that every run has them in the same one.
  std::vector<ExprPtr> names;
  const auto choose = [&](const ExprPtr& e, const auto& self) -> void {
    if (is_junction(*e)) {
      for (const ExprPtr& a : e->args)
        self(a, self);
      return;
    }
    if (e->kind != Expr::Kind::kCall || e->args.empty()) return;
    const ExprPtr& subject = e->args[0];
    const auto uses = search.uses.find(subject.get());
    if (uses == search.uses.end() || uses->second < kFewestTests) return;
    if (search.columns.count(subject.get())) return;
    auto program = exec::compile(subject, schema);
    if (!program) return;  // told where the filter itself is compiled
    names.push_back(typed_column(unused_name(schema, *subject), subject->type));
    search.columns.emplace(subject.get(), names.back());
    schema.push_back({names.back()->name, subject->type});
    derived_.push_back({std::move(*program), false, {}});
  };
  for (const Filter& f : filters)
    if (f.where) choose(f.where, choose);
  if (derived_.empty()) return;
  std::unordered_map<std::string, size_t> numbers;
  for (size_t i = 0; i < names.size(); ++i)
    numbers.emplace(names[i]->name, i);
  // The keys of what is chosen are parts of the filters as they were.
  std::vector<ExprPtr> originals;
  for (Filter& f : filters) {
    if (!f.where) continue;
    originals.push_back(f.where);
    f.where = rewritten(f.where, search);
    if (f.where == originals.back()) continue;
    std::set<std::string> read;
    plan::collect_columns(f.where, read);
    for (const std::string& name : read) {
      const auto number = numbers.find(name);
      if (number == numbers.end()) continue;
      Derived& d = derived_[number->second];
      if (f.event_ids)
        d.event_ids.insert(d.event_ids.end(), f.event_ids->begin(), f.event_ids->end());
      else
        d.any_event = true;
    }
  }
  for (Derived& d : derived_) {
    std::sort(d.event_ids.begin(), d.event_ids.end());
    d.event_ids.erase(std::unique(d.event_ids.begin(), d.event_ids.end()), d.event_ids.end());
  }
}

void DerivedColumns::add_to(std::vector<data::Column>& columns,
                            const RowsById& rows,
                            uint32_t num_rows) const {
  const plan::RunContext none;
  const size_t num_own = columns.size();
  columns.reserve(num_own + derived_.size());
  std::vector<uint32_t> wanted;
  for (const Derived& d : derived_) {
    wanted.clear();
    for (const auto& [id, of_id] : rows)
      if (d.any_event || std::binary_search(d.event_ids.begin(), d.event_ids.end(), id))
        wanted.insert(wanted.end(), of_id.begin(), of_id.end());
    std::sort(wanted.begin(), wanted.end());
    if (wanted.empty())
      columns.push_back(data::Column::nulls(d.program->type(), num_rows));
    else
      columns.push_back(d.program->evaluate({columns.data(), num_own}, wanted, num_rows, none));
  }
}

}  // namespace postern::engine
