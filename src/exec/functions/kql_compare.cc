// Comparisons of KQL: == != < <= > >= and between.
//
// Null: == gives false, != true, against a value; two nulls, and any order with a null,
// give null. A string literal against a number, time or bool is converted to that type; a string
// column compares by text. Source: Kusto documentation; engine answers.
#include <compare>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

enum class Compare : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };

using Order = std::partial_ordering;

constexpr bool is_time(Type t) {
  return t == Type::kDatetime || t == Type::kTimespan;
}

constexpr bool is_numberlike(Type t) {
  return data::is_numeric(t) || t == Type::kBool;
}

// ---- type rules
// -----------------------------------------------------------------------------------

/// "long and string", for messages.
std::string operand_types(const TypeRequest& r) {
  return std::string(data::type_name(r.types[0])) + " and " +
         std::string(data::type_name(r.types[1]));
}

}  // namespace

Typing equality_typing(const TypeRequest& r) {
  const Type a = r.types[0];
  const Type b = r.types[1];
  if (a == Type::kDynamic && b == Type::kDynamic) {
    const bool literal = (r.constants[0] != nullptr) || (r.constants[1] != nullptr);
    if (literal) return Typing::ok(Type::kBool);
    return Typing::coerced(
        Type::kBool,
        "values of types dynamic and dynamic do not compare; cast them, as with tostring()");
  }
  const bool same =
      a == b || a == Type::kNull || b == Type::kNull || a == Type::kDynamic || b == Type::kDynamic;
  const bool numbers = is_numberlike(a) && is_numberlike(b);
  if (same || numbers || a == Type::kString || b == Type::kString) return Typing::ok(Type::kBool);
  return Typing::wrong("values of types " + operand_types(r) + " do not compare");
}

namespace {

/// Strings have no order in KQL; times, numbers and bools have, each among themselves.
Typing order_typing(const TypeRequest& r) {
  const Type a = r.types[0];
  const Type b = r.types[1];
  if (a == Type::kNull || b == Type::kNull) return Typing::ok(Type::kBool);
  if (data::is_numeric(a) && data::is_numeric(b)) return Typing::ok(Type::kBool);
  if (a == b && (is_time(a) || a == Type::kBool)) return Typing::ok(Type::kBool);
  const std::string message = "order is not defined for " + operand_types(r);
  const auto with_dynamic = [](Type x, Type y) {
    return x == Type::kDynamic && data::is_numeric(y);
  };
  if (with_dynamic(a, b) || with_dynamic(b, a)) return Typing::ok(Type::kBool);
  // A date in quotes, a number in quotes, a dynamic that holds one: the meaning is plain.
  const auto convertible = [](Type x, Type y) {
    return (x == Type::kString && (is_time(y) || data::is_numeric(y))) ||
           (x == Type::kDynamic && is_time(y));
  };
  if (convertible(a, b) || convertible(b, a)) return Typing::coerced(Type::kBool, message);
  if (a == Type::kString && b == Type::kString) return Typing::wrong(message + "; use strcmp()");
  return Typing::wrong(message);
}

/// Both bounds must be comparable with the value.
Typing between_typing(const TypeRequest& r) {
  const Type x = r.types[0];
  for (size_t i = 1; i < 3; ++i) {
    const Type y = r.types[i];
    if (x == Type::kDatetime && y == Type::kTimespan && i == 2) continue;
    const Type pair[] = {x, y};
    const Value* constants[] = {r.constants[0], r.constants[i]};
    const Typing t = order_typing({pair, constants});
    if (!t.error.empty()) return t;
  }
  return Typing::ok(Type::kBool);
}

// ---- comparing two cells
// ----------------------------------------------------------------------------

/// How two columns compare; chosen once per call.
enum class Mode : uint8_t { kInts, kNumbers, kText, kDatetimes, kTimespans, kDynamics };

/// A literal in quotes takes the type of the other side; a string column is compared as text, which
/// is what the engine does with the same query.
Mode mode_of(const Arg& a, const Arg& b) {
  const Type s = a.type();
  const Type t = b.type();
  if (s == Type::kDynamic && t == Type::kDynamic) return Mode::kDynamics;
  if (s == Type::kDatetime || t == Type::kDatetime) return Mode::kDatetimes;
  if (s == Type::kTimespan || t == Type::kTimespan) return Mode::kTimespans;
  if (s == Type::kString && t == Type::kString) return Mode::kText;
  if (s == Type::kString || t == Type::kString) {
    const Arg& string = s == Type::kString ? a : b;
    const Arg& other = s == Type::kString ? b : a;
    return string.is_constant() && other.type() != Type::kDynamic ? Mode::kNumbers : Mode::kText;
  }
  return data::is_integer(s) && data::is_integer(t) ? Mode::kInts : Mode::kNumbers;
}

/// A cell as number where it stands against one: strings by what they spell.
std::optional<double> number_of(Arg& a, uint32_t row, Type other) {
  if (a.type() == Type::kString ||
      (a.type() == Type::kDynamic && a.valid(row) && Dynamic(a.raw(row)).is_string())) {
    const std::string_view s = a.text(row);
    if (other == Type::kBool) {
      const std::optional<bool> b = bool_from_text(s);
      return b ? std::optional(*b ? 1.0 : 0.0) : std::nullopt;
    }
    return real_from_text(s);
  }
  return a.number(row);
}

class Comparison {
 public:
  Comparison(Arg& a, Arg& b) : a_(a), b_(b), mode_(mode_of(a, b)) {}

  /// Order of the cells; left_null()/right_null() tell which side had no value when there is none.
  std::optional<Order> operator()(uint32_t row) {
    switch (mode_) {
      case Mode::kInts:
        return of<int64_t>(a_.integer(row), b_.integer(row));
      case Mode::kNumbers:
        return of<double>(number_of(a_, row, b_.type()), number_of(b_, row, a_.type()));
      case Mode::kDatetimes:
        return of<int64_t>(a_.datetime(row), b_.datetime(row));
      case Mode::kTimespans:
        return of<int64_t>(a_.timespan(row), b_.timespan(row));
      case Mode::kText:
        return text(row);
      case Mode::kDynamics:
        return dynamics(row);
    }
    return std::nullopt;
  }

  bool both_null() const { return left_null_ && right_null_; }

 private:
  template <class T>
  std::optional<Order> of(const std::optional<T>& x, const std::optional<T>& y) {
    left_null_ = !x;
    right_null_ = !y;
    if (!x || !y) return std::nullopt;
    return Order(*x <=> *y);
  }

  std::optional<Order> text(uint32_t row) {
    left_null_ = !a_.valid(row);
    right_null_ = !b_.valid(row);
    if (left_null_ || right_null_) return std::nullopt;
    return Order(a_.text(row).compare(b_.text(row)) <=> 0);
  }

  std::optional<Order> dynamics(uint32_t row) {
    const Dynamic x = a_.dynamic(row);
    const Dynamic y = b_.dynamic(row);
    left_null_ = x.is_null();
    right_null_ = y.is_null();
    if (left_null_ || right_null_) return std::nullopt;
    if (x.is_number() && y.is_number()) {
      if (x.kind() == Dynamic::Kind::kLong && y.kind() == Dynamic::Kind::kLong)
        return Order(x.as_long() <=> y.as_long());
      return Order(x.as_real() <=> y.as_real());
    }
    if (x.is_string() && y.is_string()) return Order(x.as_string().compare(y.as_string()) <=> 0);
    return Order(to_json(x).compare(to_json(y)) <=> 0);
  }

  Arg& a_;
  Arg& b_;
  Mode mode_;
  bool left_null_ = false;
  bool right_null_ = false;
};

template <Compare op>
bool holds(Order o) {
  switch (op) {
    case Compare::kEq:
      return o == 0;
    case Compare::kNe:
      return o != 0;
    case Compare::kLt:
      return o < 0;
    case Compare::kLe:
      return o <= 0;
    case Compare::kGt:
      return o > 0;
    case Compare::kGe:
      return o >= 0;
  }
  return false;
}

template <Compare op>
Column compare_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Comparison compare(args[0], args[1]);
    const std::optional<Order> o = compare(row);
    if (o)
      out.set(row, holds<op>(*o));
    else if ((op == Compare::kEq || op == Compare::kNe) && !compare.both_null())
      out.set(row, op == Compare::kNe);
  });
}

template <bool negated>
Column between_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<Order> low = Comparison(args[0], args[1])(row);
    std::optional<Order> high;
    if (args[0].type() == Type::kDatetime && args[2].type() == Type::kTimespan) {
      // `t between (from .. 1d)` means up to from + 1d.
      const std::optional<int64_t> from = args[1].datetime(row);
      const std::optional<int64_t> length = args[2].timespan(row);
      const std::optional<int64_t> t = args[0].datetime(row);
      if (from && length && t) high = Order(*t <=> *from + *length);
    } else {
      high = Comparison(args[0], args[2])(row);
    }
    const bool below = low && *low < 0;
    const bool above = high && *high > 0;
    if (below || above)
      out.set(row, negated);
    else if (low && high)
      out.set(row, (*low >= 0 && *high <= 0) != negated);
  });
}

constexpr Spec kSpecs[] = {
    {"eq", 2, 2, equality_typing, compare_kernel<Compare::kEq>,
     "Equal; null against a value is false.", nullptr, "=="},
    {"ne", 2, 2, equality_typing, compare_kernel<Compare::kNe>,
     "Not equal; null against a value is true.", nullptr, "!="},
    {"lt", 2, 2, order_typing, compare_kernel<Compare::kLt>, "Less; null with null.", nullptr, "<"},
    {"le", 2, 2, order_typing, compare_kernel<Compare::kLe>, "Less or equal; null with null.",
     nullptr, "<="},
    {"gt", 2, 2, order_typing, compare_kernel<Compare::kGt>, "Greater; null with null.", nullptr,
     ">"},
    {"ge", 2, 2, order_typing, compare_kernel<Compare::kGe>, "Greater or equal; null with null.",
     nullptr, ">="},
    {"between", 3, 3, between_typing, between_kernel<false>,
     "Within both bounds, which belong to it."},
    {"not_between", 3, 3, between_typing, between_kernel<true>, "Outside of the bounds."},
};

}  // namespace

void register_comparisons(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
