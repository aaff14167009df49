#include "engine/record_kinds.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/text_hash.h"
#include "exec/row_gate.h"
#include "exec/text_gate.h"
#include "exec/text_witness.h"

namespace postern::engine {

using plan::Expr;
using plan::ExprPtr;

namespace {

using Texts = std::set<std::string>;

/// What a test of the column requires of it: to be one of some texts.
std::optional<Texts> texts_of_test(const Expr& test, const std::string& column) {
  if (test.kind != Expr::Kind::kCall || test.args.empty() || !test.args[0]->is_column() ||
      test.args[0]->name != column)
    return std::nullopt;
  const auto witness = exec::text_witness(test);
  if (!witness || witness->num_columns != 1 || !witness->numbers.empty()) return std::nullopt;
  Texts texts;
  for (const exec::TextWitness::Literal& l : witness->literals) {
    if (l.place != match::LiteralIndex::Place::kWhole) return std::nullopt;
    texts.insert(l.text);
  }
  return texts;
}

std::optional<Texts> texts_of(const Expr& e, const std::string& column) {
  if (e.is_call("and")) {
    std::optional<Texts> fewest;
    for (const ExprPtr& a : e.args)
      if (auto texts = texts_of(*a, column); texts && (!fewest || texts->size() < fewest->size()))
        fewest = std::move(texts);
    return fewest;
  }
  if (!e.is_call("or")) return texts_of_test(e, column);
  Texts all;
  for (const ExprPtr& a : e.args) {
    auto texts = texts_of(*a, column);
    if (!texts) return std::nullopt;
    all.merge(*texts);
  }
  return all;
}

/// What these branches read together.
data::Layout::Kind kind_of(const data::Layout& layout,
                           const std::string& column,
                           const std::vector<BranchReads>& branches,
                           const RecordKinds& kinds,
                           uint32_t group,
                           bool gate) {
  const std::vector<uint32_t>& which = kinds.filters[group];
  data::Layout::Kind kind;
  kind.is_read = !which.empty();
  kind.reads.resize(layout.fields().size());
  const auto read = [&](const std::string& name) {
    if (const int slot = layout.slot(name); slot >= 0) kind.reads[static_cast<size_t>(slot)] = true;
  };
  read(column);
  std::vector<ExprPtr> filters;
  std::vector<ExprPtr> results;
  for (const uint32_t b : which) {
    for (const std::string& name : branches[b].columns)
      read(name);
    filters.push_back(branches[b].where);
    results.insert(results.end(), branches[b].results.begin(), branches[b].results.end());
  }
  if (!gate) return kind;
  kind.text_gate = exec::text_gate(filters, results);
  const auto may_be = [&](std::string_view text) {
    const auto named = kinds.groups.find(text);
    return (named == kinds.groups.end() ? 0 : named->second) == group;
  };
  kind.row_gate = exec::row_gate(filters, layout, {column, may_be});
  return kind;
}

}  // namespace

std::optional<Texts> required_texts(const ExprPtr& where, const std::string& column) {
  return where ? texts_of(*where, column) : std::nullopt;
}

RecordKinds record_kinds(const std::vector<ExprPtr>& filters, const std::string& column) {
  constexpr size_t kMostGroups = 32;  // each has tables of its own
  std::vector<std::optional<Texts>> required;
  Texts named;
  for (const ExprPtr& f : filters) {
    required.push_back(required_texts(f, column));
    if (required.back()) named.insert(required.back()->begin(), required.back()->end());
  }
  const auto asking = [&](const std::string* text) {
    std::vector<uint32_t> some;
    for (uint32_t f = 0; f < filters.size(); ++f)
      if (!required[f] || (text && required[f]->count(*text) > 0)) some.push_back(f);
    return some;
  };
  RecordKinds kinds;
  kinds.filters.push_back(asking(nullptr));
  for (const std::string& text : named) {
    std::vector<uint32_t> some = asking(&text);
    auto group = std::find(kinds.filters.begin(), kinds.filters.end(), some);
    if (group == kinds.filters.end())
      group = kinds.filters.insert(kinds.filters.end(), std::move(some));
    kinds.groups.emplace(text, static_cast<uint32_t>(group - kinds.filters.begin()));
  }
  return kinds.filters.size() <= kMostGroups ? kinds : RecordKinds{};
}

void set_kinds(data::Layout& layout,
               const RecordKinds& kinds,
               const std::string& column,
               const std::vector<BranchReads>& branches,
               bool gate) {
  if (!kinds.any()) return;
  std::vector<data::Layout::Kind> groups;
  for (uint32_t group = 0; group < kinds.filters.size(); ++group)
    groups.push_back(kind_of(layout, column, branches, kinds, group, gate));
  data::Layout::Kinds by_text;
  for (const auto& [text, group] : kinds.groups)
    by_text.emplace(text, groups[group]);
  layout.set_kinds(std::move(by_text), std::move(groups[0]));
}

uint32_t KindLookup::group(std::string_view text) {
  Known& known = known_[text_hash(text) % known_.size()];
  if (known.text != text || text.empty()) {
    fold(text, folded_);
    const auto named = kinds_.groups.find(folded_);
    known.group = named == kinds_.groups.end() ? 0 : named->second;
    known.text = text;
  }
  return known.group;
}

}  // namespace postern::engine
