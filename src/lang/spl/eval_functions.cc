#include "lang/spl/eval_functions.h"

#include <algorithm>
#include <iterator>

namespace postern::lang::spl {
namespace {

constexpr auto kCondition = EvalFunction::Gives::kCondition;
constexpr auto kValue = EvalFunction::Gives::kValue;

constexpr EvalFunction kFunctions[] = {
    {"abs", 1, 1},
    {"case", 2, -1},
    {"ceil", 1, 1},
    {"ceiling", 1, 1},
    {"cidrmatch", 2, 2, kCondition},
    {"coalesce", 1, -1},
    {"exact", 1, 1},
    {"exp", 1, 1},
    {"false", 0, 0, kCondition},
    {"floor", 1, 1},
    {"if", 3, 3},
    {"in", 2, -1, kCondition},
    {"isbool", 1, 1, kCondition},
    {"isint", 1, 1, kCondition},
    {"isnotnull", 1, 1, kCondition},
    {"isnull", 1, 1, kCondition},
    {"isnum", 1, 1, kCondition},
    {"isstr", 1, 1, kCondition},
    {"len", 1, 1},
    {"like", 2, 2, kCondition},
    {"ln", 1, 1},
    {"log", 1, 2},
    {"lower", 1, 1},
    {"ltrim", 1, 2},
    {"match", 2, 2, kCondition, 1},
    {"max", 1, -1},
    {"md5", 1, 1},
    {"min", 1, -1},
    {"mvappend", 1, -1},
    {"mvcount", 1, 1},
    {"mvdedup", 1, 1},
    {"mvfilter", 1, 1},
    {"mvfind", 2, 2, kValue, 1},
    {"mvindex", 2, 3},
    {"mvjoin", 2, 2},
    {"mvmap", 2, 2},
    {"mvrange", 2, 3},
    {"mvreverse", 1, 1},
    {"mvsort", 1, 1},
    {"mvzip", 2, 3},
    {"now", 0, 0},
    {"null", 0, 0},
    {"nullif", 2, 2},
    {"pi", 0, 0},
    {"pow", 2, 2},
    {"printf", 1, -1},
    {"relative_time", 2, 2},
    {"replace", 3, 3, kValue, 1},
    {"round", 1, 2},
    {"rtrim", 1, 2},
    {"sha1", 1, 1},
    {"sha256", 1, 1},
    {"sigfig", 1, 1},
    {"split", 2, 2},
    {"sqrt", 1, 1},
    {"strftime", 2, 2},
    {"strptime", 2, 2},
    {"substr", 2, 3},
    {"time", 0, 0},
    {"tonumber", 1, 2},
    {"tostring", 1, 2},
    {"trim", 1, 2},
    {"true", 0, 0, kCondition},
    {"typeof", 1, 1},
    {"upper", 1, 1},
    {"urldecode", 1, 1},
    {"validate", 2, -1},
};

constexpr std::string_view kRefused[] = {
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bit_and",
    "bit_not",
    "bit_or",
    "bit_shift_left",
    "bit_shift_right",
    "bit_xor",
    "cluster",
    "commands",
    "cos",
    "cosh",
    "getfields",
    "hypot",
    "ipmask",
    "json",
    "json_append",
    "json_array",
    "json_array_to_mv",
    "json_delete",
    "json_entries",
    "json_extend",
    "json_extract",
    "json_extract_exact",
    "json_keys",
    "json_object",
    "json_set",
    "json_set_exact",
    "json_valid",
    "lookup",
    "mv_to_json_array",
    "random",
    "searchmatch",
    "sha512",
    "sin",
    "sinh",
    "spath",
    "tan",
    "tanh",
    "toarray",
    "tobool",
    "todouble",
    "toint",
    "tojson",
    "tomv",
    "toobject",
};

}  // namespace

const EvalFunction* eval_function(std::string_view name) {
  const auto it =
      std::lower_bound(std::begin(kFunctions), std::end(kFunctions), name,
                       [](const EvalFunction& f, std::string_view n) { return f.name < n; });
  return it != std::end(kFunctions) && it->name == name ? it : nullptr;
}

bool is_refused_eval_function(std::string_view name) {
  return std::binary_search(std::begin(kRefused), std::end(kRefused), name);
}

std::vector<std::string_view> eval_function_names() {
  std::vector<std::string_view> out(std::begin(kRefused), std::end(kRefused));
  for (const EvalFunction& f : kFunctions)
    out.push_back(f.name);
  return out;
}

}  // namespace postern::lang::spl
