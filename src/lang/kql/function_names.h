// What a call's name means: which function of the plan stands for it, or that it is refused.
#pragma once
#include <string_view>
#include <vector>

namespace postern::lang::kql {

enum class FunctionKind : uint8_t {
  kScalar,       ///< `plan_name` is the function of the plan
  kAggregate,    ///< `plan_name` is the aggregate of the plan
  kUnsupported,  ///< Kusto has it, this reader does not
  kUnknown       ///< not Kusto's: a function of the user, or a function that gives a table
};

/// How the automatic name of a result column comes from the call.
enum class ResultName : uint8_t {
  kNone,            ///< Column1, print_0
  kFirstArgument,   ///< tostring(x): x
  kOwnAndArgument,  ///< strlen(x): strlen_x
  kPrefixed,        ///< sum(x): sum_x, make_set(x): set_x, sum(x + 1): sum_
  kLiteral,         ///< column_ifexists("x", …): x
};

struct FunctionName {
  FunctionKind kind = FunctionKind::kUnknown;
  std::string_view plan_name;
  ResultName result = ResultName::kNone;
  std::string_view prefix;  ///< kPrefixed
};

/// Functions of the plan that names of scalars and aggregates lead to.
std::vector<std::string_view> supported_functions();

/// By Kusto's name, old spellings included (`makeset`, `todynamic`, `iif`).
FunctionName find_function(std::string_view name);

}  // namespace postern::lang::kql
