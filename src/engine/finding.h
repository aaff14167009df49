// Findings: what a rule says of some evidence, as sinks and programs see it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/value.h"
#include "plan/catalog.h"
#include "plan/rule.h"

namespace postern::engine {

/// One condition that held, and on which value.
struct Reason {
  std::string field;
  std::string op;
  data::Value value;
};

/// Where a piece of the evidence lies.
struct EvidenceRef {
  std::string table;
  std::string path;
  uint64_t offset = 0;
  uint64_t record = 0;
  friend bool operator==(const EvidenceRef&, const EvidenceRef&) = default;
};

/// Where the rows of one batch come from.
struct RowSource {
  std::string table;
  std::string path;
};

/// Where a row comes from, small: every row that a query keeps has one. It becomes an EvidenceRef
/// only where a finding shows it.
struct RowOrigin {
  uint64_t offset = 0;
  uint64_t record = 0;
  uint32_t source = 0;  ///< index into a list of RowSource
};

struct Window {
  int64_t from = 0;  ///< ticks, inclusive
  int64_t to = 0;    ///< exclusive
};

struct Finding {
  int64_t time =
      0;  ///< event time in ticks; of a query row: of the first event behind it; 0 unknown
  const plan::RuleInfo* rule = nullptr;  ///< lives as long as the RuleSet
  bool degraded = false;                 ///< the rule ran with null columns or coerced comparisons
  std::string host;
  std::string user;
  std::vector<std::pair<std::string, data::Value>> row;
  std::vector<Reason> why;
  std::optional<Window> window;
  std::vector<EvidenceRef> evidence;
};

/// Column of a table that names the machine, or ""; the same names that findings are read by.
std::string host_column(const plan::TableDef& table);

/// What a window's condition asked for, as a person would say it.
std::vector<Reason> window_reasons(const plan::WindowSpec& spec);

/// Where in rows of the same columns `host` and `user` may stand, by the names that the
/// vocabularies use for them, the likeliest first.
class EntityPlaces {
 public:
  EntityPlaces() = default;
  /// `f`: with the columns of the rows.
  explicit EntityPlaces(const Finding& f);

  /// Sets both, to "" where the row has none.
  void name(Finding& f) const;

 private:
  std::vector<size_t> hosts_;
  std::vector<size_t> users_;
};

/// Fills `host` and `user`, where they are empty, from the row.
void name_entities(Finding& f);

/// Total order of findings for output: time, rule, evidence, row. Same for any number of threads.
bool before(const Finding& a, const Finding& b);

}  // namespace postern::engine
