#include "exec/text_witness.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

#include "base/text.h"
#include "data/dynamic.h"
#include "match/ip.h"
#include "match/sigma_pattern.h"
#include "match/wildcard.h"

namespace postern::exec {

using data::Type;
using data::Value;
using match::LiteralIndex;
using match::SigmaPattern;
using match::Wildcard;
using plan::Expr;
using Place = LiteralIndex::Place;

namespace {

/// Collects the literals of one call; once something has none, the whole call has none.
class Collector {
 public:
  Collector(bool exact, bool exact_numbers) {
    out_.exact = exact;
    out_.exact_numbers = exact_numbers;
  }

  void add(Place place, std::string_view text) {
    std::string folded = fold(text);
    if (folded.empty()) return fail();
    out_.literals.push_back({place, std::move(folded)});
  }

  void add_number(double n) {
    if (std::isnan(n)) return fail();
    if (std::abs(n) > 9e15) inexact();  // not every integer of this size is a double
    out_.numbers.push_back(n);
  }

  /// What a sealed wildcard pattern needs.
  void add(const Wildcard& w) {
    switch (w.shape()) {
      case Wildcard::Shape::kExact:
        return add(Place::kWhole, w.sole_literal());
      case Wildcard::Shape::kPrefix:
        return add(Place::kPrefix, w.sole_literal());
      case Wildcard::Shape::kSuffix:
        return add(Place::kSuffix, w.sole_literal());
      case Wildcard::Shape::kContains:
        return add(Place::kPart, w.sole_literal());
      case Wildcard::Shape::kGeneral:
        inexact();
        return add(Place::kPart, w.longest_literal());
      case Wildcard::Shape::kAny:
        return fail();
    }
  }

  void inexact() { out_.exact = out_.exact_numbers = false; }

  void fail() { failed_ = true; }

  std::optional<TextWitness> finish() {
    if (failed_ || (out_.literals.empty() && out_.numbers.empty())) return std::nullopt;
    if (!out_.literals.empty() && !out_.exact) out_.exact_numbers = false;
    return std::move(out_);
  }

 private:
  TextWitness out_;
  bool failed_ = false;
};

/// The arguments behind the columns; nullopt when one is no literal or null.
std::optional<std::vector<const Value*>> literals_of(const Expr& call, size_t num_columns) {
  std::vector<const Value*> out;
  for (size_t i = num_columns; i < call.args.size(); ++i) {
    if (!call.args[i]->is_literal() || call.args[i]->literal.is_null()) return std::nullopt;
    out.push_back(&call.args[i]->literal);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

/// Texts of a value: its own, or those of an array's members.
template <class F>
bool each_text(const Value& v, F&& f) {
  if (v.type() == Type::kString) {
    f(v.as_bytes());
    return true;
  }
  if (v.type() != Type::kDynamic) return false;
  const data::Dynamic d(v.as_bytes());
  if (!d.is_array()) {
    if (!d.is_string()) return false;
    f(d.as_string());
    return true;
  }
  for (uint32_t i = 0; i < d.size(); ++i) {
    if (!d.at(i).is_string()) return false;
    f(d.at(i).as_string());
  }
  return true;
}

// ---- Sigma

enum class SigmaTest : uint8_t { kEquals, kContains, kStartsWith, kEndsWith };

Wildcard sigma_wildcard(std::string_view text, SigmaTest test) {
  const bool open_start = test == SigmaTest::kContains || test == SigmaTest::kEndsWith;
  const bool open_end = test == SigmaTest::kContains || test == SigmaTest::kStartsWith;
  return SigmaPattern::parse(text).wildcard(open_start, open_end, true);
}

/// Place of a plain text, which most values are: what reading it as a pattern would say.
std::optional<Place> plain_place(std::string_view text, SigmaTest test) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '*' || text[i] == '?') return std::nullopt;
    if (text[i] == '\\' && i + 1 < text.size() &&
        (text[i + 1] == '\\' || text[i + 1] == '*' || text[i + 1] == '?'))
      return std::nullopt;
  }
  switch (test) {
    case SigmaTest::kEquals:
      return Place::kWhole;
    case SigmaTest::kContains:
      return Place::kPart;
    case SigmaTest::kStartsWith:
      return Place::kPrefix;
    case SigmaTest::kEndsWith:
      return Place::kSuffix;
  }
  return std::nullopt;
}

void sigma_values(const std::vector<const Value*>& values, SigmaTest test, Collector& out) {
  for (const Value* v : values) {
    switch (v->type()) {
      case Type::kBool:
        out.add(Place::kWhole, v->as_bool() ? "true" : "false");
        break;
      case Type::kInt:
      case Type::kLong:
      case Type::kReal:
        if (test == SigmaTest::kEquals)
          out.add_number(v->type() == Type::kReal ? v->as_real()
                                                  : static_cast<double>(v->as_int()));
        else
          out.add(sigma_wildcard(v->text(), test));
        break;
      case Type::kString:
      case Type::kDynamic: {
        const auto one = [&](std::string_view text) {
          if (const auto place = plain_place(text, test))
            out.add(*place, text);
          else
            out.add(sigma_wildcard(text, test));
        };
        if (!each_text(*v, one)) out.fail();
        break;
      }
      default:
        out.fail();
    }
  }
}

// ---- SPL

void spl_values(const std::vector<const Value*>& values, Collector& out) {
  for (const Value* v : values) {
    const std::string text = v->text();
    if (text.find('/') != std::string::npos && match::Cidr::parse(text)) return out.fail();
    out.add(Wildcard::of_stars(text, true));
  }
}

void like_values(const std::vector<const Value*>& values, Collector& out) {
  for (const Value* v : values)
    out.add(Wildcard::of_stars(v->text(), false, '%', '_'));
}

// ---- Kusto

void texts_at(const std::vector<const Value*>& values, Place place, Collector& out) {
  for (const Value* v : values) {
    if (place == Place::kWhole && data::is_integer(v->type()))
      out.add_number(static_cast<double>(v->as_int()));
    else if (!each_text(*v, [&](std::string_view text) { out.add(place, text); }))
      return out.fail();
  }
}

void longest_of(const std::vector<const Value*>& values, Collector& out) {
  std::string longest;
  for (const Value* v : values) {
    const auto one = [&](std::string_view text) {
      if (text.size() > longest.size()) longest = text;
    };
    if (!each_text(*v, one)) return out.fail();
  }
  out.add(Place::kPart, longest);
}

void regexes(const std::vector<const Value*>& values, Collector& out) {
  for (const Value* v : values)
    if (v->type() == Type::kString)
      out.add(Place::kPart, required_literal(v->as_bytes()));
    else
      out.fail();
}

using Values = std::vector<const Value*>;

struct Entry {
  bool exact;
  std::function<void(const Values&, Collector&)> collect;
  size_t num_columns = 1;
  bool exact_numbers = false;
};

const std::map<std::string, Entry, std::less<>>& entries() {
  static const auto* map = [] {
    auto* m = new std::map<std::string, Entry, std::less<>>;
    const auto sigma = [m](const std::string& name, SigmaTest test) {
      const auto collect = [test](const Values& v, Collector& out) { sigma_values(v, test, out); };
      m->emplace("sigma." + name, Entry{true, collect, 1, true});
      m->emplace("sigma." + name + "_cased", Entry{false, collect});
    };
    sigma("equals", SigmaTest::kEquals);
    sigma("contains", SigmaTest::kContains);
    sigma("startswith", SigmaTest::kStartsWith);
    sigma("endswith", SigmaTest::kEndsWith);
    const auto keywords = [](const Values& v, Collector& out) {
      sigma_values(v, SigmaTest::kContains, out);
    };
    m->emplace("sigma.keyword", Entry{true, keywords, 2});
    m->emplace("sigma.keyword_cased", Entry{false, keywords, 2});
    for (const char* flags : {"", "_i", "_m", "_s", "_im", "_is", "_ms", "_ims"})
      m->emplace("sigma.re" + std::string(flags), Entry{false, regexes});
    m->emplace("spl.search_eq", Entry{true, spl_values, 1, true});
    m->emplace("spl.like", Entry{false, like_values});
    m->emplace("spl.match", Entry{false, regexes});
    const auto kusto = [m](const std::string& name, Place place) {
      const auto collect = [place](const Values& v, Collector& out) { texts_at(v, place, out); };
      m->emplace(name, Entry{false, collect, 1, place == Place::kWhole});
    };
    for (const char* name : {"kql.eq", "kql.eq_ci", "kql.in", "kql.in_ci", "==", "in"})
      kusto(name, Place::kWhole);
    for (const char* name :
         {"kql.contains", "kql.contains_cs", "kql.has", "kql.has_cs", "kql.hasprefix",
          "kql.hasprefix_cs", "kql.hassuffix", "kql.hassuffix_cs", "kql.has_any"})
      kusto(name, Place::kPart);
    for (const char* name : {"kql.startswith", "kql.startswith_cs"})
      kusto(name, Place::kPrefix);
    for (const char* name : {"kql.endswith", "kql.endswith_cs"})
      kusto(name, Place::kSuffix);
    m->emplace("kql.has_all", Entry{false, longest_of});
    m->emplace("kql.matches_regex", Entry{false, regexes});
    return m;
  }();
  return *map;
}

// ---- regular expressions

/// End of the group or class that opens at `at`; npos when it is not closed.
size_t skip_class(std::string_view s, size_t at) {
  size_t i = at + 1;
  if (i < s.size() && s[i] == '^') ++i;
  if (i < s.size() && s[i] == ']') ++i;
  for (; i < s.size(); ++i) {
    if (s[i] == '\\')
      ++i;
    else if (s[i] == '[' && i + 1 < s.size() && s[i + 1] == ':')
      i = std::min(s.find(":]", i), s.size() - 2) + 1;
    else if (s[i] == ']')
      return i + 1;
  }
  return std::string_view::npos;
}

size_t skip_group(std::string_view s, size_t at) {
  int depth = 0;
  for (size_t i = at; i < s.size();) {
    if (s[i] == '\\') {
      i += 2;
    } else if (s[i] == '[') {
      i = skip_class(s, i);
      if (i == std::string_view::npos) return i;
    } else {
      depth += s[i] == '(' ? 1 : 0;
      depth -= s[i] == ')' ? 1 : 0;
      ++i;
      if (depth == 0) return i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string required_literal(std::string_view s) {
  // Verbose mode and quoting change what characters mean; nobody writes them in rules.
  if (s.find("\\Q") != std::string_view::npos) return "";
  std::string best;
  std::string run;
  const auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (size_t i = 0; i < s.size();) {
    std::string piece;  // one character that must be there, or "" for anything else
    const char c = s[i];
    if (c == '|') return "";
    if (c == '(') {
      if (s.substr(i, 2) == "(?" && i + 2 < s.size() &&
          (ascii_alpha(s[i + 2]) || s[i + 2] == '-')) {
        const size_t end = s.find_first_not_of("imsUnJx-", i + 2);
        if (end == std::string_view::npos) return "";
        if (s.substr(i + 2, end - i - 2).find('x') != std::string_view::npos) return "";
        if (s[end] == ')') {  // (?i): flags for the rest
          i = end + 1;
          continue;
        }
      }
      i = skip_group(s, i);
      if (i == std::string_view::npos) return "";
    } else if (c == '[') {
      i = skip_class(s, i);
      if (i == std::string_view::npos) return "";
    } else if (c == '\\') {
      if (i + 1 >= s.size()) return "";
      const char e = s[i + 1];
      i += 2;
      if (static_cast<unsigned char>(e) >= 0x80) return "";
      if (!ascii_alpha(e) && !ascii_digit(e))
        piece = e;
      else if (std::string_view("dDwWsSbBAzZtnrfv").find(e) == std::string_view::npos)
        return "";  // more characters belong to the escape
    } else if (c == '.' || c == '^' || c == '$') {
      ++i;
    } else {
      // Only ASCII is the same in a subject that is no UTF-8, which is matched as Latin-1.
      if (static_cast<unsigned char>(c) < 0x80) piece = c;
      ++i;
    }
    // A quantifier: the character may be missing, or come again.
    const char q = i < s.size() ? s[i] : '\0';
    if (q == '*' || q == '?' || q == '{') {
      end_run();
      if (q == '{') {
        const size_t close = s.find('}', i);
        if (close == std::string_view::npos) return "";
        i = close + 1;
      } else {
        ++i;
      }
      while (i < s.size() && (s[i] == '?' || s[i] == '+' || s[i] == '*'))
        ++i;
    } else if (q == '+') {
      run += piece;
      end_run();
      ++i;
      while (i < s.size() && (s[i] == '?' || s[i] == '+'))
        ++i;
    } else if (piece.empty()) {
      end_run();
    } else {
      run += piece;
    }
  }
  end_run();
  return fold(best);
}

std::optional<TextWitness> text_witness(const Expr& call) {
  if (call.kind != Expr::Kind::kCall) return std::nullopt;
  const auto it = entries().find(call.name);
  if (it == entries().end() || call.args.size() <= it->second.num_columns) return std::nullopt;
  for (size_t i = 0; i < it->second.num_columns; ++i)
    if (!call.args[i]->is_column()) return std::nullopt;
  const auto values = literals_of(call, it->second.num_columns);
  if (!values) return std::nullopt;
  Collector out(it->second.exact, it->second.exact_numbers);
  it->second.collect(*values, out);
  auto witness = out.finish();
  if (witness) {
    witness->num_columns = it->second.num_columns;
    witness->takes_members = call.name.starts_with("sigma.");
    // Sigma knows two truth values only.
    witness->never_null = call.name.starts_with("sigma.");
  }
  return witness;
}

}  // namespace postern::exec
