// The parsed form of a search: commands with their arguments, conditions and expressions as trees.
//
// Nothing is resolved here: field names are as written (quotes removed), values are the texts after
// unescaping. All spans are places in the rule's file. Made by parser.h, read by lower.h and
// lint.h.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/diagnostic.h"

namespace postern::lang::spl {

/// A field name as an argument of a command; may hold `*` where the command takes patterns.
struct FieldName {
  std::string name;
  Span span;
};

/// Backslash sequences of a value that Splunk leaves as they are; see lint.h.
struct StrayEscape {
  size_t at = 0;  ///< of the backslash, in `raw`
  Span span;      ///< of the two characters
};

/// The right side of a comparison in `search`: always a literal.
struct SearchValue {
  std::string text;  ///< after unescaping; `*` is a wildcard
  std::string raw;   ///< as written, without the quotes
  bool quoted = false;
  Span span;
  std::vector<StrayEscape> stray;
};

enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

/// How a bare term is matched against the event's text.
enum class TermKind : uint8_t { kTerm, kCaseSensitive, kMajorBreakersOnly };

struct SearchExpr;
using SearchPtr = std::unique_ptr<SearchExpr>;
struct Pipeline;

/// A condition of `search` and of `tstats … where`.
struct SearchExpr {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kCompare, kTerm, kSubsearch };

  Kind kind = Kind::kAnd;
  Span span;
  std::vector<SearchPtr> children;  ///< and, or, not
  FieldName field;                  ///< compare
  Comparison comparison = Comparison::kEqual;
  bool in_list = false;             ///< compare: written with IN
  std::vector<SearchValue> values;  ///< compare: several only with IN; term: one
  TermKind term = TermKind::kTerm;
  std::unique_ptr<Pipeline> subsearch;
};

struct EvalExpr;
using EvalPtr = std::unique_ptr<EvalExpr>;

/// An expression of `eval`, `where` and `func(eval(…))`.
struct EvalExpr {
  enum class Kind : uint8_t { kNumber, kString, kField, kCall, kNegate, kNot, kBinary };
  enum class Op : uint8_t {
    kAnd,
    kOr,
    kXor,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kLike,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kModulo,
    kConcat
  };

  Kind kind = Kind::kNumber;
  Op op = Op::kAnd;
  Span span;
  std::string text;           ///< number as written, string unescaped, field or function name
  bool quoted = false;        ///< field: written in single quotes
  std::vector<EvalPtr> args;  ///< and, or and concat may hold more than two
};

struct SearchCommand {
  SearchPtr condition;  ///< null: everything
};

struct WhereCommand {
  EvalPtr condition;
};

struct Assignment {
  FieldName target;
  EvalPtr value;
};

struct EvalCommand {
  std::vector<Assignment> assignments;
};

/// `dc(x) as n`, `count(eval(a>1))`, `p95(x)`.
struct StatsItem {
  std::string function;   ///< lower case, aliases resolved: "count", "dc", "avg", "perc"
  double percentile = 0;  ///< perc
  FieldName field;        ///< empty: none (count)
  EvalPtr expr;           ///< eval(…) instead of a field
  std::string name;       ///< output: after `as`, else the item as written
  bool named = false;
  Span span;
};

struct TimeSpan {
  std::string text;  ///< "1h", "10", "1w@w1"
  Span span;
};

struct StatsCommand {
  bool event = false;    ///< eventstats: keeps the rows, adds the group's results to each
  bool running = false;  ///< streamstats: each row gets the results of the rows up to it
  int64_t window = 0;    ///< streamstats: rows that count; 0 = all so far
  bool current = true;   ///< streamstats: the row itself counts
  bool global = true;    ///< streamstats: one window for all groups
  std::vector<StatsItem> items;
  std::vector<FieldName> by;
  Span by_span;
};

struct TstatsCommand {
  std::vector<StatsItem> items;
  std::string model;    ///< "" = no data model: indexed fields of all events
  std::string dataset;  ///< "" = not named
  Span source_span;
  SearchPtr where;
  std::string nodename;
  std::vector<FieldName> by;
  Span by_span;
  std::optional<TimeSpan> span;
  std::optional<std::string> fillnull;
};

struct ConvertItem {
  std::string function;  ///< lower case: "ctime", "mktime", "num", …
  FieldName field;
  std::string name;  ///< "" = the field itself
  Span span;
};

struct ConvertCommand {
  std::optional<std::string> timeformat;
  std::vector<ConvertItem> items;
};

struct RenamePair {
  FieldName from;
  FieldName to;
};

struct RenameCommand {
  std::vector<RenamePair> pairs;
};

struct FieldsCommand {
  enum class Mode : uint8_t { kTable, kKeep, kRemove };
  Mode mode = Mode::kKeep;
  std::vector<FieldName> fields;
};

struct SortField {
  enum class As : uint8_t { kAuto, kNumber, kString, kIp };
  FieldName field;
  bool descending = false;
  As as = As::kAuto;
};

struct SortCommand {
  int64_t limit = 10'000;  ///< 0 = no limit
  std::vector<SortField> fields;
};

struct HeadCommand {
  int64_t limit = 10;
};

struct DedupCommand {
  int64_t limit = 1;
  std::vector<FieldName> fields;
  std::vector<SortField> sort_by;
  bool keep_empty = false;
};

struct TopCommand {
  bool rare = false;
  int64_t limit = 10;  ///< 0 = all
  std::vector<FieldName> fields;
  std::vector<FieldName> by;
  std::string count_field = "count";
  std::string percent_field = "percent";
  bool show_count = true;
  bool show_percent = true;
};

struct BinCommand {
  FieldName field;
  TimeSpan span;
  std::string name;  ///< "" = overwrite the field
};

struct FillnullCommand {
  std::string value = "0";
  std::vector<FieldName> fields;  ///< empty: all
};

struct RexCommand {
  FieldName field;  ///< "_raw" when not given
  std::string pattern;
  Span pattern_span;
  int64_t max_match = 1;  ///< 0 = all
  bool sed = false;
};

struct RegexCommand {
  FieldName field;
  bool negated = false;
  std::string pattern;
  Span pattern_span;
};

struct MvexpandCommand {
  FieldName field;
  int64_t limit = 0;
};

struct MakemvCommand {
  FieldName field;
  std::string delimiter = " ";
  std::string tokenizer;
  bool allow_empty = false;
};

struct FromCommand {
  std::string model;
  std::string dataset;
  Span span;
};

/// `append [ … ]`, `appendpipe [ … ]`, `multisearch [ … ] [ … ]`, `union`.
struct AppendCommand {
  enum class Kind : uint8_t { kAppend, kAppendpipe, kMultisearch };
  Kind kind = Kind::kAppend;
  std::vector<Pipeline> pipelines;
};

struct ReplaceCommand {
  struct Pair {
    SearchValue from;
    SearchValue to;
  };

  std::vector<Pair> pairs;
  std::vector<FieldName> fields;
};

struct JoinCommand {
  bool left = false;
  int64_t max = 1;  ///< rows of the subsearch that one row is joined with; 0 = all
  std::vector<FieldName> fields;
  std::unique_ptr<Pipeline> pipeline;
};

/// `lookup NAME field AS event_field … OUTPUT out AS name …`.
struct LookupCommand {
  struct Pair {
    FieldName column;  ///< of the lookup
    FieldName field;   ///< of the event
  };

  std::string name;
  Span name_span;
  std::vector<Pair> keys;
  std::vector<Pair> outputs;  ///< empty: all columns that are no keys
  bool only_new = false;      ///< OUTPUTNEW: fields that are there stay
};

struct InputlookupCommand {
  std::string name;
  Span name_span;
  bool append = false;
  int64_t start = 0;
  std::optional<int64_t> max;
  SearchPtr where;
};

/// Passes rows on; postern writes no lookups.
struct OutputlookupCommand {
  std::string name;
  Span name_span;
};

/// `spath`, `xmlkv`, `fromjson`: fields out of a text that has structure.
struct SpathCommand {
  enum class Kind : uint8_t { kSpath, kXmlkv, kFromjson };
  Kind kind = Kind::kSpath;
  FieldName input;     ///< "_raw" when not given
  std::string path;    ///< spath: "" = every field
  std::string output;  ///< spath: "" = the path
  std::string prefix;  ///< fromjson
};

/// `foreach pattern … [ eval … ]`: the template's text, once per field.
struct ForeachCommand {
  std::vector<FieldName> patterns;
  std::string body;
  Span body_span;
};

struct TransactionCommand {
  struct Condition {
    SearchPtr search;
    EvalPtr eval;
  };

  std::vector<FieldName> fields;
  Condition startswith;
  Condition endswith;
  std::string maxspan;   ///< "" = any
  std::string maxpause;  ///< "" = any
  Span span_span;
  int64_t maxevents = 1000;
};

/// `tail`, `reverse`: the rows from the last one on.
struct TailCommand {
  int64_t limit = 10;  ///< 0 = all
};

struct AddtotalsCommand {
  std::vector<FieldName> fields;  ///< empty: all
  std::string name = "Total";
};

/// Known to Splunk, not to us; the diagnostic has been given.
struct RefusedCommand {};

struct Command {
  std::string name;  ///< lower case; "search" for the implicit one
  Span name_span;
  Span span;
  std::variant<SearchCommand,
               WhereCommand,
               EvalCommand,
               StatsCommand,
               TstatsCommand,
               ConvertCommand,
               RenameCommand,
               FieldsCommand,
               SortCommand,
               HeadCommand,
               DedupCommand,
               TopCommand,
               BinCommand,
               FillnullCommand,
               RexCommand,
               RegexCommand,
               MvexpandCommand,
               MakemvCommand,
               FromCommand,
               AppendCommand,
               ReplaceCommand,
               JoinCommand,
               LookupCommand,
               InputlookupCommand,
               OutputlookupCommand,
               SpathCommand,
               ForeachCommand,
               TransactionCommand,
               TailCommand,
               AddtotalsCommand,
               RefusedCommand>
      body;
};

struct Pipeline {
  std::vector<Command> commands;
  Span span;
};

/// One command a line, as the parser understood it: `explain`'s "parsed" stage, and tests.
std::string to_text(const Pipeline& p);
std::string to_text(const SearchExpr& e);
std::string to_text(const EvalExpr& e);

}  // namespace postern::lang::spl
