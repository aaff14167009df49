// Plans as text: what `rules explain` shows and `.case` files expect. One operator a line.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/time.h"
#include "plan/function.h"
#include "plan/op.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

constexpr size_t kLongestDynamic = 1000;  // shown in full

bool plain_name(std::string_view name) {
  if (name.empty() || ascii_digit(name[0])) return false;
  for (const char c : name)
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '_' && c != '.') return false;
  return true;
}

std::string column_text(std::string_view name) {
  if (plain_name(name)) return std::string(name);
  return "['" + std::string(name) + "']";
}

std::string timespan_literal(int64_t ticks) {
  struct Unit {
    int64_t ticks;
    const char* suffix;
  };

  static constexpr Unit kUnits[] = {{kTicksPerDay, "d"},
                                    {kTicksPerHour, "h"},
                                    {kTicksPerMinute, "m"},
                                    {kTicksPerSecond, "s"},
                                    {kTicksPerMillisecond, "ms"}};
  if (ticks == 0) return "0s";
  for (const Unit& u : kUnits)
    if (ticks % u.ticks == 0) return std::to_string(ticks / u.ticks) + u.suffix;
  return "timespan(" + format_timespan(ticks) + ")";
}

std::string literal_text(const Value& v) {
  if (v.is_null())
    return v.type() == Type::kNull ? "null" : std::string(type_name(v.type())) + "(null)";
  switch (v.type()) {
    case Type::kString:
      return data::json_string(v.as_bytes());
    case Type::kDatetime:
      return "datetime(" + format_rfc3339(v.as_int()) + ")";
    case Type::kTimespan:
      return timespan_literal(v.as_int());
    case Type::kDynamic:
      // The table of a lookup would fill pages.
      if (v.as_bytes().size() > kLongestDynamic)
        return "dynamic(" + std::to_string(v.as_bytes().size()) + " bytes)";
      return "dynamic(" + v.json() + ")";
    case Type::kReal: {
      std::string s = v.text();
      if (s.find_first_not_of("-0123456789") == std::string::npos) s += ".0";
      return s;
    }
    default:
      return v.text();
  }
}

// How tightly an expression binds in text form; parentheses go around looser arguments.
int precedence(const Expr& e) {
  if (e.kind != Expr::Kind::kCall) return 9;
  if (e.name == "or") return 1;
  if (e.name == "and") return 2;
  if (e.name == "not") return 3;
  if (!e.function || e.function->symbol.empty() || e.args.size() < 2) return 9;
  const std::string& s = e.function->symbol;
  if (s == "+" || s == "-" || s == ".") return 6;
  if (s == "*" || s == "/" || s == "%") return 7;
  return 5;
}

std::string wrapped(const Expr& e, int least) {
  std::string s = to_text(e);
  return precedence(e) < least ? "(" + s + ")" : s;
}

std::string_view bare_function(std::string_view name) {
  const size_t dot = name.find('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string joined(const std::vector<ExprPtr>& args,
                   size_t from,
                   std::string_view separator,
                   int least) {
  std::string out;
  for (size_t i = from; i < args.size(); ++i) {
    if (i > from) out += separator;
    out += wrapped(*args[i], least);
  }
  return out;
}

std::string named_text(const NamedExpr& item) {
  const std::string e = to_text(*item.expr);
  const std::string name = column_text(item.name);
  return item.name.empty() || e == name ? e : name + "=" + e;
}

std::string list_text(const std::vector<NamedExpr>& items) {
  std::string out;
  for (const NamedExpr& i : items) {
    if (!out.empty()) out += ", ";
    out += named_text(i);
  }
  return out;
}

// A key whose name comes from a column it reads (bin(t, 1h) is named t) is shown without the name.
std::string keys_text(const std::vector<NamedExpr>& keys) {
  std::string out;
  for (const NamedExpr& k : keys) {
    std::set<std::string> columns;
    collect_columns(k.expr, columns);
    if (!out.empty()) out += ", ";
    out += columns.count(k.name) ? to_text(*k.expr) : named_text(k);
  }
  return out;
}

std::string names_text(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) {
    if (!out.empty()) out += ", ";
    out += n;
  }
  return out;
}

const char* join_name(JoinKind k) {
  static constexpr const char* kNames[] = {"inner",      "innerunique", "leftouter",
                                           "rightouter", "fullouter",   "leftsemi",
                                           "leftanti",   "rightsemi",   "rightanti"};
  return kNames[static_cast<size_t>(k)];
}

std::string scan_text(const Op& op) {
  std::string name = op.dataset;
  for (const auto& [key, value] : op.attributes) {
    if (!name.empty()) name += " ";
    name += key + "=" + value;
  }
  if (name.empty()) name = op.vocabulary + " events";
  std::string out = "scan " + name;
  if (!op.schema.empty()) {
    std::vector<std::string> columns;
    for (const ColumnInfo& c : op.schema)
      columns.push_back(c.name);
    std::sort(columns.begin(), columns.end());
    out += " [" + names_text(columns) + "]";
  }
  return out;
}

std::string branch_text(const Branch& b) {
  std::string out = "from " + b.table;
  if (b.where) out += " where " + to_text(*b.where);
  std::string renamed = list_text(b.columns);
  if (!renamed.empty()) out += " [" + renamed + "]";
  if (!b.missing.empty()) out += " missing [" + names_text(b.missing) + "]";
  return out;
}

std::string sort_text(const Op& op) {
  std::string out = op.limit ? "top " + std::to_string(*op.limit) + " by " : "sort ";
  for (size_t i = 0; i < op.sort_keys.size(); ++i) {
    const SortKey& k = op.sort_keys[i];
    if (i > 0) out += ", ";
    out += to_text(*k.expr) + (k.descending ? " desc" : " asc");
    if (k.nulls_first == k.descending) out += k.nulls_first ? " nulls first" : " nulls last";
  }
  return out;
}

std::string calls_text(const Op& op) {
  std::string out;
  for (size_t i = 0; i < op.aggregates.size(); ++i) {
    const AggregateItem& a = op.aggregates[i];
    out += i == 0 ? " " : ", ";
    out += column_text(a.name) + "=" + std::string(bare_function(a.function)) + "(" +
           joined(a.args, 0, ", ", 0) + (a.star ? (a.args.empty() ? "*" : ", *") : "") + ")";
  }
  return out;
}

std::string running_text(const Op& op) {
  std::string out = "running" + calls_text(op);
  if (!op.keys.empty()) out += " by " + keys_text(op.keys);
  if (op.limit)
    out += " over " + std::to_string(*op.limit) +
           (op.window_per_group ? " rows of the group" : " rows");
  return out + (op.include_current ? "" : " without the row itself");
}

std::string sessions_text(const Op& op) {
  std::string out = "sessions " + op.index_column;
  if (!op.keys.empty()) out += " by " + keys_text(op.keys);
  for (const NamedExpr& i : op.items)
    out += " " + i.name + " (" + to_text(*i.expr) + ")";
  if (op.max_span > 0) out += " span " + timespan_literal(op.max_span);
  if (op.max_pause > 0) out += " pause " + timespan_literal(op.max_pause);
  return op.limit ? out + " of " + std::to_string(*op.limit) + " rows" : out;
}

std::string aggregate_text(const Op& op) {
  std::string out = "aggregate" + calls_text(op);
  if (!op.keys.empty()) out += " by " + keys_text(op.keys);
  if (op.drop_null_keys) out += " (null keys dropped)";
  return out;
}

std::string join_text(const Op& op) {
  std::string out = std::string(op.lookup ? "lookup " : "join ") + join_name(op.join_kind) + " on ";
  for (size_t i = 0; i < op.keys.size(); ++i) {
    if (i > 0) out += ", ";
    const std::string left = to_text(*op.keys[i].expr);
    const std::string right = to_text(*op.right_keys[i]);
    out += left == right ? left : left + " == " + right;
  }
  return out;
}

std::string time_window_text(const Op& op) {
  std::string out = "time-window " + to_text(*op.window);
  if (op.window->kind != WindowKind::kSequence && !op.items.empty())
    out += " of " + list_text(op.items);
  if (!op.keys.empty()) out += " by " + keys_text(op.keys);
  if (!op.window->carried.empty()) out += " with " + names_text(op.window->carried);
  if (op.window->every) out += " (each time)";
  return out;
}

std::string line(const Op& op) {
  switch (op.kind) {
    case OpKind::kScan:
      return scan_text(op);
    case OpKind::kFilter:
      return "filter " + to_text(*op.predicate);
    case OpKind::kProject:
      return "project " + list_text(op.items);
    case OpKind::kExtend:
      return "extend " + list_text(op.items);
    case OpKind::kSelect: {
      static constexpr const char* kModes[] = {"keep", "away", "reorder", "rename"};
      return std::string("select-") + kModes[static_cast<size_t>(op.mode)] + " " +
             names_text(op.patterns);
    }
    case OpKind::kAggregate:
      return aggregate_text(op);
    case OpKind::kSort:
      return sort_text(op);
    case OpKind::kLimit:
      return "limit " + std::to_string(op.limit.value_or(0));
    case OpKind::kJoin:
      return join_text(op);
    case OpKind::kUnion:
      return std::string("union") + (op.outer_union ? "" : " kind=inner") +
             (op.source_column.empty() ? "" : " withsource=" + op.source_column);
    case OpKind::kValues:
      return "values " + std::to_string(op.rows.size()) + " rows";
    case OpKind::kDedup:
      return "dedup " + std::to_string(op.limit.value_or(1)) + " by " + names_text(op.patterns);
    case OpKind::kExpand:
      return "expand " + names_text(op.patterns);
    case OpKind::kWindow:
      return "window" + calls_text(op);
    case OpKind::kApply:
      return "apply " + names_text(op.item_names) + " from " + names_text(op.patterns);
    case OpKind::kElements:
      return "elements";
    case OpKind::kRunning:
      return running_text(op);
    case OpKind::kSessions:
      return sessions_text(op);
    case OpKind::kTimeWindow:
      return time_window_text(op);
  }
  return "";
}

void print(const Op& op, int depth, bool physical, std::string& out) {
  const std::string indent(static_cast<size_t>(depth) * 2, ' ');
  out += indent + line(op) + "\n";
  if (op.kind == OpKind::kScan && physical)
    for (const Branch& b : op.branches)
      out += indent + "  " + branch_text(b) + "\n";
  for (const OpPtr& input : op.inputs)
    print(*input, depth + 1, physical, out);
}

}  // namespace

std::string to_text(const WindowSpec& w) {
  static constexpr const char* kOps[] = {"<", "<=", ">", ">=", "==", "!="};
  std::string out;
  if (!w.terms.empty()) {
    for (const WindowTerm& t : w.terms) {
      std::string term;
      for (const uint32_t s : t.steps)
        term += (term.empty() ? "" : w.ordered ? " then " : " and ") + w.steps[s];
      for (const uint32_t s : t.absent)
        term += " and not " + w.steps[s];
      out += (out.empty() ? "" : " or ") + term;
    }
  } else {
    std::string subject = w.name;
    if (w.kind == WindowKind::kPercentile) subject += "(" + real_text(w.percentile) + ")";
    for (const WindowBound& b : w.bounds)
      out += (out.empty() ? "" : " and ") + subject + " " + kOps[static_cast<size_t>(b.op)] + " " +
             real_text(b.value);
    if (w.kind == WindowKind::kSequence)
      out += std::string(w.ordered ? " in order" : "") + " of " + names_text(w.steps);
  }
  return out + " in " + timespan_literal(w.length) + (w.closing() ? " at close" : "");
}

std::string to_text(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::kLiteral:
      return literal_text(e.literal);
    case Expr::Kind::kColumn:
      return column_text(e.name);
    case Expr::Kind::kCall:
      break;
  }
  if (e.name == "and" || e.name == "or")
    return joined(e.args, 0, " " + e.name + " ", e.name == "and" ? 2 : 1);
  if (e.name == "not" && e.args.size() == 1) return "not " + wrapped(*e.args[0], 4);
  const std::string symbol = e.function ? e.function->symbol : "";
  if (!symbol.empty() && e.args.size() >= 2) {
    const int own = precedence(e);
    if (e.function->any_of && e.args.size() > 2)
      return wrapped(*e.args[0], own + 1) + " " + symbol + " (" + joined(e.args, 1, ", ", 0) + ")";
    if (e.args.size() == 2)
      return wrapped(*e.args[0], own) + " " + symbol + " " + wrapped(*e.args[1], own + 1);
  }
  return std::string(bare_function(e.name)) + "(" + joined(e.args, 0, ", ", 0) + ")";
}

std::string to_text(const Op& op, bool physical) {
  std::string out;
  print(op, 0, physical, out);
  return out;
}

}  // namespace postern::plan
