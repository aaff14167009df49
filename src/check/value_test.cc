#include "check/value_test.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "check/regex_sample.h"
#include "data/dynamic.h"

namespace postern::check {

using match::SigmaPattern;
using Part = match::Wildcard::Part;

namespace {

struct Name {
  std::string_view name;
  TestKind kind;
};

constexpr Name kNames[] = {
    {"sigma.equals", TestKind::kEquals},
    {"sigma.contains", TestKind::kContains},
    {"sigma.startswith", TestKind::kStartsWith},
    {"sigma.endswith", TestKind::kEndsWith},
    {"sigma.cidr", TestKind::kCidr},
    {"sigma.lt", TestKind::kLess},
    {"sigma.lte", TestKind::kLessEqual},
    {"sigma.gt", TestKind::kGreater},
    {"sigma.gte", TestKind::kGreaterEqual},
    {"sigma.is_null", TestKind::kNull},
    {"sigma.exists", TestKind::kExists},
    {"sigma.keyword", TestKind::kContains},
    {"==", TestKind::kEquals},
    {"in", TestKind::kEquals},
    {"contains", TestKind::kContains},
    {"startswith", TestKind::kStartsWith},
    {"endswith", TestKind::kEndsWith},
    {"is_null", TestKind::kNull},
    {"<", TestKind::kLess},
    {"<=", TestKind::kLessEqual},
    {">", TestKind::kGreater},
    {">=", TestKind::kGreaterEqual},
};

bool is_text_test(TestKind k) {
  return k <= TestKind::kEndsWith;
}

bool is_order(TestKind k) {
  return k >= TestKind::kLess && k <= TestKind::kGreaterEqual;
}

match::Wildcard compiled(const SigmaPattern& p, TestKind kind, bool cased) {
  const bool open_start = kind == TestKind::kContains || kind == TestKind::kEndsWith;
  const bool open_end = kind == TestKind::kContains || kind == TestKind::kStartsWith;
  return p.wildcard(open_start, open_end, !cased);
}

bool add_value(TestValues& out, const data::Value& v, bool pattern_text) {
  if (v.is_null()) return false;
  if (v.type() == data::Type::kDynamic) {
    const data::Dynamic d(v.as_bytes());
    if (!d.is_array()) return false;
    for (uint32_t i = 0; i < d.size(); ++i)
      if (!add_value(out, data::Value::string(d.at(i).text()), pattern_text)) return false;
    return true;
  }
  if (is_text_test(out.kind)) {
    const std::string text = v.text();
    const bool is_text = v.type() == data::Type::kString && pattern_text;
    SigmaPattern p = is_text ? SigmaPattern::parse(text) : SigmaPattern::literal(text);
    out.wildcards.push_back(compiled(p, out.kind, out.cased));
    out.patterns.push_back(std::move(p));
    return true;
  }
  if (is_order(out.kind)) {
    out.numbers.push_back(v.number());
    return data::is_numeric(v.type());
  }
  out.texts.push_back(v.text());
  if (out.kind == TestKind::kCidr) {
    const auto network = match::Cidr::parse(out.texts.back());
    if (network) out.networks.push_back(*network);
    return network.has_value();
  }
  return true;
}

/// The sole literal of a pattern without wildcards ("" counts), else nullopt.
std::optional<std::string> literal_of(const SigmaPattern& p) {
  if (p.has_wildcards()) return std::nullopt;
  return p.literal_text();
}

bool any_run_only(const SigmaPattern& p) {
  return !p.pieces().empty() && std::all_of(p.pieces().begin(), p.pieces().end(),
                                            [](const auto& x) { return x.part == Part::kAnyRun; });
}

bool begins(std::string_view s, std::string_view prefix, bool cased) {
  return cased ? s.substr(0, prefix.size()) == prefix : starts_with_ignore_case(s, prefix);
}

bool ends(std::string_view s, std::string_view suffix, bool cased) {
  return cased ? s.ends_with(suffix) : ends_with_ignore_case(s, suffix);
}

bool within(std::string_view s, std::string_view part, bool cased) {
  return cased ? s.find(part) != std::string_view::npos
               : find_ignore_case(s, part) != std::string_view::npos;
}

std::optional<double> number_of(std::string_view text) {
  const std::string_view s = trim(text);
  if (const auto i = parse_int(s)) return static_cast<double>(*i);
  return parse_real(s);
}

bool in_order(TestKind kind, double value, double bound) {
  switch (kind) {
    case TestKind::kLess:
      return value < bound;
    case TestKind::kLessEqual:
      return value <= bound;
    case TestKind::kGreater:
      return value > bound;
    default:
      return value >= bound;
  }
}

/// First and last value index that a test speaks of.
std::pair<size_t, size_t> range(const ValueTest& t) {
  if (t.chosen >= 0) return {static_cast<size_t>(t.chosen), static_cast<size_t>(t.chosen) + 1};
  return {0, t.values->size()};
}

bool holds_one(const TestValues& v, size_t i, const std::string& text) {
  switch (v.kind) {
    case TestKind::kRegex:
      return v.regexes[i]->matches(text);
    case TestKind::kCidr: {
      const auto ip = match::IpAddress::parse(text);
      return ip && v.networks[i].contains(*ip);
    }
    case TestKind::kLess:
    case TestKind::kLessEqual:
    case TestKind::kGreater:
    case TestKind::kGreaterEqual: {
      const auto n = number_of(text);
      return n && in_order(v.kind, *n, v.numbers[i]);
    }
    default:
      return v.wildcards[i].matches(text);
  }
}

/// The one value of a wanted text test, as a text that it equals exactly.
std::optional<std::string> exact_text(const ValueTest& t) {
  if (t.kind() != TestKind::kEquals || t.values->size() == 0) return std::nullopt;
  if (t.chosen < 0 && t.values->size() > 1) return std::nullopt;
  return literal_of(t.values->patterns[range(t).first]);
}

bool lower_bound(TestKind k) {
  return k == TestKind::kGreater || k == TestKind::kGreaterEqual;
}

/// One value of `a` implies one of `b`.
bool implies_one(const TestValues& a, size_t i, const TestValues& b, size_t k) {
  if (is_order(a.kind) && is_order(b.kind)) {
    if (lower_bound(a.kind) != lower_bound(b.kind)) return false;
    const bool strict = b.kind == TestKind::kLess || b.kind == TestKind::kGreater;
    const bool own_strict = a.kind == TestKind::kLess || a.kind == TestKind::kGreater;
    const double x = a.numbers[i];
    const double y = b.numbers[k];
    if (x == y) return own_strict || !strict;
    return lower_bound(a.kind) ? x > y : x < y;
  }
  if (a.kind == TestKind::kCidr && b.kind == TestKind::kCidr)
    return a.networks[i].prefix >= b.networks[k].prefix &&
           b.networks[k].contains(a.networks[i].address) &&
           a.networks[i].address.v4 == b.networks[k].address.v4;
  if (a.kind == TestKind::kRegex && b.kind == TestKind::kRegex) return a.texts[i] == b.texts[k];
  if (!is_text_test(b.kind)) {
    // A whole text can be tried.
    if (a.kind != TestKind::kEquals || is_order(a.kind)) return false;
    const auto text = literal_of(a.patterns[i]);
    // A regular expression sees case, which the text does not fix.
    return text && (a.cased || b.kind != TestKind::kRegex) && holds_one(b, k, *text);
  }
  if (any_run_only(b.patterns[k])) return true;
  if (!is_text_test(a.kind)) return false;
  if (b.cased && !a.cased) return false;
  const bool cased = b.cased;
  const auto own = literal_of(a.patterns[i]);
  const auto other = literal_of(b.patterns[k]);
  if (a.kind == b.kind && a.patterns[i] == b.patterns[k]) return true;
  if (own && a.kind == TestKind::kEquals) return b.wildcards[k].matches(*own);
  if (!other) return false;
  // The longest literal runs of a pattern are all in the text.
  bool contained = false;
  for (const SigmaPattern::Piece& p : a.patterns[i].pieces())
    contained = contained || (p.part == Part::kLiteral && within(p.text, *other, cased));
  if (b.kind == TestKind::kContains) return contained;
  const auto& pieces = a.patterns[i].pieces();
  if (pieces.empty()) return false;
  const bool fixed_start = a.kind == TestKind::kEquals || a.kind == TestKind::kStartsWith;
  const bool fixed_end = a.kind == TestKind::kEquals || a.kind == TestKind::kEndsWith;
  if (b.kind == TestKind::kStartsWith)
    return fixed_start && pieces.front().part == Part::kLiteral &&
           begins(pieces.front().text, *other, cased);
  if (b.kind == TestKind::kEndsWith)
    return fixed_end && pieces.back().part == Part::kLiteral &&
           ends(pieces.back().text, *other, cased);
  return false;
}

/// Two single values that no one text can have both.
bool exclude_one(const TestValues& a, size_t i, const TestValues& b, size_t k) {
  const auto whole = [](const TestValues& v, size_t n) {
    return v.kind == TestKind::kEquals ? literal_of(v.patterns[n]) : std::nullopt;
  };
  if (const auto text = whole(a, i)) {
    if (a.cased || (b.kind != TestKind::kRegex && !b.cased)) return !holds_one(b, k, *text);
    // Only the case of the text is open.
    if (b.kind == TestKind::kRegex)
      return b.folded_regexes[k] && !b.folded_regexes[k]->matches(*text);
    const auto other = whole(b, k);
    return other && !equal_ignore_case(*text, *other);
  }
  if (whole(b, k)) return exclude_one(b, k, a, i);
  if (is_order(a.kind) && is_order(b.kind) && lower_bound(a.kind) != lower_bound(b.kind)) {
    const bool a_low = lower_bound(a.kind);
    const double low = a_low ? a.numbers[i] : b.numbers[k];
    const double high = a_low ? b.numbers[k] : a.numbers[i];
    const bool closed = a.kind != TestKind::kLess && a.kind != TestKind::kGreater &&
                        b.kind != TestKind::kLess && b.kind != TestKind::kGreater;
    return low > high || (low == high && !closed);
  }
  if (a.kind == TestKind::kCidr && b.kind == TestKind::kCidr)
    return a.networks[i].address.v4 == b.networks[k].address.v4 &&
           !a.networks[i].contains(b.networks[k].address) &&
           !b.networks[k].contains(a.networks[i].address);
  if (!is_text_test(a.kind) || !is_text_test(b.kind) || a.patterns[i].pieces().empty() ||
      b.patterns[k].pieces().empty())
    return false;
  const auto fixed_start = [](const TestValues& v) {
    return v.kind == TestKind::kEquals || v.kind == TestKind::kStartsWith;
  };
  const auto fixed_end = [](const TestValues& v) {
    return v.kind == TestKind::kEquals || v.kind == TestKind::kEndsWith;
  };
  const SigmaPattern::Piece& a_first = a.patterns[i].pieces().front();
  const SigmaPattern::Piece& b_first = b.patterns[k].pieces().front();
  if (fixed_start(a) && fixed_start(b) && a_first.part == Part::kLiteral &&
      b_first.part == Part::kLiteral && !begins(a_first.text, b_first.text, false) &&
      !begins(b_first.text, a_first.text, false))
    return true;
  const SigmaPattern::Piece& a_last = a.patterns[i].pieces().back();
  const SigmaPattern::Piece& b_last = b.patterns[k].pieces().back();
  return fixed_end(a) && fixed_end(b) && a_last.part == Part::kLiteral &&
         b_last.part == Part::kLiteral && !ends(a_last.text, b_last.text, false) &&
         !ends(b_last.text, a_last.text, false);
}

}  // namespace

size_t TestValues::size() const {
  if (is_text_test(kind)) return patterns.size();
  if (is_order(kind)) return numbers.size();
  return texts.size();
}

std::shared_ptr<const TestValues> read_test(const plan::Expr& atom) {
  if (atom.kind != plan::Expr::Kind::kCall || atom.args.empty()) return nullptr;
  auto out = std::make_shared<TestValues>();
  std::string_view name = atom.name;
  if (name.ends_with("_cased")) {
    out->cased = true;
    name.remove_suffix(6);
  }
  const bool sigma = name.starts_with("sigma.");
  match::RegexFlags flags;
  if (name == "sigma.re" || name.starts_with("sigma.re_")) {
    out->kind = TestKind::kRegex;
    for (const char c : name.substr(std::min<size_t>(name.size(), 9))) {
      flags.ignore_case = flags.ignore_case || c == 'i';
      flags.multi_line = flags.multi_line || c == 'm';
      flags.dot_all = flags.dot_all || c == 's';
    }
  } else {
    const auto* const known = std::find_if(std::begin(kNames), std::end(kNames),
                                           [&](const Name& n) { return n.name == name; });
    if (known == std::end(kNames)) return nullptr;
    out->kind = known->kind;
  }
  // The views' own equality sees case.
  if (name == "==") out->cased = true;
  const size_t first = name == "sigma.keyword" && atom.args.size() > 2 ? 2 : 1;
  for (size_t i = first; i < atom.args.size(); ++i) {
    if (!atom.args[i]->is_literal()) return nullptr;
    if (!add_value(*out, atom.args[i]->literal, sigma)) return nullptr;
  }
  for (const std::string& text :
       out->kind == TestKind::kRegex ? out->texts : std::vector<std::string>()) {
    const auto r = match::Regex::compile(text, match::RegexDialect::kSigma, flags);
    if (!r) return nullptr;
    out->regexes.push_back(*r);
    const bool negates =
        text.find("[^") != std::string::npos || text.find("\\W") != std::string::npos;
    match::RegexFlags folded = flags;
    folded.ignore_case = true;
    const auto f = match::Regex::compile(text, match::RegexDialect::kSigma, folded);
    out->folded_regexes.push_back(f && !negates ? *f : nullptr);
  }
  return out;
}

bool holds(const ValueTest& test, const std::optional<std::string>& text) {
  if (test.kind() == TestKind::kExists) return text.has_value();
  if (test.kind() == TestKind::kNull) return !text || text->empty();
  if (!text) return false;
  const auto [from, to] = range(test);
  for (size_t i = from; i < to; ++i)
    if (holds_one(*test.values, i, *text)) return true;
  return false;
}

bool implies(const ValueTest& a, const ValueTest& b) {
  if (a.kind() == b.kind() && (a.kind() == TestKind::kNull || a.kind() == TestKind::kExists))
    return true;
  if (a.kind() == TestKind::kNull || a.kind() == TestKind::kExists || b.kind() == TestKind::kNull)
    return false;
  if (b.kind() == TestKind::kExists) return true;
  const auto [from, to] = range(a);
  const auto [other_from, other_to] = range(b);
  for (size_t i = from; i < to; ++i) {
    bool one = false;
    for (size_t k = other_from; k < other_to && !one; ++k)
      one = implies_one(*a.values, i, *b.values, k);
    if (!one) return false;
  }
  return true;
}

bool contradict(const ValueTest& a, const ValueTest& b, bool multivalued) {
  if (!a.wanted && b.wanted) return contradict(b, a, multivalued);
  if (a.wanted && !b.wanted) return implies(a, b);
  if (!a.wanted) {
    const bool null_and_absent = (a.kind() == TestKind::kNull && b.kind() == TestKind::kExists) ||
                                 (a.kind() == TestKind::kExists && b.kind() == TestKind::kNull);
    return null_and_absent;
  }
  if (multivalued) return false;
  if (a.kind() == TestKind::kExists || b.kind() == TestKind::kExists) return false;
  if (a.kind() == TestKind::kNull || b.kind() == TestKind::kNull) {
    const ValueTest& other = a.kind() == TestKind::kNull ? b : a;
    return other.kind() != TestKind::kNull && !holds(other, std::string());
  }
  const auto [from, to] = range(a);
  const auto [other_from, other_to] = range(b);
  for (size_t i = from; i < to; ++i)
    for (size_t k = other_from; k < other_to; ++k)
      if (!exclude_one(*a.values, i, *b.values, k)) return false;
  return true;
}

// ---- making values
// --------------------------------------------------------------------------------

namespace {

/// What the wanted text tests fix: how the text begins and ends, and what is between.
struct Frame {
  std::string prefix;
  std::string suffix;
  std::vector<std::string> middles;
};

void add_pattern(Frame& f, const SigmaPattern& p, TestKind kind, const std::string& filler) {
  // Runs between wildcards; `?` takes a character of the filler.
  std::vector<std::string> runs(1);
  for (const SigmaPattern::Piece& piece : p.pieces()) {
    if (piece.part == Part::kLiteral) runs.back() += piece.text;
    if (piece.part == Part::kAnyOne) runs.back() += filler.empty() ? 'x' : filler[0];
    if (piece.part == Part::kAnyRun) runs.emplace_back();
  }
  const bool fixed_start = kind == TestKind::kEquals || kind == TestKind::kStartsWith;
  const bool fixed_end = kind == TestKind::kEquals || kind == TestKind::kEndsWith;
  if (fixed_start) {
    if (runs.front().size() > f.prefix.size()) f.prefix = runs.front();
    runs.erase(runs.begin());
  }
  if (fixed_end && !runs.empty()) {
    if (runs.back().size() > f.suffix.size()) f.suffix = runs.back();
    runs.pop_back();
  }
  std::string middle;
  for (const std::string& r : runs)
    middle += (middle.empty() || r.empty() ? "" : filler) + r;
  if (!middle.empty()) f.middles.push_back(std::move(middle));
}

class ValueMaker {
 public:
  ValueMaker(const std::vector<ValueTest>& tests, bool number, const std::string& filler)
      : tests_(tests), number_(number), filler_(filler) {}

  MadeValue make() {
    if (accept(std::nullopt)) return out_;
    const ValueTest* exact = nullptr;
    for (const ValueTest& t : tests_)
      if (t.wanted && exact_text(t)) exact = &t;
    if (exact) {
      try_text(*exact_text(*exact));
      return out_;
    }
    if (number_ || any(is_order)) numbers();
    if (!out_.found && any([](TestKind k) { return k == TestKind::kCidr; })) addresses();
    if (!out_.found && !number_) texts();
    return out_;
  }

 private:
  template <class F>
  bool any(F f) const {
    return std::any_of(tests_.begin(), tests_.end(),
                       [&](const ValueTest& t) { return f(t.kind()); });
  }

  bool accept(const std::optional<std::string>& text) {
    for (const ValueTest& t : tests_)
      if (holds(t, text) != t.wanted) return false;
    out_.found = true;
    out_.text = text;
    return true;
  }

  bool try_text(const std::string& text) { return out_.found || accept(text); }

  void numbers() {
    for (const ValueTest& t : tests_) {
      for (const double n : t.values->numbers)
        for (const double d : {0.0, 1.0, -1.0})
          try_text(real_text(std::trunc(n) + d));
      for (const SigmaPattern& p : t.values->patterns)
        if (t.wanted) try_text(p.literal_text());
    }
    for (const char* n : {"1", "2", "0", "443", "4711", "65000", "99999999"})
      try_text(n);
  }

  void addresses() {
    for (const ValueTest& t : tests_) {
      if (!t.wanted) continue;
      for (const match::Cidr& network : t.values->networks)
        for (const unsigned last : {1U, 7U, 77U, 200U, 254U, 0U}) {
          match::IpAddress ip = network.address;
          const int bits = network.prefix + (ip.v4 ? 96 : 0);
          if (bits <= 120) ip.bytes[15] = static_cast<uint8_t>(ip.bytes[15] | last);
          if (bits < 128 && bits > 120)
            ip.bytes[15] = static_cast<uint8_t>(ip.bytes[15] | (last & ((1U << (128 - bits)) - 1)));
          try_text(ip.text());
          if (bits > 112) continue;
          ip.bytes[14] = static_cast<uint8_t>(ip.bytes[14] | 5U);
          try_text(ip.text());
          if (bits > 104) continue;
          ip.bytes[13] = static_cast<uint8_t>(ip.bytes[13] | 9U);
          try_text(ip.text());
        }
    }
    for (const char* ip : {"203.0.113.7", "8.8.8.8", "10.1.2.3", "192.168.1.2", "172.16.3.4",
                           "127.0.0.1", "2001:db8::7", "fe80::1"})
      try_text(ip);
  }

  void texts() {
    static const std::array<std::string, 8> kBetween = {"", " ", "x", "\\", "/", "1", "-", ","};
    for (uint32_t seed = 0; seed < 12 && !out_.found; ++seed) {
      Frame f;
      bool made = true;
      for (const ValueTest& t : tests_) {
        if (!t.wanted) continue;
        const auto [from, to] = range(t);
        if (from >= to) continue;
        if (t.kind() <= TestKind::kEndsWith) {
          add_pattern(f, t.values->patterns[from], t.kind(), filler_);
        } else if (t.kind() == TestKind::kRegex) {
          const auto sample = regex(t, from, seed);
          made = made && sample;
          if (sample) place(f, t.values->texts[from], *sample);
        }
      }
      if (!made) return;
      for (const std::string& between : kBetween) {
        for (const std::string& lead : {std::string(), filler_, std::string("x")}) {
          if (out_.found) return;
          join(f, lead, between);
        }
      }
      if (seed > 0 && !any([](TestKind k) { return k == TestKind::kRegex; })) break;
    }
    for (const char* t : {"x", "witness", "C:\\Temp\\witness.txt", "0", "-", "Witness 7"})
      try_text(t);
  }

  static std::optional<std::string> regex(const ValueTest& t, size_t i, uint32_t seed) {
    for (uint32_t k = 0; k < 8; ++k) {
      auto sample = regex_sample(t.values->texts[i], seed * 8 + k);
      if (!sample) return std::nullopt;
      if (t.values->regexes[i]->matches(*sample)) return sample;
    }
    return std::nullopt;
  }

  // An anchored sample is the beginning or the end of the text.
  static void place(Frame& f, std::string_view pattern, const std::string& sample) {
    const bool start = pattern.starts_with("^") || pattern.starts_with("\\A");
    const bool end =
        pattern.ends_with("\\z") || (pattern.ends_with("$") && !pattern.ends_with("\\$"));
    if (start && sample.size() >= f.prefix.size())
      f.prefix = sample;
    else if (end && sample.size() >= f.suffix.size())
      f.suffix = sample;
    else
      f.middles.push_back(sample);
  }

  void join(const Frame& f, const std::string& lead, const std::string& between) {
    for (const bool reversed : {false, true}) {
      std::string middle;
      // What is already in another part need not be written twice.
      std::vector<std::string> parts = f.middles;
      if (reversed) std::reverse(parts.begin(), parts.end());
      for (const std::string& p : parts)
        if (!within(f.prefix, p, true) && !within(f.suffix, p, true) && !within(middle, p, true))
          middle += (middle.empty() ? "" : between) + p;
      const bool open_start = f.prefix.empty();
      const std::string start = open_start ? lead : f.prefix;
      // Beginning and end may be the same text.
      if (middle.empty() && ends(f.prefix, f.suffix, true)) try_text(f.prefix);
      if (middle.empty() && begins(f.suffix, f.prefix, true)) try_text(f.suffix);
      try_text(start + (middle.empty() ? "" : between) + middle + between + f.suffix);
      try_text(start + middle + f.suffix);
      if (f.suffix.empty()) try_text(start + between + middle + between + lead);
    }
  }

  const std::vector<ValueTest>& tests_;
  bool number_;
  const std::string& filler_;
  MadeValue out_;
};

}  // namespace

MadeValue make_value(const std::vector<ValueTest>& tests, bool number, const std::string& filler) {
  return ValueMaker(tests, number, filler).make();
}

}  // namespace postern::check
