// The types of columns and values, shared by all languages (the scalar types of Kusto, plus lists).
#pragma once
#include <cstdint>
#include <string_view>

namespace postern::data {

/// kInt is a 32-bit Kusto int, kLong a 64-bit one; both are stored as int64. kDatetime and
/// kTimespan are ticks (base/time.h). kDynamic holds any JSON-like value in the encoding of
/// dynamic.h; a multivalue field (SPL, Sigma, Zeek sets) is a dynamic array. kNull is the type of a
/// bare null literal only: a column never has it.
enum class Type : uint8_t {
  kNull,
  kBool,
  kInt,
  kLong,
  kReal,
  kDatetime,
  kTimespan,
  kString,
  kDynamic
};

/// "null", "bool", "int", "long", "real", "datetime", "timespan", "string", "dynamic".
std::string_view type_name(Type t);
/// Inverse of type_name, also "double", "date", "time", "boolean"; false when unknown.
bool type_from_name(std::string_view name, Type& out);

/// How values of a type lie in a column.
enum class Physical : uint8_t { kByte, kInt64, kDouble, kBytes };

constexpr Physical physical(Type t) {
  switch (t) {
    case Type::kBool:
      return Physical::kByte;
    case Type::kReal:
      return Physical::kDouble;
    case Type::kString:
    case Type::kDynamic:
      return Physical::kBytes;
    default:
      return Physical::kInt64;
  }
}

constexpr bool is_integer(Type t) {
  return t == Type::kInt || t == Type::kLong;
}

constexpr bool is_numeric(Type t) {
  return is_integer(t) || t == Type::kReal;
}

}  // namespace postern::data
