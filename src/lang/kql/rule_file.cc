// Files of KQL: where the queries in them are, and what else they say of a rule.
//
// Published files of hunts often hold several queries with blank lines between them. That is a
// custom of Kusto's editors, not grammar, so it is tried only when the file is no single text.
#include <algorithm>

#include "adapt/yaml.h"
#include "base/text.h"
#include "lang/kql/kql.h"
#include "lang/kql/lexer.h"
#include "lang/kql/lower.h"
#include "lang/kql/parser.h"
#include "lang/kql/text_map.h"

namespace postern::lang::kql {

using plan::Rule;

namespace {

std::string_view file_name(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view file_stem(std::string_view path) {
  const std::string_view name = file_name(path);
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

bool has_extension(std::string_view path, std::initializer_list<std::string_view> extensions) {
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](std::string_view e) { return ends_with_ignore_case(path, e); });
}

/// A stable id for what has none: FNV-1a of the file's stem and the query's place in it.
std::string made_id(std::string_view path, size_t index) {
  uint64_t h = 14695981039346656037ULL;
  const std::string key = std::string(file_stem(path)) + ":" + std::to_string(index);
  for (const char c : key)
    h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(h >> shift));
  return "kql-" + hex(bytes);
}

/// "T1048", "T1048.003" as whole words.
void add_techniques(std::string_view text, std::vector<std::string>& out) {
  for (size_t i = 0; i + 5 <= text.size(); ++i) {
    const auto digits = [&](size_t at, size_t n) {
      for (size_t d = at; d < at + n; ++d)
        if (d >= text.size() || !ascii_digit(text[d])) return false;
      return true;
    };
    const auto word = [](char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_'; };
    if ((text[i] | 32) != 't' || (i > 0 && word(text[i - 1])) || !digits(i + 1, 4)) continue;
    size_t end = i + 5;
    if (end < text.size() && text[end] == '.' && digits(end + 1, 3)) end += 4;
    if (end < text.size() && word(text[end])) continue;
    std::string id = "T" + std::string(text.substr(i + 1, end - i - 1));
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
  }
}

/// Text of the comment lines of a query; `leading` only those before its first token.
std::vector<std::string_view> comment_lines(std::string_view text, bool leading) {
  std::vector<std::string_view> out;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with("//"))
      out.push_back(trim(line.substr(std::min(line.find_first_not_of('/'), line.size()))));
    else if (leading && !line.empty())
      break;
  }
  return out;
}

/// The first leading comment line that has words, apart from credits and links.
std::string title_from_comments(std::string_view text) {
  for (std::string_view line : comment_lines(text, true)) {
    for (const std::string_view prefix : {"title:", "name:", "query:", "description:"})
      if (starts_with_ignore_case(line, prefix)) line = trim(line.substr(prefix.size()));
    const bool words = std::any_of(line.begin(), line.end(), ascii_alpha);
    const bool address = starts_with_ignore_case(line, "http");
    const bool credit = starts_with_ignore_case(line, "author") ||
                        starts_with_ignore_case(line, "reference") ||
                        starts_with_ignore_case(line, "date");
    if (words && !address && !credit) return std::string(line);
  }
  return "";
}

struct Piece {
  size_t begin = 0;
  size_t end = 0;
};

/// Runs of lines with no blank line inside.
std::vector<Piece> paragraphs(std::string_view text) {
  std::vector<Piece> out;
  size_t at = 0;
  bool open = false;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (trim(text.substr(at, end - at)).empty()) {
      open = false;
    } else if (open) {
      out.back().end = end;
    } else {
      out.push_back({at, end});
      open = true;
    }
    at = end + 1;
  }
  return out;
}

/// Queries of a text that is no single one: paragraphs, joined where one alone is unfinished (open
/// brackets, a let or an operator without what follows it, only comments).
std::vector<Piece> queries_between_blank_lines(std::string_view text) {
  std::vector<Piece> out;
  int open = 0;
  bool join_next = false;
  bool only_comments = false;  // the last piece, so far
  for (const Piece& p : paragraphs(text)) {
    Diagnostics ignored;
    const std::vector<Token> tokens =
        tokenize(TextMap(text.substr(p.begin, p.end - p.begin), 0), ignored);
    const bool continues = join_next || tokens.front().is("|") || tokens.front().is(")");
    if (continues && !out.empty()) {
      out.back().end = p.end;
      only_comments = only_comments && tokens.size() < 2;
    } else {
      out.push_back(p);
      open = 0;
      only_comments = tokens.size() < 2;
    }
    for (const Token& t : tokens) {
      if (t.is("(") || t.is("[") || t.is("{")) ++open;
      if (t.is(")") || t.is("]") || t.is("}")) --open;
    }
    if (tokens.size() < 2) {
      join_next = true;
      continue;
    }
    const Token& last = tokens[tokens.size() - 2];
    join_next = open > 0;
    for (const std::string_view t : {";", "|", ",", "=", "and", "or", "by", "on", "=="})
      join_next = join_next || last.is(t);
  }
  // Comments at the end belong to the query before them.
  if (only_comments && out.size() > 1) {
    out[out.size() - 2].end = out.back().end;
    out.pop_back();
  }
  return out;
}

/// What no KQL text has: refused words are KQL all the same.
bool is_syntax_fault(const Diagnostic& d) {
  return d.severity == Severity::kError && d.code != "kql-unsupported" && d.code != "kql-too-deep";
}

bool has_syntax_faults(const Diagnostics& diag) {
  return std::any_of(diag.all().begin(), diag.all().end(), is_syntax_fault);
}

void append(Diagnostics& to, const Diagnostics& from) {
  for (const Diagnostic& d : from.all())
    to.add(d);
}

/// Parses and lowers one text. `syntax` tells whether it was KQL at all.
std::vector<LoweredQuery> read_text(const TextMap& map,
                                    const ReadOptions& options,
                                    Diagnostics& diag,
                                    bool& syntax) {
  Diagnostics own;
  const Ast ast = parse(map, own);
  syntax = !has_syntax_faults(own);
  std::vector<LoweredQuery> out;
  if (!own.has_errors()) {
    out = lower(ast, options, own);
    const bool queries =
        std::any_of(ast.statements.begin(), ast.statements.end(),
                    [](const Statement& s) { return s.kind == Statement::Kind::kQuery; });
    if (!queries)
      own.error("kql-no-query", "there is no query in this text",
                map.span(0, std::min<size_t>(1, map.text().size())));
  }
  // A let given twice is the mark of two texts in one file.
  syntax = syntax && std::none_of(own.all().begin(), own.all().end(), [](const Diagnostic& d) {
             return d.code == "kql-duplicate-let";
           });
  append(diag, own);
  return out;
}

/// A filter over one table decides event by event; all else is a query over the whole evidence.
Rule make_rule(const LoweredQuery& q) {
  Rule rule;
  rule.info.language = "kql";
  rule.vocabulary = "kql";
  rule.plan = q.plan;
  rule.kind = q.is_event_filter ? plan::RuleKind::kEvent : plan::RuleKind::kQuery;
  rule.stages.push_back({"parsed", [plan = q.plan] { return plan::to_text(*plan); }});
  return rule;
}

/// A file of plain KQL: one text if it parses as one, else queries between blank lines.
class BareFile {
 public:
  BareFile(const Source& file, const ReadOptions& options, Diagnostics& diag)
      : file_(file), options_(options), diag_(diag) {}

  std::vector<Rule> read() {
    Diagnostics whole;
    bool syntax = false;
    std::vector<LoweredQuery> queries = read_text(TextMap(file_.text, 0), options_, whole, syntax);
    const std::vector<Piece> pieces =
        syntax ? std::vector<Piece>{} : queries_between_blank_lines(file_.text);
    if (pieces.size() < 2 || !read_pieces(pieces)) {
      rules_.clear();
      append(diag_, whole);
      add(queries, file_.text);
    }
    return std::move(rules_);
  }

 private:
  /// False when not one piece is KQL: then the faults of the whole text say more.
  bool read_pieces(const std::vector<Piece>& pieces) {
    Diagnostics faults;
    bool any = false;
    for (const Piece& p : pieces) {
      const std::string_view text = file_.text.substr(p.begin, p.end - p.begin);
      bool syntax = false;
      const std::vector<LoweredQuery> queries =
          read_text(TextMap(text, static_cast<uint32_t>(p.begin)), options_, faults, syntax);
      any = any || syntax;
      add(queries, text);
    }
    if (any) append(diag_, faults);
    return any;
  }

  void add(const std::vector<LoweredQuery>& queries, std::string_view text) {
    for (const LoweredQuery& q : queries) {
      Rule rule = make_rule(q);
      const size_t index = rules_.size();
      rule.info.id = made_id(file_.name, index);
      rule.info.title = title_from_comments(text);
      if (rule.info.title.empty())
        rule.info.title = std::string(file_stem(file_.name));
      else if (&q != &queries.front())
        rule.info.title += " (" + std::to_string(&q - &queries.front() + 1) + ")";
      rule.info.path = std::string(file_.name);
      for (const std::string_view line : comment_lines(text, false))
        add_techniques(line, rule.info.attack);
      rules_.push_back(std::move(rule));
    }
  }

  const Source& file_;
  const ReadOptions& options_;
  Diagnostics& diag_;
  std::vector<Rule> rules_;
};

/// The texts of a list, or the one text that stands in place of it.
std::vector<std::string> texts(const adapt::YamlNode* node) {
  std::vector<std::string> out;
  if (!node) return out;
  if (node->is_scalar() && !node->is_null()) out.push_back(node->text);
  for (const adapt::YamlNode& i : node->items)
    if (i.is_scalar()) out.push_back(i.text);
  return out;
}

std::string lower_case(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

/// Sentinel fires on a number of rows; only "more than n" has rows to show.
plan::OpPtr with_trigger(plan::OpPtr plan, const adapt::YamlNode& doc, Diagnostics& diag) {
  const adapt::YamlNode* op = doc.find("triggerOperator");
  const adapt::YamlNode* threshold = doc.find("triggerThreshold");
  if (!op || !threshold || !op->is_scalar() || !threshold->is_scalar()) return plan;
  const std::string name = lower_case(op->text);
  const std::optional<int64_t> n = parse_int(trim(threshold->text));
  if (!n || (name != "gt" && name != "greaterthan")) {
    diag.error("kql-unsupported", "a rule that fires on few or no rows is not supported", op->span,
               "", "only triggerOperator `gt` with a number is");
    return nullptr;
  }
  if (*n <= 0) return plan;
  // Every row, beside the number of all rows.
  plan::Op count;
  count.kind = plan::OpKind::kAggregate;
  count.span = threshold->span;
  count.inputs = {plan};
  plan::AggregateItem rows;
  rows.name = "__rows";
  rows.function = "kql.count";
  rows.span = threshold->span;
  count.aggregates.push_back(std::move(rows));
  plan::Op join;
  join.kind = plan::OpKind::kJoin;
  join.join_kind = plan::JoinKind::kInner;
  join.span = threshold->span;
  join.keys.push_back({"", plan::literal(data::Value::integer(1)), threshold->span});
  join.right_keys.push_back(plan::literal(data::Value::integer(1)));
  join.inputs = {plan, std::make_shared<const plan::Op>(std::move(count))};
  const plan::ExprPtr enough =
      plan::call("kql.gt",
                 {plan::column("__rows", threshold->span),
                  plan::literal(data::Value::integer(*n), threshold->span)},
                 threshold->span);
  plan::Op away;
  away.kind = plan::OpKind::kSelect;
  away.mode = plan::SelectMode::kAway;
  away.patterns = {"__rows"};
  away.span = threshold->span;
  away.inputs = {
      plan::filter(std::make_shared<const plan::Op>(std::move(join)), enough, threshold->span)};
  return std::make_shared<const plan::Op>(std::move(away));
}

/// One analytics or hunting rule of Sentinel; metadata carries over where a Rule has a place for
/// it.
void read_document(const Source& file,
                   const adapt::YamlNode& doc,
                   const ReadOptions& options,
                   Diagnostics& diag,
                   std::vector<Rule>& out) {
  const adapt::YamlNode* query = doc.find("query");
  if (!query || !query->is_scalar()) {
    diag.error("kql-no-query", "the rule has no `query`", doc.span);
    return;
  }
  bool syntax = false;
  const std::vector<LoweredQuery> queries =
      read_text(TextMap(query->text, *query), options, diag, syntax);
  size_t index = 0;
  for (const LoweredQuery& q : queries) {
    Rule rule = make_rule(q);
    rule.plan = with_trigger(rule.plan, doc, diag);
    if (!rule.plan) return;
    if (rule.plan != q.plan) rule.kind = plan::RuleKind::kQuery;
    plan::RuleInfo& info = rule.info;
    info.id = doc.find("id") ? std::string(doc.get("id")) : made_id(file.name, out.size());
    info.title = std::string(doc.get("name"));
    if (info.title.empty()) info.title = std::string(file_stem(file.name));
    if (++index > 1) {
      info.id += "#" + std::to_string(index);
      info.title += " (" + std::to_string(index) + ")";
    }
    info.level = lower_case(doc.get("severity"));
    if (info.level == "info" || info.level == "informational") info.level = "informational";
    info.status = lower_case(doc.get("status"));
    info.version = std::string(doc.get("version"));
    info.author = std::string(doc.get("author"));
    if (const adapt::YamlNode* metadata = doc.find("metadata"); info.author.empty() && metadata) {
      const adapt::YamlNode* author = metadata->find("author");
      if (author)
        info.author = std::string(author->is_mapping() ? author->get("name")
                                                       : std::string_view(author->text));
    }
    info.description = std::string(trim(doc.get("description")));
    for (const std::string& t : texts(doc.find("relevantTechniques")))
      add_techniques(t, info.attack);
    for (const std::string& t : texts(doc.find("techniques")))
      add_techniques(t, info.attack);
    info.tags = texts(doc.find("tactics"));
    info.references = texts(doc.find("references"));
    info.false_positives = texts(doc.find("falsePositives"));
    info.path = std::string(file.name);
    out.push_back(std::move(rule));
  }
}

/// A mapping key at the beginning of a line.
bool has_line_key(std::string_view text, std::string_view key) {
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at, key.size()) == key && at + key.size() < text.size() &&
        text[at + key.size()] == ':')
      return true;
    at = text.find('\n', at);
    if (at == std::string_view::npos) return false;
    ++at;
  }
  return false;
}

/// Sentinel's YAML, told from Sigma (detection) and from Splunk's (search) by keys at the margin,
/// so that no YAML needs to be parsed to find out.
bool is_yaml_rule(std::string_view text) {
  if (!has_line_key(text, "query") || has_line_key(text, "detection") ||
      has_line_key(text, "search"))
    return false;
  for (const std::string_view key :
       {"queryFrequency", "requiredDataConnectors", "relevantTechniques", "tactics", "severity",
        "triggerOperator", "entityMappings", "kind"})
    if (has_line_key(text, key)) return true;
  return false;
}

/// First words of a text, comments apart: what tells KQL from other query languages.
bool looks_like_query(std::string_view text) {
  Diagnostics ignored;
  const std::vector<Token> tokens = tokenize(TextMap(text.substr(0, 4096), 0), ignored);
  const auto at = [&](size_t i) -> const Token& { return tokens[std::min(i, tokens.size() - 1)]; };
  if (at(0).is("let") && at(1).kind == TokenKind::kName && at(2).is("=")) return true;
  if (at(0).is("declare") && at(1).is("query_parameters")) return true;
  if (at(0).is("union") && at(1).kind == TokenKind::kName) return true;
  if (at(0).kind != TokenKind::kName || !at(1).is("|")) return false;
  for (const std::string_view word :
       {"where", "extend", "project", "summarize", "take", "limit", "filter", "distinct"})
    if (at(2).is(word)) return true;
  return false;
}

}  // namespace

std::vector<Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag) {
  if (!is_yaml_rule(file.text)) return BareFile(file, options, diag).read();
  std::vector<Rule> out;
  for (const adapt::YamlNode& doc : adapt::parse_yaml(file, diag))
    if (doc.is_mapping()) read_document(file, doc, options, diag, out);
  return out;
}

plan::OpPtr read_query(const Source& text, const ReadOptions& options, Diagnostics& diag) {
  bool syntax = false;
  Diagnostics own;
  const std::vector<LoweredQuery> queries = read_text(TextMap(text.text, 0), options, own, syntax);
  const bool failed = own.has_errors();
  for (const Diagnostic& d : own.all())
    diag.add(d);
  if (queries.empty() || failed) return nullptr;
  if (queries.size() == 1) return queries[0].plan;
  diag.error("kql-several-queries", "there are several queries in this text", queries[1].span,
             "the second one");
  return nullptr;
}

bool recognises(const Source& file) {
  if (is_yaml_rule(file.text)) return true;
  if (has_extension(file.name, {".yml", ".yaml", ".json", ".spl", ".yar", ".yara"})) return false;
  if (has_extension(file.name, {".kql", ".csl", ".kusto"})) return true;
  return looks_like_query(file.text);
}

}  // namespace postern::lang::kql
