#include "lang/strategy/predicate.h"

#include "base/text.h"

namespace postern::lang::strategy {
namespace {

constexpr int kMaxDepth = 100;

enum class Kind { kEnd, kWord, kString, kNumber, kVariable, kSymbol, kBad };

struct Token {
  Kind kind = Kind::kEnd;
  std::string_view text;
  size_t begin = 0;
  size_t end = 0;

  bool is(std::string_view s) const { return kind == Kind::kSymbol && text == s; }

  bool word(std::string_view w) const { return kind == Kind::kWord && equal_ignore_case(text, w); }
};

constexpr std::string_view kSymbolOperators[] = {
    "==", "=", "!=", "<>", "<=", "=<", ">=", "=>", "<", ">"};
constexpr std::string_view kWordOperators[] = {"CONTAINS", "BEGINSWITH",      "ENDSWITH",
                                               "LIKE",     "MATCHES",         "IN",
                                               "BETWEEN",  "UTI-CONFORMS-TO", "UTI-EQUALS"};
constexpr std::string_view kAggregates[] = {"ANY", "SOME", "ALL", "NONE"};
constexpr std::string_view kReserved[] = {
    "AND",       "OR",      "NOT",      "ANY",        "SOME",
    "ALL",       "NONE",    "CONTAINS", "BEGINSWITH", "ENDSWITH",
    "LIKE",      "MATCHES", "IN",       "BETWEEN",    "UTI-CONFORMS-TO",
    "UTI-EQUALS"};

template <size_t n>
bool one_of(const Token& t, const std::string_view (&words)[n]) {
  for (const std::string_view w : words)
    if (t.word(w)) return true;
  return false;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) { next(); }

  PredicateCheck run() {
    if (now_.kind == Kind::kEnd) {
      fail(0, text_.size(), "the predicate is empty", "");
    } else {
      disjunction();
      if (!stopped_ && now_.kind != Kind::kEnd)
        fail(now_, "`AND`, `OR` or the end of the predicate was expected");
    }
    if (!stopped_ && !insertions_.empty()) {
      size_t at = 0;
      for (const auto& [place, what] : insertions_) {
        out_.corrected += text_.substr(at, place - at);
        out_.corrected += what;
        at = place;
      }
      out_.corrected += text_.substr(at);
    }
    return std::move(out_);
  }

 private:
  // What a comparison compares: "processImagePath CONTAINS[c] ", to be repeated before a lone
  // value.
  struct Comparison {
    size_t begin = 0;
    size_t value = 0;  // where the right side begins
    bool known = false;
  };

  void fail(size_t begin, size_t end, std::string message, std::string label) {
    if (stopped_) return;
    if (silent_ == 0) out_.faults.push_back({begin, end, std::move(message), std::move(label)});
    stopped_ = true;
  }

  void fail(const Token& t, std::string message) {
    const size_t end = t.end > t.begin ? t.end : t.begin;
    fail(t.begin, end, std::move(message), "");
  }

  static bool word_char(char c) {
    return ascii_alpha(c) || ascii_digit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  }

  void next() {
    last_end_ = now_.end;
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    Token t;
    t.begin = at_;
    if (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'')
        string(t, c);
      else if (ascii_digit(c) ||
               (c == '.' && at_ + 1 < text_.size() && ascii_digit(text_[at_ + 1])))
        number(t);
      else if (c == '$' || c == '%')
        variable(t);
      else if (c == '#') {
        t.kind = Kind::kWord;
        ++at_;
        words();
      } else if (word_char(c) || c == '@') {
        t.kind = Kind::kWord;
        words();
      } else
        symbol(t);
    }
    t.end = at_;
    t.text = text_.substr(t.begin, t.end - t.begin);
    now_ = t;
  }

  void string(Token& t, char quote) {
    t.kind = Kind::kString;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    if (at_ < text_.size())
      ++at_;
    else
      t.kind = Kind::kBad;
  }

  void number(Token& t) {
    t.kind = Kind::kNumber;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool sign = (c == '+' || c == '-') &&
                        (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E') && text_[t.begin] != '0';
      if (!word_char(c) && c != '.' && !sign) break;
      ++at_;
    }
  }

  void variable(Token& t) {
    t.kind = Kind::kVariable;
    const size_t begin = ++at_;
    if (at_ < text_.size() && text_[at_] == '@') {
      ++at_;
      return;
    }
    words();
    if (at_ == begin) t.kind = Kind::kBad;
  }

  // A name, with the hyphens of UTI-CONFORMS-TO.
  void words() {
    if (at_ < text_.size() && text_[at_] == '@') ++at_;
    const size_t begin = at_;
    while (at_ < text_.size() && word_char(text_[at_]))
      ++at_;
    if (!equal_ignore_case(text_.substr(begin, at_ - begin), "UTI")) return;
    for (const std::string_view rest : {"-CONFORMS-TO", "-EQUALS"})
      if (starts_with_ignore_case(text_.substr(at_), rest)) at_ += rest.size();
  }

  void symbol(Token& t) {
    t.kind = Kind::kSymbol;
    for (const std::string_view two :
         {"==", "!=", "<>", "<=", "=<", ">=", "=>", "&&", "||", "**", ":="}) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      return;
    }
    constexpr std::string_view kOne = "()[]{},.=<>!+-*/:";
    if (kOne.find(text_[at_]) == std::string_view::npos) t.kind = Kind::kBad;
    size_t ignored = at_;
    if (t.kind == Kind::kBad) next_code_point(text_, ignored);
    at_ = ignored > at_ ? ignored : at_ + 1;
  }

  bool deeper() {
    if (++depth_ <= kMaxDepth) return true;
    fail(now_, "the predicate is nested too deep");
    return false;
  }

  void disjunction() {
    if (!deeper()) return;
    conjunction();
    while (!stopped_ && (now_.word("OR") || now_.is("||"))) {
      next();
      conjunction();
    }
    --depth_;
  }

  void conjunction() {
    negation();
    while (!stopped_ && (now_.word("AND") || now_.is("&&"))) {
      next();
      negation();
    }
  }

  void negation() {
    while (now_.word("NOT") || now_.is("!"))
      next();
    if (now_.word("TRUEPREDICATE") || now_.word("FALSEPREDICATE")) return next();
    if (now_.is("(") && parenthesised()) return;
    if (!stopped_) comparison();
  }

  bool at_operator() const {
    if (one_of(now_, kWordOperators)) return true;
    // `NOT IN` is how people write it; Apple's parser takes it.
    if (now_.kind != Kind::kSymbol) return false;
    for (const std::string_view s : kSymbolOperators)
      if (now_.text == s) return true;
    return false;
  }

  // `( predicate )`; false, and nothing taken, when the parentheses hold an operand.
  bool parenthesised() {
    const Checker before = *this;
    ++silent_;
    next();
    disjunction();
    const bool closed = !stopped_ && now_.is(")");
    if (closed) next();
    const bool operand = closed && (at_operator() || now_.is("+") || now_.is("-") || now_.is("*") ||
                                    now_.is("/") || now_.is("**"));
    const bool is_predicate = closed && !operand;
    if (is_predicate && out_.faults.size() == before.out_.faults.size() &&
        insertions_.size() == before.insertions_.size()) {
      --silent_;
      return true;
    }
    const bool lone_values = is_predicate && insertions_.size() != before.insertions_.size();
    const int work = work_;
    *this = before;
    work_ = work;
    if (++work_ > kMaxWork) {
      fail(now_, "the predicate is too large");
      return true;
    }
    if (!lone_values && !operand && !looks_like_predicate()) return false;
    if (operand) return false;
    // Again, aloud.
    next();
    disjunction();
    if (!stopped_ && !now_.is(")")) fail(now_, "`)` was expected");
    if (!stopped_) next();
    return true;
  }

  // Some connective or operator before the parenthesis closes: a predicate with a fault inside.
  bool looks_like_predicate() const {
    Checker ahead = *this;
    int open = 0;
    for (;;) {
      if (ahead.now_.kind == Kind::kEnd || ahead.now_.kind == Kind::kBad) return false;
      if (ahead.now_.is("(")) ++open;
      if (ahead.now_.is(")") && --open == 0) return false;
      if (ahead.at_operator() || ahead.now_.word("AND") || ahead.now_.word("OR")) return true;
      ahead.next();
    }
  }

  void comparison() {
    if (one_of(now_, kAggregates)) next();
    const Token first = now_;
    const bool literal = now_.kind == Kind::kString || now_.kind == Kind::kNumber;
    operand();
    if (stopped_) return;
    const size_t operand_end = last_end_;
    if (now_.word("NOT")) {
      const Checker before = *this;
      next();
      if (!now_.word("IN")) *this = before;
    }
    if (!at_operator()) return lone_operand(first, operand_end, literal);
    next();
    if (now_.is("[")) options();
    if (stopped_) return;
    const size_t value = now_.begin;
    operand();
    if (!stopped_) previous_ = {first.begin, value, true};
  }

  // `x CONTAINS "a" OR "b"`: the value is meant to be compared like the one before it.
  void lone_operand(const Token& first, size_t end, bool literal) {
    const std::string what(text_.substr(first.begin, end - first.begin));
    if (!literal || !previous_.known)
      return fail(first.begin, end, "`" + what + "` is not a comparison",
                  literal ? "a value alone" : "an operator was expected after it");
    out_.faults.push_back({first.begin, end, "`" + what + "` is not a comparison",
                           "a value alone is not a condition"});
    if (silent_ > 0) out_.faults.pop_back();
    std::string repeated(text_.substr(previous_.begin, previous_.value - previous_.begin));
    if (first.begin > 0 && word_char(text_[first.begin - 1])) repeated.insert(0, " ");  // OR"x"
    insertions_.emplace_back(first.begin, std::move(repeated));
  }

  void options() {
    next();
    if (now_.kind != Kind::kWord) return fail(now_, "options such as [cd] were expected");
    for (const char c : now_.text)
      if (std::string_view("cdnlwCDNLW").find(c) == std::string_view::npos)
        return fail(now_, "`" + std::string(now_.text) +
                              "` are not options of a comparison: c, d, n, l, w");
    next();
    if (!now_.is("]")) return fail(now_, "`]` was expected");
    next();
  }

  void operand() {
    if (!deeper()) return;
    unary();
    while (!stopped_ && (now_.is("+") || now_.is("-") || now_.is("*") || now_.is("/") ||
                         now_.is("**") || now_.is(":="))) {
      next();
      unary();
    }
    --depth_;
  }

  void unary() {
    while (now_.is("-"))
      next();
    primary();
    while (!stopped_) {
      if (now_.is(".")) {
        next();
        if (now_.kind != Kind::kWord) return fail(now_, "a name was expected after `.`");
        next();
        if (now_.is("(")) arguments(")");
      } else if (now_.is("[")) {
        next();
        operand();
        if (!stopped_ && !now_.is("]")) return fail(now_, "`]` was expected");
        if (!stopped_) next();
      } else {
        return;
      }
    }
  }

  void arguments(std::string_view close) {
    next();
    while (!stopped_ && !now_.is(close)) {
      operand();
      // SUBQUERY's last argument is a predicate.
      if (!stopped_ && at_operator()) {
        next();
        if (now_.is("[")) options();
        if (!stopped_) operand();
      }
      if (stopped_) return;
      if (now_.is(",") || now_.word("AND") || now_.word("OR"))
        next();
      else if (!now_.is(close))
        return fail(now_, "`,` or `" + std::string(close) + "` was expected");
    }
    if (!stopped_) next();
  }

  void primary() {
    switch (now_.kind) {
      case Kind::kString:
      case Kind::kNumber:
      case Kind::kVariable:
        return next();
      case Kind::kWord:
        if (one_of(now_, kReserved))
          return fail(now_, "a value was expected, not `" + std::string(now_.text) + "`");
        next();
        if (now_.is("(")) arguments(")");
        return;
      case Kind::kSymbol:
        if (now_.is("{")) return arguments("}");
        if (now_.is("(")) {
          next();
          operand();
          if (!stopped_ && now_.is(",")) {  // (1, 2) is a list to IN
            while (!stopped_ && now_.is(",")) {
              next();
              operand();
            }
          }
          if (!stopped_ && !now_.is(")")) return fail(now_, "`)` was expected");
          if (!stopped_) next();
          return;
        }
        return fail(now_, "a value was expected");
      case Kind::kBad:
        if (!now_.text.empty() && (now_.text[0] == '"' || now_.text[0] == '\''))
          return fail(now_, "the string has no end");
        return fail(now_, "`" + std::string(now_.text) + "` means nothing here");
      case Kind::kEnd:
        return fail(now_, "a value was expected");
    }
  }

  static constexpr int kMaxWork = 200;

  std::string_view text_;
  size_t at_ = 0;
  Token now_;
  size_t last_end_ = 0;
  Comparison previous_;
  std::vector<std::pair<size_t, std::string>> insertions_;
  PredicateCheck out_;
  bool stopped_ = false;
  int silent_ = 0;
  int depth_ = 0;
  int work_ = 0;
};

}  // namespace

PredicateCheck check_predicate(std::string_view text) {
  PredicateCheck out = Checker(text).run();
  // A repair that is wrong itself is no help.
  if (!out.corrected.empty() && !Checker(out.corrected).run().faults.empty()) out.corrected.clear();
  return out;
}

std::optional<PredicateOption> predicate_of_command(std::string_view line) {
  constexpr std::string_view kOption = "--predicate";
  if (line.substr(0, 4) != "log ") return std::nullopt;
  size_t at = line.find(kOption);
  if (at == std::string_view::npos) return std::nullopt;
  at += kOption.size();
  while (at < line.size() && (ascii_space(line[at]) || line[at] == '='))
    ++at;
  if (at == line.size()) return std::nullopt;
  const char quote = line[at];
  if (quote != '\'' && quote != '"') return PredicateOption{trim(line.substr(at)), at};
  ++at;
  // In single quotes the shell leaves everything as it is.
  size_t end = at;
  while (end < line.size() && line[end] != quote)
    end += quote == '"' && line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
  return PredicateOption{line.substr(at, end - at), at};
}

}  // namespace postern::lang::strategy
