// Conversions and null tests of KQL: tostring(), toint(), …, isnull(), isempty(), coalesce(),
// gettype().
//
// A conversion never fails: what does not fit is null. Strings are never null, only empty. Reals
// are truncated; toint() of a whole number beyond 32 bits keeps its low bits. Source: Kusto
// documentation; engine answers.
#include <cmath>

#include "base/datetime_text.h"
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

/// A string in a dynamic converts like a string, not like a dynamic.
bool is_text_cell(const Arg& a, uint32_t row) {
  return a.type() == Type::kString ||
         (a.type() == Type::kDynamic && Dynamic(a.raw(row)).is_string());
}

/// Strings pass as the column they are.
Column tostring_kernel(const KernelCall& call) {
  if (call.args[0].type() == Type::kString) return call.args[0];
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set_copy(row, args[0].text(row));
  });
}

/// What a cast in C# leaves of a long; documented nowhere, but the engine answers so.
int64_t low_32_bits(int64_t v) {
  return static_cast<int32_t>(static_cast<uint64_t>(v) & 0xFFFFFFFFU);
}

/// Numbers: `to_int` keeps 32 bits of whole numbers and saturates reals.
template <bool to_int>
Column to_integer_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (!a.valid(row)) return;
    std::optional<int64_t> v;
    if (is_text_cell(a, row)) {
      v = to_int ? int_from_text(a.text(row)) : long_from_text(a.text(row));
    } else if (a.type() == Type::kReal ||
               (a.type() == Type::kDynamic && Dynamic(a.raw(row)).kind() == Dynamic::Kind::kReal)) {
      const std::optional<double> d = a.number(row);
      if (d) v = to_int ? int_from_real(*d) : long_from_real(*d);
    } else if (a.number(row)) {
      v = a.integer(row);
      if (v && to_int) v = low_32_bits(*v);
    }
    if (v) out.set(row, *v);
  });
}

/// Texts as they are spelled, times as their ticks.
Column toreal_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (!a.valid(row)) return;
    const std::optional<double> v =
        is_text_cell(a, row) ? real_from_text(a.text(row)) : a.number(row);
    if (v) out.set(row, *v);
  });
}

/// "true" and "false" in any case, and numbers: zero is false.
Column tobool_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (!a.valid(row)) return;
    const std::optional<bool> v =
        is_text_cell(a, row) ? bool_from_text(a.text(row)) : a.boolean(row);
    if (v) out.set(row, *v);
  });
}

/// Text in any of the spellings of a datetime literal.
Column todatetime_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    std::optional<int64_t> v = a.datetime(row);
    // A whole number counts ticks.
    if (!v && a.valid(row) && !is_text_cell(a, row) && a.type() != Type::kBool) v = a.integer(row);
    if (v && *v >= 0 && *v <= kMaxTicks) out.set(row, *v);
  });
}

/// Text in any of the spellings of a timespan literal; a whole number counts ticks.
Column totimespan_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    std::optional<int64_t> v = a.timespan(row);
    if (!v && a.valid(row) && !is_text_cell(a, row) && a.type() != Type::kBool) v = a.integer(row);
    if (v) out.set(row, *v);
  });
}

/// Canonical text of a GUID, "" for what is none.
Column toguid_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string_view s = trim(args[0].text(row));
    if (s.size() >= 2 && s.front() == '{' && s.back() == '}') s = s.substr(1, s.size() - 2);
    std::string digits;
    for (size_t i = 0; i < s.size(); ++i) {
      const char c = ascii_lower(s[i]);
      if (c == '-' && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
      const bool hex_digit = ascii_digit(c) || (c >= 'a' && c <= 'f');
      if (!hex_digit) {
        digits.clear();
        break;
      }
      digits.push_back(c);
    }
    if (digits.size() == 32)
      for (const size_t at : {8U, 13U, 18U, 23U})
        digits.insert(at, 1, '-');
    else
      digits.clear();
    out.set_copy(row, digits);
  });
}

/// tohex(n[, width])
Column tohex_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> v = args[0].integer(row);
    const std::optional<int64_t> width =
        args.size() > 1 ? args[1].integer(row) : std::optional<int64_t>(0);
    if (!v || !width) {
      out.set_copy(row, "");
      return;
    }
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string s;
    auto rest = static_cast<uint64_t>(*v);
    // A negative int has eight digits, not sixteen.
    if (args[0].type() == Type::kInt) rest &= 0xFFFFFFFFU;
    do {
      s.insert(s.begin(), kDigits[rest & 15]);
      rest >>= 4;
    } while (rest != 0);
    if (*width > 0 && *width <= 1024 && s.size() < static_cast<size_t>(*width))
      s.insert(0, static_cast<size_t>(*width) - s.size(), '0');
    out.set_copy(row, s);
  });
}

/// typed(dynamic, "long"): the value where it is of that kind, null where it is not ("5" is no
/// long).
Typing typed_typing(const TypeRequest& r) {
  Type t = Type::kString;
  if (!r.constants[1] || !data::type_from_name(r.constants[1]->as_bytes(), t))
    return Typing::wrong("the type must be written out");
  return Typing::ok(t);
}

/// Behind `to typeof(long)` of mv-expand and the columns of parse: stricter than tolong(), since a
/// string of digits in an array is no number there.
Column typed_kernel(const KernelCall& call) {
  const Type result = call.type;
  return map_rows(call, [result](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (result == Type::kString) {
      out.set_copy(row, a.text(row));
      return;
    }
    if (!a.valid(row)) return;
    const Dynamic d = a.dynamic(row);
    switch (result) {
      case Type::kBool:
        if (d.is_bool()) out.set(row, d.as_bool());
        return;
      case Type::kReal:
        if (d.is_number()) out.set(row, d.as_real());
        return;
      case Type::kDatetime:
        if (const auto t = a.datetime(row)) out.set(row, *t);
        return;
      case Type::kTimespan:
        if (const auto t = a.timespan(row)) out.set(row, *t);
        return;
      case Type::kDynamic:
        set_dynamic(out, row, d);
        return;
      default:
        if (d.kind() == Dynamic::Kind::kReal) {
          const auto v =
              result == Type::kInt ? int_from_real(d.as_real()) : long_from_real(d.as_real());
          if (v) out.set(row, *v);
        } else if (d.is_number() || d.kind() == Dynamic::Kind::kDatetime ||
                   d.kind() == Dynamic::Kind::kTimespan) {
          out.set(row, result == Type::kInt ? low_32_bits(d.as_long()) : d.as_long());
        }
    }
  });
}

// ---- null and empty
// ---------------------------------------------------------------------------------

template <bool negated>
Column isnull_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set(row, args[0].valid(row) == negated);
  });
}

template <bool negated>
Column isempty_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    const bool empty = !a.valid(row) || (is_text_cell(a, row) && a.text(row).empty());
    out.set(row, empty != negated);
  });
}

/// Mixed types are dynamic: each row shows the value it has.
Typing coalesce_typing(const TypeRequest& r) {
  Type t = Type::kNull;
  for (const Type a : r.types)
    t = common_type(t, a);
  return Typing::ok(t == Type::kNull ? Type::kDynamic : t);
}

/// Sets out[row] to a cell of another type, converted as common_type() allows.
void set_converted(ColumnBuilder& out, uint32_t row, Arg& a) {
  if (!a.valid(row)) return;
  switch (out.type()) {
    case Type::kString:
      out.set_copy(row, a.text(row));
      return;
    case Type::kDynamic:
      set_dynamic(out, row, a.dynamic(row));
      return;
    case Type::kReal:
      if (const auto v = a.number(row)) out.set(row, *v);
      return;
    case Type::kBool:
      if (const auto v = a.boolean(row)) out.set(row, *v);
      return;
    default:
      if (const auto v = a.integer(row)) out.set(row, *v);
  }
}

/// The first argument that is not null; of strings the first that is not empty.
Column coalesce_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    for (Arg& a : args) {
      if (!a.valid(row) || (a.type() == Type::kString && a.text(row).empty())) continue;
      set_converted(out, row, a);
      return;
    }
    if (out.type() == Type::kString) out.set_copy(row, "");
  });
}

/// The names that gettype() gives; a bag is a "dictionary", a real a "double".
std::string_view kind_name(Dynamic d) {
  switch (d.kind()) {
    case Dynamic::Kind::kFalse:
    case Dynamic::Kind::kTrue:
      return "bool";
    case Dynamic::Kind::kLong:
      return "long";
    case Dynamic::Kind::kReal:
      return "double";
    case Dynamic::Kind::kString:
      return "string";
    case Dynamic::Kind::kArray:
      return "array";
    case Dynamic::Kind::kObject:
      return "dictionary";
    case Dynamic::Kind::kDatetime:
      return "datetime";
    case Dynamic::Kind::kTimespan:
      return "timespan";
    default:
      return "null";
  }
}

Column gettype_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (args[0].type() == Type::kDynamic)
      out.set_copy(row, kind_name(args[0].dynamic(row)));
    else
      out.set_copy(row, data::type_name(args[0].type()));
  });
}

constexpr Spec kSpecs[] = {
    {"tostring", 1, 1, fixed<Type::kString, kAnyArg>, tostring_kernel,
     "Text of any value; null is empty."},
    {"toint", 1, 1, fixed<Type::kInt, kAnyArg>, to_integer_kernel<true>, "32-bit number, or null."},
    {"tolong", 1, 1, fixed<Type::kLong, kAnyArg>, to_integer_kernel<false>,
     "64-bit number, or null."},
    {"toreal", 1, 1, fixed<Type::kReal, kAnyArg>, toreal_kernel, "Real number, or null."},
    {"tobool", 1, 1, fixed<Type::kBool, kAnyArg>, tobool_kernel, "True or false, or null."},
    {"todatetime", 1, 1, fixed<Type::kDatetime, kAnyArg>, todatetime_kernel,
     "Point in time, or null."},
    {"totimespan", 1, 1, fixed<Type::kTimespan, kAnyArg>, totimespan_kernel,
     "Span of time, or null."},
    {"toguid", 1, 1, fixed<Type::kString, kAnyArg>, toguid_kernel,
     "Canonical text of a GUID, or empty."},
    {"tohex", 1, 2, fixed<Type::kString, kIntegerArg, kIntegerArg>, tohex_kernel,
     "Hexadecimal text of a number."},
    {"typed", 2, 2, typed_typing, typed_kernel, "The value if it is of the type, else null."},
    {"isnull", 1, 1, fixed<Type::kBool, kAnyArg>, isnull_kernel<false>,
     "Null; never so for strings."},
    {"isnotnull", 1, 1, fixed<Type::kBool, kAnyArg>, isnull_kernel<true>,
     "Not null; always so for strings."},
    {"isempty", 1, 1, fixed<Type::kBool, kAnyArg>, isempty_kernel<false>,
     "Null or the empty string."},
    {"isnotempty", 1, 1, fixed<Type::kBool, kAnyArg>, isempty_kernel<true>,
     "Neither null nor the empty string."},
    {"coalesce", 1, -1, coalesce_typing, coalesce_kernel,
     "The first argument that is not null or empty."},
    {"gettype", 1, 1, fixed<Type::kString, kAnyArg>, gettype_kernel, "Name of the value's type."},
};

}  // namespace

void register_conversions(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
