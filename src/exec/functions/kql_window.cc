// Window functions of KQL: their types. The operator that runs them is exec/operators/window.cc.
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

Typing neighbour_typing(const TypeRequest& r) {
  if (r.types.size() > 1 && !data::is_integer(r.types[1]))
    return Typing::wrong("the offset must be a whole number");
  if (r.types.size() > 2 && r.types[2] != r.types[0] && r.types[2] != Type::kNull &&
      !(data::is_numeric(r.types[2]) && data::is_numeric(r.types[0])))
    return Typing::wrong("the default must be a " + std::string(data::type_name(r.types[0])));
  return Typing::ok(r.types[0]);
}

Typing cumsum_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (!data::is_numeric(t) && t != Type::kTimespan)
    return Typing::wrong("argument 1 must be a number, but is " + std::string(data::type_name(t)));
  return Typing::ok(t == Type::kInt ? Type::kLong : t);
}

Typing session_typing(const TypeRequest& r) {
  if (r.types[0] != Type::kDatetime)
    return Typing::wrong("argument 1 must be a datetime, but is " +
                         std::string(data::type_name(r.types[0])));
  return Typing::ok(Type::kDatetime);
}

// Never folded: what they give depends on the other rows.
constexpr Spec kSpecs[] = {
    {"prev", 1, 3, neighbour_typing, nullptr, "The value some rows before.", nullptr, "", false,
     false},
    {"next", 1, 3, neighbour_typing, nullptr, "The value some rows after.", nullptr, "", false,
     false},
    {"row_number", 0, 2, fixed<Type::kLong, kIntegerArg, kBoolArg>, nullptr,
     "Number of the row, beginning again where told.", nullptr, "", false, false},
    {"row_cumsum", 1, 2, cumsum_typing, nullptr, "Sum of the rows so far.", nullptr, "", false,
     false},
    {"row_rank_dense", 1, 2, fixed<Type::kLong, kAnyArg, kBoolArg>, nullptr,
     "Number of the run of equal values.", nullptr, "", false, false},
    {"row_rank_min", 1, 2, fixed<Type::kLong, kAnyArg, kBoolArg>, nullptr,
     "Number of the first row of the run of equal values.", nullptr, "", false, false},
    {"row_window_session", 3, 4, session_typing, nullptr, "Time at which the row's session began.",
     nullptr, "", false, false},
};

}  // namespace

void register_windows(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
