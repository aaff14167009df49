// Commands that make or change the value of a field: convert, bin, rex, regex, mvexpand, makemv.
#include <algorithm>

#include "lang/spl/lower.h"

namespace postern::lang::spl {

using data::Value;
using plan::ExprPtr;
using plan::NamedExpr;
using plan::Op;
using plan::OpKind;

namespace {

// Search Reference, convert: the format of ctime when none is given.
constexpr const char* kDefaultTimeFormat = "%m/%d/%Y %H:%M:%S";

ExprPtr text(const std::string& s, Span at) {
  return plan::literal(Value::string(s), at);
}

/// A sed command of `rex mode=sed`: s/regex/replacement/flags with any delimiter.
struct Substitution {
  std::string pattern;
  std::string replacement;
  std::string flags;
};

bool parse_sed(const std::string& s, Substitution& out) {
  if (s.size() < 4 || s[0] != 's') return false;
  const char delimiter = s[1];
  std::string* parts[] = {&out.pattern, &out.replacement};
  size_t i = 2;
  for (std::string* part : parts) {
    for (; i < s.size() && s[i] != delimiter; ++i) {
      if (s[i] == '\\' && i + 1 < s.size()) {
        // An escaped delimiter is the delimiter; every other escape is the expression's own.
        if (s[i + 1] != delimiter) *part += s[i];
        ++i;
      }
      *part += s[i];
    }
    if (i >= s.size()) return false;
    ++i;
  }
  out.flags = s.substr(i);
  return out.flags.find_first_not_of("gi") == std::string::npos;
}

}  // namespace

bool Lowering::convert(const ConvertCommand& c, Rows& rows, Span at) {
  const std::string format = c.timeformat.value_or(kDefaultTimeFormat);
  std::vector<std::pair<const ConvertItem*, std::string>> fields;
  for (const ConvertItem& i : c.items) {
    if (i.field.name.find('*') == std::string::npos) {
      fields.emplace_back(&i, i.field.name);
      continue;
    }
    if (rows.open || !i.name.empty()) {
      unsupported("wildcard in convert", i.field.span);
      return false;
    }
    for (std::string& field : matching(rows, i.field.name))
      fields.emplace_back(&i, std::move(field));
  }
  for (const auto& [item, field] : fields) {
    const ConvertItem& i = *item;
    const std::string& name = i.name.empty() ? field : i.name;
    ExprPtr e = plan::column(field, i.field.span);
    if (i.function == "ctime")
      e = plan::call("spl.ctime", {e, text(format, i.span)}, i.span);
    else if (i.function == "mktime")
      e = plan::call("spl.strptime", {e, text(format, i.span)}, i.span);
    else if (i.function == "num")
      e = plan::call("spl.tonumber", {e}, i.span);
    else if (i.function == "auto")
      e = plan::call("spl.coalesce", {plan::call("spl.tonumber", {e}, i.span), e}, i.span);
    else if (i.function == "rmcomma")
      e = plan::call("spl.replace", {e, text(",", i.span), text("", i.span)}, i.span);
    extend(rows, {{name, std::move(e), i.field.span}}, at);
  }
  return true;
}

bool Lowering::bin(const BinCommand& c, Rows& rows, Span at) {
  if (!valid_span(c.span.text)) {
    error("spl-bad-span", "not a span: " + c.span.text, c.span.span, "",
          "for example 30s, 5m, 1h, 1d, 100");
    return false;
  }
  const std::string& name = c.name.empty() ? c.field.name : c.name;
  if (rows.open) rows.add(c.field.name);
  extend(
      rows,
      {{name,
        plan::call("spl.bin",
                   {plan::column(c.field.name, c.field.span), text(c.span.text, c.span.span)}, at),
        at}},
      at);
  return true;
}

bool Lowering::rex(const RexCommand& c, Rows& rows, Span at) {
  const ExprPtr field = plan::column(c.field.name, c.field.span);
  if (c.sed) {
    Substitution s;
    if (!parse_sed(c.pattern, s)) {
      unsupported("sed expression", c.pattern_span,
                  "write s/expression/replacement/ with the flags g and i");
      return false;
    }
    if (s.flags.find('i') != std::string::npos) s.pattern.insert(0, "(?i)");
    if (!check_regex(s.pattern, c.pattern_span, nullptr)) return false;
    const bool all = s.flags.find('g') != std::string::npos;
    extend(rows,
           {{c.field.name,
             plan::call(
                 all ? "spl.replace" : "spl.replace_first",
                 {field, text(s.pattern, c.pattern_span), text(s.replacement, c.pattern_span)}, at),
             c.field.span}},
           at);
    return true;
  }
  std::vector<std::string> groups;
  if (!check_regex(c.pattern, c.pattern_span, &groups)) return false;
  std::vector<NamedExpr> items;
  for (const std::string& group : groups) {
    if (group.empty()) continue;
    std::vector<ExprPtr> args = {field, text(c.pattern, c.pattern_span),
                                 text(group, c.pattern_span)};
    ExprPtr e;
    if (c.max_match == 1) {
      e = plan::call("spl.rex", std::move(args), c.pattern_span);
    } else {
      args.push_back(plan::literal(Value::integer(c.max_match), at));
      e = plan::call("spl.rex_all", std::move(args), c.pattern_span);
    }
    // Without a match a field keeps its value. Only fields that the search has named are taken to
    // have one: reading every group's name from the events would make each a field the evidence
    // must have.
    if (rows.has(group))
      e = plan::call("spl.coalesce", {e, plan::column(group, c.pattern_span)}, c.pattern_span);
    items.push_back({group, std::move(e), c.pattern_span});
  }
  if (items.empty()) {
    error("spl-bad-regex", "rex extracts nothing: the expression has no named group",
          c.pattern_span, "", "name what to extract: (?<user>\\w+)");
    return false;
  }
  if (rows.open) rows.add(c.field.name);
  extend(rows, std::move(items), at);
  return true;
}

bool Lowering::regex(const RegexCommand& c, Rows& rows, Span at) {
  if (!check_regex(c.pattern, c.pattern_span, nullptr)) return false;
  ExprPtr e = plan::call(
      "spl.match", {plan::column(c.field.name, c.field.span), text(c.pattern, c.pattern_span)}, at);
  // `!=` removes what matches; a row without the field does not match, and stays.
  if (c.negated)
    e = plan::call(
        "not", {plan::call("spl.coalesce", {e, plan::literal(Value::boolean(false), at)}, at)}, at);
  if (rows.open) rows.add(c.field.name);
  rows.op = plan::filter(rows.op, std::move(e), at);
  return true;
}

bool Lowering::mvexpand(const MvexpandCommand& c, Rows& rows, Span at) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kExpand;
  op->span = at;
  op->inputs = {rows.op};
  op->patterns = {c.field.name};
  op->item_names = {c.field.name};
  if (rows.open) rows.add(c.field.name);
  rows.op = op;
  return true;
}

bool Lowering::makemv(const MakemvCommand& c, Rows& rows, Span at) {
  const ExprPtr field = plan::column(c.field.name, c.field.span);
  ExprPtr e;
  if (!c.tokenizer.empty()) {
    if (!check_regex(c.tokenizer, at, nullptr)) return false;
    e = plan::call(
        "spl.rex_all",
        {field, text(c.tokenizer, at), text("1", at), plan::literal(Value::integer(0), at)}, at);
  } else {
    e = plan::call("spl.split", {field, text(c.delimiter, at)}, at);
    if (!c.allow_empty) e = plan::call("spl.without_empty", {e}, at);
  }
  extend(rows, {{c.field.name, std::move(e), c.field.span}}, at);
  return true;
}

}  // namespace postern::lang::spl
