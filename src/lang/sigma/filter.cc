#include "lang/sigma/filter.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "lang/sigma/condition.h"
#include "lang/sigma/detection.h"
#include "lang/sigma/logsource.h"
#include "lang/sigma/sigma.h"

namespace postern::lang::sigma {

using adapt::YamlNode;

namespace {

bool has_not(std::string_view condition) {
  size_t begin = 0;
  for (size_t at = 0; at <= condition.size(); ++at) {
    const bool word = at < condition.size() && !ascii_space(condition[at]) &&
                      condition[at] != '(' && condition[at] != ')';
    if (word) continue;
    if (equal_ignore_case(condition.substr(begin, at - begin), "not")) return true;
    begin = at + 1;
  }
  return false;
}

}  // namespace

bool Filters::may_hold(const Source& file) {
  std::string_view text = file.text;
  for (size_t at = 0; (at = text.find("filter", at)) != std::string_view::npos; ++at) {
    size_t begin = at;
    if (begin > 0 && (text[begin - 1] == '"' || text[begin - 1] == '\'')) --begin;
    const bool line_begin = begin == 0 || text[begin - 1] == '\n' || text[begin - 1] == '\xbf';
    if (line_begin) return true;
  }
  return false;
}

Filters::Count Filters::add(const Source& file, const ReadOptions& options, Diagnostics& diag) {
  Count count;
  Diagnostics yaml;  // read() tells what is wrong with the YAML
  for (const YamlNode& doc : adapt::parse_yaml(file, yaml)) {
    if (!doc.is_mapping() || !doc.find("filter") || doc.find("detection")) continue;
    if (read(doc, options, diag))
      ++count.loaded;
    else
      ++count.refused;
  }
  return count;
}

bool Filters::read(const YamlNode& doc, const ReadOptions& options, Diagnostics& diag) {
  Filter out;
  out.diag = &diag;
  out.part.title = doc.get("title");
  Diagnostics own;
  const YamlNode& body = *doc.find("filter");
  read_logsource(doc, out.logsource, own);
  std::vector<Selection> selections;
  const YamlNode* condition = nullptr;
  DetectionLowering lowering(options.placeholders, false, own);
  if (!body.is_mapping())
    own.error("sigma-bad-filter", "a filter is a map of rules, selections and a condition",
              body.span);
  for (const YamlNode::Entry& e : body.entries) {
    if (e.key.text == "condition") {
      condition = &e.value;
    } else if (e.key.text == "rules") {
      out.any = e.value.is_scalar() ? equal_ignore_case(e.value.text, "any") ||
                                          equal_ignore_case(e.value.text, "all")
                                    : e.value.items.empty() && e.value.is_sequence();
      if (out.any && !e.value.is_scalar()) out.rules.push_back({"any", e.value.span});
      if (e.value.is_scalar()) out.rules.push_back({e.value.text, e.value.span});
      for (const YamlNode& r : e.value.items) {
        if (!r.is_scalar() || r.text.empty())
          own.error("sigma-bad-filter", "a reference to a rule is its id or name", r.span);
        out.rules.push_back({r.text, r.span});
      }
    } else {
      NamedDetection d{e.key.text, e.key.span, {}, false};
      d.whole = read_selection(e.value, d.detection, own);
      // Lowered here only to tell its mistakes at their place.
      plan::ExprPtr expr = lowering.lower(d.detection);
      selections.push_back(
          {e.key.text, e.key.span, d.whole ? std::move(expr) : nullptr, false, false});
      forget_nodes(d.detection);
      out.part.selections.push_back(std::move(d));
    }
  }
  if (body.is_mapping() && out.rules.empty())
    own.error("sigma-bad-filter", "a filter needs `rules`: a list of ids or names, or `any`",
              body.span);
  if (body.is_mapping() && selections.empty())
    own.error("sigma-no-selection", "a filter needs at least one selection", body.span);
  if (body.is_mapping() && !condition)
    own.error("sigma-no-condition", "a filter needs a condition", body.span);
  if (condition && !condition->is_scalar())
    own.error("sigma-bad-condition", "the condition of a filter is a text", condition->span);
  if (condition && condition->is_scalar()) {
    parse_condition(*condition, selections, own);
    for (const Selection& s : selections)
      if (!s.used && s.name.front() != '_')
        own.warning("sigma-unused-selection", "no condition uses the selection " + s.name, s.span);
    if (!has_not(condition->text))
      own.warning("sigma-filter-without-not", "this filter keeps only the events that it selects",
                  condition->span, "joined to each rule by `and`",
                  "to leave events out, write `not " + condition->text + "`");
    out.part.condition = *condition;
  }
  for (const Diagnostic& d : own.all())
    diag.add(d);
  if (own.has_errors()) return false;
  filters_.push_back(std::move(out));
  return true;
}

void Filters::meets_correlation(std::string_view id, std::string_view name) {
  for (Filter& f : filters_)
    for (Reference& r : f.rules)
      if (!f.any && r.is(id, name)) {
        r.used = true;
        f.diag->warning(
            "sigma-filter-correlation", r.text + " is a correlation, not filtered itself", r.span,
            "a filter is joined to a detection", "name the rules that the correlation is made of");
      }
}

std::vector<FilterPart> Filters::for_rule(std::string_view id,
                                          std::string_view name,
                                          const std::map<std::string, std::string>& logsource) {
  std::vector<FilterPart> out;
  for (Filter& f : filters_) {
    bool wanted = false;
    for (Reference& r : f.rules)
      if (f.any || r.is(id, name)) {
        wanted = true;
        const bool covered =
            std::all_of(f.logsource.begin(), f.logsource.end(), [&](const auto& a) {
              const auto it = logsource.find(a.first);
              return it != logsource.end() && it->second == a.second;
            });
        wanted = covered;
        r.used = r.used || covered;
      }
    if (wanted) out.push_back(f.part);
  }
  return out;
}

void Filters::warn_unused() {
  for (const Filter& f : filters_)
    for (const Reference& r : f.rules)
      if (!r.used)
        f.diag->warning("sigma-filter-unused",
                        f.any ? "no rule has the log source of this filter"
                              : "no rule of this log source has the id or name " + r.text,
                        r.span, "", "the filter changes nothing");
}

}  // namespace postern::lang::sigma
