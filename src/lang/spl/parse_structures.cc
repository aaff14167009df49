// Commands over texts with structure and over runs of events: spath, xmlkv, fromjson, foreach,
// transaction.
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

bool Parser::spath(Command& c) {
  SpathCommand s;
  s.input = {"_raw", c.name_span};
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name == "input")
        s.input = {o->value, o->span};
      else if (o->name == "path")
        s.path = o->value;
      else if (o->name == "output")
        s.output = o->value;
      else
        return unknown_option(*o);
      continue;
    }
    auto path = field_name("a path");
    if (!path) return false;
    if (!s.path.empty()) {
      error("spl-syntax", "spath takes one path", path->span);
      return false;
    }
    s.path = std::move(path->name);
  }
  if (s.path.empty() && !s.output.empty()) {
    // By the reference a name alone is both the path and the output.
    s.path = s.output;
  }
  c.body = std::move(s);
  return true;
}

bool Parser::xmlkv(Command& c) {
  SpathCommand s;
  s.kind = SpathCommand::Kind::kXmlkv;
  s.input = {"_raw", c.name_span};
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "maxinputs") return unknown_option(*o);
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    s.input = std::move(*f);
  }
  c.body = std::move(s);
  return true;
}

bool Parser::fromjson(Command& c) {
  SpathCommand s;
  s.kind = SpathCommand::Kind::kFromjson;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name != "prefix") return unknown_option(*o);
      s.prefix = o->value;
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    s.input = std::move(*f);
  }
  if (s.input.name.empty()) {
    syntax("fromjson needs a field", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(s);
  return true;
}

// The template is kept as text: what `<<FIELD>>` stands for is known when the fields are.
bool Parser::foreach (Command& c) {
  ForeachCommand f;
  while (!lex_.at_command_end() && lex_.peek() != '[') {
    if (lex_.take(',')) continue;
    if (const auto o = option()) {
      if (!o->ok) return false;
      if (o->name == "mode" && equal_ignore_case(o->value, "multifield")) continue;
      return unknown_option(*o);
    }
    auto name = field_name("a field");
    if (!name) return false;
    f.patterns.push_back(std::move(*name));
  }
  if (f.patterns.empty() || lex_.peek() != '[') {
    syntax("foreach needs fields and a template in brackets", lex_.peek(Words::kTerm),
           "for example: foreach bytes_* [ eval total=total+'<<FIELD>>' ]");
    return false;
  }
  lex_.skip_blanks();
  const size_t open = lex_.position();
  const std::string_view text = lex_.text();
  int depth = 0;
  size_t at = open;
  for (; at < text.size(); ++at) {
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    } else if (text[at] == '[') {
      ++depth;
    } else if (text[at] == ']' && --depth == 0) {
      break;
    }
  }
  if (at >= text.size()) {
    syntax("this bracket is never closed", Token{TokenKind::kSymbol, "[", open, open + 1});
    return false;
  }
  f.body = trim(text.substr(open + 1, at - open - 1));
  f.body_span = lex_.span(open, at + 1);
  lex_.set_position(at + 1);
  c.body = std::move(f);
  return true;
}

/// `(search condition)`, `"phrase"`, `term` or `eval(condition)`.
bool Parser::transaction_condition(TransactionCommand::Condition& out) {
  if (lex_.peek_word("eval")) {
    lex_.take_word("eval");
    if (!lex_.take('(')) {
      syntax("expected `(` after eval", lex_.next(Words::kTerm));
      return false;
    }
    out.eval = eval_expr();
    if (!out.eval) return false;
    if (lex_.take(')')) return true;
    syntax("expected `)`", lex_.next(Words::kEval));
    return false;
  }
  out.search = search_primary();
  return out.search != nullptr;
}

bool Parser::transaction(Command& c) {
  TransactionCommand t;
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    const size_t before = lex_.position();
    const bool starts = lex_.take_word("startswith");
    if (starts || lex_.take_word("endswith")) {
      if (lex_.take('=')) {
        if (!transaction_condition(starts ? t.startswith : t.endswith)) return false;
        continue;
      }
      lex_.set_position(before);
    }
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool on = true;
      if (o->name == "maxspan" || o->name == "maxpause") {
        (o->name == "maxspan" ? t.maxspan : t.maxpause) = o->value == "-1" ? "" : o->value;
        t.span_span = o->span;
      } else if (o->name == "maxevents") {
        const auto n = count_value(*o);
        if (!n) return false;
        t.maxevents = *n;
      } else if (o->name == "connected" || o->name == "keepevicted" || o->name == "keeporphans" ||
                 o->name == "mvlist" || o->name == "unifyends") {
        if (!flag_value(*o, on)) return false;
        // With one field every event of a transaction has it, connected or not.
        if (o->name != "connected" ? on : !on && t.fields.size() > 1) {
          unsupported("option: " + o->name + "=" + o->value + " of transaction", o->name_span);
          return false;
        }
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    auto f = field_name("a field");
    if (!f) return false;
    t.fields.push_back(std::move(*f));
  }
  c.body = std::move(t);
  return true;
}

}  // namespace postern::lang::spl
