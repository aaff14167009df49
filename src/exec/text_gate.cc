#include "exec/text_gate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "exec/text_witness.h"
#include "match/caseless_filter.h"
#include "match/json_escape.h"
#include "match/literal_index.h"

namespace postern::exec {

using plan::Expr;
using plan::ExprPtr;

namespace {

/// Written in JSON as it is, or by its number. Braces may be put around a GUID that has none.
bool stands_for_itself(char c) {
  return c >= ' ' && c <= '~' && std::string_view("\"\\/{}").find(c) == std::string_view::npos;
}

/// The longest part of a literal that a record with the literal holds too.
std::string_view longest_piece(std::string_view literal) {
  std::string_view best;
  for (size_t at = 0; at < literal.size(); ++at) {
    size_t end = at;
    while (end < literal.size() && stands_for_itself(literal[end]))
      ++end;
    if (end - at > best.size()) best = literal.substr(at, end - at);
    at = end;
  }
  return best;
}

/// Filters that together look for all of these literals, so many at a time; none where the machine
/// or a literal does not suit them.
std::vector<match::CaselessFilter> passes_for(const std::vector<std::string_view>& literals,
                                              size_t together) {
  std::vector<match::CaselessFilter> passes;
  for (size_t at = 0; at < literals.size(); at += together) {
    const size_t end = std::min(at + together, literals.size());
    passes.emplace_back(
        std::vector<std::string_view>(literals.begin() + static_cast<ptrdiff_t>(at),
                                      literals.begin() + static_cast<ptrdiff_t>(end)),
        together);
    if (!passes.back().usable()) return {};
  }
  return passes;
}

/// Those literals that have none of the others in them: where one of the rest is, so is one of
/// these.
std::vector<std::string_view> innermost(std::vector<std::string_view> literals) {
  std::sort(literals.begin(), literals.end(), [](std::string_view a, std::string_view b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  std::vector<std::string_view> out;
  for (const std::string_view l : literals)
    if (std::none_of(out.begin(), out.end(), [&](std::string_view inner) {
          return l.find(inner) != std::string_view::npos;
        }))
      out.push_back(l);
  return out;
}

/// Whether any of some literals (folded) is in a text, in whatever case. Some hundred are looked
/// for in one pass over the text as it is; of more the short ones so, in several passes, and the
/// others by an index that looks at every eighth place of the folded text as long as all that it
/// has are long.
class AnyOf {
 public:
  explicit AnyOf(std::vector<std::string_view> literals) {
    constexpr size_t kShortest = 3;   // shorter ones are in every record
    constexpr size_t kFew = 192;      // literals, rather long ones among them
    constexpr size_t kMany = 512;     // literals that are not worth a look at each pair of them
    constexpr size_t kLong = 11;      // bytes from which the index looks at the fewest places
    constexpr size_t kTogether = 32;  // short ones that a pass tells from most of what it sees
    constexpr size_t kMostShort = 4 * kTogether;
    if (std::any_of(literals.begin(), literals.end(),
                    [](std::string_view l) { return l.size() < kShortest; }))
      return;
    if (literals.size() <= kMany) literals = innermost(std::move(literals));
    if (literals.size() <= kFew) passes_ = passes_for(literals, kFew);
    if (!passes_.empty()) return;
    const auto others = std::partition(literals.begin(), literals.end(), [](std::string_view l) {
      return l.size() < kLong && is_ascii(l);
    });
    const std::vector<std::string_view> shorts(literals.begin(), others);
    if (shorts.size() <= kMostShort) passes_ = passes_for(shorts, kTogether);
    if (!passes_.empty()) literals.erase(literals.begin(), others);
    for (const std::string_view l : literals)
      many_.add(match::LiteralIndex::Place::kPart, l);
    many_.seal();
  }

  /// Whether it ever says no.
  bool usable() const { return !passes_.empty() || !many_.empty(); }

  bool in(std::string_view text) const {
    return !usable() ||
           std::any_of(passes_.begin(), passes_.end(),
                       [&](const match::CaselessFilter& f) { return f.may_hold(text); }) ||
           (!many_.empty() && many_.any(folded(text)));
  }

  /// The same of JSON, where a character may be written by its number.
  bool in_json(std::string_view text) const {
    if (passes_.size() == 1 && many_.empty()) return passes_[0].may_hold_json(text);
    return !usable() || match::has_unicode_escape(text) || in(text);
  }

 private:
  static std::string_view folded(std::string_view text) {
    thread_local std::string out;
    fold(text, out);
    return out;
  }

  std::vector<match::CaselessFilter> passes_;
  match::LiteralIndex many_;  // all but what the passes look for
};

std::vector<std::string_view> pieces_of(const std::vector<std::string>& literals) {
  std::vector<std::string_view> pieces;
  for (const std::string& l : literals)
    pieces.push_back(longest_piece(l));
  return pieces;
}

class Gate final : public data::TextGate {
 public:
  explicit Gate(std::vector<std::string> literals)
      : literals_(std::move(literals)),
        plain_({literals_.begin(), literals_.end()}),
        pieces_(pieces_of(literals_)) {}

  /// Whether it ever says no of a plain text; of JSON only if the pieces are long enough.
  bool usable() const { return plain_.usable(); }

  bool may_hold(std::string_view text) const override { return pieces_.in_json(text); }

  bool may_hold_plain(std::string_view text) const override { return plain_.in(text); }

  const std::vector<std::string>& literals() const override { return literals_; }

 private:
  std::vector<std::string> literals_;
  AnyOf plain_;   // the literals
  AnyOf pieces_;  // what JSON writes of them as it is
};

bool is_searched(const std::string& column) {
  return column == data::kValuesColumn || column == data::kTextColumn;
}

bool reads_searched(const ExprPtr& e) {
  std::set<std::string> columns;
  plan::collect_columns(e, columns);
  return std::any_of(columns.begin(), columns.end(), is_searched);
}

/// What an expression looks for in the searched columns: while none of it is in a record, the
/// expression is the same whether these columns are there or null.
struct Wanted {
  std::vector<std::string> literals;
  bool is_false_without = false;  ///< and false it is
};

/// Which of two parts that must both hold to look for: short literals are in every record.
bool tells_more(const Wanted& a, const Wanted& b) {
  constexpr size_t kLong = 4;
  const auto shortest = [](const Wanted& w) {
    size_t least = kLong;
    for (const std::string& l : w.literals)
      least = std::min(least, l.size());
    return least;
  };
  return std::pair(shortest(a), b.literals.size()) > std::pair(shortest(b), a.literals.size());
}

/// nullopt: looking for literals is not all that `e` does with the searched columns.
std::optional<Wanted> wanted_of(const ExprPtr& e) {
  Wanted all;
  if (e->is_call("and") || e->is_call("or") || e->is_call("not")) {
    std::optional<Wanted> best;
    all.is_false_without = e->is_call("or");
    for (const ExprPtr& a : e->args) {
      std::optional<Wanted> one = wanted_of(a);
      if (!one) return std::nullopt;
      all.literals.insert(all.literals.end(), one->literals.begin(), one->literals.end());
      all.is_false_without = all.is_false_without && one->is_false_without;
      if (e->is_call("and") && one->is_false_without && (!best || tells_more(*one, *best)))
        best = std::move(one);
    }
    return best ? best : all;
  }
  if (!reads_searched(e)) return all;
  const auto witness = text_witness(*e);
  // Never null: it is false where the columns are null, as it is where they hold none of this.
  if (!witness || !witness->never_null || !witness->numbers.empty()) return std::nullopt;
  for (size_t i = 0; i < witness->num_columns; ++i)
    if (!is_searched(e->args[i]->name)) return std::nullopt;
  for (const TextWitness::Literal& l : witness->literals)
    all.literals.push_back(l.text);
  all.is_false_without = true;
  return all;
}

}  // namespace

std::shared_ptr<const data::TextGate> text_gate(const std::vector<ExprPtr>& filters,
                                                const std::vector<ExprPtr>& results) {
  std::vector<std::string> literals;
  for (const ExprPtr& f : filters) {
    if (!f) continue;
    const std::optional<Wanted> wanted = wanted_of(f);
    if (!wanted) return nullptr;
    literals.insert(literals.end(), wanted->literals.begin(), wanted->literals.end());
  }
  if (std::any_of(results.begin(), results.end(), reads_searched)) return nullptr;
  return text_gate(std::move(literals));
}

std::shared_ptr<const data::TextGate> text_gate(std::vector<std::string> literals) {
  // Rules share keywords.
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  if (literals.empty()) return nullptr;
  auto gate = std::make_shared<Gate>(std::move(literals));
  return gate->usable() ? gate : nullptr;
}

}  // namespace postern::exec
