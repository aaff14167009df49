// What `inspect` prints: for people, or one JSON object a line.
// Tests: tests/unit/output/inventory_output_test.cc.
#pragma once
#include <ostream>
#include <vector>

#include "engine/visibility.h"
#include "output/finding_output.h"

namespace postern::output {

/// `{"path":…,"format":…,"bytes":…,"tables":[{"table":…,"events":…,"first":…,"last":…,"kinds":[…],
/// "fields":[{"field":…,"fill":…,"examples":[…]}]}],"anomalies":[…]}`
void write_file_json(std::ostream& out, const engine::FileInventory& file);
/// `{"vocabulary":…,"table":…,"from":[…],"events":…,"columns":[…],"empty":[…]}`
void write_fed_json(std::ostream& out, const engine::FedTable& fed);

/// `with_fields`: also a line per field, with its fill rate and examples.
void write_file_text(std::ostream& out,
                     const engine::FileInventory& file,
                     bool with_fields,
                     const TableStyle& style);
/// All files together.
void write_inventory_text(std::ostream& out,
                          const engine::Inventory& all,
                          bool with_fields,
                          const TableStyle& style);
void write_fed_text(std::ostream& out,
                    const std::vector<engine::FedTable>& fed,
                    const plan::Catalog& catalog,
                    bool with_columns,
                    const TableStyle& style);

}  // namespace postern::output
