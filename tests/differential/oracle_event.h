// An event as the second evaluator sees it, and the catalog's view expressions
// over it.
//
// Written to be obvious and slow. Shares the decoders and the catalog's data
// with the engine, but neither its functions nor its matchers: `==`, `in`,
// `case`, `strcat`, … are done here again.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "plan/catalog.h"

namespace postern::differential {

/// A field: its values (several for lists); none: there but null.
using Field = std::vector<std::string>;

struct OracleEvent {
  std::string table;
  std::string path;
  uint64_t offset = 0;
  uint64_t record = 0;
  std::map<std::string, Field> fields;
  std::string raw;
  std::vector<std::string> values;  ///< of all fields, for keywords

  /// Characters of a text, and those of it with cases folded: thousands of rules ask for each.
  const std::u32string& characters(const std::string& text, bool cased) const;

 private:
  mutable std::unordered_map<std::string, std::u32string> characters_[2];
};

/// A value of the catalog's expressions: nullopt is null; several values for a
/// list.
using Cell = std::optional<Field>;

/// Evaluates an expression of a view over native columns; `unknown` is set when
/// it is not understood.
Cell evaluate(const plan::Expr& e,
              const plan::TableDef& table,
              const OracleEvent& event,
              bool& unknown);

/// True when a view takes the event.
bool takes(const plan::View& view,
           const plan::TableDef& table,
           const OracleEvent& event,
           bool& unknown);

/// The event's field by the name that a rule uses through a view.
Cell field_of(const plan::View& view,
              const plan::TableDef& table,
              const OracleEvent& event,
              const std::string& name,
              bool& unknown);

}  // namespace postern::differential
