// Lookup tables: CSV files that searches join with, and the rules by which their rows match.
//
// A definition is a YAML file of a rule pack (`name`, `filename`, `match_type`, …) or a stanza of
// transforms.conf; a CSV file is also a lookup by its own name. Rows come from `lookups/` beside
// the rules, or from files that the user gave. Collections of the key-value store have no file:
// what they hold is made by other searches, and a search that reads one is refused. Tests:
// tests/unit/lang/spl/lookups_test.cc, tests/cases/spl/lookup_*.case.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"
#include "lang/spl/pack_files.h"

namespace postern::lang::spl {

/// Cells as text; rows are as long as `columns`.
struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  size_t find(std::string_view column) const;  ///< columns.size() when there is none
};

/// RFC 4180 with a header line; a byte order mark is skipped, short rows are filled with empty
/// cells and cells beyond the header are dropped. Error: no header, an unclosed quote, or more than
/// 64 MiB.
Result<CsvTable> parse_csv(std::string_view text);

struct LookupDefinition {
  enum class Match : uint8_t { kExact, kWildcard, kCidr };

  std::string name;
  std::string filename;
  bool collection = false;  ///< of the key-value store
  bool external = false;    ///< a script or a map of places
  std::vector<std::pair<std::string, Match>> match_types;
  bool case_sensitive = true;
  int64_t max_matches = 100;
  int64_t min_matches = 0;
  std::string default_match;

  Match match_of(std::string_view column) const;
};

struct Lookup {
  LookupDefinition definition;
  std::shared_ptr<const CsvTable> table;
};

/// Definitions and files by name.
class LookupTables {
 public:
  /// Reads a definition (YAML, transforms.conf) or a CSV file. False when it is neither.
  bool add(const Source& file, Diagnostics& diag);
  const LookupDefinition* definition(std::string_view name) const;
  const CsvTable* file(std::string_view name) const;
  std::shared_ptr<const CsvTable> shared_file(std::string_view name) const;
  std::vector<std::string_view> names() const;

 private:
  void add_definition(LookupDefinition d);

  std::map<std::string, LookupDefinition, std::less<>> definitions_;
  std::map<std::string, std::shared_ptr<const CsvTable>, std::less<>> files_;
};

/// All lookups a rule may use: those the user gave, then those found beside it. Thread-safe once
/// `user` is filled.
class LookupLibrary {
 public:
  LookupTables user;

  struct Found {
    std::shared_ptr<const Lookup> lookup;  ///< null: `problem` says why
    std::string problem;
    std::string hint;
  };

  /// The lookup `name` of a rule at `rule_path` ("" = of no file).
  Found find(std::string_view name, std::string_view rule_path) const;

 private:
  const LookupTables& beside(std::string_view rule_path) const;

  PackFiles<LookupTables> beside_;
};

}  // namespace postern::lang::spl
