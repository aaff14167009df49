// Arithmetic of KQL: + - * / % and unary minus, bin and its kin, min_of and max_of.
//
// int with int gives long, which wraps; integer division truncates and is null by zero; % is never
// negative; datetime and timespan count ticks, beyond the years 1 to 9999 is null. bin() floors
// from 0001-01-01, a Monday. Source: Kusto documentation; engine answers.
#include <cmath>
#include <limits>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

constexpr bool number_or_dynamic(Type t) {
  return data::is_numeric(t) || t == Type::kDynamic || t == Type::kNull;
}

/// Result of number op number; a dynamic operand counts as real.
Type number_type(Type a, Type b) {
  return data::is_integer(a) && data::is_integer(b) ? Type::kLong : Type::kReal;
}

std::string not_defined(char op, const TypeRequest& r) {
  return std::string("`") + op + "` is not defined for " +
         std::string(data::type_name(r.types[0])) + " and " +
         std::string(data::type_name(r.types[1]));
}

/// Both are numbers. One dynamic operand passes for a real; two are refused, as the engine does.
bool numbers(const TypeRequest& r) {
  const bool both_dynamic = r.types[0] == Type::kDynamic && r.types[1] == Type::kDynamic;
  return !both_dynamic && number_or_dynamic(r.types[0]) && number_or_dynamic(r.types[1]);
}

/// Times add to times and points in time; strings have no `+` in KQL, which beginners miss.
Typing add_typing(const TypeRequest& r) {
  const Type a = r.types[0];
  const Type b = r.types[1];
  if (numbers(r)) return Typing::ok(number_type(a, b));
  if (a == Type::kTimespan && b == Type::kTimespan) return Typing::ok(Type::kTimespan);
  if ((a == Type::kDatetime && b == Type::kTimespan) ||
      (a == Type::kTimespan && b == Type::kDatetime))
    return Typing::ok(Type::kDatetime);
  const bool texts = a == Type::kString || b == Type::kString;
  return Typing::wrong(not_defined('+', r) + (texts ? "; join strings with strcat()" : ""));
}

/// Two points in time give the span between them.
Typing sub_typing(const TypeRequest& r) {
  const Type a = r.types[0];
  const Type b = r.types[1];
  if (numbers(r)) return Typing::ok(number_type(a, b));
  if (a == b && (a == Type::kTimespan || a == Type::kDatetime)) return Typing::ok(Type::kTimespan);
  if (a == Type::kDatetime && b == Type::kTimespan) return Typing::ok(Type::kDatetime);
  return Typing::wrong(not_defined('-', r));
}

/// A span may be scaled by a number from either side.
Typing mul_typing(const TypeRequest& r) {
  if (numbers(r)) return Typing::ok(number_type(r.types[0], r.types[1]));
  const bool scaled = (r.types[0] == Type::kTimespan && number_or_dynamic(r.types[1])) ||
                      (r.types[1] == Type::kTimespan && number_or_dynamic(r.types[0]));
  return scaled ? Typing::ok(Type::kTimespan) : Typing::wrong(not_defined('*', r));
}

Typing div_typing(const TypeRequest& r) {
  if (numbers(r)) return Typing::ok(number_type(r.types[0], r.types[1]));
  if (r.types[0] == Type::kTimespan && r.types[1] == Type::kTimespan)
    return Typing::ok(Type::kReal);
  if (r.types[0] == Type::kTimespan && number_or_dynamic(r.types[1]))
    return Typing::ok(Type::kTimespan);
  return Typing::wrong(not_defined('/', r));
}

Typing mod_typing(const TypeRequest& r) {
  if (numbers(r)) return Typing::ok(number_type(r.types[0], r.types[1]));
  if (r.types[0] == Type::kTimespan && r.types[1] == Type::kTimespan)
    return Typing::ok(Type::kTimespan);
  return Typing::wrong(not_defined('%', r));
}

/// Minus an int is a long, as every arithmetic of ints.
Typing neg_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  if (t == Type::kReal || t == Type::kTimespan) return Typing::ok(t);
  return Typing::wrong("`-` is not defined for " + std::string(data::type_name(t)));
}

// ---- two operands -------------------------------------------------------------------------------

int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

int64_t wrap_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

int64_t wrap_mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// The remainder has no sign, whatever the operands have. -1 apart: the least long % -1 would trap.
int64_t modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t m = a % b;
  if (m >= 0) return m;
  return b < 0 ? wrap_sub(m, b) : m + b;
}

double modulo(double a, double b) {
  const double m = std::fmod(a, b);
  return m < 0 ? m + std::fabs(b) : m;
}

/// Whole numbers wrap at 64 bits, in the engine as here; only a division by zero has no result.
std::optional<int64_t> whole(char op, int64_t a, int64_t b) {
  switch (op) {
    case '+':
      return wrap_add(a, b);
    case '-':
      return wrap_sub(a, b);
    case '*':
      return wrap_mul(a, b);
    case '/':
      if (b == 0) return std::nullopt;
      return b == -1 ? wrap_sub(0, a) : a / b;
    default:
      if (b == 0) return std::nullopt;
      return modulo(a, b);
  }
}

/// Reals follow IEEE 754: by zero is infinite or NaN, never null.
double real(char op, double a, double b) {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return modulo(a, b);
  }
}

/// A point in time beyond the calendar is null.
void set_datetime(ColumnBuilder& out, uint32_t row, int64_t ticks) {
  if (ticks >= 0 && ticks <= kMaxTicks) out.set(row, ticks);
}

/// Spans multiplied or divided by whole numbers stay exact; by reals they are rounded to the tick,
/// since a double cannot hold the ticks of more than 28 years.
template <char op>
Column arithmetic_kernel(const KernelCall& call) {
  const Type result = call.type;
  return map_rows(call, [result](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const bool times = args[0].type() == Type::kTimespan || args[1].type() == Type::kTimespan;
    if (result == Type::kReal || (times && result == Type::kTimespan && (op == '*' || op == '/'))) {
      const std::optional<double> a = args[0].number(row);
      const std::optional<double> b = args[1].number(row);
      if (!a || !b) return;
      const bool exact = result == Type::kTimespan &&
                         data::physical(args[0].type()) == data::Physical::kInt64 &&
                         data::physical(args[1].type()) == data::Physical::kInt64;
      if (exact) {
        if (const auto v = whole(op, args[0].ints(row), args[1].ints(row))) out.set(row, *v);
      } else if (result == Type::kTimespan) {
        if (const auto v = long_from_real(std::round(real(op, *a, *b)))) out.set(row, *v);
      } else {
        out.set(row, real(op, *a, *b));
      }
      return;
    }
    const std::optional<int64_t> a = args[0].integer(row);
    const std::optional<int64_t> b = args[1].integer(row);
    if (!a || !b) return;
    if (const std::optional<int64_t> v = whole(op, *a, *b)) {
      if (result == Type::kDatetime)
        set_datetime(out, row, *v);
      else
        out.set(row, *v);
    }
  });
}

Column neg_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!args[0].valid(row)) return;
    if (args[0].type() == Type::kReal)
      out.set(row, -args[0].reals(row));
    else
      out.set(row, wrap_sub(0, args[0].ints(row)));
  });
}

// ---- bin ----------------------------------------------------------------------------------------

/// Value and size must be of one kind: numbers, or a time and a span. A bare number for a size
/// counts ticks.
Typing bin_typing(const TypeRequest& r) {
  const Type x = r.types[0];
  const Type size = r.types[1];
  const bool number = number_or_dynamic(size);
  if (number_or_dynamic(x) && number) return Typing::ok(number_type(x, size));
  if (x == Type::kDatetime && size == Type::kTimespan) return Typing::ok(Type::kDatetime);
  if (x == Type::kTimespan && size == Type::kTimespan) return Typing::ok(Type::kTimespan);
  if (x == Type::kDatetime && data::is_integer(size)) return Typing::ok(Type::kDatetime);
  return Typing::wrong("bin() is not defined for " + std::string(data::type_name(x)) + " by " +
                       std::string(data::type_name(size)));
}

Typing bin_at_typing(const TypeRequest& r) {
  const Type pair[] = {r.types[0], r.types[1]};
  const Value* constants[] = {r.constants[0], r.constants[1]};
  const Typing t = bin_typing({pair, constants});
  if (!t.error.empty()) return t;
  if (data::is_numeric(t.type) && r.types[2] == Type::kReal) return Typing::ok(Type::kReal);
  return t;
}

/// The bin that `v` lies in, below zero too: bin(-1, 5) is -5.
int64_t floor_to(int64_t v, int64_t size, int64_t origin) {
  // The remainder first, so that nothing overflows on the way.
  const int64_t distance = wrap_sub(v, origin);
  return wrap_sub(v, modulo(distance, size));
}

/// bin(value, size[, origin])
Column bin_kernel(const KernelCall& call) {
  const Type result = call.type;
  return map_rows(call, [result](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const bool has_origin = args.size() > 2;
    if (result == Type::kReal) {
      const std::optional<double> v = args[0].number(row);
      const std::optional<double> size = args[1].number(row);
      const std::optional<double> origin =
          has_origin ? args[2].number(row) : std::optional<double>(0);
      if (v && size && origin && *size > 0)
        out.set(row, *origin + std::floor((*v - *origin) / *size) * *size);
      return;
    }
    const std::optional<int64_t> v = args[0].integer(row);
    const std::optional<int64_t> size = args[1].integer(row);
    const std::optional<int64_t> origin =
        has_origin ? args[2].integer(row) : std::optional<int64_t>(0);
    if (!v || !size || !origin || *size <= 0) return;
    const int64_t binned = floor_to(*v, *size, *origin);
    if (result == Type::kDatetime)
      set_datetime(out, row, binned);
    else
      out.set(row, binned);
  });
}

// ---- min_of, max_of
// -------------------------------------------------------------------------------

/// Numbers widen to a common type; all else must be of one type already.
Typing extreme_typing(const TypeRequest& r) {
  Type t = Type::kNull;
  for (const Type a : r.types)
    t = common_type(t, a);
  if (t == Type::kDynamic || t == Type::kBool)
    return Typing::wrong("the arguments must be of one type that has an order");
  return Typing::ok(t);
}

/// The least (or greatest) argument that is not null; NaN wins over every number.
template <bool least>
Column extreme_kernel(const KernelCall& call) {
  const Type result = call.type;
  return map_rows(call, [result](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (result == Type::kString) {
      std::string best(args[0].text(row));
      for (size_t i = 1; i < args.size(); ++i) {
        const std::string_view s = args[i].text(row);
        if (least ? s < best : s > best) best = std::string(s);
      }
      out.set_copy(row, best);
      return;
    }
    std::optional<double> real_best;
    std::optional<int64_t> whole_best;
    for (Arg& a : args) {
      if (result == Type::kReal) {
        const std::optional<double> v = a.number(row);
        if (!v) continue;
        const bool better =
            !real_best || std::isnan(*v) || (least ? *v < *real_best : *v > *real_best);
        if (better && !(real_best && std::isnan(*real_best))) real_best = v;
      } else if (const std::optional<int64_t> v = a.integer(row)) {
        if (!whole_best || (least ? *v < *whole_best : *v > *whole_best)) whole_best = v;
      }
    }
    if (real_best) out.set(row, *real_best);
    if (whole_best) out.set(row, *whole_best);
  });
}

constexpr Spec kSpecs[] = {
    {"add", 2, 2, add_typing, arithmetic_kernel<'+'>, "Sum.", nullptr, "+"},
    {"sub", 2, 2, sub_typing, arithmetic_kernel<'-'>, "Difference.", nullptr, "-"},
    {"mul", 2, 2, mul_typing, arithmetic_kernel<'*'>, "Product.", nullptr, "*"},
    {"div", 2, 2, div_typing, arithmetic_kernel<'/'>, "Quotient; null by zero for integers.",
     nullptr, "/"},
    {"mod", 2, 2, mod_typing, arithmetic_kernel<'%'>, "Remainder, never negative.", nullptr, "%"},
    {"neg", 1, 1, neg_typing, neg_kernel, "The opposite number."},
    {"bin", 2, 2, bin_typing, bin_kernel, "Rounds down to a multiple of a size."},
    {"bin_at", 3, 3, bin_at_typing, bin_kernel,
     "Rounds down to a bin that begins at a fixed point."},
    {"min_of", 2, -1, extreme_typing, extreme_kernel<true>, "The least argument, nulls apart."},
    {"max_of", 2, -1, extreme_typing, extreme_kernel<false>, "The greatest argument, nulls apart."},
};

}  // namespace

void register_arithmetic(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
