#include "lang/spl/lint.h"

#include <algorithm>
#include <set>
#include <string>

namespace postern::lang::spl {
namespace {

using Names = std::set<std::string>;

void lint_value(const SearchValue& v, bool excludes, Diagnostics& diag) {
  if (v.stray.empty()) return;
  std::string corrected;
  size_t next = 0;
  for (size_t i = 0; i < v.raw.size(); ++i) {
    if (next < v.stray.size() && v.stray[next].at == i) {
      ++next;
      continue;
    }
    corrected += v.raw[i];
  }
  const StrayEscape& first = v.stray.front();
  const char escaped = v.raw[first.at + 1];
  std::string message =
      "`\\" + std::string(1, escaped) +
      "` is no escape in a search value: Splunk leaves it as it is, so that the value holds a "
      "backslash before `" +
      std::string(1, escaped) + "`";
  if (excludes) message += " and this exclusion matches nothing real";
  diag.warning("spl-unrecognized-escape", std::move(message), first.span,
               excludes ? "excludes nothing" : "only \\\" \\\\ and \\| are escapes",
               "write \"" + corrected + "\"");
}

void lint_condition(const SearchExpr& e, bool negated, Diagnostics& diag) {
  const bool inner = e.kind == SearchExpr::Kind::kNot ? !negated : negated;
  for (const SearchPtr& c : e.children)
    lint_condition(*c, inner, diag);
  if (e.kind == SearchExpr::Kind::kCompare)
    for (const SearchValue& v : e.values)
      lint_value(v, negated != (e.comparison == Comparison::kNotEqual), diag);
}

/// Fields that an event must have to pass the condition.
Names required(const SearchExpr& e) {
  switch (e.kind) {
    case SearchExpr::Kind::kCompare:
      return {e.field.name};
    case SearchExpr::Kind::kAnd: {
      Names all;
      for (const SearchPtr& c : e.children)
        all.merge(required(*c));
      return all;
    }
    case SearchExpr::Kind::kOr: {
      if (e.children.empty()) return {};
      Names common = required(*e.children.front());
      for (const SearchPtr& c : e.children) {
        const Names own = required(*c);
        std::erase_if(common, [&](const std::string& n) { return own.count(n) == 0; });
      }
      return common;
    }
    default:
      return {};
  }
}

void lint_groups(const std::vector<FieldName>& by,
                 Span at,
                 const Names& present,
                 Diagnostics& diag) {
  std::vector<std::string> nullable;
  for (const FieldName& f : by)
    if (present.count(f.name) == 0) nullable.push_back(f.name);
  if (nullable.size() < kManyGroupFields) return;
  std::string list;
  for (const std::string& n : nullable)
    list += (list.empty() ? "" : ", ") + n;
  diag.warning(
      "spl-group-by-nullable",
      "a row in which any of these " + std::to_string(nullable.size()) +
          " fields is missing is dropped: " + list,
      at, "grouped by " + std::to_string(by.size()) + " fields",
      "show fields with values(field) instead, or fill them first: fillnull value=\"-\" field");
}

}  // namespace

void lint(const Pipeline& p, Diagnostics& diag) {
  Names present = {"_time", "_raw", "index", "source", "sourcetype", "host"};
  bool events = true;  // rows are still events, whose fields may be missing
  for (const Command& c : p.commands) {
    if (const auto* s = std::get_if<SearchCommand>(&c.body)) {
      if (!s->condition) continue;
      lint_condition(*s->condition, false, diag);
      present.merge(required(*s->condition));
    } else if (const auto* t = std::get_if<TstatsCommand>(&c.body)) {
      if (t->where) {
        lint_condition(*t->where, false, diag);
        present.merge(required(*t->where));
      }
      if (!t->fillnull) lint_groups(t->by, t->by_span, present, diag);
      events = false;
    } else if (const auto* e = std::get_if<EvalCommand>(&c.body)) {
      for (const Assignment& a : e->assignments)
        present.insert(a.target.name);
    } else if (const auto* f = std::get_if<FillnullCommand>(&c.body)) {
      for (const FieldName& n : f->fields)
        present.insert(n.name);
      if (f->fields.empty()) events = false;
    } else if (const auto* g = std::get_if<StatsCommand>(&c.body)) {
      if (events && !g->running) lint_groups(g->by, g->by_span, present, diag);
      if (!g->event && !g->running) events = false;
    } else if (const auto* a = std::get_if<AppendCommand>(&c.body)) {
      for (const Pipeline& inner : a->pipelines)
        if (a->kind != AppendCommand::Kind::kAppendpipe) lint(inner, diag);
    } else if (const auto* j = std::get_if<JoinCommand>(&c.body)) {
      lint(*j->pipeline, diag);
    }
  }
}

}  // namespace postern::lang::spl
