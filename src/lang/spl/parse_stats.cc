// `stats`, `eventstats`, `tstats`, `top`, `rare`: lists of aggregates and their by-clauses.
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {
namespace {

struct Alias {
  std::string_view written;
  std::string_view function;
};

// Names of aggregates (Search Reference, statistical and charting functions), by what we call them.
constexpr Alias kFunctions[] = {
    {"count", "count"},
    {"c", "count"},
    {"dc", "dc"},
    {"distinct_count", "dc"},
    {"estdc", "dc"},
    {"avg", "avg"},
    {"mean", "avg"},
    {"sum", "sum"},
    {"sumsq", "sumsq"},
    {"min", "min"},
    {"max", "max"},
    {"range", "range"},
    {"median", "median"},
    {"mode", "mode"},
    {"stdev", "stdev"},
    {"stdevp", "stdevp"},
    {"var", "var"},
    {"varp", "varp"},
    {"values", "values"},
    {"list", "list"},
    {"first", "first"},
    {"last", "last"},
    {"earliest", "earliest"},
    {"latest", "latest"},
    {"earliest_time", "earliest_time"},
    {"latest_time", "latest_time"},
};

constexpr std::string_view kRefused[] = {"estdc_error", "rate",     "rate_avg",   "rate_sum",
                                         "per_day",     "per_hour", "per_minute", "per_second",
                                         "sparkline",   "upperperc"};

bool clause_word(const Token& t) {
  if (t.kind != TokenKind::kWord) return false;
  for (const char* w : {"by", "groupby", "from", "where"})
    if (equal_ignore_case(t.text, w)) return true;
  return false;
}

}  // namespace

bool Parser::stats_function(StatsItem& out, std::string_view written, Span at) {
  const std::string name = fold(written);
  for (const Alias& a : kFunctions) {
    if (a.written != name) continue;
    out.function = a.function;
    return true;
  }
  for (const std::string_view refused : kRefused) {
    if (name.substr(0, refused.size()) != refused) continue;
    unsupported("statistical function: " + name, at);
    return false;
  }
  for (const std::string_view prefix : {"exactperc", "perc", "p"}) {
    if (name.size() <= prefix.size() || name.substr(0, prefix.size()) != prefix) continue;
    const auto percent = parse_real(name.substr(prefix.size()));
    if (!percent || *percent < 0 || *percent > 100) continue;
    out.function = "perc";
    out.percentile = *percent;
    return true;
  }
  std::vector<std::string_view> names;
  for (const Alias& a : kFunctions)
    names.push_back(a.written);
  const std::string near = nearest_name(name, names);
  error("spl-unknown-function", "unknown statistical function: " + std::string(written), at, "",
        near.empty() ? "" : "did you mean `" + near + "`?");
  return false;
}

/// After `as`: a name that may be quoted, or hold parentheses unquoted: `as aceFlags(inheritance)`.
bool Parser::output_name(std::string& out) {
  const Token t = lex_.next(Words::kTerm);
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
    syntax("expected a name after AS", t);
    return false;
  }
  out = t.kind == TokenKind::kString ? unescape(t.text) : std::string(t.text);
  if (t.kind == TokenKind::kWord && lex_.position() < lex_.text().size() &&
      lex_.text()[lex_.position()] == '(') {
    const size_t close = lex_.text().find(')', lex_.position());
    if (close != std::string_view::npos) {
      out += lex_.text().substr(lex_.position(), close + 1 - lex_.position());
      lex_.set_position(close + 1);
    }
  }
  if (out.size() > 2 && out.front() == '\'' && out.back() == '\'')
    out = out.substr(1, out.size() - 2);
  return true;
}

bool Parser::stats_item(StatsItem& out) {
  const Token name = lex_.next(Words::kTerm);
  if (name.kind != TokenKind::kWord) {
    syntax("expected a statistical function", name);
    return false;
  }
  if (!stats_function(out, name.text, lex_.span(name))) return false;
  size_t end = name.end;
  if (lex_.peek() == '(') {
    lex_.take('(');
    const size_t begin = lex_.position();
    const Token inner = lex_.peek(Words::kTerm);
    const bool is_eval =
        inner.kind == TokenKind::kWord && equal_ignore_case(inner.text, "eval") &&
        inner.end < lex_.text().size() &&
        lex_.text().find_first_not_of(" \t\r\n", inner.end) != std::string_view::npos &&
        lex_.text()[lex_.text().find_first_not_of(" \t\r\n", inner.end)] == '(';
    if (is_eval) {
      lex_.next(Words::kTerm);
      lex_.take('(');
      out.expr = eval_expr();
      if (!out.expr) return false;
      if (!lex_.take(')')) {
        syntax("expected `)` after the eval expression", lex_.next(Words::kEval));
        return false;
      }
    } else if (lex_.peek() != ')') {
      // The name of a field is taken as it stands up to the parenthesis: `values(user.groups{})`.
      int depth = 0;
      size_t at = begin;
      while (at < lex_.text().size() && (depth > 0 || lex_.text()[at] != ')')) {
        const char c = lex_.text()[at];
        if (c == '"') {
          const size_t close = lex_.text().find('"', at + 1);
          at = close == std::string_view::npos ? lex_.text().size() : close;
        } else if (c == '(') {
          ++depth;
        } else if (c == ')') {
          --depth;
        }
        ++at;
      }
      if (at >= lex_.text().size()) {
        syntax("this parenthesis is never closed",
               Token{TokenKind::kSymbol, "(", begin - 1, begin});
        return false;
      }
      std::string_view field = trim(lex_.text().substr(begin, at - begin));
      const size_t field_begin = static_cast<size_t>(field.data() - lex_.text().data());
      out.field.span = lex_.span(field_begin, field_begin + field.size());
      if (field.size() >= 2 && (field.front() == '"' || field.front() == '\'') &&
          field.front() == field.back())
        field = field.substr(1, field.size() - 2);
      out.field.name = field;
      lex_.set_position(at);
    }
    if (!lex_.take(')')) {
      syntax("expected `)`", lex_.next(Words::kTerm));
      return false;
    }
    end = lex_.position();
  }
  out.span = lex_.span(name.begin, end);
  // Splunk names the column as the item is written: `dc(user)`, `distinct_count(user)`.
  out.name = out.field.name.empty() ? std::string(lex_.text().substr(name.begin, end - name.begin))
                                    : std::string(name.text) + "(" + out.field.name + ")";
  if (out.field.name.empty() && !out.expr) out.name = out.function == "count" ? "count" : out.name;
  if (out.function != "count" && out.field.name.empty() && !out.expr &&
      out.function != "earliest_time" && out.function != "latest_time") {
    error("spl-syntax", std::string(name.text) + " needs a field", out.span, "",
          std::string(name.text) + "(field)");
    return false;
  }
  if (lex_.take_word("as")) {
    out.named = true;
    if (!output_name(out.name)) return false;
  }
  return true;
}

/// True when `o` is an option of streamstats that was taken.
bool Parser::running_option(const Option& o, StatsCommand& s) {
  if (o.name == "current") return flag_value(o, s.current);
  if (o.name == "global") return flag_value(o, s.global);
  if (o.name != "window") return false;
  const auto n = count_value(o);
  if (!n) return false;
  if (*n > kMaxWindow) {
    unsupported("option: window of more than " + std::to_string(kMaxWindow) + " rows", o.span);
    return false;
  }
  s.window = *n;
  return true;
}

bool Parser::stats(Command& c) {
  StatsCommand s;
  s.event = c.name == "eventstats";
  s.running = c.name == "streamstats";
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (lex_.take_word("by") || lex_.take_word("groupby")) {
      const size_t begin = (lex_.skip_blanks(), lex_.position());
      size_t end = begin;
      while (!lex_.at_command_end()) {
        if (lex_.take(',')) continue;
        if (const auto o = option()) {
          bool split = false;
          if (o->ok && s.running && running_option(*o, s)) continue;
          if (o->name != "dedup_splitvals") return unknown_option(*o);
          if (!o->ok || !flag_value(*o, split)) return false;
          if (split) {
            unsupported("option: dedup_splitvals=true", o->name_span);
            return false;
          }
          continue;
        }
        auto f = field_name("a field");
        if (!f) return false;
        end = lex_.position();
        s.by.push_back(std::move(*f));
      }
      s.by_span = lex_.span(begin, end);
      if (s.by.empty()) {
        syntax("BY needs at least one field", lex_.peek(Words::kTerm));
        return false;
      }
      break;
    }
    if (const auto o = option()) {
      if (!o->ok) return false;
      // How the work is split changes no answer; `allnum` and `delim` would.
      if (o->name == "partitions") continue;
      if (s.running && running_option(*o, s)) continue;
      return failed_ ? false : unknown_option(*o);
    }
    StatsItem item;
    if (!stats_item(item)) return false;
    s.items.push_back(std::move(item));
  }
  if (s.items.empty()) {
    syntax("expected a statistical function", lex_.peek(Words::kTerm),
           "for example: stats count by user");
    return false;
  }
  c.body = std::move(s);
  return true;
}

bool Parser::tstats(Command& c) {
  TstatsCommand s;
  // Options, then functions, up to FROM, WHERE or BY.
  while (!lex_.at_command_end() && !clause_word(lex_.peek(Words::kTerm))) {
    if (lex_.take(',')) continue;
    const auto o = option();
    if (!o) {
      StatsItem item;
      if (!stats_item(item)) return false;
      s.items.push_back(std::move(item));
      continue;
    }
    if (!o->ok) return false;
    if (o->name == "fillnull_value") {
      s.fillnull = o->value;
    } else if (o->name == "prestats" || o->name == "append" || o->name == "local") {
      bool on = false;
      if (!flag_value(*o, on)) return false;
      if (on) {
        unsupported("option: " + o->name + "=" + o->value, o->name_span);
        return false;
      }
    } else if (o->name != "summariesonly" && o->name != "allow_old_summaries" &&
               o->name != "chunk_size" && o->name != "include_reduced_buckets" &&
               o->name != "use_summary_index_values") {
      // Those four only choose between the summary and the events, which hold the same here.
      return unknown_option(*o);
    }
  }
  if (lex_.take_word("from")) {
    const Token t = lex_.next(Words::kTerm);
    if (t.kind != TokenKind::kWord || !equal_ignore_case(t.text, "datamodel")) {
      if (t.kind == TokenKind::kWord)
        unsupported("source: tstats from " + std::string(t.text), lex_.span(t));
      else
        syntax("expected `datamodel=` after FROM", t);
      return false;
    }
    lex_.take('=');
    const Token name = lex_.next(Words::kValue);
    if (name.kind != TokenKind::kWord && name.kind != TokenKind::kString) {
      syntax("expected the name of a data model", name);
      return false;
    }
    const size_t dot = name.text.find('.');
    s.model = name.text.substr(0, dot);
    if (dot != std::string_view::npos) s.dataset = name.text.substr(dot + 1);
    s.source_span = lex_.span(name);
  }
  if (lex_.take_word("where") && !search_condition(s.where, true)) return false;
  if (lex_.take_word("by") || lex_.take_word("groupby")) {
    const size_t begin = (lex_.skip_blanks(), lex_.position());
    size_t end = begin;
    while (!lex_.at_command_end()) {
      if (lex_.take(',')) continue;
      if (const auto o = option()) {
        if (!o->ok) return false;
        if (o->name != "span") return unknown_option(*o);
        s.span = TimeSpan{o->value, o->span};
        continue;
      }
      auto f = field_name("a field");
      if (!f) return false;
      end = lex_.position();
      s.by.push_back(std::move(*f));
    }
    s.by_span = lex_.span(begin, end);
  }
  if (s.items.empty()) {
    syntax("expected a statistical function", lex_.peek(Words::kTerm), "for example: tstats count");
    return false;
  }
  c.body = std::move(s);
  return true;
}

bool Parser::top(Command& c) {
  TopCommand t;
  t.rare = c.name == "rare";
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool other = false;
      if (o->name == "limit") {
        const auto n = count_value(*o);
        if (!n) return false;
        t.limit = *n;
      } else if (o->name == "showcount") {
        if (!flag_value(*o, t.show_count)) return false;
      } else if (o->name == "showperc") {
        if (!flag_value(*o, t.show_percent)) return false;
      } else if (o->name == "countfield") {
        t.count_field = o->value;
      } else if (o->name == "percentfield") {
        t.percent_field = o->value;
      } else if (o->name == "useother" || o->name == "otherstr") {
        if (o->name == "useother" && !flag_value(*o, other)) return false;
        if (other) {
          unsupported("option: useother=true", o->name_span);
          return false;
        }
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    if (lex_.take_word("by")) {
      if (!field_list(t.by)) return false;
      break;
    }
    auto f = field_name("a field");
    if (!f) return false;
    const auto n = parse_int(f->name);
    if (n && t.fields.empty() && *n >= 0)
      t.limit = *n;
    else
      t.fields.push_back(std::move(*f));
  }
  if (t.fields.empty()) {
    syntax(c.name + " needs a field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(t);
  return true;
}

}  // namespace postern::lang::spl
