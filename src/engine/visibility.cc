#include "engine/visibility.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "engine/scan_program.h"

namespace postern::engine {
namespace {

using plan::Expr;
using plan::ExprPtr;
using plan::OpKind;

/// Columns that every batch has.
bool is_always_there(std::string_view name) {
  return name == "_time" || data::is_pseudo_column(name);
}

/// Functions whose answer about nothing may be true.
bool asks_for_absence(std::string_view name) {
  if (const size_t dot = name.rfind('.'); dot != std::string_view::npos)
    name.remove_prefix(dot + 1);
  if (name.starts_with("not")) return true;
  for (const std::string_view word : {"is_null", "isnull", "isempty", "coalesce", "if", "case",
                                      "ne", "ne_ci", "!=", "search_ne", "nullif"})
    if (name == word) return true;
  return false;
}

bool may_be_true_of_nothing(const Expr& e) {
  if (e.kind != Expr::Kind::kCall) return false;
  if (asks_for_absence(e.name)) return true;
  return std::any_of(e.args.begin(), e.args.end(),
                     [](const ExprPtr& a) { return may_be_true_of_nothing(*a); });
}

/// The fields that events of some ids of a table fill.
class Filled {
 public:
  Filled(const TableSeen& seen,
         const std::optional<std::vector<int64_t>>& ids,
         const plan::TableDef* native)
      : seen_(seen), native_(native) {
    for (const auto& [id, kind] : seen.kinds) {
      if (ids && !std::binary_search(ids->begin(), ids->end(), id)) continue;
      events_ += kind.events;
      if (kind.events > 0) kinds_.push_back(&kind);
    }
  }

  uint64_t events() const { return events_; }

  bool has(std::string_view field) const {
    if (is_always_there(field)) return true;
    if (native_)
      for (const auto& [name, value] : native_->constants)
        if (name == field) return true;
    return std::any_of(kinds_.begin(), kinds_.end(),
                       [&](const KindSeen* k) { return k->fields.find(field) != k->fields.end(); });
  }

  FieldsThere there() const {
    return {[this](std::string_view field) { return has(field); },
            [this](std::string_view field) -> const std::set<std::string, std::less<>>* {
              const auto it = seen_.fields.find(field);
              return it == seen_.fields.end() || it->second.any_value ? nullptr
                                                                      : &it->second.values;
            }};
  }

 private:
  const TableSeen& seen_;
  const plan::TableDef* native_;
  std::vector<const KindSeen*> kinds_;
  uint64_t events_ = 0;
};

/// Whether a comparison with literals can hold where all values of the field are known; nullopt
/// when it is no such comparison.
std::optional<bool> compares_known(const Expr& e, const FieldsThere& there) {
  constexpr std::string_view kEquals[] = {"==",           "in",           "kql.eq", "kql.in",
                                          "kql.eq_ci",    "kql.in_ci",    "spl.eq", "spl.in",
                                          "sigma.equals", "spl.search_eq"};
  if (std::find(std::begin(kEquals), std::end(kEquals), e.name) == std::end(kEquals) ||
      e.args.size() < 2 || !e.args[0]->is_column())
    return std::nullopt;
  const auto* values = there.values(e.args[0]->name);
  if (!values) return std::nullopt;
  for (size_t i = 1; i < e.args.size(); ++i) {
    if (!e.args[i]->is_literal()) return std::nullopt;
    const std::string text = e.args[i]->literal.text();
    if (text.find_first_of("*?") != std::string::npos) return std::nullopt;  // may be a pattern
    for (const std::string& v : *values)
      if (equal_ignore_case(v, text)) return true;
  }
  return false;
}

std::optional<std::vector<int64_t>> ids_of(const plan::TableDef* table, const ExprPtr& where) {
  if (!table || table->event_id.empty() || !where) return std::nullopt;
  return required_event_ids(where, table->event_id);
}

std::string source_name(const std::string& table, const std::optional<std::vector<int64_t>>& ids) {
  std::string name = table;
  if (!ids) return name;
  for (size_t i = 0; i < ids->size(); ++i)
    name += (i == 0 ? " " : ", ") + std::to_string((*ids)[i]);
  return name;
}

/// Follows a plan from its scans upwards.
class Judge {
 public:
  Judge(const Inventory& evidence, const plan::Catalog& catalog)
      : evidence_(evidence), catalog_(catalog) {}

  bool can_fire(const plan::Op& op) {
    switch (op.kind) {
      case OpKind::kScan:
        return scan(op);
      case OpKind::kValues:
        return true;
      case OpKind::kUnion: {
        bool any = false;
        for (const plan::OpPtr& input : op.inputs)
          any = can_fire(*input) || any;
        return any;
      }
      case OpKind::kJoin:
        return join(op);
      default:
        return op.inputs.empty() || can_fire(*op.inputs[0]);
    }
  }

  std::set<std::string> sources;
  std::set<std::string> fields;

 private:
  bool join(const plan::Op& op) {
    const bool left = can_fire(*op.inputs[0]);
    const bool right = op.inputs.size() < 2 || can_fire(*op.inputs[1]);
    switch (op.join_kind) {
      case plan::JoinKind::kLeftOuter:
      case plan::JoinKind::kLeftAnti:
        return left;
      case plan::JoinKind::kRightOuter:
      case plan::JoinKind::kRightAnti:
        return right;
      case plan::JoinKind::kFullOuter:
        return left || right;
      default:
        return left && right;
    }
  }

  bool scan(const plan::Op& op) {
    bool any = false;
    for (const plan::Branch& b : op.branches) {
      const plan::TableDef* native = catalog_.table(b.table);
      const auto ids = ids_of(native, b.where);
      const auto seen = evidence_.find(b.table);
      const TableSeen none;
      const Filled filled(seen == evidence_.end() ? none : seen->second, ids, native);
      if (filled.events() == 0) {
        sources.insert(source_name(b.table, ids));
        continue;
      }
      const Sight sight = can_hold(b.where, filled.there());
      any = any || sight.possible;
      if (sight.possible) continue;
      for (const std::string& f : sight.lacking)
        fields.insert(b.table + "." + f);
      for (const std::string& c : sight.never_met)
        sources.insert(b.table + " with " + c);
    }
    return any;
  }

  const Inventory& evidence_;
  const plan::Catalog& catalog_;
};

bool is_met(const Requirement& q, const Inventory& evidence) {
  return std::any_of(q.sources.begin(), q.sources.end(), [&](const Requirement::Source& s) {
    const auto it = evidence.find(s.table);
    if (it == evidence.end() || it->second.events == 0) return false;
    if (s.event_ids.empty()) return true;
    return std::any_of(s.event_ids.begin(), s.event_ids.end(), [&](int64_t id) {
      const auto kind = it->second.kinds.find(id);
      return kind != it->second.kinds.end() && kind->second.events > 0;
    });
  });
}

/// What one view adds to a table of a vocabulary.
void feed(const plan::VocabularyTable& table,
          const plan::View& view,
          const TableSeen& seen,
          const plan::TableDef* native,
          FedTable& out) {
  const Filled filled(seen, ids_of(native, view.where), native);
  if (filled.events() == 0 || !can_hold(view.where, filled.there()).possible) return;
  const auto is_filled = [&](std::string_view name) { return filled.has(name); };
  out.from.insert(view.from);
  out.events += filled.events();
  const auto expression_is_filled = [&](const ExprPtr& e) {
    if (e->is_literal()) return !e->literal.is_null();
    std::set<std::string> names;
    plan::collect_columns(e, names);
    return names.empty() || std::any_of(names.begin(), names.end(), is_filled);
  };
  for (const auto& [name, e] : view.map)
    if (expression_is_filled(e)) out.columns.insert(name);
  if (!view.passthrough) return;
  if (table.open || table.fields.empty()) {
    for (const auto& [name, field] : seen.fields)
      if (!view.find(name) && filled.has(name)) out.columns.insert(name);
  } else {
    for (const plan::FieldDef& f : table.fields)
      if (!view.find(f.name) && is_filled(f.name)) out.columns.insert(f.name);
  }
}

}  // namespace

Sight can_hold(const ExprPtr& filter, const FieldsThere& there) {
  Sight out;
  if (!filter) return out;
  const bool is_or = filter->is_call("or");
  if (is_or || filter->is_call("and")) {
    out.possible = !is_or || filter->args.empty();
    for (const ExprPtr& a : filter->args) {
      const Sight s = can_hold(a, there);
      out.possible = is_or ? out.possible || s.possible : out.possible && s.possible;
      out.lacking.insert(s.lacking.begin(), s.lacking.end());
      out.never_met.insert(s.never_met.begin(), s.never_met.end());
    }
    if (out.possible) out = {};
    return out;
  }
  if (filter->is_literal()) {
    out.possible = !filter->literal.is_null() && filter->literal.as_bool();
    return out;
  }
  std::set<std::string> names;
  plan::collect_columns(filter, names);
  for (const std::string& n : names)
    if (!there.is_filled(n)) out.lacking.insert(n);
  out.possible =
      names.empty() || out.lacking.size() < names.size() || may_be_true_of_nothing(*filter);
  if (!out.possible) return out;
  out.lacking.clear();
  if (filter->kind == Expr::Kind::kCall && !compares_known(*filter, there).value_or(true)) {
    out.possible = false;
    out.never_met.insert(plan::to_text(*filter));
  }
  return out;
}

Visibility judge(const LoadedRule& rule, const Inventory& evidence, const plan::Catalog& catalog) {
  Visibility v;
  if (!rule.report.never.empty()) {
    v.state = Visibility::State::kNever;
    v.reason = rule.report.never;
    return v;
  }
  // Content rules look at whatever there is.
  if (!rule.optimized) return v;
  if (!rule.requirements.empty()) {
    size_t met = 0;
    for (const Requirement& q : rule.requirements)
      if (is_met(q, evidence))
        ++met;
      else
        v.sources.insert(q.name);
    if (met == 0) v.state = Visibility::State::kLacksSource;
    return v;
  }
  Judge judge(evidence, catalog);
  if (judge.can_fire(*rule.optimized)) return v;
  v.sources = std::move(judge.sources);
  v.fields = std::move(judge.fields);
  // Tables that are there, and whose view lacks a column that the rule filters on.
  for (const plan::DroppedTable& d : rule.report.dropped) {
    constexpr std::string_view kLacks = "lacks field ";
    const auto seen = evidence.find(d.table);
    if (seen == evidence.end() || seen->second.events == 0 || !d.reason.starts_with(kLacks))
      continue;
    v.fields.insert(d.table + "." + d.reason.substr(kLacks.size()));
  }
  v.state = v.fields.empty() ? Visibility::State::kLacksSource : Visibility::State::kLacksField;
  return v;
}

std::string visibility_text(const Visibility& v) {
  const auto joined = [](const std::set<std::string>& names) {
    constexpr size_t kShown = 8;
    std::string out;
    size_t n = 0;
    for (const std::string& name : names) {
      if (n == kShown) return out + " and " + std::to_string(names.size() - n) + " more";
      out += (n++ == 0 ? "" : "; ") + name;
    }
    return out;
  };
  switch (v.state) {
    case Visibility::State::kCanFire:
      return v.sources.empty() ? "can fire"
                               : "can fire in part, lacks source: " + joined(v.sources);
    case Visibility::State::kLacksSource:
      return "lacks source: " + joined(v.sources);
    case Visibility::State::kLacksField:
      return "lacks field: " + joined(v.fields);
    case Visibility::State::kNever:
      return "never fires: " + v.reason;
  }
  return "";
}

std::vector<FedTable> fed_tables(const Inventory& evidence, const plan::Catalog& catalog) {
  std::vector<FedTable> out;
  for (const auto& [name, vocabulary] : catalog.vocabularies()) {
    for (const plan::VocabularyTable& table : vocabulary.tables) {
      FedTable fed;
      fed.vocabulary = name;
      fed.table = table.name;
      for (const plan::View& view : table.views) {
        const auto seen = evidence.find(view.from);
        if (seen != evidence.end()) feed(table, view, seen->second, catalog.table(view.from), fed);
      }
      if (fed.from.empty()) continue;
      for (const plan::FieldDef& f : table.fields)
        if (!fed.columns.count(f.name)) fed.empty.insert(f.name);
      out.push_back(std::move(fed));
    }
  }
  return out;
}

}  // namespace postern::engine
