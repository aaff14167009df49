#include "data/type.h"

#include <iterator>

namespace postern::data {
namespace {

constexpr std::string_view kNames[] = {"null",     "bool",     "int",    "long",   "real",
                                       "datetime", "timespan", "string", "dynamic"};

struct Alias {
  std::string_view name;
  Type type;
};

// The other spellings that Kusto accepts wherever it accepts a type name.
constexpr Alias kAliases[] = {{"double", Type::kReal},
                              {"date", Type::kDatetime},
                              {"time", Type::kTimespan},
                              {"boolean", Type::kBool}};

}  // namespace

std::string_view type_name(Type t) {
  return kNames[static_cast<size_t>(t)];
}

bool type_from_name(std::string_view name, Type& out) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] != name) continue;
    out = static_cast<Type>(i);
    return true;
  }
  for (const Alias& a : kAliases) {
    if (a.name != name) continue;
    out = a.type;
    return true;
  }
  return false;
}

}  // namespace postern::data
