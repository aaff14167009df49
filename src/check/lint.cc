#include "check/lint.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "check/overlap.h"
#include "check/solver.h"
#include "check/witness.h"
#include "data/batch.h"

namespace postern::check {

using engine::LoadedRule;
using plan::Expr;
using plan::ExprPtr;

namespace {

const plan::Op* find(const plan::OpPtr& op, plan::OpKind kind) {
  for (const plan::Op* at = op.get(); at; at = at->inputs.empty() ? nullptr : at->inputs[0].get())
    if (at->kind == kind) return at;
  return nullptr;
}

bool is_pseudo(const std::string& name) {
  return data::is_pseudo_column(name) || name == "_time";
}

/// Matches whatever there is: the empty text, and one that no rule means.
bool matches_all(const TestValues& v, size_t i) {
  static const std::string kStrange = "\x01\xC2\xA7~\x02 9q";
  switch (v.kind) {
    case TestKind::kContains:
    case TestKind::kStartsWith:
    case TestKind::kEndsWith:
      return v.wildcards[i].matches("") && v.wildcards[i].matches(kStrange);
    case TestKind::kRegex:
      return v.regexes[i]->matches("") && v.regexes[i]->matches(kStrange);
    case TestKind::kCidr:
      return v.networks[i].prefix == 0;
    default:
      return false;
  }
}

std::string_view modifier(const Expr& call) {
  const std::string_view name = call.name;
  if (name.starts_with("sigma.keyword")) return "a keyword";
  if (name.starts_with("sigma.re")) return "`re`";
  return name.starts_with("sigma.contains")     ? "`contains`"
         : name.starts_with("sigma.startswith") ? "`startswith`"
         : name.starts_with("sigma.endswith")   ? "`endswith`"
                                                : "`cidr`";
}

class Linter {
 public:
  explicit Linter(const engine::RuleSet& rules) : rules_(rules), catalog_(rules.setup().catalog) {}

  std::vector<LintFinding> run() {
    std::vector<const LoadedRule*> sigma;
    for (const LoadedRule& r : rules_.rules()) {
      const bool users = rules_.files()[r.file].path.rfind("builtin:", 0) != 0;
      if (!users || r.rule.info.language != "sigma" || r.rule.kind != plan::RuleKind::kEvent)
        continue;
      const plan::Op* filter = find(r.rule.plan, plan::OpKind::kFilter);
      const plan::Op* scan = find(r.rule.plan, plan::OpKind::kScan);
      if (!filter || !scan) continue;
      rule_ = &r;
      told_.clear();
      everything(filter->predicate);
      fields(filter->predicate, *scan);
      never(filter->predicate->span);
      sigma.push_back(&r);
    }
    for (const Overlap& o : find_overlaps(sigma)) {
      rule_ = o.rule;
      told_.clear();
      const plan::Op* filter = find(o.rule->rule.plan, plan::OpKind::kFilter);
      const std::string other = o.other->rule.info.title + " (" + o.other->rule.info.path + ")";
      if (o.equal)
        tell(Severity::kWarning, "sigma-equal-rules", "says the same as " + other,
             filter->predicate->span, "", "keep one of them");
      else
        tell(Severity::kNote, "sigma-shadowed-rule", "fires only where " + other + " fires too",
             filter->predicate->span, "", "");
    }
    return std::move(out_);
  }

 private:
  void tell(Severity severity,
            std::string code,
            std::string message,
            Span at,
            std::string label,
            std::string hint) {
    if (!told_.emplace(code + message, at.begin).second) return;
    out_.push_back(
        {rule_->file,
         {severity, std::move(code), std::move(message), at, std::move(label), std::move(hint)}});
  }

  // ---- values that match everything

  void everything(const ExprPtr& e) {
    if (e->is_call("and") || e->is_call("or") || e->is_call("not")) {
      for (const ExprPtr& a : e->args)
        everything(a);
      return;
    }
    if (e->kind != Expr::Kind::kCall) return;
    for (size_t i = 1; i < e->args.size(); ++i) {
      if (!e->args[i]->is_literal() || !may_match_all(*e, e->args[i]->literal)) continue;
      const Expr one = [&] {
        Expr c = *e;
        c.args = {e->args[0], e->args[i]};
        return c;
      }();
      const auto test = read_test(one);
      if (!test || test->size() != 1 || !matches_all(*test, 0)) continue;
      const bool keyword = e->name.starts_with("sigma.keyword");
      tell(Severity::kWarning, "sigma-matches-everything",
           std::string(modifier(*e)) + " of this value holds for every " +
               (keyword ? "event" : "text"),
           e->args[i]->span, "",
           keyword ? "" : "to ask whether the field is there, write `exists`");
    }
  }

  // Few values can: texts of wildcards, expressions, /0.
  static bool may_match_all(const Expr& call, const data::Value& v) {
    if (v.type() != data::Type::kString) return false;
    const std::string text = v.text();
    if (call.name.starts_with("sigma.re")) return text.size() < 64;
    if (call.name == "sigma.cidr") return text.ends_with("/0");
    return std::all_of(text.begin(), text.end(), [](char c) { return c == '*'; });
  }

  // ---- fields that are not there

  /// Event ids that a branch is about; empty: any.
  static std::set<int64_t> event_ids(const ExprPtr& where, const std::string& column) {
    std::set<int64_t> out;
    if (!where) return out;
    for (const ExprPtr& c : plan::conjuncts(where)) {
      const bool ids = (c->is_call("==") || c->is_call("in")) && c->args[0]->is_column() &&
                       c->args[0]->name == column;
      for (size_t i = 1; ids && i < c->args.size(); ++i)
        if (c->args[i]->is_literal())
          if (const auto id = parse_int(c->args[i]->literal.text())) out.insert(*id);
    }
    return out;
  }

  /// What a table knows of a field.
  enum class Known : uint8_t { kYes, kNo, kPerhaps };

  static Known known(const plan::TableDef& t, const plan::View& v, const std::string& name) {
    if (v.find(name)) return Known::kYes;
    if (!v.passthrough) return Known::kNo;
    for (const auto& [key, value] : t.constants)
      if (key == name) return Known::kYes;
    const plan::FieldDef* f = t.find(name);
    if (t.events.empty()) return f ? Known::kYes : t.open ? Known::kPerhaps : Known::kNo;
    // A table that lists its events is complete.
    if (!f) return Known::kNo;
    const std::set<int64_t> ids = event_ids(v.where, t.event_id);
    const bool in_event = std::any_of(t.events.begin(), t.events.end(), [&](const auto& e) {
      return (ids.empty() || ids.count(e.first)) &&
             std::find(e.second.begin(), e.second.end(), name) != e.second.end();
    });
    const bool in_any = std::any_of(t.events.begin(), t.events.end(), [&](const auto& e) {
      return std::find(e.second.begin(), e.second.end(), name) != e.second.end();
    });
    return in_event || !in_any ? Known::kYes : Known::kNo;
  }

  void fields(const ExprPtr& predicate, const plan::Op& scan) {
    const std::vector<const plan::VocabularyTable*> tables = catalog_.sigma_tables(scan.attributes);
    std::map<std::string, Span> columns;
    collect(predicate, columns);
    for (const auto& [name, span] : columns) {
      if (is_pseudo(name)) continue;
      bool yes = false;
      bool perhaps = false;
      for (const plan::VocabularyTable* t : tables)
        for (const plan::View& v : t->views) {
          const plan::TableDef* native = yes ? nullptr : catalog_.table(v.from);
          if (!native) continue;
          const Known k = known(*native, v, name);
          yes = k == Known::kYes;
          perhaps = perhaps || k == Known::kPerhaps;
        }
      if (yes) continue;
      const std::vector<std::string_view> names = known_names(tables);
      if (names.empty()) continue;
      unknown_field(name, span, perhaps, names);
    }
  }

  /// Every name that some table behind the log source knows.
  std::vector<std::string_view> known_names(
      const std::vector<const plan::VocabularyTable*>& tables) const {
    std::vector<std::string_view> names;
    for (const plan::VocabularyTable* t : tables)
      for (const plan::View& v : t->views) {
        const plan::TableDef* native = catalog_.table(v.from);
        if (!native) continue;
        for (const auto& [column, expr] : v.map)
          names.push_back(column);
        for (const plan::FieldDef& f : native->fields)
          if (v.passthrough && known(*native, v, f.name) == Known::kYes) names.push_back(f.name);
      }
    return names;
  }

  // Where any name may come, only another spelling of a known one is a slip for sure.
  void unknown_field(const std::string& name,
                     Span span,
                     bool perhaps,
                     const std::vector<std::string_view>& names) {
    const auto same = std::find_if(names.begin(), names.end(),
                                   [&](std::string_view n) { return equal_ignore_case(n, name); });
    if (same != names.end())
      return tell(perhaps ? Severity::kNote : Severity::kWarning, "sigma-unknown-field",
                  "field names keep their case: no field " + name, span, "",
                  "did you mean `" + std::string(*same) + "`?");
    if (perhaps) return;
    const std::string near = nearest_name(name, names);
    tell(Severity::kWarning, "sigma-unknown-field", "this log source has no field " + name, span,
         "", near.empty() ? "" : "did you mean `" + near + "`?");
  }

  static void collect(const ExprPtr& e, std::map<std::string, Span>& out) {
    if (e->is_column()) out.emplace(e->name, e->span);
    for (const ExprPtr& a : e->args)
      collect(a, out);
  }

  // ---- conditions that can never be true

  void never(Span span) {
    // What is missing is told already.
    const std::string& known = rule_->report.never;
    if (known.rfind("no evidence format", 0) == 0 || known.rfind("lacks field", 0) == 0) return;
    const std::string why = impossible(*rule_, catalog_);
    if (!why.empty())
      tell(Severity::kWarning, "sigma-never-true", "this condition can never be true: " + why, span,
           "", "");
  }

  const engine::RuleSet& rules_;
  const plan::Catalog& catalog_;
  const LoadedRule* rule_ = nullptr;
  std::set<std::pair<std::string, uint32_t>> told_;
  std::vector<LintFinding> out_;
};

}  // namespace

std::vector<LintFinding> lint(const engine::RuleSet& rules) {
  return Linter(rules).run();
}

}  // namespace postern::check
