// KQL text to syntax tree.
//
// Expressions: precedence climbing, loosest first: or, and, equality (== != in between …), relation
// (< <= > >=), + -, * / %, string operators (has, contains, =~, …), unary minus, path. Chains of
// `and` and `or` become one node however long; everything else may nest 500 deep (`kql-too-deep`).
// After a fault the parser goes on at the next `|` or `;` of the same nesting, so all faults of a
// text are reported. What Kusto has and this reader does not is refused by name
// (`kql-unsupported`). Source: Kusto documentation and the published grammar's precedences. Tests:
// tests/unit/lang/kql.
#pragma once
#include "lang/kql/ast.h"
#include "lang/kql/text_map.h"

namespace postern::lang::kql {

/// Parses a whole text (statements separated by `;`). Look at `diag` for errors; the tree of what
/// could be read is returned all the same.
Ast parse(const TextMap& map, Diagnostics& diag);

}  // namespace postern::lang::kql
