#include "lang/sigma/condition.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "lang/sigma/detection.h"

namespace postern::lang::sigma {

using plan::ExprPtr;

namespace {

/// Limits of a condition, far beyond any published one: selections repeat in it, and each
/// repetition is spelled out in the plan.
constexpr size_t kMaxDepth = 200;
constexpr size_t kMaxTerms = 1'000'000;
constexpr size_t kMaxExplained = 10'000;  // bytes of its resolved text
constexpr size_t kMaxUnknownTold = 20;

struct Token {
  enum class Kind : uint8_t { kEnd, kWord, kOpen, kClose, kPipe };
  Kind kind = Kind::kEnd;
  size_t begin = 0;
  std::string_view text;
};

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // The last star that could still take more, and where its run began: linear in practice, never
  // exponential.
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

/// An expression with its text and how tightly that binds (or 1, and 2, not 3, a name 4).
struct Part {
  ExprPtr expr;
  std::string text;
  int binding = 4;
};

class Parser {
 public:
  Parser(const adapt::YamlNode& node, std::vector<Selection>& selections, Diagnostics& diag)
      : node_(node), text_(node.text), selections_(selections), diag_(diag) {
    for (Selection& s : selections_)
      by_name_.emplace(s.name, &s);
    next();
  }

  Condition whole() {
    if (token_.kind == Token::Kind::kEnd)
      error("sigma-bad-condition", "the condition is empty", token_);
    Part part = disjunction();
    if (!stopped_ && token_.kind == Token::Kind::kPipe) aggregation();
    if (!stopped_ && token_.kind == Token::Kind::kClose)
      error("sigma-bad-condition", "`)` without `(`", token_);
    if (!stopped_ && token_.kind == Token::Kind::kWord)
      error("sigma-bad-condition",
            "`and` or `or` expected before `" + std::string(token_.text) + "`", token_);
    if (failed_) part.expr = nullptr;
    return {std::move(part.expr), std::move(part.text)};
  }

 private:
  // ---- tokens ----

  void next() {
    last_end_ = at_;
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    token_ = {Token::Kind::kEnd, at_, {}};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '(' || c == ')' || c == '|') {
      token_.kind = c == '('   ? Token::Kind::kOpen
                    : c == ')' ? Token::Kind::kClose
                               : Token::Kind::kPipe;
      ++at_;
    } else {
      token_.kind = Token::Kind::kWord;
      while (at_ < text_.size() && !ascii_space(text_[at_]) && text_[at_] != '(' &&
             text_[at_] != ')' && text_[at_] != '|')
        ++at_;
    }
    token_.text = text_.substr(token_.begin, at_ - token_.begin);
  }

  Token peek() {
    const size_t at = at_;
    const size_t last_end = last_end_;
    const Token token = token_;
    next();
    const Token ahead = token_;
    at_ = at;
    last_end_ = last_end;
    token_ = token;
    return ahead;
  }

  Span span(const Token& t) const {
    const size_t end = t.begin + std::max<size_t>(t.text.size(), 1);
    return {node_.source_position(t.begin),
            std::max(node_.source_position(end), node_.source_position(t.begin))};
  }

  /// From a position of the condition to the end of the last token read.
  Span span_from(size_t begin) const {
    return {node_.source_position(begin),
            std::max(node_.source_position(last_end_), node_.source_position(begin))};
  }

  // Operators in capitals are what everybody takes them for, unless a selection has that name.
  bool is_word(std::string_view lower) {
    if (token_.kind != Token::Kind::kWord) return false;
    if (token_.text == lower) return true;
    if (!equal_ignore_case(token_.text, lower) || find(token_.text)) return false;
    if (warned_at_ != token_.begin + 1)
      diag_.warning("sigma-operator-case", "operators are written in lower case", span(token_), "",
                    "write `" + std::string(lower) + "`");
    warned_at_ = token_.begin + 1;
    return true;
  }

  // ---- errors: after one of syntax the rest is not read ----

  void error(std::string code,
             std::string message,
             const Token& at,
             std::string label = "",
             std::string hint = "") {
    if (stopped_) return;
    failed_ = stopped_ = true;
    diag_.error(std::move(code), std::move(message), span(at), std::move(label), std::move(hint));
  }

  void aggregation() {
    Token rest = token_;
    rest.text = trim(text_.substr(rest.begin));
    error("sigma-unsupported", "aggregation in a condition", rest,
          "not supported: removed from Sigma", "write a correlation rule");
  }

  // ---- grammar ----

  Part junction(bool conjunctive) {
    const std::string_view word = conjunctive ? "and" : "or";
    const size_t begin = token_.begin;
    std::vector<Part> parts;
    parts.push_back(conjunctive ? negation() : junction(true));
    while (!stopped_ && is_word(word)) {
      next();
      parts.push_back(conjunctive ? negation() : junction(true));
    }
    return join(std::move(parts), conjunctive, begin);
  }

  Part disjunction() { return junction(false); }

  Part negation() {
    size_t count = 0;
    const size_t begin = token_.begin;
    while (!stopped_ && is_word("not")) {
      ++count;
      next();
    }
    num_nots_ += count;
    Part part = primary();
    num_nots_ -= count;
    if (count == 0) return part;
    if (part.binding < 3) part.text = "(" + part.text + ")";
    if (count % 2 == 0) return part;
    if (part.expr && part.expr != DetectionLowering::nothing())
      part.expr = plan::call("not", {part.expr}, span_from(begin));
    return {std::move(part.expr), "not " + part.text, 3};
  }

  Part primary() {
    if (stopped_) return {};
    if (token_.kind == Token::Kind::kOpen) {
      const Token open = token_;
      if (++depth_ > kMaxDepth)
        error("sigma-bad-condition", "the condition is nested too deep", open);
      next();
      Part part = disjunction();
      if (!stopped_ && token_.kind == Token::Kind::kPipe) aggregation();
      if (!stopped_ && token_.kind != Token::Kind::kClose)
        error("sigma-bad-condition", "`)` expected",
              token_.kind == Token::Kind::kEnd ? open : token_,
              token_.kind == Token::Kind::kEnd ? "opened here" : "");
      --depth_;
      next();
      return part;
    }
    if (token_.kind != Token::Kind::kWord || is_word("and") || is_word("or")) {
      if (token_.kind == Token::Kind::kPipe && token_.begin == 0) aggregation();
      error("sigma-bad-condition", "a selection expected", token_,
            token_.kind == Token::Kind::kEnd ? "the condition ends here" : "");
      return {};
    }
    const Token ahead = peek();
    const bool of = ahead.kind == Token::Kind::kWord && equal_ignore_case(ahead.text, "of");
    if (of && !find(ahead.text)) return quantified();
    const Token name = token_;
    next();
    Selection* s = find(name.text);
    if (!s) {
      unknown(name);
      return {};
    }
    return use(*s);
  }

  Part quantified() {
    const Token count = token_;
    const bool all = is_word("all");
    const bool any = count.text == "1" || is_word("any");
    if (!all && !any) {
      const bool number = parse_int(count.text).has_value();
      error(
          number ? "sigma-unsupported" : "sigma-bad-condition",
          number ? "`" + std::string(count.text) + " of`" : "`1 of`, `any of` or `all of` expected",
          count, number ? "not supported: only 1 and all" : "");
      return {};
    }
    next();
    is_word("of");  // known to be; warns of capitals
    next();
    if (token_.kind != Token::Kind::kWord) {
      error("sigma-bad-condition", "`them` or the name of selections expected", token_);
      return {};
    }
    const Token pattern = token_;
    const bool them = is_word("them");
    next();
    num_terms_ += selections_.size();
    std::vector<Part> parts;
    for (Selection& s : selections_) {
      const bool exact = s.name == pattern.text;
      if (!exact && (s.name.front() == '_' || !(them || matches_pattern(pattern.text, s.name))))
        continue;
      parts.push_back(use(s));
    }
    if (parts.empty()) {
      unknown(pattern);
      return {};
    }
    return join(std::move(parts), all, count.begin);
  }

  // ---- selections ----

  Selection* find(std::string_view name) {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : it->second;
  }

  void unknown(const Token& t) {
    failed_ = true;
    if (++num_unknown_ > kMaxUnknownTold) return;
    const std::string name(t.text);
    const bool pattern = name.find('*') != std::string::npos || name == "them";
    std::vector<std::string_view> names;
    for (const Selection& s : selections_)
      names.push_back(s.name);
    const std::string near = nearest_name(name, names);
    diag_.error("sigma-unknown-selection",
                pattern ? "no selection matches: " + name : "unknown selection: " + name, span(t),
                pattern ? "names that begin with `_` do not count" : "",
                near.empty() ? "" : "did you mean `" + near + "`?");
  }

  Part use(Selection& s) {
    s.used = true;
    s.used_plainly = s.used_plainly || num_nots_ % 2 == 0;
    if (!s.expr) failed_ = true;
    return {s.expr, s.name, 4};
  }

  Part join(std::vector<Part> parts, bool conjunctive, size_t begin) {
    if (parts.size() == 1) return std::move(parts[0]);
    Part out;
    out.binding = conjunctive ? 2 : 1;
    std::vector<ExprPtr> terms;
    for (Part& p : parts) {
      if (out.text.size() <= kMaxExplained) {
        if (!out.text.empty()) out.text += conjunctive ? " and " : " or ";
        // `a and (b and c)` needs no parentheses, `a or b and c` none either.
        out.text += out.text.size() + p.text.size() > kMaxExplained ? "..."
                    : p.binding < out.binding                       ? "(" + p.text + ")"
                                                                    : p.text;
      }
      if (p.expr) num_terms_ += p.expr->args.size() + 1;
      terms.push_back(std::move(p.expr));
    }
    if (num_terms_ > kMaxTerms) {
      Token everything;
      everything.text = text_;
      error("sigma-bad-condition", "the condition is too large", everything,
            "repeats its selections too often");
    }
    if (stopped_ || std::any_of(terms.begin(), terms.end(), [](const ExprPtr& e) { return !e; }))
      return out;
    // What a pipeline emptied says nothing, in either junction.
    std::erase(terms, DetectionLowering::nothing());
    if (terms.empty()) {
      out.expr = DetectionLowering::nothing();
      return out;
    }
    const Span whole = span_from(begin);
    out.expr = conjunctive ? plan::conjunction(std::move(terms), whole)
                           : plan::disjunction(std::move(terms), whole);
    return out;
  }

  const adapt::YamlNode& node_;
  std::string_view text_;
  std::vector<Selection>& selections_;
  Diagnostics& diag_;
  std::map<std::string_view, Selection*> by_name_;
  size_t at_ = 0;
  size_t last_end_ = 0;  // of the token before token_
  Token token_;
  size_t depth_ = 0;
  size_t num_nots_ = 0;  // above the current place
  size_t num_terms_ = 0;
  size_t num_unknown_ = 0;
  size_t warned_at_ = 0;  // 1 + place of the last operator in capitals
  bool failed_ = false;
  bool stopped_ = false;
};

}  // namespace

Condition parse_condition(const adapt::YamlNode& node,
                          std::vector<Selection>& selections,
                          Diagnostics& diag) {
  return Parser(node, selections, diag).whole();
}

}  // namespace postern::lang::sigma
