// Search text to AST: a recursive-descent parser per command, with recovery at the next pipe.
//
// `search` binds OR tighter than AND (parentheses, NOT, OR, then AND); `where` and `eval` bind AND
// tighter (parentheses, NOT, AND, OR, XOR): Splunk Search Manual, Boolean expressions. Every error
// has its place; a command that Splunk knows and we do not run is `spl-unsupported` by name. Tests:
// tests/unit/lang/spl/parser_test.cc.
#pragma once
#include "lang/spl/ast.h"
#include "lang/spl/lexer.h"

namespace postern::lang::spl {

/// Parentheses, brackets and calls nested deeper than this are refused.
inline constexpr int kMaxDepth = 100;
/// Operators of one level in a row (`1+1+1…`), commands of one search.
inline constexpr size_t kMaxOperators = 400;
inline constexpr size_t kMaxCommands = 400;
/// Rows of a window of streamstats: each row aggregates all of them anew.
inline constexpr int64_t kMaxWindow = 10'000;

/// How a text without a leading pipe begins.
enum class Start : uint8_t {
  kImplicitSearch,  ///< a whole search: its first words are search terms
  kCommand,  ///< a piece of one (subsearch, rows at hand): the first word is a command if it is one
};

class Parser {
 public:
  Parser(const Expansion& expansion, Diagnostics& diag) : lex_(expansion), diag_(diag) {}

  /// The whole text. Nothing when errors were added; all that could be found are.
  OrFailed<Pipeline> parse(Start start);

 private:
  friend struct CommandTable;
  using Body = decltype(Command::body);

  // parser.cc: pipelines, arguments
  bool pipeline(Pipeline& out, Start start);
  bool command(Pipeline& out, bool first, Start start);
  bool sub_pipeline(Pipeline& out, Start start);
  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "");
  void syntax(std::string message, const Token& at, std::string hint = "");
  void unsupported(std::string what, Span at, std::string label = "", std::string hint = "");
  bool enter(Span at);

  void leave() { --depth_; }

  bool expect_command_end();

  struct Option {
    std::string name;  ///< lower case
    std::string value;
    Span name_span;
    Span span;       ///< of the value
    bool ok = true;  ///< false: an error was added
  };

  /// `name=value` if that is what comes next.
  std::optional<Option> option();
  std::optional<FieldName> field_name(const char* what);
  bool field_list(std::vector<FieldName>& out);
  std::optional<int64_t> count_value(const Option& o);
  bool flag_value(const Option& o, bool& out);
  bool unknown_option(const Option& o);

  // parse_search.cc
  bool search_condition(SearchPtr& out, bool stop_at_by);
  SearchPtr search_and(bool stop_at_by);
  SearchPtr search_or(bool stop_at_by);
  SearchPtr search_not(bool stop_at_by);
  SearchPtr search_primary();
  SearchPtr search_comparison(FieldName field, const Token& op);
  SearchPtr search_in(FieldName field);
  bool search_value(SearchValue& out, const char* after);
  SearchPtr term(const Token& t, TermKind kind);

  // parse_eval.cc
  EvalPtr eval_expr();
  EvalPtr eval_xor();
  EvalPtr eval_or();
  EvalPtr eval_and();
  EvalPtr eval_not();
  EvalPtr eval_compare();
  EvalPtr eval_sum();
  EvalPtr eval_product();
  EvalPtr eval_unary();
  EvalPtr eval_primary();
  EvalPtr eval_in(EvalPtr left);
  bool eval_arguments(std::vector<EvalPtr>& out);
  EvalPtr eval_chain(EvalExpr::Op op, std::vector<EvalPtr> args);
  EvalPtr eval_binary(EvalExpr::Op op, EvalPtr left, EvalPtr right);

  // parse_stats.cc
  bool stats(Command& c);
  bool running_option(const Option& o, StatsCommand& s);
  bool tstats(Command& c);
  bool stats_item(StatsItem& out);
  bool stats_function(StatsItem& out, std::string_view written, Span at);
  bool output_name(std::string& out);
  bool top(Command& c);

  // parse_searches.cc
  bool search(Command& c);
  bool where(Command& c);
  bool from(Command& c);
  bool append(Command& c);
  bool join(Command& c);

  // parse_fields.cc
  bool rename(Command& c);
  bool fields(Command& c);
  bool table(Command& c);
  bool fillnull(Command& c);
  bool replace(Command& c);
  bool sort_fields(std::vector<SortField>& out);
  bool sort(Command& c);
  bool head(Command& c);
  bool tail(Command& c);
  bool dedup(Command& c);
  bool addtotals(Command& c);

  // parse_values.cc
  bool eval(Command& c);
  bool convert(Command& c);
  bool bin(Command& c);
  bool rex(Command& c);
  bool regex(Command& c);
  bool mvexpand(Command& c);
  bool makemv(Command& c);

  // parse_lookups.cc
  bool lookup(Command& c);
  bool lookup_pairs(std::vector<LookupCommand::Pair>& out);
  bool lookup_name(std::string& name, Span& span);
  bool inputlookup(Command& c);
  bool outputlookup(Command& c);

  // parse_structures.cc
  bool spath(Command& c);
  bool xmlkv(Command& c);
  bool fromjson(Command& c);
  bool foreach (Command& c);
  bool transaction(Command& c);
  bool transaction_condition(TransactionCommand::Condition& out);

  Lexer lex_;
  Diagnostics& diag_;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace postern::lang::spl
