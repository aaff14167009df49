// The commands that are neither conditions nor aggregations: one function each.
#include <algorithm>

#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

bool Parser::search(Command& c) {
  SearchCommand s;
  if (!search_condition(s.condition, false)) return false;
  c.body = std::move(s);
  return true;
}

bool Parser::where(Command& c) {
  WhereCommand w;
  w.condition = eval_expr();
  if (!w.condition) return false;
  c.body = std::move(w);
  return true;
}

bool Parser::eval(Command& c) {
  EvalCommand e;
  do {
    Assignment a;
    const size_t begin = (lex_.skip_blanks(), lex_.position());
    auto target = field_name("a field to assign to");
    if (!target) return false;
    a.target = std::move(*target);
    // `'odd name'=…` may hold blanks, which the words of arguments do not.
    if (begin < lex_.text().size() && lex_.text()[begin] == '\'') {
      lex_.set_position(begin);
      const Token t = lex_.next(Words::kEval);
      if (t.kind == TokenKind::kUnterminated) {
        syntax("", t);
        return false;
      }
      a.target = {std::string(t.text), lex_.span(t)};
    }
    if (a.target.name.find_first_of("{}*") != std::string::npos && lex_.text()[begin] != '\'' &&
        lex_.text()[begin] != '"') {
      unsupported("field name made by an expression: " + a.target.name, a.target.span);
      return false;
    }
    const Token equals = lex_.next(Words::kEval);
    if (!equals.is_symbol("=")) {
      syntax("expected `=` after the field", equals);
      return false;
    }
    a.value = eval_expr();
    if (!a.value) return false;
    e.assignments.push_back(std::move(a));
  } while (lex_.take(','));
  c.body = std::move(e);
  return true;
}

bool Parser::convert(Command& c) {
  ConvertCommand v;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "timeformat") return unknown_option(*o);
      v.timeformat = o->value;
      continue;
    }
    ConvertItem item;
    const Token name = lex_.next(Words::kTerm);
    if (name.kind != TokenKind::kWord || !lex_.take('(')) {
      syntax("expected function(field)", name, "for example: convert ctime(_time)");
      return false;
    }
    for (const char ch : name.text)
      item.function += ascii_lower(ch);
    auto field = field_name("a field");
    if (!field) return false;
    item.field = std::move(*field);
    if (!lex_.take(')')) {
      syntax("expected `)`", lex_.next(Words::kTerm));
      return false;
    }
    item.span = lex_.span(name.begin, lex_.position());
    if (lex_.take_word("as") && !output_name(item.name)) return false;
    if (item.function != "ctime" && item.function != "mktime" && item.function != "num" &&
        item.function != "auto" && item.function != "none" && item.function != "rmcomma") {
      unsupported("conversion: " + item.function, lex_.span(name));
      return false;
    }
    if (item.field.name.find('*') != std::string::npos) {
      unsupported("wildcard in convert", item.field.span);
      return false;
    }
    v.items.push_back(std::move(item));
  }
  if (v.items.empty()) {
    syntax("convert needs a conversion", lex_.peek(Words::kTerm),
           "for example: convert ctime(_time)");
    return false;
  }
  c.body = std::move(v);
  return true;
}

bool Parser::rename(Command& c) {
  RenameCommand r;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    RenamePair p;
    auto from = field_name("a field");
    if (!from) return false;
    if (!lex_.take_word("as")) {
      syntax("expected AS after `" + from->name + "`", lex_.next(Words::kTerm));
      return false;
    }
    const size_t begin = (lex_.skip_blanks(), lex_.position());
    std::string to;
    if (!output_name(to)) return false;
    p.from = std::move(*from);
    p.to = {std::move(to), lex_.span(begin, lex_.position())};
    const auto stars = [](const std::string& s) { return std::count(s.begin(), s.end(), '*'); };
    if (stars(p.from.name) != stars(p.to.name)) {
      error("spl-rename-wildcards", "both names of a rename need the same number of `*`",
            p.to.span);
      return false;
    }
    r.pairs.push_back(std::move(p));
  }
  if (r.pairs.empty()) {
    syntax("rename needs `field AS name`", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(r);
  return true;
}

bool Parser::fields(Command& c) {
  FieldsCommand f;
  const size_t at = (lex_.skip_blanks(), lex_.position());
  if (at < lex_.text().size() && (lex_.text()[at] == '-' || lex_.text()[at] == '+')) {
    if (lex_.text()[at] == '-') f.mode = FieldsCommand::Mode::kRemove;
    lex_.set_position(at + 1);
  }
  if (!field_list(f.fields)) return false;
  if (f.fields.empty()) {
    syntax("fields needs at least one field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(f);
  return true;
}

bool Parser::table(Command& c) {
  FieldsCommand f;
  f.mode = FieldsCommand::Mode::kTable;
  if (!field_list(f.fields)) return false;
  if (f.fields.empty()) {
    syntax("table needs at least one field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(f);
  return true;
}

bool Parser::sort_fields(std::vector<SortField>& out) {
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    SortField s;
    const size_t at = (lex_.skip_blanks(), lex_.position());
    const char sign = lex_.text()[at];
    if (sign == '-' || sign == '+') {
      s.descending = sign == '-';
      lex_.set_position(at + 1);
    }
    const Token head = lex_.peek(Words::kTerm);
    const bool typed = head.kind == TokenKind::kWord && head.end < lex_.text().size() &&
                       lex_.text()[head.end] == '(';
    if (typed) {
      if (head.text == "num")
        s.as = SortField::As::kNumber;
      else if (head.text == "str")
        s.as = SortField::As::kString;
      else if (head.text == "ip")
        s.as = SortField::As::kIp;
    }
    const bool known = typed && (head.text == "auto" || s.as != SortField::As::kAuto);
    if (known) {
      lex_.next(Words::kTerm);
      lex_.take('(');
    }
    auto f = field_name("a field to sort by");
    if (!f) return false;
    if (known && !lex_.take(')')) {
      syntax("expected `)`", lex_.next(Words::kTerm));
      return false;
    }
    // `desc`, `d`, `asc` and `a` may end the list and turn the order of the whole sort.
    if (!out.empty() && lex_.at_command_end() && sign != '-' && sign != '+') {
      const std::string& w = f->name;
      if (w == "d" || w == "desc") {
        for (SortField& o : out)
          o.descending = !o.descending;
        return true;
      }
      if (w == "a" || w == "asc") return true;
    }
    s.field = std::move(*f);
    out.push_back(std::move(s));
  }
  return true;
}

bool Parser::sort(Command& c) {
  SortCommand s;
  if (const auto o = option()) {
    if (!o->ok) return false;
    if (o->name != "limit") return unknown_option(*o);
    const auto n = count_value(*o);
    if (!n) return false;
    s.limit = *n;
  } else {
    const Token t = lex_.peek(Words::kTerm);
    const auto n = t.kind == TokenKind::kWord ? parse_int(t.text) : std::nullopt;
    if (n && ascii_digit(t.text[0])) {
      lex_.next(Words::kTerm);
      s.limit = *n;
    }
  }
  if (!sort_fields(s.fields)) return false;
  if (s.fields.empty()) {
    syntax("sort needs at least one field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(s);
  return true;
}

bool Parser::head(Command& c) {
  HeadCommand h;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "limit") return unknown_option(*o);
      const auto n = count_value(*o);
      if (!n) return false;
      h.limit = *n;
      continue;
    }
    const Token t = lex_.next(Words::kTerm);
    const auto n = t.kind == TokenKind::kWord ? parse_int(t.text) : std::nullopt;
    if (!n || *n < 0) {
      if (t.is_symbol("("))
        unsupported("form: head with a condition", lex_.span(t));
      else
        syntax("head takes a number of rows", t);
      return false;
    }
    h.limit = *n;
  }
  c.body = h;
  return true;
}

bool Parser::dedup(Command& c) {
  DedupCommand d;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool on = false;
      if (o->name != "keepempty" && o->name != "keepevents" && o->name != "consecutive")
        return unknown_option(*o);
      if (!flag_value(*o, on)) return false;
      if (o->name == "keepempty")
        d.keep_empty = on;
      else if (on) {
        unsupported("option: " + o->name + "=true", o->name_span);
        return false;
      }
      continue;
    }
    if (lex_.take_word("sortby")) {
      if (!sort_fields(d.sort_by)) return false;
      break;
    }
    auto f = field_name("a field");
    if (!f) return false;
    const auto n = parse_int(f->name);
    if (n && d.fields.empty() && *n > 0)
      d.limit = *n;
    else
      d.fields.push_back(std::move(*f));
  }
  if (d.fields.empty()) {
    syntax("dedup needs at least one field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(d);
  return true;
}

bool Parser::bin(Command& c) {
  BinCommand b;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "span") return unknown_option(*o);
      b.span = {o->value, o->span};
      continue;
    }
    if (lex_.take_word("as")) {
      if (!output_name(b.name)) return false;
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    if (!b.field.name.empty()) {
      error("spl-syntax", c.name + " takes one field", f->span);
      return false;
    }
    b.field = std::move(*f);
  }
  if (b.field.name.empty()) {
    syntax(c.name + " needs a field", lex_.peek(Words::kTerm));
    return false;
  }
  if (b.span.text.empty()) {
    unsupported("form: " + c.name + " without span", c.name_span, "",
                "Splunk then chooses the span by the range of the data; give one: span=1h");
    return false;
  }
  c.body = std::move(b);
  return true;
}

bool Parser::fillnull(Command& c) {
  FillnullCommand f;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "value") return unknown_option(*o);
      f.value = o->value;
      continue;
    }
    auto name = field_name("a field");
    if (!name) return false;
    f.fields.push_back(std::move(*name));
  }
  c.body = std::move(f);
  return true;
}

bool Parser::rex(Command& c) {
  RexCommand r;
  r.field = {"_raw", c.name_span};
  bool has_pattern = false;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name == "field") {
        r.field = {o->value, o->span};
      } else if (o->name == "max_match") {
        const auto n = count_value(*o);
        if (!n) return false;
        r.max_match = *n;
      } else if (o->name == "mode" && equal_ignore_case(o->value, "sed")) {
        r.sed = true;
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    const Token t = lex_.next(Words::kValue);
    if (t.kind != TokenKind::kString || has_pattern) {
      syntax(has_pattern ? "rex takes one expression" : "expected a quoted regular expression", t);
      return false;
    }
    r.pattern = unescape(t.text);
    r.pattern_span = lex_.span(t);
    has_pattern = true;
  }
  if (!has_pattern) {
    syntax("rex needs a quoted regular expression", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(r);
  return true;
}

bool Parser::regex(Command& c) {
  RegexCommand r;
  r.field = {"_raw", c.name_span};
  Token t = lex_.next(Words::kTerm);
  const Token op = lex_.peek(Words::kTerm);
  if ((t.kind == TokenKind::kWord || t.kind == TokenKind::kString) &&
      (op.is_symbol("=") || op.is_symbol("!="))) {
    r.field = {t.kind == TokenKind::kString ? unescape(t.text) : std::string(t.text), lex_.span(t)};
    lex_.next(Words::kTerm);
    r.negated = op.text == "!=";
    t = lex_.next(Words::kValue);
  }
  if (t.kind != TokenKind::kString) {
    syntax("expected a quoted regular expression", t, "write regex field=\"expression\"");
    return false;
  }
  r.pattern = unescape(t.text);
  r.pattern_span = lex_.span(t);
  c.body = std::move(r);
  return true;
}

bool Parser::mvexpand(Command& c) {
  MvexpandCommand m;
  auto f = field_name("a field");
  if (!f) return false;
  m.field = std::move(*f);
  if (const auto o = option()) {
    if (!o->ok) return false;
    if (o->name != "limit") return unknown_option(*o);
    const auto n = count_value(*o);
    if (!n) return false;
    m.limit = *n;
  }
  if (m.limit > 0) {
    unsupported("option: limit of mvexpand", c.name_span);
    return false;
  }
  c.body = std::move(m);
  return true;
}

bool Parser::makemv(Command& c) {
  MakemvCommand m;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name == "delim")
        m.delimiter = o->value;
      else if (o->name == "tokenizer")
        m.tokenizer = o->value;
      else if (o->name == "allowempty") {
        if (!flag_value(*o, m.allow_empty)) return false;
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    m.field = std::move(*f);
  }
  if (m.field.name.empty() || m.delimiter.empty()) {
    syntax("makemv needs a field and a delimiter", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(m);
  return true;
}

bool Parser::from(Command& c) {
  FromCommand f;
  const Token kind = lex_.next(Words::kValue);
  std::string_view what = kind.text;
  std::string_view rest;
  if (const size_t colon = what.find(':'); colon != std::string_view::npos) {
    rest = what.substr(colon + 1);
    what = what.substr(0, colon);
  }
  if (kind.kind != TokenKind::kWord || !equal_ignore_case(what, "datamodel")) {
    if (kind.kind == TokenKind::kWord)
      unsupported("source: from " + std::string(what), lex_.span(kind));
    else
      syntax("expected a source after from", kind);
    return false;
  }
  f.span = lex_.span(kind);
  std::string name(rest);
  if (name.empty()) {
    const Token t = lex_.next(Words::kValue);
    if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
      syntax("expected the name of a data model", t);
      return false;
    }
    name = t.text[0] == ':' ? t.text.substr(1) : t.text;
    f.span = lex_.span(t);
  }
  const size_t dot = name.find('.');
  f.model = name.substr(0, dot);
  if (dot != std::string::npos) f.dataset = name.substr(dot + 1);
  c.body = std::move(f);
  return true;
}

bool Parser::append(Command& c) {
  AppendCommand a;
  a.kind = c.name == "append"       ? AppendCommand::Kind::kAppend
           : c.name == "appendpipe" ? AppendCommand::Kind::kAppendpipe
                                    : AppendCommand::Kind::kMultisearch;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      // Limits of time and rows on the subsearch: postern gives the whole answer.
      if (o->name != "maxtime" && o->name != "maxout" && o->name != "timeout" &&
          o->name != "extendtimerange" && o->name != "run_in_preview")
        return unknown_option(*o);
      continue;
    }
    Pipeline p;
    if (!sub_pipeline(p, Start::kCommand)) return false;
    a.pipelines.push_back(std::move(p));
  }
  const bool one = a.kind != AppendCommand::Kind::kMultisearch;
  if (a.pipelines.empty() || (one && a.pipelines.size() > 1)) {
    syntax(c.name + (one ? " takes one search in brackets" : " takes searches in brackets"),
           lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(a);
  return true;
}

bool Parser::replace(Command& c) {
  ReplaceCommand r;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (lex_.take_word("in")) {
      if (!field_list(r.fields)) return false;
      break;
    }
    ReplaceCommand::Pair p;
    if (!search_value(p.from, "replacement")) return false;
    if (!lex_.take_word("with")) {
      syntax("expected WITH", lex_.next(Words::kTerm));
      return false;
    }
    if (!search_value(p.to, "replacement")) return false;
    r.pairs.push_back(std::move(p));
  }
  if (r.pairs.empty()) {
    syntax("replace needs `value WITH value`", lex_.peek(Words::kTerm));
    return false;
  }
  if (r.fields.empty()) {
    unsupported("form: replace in all fields", c.name_span, "",
                "name the fields: replace ... IN field");
    return false;
  }
  c.body = std::move(r);
  return true;
}

bool Parser::join(Command& c) {
  JoinCommand j;
  while (!lex_.at_command_end() && lex_.peek() != '[') {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool flag = false;
      if (o->name == "type" && (equal_ignore_case(o->value, "inner")))
        j.left = false;
      else if (o->name == "type" &&
               (equal_ignore_case(o->value, "left") || equal_ignore_case(o->value, "outer")))
        j.left = true;
      else if (o->name == "max") {
        const auto n = count_value(*o);
        if (!n) return false;
        if (*n != 1) {
          unsupported("option: max=" + o->value + " of join", o->name_span);
          return false;
        }
      } else if (o->name == "usetime" || o->name == "earlier" || o->name == "overwrite") {
        if (!flag_value(*o, flag)) return false;
        // The defaults: usetime=false, overwrite=true.
        if (flag != (o->name == "overwrite") && o->name != "earlier") {
          unsupported("option: " + o->name + "=" + o->value + " of join", o->name_span);
          return false;
        }
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    j.fields.push_back(std::move(*f));
  }
  if (j.fields.empty()) {
    unsupported("form: join without fields", c.name_span, "", "name the fields to join on");
    return false;
  }
  auto p = std::make_unique<Pipeline>();
  if (!sub_pipeline(*p, Start::kCommand)) return false;
  j.pipeline = std::move(p);
  c.body = std::move(j);
  return true;
}

}  // namespace postern::lang::spl
