// Lookups: rows of a table that match the values of an event's fields (Splunk Knowledge Manager
// Manual, field matching rules of lookups).
//
// The table travels as a literal of the plan, made from the lookup's file: an object with the rules
// of matching and the rows, first the columns that are compared, then those that are given out.
// Rows match in file order. What is compared exactly is found by hash; of patterns those are tried
// whose longest literal the value has, once for each distinct value of a batch. Tests:
// tests/cases/spl/lookup_*.case.
#include <algorithm>
#include <unordered_map>

#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"
#include "match/ip.h"
#include "match/literal_index.h"
#include "match/wildcard.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::Type;
using data::Value;
using plan::FunctionCatalog;
using plan::KernelCall;

namespace {

enum class Match : uint8_t { kExact, kWildcard, kCidr };

struct Cell {
  std::string text;  ///< exact; folded when case is ignored
  match::Wildcard pattern;
  std::optional<match::Cidr> block;
};

struct LookupTable {
  std::vector<Match> matches;  ///< of each compared column
  size_t outputs = 0;
  bool ignore_case = false;
  size_t max_matches = 100;
  size_t min_matches = 0;
  std::string default_match;
  bool hashed = true;  ///< every column is compared exactly
  std::vector<std::vector<Cell>> keys;
  std::vector<std::vector<std::string>> values;
  std::unordered_map<std::string, std::vector<size_t>> by_key;
  // Of the first column with patterns: rows by a literal that their pattern needs, and the others.
  std::optional<size_t> filed_column;
  match::LiteralIndex by_literal;
  std::vector<uint32_t> unfiled;

  std::string folded(std::string_view s) const { return ignore_case ? fold(s) : std::string(s); }

  static void append_part(std::string& key, std::string_view part) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
  }

  bool matches_row(const std::vector<Cell>& row, const std::vector<std::string>& wanted) const {
    for (size_t k = 0; k < row.size(); ++k) {
      switch (matches[k]) {
        case Match::kExact:
          if (row[k].text != folded(wanted[k])) return false;
          break;
        case Match::kWildcard:
          if (!row[k].pattern.matches(wanted[k])) return false;
          break;
        case Match::kCidr: {
          const auto ip = match::IpAddress::parse(wanted[k]);
          if (!ip || !row[k].block || !row[k].block->contains(*ip)) return false;
          break;
        }
      }
    }
    return true;
  }

  /// Rows whose pattern has a literal that the text lacks cannot match it.
  void file_patterns() {
    const auto column = std::find(matches.begin(), matches.end(), Match::kWildcard);
    if (column == matches.end()) return;
    filed_column = static_cast<size_t>(column - matches.begin());
    for (uint32_t r = 0; r < keys.size(); ++r) {
      const std::string literal = fold(keys[r][*filed_column].pattern.longest_literal());
      if (literal.empty())
        unfiled.push_back(r);
      else
        by_literal.add(match::LiteralIndex::Place::kPart, literal, r);
    }
    by_literal.seal();
  }

  /// The rows that may match, in order.
  std::vector<uint32_t> candidates(std::string_view text, match::LiteralIndex::Marks& marks) const {
    std::vector<uint32_t> out = unfiled;
    std::vector<uint32_t> literals;
    if (!by_literal.empty()) by_literal.find(fold(text), literals, marks);
    for (const uint32_t l : literals) {
      const auto ids = by_literal.ids(l);
      out.insert(out.end(), ids.begin(), ids.end());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::vector<size_t> find(const std::vector<std::string>& wanted,
                           match::LiteralIndex::Marks& marks) const {
    std::vector<size_t> out;
    const auto try_row = [&](size_t r) {
      if (out.size() < max_matches && matches_row(keys[r], wanted)) out.push_back(r);
    };
    if (hashed) {
      std::string key;
      for (const std::string& w : wanted)
        append_part(key, folded(w));
      const auto it = by_key.find(key);
      if (it != by_key.end()) out = it->second;
    } else if (filed_column) {
      for (const uint32_t r : candidates(wanted[*filed_column], marks))
        try_row(r);
    } else {
      for (size_t r = 0; r < keys.size(); ++r)
        try_row(r);
    }
    if (out.size() > max_matches) out.resize(max_matches);
    return out;
  }
};

Result<std::shared_ptr<const void>> prepare_table(std::span<const Value* const> constants,
                                                  std::span<const Type>) {
  if (constants.empty() || !constants[0] || constants[0]->type() != Type::kDynamic)
    return Error{Code::kInvalid, "a lookup needs its table"};
  const Dynamic d(constants[0]->as_bytes());
  auto table = std::make_shared<LookupTable>();
  const Dynamic matches = d.find("match");
  for (uint32_t i = 0; i < matches.size(); ++i) {
    const std::string_view kind = matches.at(i).as_string();
    table->matches.push_back(kind == "wildcard" ? Match::kWildcard
                             : kind == "cidr"   ? Match::kCidr
                                                : Match::kExact);
    table->hashed = table->hashed && table->matches.back() == Match::kExact;
  }
  table->outputs = static_cast<size_t>(d.find("outputs").as_long());
  table->ignore_case = d.find("ignore_case").as_bool();
  table->max_matches = static_cast<size_t>(d.find("max").as_long());
  table->min_matches = static_cast<size_t>(d.find("min").as_long());
  table->default_match = d.find("default").as_string();
  const Dynamic rows = d.find("rows");
  const size_t num_keys = table->matches.size();
  for (uint32_t r = 0; r < rows.size(); ++r) {
    const Dynamic row = rows.at(r);
    if (row.size() != num_keys + table->outputs)
      return Error{Code::kInvalid, "a lookup's row has the wrong length"};
    std::vector<Cell> cells(num_keys);
    std::string key;
    for (uint32_t k = 0; k < num_keys; ++k) {
      const std::string_view text = row.at(k).as_string();
      cells[k].text = table->folded(text);
      if (table->matches[k] == Match::kWildcard)
        cells[k].pattern = match::Wildcard::of_stars(text, table->ignore_case);
      if (table->matches[k] == Match::kCidr) cells[k].block = match::Cidr::parse(text);
      LookupTable::append_part(key, cells[k].text);
    }
    if (table->hashed) table->by_key[key].push_back(r);
    table->keys.push_back(std::move(cells));
    std::vector<std::string> values;
    for (uint32_t o = 0; o < table->outputs; ++o)
      values.emplace_back(row.at(static_cast<uint32_t>(num_keys) + o).as_string());
    table->values.push_back(std::move(values));
  }
  table->file_patterns();
  return std::shared_ptr<const void>(table);
}

/// What the matching rows give: per output column a list of texts; "" when nothing is given.
std::string answer(const LookupTable& t, const std::vector<size_t>& rows) {
  if (rows.empty() && t.min_matches == 0) return "";
  data::DynamicWriter w;
  w.begin_array();
  for (size_t o = 0; o < t.outputs; ++o) {
    w.begin_array();
    for (const size_t r : rows)
      if (!t.values[r][o].empty()) w.string(t.values[r][o]);
    for (size_t i = rows.size(); i < t.min_matches; ++i)
      w.string(t.default_match);
    w.end();
  }
  w.end();
  return w.take();
}

Column lookup_kernel(const KernelCall& call) {
  const auto& table = *static_cast<const LookupTable*>(call.state);
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  std::vector<SplCells> cells;
  for (size_t a = 1; a < call.args.size(); ++a)
    cells.emplace_back(call.args[a]);
  std::unordered_map<std::string, std::string> known;
  std::vector<std::string> wanted(cells.size());
  match::LiteralIndex::Marks marks;
  for (const uint32_t row : call.rows) {
    bool complete = true;
    for (const SplCells& c : cells)
      complete = complete && c.valid(row);
    if (!complete) continue;  // without all its values nothing is looked up
    // A field of several values is looked up value by value.
    const uint32_t n = cells.size() == 1 ? cells[0].count(row) : 1;
    std::string key;
    for (uint32_t i = 0; i < n; ++i)
      for (SplCells& c : cells)
        LookupTable::append_part(key, c.text(row, i));
    auto [it, added] = known.try_emplace(std::move(key));
    if (added) {
      std::vector<size_t> rows;
      for (uint32_t i = 0; i < n; ++i) {
        for (size_t k = 0; k < cells.size(); ++k)
          wanted[k] = cells[k].text(row, i);
        const std::vector<size_t> found = table.find(wanted, marks);
        rows.insert(rows.end(), found.begin(), found.end());
      }
      it->second = answer(table, rows);
    }
    if (!it->second.empty()) out.set_copy(row, it->second);
  }
  return out.finish();
}

Column lookup_field_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  const auto answers = call.args[0].view<std::string_view>();
  const auto which = call.args[1].view<int64_t>();
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    if (!answers.valid(row) || !which.valid(row)) continue;
    const Dynamic list = Dynamic(answers[row]).at(static_cast<uint32_t>(which[row]));
    values.clear();
    for (uint32_t i = 0; i < list.size(); ++i)
      values.emplace_back(list.at(i).as_string());
    spl_set_values(out, row, values);
  }
  return out.finish();
}

}  // namespace

void register_spl_lookups(FunctionCatalog& c) {
  c.add(spl_function("lookup", 2, -1, spl_gives_dynamic, lookup_kernel,
                     "What a lookup's rows give for the values of some fields.", prepare_table));
  c.add(spl_function("lookup_field", 2, 2, spl_gives_dynamic, lookup_field_kernel,
                     "One output field of a lookup's answer."));
}

}  // namespace postern::exec
