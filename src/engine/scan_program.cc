#include "engine/scan_program.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"
#include "engine/finding.h"
#include "exec/text_gate.h"

namespace postern::engine {

using plan::Expr;
using plan::ExprPtr;

namespace {

std::optional<int64_t> integer_of(const data::Value& v) {
  if (v.is_null()) return std::nullopt;
  if (data::is_integer(v.type())) return v.as_int();
  return parse_int(v.text());
}

// Event ids for which `e` can hold, when it says so by comparing the column with literals: `==`,
// `in` and their sisters of each language (any_of functions of one column), joined by `or`.
std::optional<std::vector<int64_t>> ids_of(const Expr& e, const std::string& column) {
  if (e.is_call("or")) {
    std::vector<int64_t> all;
    for (const ExprPtr& a : e.args) {
      const auto ids = ids_of(*a, column);
      if (!ids) return std::nullopt;
      all.insert(all.end(), ids->begin(), ids->end());
    }
    return all;
  }
  static const std::set<std::string, std::less<>> kEquals = {
      "==", "in", "kql.eq", "kql.in", "sigma.equals", "spl.search_eq", "spl.eq", "spl.in"};
  if (e.kind != Expr::Kind::kCall || !kEquals.count(e.name) || e.args.size() < 2)
    return std::nullopt;
  if (!e.args[0]->is_column() || e.args[0]->name != column) return std::nullopt;
  std::vector<int64_t> ids;
  for (size_t i = 1; i < e.args.size(); ++i) {
    if (!e.args[i]->is_literal()) return std::nullopt;
    const auto id = integer_of(e.args[i]->literal);
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

data::Type native_type(const plan::TableDef& table, const std::string& name) {
  if (name == data::kValuesColumn) return data::Type::kDynamic;
  if (name == data::kRawColumn || name == data::kTextColumn) return data::Type::kString;
  const plan::FieldDef* f = table.find(name);
  return f ? f->type : data::Type::kString;
}

data::Layout& layout_of(data::Layouts& layouts, const std::string& table) {
  return layouts.try_emplace(table, data::Layout(table)).first->second;
}

/// Programs of what branches give for the columns of their scans. Views give the same expressions
/// to all rules, and whole lists of them.
class ColumnCompiler {
 public:
  Result<std::shared_ptr<const ColumnPrograms>> compile(const plan::Op& scan,
                                                        const plan::Branch& branch,
                                                        const plan::Schema& schema) {
    std::shared_ptr<const ColumnPrograms>& known =
        lists_[{branch.table, scan.schema.id(), branch.columns.id()}];
    if (known) return known;
    auto out = std::make_shared<ColumnPrograms>();
    // Both are in the same order.
    auto given = branch.columns.begin();
    for (const plan::ColumnInfo& c : scan.schema) {
      if (given == branch.columns.end() || given->name != c.name) {
        out->push_back(nullptr);
        continue;
      }
      auto& program = programs_[{branch.table, given->expr.get()}];
      if (!program) {
        POSTERN_TRY(program, exec::compile(given->expr, schema));
      }
      out->push_back(program);
      ++given;
    }
    POSTERN_CHECK(given == branch.columns.end());
    known = std::move(out);
    return known;
  }

 private:
  std::map<std::pair<std::string_view, const Expr*>, std::shared_ptr<const exec::CompiledExpr>>
      programs_;
  std::map<std::tuple<std::string_view, const void*, const void*>,
           std::shared_ptr<const ColumnPrograms>>
      lists_;
};

}  // namespace

bool mixes_own_and_foreign(const plan::Op& scan) {
  const auto own = std::count_if(scan.branches.begin(), scan.branches.end(),
                                 [](const plan::Branch& b) { return b.own; });
  return own > 0 && static_cast<size_t>(own) < scan.branches.size();
}

bool reports_event(const LoadedRule& rule) {
  return rule.rule.kind == plan::RuleKind::kEvent && rule.optimized &&
         rule.optimized->kind == plan::OpKind::kScan;
}

std::optional<std::vector<int64_t>> required_event_ids(const ExprPtr& where,
                                                       const std::string& column) {
  std::optional<std::vector<int64_t>> best;
  for (const ExprPtr& c : plan::conjuncts(where)) {
    auto ids = ids_of(*c, column);
    if (ids && (!best || ids->size() < best->size())) best = std::move(ids);
  }
  if (best) {
    std::sort(best->begin(), best->end());
    best->erase(std::unique(best->begin(), best->end()), best->end());
  }
  return best;
}

const exec::CompiledExpr& BranchFilter::get() const {
  const std::lock_guard lock(mutex_);
  if (!compiled_) {
    auto compiled = exec::compile(where_, schema_);
    POSTERN_CHECK(compiled.ok());
    compiled_ = std::move(*compiled);
  }
  return *compiled_;
}

namespace {

/// Columns of its native table that a branch reads.
std::set<std::string> columns_of(const plan::Op& scan,
                                 const plan::Branch& branch,
                                 const plan::Catalog& catalog) {
  std::set<std::string> columns;
  plan::collect_columns(branch.where, columns);
  for (const plan::NamedExpr& c : branch.columns)
    plan::collect_columns(c.expr, columns);
  if (mixes_own_and_foreign(scan))
    if (const std::string host = host_column(*catalog.table(branch.table)); !host.empty())
      columns.insert(host);
  return columns;
}

}  // namespace

Result<std::unique_ptr<ScanPrograms>> ScanPrograms::make(const RuleSet& rules,
                                                         bool use_event_ids,
                                                         bool gate_texts) {
  auto out = std::make_unique<ScanPrograms>();
  const plan::Catalog& catalog = rules.setup().catalog;
  auto want = [&](const std::string& name, const std::set<std::string>& columns) {
    const plan::TableDef* table = catalog.table(name);
    data::Layout& layout = layout_of(out->layouts_, name);
    if (!table->event_id.empty()) layout.add(table->event_id, native_type(*table, table->event_id));
    for (const std::string& c : columns)
      if (c != "_time") layout.add(c, native_type(*table, c));
  };
  for (const LoadedRule& r : rules.rules()) {
    for (const Requirement& q : r.requirements)
      for (const Requirement::Source& s : q.sources)
        if (catalog.table(s.table)) want(s.table, {});
    if (!r.compiled || r.silent) continue;
    for (const plan::Op* scan : r.compiled->scans()) {
      for (const plan::Branch& b : scan->branches)
        want(b.table, columns_of(*scan, b, catalog));
    }
  }
  for (const auto& [name, layout] : out->layouts_) {
    TableProgram t;
    t.table = catalog.table(name);
    t.layout = &layout;
    for (const data::Layout::Field& f : layout.fields())
      t.schema.push_back({f.name, f.type});
    t.schema.push_back({"_time", data::Type::kDatetime});
    t.event_id_slot = t.table->event_id.empty() ? -1 : layout.slot(t.table->event_id);
    out->tables_.emplace(name, std::move(t));
  }
  size_t index = 0;
  ColumnCompiler columns;
  for (const LoadedRule& r : rules.rules()) {
    const size_t rule_index = index++;
    if (!r.compiled || r.silent) continue;
    for (size_t s = 0; s < r.compiled->scans().size(); ++s) {
      const plan::Op* scan = r.compiled->scans()[s];
      for (const plan::Branch& b : scan->branches) {
        TableProgram& t = out->tables_.find(b.table)->second;
        BranchProgram p;
        p.rule = &r;
        p.rule_index = rule_index;
        p.scan = s;
        p.branch = &b;
        if (mixes_own_and_foreign(*scan)) p.host_slot = t.layout->slot(host_column(*t.table));
        p.why = std::make_shared<const Explanation>(b, t.schema);
        if (b.where) {
          p.where = p.plain = std::make_shared<BranchFilter>(b.where, t.schema);
          if (use_event_ids && t.event_id_slot >= 0)
            p.event_ids = required_event_ids(b.where, t.table->event_id);
        }
        if (!reports_event(r)) {
          POSTERN_TRY(p.columns, columns.compile(*scan, b, t.schema));
        }
        t.branches.push_back(std::move(p));
      }
    }
  }
  exec::CompileCheck calls;
  for (auto& [name, t] : out->tables_) {
    std::vector<DerivedColumns::Filter> wheres;
    for (const BranchProgram& b : t.branches)
      wheres.push_back({b.branch->where, b.event_ids});
    t.derived.find(wheres, t.schema);
    std::vector<ExprPtr> filters;
    for (size_t b = 0; b < wheres.size(); ++b) {
      filters.push_back(std::move(wheres[b].where));
      if (filters[b] != t.branches[b].branch->where)
        t.branches[b].where = std::make_shared<BranchFilter>(filters[b], t.schema);
    }
    t.filter = exec::SharedFilter::make(filters, t.schema);
    for (uint32_t b = 0; b < t.branches.size(); ++b)
      if (t.branches[b].where && !t.filter->decides(b) &&
          t.branches[b].rule->rule.info.language != "sigma") {
        POSTERN_TRY(const bool agreed, t.branches[b].where->check(calls));
        POSTERN_CHECK(agreed);
      }
  }
  // Rules that report their events take a batch's rows one by one. Some 300 KB of text, then.
  constexpr uint32_t kRowsInCache = 512;
  for (const auto& [name, t] : out->tables_)
    if (std::all_of(t.branches.begin(), t.branches.end(),
                    [](const BranchProgram& b) { return reports_event(*b.rule); }))
      layout_of(out->layouts_, name).set_batch_rows(kRowsInCache);
  if (use_event_ids) out->gate_decoders(rules);
  if (use_event_ids) out->tell_kinds(catalog, gate_texts);
  if (gate_texts) out->gate_texts();
  return out;
}

void ScanPrograms::limit_batches(uint32_t rows) {
  for (auto& [name, layout] : layouts_)
    layout.set_batch_rows(std::min(layout.batch_rows(), std::max(rows, 1U)));
}

void ScanPrograms::limit_memos(const std::shared_ptr<exec::MemoBudget>& memos) {
  for (auto& [name, table] : tables_)
    table.memos = memos;
}

void ScanPrograms::gate_texts() {
  for (auto& [name, table] : tables_) {
    std::vector<ExprPtr> filters;
    std::vector<ExprPtr> results;
    for (const BranchProgram& p : table.branches) {
      filters.push_back(p.branch->where);
      if (!reports_event(*p.rule))
        for (const plan::NamedExpr& c : p.branch->columns)
          results.push_back(c.expr);
    }
    layout_of(layouts_, name).set_text_gate(exec::text_gate(filters, results));
  }
}

// Where filters ask for certain kinds of records, decoders leave out of others what these filters
// read, and what is left is looked up for the filters of its kind alone.
void ScanPrograms::tell_kinds(const plan::Catalog& catalog, bool gate_texts) {
  for (auto& [name, table] : tables_) {
    const std::string& column = table.table->kind;
    if (column.empty() || table.event_id_slot >= 0) continue;
    std::vector<BranchReads> branches;
    std::vector<ExprPtr> filters;
    for (const BranchProgram& p : table.branches) {
      const plan::Op& scan = *p.rule->compiled->scans()[p.scan];
      BranchReads& b = branches.emplace_back();
      b.where = p.branch->where;
      b.columns = columns_of(scan, *p.branch, catalog);
      if (!reports_event(*p.rule))
        for (const plan::NamedExpr& c : p.branch->columns)
          b.results.push_back(c.expr);
      filters.push_back(p.where ? p.where->expr() : nullptr);
    }
    table.kinds = record_kinds(filters, column);
    if (!table.kinds.any()) continue;
    table.kind_slot = table.layout->slot(column);
    set_kinds(layout_of(layouts_, name), table.kinds, column, branches, gate_texts);
    for (const std::vector<uint32_t>& which : table.kinds.filters) {
      std::vector<ExprPtr> asking(filters.size());
      for (const uint32_t f : which)
        asking[f] = filters[f];
      table.kind_filters.push_back(exec::SharedFilter::make(asking, table.schema));
    }
  }
}

// Where every filter asks for certain kinds of events, decoders only count the others. Kinds that a
// strategy wants to know of are decoded too, so that they are counted apart.
void ScanPrograms::gate_decoders(const RuleSet& rules) {
  for (auto& [name, table] : tables_) {
    if (table.event_id_slot < 0) continue;
    std::set<int64_t> ids;
    bool all = true;
    for (const BranchProgram& p : table.branches) {
      all = all && p.event_ids;
      if (p.event_ids) ids.insert(p.event_ids->begin(), p.event_ids->end());
    }
    for (const LoadedRule& r : rules.rules())
      for (const Requirement& q : r.requirements)
        for (const Requirement::Source& s : q.sources)
          if (s.table == name) ids.insert(s.event_ids.begin(), s.event_ids.end());
    if (all && !ids.empty()) layout_of(layouts_, name).set_event_ids({ids.begin(), ids.end()});
  }
}

const TableProgram* ScanPrograms::table(std::string_view name) const {
  const auto it = tables_.find(name);
  return it == tables_.end() ? nullptr : &it->second;
}

}  // namespace postern::engine
