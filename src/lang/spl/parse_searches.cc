// Commands that are searches or hold some: search, where, from, append, multisearch, join.
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
        j.max = *n;
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
  auto p = std::make_unique<Pipeline>();
  if (!sub_pipeline(*p, Start::kCommand)) return false;
  j.pipeline = std::move(p);
  c.body = std::move(j);
  return true;
}

}  // namespace postern::lang::spl
