// One scalar of any type: literals in plans, constants of parameters, cells of finished rows.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "data/type.h"

namespace postern::data {

/// A typed scalar that owns its bytes. Null when `is_null()`; a typed null keeps its type.
class Value {
 public:
  Value() = default;  ///< null of type kNull

  static Value null(Type t) {
    Value v;
    v.type_ = t;
    return v;
  }

  static Value boolean(bool b) { return Value(Type::kBool, b ? 1 : 0); }

  static Value integer(int64_t i, Type t = Type::kLong) { return Value(t, i); }

  static Value real(double d);

  static Value datetime(int64_t ticks) { return Value(Type::kDatetime, ticks); }

  static Value timespan(int64_t ticks) { return Value(Type::kTimespan, ticks); }

  static Value string(std::string s) { return Value(Type::kString, std::move(s)); }

  /// `encoded` as in dynamic.h.
  static Value dynamic(std::string encoded) { return Value(Type::kDynamic, std::move(encoded)); }

  Type type() const { return type_; }

  bool is_null() const { return null_; }

  bool as_bool() const { return int_ != 0; }

  int64_t as_int() const { return int_; }  ///< bool, int, long, datetime, timespan

  double as_real() const { return real_; }

  const std::string& as_bytes() const { return bytes_; }  ///< string, or encoded dynamic

  /// Number as double whatever its type; 0 for the rest.
  double number() const { return type_ == Type::kReal ? real_ : static_cast<double>(int_); }

  /// Plain text: a string as is, datetime as RFC 3339, a dynamic scalar as its text, arrays and
  /// objects as JSON, null as "".
  std::string text() const;
  /// As JSON: null, true, 12, "…", RFC 3339 string; a dynamic as itself.
  std::string json() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  Value(Type t, int64_t i) : type_(t), null_(false), int_(i) {}

  Value(Type t, std::string s) : type_(t), null_(false), bytes_(std::move(s)) {}

  Type type_ = Type::kNull;
  bool null_ = true;
  int64_t int_ = 0;
  double real_ = 0;
  std::string bytes_;
};

/// `"` + JSON-escaped text + `"`; malformed UTF-8 is replaced by U+FFFD.
std::string json_string(std::string_view text);
/// The same, appended to `out`.
void append_json_string(std::string& out, std::string_view text);

}  // namespace postern::data
