// Commands that make or change the value of a field: eval, convert, bin, rex, regex, mvexpand,
// makemv.
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

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

}  // namespace postern::lang::spl
