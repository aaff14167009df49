// Inside of the parser: one class over the tokens, its methods in parser.cc (statements, pipes),
// parse_operator.cc, parse_join.cc and parse_apply.cc (tabular operators) and parse_expr.cc
// (expressions).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lang/kql/ast.h"
#include "lang/kql/lexer.h"

namespace postern::lang::kql {

/// Nesting of anything: parentheses, calls, subqueries, left-deep chains; also operators in one
/// pipe.
inline constexpr int kMaxNesting = 500;

class Parser {
 public:
  Parser(const TextMap& map, Diagnostics& diag);

  Ast run();

 private:
  struct BinaryOperator {
    int precedence = 0;  ///< 0: the current token is no binary operator

    enum Form : uint8_t { kTwo, kList, kRange, kChain } form = kTwo;

    std::string_view function;  ///< plan function, or "and"/"or"
    int tokens = 1;
  };

  // Tokens.
  const Token& now() const { return tokens_[at_]; }

  const Token& peek(size_t ahead = 1) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }

  bool is(std::string_view text) const { return now().is(text); }

  bool is_name() const { return now().kind == TokenKind::kName; }

  /// A word of the grammar at this place: a name, unquoted.
  bool word(std::string_view text) const { return is_name() && now().text == text; }

  void next() { at_ += at_ + 1 < tokens_.size() ? 1 : 0; }

  bool take(std::string_view text);
  bool expect(std::string_view text, std::string_view where);

  bool adjacent(size_t ahead) const { return peek(ahead - 1).end == peek(ahead).begin; }

  Span span_from(size_t first_token) const;

  bool at_end() const { return now().kind == TokenKind::kEnd; }

  // Faults.
  std::nullptr_t fail(Span at, std::string message, std::string label = "", std::string hint = "");
  std::nullptr_t unsupported(Span at, std::string message, std::string hint = "");
  std::nullptr_t too_deep(Span at);
  void recover();
  void skip_group();

  // Statements and pipes.
  void statement();
  void let_statement(std::vector<Let>& out);
  void parameters_statement(Statement& out);
  Expr* let_value();
  bool lambda_ahead() const;
  Expr* lambda();
  bool lambda_parameters(std::vector<Parameter>& out);
  bool lambda_parameter(Parameter& out);
  Expr* lambda_body();
  Expr* pipe();
  Expr* pipe_of_operators();
  bool source_operator_ahead() const;
  bool pipe_ends() const;
  bool type_name(data::Type& out);
  bool column_name(std::string& name, Span& span);
  bool column_list(std::vector<ColumnDecl>& out);
  bool plain_number(int64_t& out);

  // Operators.
  using OperatorParser = bool (Parser::*)(Operator&);

  struct OperatorWord {
    std::string_view word;
    OperatorKind kind;
    OperatorParser parse;
  };

  static const std::vector<OperatorWord>& operator_words();
  Operator* operator_();
  std::string operator_word();
  bool predicate(Operator& op);
  bool items(Operator& op);
  bool optional_items(Operator& op);
  bool name_patterns(Operator& op);
  bool renames(Operator& op);
  bool summarize(Operator& op);
  bool sort(Operator& op);
  bool top(Operator& op);
  bool row_count(Operator& op);
  bool distinct(Operator& op);
  bool sample_distinct(Operator& op);
  bool count(Operator& op);
  bool range(Operator& op);
  bool union_(Operator& op);
  bool join(Operator& op);
  bool expanded_items(Operator& op);
  bool mv_expand(Operator& op);
  bool mv_apply(Operator& op);
  bool make_series(Operator& op);
  bool evaluate(Operator& op);
  bool search(Operator& op);
  bool parse_kv(Operator& op);
  bool no_operand(Operator& op);
  bool parse_(Operator& op);
  bool invoke(Operator& op);
  bool skip_rest(Operator& op);
  bool name_only(Operator& op);
  bool item_list(std::vector<NamedItem>& out);
  bool item(NamedItem& out);
  bool item_names(NamedItem& out);
  bool sort_list(std::vector<SortItem>& out);
  bool name_pattern(NamePattern& out);
  bool option(Operator& op);
  void options(Operator& op, bool hints_only);
  Expr* table_operand();
  bool join_keys(Operator& op);

  // Expressions.
  Expr* expression() { return binary(1); }

  Expr* binary(int least);
  BinaryOperator binary_operator() const;
  Expr* finish_binary(const BinaryOperator& op, Expr* left, size_t first);
  Expr* checked(Expr* e);
  bool list_operand(std::vector<Expr*>& out);
  bool range_operand(std::vector<Expr*>& out);
  Expr* unary();
  Expr* unary_operand();
  Expr* negated(size_t first);
  Expr* postfix();
  Expr* primary();
  Expr* parenthesised();
  Expr* literal();
  Expr* string_literal();
  Expr* call(size_t first);
  Expr* typeof_();
  Expr* datatable();
  bool datatable_cell(data::Type type, std::vector<data::Value>& out);
  bool argument(Expr& call);
  bool quoted_name_ahead() const;

  Diagnostics& diag_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  bool stopped_ = false;       ///< too deep: nothing more is read
  bool in_condition_ = false;  ///< in `where`, outside of calls: `=` can only mean `==`
  Ast ast_;
};

/// Counts one level of nesting while it lives.
class Nested {
 public:
  explicit Nested(int& depth) : depth_(depth) { ++depth_; }

  ~Nested() { --depth_; }

  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  int& depth_;
};

}  // namespace postern::lang::kql
