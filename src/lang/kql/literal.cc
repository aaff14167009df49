// Literals of KQL as values. Spellings: Kusto documentation, "Scalar data types".
#include "lang/kql/literal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/datetime_text.h"
#include "base/hex_digit.h"
#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

namespace {

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

// ``` and ~~~ strings run over lines and know no escapes.
StringLiteral scan_fenced(std::string_view text, size_t at, std::string_view fence) {
  StringLiteral out;
  out.found = true;
  const size_t close = text.find(fence, at + fence.size());
  if (close == std::string_view::npos) {
    out.error = "a string without an end";
    out.error_at = at;
    out.end = text.size();
    return out;
  }
  out.value = std::string(text.substr(at + fence.size(), close - at - fence.size()));
  out.end = close + fence.size();
  return out;
}

// @"a\b""c": no escapes, the quote is doubled.
StringLiteral scan_verbatim(std::string_view text, size_t at) {
  StringLiteral out;
  out.found = true;
  const char quote = text[at];
  size_t i = at + 1;
  for (; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == quote) {
      if (i + 1 < text.size() && text[i + 1] == quote)
        ++i;
      else
        break;
    }
    out.value.push_back(text[i]);
  }
  out.end = i;
  if (i < text.size() && text[i] == quote) {
    ++out.end;
  } else {
    out.error = "a string without an end";
    out.error_at = at;
  }
  return out;
}

/// Hex digits of \xXX or \uXXXX at `at`; false when there are too few.
bool code_unit(std::string_view text, size_t at, size_t digits, uint32_t& unit) {
  unit = 0;
  for (size_t d = 0; d < digits; ++d) {
    const int h = at + d < text.size() ? hex_digit(text[at + d]) : -1;
    if (h < 0) return false;
    unit = unit * 16 + static_cast<uint32_t>(h);
  }
  return true;
}

/// One escape at text[i] == '\\'; gives the byte behind it, or 0 when it is none.
size_t scan_escape(std::string_view text, size_t i, std::string& value) {
  static constexpr std::string_view kFrom = "\\\"'ntr0abfv";
  static constexpr std::string_view kTo = std::string_view("\\\"'\n\t\r\0\a\b\f\v", 11);
  if (i + 1 >= text.size()) return 0;
  const char c = text[i + 1];
  if (const size_t known = kFrom.find(c); known != std::string_view::npos) {
    value.push_back(kTo[known]);
    return i + 2;
  }
  uint32_t unit = 0;
  const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0 || !code_unit(text, i + 2, digits, unit)) return 0;
  size_t end = i + 2 + digits;
  // A pair of \u escapes may be one character beyond the first plane.
  uint32_t low = 0;
  if (unit >= 0xD800 && unit < 0xDC00 && text.substr(end, 2) == "\\u" &&
      code_unit(text, end + 2, 4, low) && low >= 0xDC00 && low < 0xE000) {
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    end += 6;
  }
  append_utf8(value, unit < 0x110000 && (unit < 0xD800 || unit >= 0xE000) ? unit : U'\uFFFD');
  return end;
}

/// A plain string: backslash escapes, and no line break inside.
StringLiteral scan_quoted(std::string_view text, size_t at) {
  StringLiteral out;
  out.found = true;
  const char quote = text[at];
  size_t i = at + 1;
  while (i < text.size() && text[i] != '\n' && text[i] != quote) {
    if (text[i] != '\\') {
      out.value.push_back(text[i++]);
      continue;
    }
    const size_t behind = scan_escape(text, i, out.value);
    if (behind != 0) {
      i = behind;
      continue;
    }
    if (out.error.empty()) {
      out.error = "not an escape sequence: " + std::string(text.substr(i, 2));
      out.error_at = i;
      out.hint = "write `\\\\` for a backslash, or put @ before the string";
    }
    out.value.push_back('\\');
    ++i;
  }
  out.end = i;
  if (i < text.size() && text[i] == quote) {
    ++out.end;
  } else if (out.error.empty()) {
    out.error = "a string without an end";
    out.error_at = at;
  }
  return out;
}

/// Digits behind 0x, up to 64 bits; the upper half is negative.
std::optional<int64_t> hex_integer(std::string_view digits) {
  uint64_t v = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), v, 16);
  if (digits.empty() || r.ec != std::errc() || r.ptr != digits.data() + digits.size())
    return std::nullopt;
  return static_cast<int64_t>(v);
}

std::optional<int64_t> integer(std::string_view text) {
  if (text.size() > 2 && text[0] == '0' && (text[1] | 32) == 'x')
    return hex_integer(text.substr(2));
  return parse_int(text);
}

std::optional<double> real(std::string_view text) {
  if (equal_ignore_case(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  const bool minus = text.starts_with('-');
  std::string_view magnitude = text;
  if (minus || text.starts_with('+')) magnitude.remove_prefix(1);
  if (equal_ignore_case(magnitude, "inf") || equal_ignore_case(magnitude, "infinity"))
    return minus ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  return parse_real(text);
}

/// timespan(1.02:03:04), time(1d), timespan(null)
std::optional<Value> timespan_value(std::string_view inside) {
  std::optional<int64_t> ticks = parse_timespan(inside);
  // A bare number counts days.
  if (!ticks && parse_real(inside)) ticks = parse_timespan(std::string(inside) + "d");
  return ticks ? std::optional(Value::timespan(*ticks)) : std::nullopt;
}

/// A guid becomes its text with dashes, in lower case: that is what tostring() of it gives.
std::optional<Value> guid_value(std::string_view inside) {
  if (inside.starts_with('{') && inside.ends_with('}'))
    inside = inside.substr(1, inside.size() - 2);
  std::string digits;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
    if (hex_digit(inside[i]) < 0) return std::nullopt;
    digits.push_back(ascii_lower(inside[i]));
  }
  if (digits.size() != 32) return std::nullopt;
  for (const size_t at : {8U, 13U, 18U, 23U})
    digits.insert(at, 1, '-');
  return Value::string(digits);
}

std::optional<Value> bool_value(std::string_view inside) {
  if (equal_ignore_case(inside, "true")) return Value::boolean(true);
  if (equal_ignore_case(inside, "false")) return Value::boolean(false);
  if (const std::optional<int64_t> i = integer(inside)) return Value::boolean(*i != 0);
  return std::nullopt;
}

struct TypeName {
  std::string_view name;
  Type type;
};

constexpr std::array<TypeName, 13> kLiteralTypes = {{{"bool", Type::kBool},
                                                     {"boolean", Type::kBool},
                                                     {"int", Type::kInt},
                                                     {"long", Type::kLong},
                                                     {"real", Type::kReal},
                                                     {"double", Type::kReal},
                                                     {"datetime", Type::kDatetime},
                                                     {"date", Type::kDatetime},
                                                     {"timespan", Type::kTimespan},
                                                     {"time", Type::kTimespan},
                                                     {"guid", Type::kString},
                                                     {"uuid", Type::kString},
                                                     {"uniqueid", Type::kString}}};

}  // namespace

size_t odd_blank(std::string_view s) {
  for (const std::string_view blank :
       {"\xC2\xA0", "\xEF\xBB\xBF", "\xE2\x80\x8B", "\xE3\x80\x80", "\xE2\x80\xAF"})
    if (s.starts_with(blank)) return blank.size();
  return 0;
}

/// All spellings: "a", 'a', @"a", h"a" (obfuscated in logs, the same to us), ```a```, ~~~a~~~.
StringLiteral scan_string(std::string_view text, size_t at) {
  size_t i = at;
  if (text.substr(i, 3) == "```" || text.substr(i, 3) == "~~~")
    return scan_fenced(text, i, text.substr(i, 3));
  // h"…" and H"…" hide the value from logs; the value is the same.
  if (i + 1 < text.size() && (text[i] | 32) == 'h' &&
      (text[i + 1] == '"' || text[i + 1] == '\'' || text[i + 1] == '@' ||
       text.substr(i + 1, 3) == "```" || text.substr(i + 1, 3) == "~~~"))
    ++i;
  if (text.substr(i, 3) == "```" || text.substr(i, 3) == "~~~")
    return scan_fenced(text, i, text.substr(i, 3));
  const bool verbatim = i + 1 < text.size() && text[i] == '@';
  if (verbatim) ++i;
  if (i >= text.size() || (text[i] != '"' && text[i] != '\'')) return {};
  return verbatim ? scan_verbatim(text, i) : scan_quoted(text, i);
}

NumberLiteral scan_number(std::string_view text, size_t at) {
  NumberLiteral out;
  size_t i = at;
  auto digits = [&] {
    while (i < text.size() && ascii_digit(text[i]))
      ++i;
  };
  if (text.substr(at, 2) == "0x" || text.substr(at, 2) == "0X") {
    i = at + 2;
    while (i < text.size() && hex_digit(text[i]) >= 0)
      ++i;
    if (i > at + 2 && (i >= text.size() || !name_char(text[i]))) {
      out.found = true;
      out.end = i;
      const std::optional<int64_t> v = hex_integer(text.substr(at + 2, i - at - 2));
      if (v)
        out.value = Value::integer(*v);
      else
        out.error = "too large for a long";
      return out;
    }
    i = at;
  }
  digits();
  bool is_real = false;
  // `1.` and `1.5` are reals, but `1..5` is a range.
  if (i < text.size() && text[i] == '.' &&
      (i + 1 >= text.size() || (text[i + 1] != '.' && !ascii_alpha(text[i + 1])))) {
    is_real = true;
    ++i;
    digits();
  }
  if (i < text.size() && (text[i] | 32) == 'e') {
    size_t j = i + 1;
    if (j < text.size() && (text[j] == '+' || text[j] == '-')) ++j;
    if (j < text.size() && ascii_digit(text[j])) {
      is_real = true;
      i = j;
      digits();
    }
  }
  const std::string_view number = text.substr(at, i - at);
  size_t suffix_end = i;
  while (suffix_end < text.size() && name_char(text[suffix_end]))
    ++suffix_end;
  const std::string_view suffix = text.substr(i, suffix_end - i);
  const std::string_view plain =
      number.ends_with('.') ? number.substr(0, number.size() - 1) : number;
  if (!suffix.empty()) {
    const std::optional<int64_t> ticks = parse_timespan(std::string(plain) + std::string(suffix));
    if (!ticks) return out;
    out.found = true;
    out.end = suffix_end;
    out.value = Value::timespan(*ticks);
    return out;
  }
  out.found = true;
  out.end = i;
  if (is_real) {
    const std::optional<double> v = parse_real(plain);
    if (v)
      out.value = Value::real(*v);
    else
      out.error = "too large for a real";
  } else {
    const std::optional<int64_t> v = parse_int(number);
    if (v)
      out.value = Value::integer(*v);
    else
      out.error = "too large for a long";
  }
  return out;
}

bool is_literal_type(std::string_view name) {
  if (name == "decimal") return true;
  for (const TypeName& t : kLiteralTypes)
    if (t.name == name) return true;
  return false;
}

std::optional<Value> typed_literal(std::string_view type, std::string_view inside) {
  inside = trim(inside);
  std::string plain;
  for (size_t i = 0; i < inside.size();) {
    const size_t odd = odd_blank(inside.substr(i));
    plain.push_back(odd == 0 ? inside[i] : ' ');
    i += odd == 0 ? 1 : odd;
  }
  inside = trim(plain);
  if (const StringLiteral s = scan_string(inside, 0);
      s.found && s.error.empty() && s.end == inside.size())
    return typed_literal(type, s.value);
  for (const TypeName& t : kLiteralTypes) {
    if (t.name != type) continue;
    if (inside == "null") return t.type == Type::kString ? Value::string("") : Value::null(t.type);
    switch (t.type) {
      case Type::kBool:
        return bool_value(inside);
      case Type::kInt:
      case Type::kLong: {
        const std::optional<int64_t> v = integer(inside);
        if (!v) return std::nullopt;
        const bool fits =
            *v >= std::numeric_limits<int32_t>::min() && *v <= std::numeric_limits<int32_t>::max();
        if (t.type == Type::kInt && !fits) return std::nullopt;
        return Value::integer(*v, t.type);
      }
      case Type::kReal: {
        const std::optional<double> v = real(inside);
        return v ? std::optional(Value::real(*v)) : std::nullopt;
      }
      case Type::kDatetime: {
        const std::optional<int64_t> v = parse_datetime_text(inside);
        return v ? std::optional(Value::datetime(*v)) : std::nullopt;
      }
      case Type::kTimespan:
        return timespan_value(inside);
      default:
        return guid_value(inside);
    }
  }
  return std::nullopt;
}

std::optional<Value> convert_literal(const Value& v, Type to) {
  if (v.type() == to) return v;
  if (to == Type::kDynamic) {
    data::DynamicWriter w;
    if (v.is_null()) return Value::null(to);
    switch (v.type()) {
      case Type::kBool:
        w.boolean(v.as_bool());
        break;
      case Type::kReal:
        w.real(v.as_real());
        break;
      case Type::kString:
        w.string(v.as_bytes());
        break;
      case Type::kDatetime:
        w.datetime(v.as_int());
        break;
      case Type::kTimespan:
        w.timespan(v.as_int());
        break;
      default:
        w.integer(v.as_int());
    }
    return Value::dynamic(w.take());
  }
  if (to == Type::kString) return v.is_null() ? Value::string("") : Value::string(v.text());
  if (v.is_null()) return Value::null(to);
  if (v.type() == Type::kString) {
    static constexpr std::string_view kNames[] = {"",     "bool",     "int",     "long",
                                                  "real", "datetime", "timespan"};
    if (v.as_bytes().empty()) return Value::null(to);
    return typed_literal(kNames[static_cast<size_t>(to)], v.as_bytes());
  }
  if (to == Type::kReal && data::is_numeric(v.type())) return Value::real(v.number());
  if (to == Type::kLong && (v.type() == Type::kInt || v.type() == Type::kBool))
    return Value::integer(v.as_int());
  if (to == Type::kInt && v.type() == Type::kLong &&
      v.as_int() >= std::numeric_limits<int32_t>::min() &&
      v.as_int() <= std::numeric_limits<int32_t>::max())
    return Value::integer(v.as_int(), Type::kInt);
  if (data::is_integer(to) && v.type() == Type::kReal && std::abs(v.as_real()) < 2e9)
    return Value::integer(static_cast<int64_t>(v.as_real()), to);
  if (to == Type::kBool && data::is_integer(v.type())) return Value::boolean(v.as_int() != 0);
  return std::nullopt;
}

}  // namespace postern::lang::kql
