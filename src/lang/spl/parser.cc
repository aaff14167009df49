// Pipelines, the table of commands, and what all commands' arguments have in common.
#include "lang/spl/parser.h"

#include <algorithm>

#include "base/text.h"
#include "lang/spl/commands.h"

namespace postern::lang::spl {

/// The commands we run, by name.
struct CommandTable {
  struct Entry {
    std::string_view name;
    bool (Parser::*parse)(Command&);
  };

  static constexpr Entry kEntries[] = {
      {"search", &Parser::search},
      {"where", &Parser::where},
      {"eval", &Parser::eval},
      {"stats", &Parser::stats},
      {"eventstats", &Parser::stats},
      {"tstats", &Parser::tstats},
      {"convert", &Parser::convert},
      {"rename", &Parser::rename},
      {"fields", &Parser::fields},
      {"table", &Parser::table},
      {"sort", &Parser::sort},
      {"head", &Parser::head},
      {"dedup", &Parser::dedup},
      {"top", &Parser::top},
      {"rare", &Parser::top},
      {"bin", &Parser::bin},
      {"bucket", &Parser::bin},
      {"discretize", &Parser::bin},
      {"fillnull", &Parser::fillnull},
      {"rex", &Parser::rex},
      {"regex", &Parser::regex},
      {"mvexpand", &Parser::mvexpand},
      {"makemv", &Parser::makemv},
      {"from", &Parser::from},
      {"append", &Parser::append},
      {"appendpipe", &Parser::append},
      {"multisearch", &Parser::append},
      {"replace", &Parser::replace},
      {"join", &Parser::join},
      {"streamstats", &Parser::stats},
      {"lookup", &Parser::lookup},
      {"inputlookup", &Parser::inputlookup},
      {"outputlookup", &Parser::outputlookup},
      {"spath", &Parser::spath},
      {"xmlkv", &Parser::xmlkv},
      {"fromjson", &Parser::fromjson},
      {"foreach", &Parser::foreach},
      {"transaction", &Parser::transaction},
      {"tail", &Parser::tail},
      {"reverse", &Parser::tail},
      {"addtotals", &Parser::addtotals},
  };

  static const Entry* find(std::string_view name) {
    for (const Entry& e : kEntries)
      if (e.name == name) return &e;
    return nullptr;
  }
};

namespace {

bool is_command(std::string_view name) {
  return CommandTable::find(name) || is_refused_command(name);
}

}  // namespace

void Parser::error(
    std::string code, std::string message, Span at, std::string label, std::string hint) {
  failed_ = true;
  diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
}

void Parser::syntax(std::string message, const Token& at, std::string hint) {
  if (at.kind == TokenKind::kUnterminated) {
    error("spl-unterminated-string", "this quote is never closed", lex_.span(at), "opened here");
    return;
  }
  // What ends the command is not the wrong word itself: recovery goes on from there.
  if (at.is_symbol("|") || at.is_symbol("]")) lex_.set_position(at.begin);
  error("spl-syntax", std::move(message), lex_.span(at),
        at.kind == TokenKind::kEnd ? "the search ends here" : "", std::move(hint));
}

void Parser::unsupported(std::string what, Span at, std::string label, std::string hint) {
  error("spl-unsupported", "unsupported " + std::move(what), at, std::move(label), std::move(hint));
}

bool Parser::enter(Span at) {
  if (++depth_ <= kMaxDepth) return true;
  --depth_;
  error("spl-too-deep", "nested more than " + std::to_string(kMaxDepth) + " deep", at);
  return false;
}

OrFailed<Pipeline> Parser::parse(Start start) {
  Pipeline out;
  pipeline(out, start);
  if (!failed_ && lex_.peek() == ']') {
    const Token t = lex_.next(Words::kTerm);
    syntax("`]` without its `[`", t);
  }
  if (failed_) return Failed{};
  return out;
}

bool Parser::pipeline(Pipeline& out, Start start) {
  const size_t begin = lex_.position();
  bool first = true;
  bool ok = true;
  if (lex_.peek() == '|') {
    lex_.take('|');
    start = Start::kCommand;
    first = false;
  }
  for (;;) {
    if (out.commands.size() >= kMaxCommands) {
      error("spl-too-long", "a search of more than " + std::to_string(kMaxCommands) + " commands",
            lex_.span(lex_.position(), lex_.position() + 1));
      return false;
    }
    if (!command(out, first, start)) {
      ok = false;
      lex_.skip_command();
    }
    first = false;
    if (!lex_.take('|')) break;
  }
  out.span = lex_.span(begin, lex_.position());
  return ok;
}

bool Parser::sub_pipeline(Pipeline& out, Start start) {
  const Token open = lex_.next(Words::kTerm);
  if (!open.is_symbol("[")) {
    syntax("expected a search in brackets", open, "write [ search ... ]");
    return false;
  }
  if (!enter(lex_.span(open))) return false;
  bool ok = pipeline(out, start);
  leave();
  if (!lex_.take(']')) {
    if (ok) syntax("this bracket is never closed", open);
    ok = false;
  }
  return ok;
}

bool Parser::command(Pipeline& out, bool first, Start start) {
  Command c;
  lex_.skip_blanks();
  const size_t begin = lex_.position();
  const Token name = lex_.peek(Words::kTerm);
  c.name = fold(name.text);
  const bool word = name.kind == TokenKind::kWord;
  // A word that only happens to be a command's name stays a term: `error | …`, `top=5 | …`.
  const bool explicit_search = word && c.name == "search";
  const bool as_command =
      word && (!first || explicit_search || (start == Start::kCommand && is_command(c.name)));
  bool ok = true;
  if (as_command) {
    lex_.next(Words::kTerm);
    c.name_span = lex_.span(name);
    if (const CommandTable::Entry* entry = CommandTable::find(c.name)) {
      ok = (this->*entry->parse)(c);
      if (ok) ok = expect_command_end();
    } else if (is_refused_command(c.name)) {
      unsupported("command: " + c.name, c.name_span, "not run by postern");
      ok = false;
    } else {
      std::vector<std::string_view> names = refused_command_names();
      for (const CommandTable::Entry& e : CommandTable::kEntries)
        names.push_back(e.name);
      const std::string near = nearest_name(c.name, names);
      error("spl-unknown-command", "unknown command: " + c.name, c.name_span, "",
            near.empty() ? "" : "did you mean `" + near + "`?");
      ok = false;
    }
  } else if (first) {
    c.name = "search";
    c.name_span = lex_.span(name);
    if (word && CommandTable::find(fold(name.text)) && name.end < lex_.text().size() &&
        ascii_space(lex_.text()[name.end]))
      diag_.warning("spl-command-as-term",
                    "the search begins with the words `" + std::string(name.text) + " …`",
                    c.name_span, "searched for as a term",
                    "put `|` before a command that begins a search");
    ok = search(c) && expect_command_end();
  } else {
    syntax(name.kind == TokenKind::kEnd || name.is_symbol("|") || name.is_symbol("]")
               ? "expected a command after `|`"
               : "expected a command's name",
           name);
    ok = false;
  }
  c.span = lex_.span(begin, lex_.position());
  out.commands.push_back(std::move(c));
  return ok;
}

bool Parser::expect_command_end() {
  if (lex_.at_command_end()) return true;
  const Token t = lex_.next(Words::kTerm);
  syntax("unexpected `" + std::string(t.text) + "`", t);
  return false;
}

std::optional<Parser::Option> Parser::option() {
  const size_t at = lex_.position();
  const Token name = lex_.next(Words::kTerm);
  if (name.kind != TokenKind::kWord || !lex_.next(Words::kTerm).is_symbol("=")) {
    lex_.set_position(at);
    return std::nullopt;
  }
  Option o;
  o.name = fold(name.text);
  o.name_span = lex_.span(name);
  const Token value = lex_.next(Words::kValue);
  if (value.kind != TokenKind::kWord && value.kind != TokenKind::kString) {
    syntax("expected a value after `" + o.name + "=`", value);
    o.ok = false;
    return o;
  }
  o.value = unescape(value.text);
  o.span = lex_.span(value);
  return o;
}

std::optional<FieldName> Parser::field_name(const char* what) {
  const Token t = lex_.next(Words::kTerm);
  if (t.kind != TokenKind::kWord && t.kind != TokenKind::kString) {
    syntax(std::string("expected ") + what, t);
    return std::nullopt;
  }
  std::string_view name = t.text;
  // A column may be called like the call that made it: `fields - predicted(score)`.
  const bool call = t.kind == TokenKind::kWord && lex_.position() < lex_.text().size() &&
                    lex_.text()[lex_.position()] == '(';
  const size_t close =
      call ? lex_.text().find_first_of(")|", lex_.position()) : std::string_view::npos;
  if (close != std::string_view::npos && lex_.text()[close] == ')') {
    lex_.set_position(close + 1);
    return FieldName{std::string(lex_.text().substr(t.begin, close + 1 - t.begin)),
                     lex_.span(t.begin, close + 1)};
  }
  // Some rules quote field names as eval does.
  if (t.kind == TokenKind::kWord && name.size() > 2 && name.front() == '\'' && name.back() == '\'')
    name = name.substr(1, name.size() - 2);
  return FieldName{t.kind == TokenKind::kString ? unescape(name) : std::string(name), lex_.span(t)};
}

bool Parser::field_list(std::vector<FieldName>& out) {
  while (!lex_.at_command_end()) {
    if (lex_.take(',')) continue;
    auto f = field_name("a field");
    if (!f) return false;
    out.push_back(std::move(*f));
  }
  return true;
}

std::optional<int64_t> Parser::count_value(const Option& o) {
  const auto n = parse_int(o.value);
  if (n && *n >= 0) return n;
  error("spl-bad-value", o.name + " takes a whole number, not `" + o.value + "`", o.span);
  return std::nullopt;
}

bool Parser::flag_value(const Option& o, bool& out) {
  const std::string v = fold(o.value);
  if (v == "t" || v == "true" || v == "1" || v == "yes")
    out = true;
  else if (v == "f" || v == "false" || v == "0" || v == "no")
    out = false;
  else {
    error("spl-bad-value", o.name + " is true or false, not `" + o.value + "`", o.span);
    return false;
  }
  return true;
}

bool Parser::unknown_option(const Option& o) {
  unsupported("option: " + o.name, o.name_span);
  return false;
}

}  // namespace postern::lang::spl
