// Registers every function and aggregate of every language. One file per family; an entry there
// adds the function to binding, printing, execution and documentation.
#pragma once
#include "plan/function.h"

namespace postern::exec {

void register_core_functions(
    plan::FunctionCatalog& catalog);  ///< and, or, not, if, ==, basename, … (core.cc)
void register_sigma_functions(plan::FunctionCatalog& catalog);  ///< sigma.* (sigma.cc)
void register_kql_functions(plan::FunctionCatalog& catalog);    ///< kql.* scalars (kql_*.cc)
void register_kql_aggregates(
    plan::FunctionCatalog& catalog);  ///< kql.* aggregates (kql_aggregates.cc)
void register_spl_functions(plan::FunctionCatalog& catalog);  ///< spl.* scalars (spl_*.cc)
void register_spl_aggregates(
    plan::FunctionCatalog& catalog);  ///< spl.* aggregates (spl_aggregates.cc)

/// All of the above.
const plan::FunctionCatalog& all_functions();

}  // namespace postern::exec
