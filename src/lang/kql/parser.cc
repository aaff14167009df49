// Statements, lambdas and pipes; recovery behind faults.
#include "lang/kql/parser.h"

#include <algorithm>

#include "base/text.h"
#include "lang/kql/parser_state.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

Parser::Parser(const TextMap& map, Diagnostics& diag) : diag_(diag), tokens_(tokenize(map, diag)) {}

/// Takes the token when it is this one.
bool Parser::take(std::string_view text) {
  if (!is(text)) return false;
  next();
  return true;
}

/// The same for one that must be there; `where` ends the sentence "`x` is missing …".
bool Parser::expect(std::string_view text, std::string_view where) {
  if (take(text)) return true;
  fail(now().span, "`" + std::string(text) + "` is missing " + std::string(where),
       at_end() ? "the text ends here" : "");
  return false;
}

/// From a token up to the last one taken.
Span Parser::span_from(size_t first_token) const {
  const size_t last = at_ > first_token ? at_ - 1 : first_token;
  return {tokens_[first_token].span.begin, tokens_[last].span.end};
}

/// Tells of a fault. After too deep nesting nothing more is told: all that follows would be its
/// echo.
std::nullptr_t Parser::fail(Span at, std::string message, std::string label, std::string hint) {
  if (!stopped_)
    diag_.error("kql-syntax", std::move(message), at, std::move(label), std::move(hint));
  return nullptr;
}

/// Valid KQL that this reader does not know: the text is understood as far as its end, but has no
/// plan.
std::nullptr_t Parser::unsupported(Span at, std::string message, std::string hint) {
  diag_.error("kql-unsupported", std::move(message), at, "", std::move(hint));
  return nullptr;
}

/// Stops the whole reading: what recursion could still read is as deep again.
std::nullptr_t Parser::too_deep(Span at) {
  if (!stopped_)
    diag_.error("kql-too-deep", "nested more than " + std::to_string(kMaxNesting) + " deep", at);
  stopped_ = true;
  at_ = tokens_.size() - 1;
  return nullptr;
}

/// Skips to the next `|`, `;` or closing bracket of this nesting.
void Parser::recover() {
  while (!at_end()) {
    if (is("|") || is(";") || is(")") || is("]") || is("}")) return;
    if (is("(") || is("[") || is("{"))
      skip_group();
    else
      next();
  }
}

/// From an opening bracket to behind its closing one.
void Parser::skip_group() {
  int open = 0;
  do {
    if (is("(") || is("[") || is("{")) ++open;
    if (is(")") || is("]") || is("}")) --open;
    next();
  } while (open > 0 && !at_end());
}

/// All statements of the text. A fault ends its statement only, so that one run tells of every
/// statement's.
Ast Parser::run() {
  while (!at_end() && !stopped_) {
    if (take(";")) continue;
    const size_t before = at_;
    statement();
    if (at_end() || is(";")) continue;
    const bool bracket = is(")") || is("]") || is("}");
    if (!bracket && at_ > before)
      fail(now().span, "a new statement begins here", "`;` is missing before this",
           "queries of one file are separated by `;` or, where the whole file is no single query, "
           "by blank lines");
    else
      fail(now().span, "unexpected `" + std::string(now().text) + "`");
    next();
    while (!at_end() && !is(";"))
      next();
  }
  return std::move(ast_);
}

/// `let …`, `declare query_parameters(…)`, `set …`, or a query.
void Parser::statement() {
  const size_t first = at_;
  Statement out;
  if (word("let")) {
    std::vector<Let> lets;
    let_statement(lets);
    out.kind = Statement::Kind::kLet;
    out.span = span_from(first);
    for (Let& let : lets) {
      out.let = std::move(let);
      ast_.statements.push_back(out);
    }
    return;
  }
  if (word("declare") && peek().text == "query_parameters") {
    out.kind = Statement::Kind::kParameters;
    parameters_statement(out);
    out.span = span_from(first);
    ast_.statements.push_back(std::move(out));
    return;
  }
  if (word("set") && peek().kind == TokenKind::kName) {
    // Options of a Kusto request change limits, never the meaning.
    while (!at_end() && !is(";"))
      next();
    return;
  }
  if ((word("declare") && peek().text == "pattern") ||
      (word("alias") && peek().text == "database") ||
      (word("restrict") && peek().text == "access")) {
    unsupported(
        {now().span.begin, peek().span.end},
        "`" + std::string(now().text) + " " + std::string(peek().text) + "` is not supported");
    while (!at_end() && !is(";"))
      next();
    return;
  }
  out.query = pipe();
  out.span = span_from(first);
  if (out.query) ast_.statements.push_back(std::move(out));
}

/// `let name = value`. A let without a value is dropped: its uses then read as columns, and the
/// fault that was told is the only one.
void Parser::let_statement(std::vector<Let>& out) {
  next();  // let
  Let let;
  if (!column_name(let.name, let.name_span)) {
    fail(now().span, "a name is missing after `let`");
    return recover();
  }
  if (!expect("=", "after the name of a let")) return recover();
  let.value = let_value();
  if (!let.value)
    recover();
  else
    out.push_back(std::move(let));
}

/// A function, or a query; a scalar is a query without operators.
Expr* Parser::let_value() {
  if (lambda_ahead()) return lambda();
  return pipe();
}

/// `view (`, or `( … ) {`.
bool Parser::lambda_ahead() const {
  size_t i = at_;
  if (tokens_[i].is("view") && i + 1 < tokens_.size() && tokens_[i + 1].is("(")) return true;
  if (!tokens_[i].is("(")) return false;
  int open = 0;
  for (; i + 1 < tokens_.size(); ++i) {
    if (tokens_[i].is("(")) ++open;
    if (tokens_[i].is(")") && --open == 0) return tokens_[i + 1].is("{");
    // Parameter lists are short and flat: stop at what cannot stand in one.
    if (tokens_[i].is("|") || tokens_[i].is(";") || tokens_[i].is("{")) return false;
  }
  return false;
}

/// `view () { … }`, `(a:long, T:(*)) { … }`. Kept as a tree and put in where it is called.
Expr* Parser::lambda() {
  const Nested level(depth_);
  if (depth_ > kMaxNesting) return too_deep(now().span);
  const size_t first = at_;
  take("view");
  std::vector<Parameter> parameters;
  if (!lambda_parameters(parameters)) return nullptr;
  Expr* body = lambda_body();
  if (!body) return nullptr;
  body->parameters = std::move(parameters);
  body->span = span_from(first);
  return body;
}

bool Parser::lambda_parameters(std::vector<Parameter>& out) {
  if (!expect("(", "before the parameters")) return false;
  while (!is(")") && !at_end()) {
    Parameter p;
    if (!lambda_parameter(p)) return false;
    out.push_back(std::move(p));
    if (!take(",")) break;
  }
  return expect(")", "after the parameters");
}

/// `name: type [= default]`, or `name: (columns)` for a table.
bool Parser::lambda_parameter(Parameter& out) {
  if (!column_name(out.name, out.span)) {
    fail(now().span, "the name of a parameter is missing");
    return false;
  }
  if (!expect(":", "after the name of a parameter")) return false;
  if (is("(")) {
    out.tabular = true;
    skip_group();  // the columns a table must have are checked where it is used
    return true;
  }
  if (!type_name(out.type)) return false;
  if (!take("=")) return true;
  out.default_value = unary();
  return out.default_value != nullptr;
}

/// `{ let …; … query }`
Expr* Parser::lambda_body() {
  Expr* body = ast_.expr(ExprKind::kLambda, now().span);
  if (!expect("{", "before the body of the function")) return nullptr;
  while (word("let")) {
    let_statement(body->lets);
    if (!take(";")) {
      fail(now().span, "`;` is missing after the let");
      return nullptr;
    }
  }
  Expr* result = pipe();
  if (!result) return nullptr;
  body->children.push_back(result);
  take(";");
  if (!expect("}", "after the body of the function")) return nullptr;
  return body;
}

/// `declare query_parameters (name:type = default, …)`
void Parser::parameters_statement(Statement& out) {
  next();
  next();  // declare query_parameters
  if (!expect("(", "before the parameters")) return recover();
  while (!is(")") && !at_end()) {
    QueryParameter p;
    if (!column_name(p.name, p.span)) {
      fail(now().span, "the name of a parameter is missing");
      return recover();
    }
    if (!expect(":", "after the name of a parameter") || !type_name(p.type)) return recover();
    if (take("=")) p.default_value = unary();
    out.parameters.push_back(std::move(p));
    if (!take(",")) break;
  }
  if (!expect(")", "after the parameters")) recover();
}

/// Operators that begin a pipe, having no input.
bool Parser::source_operator_ahead() const {
  if (!is_name()) return false;
  const Token& then = peek();
  const bool call = then.is("(");
  if (word("print")) return !then.is("=") && !then.is(".");
  if (word("union")) return !then.is("=") && !then.is(".");
  if (word("range")) return then.kind == TokenKind::kName;
  if (word("search") || word("find"))
    return then.kind == TokenKind::kString || then.kind == TokenKind::kName || then.is("(") ||
           then.is("*");
  if (word("externaldata")) return call;
  if (word("evaluate")) return then.kind == TokenKind::kName;
  return false;
}

/// What may follow a whole pipe.
bool Parser::pipe_ends() const {
  return at_end() || is(";") || is(")") || is("]") || is("}") || is(",") || is("|");
}

/// A query inside of a condition is no condition itself: `=` in it names a column again.
Expr* Parser::pipe() {
  const bool in_condition = in_condition_;
  in_condition_ = false;
  Expr* out = pipe_of_operators();
  in_condition_ = in_condition;
  return out;
}

/// `source | operator | …`. The source is read as an expression, since the grammar alone cannot
/// tell a table's name from a column's; a pipe without operators is that expression.
Expr* Parser::pipe_of_operators() {
  const size_t first = at_;
  Expr* source = nullptr;
  std::vector<Operator*> operators;
  if (is("|"))
    return fail(now().span, "the query has no source", "nothing stands before the first `|`");
  if (source_operator_ahead()) {
    operators.push_back(operator_());
  } else {
    source = expression();
    if (!source) recover();
  }
  while (take("|")) {
    operators.push_back(operator_());
    if (operators.size() > kMaxNesting) return too_deep(now().span);
  }
  if (stopped_ || (!source && operators.empty())) return nullptr;
  if (source && operators.empty()) return source;
  Expr* out = ast_.expr(ExprKind::kPipe, span_from(first));
  if (source) out->children.push_back(source);
  out->operators = std::move(operators);
  for (const Operator* op : out->operators)
    out->depth = std::max(out->depth, 1 + op->depth);
  return checked(out);
}

/// A guid is a string here: every reader compares it as text, and evidence holds it as text. A
/// decimal would lose digits as a real, so it is refused.
bool Parser::type_name(Type& out) {
  const Token& t = now();
  if (!is_name()) {
    fail(t.span, "a type is missing");
    return false;
  }
  if (t.text == "decimal") {
    unsupported(t.span, "decimal numbers are not supported", "use real");
    return false;
  }
  const bool guid = t.text == "guid" || t.text == "uuid" || t.text == "uniqueid";
  if (guid) out = Type::kString;
  if (!guid && !data::type_from_name(t.text, out)) {
    fail(t.span, "not a type: " + std::string(t.text), "",
         "types are bool, int, long, real, string, datetime, timespan, dynamic, guid");
    return false;
  }
  next();
  return true;
}

/// `['a name']`
bool Parser::quoted_name_ahead() const {
  return is("[") && peek(1).kind == TokenKind::kString && peek(2).is("]");
}

/// `name` or `['any text']`.
bool Parser::column_name(std::string& name, Span& span) {
  const size_t first = at_;
  if (quoted_name_ahead()) {
    name = peek(1).value.as_bytes();
    next();
    next();
    next();
  } else if (is_name()) {
    name = std::string(now().text);
    next();
  } else {
    return false;
  }
  span = span_from(first);
  return true;
}

/// `(a:string, b:long)`
bool Parser::column_list(std::vector<ColumnDecl>& out) {
  if (!expect("(", "before the columns")) return false;
  while (!is(")") && !at_end()) {
    ColumnDecl c;
    if (!column_name(c.name, c.span)) {
      fail(now().span, "the name of a column is missing");
      return false;
    }
    if (!expect(":", "after the name of a column") || !type_name(c.type)) return false;
    out.push_back(std::move(c));
    if (!take(",")) break;
  }
  return expect(")", "after the columns");
}

Ast parse(const TextMap& map, Diagnostics& diag) {
  return Parser(map, diag).run();
}

}  // namespace postern::lang::kql
