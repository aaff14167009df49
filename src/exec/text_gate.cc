#include "exec/text_gate.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "exec/text_witness.h"
#include "match/caseless_filter.h"

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

class Gate final : public data::TextGate {
 public:
  explicit Gate(std::vector<std::string> literals)
      : literals_(std::move(literals)), plain_({literals_.begin(), literals_.end()}) {
    std::vector<std::string_view> pieces;
    for (const std::string& l : literals_)
      pieces.push_back(longest_piece(l));
    pieces_ = match::CaselessFilter(pieces);
  }

  /// Whether it ever says no of a plain text; of JSON only if the pieces are long enough.
  bool usable() const { return plain_.usable(); }

  bool may_hold(std::string_view text) const override { return pieces_.may_hold_json(text); }

  bool may_hold_plain(std::string_view text) const override { return plain_.may_hold(text); }

  const std::vector<std::string>& literals() const override { return literals_; }

 private:
  std::vector<std::string> literals_;
  match::CaselessFilter plain_;   // the literals
  match::CaselessFilter pieces_;  // what JSON writes of them as it is
};

bool is_searched(const std::string& column) {
  return column == data::kValuesColumn || column == data::kTextColumn;
}

bool reads_searched(const ExprPtr& e) {
  std::set<std::string> columns;
  plan::collect_columns(e, columns);
  return std::any_of(columns.begin(), columns.end(), is_searched);
}

/// Collects what `e` looks for in the searched columns; false: that is not all it does with them.
bool collect(const ExprPtr& e, std::vector<std::string>& literals) {
  if (e->is_call("and") || e->is_call("or") || e->is_call("not"))
    return std::all_of(e->args.begin(), e->args.end(),
                       [&](const ExprPtr& a) { return collect(a, literals); });
  if (!reads_searched(e)) return true;
  const auto witness = text_witness(*e);
  // Never null: it is false where the columns are null, as it is where they hold none of this.
  if (!witness || !witness->never_null || !witness->numbers.empty()) return false;
  for (size_t i = 0; i < witness->num_columns; ++i)
    if (!is_searched(e->args[i]->name)) return false;
  for (const TextWitness::Literal& l : witness->literals)
    literals.push_back(l.text);
  return true;
}

}  // namespace

std::shared_ptr<const data::TextGate> text_gate(const std::vector<ExprPtr>& filters,
                                                const std::vector<ExprPtr>& results) {
  std::vector<std::string> literals;
  for (const ExprPtr& f : filters)
    if (f && !collect(f, literals)) return nullptr;
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
