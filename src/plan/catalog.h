// The catalog: native tables, and the vocabularies that are views over them. Data from
// catalog/*.yml. Format: catalog/README.md. Tests: tests/unit/plan/catalog_test.cc.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "plan/expr.h"
#include "plan/function.h"
#include "plan/op.h"

namespace postern::plan {

struct FieldDef {
  std::string name;
  data::Type type = data::Type::kString;
  std::string doc;
  std::string source;
  std::vector<std::string> values;  ///< all values an enumerated column can hold; empty: any
};

struct TableDef {
  std::string name;
  std::string doc;
  bool open = false;
  std::string event_id;  ///< column of numbers that tells kinds of events apart, or ""
  std::string kind;      ///< likewise of texts, in whatever case: records of a kind have its fields
  std::vector<std::pair<std::string, std::string>> constants;
  /// Fields by event id, where the table says so: those of its event alone, not what all have.
  std::map<int64_t, std::vector<std::string>> events;
  std::vector<FieldDef> fields;
  const FieldDef* find(std::string_view field) const;
};

/// One native table behind a vocabulary table.
struct View {
  std::string from;                                  ///< native table
  ExprPtr where;                                     ///< over native columns, or null
  std::vector<std::pair<std::string, ExprPtr>> map;  ///< vocabulary column from native expression
  bool passthrough = false;  ///< columns not in `map` are the native ones of that name
  const ExprPtr* find(std::string_view column) const;
};

struct VocabularyTable {
  std::string name;
  std::vector<std::string> aliases;
  std::string doc;
  bool open = false;  ///< columns beyond `fields` may be asked for
  std::string time;   ///< its event time column
  std::vector<FieldDef> fields;
  std::vector<View> views;
  /// Instead of views: a query in KQL over other tables of any vocabulary (a joined view).
  std::string query;
  /// Sigma: log source attributes this entry is for; empty values match any.
  std::map<std::string, std::string> logsource;
  const FieldDef* find(std::string_view field) const;
};

struct Vocabulary {
  std::string name;  ///< "sigma", "kql", "spl"
  std::vector<VocabularyTable> tables;
};

class Catalog {
 public:
  /// Reads one catalog file (a table or a vocabulary). Errors go to `diag`.
  bool add(const Source& source, Diagnostics& diag);

  const TableDef* table(std::string_view name) const;

  const std::map<std::string, TableDef, std::less<>>& tables() const { return tables_; }

  /// Looks a name or alias up in the vocabulary, exact case first, then ignoring case.
  const VocabularyTable* vocabulary_table(std::string_view vocabulary, std::string_view name) const;
  /// All entries of the sigma vocabulary whose log source equals the given one where both state a
  /// value.
  std::vector<const VocabularyTable*> sigma_tables(
      const std::map<std::string, std::string>& logsource) const;
  std::vector<std::string_view> table_names(std::string_view vocabulary) const;

  const std::map<std::string, Vocabulary, std::less<>>& vocabularies() const {
    return vocabularies_;
  }

 private:
  std::map<std::string, TableDef, std::less<>> tables_;
  std::map<std::string, Vocabulary, std::less<>> vocabularies_;
};

}  // namespace postern::plan
