// What a published search gets wrong although it parses and runs: warnings with the place and the
// repair.
//
// `spl-unrecognized-escape`: `"C:\\Program Files \(x86\)\\*"`. Splunk knows `\"`, `\\` and `\|`;
// every other sequence stays as it is (Search Reference, search), so that this value holds a
// backslash before each parenthesis and no path has it. In an exclusion that means nothing is
// excluded. `spl-group-by-nullable`: `stats … by` drops each row in which one of its fields is
// missing; with many fields that nothing else requires, that is most rows. Which fields the
// evidence lacks, the binder says. Tests: tests/unit/lang/spl/lint_test.cc.
#pragma once
#include "lang/spl/ast.h"

namespace postern::lang::spl {

/// Fields grouped by and not otherwise required from which on the warning is given.
inline constexpr size_t kManyGroupFields = 8;

void lint(const Pipeline& p, Diagnostics& diag);

}  // namespace postern::lang::spl
