// Findings as people and programs read them: one table, one line of JSON, one row of CSV.
// The JSON keys are a contract (docs/output.md). Tests: tests/unit/output/finding_output_test.cc.
#pragma once
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/finding.h"
#include "plan/op.h"

namespace postern::output {

/// One line of `hunt --format jsonl`, without the line end. Absent when unknown: no empty keys.
std::string finding_json(const engine::Finding& f);

/// Header and one row per finding, columns separated by commas (RFC 4180).
void write_csv(std::ostream& out, const std::vector<engine::Finding>& findings);

struct TableStyle {
  size_t width = 120;  ///< columns of the terminal
  bool colour = false;
};

/// The findings as a table: time, level, host, rule, and what happened in one line.
void write_table(std::ostream& out,
                 const std::vector<engine::Finding>& findings,
                 const TableStyle& style);

/// Result rows of a query as a table, JSON lines or CSV.
void write_rows_table(std::ostream& out,
                      const plan::Schema& schema,
                      const std::vector<std::vector<data::Value>>& rows,
                      const TableStyle& style);
void write_rows_jsonl(std::ostream& out,
                      const plan::Schema& schema,
                      const std::vector<std::vector<data::Value>>& rows);
void write_rows_csv(std::ostream& out,
                    const plan::Schema& schema,
                    const std::vector<std::vector<data::Value>>& rows);

}  // namespace postern::output
