// Findings as people and programs read them: one table, one line of JSON, one row of CSV.
// The JSON keys are a contract (docs/output.md). Tests: tests/unit/output/finding_output_test.cc.
#pragma once
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/finding_store.h"
#include "plan/op.h"

namespace postern::output {

/// One line of `hunt --format jsonl`, without the line end. Absent when unknown: no empty keys.
std::string finding_json(const engine::Finding& f);

/// Header and one row per finding, columns separated by commas (RFC 4180).
void write_csv(std::ostream& out, const engine::FindingList& findings);

struct TableStyle {
  size_t width = 120;  ///< columns of the terminal
  bool colour = false;
};

/// The findings as a table: time, level, host, rule, and what happened in one line. Reads them
/// twice, first to see how wide the columns are.
void write_table(std::ostream& out, const engine::FindingList& findings, const TableStyle& style);

/// Result rows of a query, one after the other: calls what it is given for each. May be asked
/// again.
using Row = std::vector<data::Value>;
using RowSource = std::function<void(const std::function<void(const Row&)>&)>;

/// Rows that are in memory, and stay there.
inline RowSource rows_of(const std::vector<Row>& rows) {
  return [&rows](const std::function<void(const Row&)>& take) {
    for (const Row& row : rows)
      take(row);
  };
}

/// Result rows as a table, JSON lines or CSV; a row has a value for each column of the schema.
void write_rows_table(std::ostream& out,
                      const plan::Schema& schema,
                      const RowSource& rows,
                      const TableStyle& style);
void write_rows_jsonl(std::ostream& out, const plan::Schema& schema, const RowSource& rows);
void write_rows_csv(std::ostream& out, const plan::Schema& schema, const RowSource& rows);

}  // namespace postern::output
