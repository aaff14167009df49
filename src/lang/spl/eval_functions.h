// The functions of `eval` and `where`, by name: how many arguments, what they give, whether we run
// them. Source: Splunk Search Reference, evaluation functions.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::lang::spl {

struct EvalFunction {
  enum class Gives : uint8_t { kValue, kCondition };

  std::string_view name;
  int min_args;
  int max_args;  ///< -1: any number
  Gives gives = Gives::kValue;
  /// Index of an argument that is a regular expression, checked when lowered; -1 none.
  int regex_argument = -1;
};

/// Null when postern does not run a function of that name.
const EvalFunction* eval_function(std::string_view name);
/// True for functions that Splunk has and postern does not.
bool is_refused_eval_function(std::string_view name);
std::vector<std::string_view> eval_function_names();

}  // namespace postern::lang::spl
