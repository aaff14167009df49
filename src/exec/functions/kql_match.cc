// String operators of KQL: =~, contains, startswith, endswith, the term operators has, hasprefix,
// hassuffix, has_any, has_all, and matches regex.
//
// A term is a maximal run of letters and digits; everything else separates, `_` too. `has` looks
// for the pattern as a substring whose ends fall on term boundaries where the pattern itself begins
// or ends with a letter or digit, so patterns of several terms work. Case folds one to one (é is É,
// ß is not SS). Source: Kusto documentation, "String operators"; engine answers.
#include <algorithm>
#include <memory>
#include <unordered_set>

#include "exec/functions/kql_kernel.h"
#include "match/regex.h"

namespace postern::exec::kql {
namespace {

enum class Where : uint8_t {
  kEquals,
  kContains,
  kPrefix,
  kSuffix,
  kTerm,
  kTermPrefix,
  kTermSuffix
};

// ---- boundaries ---------------------------------------------------------------------------------

/// The character that ends at `at`; invalid bytes stand for themselves.
char32_t code_point_before(std::string_view s, size_t at) {
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(s[begin]) & 0xC0) == 0x80)
    --begin;
  return next_code_point(s, begin);
}

bool word_before(std::string_view s, size_t at) {
  return at > 0 && is_alnum(code_point_before(s, at));
}

bool word_at(std::string_view s, size_t at) {
  return at < s.size() && is_alnum(next_code_point(s, at));
}

/// A pattern made ready: folded when case does not count, its ends looked at.
struct Needle {
  std::string text;
  bool ignore_case = false;
  bool begins_word = false;
  bool ends_word = false;

  Needle(std::string_view pattern, bool fold_case)
      : text(fold_case ? fold(pattern) : std::string(pattern)), ignore_case(fold_case) {
    begins_word = word_at(text, 0);
    ends_word = word_before(text, text.size());
  }
};

template <Where where>
bool holds_plain(std::string_view s, const Needle& n) {
  const std::string_view t = n.text;
  if constexpr (where == Where::kEquals) return s == t;
  if constexpr (where == Where::kContains) return s.find(t) != std::string_view::npos;
  if constexpr (where == Where::kPrefix) return s.starts_with(t);
  if constexpr (where == Where::kSuffix) return s.ends_with(t);
  constexpr bool left = where == Where::kTerm || where == Where::kTermPrefix;
  constexpr bool right = where == Where::kTerm || where == Where::kTermSuffix;
  for (size_t at = s.find(t); at != std::string_view::npos; at = s.find(t, at + 1)) {
    const bool left_ok = !left || !n.begins_word || !word_before(s, at);
    const bool right_ok = !right || !n.ends_word || !word_at(s, at + t.size());
    if (left_ok && right_ok) return true;
    if (t.empty()) break;
  }
  return false;
}

/// ASCII subjects are searched in place; others folded as a whole first, since folding may change
/// lengths.
template <Where where>
bool holds(std::string_view s, const Needle& n) {
  if (!n.ignore_case) return holds_plain<where>(s, n);
  if (!is_ascii(s)) return holds_plain<where>(fold(s), n);
  const std::string_view t = n.text;
  if constexpr (where == Where::kEquals) return equal_ignore_case(s, t);
  if constexpr (where == Where::kContains) return find_ignore_case(s, t) != std::string_view::npos;
  if constexpr (where == Where::kPrefix) return starts_with_ignore_case(s, t);
  if constexpr (where == Where::kSuffix) return ends_with_ignore_case(s, t);
  constexpr bool left = where == Where::kTerm || where == Where::kTermPrefix;
  constexpr bool right = where == Where::kTerm || where == Where::kTermSuffix;
  for (size_t at = find_ignore_case(s, t); at != std::string_view::npos;
       at = find_ignore_case(s, t, at + 1)) {
    const bool left_ok = !left || !n.begins_word || !word_before(s, at);
    const bool right_ok = !right || !n.ends_word || !word_at(s, at + t.size());
    if (left_ok && right_ok) return true;
    if (t.empty()) break;
  }
  return false;
}

// ---- two operands -------------------------------------------------------------------------------

bool textual(Type t) {
  return t == Type::kString || t == Type::kDynamic || t == Type::kNull;
}

/// `symbol` compares text; a number on either side is a fault that every reader understands.
Typing text_typing(const TypeRequest& r, std::string_view symbol) {
  for (size_t i = 0; i < r.types.size(); ++i)
    if (!textual(r.types[i]))
      return Typing::coerced(Type::kBool, "`" + std::string(symbol) +
                                              "` compares strings, but the " +
                                              (i == 0 ? "left" : "right") + " side is " +
                                              std::string(data::type_name(r.types[i])));
  return Typing::ok(Type::kBool);
}

/// The same for the operators that take a list: only the left side must be text.
Typing list_typing(const TypeRequest& r, std::string_view symbol) {
  if (textual(r.types[0])) return Typing::ok(Type::kBool);
  return Typing::coerced(Type::kBool, "`" + std::string(symbol) +
                                          "` compares strings, but the left side is " +
                                          std::string(data::type_name(r.types[0])));
}

template <bool ignore_case>
Result<std::shared_ptr<const void>> prepare_needle(std::span<const Value* const> constants,
                                                   std::span<const Type>) {
  if (!constants[1]) return std::shared_ptr<const void>();
  // A literal as text: what tostring() of it gives. A null matches nothing, so it is left to the
  // rows.
  const Column c = Column::constant(*constants[1], 1);
  Arg literal(c);
  if (!literal.valid(0)) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(std::make_shared<Needle>(literal.text(0), ignore_case));
}

template <Where where, bool ignore_case, bool negated>
Column match_kernel(const KernelCall& call) {
  const auto* needle = static_cast<const Needle*>(call.state);
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    bool hit = false;
    if (args[0].valid(row)) {
      if (needle)
        hit = holds<where>(args[0].text(row), *needle);
      else if (args[1].valid(row))
        hit = holds<where>(args[0].text(row), Needle(args[1].text(row), ignore_case));
    }
    out.set(row, hit != negated);
  });
}

// ---- has_any, has_all ---------------------------------------------------------------------------

/// Terms to look for: single ones by hash in one pass over the subject's terms, others one by one.
class TermList {
 public:
  void add(std::string_view text) {
    const Needle n(text, true);
    ++count_;
    const bool single = !n.text.empty() && std::all_of(n.text.begin(), n.text.end(), [](char c) {
      return ascii_alpha(c) || ascii_digit(c);
    });
    if (single)
      terms_.insert(n.text);
    else
      others_.push_back(n);
  }

  void add(Dynamic d) {
    if (d.is_array())
      for (uint32_t i = 0; i < d.size(); ++i)
        add(d.at(i));
    else if (!d.is_null())
      add(to_text(d));
  }

  bool any(std::string_view s) const {
    for (const Needle& n : others_)
      if (holds<Where::kTerm>(s, n)) return true;
    return !terms_.empty() &&
           visit_terms(s, [&](const std::string& term) { return terms_.count(term) > 0; });
  }

  bool all(std::string_view s) const {
    for (const Needle& n : others_)
      if (!holds<Where::kTerm>(s, n)) return false;
    std::unordered_set<std::string> found;
    if (!terms_.empty())
      visit_terms(s, [&](const std::string& term) {
        if (terms_.count(term) > 0) found.insert(term);
        return found.size() == terms_.size();
      });
    return found.size() == terms_.size();
  }

  bool empty() const { return count_ == 0; }

 private:
  /// Calls `f` with each folded term of `s` until it gives true; gives whether it did.
  template <class F>
  static bool visit_terms(std::string_view s, F&& f) {
    const std::string folded = is_ascii(s) ? std::string() : fold(s);
    const std::string_view text = folded.empty() ? s : std::string_view(folded);
    std::string term;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      const char32_t c = next_code_point(text, at);
      if (is_alnum(c)) {
        for (size_t i = begin; i < at; ++i)
          term.push_back(ascii_lower(text[i]));
        if (at < text.size()) continue;
      }
      if (!term.empty() && f(term)) return true;
      term.clear();
    }
    return false;
  }

  std::unordered_set<std::string> terms_;
  std::vector<Needle> others_;
  size_t count_ = 0;
};

struct ListState {
  TermList constants;
  std::vector<size_t> varying;
};

/// The members of an array, or the one text.
void add_literal(TermList& list, const Value& v) {
  if (v.type() == Type::kDynamic) {
    if (!v.is_null()) list.add(Dynamic(v.as_bytes()));
    return;
  }
  const Column c = Column::constant(v, 1);
  Arg literal(c);
  list.add(literal.text(0));
}

/// Literals once for all rows; other arguments are read row by row.
Result<std::shared_ptr<const void>> prepare_list(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  auto state = std::make_shared<ListState>();
  for (size_t i = 1; i < constants.size(); ++i) {
    if (constants[i])
      add_literal(state->constants, *constants[i]);
    else
      state->varying.push_back(i);
  }
  return std::shared_ptr<const void>(state);
}

template <bool every>
Column has_list_kernel(const KernelCall& call) {
  const auto* state = static_cast<const ListState*>(call.state);
  std::vector<TermList> lists(state->varying.size());
  std::vector<std::string_view> last(state->varying.size());
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string subject(args[0].text(row));
    bool hit = every ? state->constants.all(subject) : state->constants.any(subject);
    for (size_t i = 0; i < lists.size() && hit == every; ++i) {
      Arg& list = args[state->varying[i]];
      // Rows that come out of one join share the array's bytes.
      const std::string_view raw =
          list.type() == Type::kDynamic && list.valid(row) ? list.raw(row) : std::string_view();
      if (raw.empty() || raw.data() != last[i].data() || raw.size() != last[i].size()) {
        lists[i] = TermList();
        if (!raw.empty())
          lists[i].add(Dynamic(raw));
        else if (list.valid(row))
          lists[i].add(list.text(row));
        last[i] = raw;
      }
      hit = every ? lists[i].all(subject) : lists[i].any(subject);
    }
    out.set(row, hit);
  });
}

// ---- matches regex ------------------------------------------------------------------------------

/// A faulty expression is the query's fault, told before any row is read.
Result<std::shared_ptr<const void>> prepare_regex(std::span<const Value* const> constants,
                                                  std::span<const Type>) {
  if (!constants[1]) return std::shared_ptr<const void>();
  POSTERN_TRY(std::shared_ptr<const match::Regex> regex,
              match::Regex::compile(constants[1]->text(), match::RegexDialect::kKusto));
  return std::shared_ptr<const void>(regex);
}

/// Consecutive rows mostly bring the same pattern, so the last one is kept.
Column regex_kernel(const KernelCall& call) {
  const auto* prepared = static_cast<const match::Regex*>(call.state);
  std::string pattern;
  std::shared_ptr<const match::Regex> made;
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!args[0].valid(row)) {
      out.set(row, false);
      return;
    }
    if (prepared) {
      out.set(row, prepared->matches(args[0].text(row)));
      return;
    }
    const std::string_view wanted = args[1].text(row);
    if (!made || pattern != wanted) {
      pattern = std::string(wanted);
      Result<std::shared_ptr<const match::Regex>> r =
          match::Regex::compile(pattern, match::RegexDialect::kKusto);
      made = r ? *std::move(r) : nullptr;
    }
    // A pattern out of the data that is none has no answer.
    if (made) out.set(row, made->matches(args[0].text(row)));
  });
}

// ---- registration -------------------------------------------------------------------------------

constexpr char kEqCi[] = "=~";
constexpr char kNeCi[] = "!~";
constexpr char kMatches[] = "matches regex";
constexpr char kHasAny[] = "has_any";
constexpr char kHasAll[] = "has_all";

template <const char* symbol>
Typing two_texts(const TypeRequest& r) {
  return text_typing(r, symbol);
}

template <const char* symbol>
Typing text_and_list(const TypeRequest& r) {
  return list_typing(r, symbol);
}

struct Family {
  std::string_view name;  ///< and the symbol
  plan::Kernel plain[4];  ///< ignoring case; negated; with case; negated with case
  std::string_view doc;
};

template <Where where>
constexpr Family family(std::string_view name, std::string_view doc) {
  return {name,
          {match_kernel<where, true, false>, match_kernel<where, true, true>,
           match_kernel<where, false, false>, match_kernel<where, false, true>},
          doc};
}

// The type rule is a plain function pointer, so each symbol needs its own.
constexpr char kContains[] = "contains";
constexpr char kStarts[] = "startswith";
constexpr char kEnds[] = "endswith";
constexpr char kHas[] = "has";
constexpr char kHasPrefix[] = "hasprefix";
constexpr char kHasSuffix[] = "hassuffix";

}  // namespace

void register_text_matches(plan::FunctionCatalog& c) {
  struct Entry {
    Family family;
    Typing (*typing)(const TypeRequest&);
  };

  const Entry entries[] = {
      {family<Where::kContains>(kContains, "Substring"), two_texts<kContains>},
      {family<Where::kPrefix>(kStarts, "Prefix"), two_texts<kStarts>},
      {family<Where::kSuffix>(kEnds, "Suffix"), two_texts<kEnds>},
      {family<Where::kTerm>(kHas, "Whole terms"), two_texts<kHas>},
      {family<Where::kTermPrefix>(kHasPrefix, "Beginning of a term"), two_texts<kHasPrefix>},
      {family<Where::kTermSuffix>(kHasSuffix, "End of a term"), two_texts<kHasSuffix>},
  };
  for (const Entry& e : entries) {
    for (int variant = 0; variant < 4; ++variant) {
      const bool negated = variant % 2 == 1;
      const bool cased = variant >= 2;
      const std::string base = std::string(e.family.name) + (cased ? "_cs" : "");
      FunctionDef f;
      f.name = std::string("kql.") + (negated ? "not_" : "") + base;
      f.symbol = (negated ? "!" : "") + base;
      f.min_args = 2;
      f.max_args = 2;
      f.typing = e.typing;
      f.kernel = e.family.plain[variant];
      f.prepare = cased ? prepare_needle<false> : prepare_needle<true>;
      f.doc = std::string(e.family.doc) + (cased ? ", case and all" : ", ignoring case") +
              (negated ? ", is not there." : ".");
      c.add(std::move(f));
    }
  }
  static constexpr Spec kSpecs[] = {
      {"eq_ci", 2, 2, two_texts<kEqCi>, match_kernel<Where::kEquals, true, false>,
       "Equal text, ignoring case.", prepare_needle<true>, kEqCi},
      {"ne_ci", 2, 2, two_texts<kNeCi>, match_kernel<Where::kEquals, true, true>,
       "Other text, ignoring case.", prepare_needle<true>, kNeCi},
      {"has_any", 1, -1, text_and_list<kHasAny>, has_list_kernel<false>,
       "One of the terms is there, ignoring case.", prepare_list, kHasAny, true, true, 1},
      {"has_all", 1, -1, text_and_list<kHasAll>, has_list_kernel<true>,
       "All terms are there, ignoring case.", prepare_list, kHasAll, false, true, 1},
      {"matches_regex", 2, 2, two_texts<kMatches>, regex_kernel,
       "The expression matches somewhere.", prepare_regex, kMatches},
  };
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
