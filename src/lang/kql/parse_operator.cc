// Tabular operators: one small method each, found by the operator's word. Those that take other
// tables are in parse_join.cc.
#include <algorithm>

#include "base/text.h"
#include "lang/kql/parser_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

namespace {

/// Operators of Kusto that this reader refuses by name.
constexpr std::string_view kUnsupportedOperators[] = {"consume",
                                                      "execute-and-cache",
                                                      "externaldata",
                                                      "facet",
                                                      "find",
                                                      "fork",
                                                      "graph-mark-components",
                                                      "graph-match",
                                                      "graph-merge",
                                                      "graph-shortest-paths",
                                                      "graph-to-table",
                                                      "macro-expand",
                                                      "make-graph",
                                                      "partition",
                                                      "project-by-names",
                                                      "project-smart",
                                                      "reduce",
                                                      "scan",
                                                      "top-hitters",
                                                      "top-nested"};

/// Depth of an operator: walkers recurse into its expressions only.
int deepest(const Operator& op) {
  int depth = 1;
  const auto see = [&](const Expr* e) { depth = e ? std::max(depth, e->depth) : depth; };
  see(op.value);
  for (const NamedItem& i : op.items)
    see(i.expr);
  for (const NamedItem& i : op.by)
    see(i.expr);
  for (const SortItem& s : op.sort)
    see(s.expr);
  for (const Expr* t : op.tables)
    see(t);
  for (const Expr* r : op.range)
    see(r);
  for (const NamedItem& i : op.axis)
    see(i.expr);
  for (const Expr* d : op.defaults)
    see(d);
  return depth;
}

}  // namespace

/// Every operator with its reader. Aliases share one: the word itself stays in the tree for
/// messages.
const std::vector<Parser::OperatorWord>& Parser::operator_words() {
  static const std::vector<OperatorWord> kWords = {
      {"where", OperatorKind::kWhere, &Parser::predicate},
      {"filter", OperatorKind::kWhere, &Parser::predicate},
      {"extend", OperatorKind::kExtend, &Parser::items},
      {"project", OperatorKind::kProject, &Parser::items},
      {"project-away", OperatorKind::kProjectAway, &Parser::name_patterns},
      {"project-keep", OperatorKind::kProjectKeep, &Parser::name_patterns},
      {"project-rename", OperatorKind::kProjectRename, &Parser::renames},
      {"project-reorder", OperatorKind::kProjectReorder, &Parser::name_patterns},
      {"summarize", OperatorKind::kSummarize, &Parser::summarize},
      {"sort", OperatorKind::kSort, &Parser::sort},
      {"order", OperatorKind::kSort, &Parser::sort},
      {"top", OperatorKind::kTop, &Parser::top},
      {"take", OperatorKind::kTake, &Parser::row_count},
      {"limit", OperatorKind::kTake, &Parser::row_count},
      {"sample", OperatorKind::kTake, &Parser::row_count},
      {"distinct", OperatorKind::kDistinct, &Parser::distinct},
      {"sample-distinct", OperatorKind::kSampleDistinct, &Parser::sample_distinct},
      {"count", OperatorKind::kCount, &Parser::count},
      {"print", OperatorKind::kPrint, &Parser::items},
      {"range", OperatorKind::kRange, &Parser::range},
      {"union", OperatorKind::kUnion, &Parser::union_},
      {"join", OperatorKind::kJoin, &Parser::join},
      {"lookup", OperatorKind::kLookup, &Parser::join},
      {"mv-expand", OperatorKind::kMvExpand, &Parser::mv_expand},
      {"mvexpand", OperatorKind::kMvExpand, &Parser::mv_expand},
      {"parse", OperatorKind::kParse, &Parser::parse_},
      {"parse-where", OperatorKind::kParse, &Parser::parse_},
      {"invoke", OperatorKind::kInvoke, &Parser::invoke},
      {"serialize", OperatorKind::kSerialize, &Parser::optional_items},
      {"mv-apply", OperatorKind::kMvApply, &Parser::mv_apply},
      {"make-series", OperatorKind::kMakeSeries, &Parser::make_series},
      {"evaluate", OperatorKind::kEvaluate, &Parser::evaluate},
      {"search", OperatorKind::kSearch, &Parser::search},
      {"parse-kv", OperatorKind::kParseKv, &Parser::parse_kv},
      {"getschema", OperatorKind::kGetSchema, &Parser::no_operand},
      {"as", OperatorKind::kNothing, &Parser::name_only},
      {"render", OperatorKind::kNothing, &Parser::skip_rest}};
  return kWords;
}

/// The operator's word with its dashes (`project-away`); the tokens are taken.
std::string Parser::operator_word() {
  std::string out(now().text);
  next();
  while (is("-") && at_ > 0 && tokens_[at_ - 1].end == now().begin &&
         peek().kind == TokenKind::kName && adjacent(1)) {
    const std::string longer = out + "-" + std::string(peek().text);
    const auto known = [&](std::string_view w) {
      return w == longer || w.starts_with(longer + "-");
    };
    const std::vector<OperatorWord>& words = operator_words();
    if (std::none_of(words.begin(), words.end(),
                     [&](const OperatorWord& w) { return known(w.word); }) &&
        std::none_of(std::begin(kUnsupportedOperators), std::end(kUnsupportedOperators), known))
      break;
    out = longer;
    next();
    next();
  }
  return out;
}

/// One operator behind `|`. A fault skips to the next `|`, so that a query tells of all its
/// operators; the node stays, marked, so that lowering knows that rows are missing here.
Operator* Parser::operator_() {
  Operator* op = ast_.op();
  const size_t first = at_;
  if (!is_name()) {
    fail(now().span, "an operator is missing after `|`");
    recover();
    op->kind = OperatorKind::kUnsupported;
    return op;
  }
  op->word = operator_word();
  op->keyword = span_from(first);
  const std::vector<OperatorWord>& words = operator_words();
  const auto known = std::find_if(words.begin(), words.end(),
                                  [&](const OperatorWord& w) { return w.word == op->word; });
  if (known == words.end()) {
    op->kind = OperatorKind::kUnsupported;
    const bool refused =
        std::find(std::begin(kUnsupportedOperators), std::end(kUnsupportedOperators), op->word) !=
        std::end(kUnsupportedOperators);
    if (refused) {
      unsupported(op->keyword, "the operator `" + op->word + "` is not supported");
    } else {
      std::vector<std::string_view> names(std::begin(kUnsupportedOperators),
                                          std::end(kUnsupportedOperators));
      for (const OperatorWord& w : words)
        names.push_back(w.word);
      const std::string near = nearest_name(op->word, names);
      diag_.error("kql-unknown-operator", "unknown operator: " + op->word, op->keyword, "",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    }
    recover();
  } else {
    op->kind = known->kind;
    if (!(this->*known->parse)(*op)) {
      recover();
    } else if (!pipe_ends()) {
      fail(now().span, "unexpected `" + std::string(now().text) + "` in `" + op->word + "`");
      recover();
    }
  }
  op->span = span_from(first);
  op->depth = deepest(*op);
  return op;
}

/// One `name=value` before the operands; false when there is none here.
bool Parser::option(Operator& op) {
  if (!is_name()) return false;
  size_t name_tokens = 1;
  std::string name(now().text);
  if (name == "hint" && peek().is(".") && peek(2).kind == TokenKind::kName) {
    name += "." + std::string(peek(2).text);
    name_tokens = 3;
  }
  if (!peek(name_tokens).is("=")) return false;
  const size_t first = at_;
  for (size_t i = 0; i <= name_tokens; ++i)
    next();
  Option option;
  option.name = std::move(name);
  option.value =
      now().kind == TokenKind::kString ? now().value.as_bytes() : std::string(now().text);
  next();
  option.span = span_from(first);
  op.options.push_back(std::move(option));
  return true;
}

/// All of them. Where operands themselves may be `name = expr`, only `hint.x=` is an option.
void Parser::options(Operator& op, bool hints_only) {
  while (!hints_only || (word("hint") && peek().is(".")))
    if (!option(op)) return;
}

/// `where condition`
bool Parser::predicate(Operator& op) {
  in_condition_ = true;
  op.value = expression();
  in_condition_ = false;
  return op.value != nullptr;
}

/// The `name =` or `(a, b) =` before an expression; true also when there is none.
bool Parser::item_names(NamedItem& out) {
  // `(a, b) = expr`
  if (is("(")) {
    size_t i = 1;
    while (peek(i).kind == TokenKind::kName && (peek(i + 1).is(",") || peek(i + 1).is(")"))) {
      i += 2;
      if (peek(i - 1).is(")")) break;
    }
    if (i == 1 || !peek(i - 1).is(")") || !peek(i).is("=")) return true;
    const size_t first = at_;
    for (; !is(")"); next())
      if (is_name()) out.names.push_back(std::string(now().text));
    next();
    out.name_span = span_from(first);
    return take("=");
  }
  const size_t name_tokens = quoted_name_ahead() ? 3 : 1;
  if (name_tokens == 1 && !is_name()) return true;
  if (!peek(name_tokens).is("=")) return true;
  std::string name;
  if (!column_name(name, out.name_span)) return false;
  out.names.push_back(std::move(name));
  return take("=");
}

/// `[name =] expression`
bool Parser::item(NamedItem& out) {
  const size_t first = at_;
  if (!item_names(out)) return false;
  out.expr = expression();
  out.span = span_from(first);
  return out.expr != nullptr;
}

bool Parser::item_list(std::vector<NamedItem>& out) {
  do {
    NamedItem i;
    if (!item(i)) return false;
    out.push_back(std::move(i));
  } while (take(","));
  return true;
}

bool Parser::items(Operator& op) {
  return item_list(op.items);
}

/// `serialize` alone, or with columns like extend.
bool Parser::optional_items(Operator& op) {
  return pipe_ends() || item_list(op.items);
}

/// `Device*`, `*_d`, `a*b`, `['odd name']`
bool Parser::name_pattern(NamePattern& out) {
  const size_t first = at_;
  if (quoted_name_ahead()) return column_name(out.text, out.span);
  while ((is_name() || is("*")) && (at_ == first || tokens_[at_ - 1].end == now().begin)) {
    out.text += now().text;
    next();
  }
  if (out.text.empty()) {
    fail(now().span, "the name of a column is missing");
    return false;
  }
  out.span = span_from(first);
  return true;
}

/// `project-away a, b*`
bool Parser::name_patterns(Operator& op) {
  do {
    NamePattern p;
    if (!name_pattern(p)) return false;
    op.patterns.push_back(std::move(p));
    if (op.kind == OperatorKind::kProjectReorder &&
        (word("asc") || word("desc") || word("granny"))) {
      unsupported(now().span, "ordering columns by name in `project-reorder` is not supported");
      return false;
    }
  } while (take(","));
  return true;
}

/// `project-rename new = old, …`
bool Parser::renames(Operator& op) {
  do {
    NamePattern to;
    NamePattern from;
    if (!name_pattern(to) || !expect("=", "between the new and the old name") ||
        !name_pattern(from))
      return false;
    op.patterns.push_back(std::move(from));
    op.patterns.push_back(std::move(to));
  } while (take(","));
  return true;
}

/// `summarize [aggregates] [by keys]`; hints are about speed and pass.
bool Parser::summarize(Operator& op) {
  options(op, true);
  if (!word("by") && !pipe_ends() && !item_list(op.items)) return false;
  if (word("by")) {
    next();
    return item_list(op.by);
  }
  if (!op.items.empty()) return true;
  fail(now().span, "`summarize` computes nothing");
  return false;
}

/// `by a asc nulls last, b`; descending where nothing is said.
bool Parser::sort_list(std::vector<SortItem>& out) {
  if (!expect("by", "before the columns to sort by")) return false;
  do {
    SortItem s;
    s.expr = expression();
    if (!s.expr) return false;
    if (word("asc") || word("desc")) {
      s.descending = word("desc");
      next();
    }
    if (word("nulls")) {
      next();
      if (!word("first") && !word("last")) {
        fail(now().span, "`first` or `last` is missing after `nulls`");
        return false;
      }
      s.nulls_first = word("first");
      next();
    }
    out.push_back(std::move(s));
  } while (take(","));
  return true;
}

bool Parser::sort(Operator& op) {
  options(op, true);
  return sort_list(op.sort);
}

/// `top n by …`
bool Parser::top(Operator& op) {
  options(op, true);
  op.value = expression();
  return op.value && sort_list(op.sort);
}

bool Parser::row_count(Operator& op) {
  op.value = expression();
  return op.value != nullptr;
}

bool Parser::distinct(Operator& op) {
  options(op, true);
  return item_list(op.items);
}

/// `sample-distinct n of column`
bool Parser::sample_distinct(Operator& op) {
  op.value = expression();
  if (!op.value || !expect("of", "before the column")) return false;
  return item_list(op.items);
}

/// `count [as name]`
bool Parser::count(Operator& op) {
  if (!word("as")) return true;
  next();
  NamedItem i;
  std::string name;
  if (!column_name(name, i.name_span)) {
    fail(now().span, "a name is missing after `as`");
    return false;
  }
  i.names.push_back(std::move(name));
  op.items.push_back(std::move(i));
  return true;
}

/// `range x from a to b step s`
bool Parser::range(Operator& op) {
  NamedItem i;
  std::string name;
  if (!column_name(name, i.name_span)) {
    fail(now().span, "the name of the column is missing");
    return false;
  }
  i.names.push_back(std::move(name));
  op.items.push_back(std::move(i));
  for (const std::string_view part : {"from", "to", "step"}) {
    if (!expect(part, "in `range`")) return false;
    Expr* e = expression();
    if (!e) return false;
    op.range.push_back(e);
  }
  return true;
}

/// `parse [kind=regex [flags=i]] text with * "literal" column:type …`
bool Parser::parse_(Operator& op) {
  while ((word("kind") || word("flags")) && peek().is("="))
    option(op);
  op.value = expression();
  if (!op.value || !expect("with", "before the pattern")) return false;
  while (!pipe_ends()) {
    ParsePart part;
    const size_t first = at_;
    if (take("*")) {
      part.kind = ParsePart::Kind::kSkip;
    } else if (now().kind == TokenKind::kString) {
      const Expr* text = string_literal();
      part.text = text->value.as_bytes();
    } else if (column_name(part.text, part.span)) {
      part.kind = ParsePart::Kind::kColumn;
      if (!op.parts.empty() && op.parts.back().kind == ParsePart::Kind::kColumn) {
        fail(part.span, "a text must stand between two columns of the pattern");
        return false;
      }
      if (take(":") && !type_name(part.type)) return false;
    } else {
      fail(now().span, "a pattern is made of texts, columns and `*`");
      return false;
    }
    part.span = span_from(first);
    op.parts.push_back(std::move(part));
  }
  if (!op.parts.empty()) return true;
  fail(now().span, "the pattern is empty");
  return false;
}

/// `invoke f(arguments)`: the rows are the first argument.
bool Parser::invoke(Operator& op) {
  op.value = postfix();
  if (!op.value) return false;
  if (op.value->kind == ExprKind::kCall) return true;
  fail(op.value->span, "`invoke` takes a function call");
  return false;
}

/// `as name`: only other tools read the name.
bool Parser::name_only(Operator& op) {
  options(op, false);
  std::string name;
  Span span;
  if (column_name(name, span)) return true;
  fail(now().span, "a name is missing after `" + op.word + "`");
  return false;
}

/// render: how to draw is not our business.
bool Parser::skip_rest(Operator&) {
  while (!at_end() && !is("|") && !is(";") && !is(")") && !is("}")) {
    if (is("(") || is("[") || is("{"))
      skip_group();
    else
      next();
  }
  return true;
}

}  // namespace postern::lang::kql
