#define PCRE2_CODE_UNIT_WIDTH 8
#include "oracle_rule.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include <arpa/inet.h>
#include <pcre2.h>

#include "base/text.h"

namespace postern::differential {

using adapt::YamlNode;

namespace {

bool is_null(const YamlNode& n) {
  return n.plain && (n.text.empty() || n.text == "~" || n.text == "null" || n.text == "Null" ||
                     n.text == "NULL");
}

// ---- patterns: one token per character

struct Token {
  enum Kind : uint8_t { kChar, kOne, kRun, kDash } kind;

  char32_t c;
};

using Pattern = std::vector<Token>;

Pattern parse_pattern(const std::string& text) {
  Pattern out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\\' && at + 1 < text.size() &&
        (text[at + 1] == '*' || text[at + 1] == '?' || text[at + 1] == '\\')) {
      out.push_back({Token::kChar, static_cast<char32_t>(text[at + 1])});
      at += 2;
    } else if (text[at] == '*') {
      out.push_back({Token::kRun, 0});
      ++at;
    } else if (text[at] == '?') {
      out.push_back({Token::kOne, 0});
      ++at;
    } else {
      out.push_back({Token::kChar, next_code_point(text, at)});
    }
  }
  return out;
}

std::u32string code_points(const std::string& s) {
  std::u32string out;
  for (size_t at = 0; at < s.size();)
    out += next_code_point(s, at);
  return out;
}

bool is_dash(char32_t c) {
  return c == '-' || c == '/' || c == 0x2013 || c == 0x2014 || c == 0x2015;
}

bool word(char32_t c) {
  return is_alnum(c) || c == '_';
}

/// Dashes that begin a word stand for all five.
void windash(Pattern& p) {
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i].kind != Token::kChar || !is_dash(p[i].c)) continue;
    const bool after_word = i > 0 && p[i - 1].kind == Token::kChar && word(p[i - 1].c);
    const bool before_word = i + 1 < p.size() && p[i + 1].kind == Token::kChar && word(p[i + 1].c);
    if (!after_word && before_word) p[i].kind = Token::kDash;
  }
}

/// Whole-text match, characters as they are: the last run is the only one that
/// needs to be tried again.
bool matches_whole(const Pattern& p, const std::u32string& s) {
  size_t i = 0;
  size_t k = 0;
  size_t run = p.size();
  size_t resume = 0;
  const auto one = [&](const Token& t, char32_t c) {
    if (t.kind == Token::kOne) return true;
    if (t.kind == Token::kDash) return is_dash(c);
    return t.kind == Token::kChar && t.c == c;
  };
  while (k < s.size()) {
    if (i < p.size() && p[i].kind == Token::kRun) {
      run = i++;
      resume = k;
    } else if (i < p.size() && one(p[i], s[k])) {
      ++i;
      ++k;
    } else if (run < p.size()) {
      i = run + 1;
      k = ++resume;
      // On to the next place where what follows the run can begin.
      if (i < p.size() && p[i].kind == Token::kChar) {
        k = resume = s.find(p[i].c, resume);
        if (k == std::u32string::npos) return false;
      }
    } else {
      return false;
    }
  }
  while (i < p.size() && p[i].kind == Token::kRun)
    ++i;
  return i == p.size();
}

// ---- encodings

std::string literal_text(const Pattern& p) {
  std::string out;
  for (const Token& t : p)
    append_utf8(out, t.c);
  return out;
}

Pattern literal(const std::string& s) {
  Pattern out;
  for (size_t at = 0; at < s.size();)
    out.push_back({Token::kChar, next_code_point(s, at)});
  return out;
}

std::string utf16(const std::string& s, bool big, bool mark) {
  std::string out = mark ? "\xFF\xFE" : "";
  const auto unit = [&](uint32_t u) {
    const char low = static_cast<char>(u & 0xFF);
    const char high = static_cast<char>(u >> 8);
    out += big ? high : low;
    out += big ? low : high;
  };
  for (const char32_t c : code_points(s)) {
    if (c >= 0x10000) {
      unit(0xD800 + ((static_cast<uint32_t>(c) - 0x10000) >> 10));
      unit(0xDC00 + ((static_cast<uint32_t>(c) - 0x10000) & 0x3FF));
    } else {
      unit(static_cast<uint32_t>(c));
    }
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static const char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    for (size_t k = 0; k < 3; ++k)
      v = v << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kAlphabet[v >> (18 - 6 * k) & 63];
  }
  return out;
}

std::vector<std::string> base64_offsets(const std::string& bytes) {
  std::vector<std::string> out;
  for (size_t offset = 0; offset < 3; ++offset) {
    const std::string all = base64(std::string(offset, ' ') + bytes);
    static constexpr size_t kStart[] = {0, 2, 3};
    static constexpr size_t kEnd[] = {0, 3, 2};
    out.push_back(all.substr(kStart[offset],
                             all.size() - kStart[offset] - kEnd[(bytes.size() + offset) % 3]));
  }
  return out;
}

// ---- addresses

bool address(const std::string& s, std::vector<uint8_t>& out) {
  uint8_t buffer[16];
  const std::string bare = s.substr(0, s.find('%'));
  if (inet_pton(AF_INET, bare.c_str(), buffer) == 1) {
    out.assign(buffer, buffer + 4);
    return true;
  }
  if (inet_pton(AF_INET6, bare.c_str(), buffer) != 1) return false;
  out.assign(buffer, buffer + 16);
  // A v4 address written in v6 is the v4 address.
  static const uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::memcmp(buffer, kMapped, 12) == 0) out.assign(buffer + 12, buffer + 16);
  return true;
}

bool in_network(const std::string& text, const std::string& network) {
  const size_t slash = network.find('/');
  std::vector<uint8_t> a;
  std::vector<uint8_t> n;
  if (!address(text, a) || !address(network.substr(0, slash), n) || a.size() != n.size())
    return false;
  size_t bits = slash == std::string::npos
                    ? n.size() * 8
                    : static_cast<size_t>(std::stoul(network.substr(slash + 1)));
  for (size_t i = 0; i < a.size() && bits > 0; ++i) {
    const size_t take = std::min<size_t>(bits, 8);
    const auto mask = static_cast<uint8_t>(0xFF << (8 - take));
    if ((a[i] & mask) != (n[i] & mask)) return false;
    bits -= take;
  }
  return true;
}

std::vector<std::string> split_chain(const std::string& key) {
  std::vector<std::string> out;
  size_t begin = 0;
  while (begin <= key.size()) {
    const size_t end = std::min(key.find('|', begin), key.size());
    out.push_back(key.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// A key: field and modifiers.
struct Chain {
  std::string field;
  std::vector<std::string> modifiers;

  bool has(const char* name) const {
    return std::find(modifiers.begin(), modifiers.end(), name) != modifiers.end();
  }
};

}  // namespace

// ---- what is kept between evaluations

struct OracleRule::Regexes {
  std::map<std::string, pcre2_code*> compiled;
  std::unordered_map<const YamlNode*, std::vector<Pattern>> patterns;
  std::unordered_map<const YamlNode*, Chain> chains;

  ~Regexes() {
    for (auto& [key, code] : compiled)
      pcre2_code_free(code);
  }

  bool matches(const std::string& pattern, uint32_t flags, const std::string& text, bool& unknown) {
    const std::string key = std::to_string(flags) + pattern;
    auto it = compiled.find(key);
    if (it == compiled.end()) {
      int error = 0;
      PCRE2_SIZE at = 0;
      pcre2_code* code =
          pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                        flags | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &at, nullptr);
      if (code) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
      it = compiled.emplace(key, code).first;
    }
    if (!it->second) {
      unknown = true;
      return false;
    }
    pcre2_match_data* data = pcre2_match_data_create_from_pattern(it->second, nullptr);
    const int n = pcre2_match(it->second, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                              0, data, nullptr);
    pcre2_match_data_free(data);
    if (n < 0 && n != PCRE2_ERROR_NOMATCH) unknown = true;  // too much backtracking
    return n >= 0;
  }
};

// ---- conditions

struct OracleRule::Condition {
  enum Kind : uint8_t { kAnd, kOr, kNot, kOneOf, kAllOf, kSelection } kind = kSelection;

  std::vector<Condition> parts;             // kAnd, kOr, kNot
  std::vector<const YamlNode*> selections;  // the others
};

class OracleRule::ConditionReader {
 public:
  explicit ConditionReader(const YamlNode& detection) : detection_(detection) {}

  /// A list holds when one of it does.
  bool read(const YamlNode& n, Condition& out) {
    if (!n.is_sequence()) return read_text(n.text, out);
    out.kind = Condition::kOr;
    return std::all_of(n.items.begin(), n.items.end(),
                       [&](const YamlNode& one) { return read(one, out.parts.emplace_back()); });
  }

 private:
  bool read_text(const std::string& text, Condition& out) {
    words_.clear();
    at_ = 0;
    std::string current;
    for (const char c : text + " ") {
      if (c == '(' || c == ')' || c == ' ' || c == '\n' || c == '\t') {
        if (!current.empty()) words_.push_back(current);
        current.clear();
        if (c == '(' || c == ')') words_.emplace_back(1, c);
      } else {
        current += c;
      }
    }
    return disjunction(out) && at_ == words_.size();
  }

  bool disjunction(Condition& out) {
    out.kind = Condition::kOr;
    do {
      Condition& both = out.parts.emplace_back();
      both.kind = Condition::kAnd;
      do {
        if (!negation(both.parts.emplace_back())) return false;
      } while (next("and"));
    } while (next("or"));
    return true;
  }

  bool negation(Condition& out) {
    if (next("not")) {
      out.kind = Condition::kNot;
      return negation(out.parts.emplace_back());
    }
    if (next("(")) return disjunction(out) && next(")");
    if (at_ >= words_.size()) return false;
    const std::string name = words_[at_++];
    if (!next("of")) {
      const YamlNode* s = detection_.find(name);
      if (s) out.selections.push_back(s);
      return s != nullptr;
    }
    if (at_ >= words_.size() || (name != "1" && name != "any" && name != "all")) return false;
    out.kind = name == "all" ? Condition::kAllOf : Condition::kOneOf;
    const std::string pattern = words_[at_++];
    for (const YamlNode::Entry& e : detection_.entries) {
      if (e.key.text == "condition" || e.key.text == "timeframe" || e.key.text[0] == '_') continue;
      if (pattern == "them" || matches_whole(parse_pattern(pattern), code_points(e.key.text)))
        out.selections.push_back(&e.value);
    }
    return !out.selections.empty();
  }

  bool next(const char* word) {
    if (at_ >= words_.size() || words_[at_] != word) return false;
    ++at_;
    return true;
  }

  const YamlNode& detection_;
  std::vector<std::string> words_;
  size_t at_ = 0;
};

OracleRule::~OracleRule() = default;
OracleRule::OracleRule(OracleRule&&) noexcept = default;

// ---- one evaluation

class OracleRule::Run {
 public:
  Run(const OracleRule& rule, const Fields& fields, const OracleEvent& event, bool& unknown)
      : rule_(rule), fields_(fields), event_(event), unknown_(unknown) {}

  bool holds(const Condition& c) {
    const auto part = [&](const Condition& p) { return holds(p); };
    const auto selected = [&](const YamlNode* s) { return selection(*s); };
    switch (c.kind) {
      case Condition::kAnd:
        return std::all_of(c.parts.begin(), c.parts.end(), part);
      case Condition::kOr:
        return std::any_of(c.parts.begin(), c.parts.end(), part);
      case Condition::kNot:
        return !holds(c.parts[0]);
      case Condition::kAllOf:
        return std::all_of(c.selections.begin(), c.selections.end(), selected);
      default:
        return std::any_of(c.selections.begin(), c.selections.end(), selected);
    }
  }

 private:
  bool selection(const YamlNode& n) {
    if (n.is_mapping()) {
      for (const YamlNode::Entry& e : n.entries)
        if (!item(e.key.text, e.value)) return false;
      return true;
    }
    if (n.is_scalar()) return keyword_any(n, {});
    for (const YamlNode& one : n.items)
      if (one.is_mapping() ? selection(one) : keyword_any(one, {})) return true;
    return false;
  }

  bool item(const std::string& key, const YamlNode& value) {
    const Chain& c = chain(key, value);
    const auto one = [&](const YamlNode& v) {
      return c.field.empty() ? keyword_any(v, c) : field_value(c, v);
    };
    bool held = false;
    if (value.is_scalar())
      held = one(value);
    else if (value.items.empty())
      held = null_field(c.field);
    else
      held = c.has("all") ? std::all_of(value.items.begin(), value.items.end(), one)
                          : std::any_of(value.items.begin(), value.items.end(), one);
    return held != c.has("neq");
  }

  /// A key is read once; its value tells where it stands.
  const Chain& chain(const std::string& key, const YamlNode& value) {
    const auto [it, added] = rule_.regexes_->chains.try_emplace(&value);
    Chain& c = it->second;
    if (!added) return c;
    const std::vector<std::string> parts = split_chain(key);
    c.field = parts[0];
    const auto product = rule_.logsource_.find("product");
    if (product != rule_.logsource_.end() && product->second == "windows") std::erase(c.field, ' ');
    c.modifiers.assign(parts.begin() + 1, parts.end());
    return c;
  }

  bool null_field(const std::string& field) {
    const Cell& cell = fields_(field);
    if (!cell || cell->empty()) return true;
    return std::any_of(cell->begin(), cell->end(), [](const std::string& s) { return s.empty(); });
  }

  bool field_value(const Chain& c, const YamlNode& v) {
    if (c.has("exists")) return fields_(c.field).has_value() == (v.text == "true");
    if (c.modifiers.empty() && is_null(v)) return null_field(c.field);
    const Cell& cell = fields_(c.field);
    if (!cell) return false;
    if (c.has("fieldref")) {
      const Cell& other = fields_(v.text);
      if (!other) return false;
      for (const std::string& a : *cell)
        for (const std::string& b : *other)
          if (refers(c, fold(a), fold(b))) return true;
      return false;
    }
    return std::any_of(cell->begin(), cell->end(),
                       [&](const std::string& text) { return text_value(c, v, text); });
  }

  static bool refers(const Chain& c, const std::string& a, const std::string& b) {
    if (c.has("contains")) return a.find(b) != std::string::npos;
    if (c.has("startswith")) return a.compare(0, b.size(), b) == 0;
    if (c.has("endswith"))
      return a.size() >= b.size() && a.compare(a.size() - b.size(), b.size(), b) == 0;
    return a == b;
  }

  std::vector<std::string> expanded(const Chain& c, const std::string& text) {
    if (!c.has("expand")) return {text};
    const size_t begin = text.find('%');
    const size_t end = begin == std::string::npos ? begin : text.find('%', begin + 1);
    if (end == std::string::npos) return {text};
    const auto it = rule_.placeholders_.find(text.substr(begin + 1, end - begin - 1));
    std::vector<std::string> out;
    if (it == rule_.placeholders_.end()) {
      unknown_ = true;
      return out;
    }
    for (const std::string& value : it->second) {
      std::string escaped;
      for (const char ch : value) {
        if (ch == '*' || ch == '?' || ch == '\\') escaped += '\\';
        escaped += ch;
      }
      for (std::string& rest : expanded(c, text.substr(end + 1)))
        out.push_back(text.substr(0, begin) + escaped + rest);
    }
    return out;
  }

  bool text_value(const Chain& c, const YamlNode& v, const std::string& text) {
    if (c.has("re")) {
      uint32_t flags = 0;
      if (c.has("i")) flags |= PCRE2_CASELESS;
      if (c.has("m")) flags |= PCRE2_MULTILINE;
      if (c.has("s")) flags |= PCRE2_DOTALL;
      return rule_.regexes_->matches(v.text, flags, text, unknown_);
    }
    if (c.has("cidr")) {
      for (const std::string& network : expanded(c, v.text))
        if (in_network(text, network)) return true;
      return false;
    }
    for (const char* order : {"lt", "lte", "gt", "gte"}) {
      if (!c.has(order)) continue;
      const auto a = parse_real(trim(text));
      const auto b = parse_real(v.text);
      if (!a || !b) return false;
      const std::string op = order;
      return op == "lt" ? *a < *b : op == "lte" ? *a <= *b : op == "gt" ? *a > *b : *a >= *b;
    }
    for (const char* part : {"minute", "hour", "day", "week", "month", "year"})
      if (c.has(part)) unknown_ = true;  // no rule at hand has one
    // A number equals a text that is written as the same number.
    if (c.modifiers.empty() && v.plain) {
      const auto a = parse_real(v.text);
      const auto b = parse_real(text);
      if (a && b) return *a == *b;
    }
    const std::u32string& subject = event_.characters(text, c.has("cased"));
    for (const Pattern& p : patterns(c, v))
      if (matches_whole(p, subject)) return true;
    return false;
  }

  /// The patterns of a value, read once: a value has one chain of modifiers.
  const std::vector<Pattern>& patterns(const Chain& c, const YamlNode& v) {
    const auto [it, added] = rule_.regexes_->patterns.try_emplace(&v);
    if (!added) return it->second;
    for (const std::string& value : expanded(c, v.text))
      for (Pattern& p : encoded(c, value)) {
        if (c.has("contains") || c.has("endswith")) p.insert(p.begin(), {Token::kRun, 0});
        if (c.has("contains") || c.has("startswith")) p.push_back({Token::kRun, 0});
        if (!c.has("cased"))
          for (Token& t : p)
            t.c = fold(t.c);
        it->second.push_back(std::move(p));
      }
    return it->second;
  }

  static std::vector<Pattern> encoded(const Chain& c, const std::string& value) {
    std::vector<Pattern> all = {parse_pattern(value)};
    for (const std::string& m : c.modifiers) {
      std::vector<Pattern> next;
      for (Pattern& p : all) {
        if (m == "windash") windash(p);
        if (m == "wide" || m == "utf16le" || m == "utf16be" || m == "utf16")
          p = literal(utf16(literal_text(p), m == "utf16be", m == "utf16"));
        if (m == "base64") p = literal(base64(literal_text(p)));
        if (m == "base64offset") {
          for (const std::string& s : base64_offsets(literal_text(p)))
            next.push_back(literal(s));
        } else {
          next.push_back(std::move(p));
        }
      }
      all = std::move(next);
    }
    return all;
  }

  bool keyword_any(const YamlNode& v, const Chain& modifiers) {
    Chain c = modifiers;
    if (!c.has("re") && !c.has("contains")) c.modifiers.emplace_back("contains");
    if (text_value(c, v, event_.raw)) return true;
    return std::any_of(event_.values.begin(), event_.values.end(),
                       [&](const std::string& text) { return text_value(c, v, text); });
  }

  const OracleRule& rule_;
  const Fields& fields_;
  const OracleEvent& event_;
  bool& unknown_;
};

OracleRule::OracleRule(const YamlNode& document,
                       std::map<std::string, std::vector<std::string>> placeholders)
    : detection_(document.find("detection")),
      id_(document.get("id")),
      placeholders_(std::move(placeholders)),
      regexes_(std::make_unique<Regexes>()) {
  if (const YamlNode* source = document.find("logsource"))
    for (const char* key : {"category", "product", "service"})
      if (const YamlNode* v = source->find(key); v && !v->text.empty())
        logsource_[key] = fold(v->text);
  const YamlNode* condition = detection_ ? detection_->find("condition") : nullptr;
  auto read = std::make_unique<Condition>();
  if (condition && ConditionReader(*detection_).read(*condition, *read))
    condition_ = std::move(read);
}

bool OracleRule::matches(const Fields& fields, const OracleEvent& event, bool& unknown) const {
  if (!condition_) {
    unknown = true;
    return false;
  }
  return Run(*this, fields, event, unknown).holds(*condition_);
}

}  // namespace postern::differential
