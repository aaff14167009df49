// Conditions of Splunk's `search` command: comparisons with literals, and terms over the event's
// text.
//
// Values and terms ignore case; `*` is any run, also inside quotes, and nothing escapes it. `=` and
// `!=` compare texts ("25" is not "25.0"), `<` … `>` numbers where both sides are, else texts. A
// value in CIDR form also matches the addresses in its block. A missing field gives false, `!=`
// included: what is true without the field is written with NOT (Splunk Search Reference, search).
//
// Terms match whole segments: an event's text is broken at major breakers (blanks, brackets,
// quotes, …) and, inside of those, at minor ones (/ : = @ . - $ # % \ _), and a term stands between
// two breaks (Splunk Search Manual, event segmentation and searching).
#include <functional>
#include <unordered_set>

#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"
#include "match/ip.h"
#include "match/wildcard.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::FunctionDef;
using plan::KernelCall;

namespace {

// ---- field comparisons
// ----------------------------------------------------------------------------

/// All literals of one comparison, ready for a text.
class ValueMatcher {
 public:
  explicit ValueMatcher(std::span<const Value* const> constants) {
    for (size_t i = 1; i < constants.size(); ++i) {
      const std::string text = constants[i]->text();
      if (text.find('*') == std::string::npos)
        add_exact(text);
      else
        add_wildcard(text);
    }
  }

  bool matches(std::string_view s) const {
    if (any_) return true;
    if (!exact_.empty() && matches_exact(s)) return true;
    for (const match::Wildcard& w : wildcards_)
      if (w.matches(s)) return true;
    return !blocks_.empty() && matches_block(s);
  }

  /// Every value is a whole number or can match none: an integer column needs no text.
  bool integers_only() const { return !any_ && wildcards_.empty() && blocks_.empty(); }

  bool matches_integer(int64_t v) const {
    for (const int64_t i : integers_)
      if (i == v) return true;
    return false;
  }

 private:
  void add_exact(const std::string& text) {
    exact_.insert(fold(text));
    if (const auto i = parse_int(text); i && std::to_string(*i) == text) integers_.push_back(*i);
    if (text.find('/') != std::string::npos)
      if (const auto block = match::Cidr::parse(text)) blocks_.push_back(*block);
  }

  void add_wildcard(const std::string& text) {
    if (text.find_first_not_of('*') == std::string::npos) any_ = true;
    wildcards_.push_back(match::Wildcard::of_stars(text, true));
  }

  bool matches_exact(std::string_view s) const {
    if (exact_.size() == 1) return equal_ignore_case(s, *exact_.begin());
    return exact_.count(fold(s)) > 0;
  }

  bool matches_block(std::string_view s) const {
    const auto ip = match::IpAddress::parse(s);
    if (!ip) return false;
    for (const match::Cidr& block : blocks_)
      if (block.contains(*ip)) return true;
    return false;
  }

  std::unordered_set<std::string> exact_;  // folded
  std::vector<int64_t> integers_;
  std::vector<match::Wildcard> wildcards_;
  std::vector<match::Cidr> blocks_;
  bool any_ = false;
};

Result<std::shared_ptr<const void>> prepare_values(std::span<const Value* const> constants,
                                                   std::span<const Type>) {
  for (size_t i = 1; i < constants.size(); ++i)
    if (!constants[i] || constants[i]->is_null())
      return Error{Code::kInvalid, "search compares with literals only"};
  return std::shared_ptr<const void>(std::make_shared<ValueMatcher>(constants));
}

Column search_eq_kernel(const KernelCall& call) {
  const auto& matcher = *static_cast<const ValueMatcher*>(call.state);
  const Column& column = call.args[0];
  if (data::is_integer(column.type()) && matcher.integers_only()) {
    ColumnBuilder out(Type::kBool, call.num_rows);
    const auto view = column.view<int64_t>();
    for (const uint32_t row : call.rows)
      out.set(row, view.valid(row) && matcher.matches_integer(view[row]));
    return out.finish();
  }
  return spl_any_value(call, 0, false, [&](std::string_view s) { return matcher.matches(s); });
}

Column search_ne_kernel(const KernelCall& call) {
  const auto& matcher = *static_cast<const ValueMatcher*>(call.state);
  return spl_any_value(call, 0, false, [&](std::string_view s) { return !matcher.matches(s); });
}

struct Bound {
  std::string text;  // folded
  std::optional<SplNumber> number;
};

Result<std::shared_ptr<const void>> prepare_bound(std::span<const Value* const> constants,
                                                  std::span<const Type>) {
  const auto text = spl_constant(constants, 1);
  if (!text) return Error{Code::kInvalid, "search compares with literals only"};
  auto bound = std::make_shared<Bound>();
  bound->text = fold(*text);
  bound->number = spl_number(*text);
  return std::shared_ptr<const void>(bound);
}

template <class Holds>
Column search_order_kernel(const KernelCall& call) {
  const auto& bound = *static_cast<const Bound*>(call.state);
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    bool hit = false;
    const uint32_t n = cells.count(row);
    for (uint32_t i = 0; i < n && !hit; ++i) {
      const auto number = bound.number ? cells.number(row, i) : std::nullopt;
      const int order =
          number ? compare(*number, *bound.number) : fold(cells.text(row, i)).compare(bound.text);
      hit = Holds{}(order, 0);
    }
    out.set(row, hit);
  }
  return out.finish();
}

// ---- terms
// ----------------------------------------------------------------------------------------

constexpr std::string_view kMajorBreakers = " \t\r\n[]<>(){}|!;,'\"*&?+";
constexpr std::string_view kMinorBreakers = "/:=@.-$#%\\_";

/// A term or phrase: literal pieces between stars, and how its ends must stand.
class TermMatcher {
 public:
  TermMatcher(std::string_view term, bool ignore_case, bool major_only)
      : ignore_case_(ignore_case), major_only_(major_only) {
    size_t begin = 0;
    for (size_t i = 0; i <= term.size(); ++i) {
      if (i < term.size() && term[i] != '*') continue;
      if (i > begin) pieces_.emplace_back(term.substr(begin, i - begin));
      begin = i + 1;
    }
    open_begin_ = !term.empty() && term.front() == '*';
    open_end_ = !term.empty() && term.back() == '*';
  }

  bool matches(std::string_view text) const {
    if (pieces_.empty()) return true;
    // The first piece as early as may be leaves the rest most room; so on for those in the middle.
    size_t at = 0;
    for (size_t p = 0; p < pieces_.size(); ++p) {
      const std::string& piece = pieces_[p];
      const bool at_begin = p == 0 && !open_begin_;
      const bool at_end = p + 1 == pieces_.size() && !open_end_;
      size_t found = at;
      for (;; ++found) {
        found = find(text, piece, found);
        if (found == std::string_view::npos) return false;
        if (at_begin && !breaks(text, found, piece.front())) continue;
        if (at_end && !breaks(text, found + piece.size(), piece.back())) continue;
        break;
      }
      at = found + piece.size();
    }
    return true;
  }

 private:
  size_t find(std::string_view text, const std::string& piece, size_t from) const {
    return ignore_case_ ? find_ignore_case(text, piece, from) : text.find(piece, from);
  }

  bool is_breaker(char c) const {
    return kMajorBreakers.find(c) != std::string_view::npos ||
           (!major_only_ && kMinorBreakers.find(c) != std::string_view::npos);
  }

  /// Whether a segment begins or ends at `at`: at an end of the text, beside a breaker, or because
  /// the term's own character there is one.
  bool breaks(std::string_view text, size_t at, char own) const {
    if (at == 0 || at >= text.size() || is_breaker(own)) return true;
    return is_breaker(text[at]) || is_breaker(text[at - 1]);
  }

  std::vector<std::string> pieces_;
  bool open_begin_ = false;
  bool open_end_ = false;
  bool ignore_case_;
  bool major_only_;
};

template <bool ignore_case, bool major_only>
Result<std::shared_ptr<const void>> prepare_term(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  const auto text = spl_constant(constants, 2);
  if (!text) return Error{Code::kInvalid, "a search term is a literal"};
  return std::shared_ptr<const void>(std::make_shared<TermMatcher>(*text, ignore_case, major_only));
}

// search_term(_raw, _values, "x"): over the event's text, or each of its values where it has none.
Column search_term_kernel(const KernelCall& call) {
  const auto& matcher = *static_cast<const TermMatcher*>(call.state);
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells raw(call.args[0]);
  SplCells values(call.args[1]);
  for (const uint32_t row : call.rows) {
    bool hit = false;
    if (raw.valid(row)) {
      hit = matcher.matches(raw.text(row));
    } else {
      const uint32_t n = values.count(row);
      for (uint32_t i = 0; i < n && !hit; ++i)
        hit = matcher.matches(values.text(row, i));
    }
    out.set(row, hit);
  }
  return out.finish();
}

}  // namespace

void register_spl_functions(plan::FunctionCatalog& c) {
  FunctionDef eq = spl_function("search_eq", 2, -1, spl_gives_bool, search_eq_kernel,
                                "Field equals one of the values, ignoring case; * is a wildcard.",
                                prepare_values, "=");
  eq.any_of = true;
  eq.literals_from = 1;
  c.add(eq);
  c.add(spl_function("search_ne", 2, 2, spl_gives_bool, search_ne_kernel,
                     "Field exists and differs from the value.", prepare_values, "!="));
  c.add(spl_function("search_lt", 2, 2, spl_gives_bool, search_order_kernel<std::less<>>,
                     "Field is below the value.", prepare_bound, "<"));
  c.add(spl_function("search_le", 2, 2, spl_gives_bool, search_order_kernel<std::less_equal<>>,
                     "Field is the value or below.", prepare_bound, "<="));
  c.add(spl_function("search_gt", 2, 2, spl_gives_bool, search_order_kernel<std::greater<>>,
                     "Field is above the value.", prepare_bound, ">"));
  c.add(spl_function("search_ge", 2, 2, spl_gives_bool, search_order_kernel<std::greater_equal<>>,
                     "Field is the value or above.", prepare_bound, ">="));
  c.add(spl_function("search_term", 3, 3, spl_gives_bool, search_term_kernel,
                     "Event's text has the term between breakers, ignoring case.",
                     prepare_term<true, false>));
  c.add(spl_function("search_term_case", 3, 3, spl_gives_bool, search_term_kernel,
                     "CASE(x): the term in this case.", prepare_term<false, false>));
  c.add(spl_function("search_term_exact", 3, 3, spl_gives_bool, search_term_kernel,
                     "TERM(x): the term between major breakers.", prepare_term<true, true>));
  register_spl_comparisons(c);
  register_spl_numbers(c);
  register_spl_texts(c);
  register_spl_regexes(c);
  register_spl_multivalues(c);
  register_spl_times(c);
  register_spl_choices(c);
  register_spl_lookups(c);
  register_spl_structures(c);
}

}  // namespace postern::exec
