// Commands about columns and the order of rows: rename, fields, table, fillnull, replace, sort,
// head, dedup.
#include <algorithm>

#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

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

// `tail n`, and `reverse`, which is a tail of all rows.
bool Parser::tail(Command& c) {
  TailCommand t;
  if (c.name == "reverse") {
    t.limit = 0;
  } else if (!lex_.at_command_end()) {
    const Token n = lex_.next(Words::kTerm);
    const auto limit = n.kind == TokenKind::kWord ? parse_int(n.text) : std::nullopt;
    if (!limit || *limit < 1) {
      syntax("tail takes a number of rows", n);
      return false;
    }
    t.limit = *limit;
  }
  c.body = t;
  return true;
}

bool Parser::addtotals(Command& c) {
  AddtotalsCommand a;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool on = true;
      if (o->name == "fieldname") {
        a.name = o->value;
        continue;
      }
      if (o->name != "row" && o->name != "col") return unknown_option(*o);
      if (!flag_value(*o, on)) return false;
      if (on != (o->name == "row")) {
        unsupported("option: " + o->name + "=" + o->value + " of addtotals", o->name_span);
        return false;
      }
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    a.fields.push_back(std::move(*f));
  }
  c.body = std::move(a);
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

}  // namespace postern::lang::spl
