// Conditions of `search`: field comparisons, terms over the event's text, time modifiers.
//
// Every comparison is false, never null, for a missing field, so that the shared `not` gives
// Splunk's `NOT f=v` (also true without the field), while `f!=v` is a function of its own that
// needs the field.
#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::ExprPtr;

namespace {

ExprPtr truth_literal(bool v, Span at) {
  return plan::literal(Value::boolean(v), at);
}

// Fields that every event has: comparing one with `*` restricts nothing.
bool always_there(const std::string& field) {
  return field == "index" || field == "sourcetype" || field == "source" || field == "host" ||
         field == "_time";
}

bool is_time_modifier(const std::string& field) {
  return field == "earliest" || field == "latest";
}

/// `[+-]<n><unit>`… with snaps, "now" or "0": what relative_time and earliest= take.
bool relative_time_text(std::string_view s) {
  size_t i = 0;
  while (i < s.size()) {
    const char c = s[i];
    if (c == '+' || c == '-') {
      ++i;
      while (i < s.size() && ascii_digit(s[i]))
        ++i;
      if (i >= s.size() || !ascii_alpha(s[i])) return false;
      while (i < s.size() && ascii_alpha(s[i]))
        ++i;
    } else if (c == '@') {
      ++i;
      if (i >= s.size() || !ascii_alpha(s[i])) return false;
      while (i < s.size() && ascii_alpha(s[i]))
        ++i;
      if (i < s.size() && ascii_digit(s[i])) ++i;
    } else {
      return false;
    }
  }
  return !s.empty();
}

/// Ticks of "-24h": the look-back of a search, when it is one of a fixed length. Nullopt for
/// calendar units and snaps.
std::optional<int64_t> fixed_span(std::string_view s) {
  if (s.size() < 3 || s[0] != '-') return std::nullopt;
  size_t i = 1;
  while (i < s.size() && ascii_digit(s[i]))
    ++i;
  const auto n = parse_int(s.substr(1, i - 1));
  if (!n || *n > 1'000'000) return std::nullopt;

  struct Unit {
    std::string_view name;
    int64_t ticks;
  };

  static constexpr Unit kUnits[] = {
      {"s", kTicksPerSecond},       {"sec", kTicksPerSecond},     {"secs", kTicksPerSecond},
      {"second", kTicksPerSecond},  {"seconds", kTicksPerSecond}, {"m", kTicksPerMinute},
      {"min", kTicksPerMinute},     {"mins", kTicksPerMinute},    {"minute", kTicksPerMinute},
      {"minutes", kTicksPerMinute}, {"h", kTicksPerHour},         {"hr", kTicksPerHour},
      {"hrs", kTicksPerHour},       {"hour", kTicksPerHour},      {"hours", kTicksPerHour},
      {"d", kTicksPerDay},          {"day", kTicksPerDay},        {"days", kTicksPerDay},
      {"w", 7 * kTicksPerDay},      {"week", 7 * kTicksPerDay},   {"weeks", 7 * kTicksPerDay}};
  for (const Unit& u : kUnits)
    if (u.name == s.substr(i)) return *n * u.ticks;
  return std::nullopt;
}

/// "10/5/2024:20:00:00", Splunk's own absolute form (UTC here).
std::optional<int64_t> absolute_time(std::string_view s) {
  int part[6] = {0, 0, 0, 0, 0, 0};
  size_t n = 0;
  size_t at = 0;
  while (n < 6) {
    size_t end = at;
    while (end < s.size() && ascii_digit(s[end]))
      ++end;
    const auto v = parse_int(s.substr(at, end - at));
    if (!v || *v > 9999) return std::nullopt;
    part[n++] = static_cast<int>(*v);
    if (end == s.size()) break;
    if (s[end] != (n < 3 ? '/' : ':')) return std::nullopt;
    at = end + 1;
  }
  if (n != 3 && n != 6) return std::nullopt;
  return ticks_from_civil({part[2], part[0], part[1], part[3], part[4], part[5], 0});
}

}  // namespace

bool Lowering::search(const SearchCommand& c, Rows& rows, Span at) {
  if (!c.condition) return true;
  ExprPtr e = condition(*c.condition, rows);
  if (!e) return false;
  note_fields(*c.condition, rows);
  // `search *` is what filter macros become: it keeps every row.
  const bool keeps_all = e->is_literal() && !e->literal.is_null() && e->literal.as_bool();
  if (!keeps_all) rows.op = plan::filter(rows.op, std::move(e), at);
  return true;
}

void Lowering::note_fields(const SearchExpr& e, Rows& rows) const {
  if (e.kind == SearchExpr::Kind::kCompare && rows.open) rows.add(e.field.name);
  for (const SearchPtr& child : e.children)
    note_fields(*child, rows);
}

ExprPtr Lowering::condition(const SearchExpr& e, const Rows& rows) {
  switch (e.kind) {
    case SearchExpr::Kind::kAnd:
    case SearchExpr::Kind::kOr: {
      const bool conjunctive = e.kind == SearchExpr::Kind::kAnd;
      std::vector<ExprPtr> terms;
      for (const SearchPtr& child : e.children) {
        ExprPtr t = condition(*child, rows);
        if (!t) continue;
        if (t->is_literal() && t->literal.as_bool() == conjunctive) continue;
        if (t->is_literal() && failed_) return nullptr;
        if (t->is_literal()) return t;
        terms.push_back(std::move(t));
      }
      if (failed_) return nullptr;
      return conjunctive ? plan::conjunction(std::move(terms), e.span)
                         : plan::disjunction(std::move(terms), e.span);
    }
    case SearchExpr::Kind::kNot: {
      ExprPtr inner = condition(*e.children[0], rows);
      if (!inner) return nullptr;
      if (inner->is_literal()) return truth_literal(!inner->literal.as_bool(), e.span);
      return plan::call("not", {std::move(inner)}, e.span);
    }
    case SearchExpr::Kind::kCompare:
      if (is_time_modifier(e.field.name) && e.comparison == Comparison::kEqual && !e.in_list &&
          rows.open)
        return time_modifier(e);
      return comparison(e);
    case SearchExpr::Kind::kTerm:
      return term(e, rows);
    case SearchExpr::Kind::kSubsearch:
      return subsearch(e);
  }
  return nullptr;
}

ExprPtr Lowering::comparison(const SearchExpr& e) {
  if (in_tstats_) {
    if (e.field.name == "nodename") {
      unsupported("nodename= inside OR or NOT", e.field.span,
                  "name the dataset: from datamodel=Model.Dataset");
      return nullptr;
    }
    return comparison(without_dataset(e.field.name), e);
  }
  return comparison(e.field.name, e);
}

ExprPtr Lowering::comparison(const std::string& column, const SearchExpr& e) {
  if (column.find('*') != std::string::npos) {
    unsupported("wildcard in the name of a field: " + column, e.field.span);
    return nullptr;
  }
  if (e.comparison == Comparison::kEqual && e.values.size() == 1 && e.values[0].text == "*" &&
      always_there(column))
    return truth_literal(true, e.span);
  static constexpr const char* kFunctions[] = {"spl.search_eq", "spl.search_ne", "spl.search_lt",
                                               "spl.search_le", "spl.search_gt", "spl.search_ge"};
  std::vector<ExprPtr> args = {plan::column(column, e.field.span)};
  for (const SearchValue& v : e.values)
    args.push_back(plan::literal(Value::string(v.text), v.span));
  return plan::call(kFunctions[static_cast<size_t>(e.comparison)], std::move(args), e.span);
}

// earliest= is inclusive, latest= exclusive.
ExprPtr Lowering::time_modifier(const SearchExpr& e) {
  const SearchValue& v = e.values[0];
  const bool earliest = e.field.name == "earliest";
  ExprPtr bound;
  if (v.text == "now" || v.text == "now()") {
    bound = plan::call("spl.now", {}, v.span);
  } else if (const auto seconds = parse_real(v.text)) {
    if (earliest && *seconds == 0) return truth_literal(true, e.span);
    bound = scalar_literal(v.text, v.span);
  } else if (const auto span = fixed_span(v.text)) {
    bound = plan::call("spl.ago", {plan::literal(Value::timespan(*span), v.span)}, v.span);
  } else if (relative_time_text(v.text)) {
    bound = plan::call(
        "spl.relative_time",
        {plan::call("spl.now", {}, v.span), plan::literal(Value::string(v.text), v.span)}, v.span);
  } else if (const auto ticks = absolute_time(v.text)) {
    bound = plan::literal(Value::integer((*ticks - kUnixEpochTicks) / kTicksPerSecond), v.span);
  } else {
    error("spl-bad-time", "not a time: " + v.text, v.span, "",
          "write -24h, -1d@d, now, seconds since 1970 or MM/DD/YYYY:HH:MM:SS");
    return nullptr;
  }
  return plan::call(earliest ? "spl.ge" : "spl.lt",
                    {plan::column("_time", e.field.span), std::move(bound)}, e.span);
}

ExprPtr Lowering::term(const SearchExpr& e, const Rows& rows) {
  const SearchValue& v = e.values[0];
  const bool any = !v.text.empty() && v.text.find_first_not_of('*') == std::string::npos;
  if (any) return truth_literal(true, e.span);
  if (in_tstats_) {
    unsupported("bare term in tstats", e.span, "a data model holds fields, not the event's text");
    return nullptr;
  }
  if (!rows.open && !rows.has("_raw"))
    diag_.warning("spl-term-without-raw", "a bare term matches nothing here", e.span,
                  "the rows have no _raw any more", "compare a field: field=\"" + v.raw + "\"");
  static constexpr const char* kFunctions[] = {"spl.search_term", "spl.search_term_case",
                                               "spl.search_term_exact"};
  return plan::call(kFunctions[static_cast<size_t>(e.term)],
                    {plan::column("_raw", e.span), plan::column("_values", e.span),
                     plan::literal(Value::string(v.text), v.span)},
                    e.span);
}

}  // namespace postern::lang::spl
