// `lookup`, `inputlookup`, `outputlookup`.
#include "base/text.h"
#include "lang/spl/parser.h"

namespace postern::lang::spl {

bool Parser::lookup_name(std::string& name, Span& span) {
  const Token t = lex_.next(Words::kTerm);
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
    syntax("expected the name of a lookup", t);
    return false;
  }
  name = t.text;
  span = lex_.span(t);
  return true;
}

/// `column [AS field]`, …, up to OUTPUT, OUTPUTNEW or the end.
bool Parser::lookup_pairs(std::vector<LookupCommand::Pair>& out) {
  while (!lex_.at_command_end() && !lex_.peek_word("output") && !lex_.peek_word("outputnew")) {
    if (lex_.take(',')) continue;
    LookupCommand::Pair p;
    auto column = field_name("a field of the lookup");
    if (!column) return false;
    p.column = *column;
    p.field = std::move(*column);
    if (lex_.take_word("as")) {
      auto field = field_name("a field");
      if (!field) return false;
      p.field = std::move(*field);
    }
    out.push_back(std::move(p));
  }
  return true;
}

bool Parser::lookup(Command& c) {
  LookupCommand l;
  while (const auto o = option()) {
    if (!o->ok) return false;
    // Where the lookup runs, and whether a change of its file is seen, change no answer here.
    if (o->name != "local" && o->name != "update" && o->name != "event_time_field")
      return unknown_option(*o);
  }
  if (!lookup_name(l.name, l.name_span) || !lookup_pairs(l.keys)) return false;
  if (l.keys.empty()) {
    syntax("lookup needs a field to look up", lex_.peek(Words::kTerm),
           "for example: lookup users user OUTPUT mail");
    return false;
  }
  if (lex_.peek_word("output") || lex_.peek_word("outputnew")) {
    l.only_new = lex_.take_word("outputnew");
    const bool output = l.only_new || lex_.take_word("output");
    if (!output || !lookup_pairs(l.outputs)) return false;
    if (l.outputs.empty()) {
      syntax("expected a field after OUTPUT", lex_.peek(Words::kTerm));
      return false;
    }
  }
  c.body = std::move(l);
  return true;
}

bool Parser::inputlookup(Command& c) {
  InputlookupCommand l;
  bool named = false;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      bool strict = false;
      if (o->name == "append") {
        if (!flag_value(*o, l.append)) return false;
      } else if (o->name == "strict") {
        if (!flag_value(*o, strict)) return false;
      } else if (o->name == "start" || o->name == "max") {
        const auto n = count_value(*o);
        if (!n) return false;
        (o->name == "start" ? l.start : l.max.emplace()) = *n;
      } else {
        return unknown_option(*o);
      }
      continue;
    }
    if (named && lex_.take_word("where")) {
      if (!search_condition(l.where, false)) return false;
      break;
    }
    if (named) return expect_command_end();
    if (!lookup_name(l.name, l.name_span)) return false;
    named = true;
  }
  if (!named) {
    syntax("inputlookup needs the name of a lookup", lex_.peek(Words::kTerm));
    return false;
  }
  c.body = std::move(l);
  return true;
}

bool Parser::outputlookup(Command& c) {
  OutputlookupCommand l;
  while (!lex_.at_command_end()) {
    if (const auto o = option()) {
      if (!o->ok) return false;
      continue;  // how the rows would be written
    }
    if (!lookup_name(l.name, l.name_span)) return false;
  }
  if (l.name.empty()) {
    syntax("outputlookup needs the name of a lookup", lex_.peek(Words::kTerm));
    return false;
  }
  diag_.warning("spl-lookup-not-written", "no lookup is written: " + l.name, l.name_span,
                "the rows pass on unchanged");
  c.body = std::move(l);
  return true;
}

}  // namespace postern::lang::spl
