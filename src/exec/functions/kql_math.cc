// Mathematical functions of KQL. Source: Kusto documentation; engine answers.
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

using Function = double (*)(double);

double exp10_of(double x) {
  return std::pow(10.0, x);
}

double cot_of(double x) {
  return 1.0 / std::tan(x);
}

double degrees_of(double x) {
  return x * 180.0 / std::numbers::pi;
}

double radians_of(double x) {
  return x * std::numbers::pi / 180.0;
}

/// A real function of one number; outside of its domain it is NaN, as in the engine.
template <Function f>
Column real_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<double> v = args[0].number(row)) out.set(row, f(*v));
  });
}

/// A logarithm: null for negative numbers.
template <Function f>
Column log_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<double> v = args[0].number(row);
    if (v && !(*v < 0)) out.set(row, f(*v));
  });
}

template <double (*f)(double, double)>
Column real2_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<double> a = args[0].number(row);
    const std::optional<double> b = args[1].number(row);
    if (a && b) out.set(row, f(*a, *b));
  });
}

double pow_of(double a, double b) {
  return std::pow(a, b);
}

double atan2_of(double a, double b) {
  return std::atan2(a, b);
}

double sqrt_of(double x) {
  return std::sqrt(x);
}

double exp_of(double x) {
  return std::exp(x);
}

double exp2_of(double x) {
  return std::exp2(x);
}

double log_of(double x) {
  return std::log(x);
}

double log2_of(double x) {
  return std::log2(x);
}

double log10_of(double x) {
  return std::log10(x);
}

double sin_of(double x) {
  return std::sin(x);
}

double cos_of(double x) {
  return std::cos(x);
}

double tan_of(double x) {
  return std::tan(x);
}

double asin_of(double x) {
  return std::asin(x);
}

double acos_of(double x) {
  return std::acos(x);
}

double atan_of(double x) {
  return std::atan(x);
}

Column pi_kernel(const KernelCall& call) {
  return Column::constant(Value::real(std::numbers::pi), call.num_rows);
}

Typing abs_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  if (t == Type::kReal || t == Type::kTimespan) return Typing::ok(t);
  if (t == Type::kDynamic || t == Type::kNull) return Typing::ok(Type::kReal);
  return Typing::wrong("argument 1 must be a number, but is " + std::string(data::type_name(t)));
}

Column abs_kernel(const KernelCall& call) {
  const Type result = call.type;
  return map_rows(call, [result](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (result == Type::kReal) {
      if (const std::optional<double> v = args[0].number(row)) out.set(row, std::fabs(*v));
    } else if (const std::optional<int64_t> v = args[0].integer(row)) {
      out.set(row, *v < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(*v)) : *v);
    }
  });
}

/// round(x[, digits]): halves away from zero.
Column round_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<double> v = args[0].number(row);
    const std::optional<int64_t> digits =
        args.size() > 1 ? args[1].integer(row) : std::optional<int64_t>(0);
    if (!v || !digits) return;
    if (!std::isfinite(*v) || *digits > 300 || *digits < -300) {
      out.set(row, *v);
      return;
    }
    const double scale = std::pow(10.0, static_cast<double>(*digits < 0 ? -*digits : *digits));
    const double scaled = *digits < 0 ? *v / scale : *v * scale;
    if (!std::isfinite(scaled)) {
      out.set(row, *v);
      return;
    }
    // 2.675 * 100 falls just below 267.5; one step up gives what the decimal text says.
    const double nudged =
        std::nextafter(scaled, scaled < 0 ? -std::numeric_limits<double>::infinity()
                                          : std::numeric_limits<double>::infinity());
    const double rounded =
        std::fabs(std::round(nudged) - scaled) <= 0.5 ? std::round(nudged) : std::round(scaled);
    out.set(row, *digits < 0 ? rounded * scale : rounded / scale);
  });
}

Typing round_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (!data::is_numeric(t) && t != Type::kDynamic && t != Type::kNull)
    return Typing::wrong("argument 1 must be a number, but is " + std::string(data::type_name(t)));
  return Typing::ok(Type::kReal);
}

Column ceiling_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<double> v = args[0].number(row)) out.set(row, std::ceil(*v));
  });
}

Column sign_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<double> v = args[0].number(row))
      out.set(row, *v > 0 ? 1.0 : *v < 0 ? -1.0 : 0.0);
  });
}

enum class RealClass : uint8_t { kNan, kInf, kFinite };

template <RealClass wanted>
Column class_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<double> v = args[0].number(row);
    if (!v) return;
    if (wanted == RealClass::kNan) out.set(row, std::isnan(*v));
    if (wanted == RealClass::kInf) out.set(row, std::isinf(*v));
    if (wanted == RealClass::kFinite) out.set(row, std::isfinite(*v));
  });
}

// ---- bits
// -----------------------------------------------------------------------------------------

template <char op>
Column bits_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> a = args[0].integer(row);
    const std::optional<int64_t> b = args[1].integer(row);
    if (!a || !b) return;
    const auto x = static_cast<uint64_t>(*a);
    const auto y = static_cast<uint64_t>(*b);
    // Shifts count modulo 64.
    const auto shift = static_cast<unsigned>(y % 64);
    const uint64_t v = op == '&'   ? x & y
                       : op == '|' ? x | y
                       : op == '^' ? x ^ y
                       : op == '<' ? x << shift
                                   : static_cast<uint64_t>(*a >> shift);
    out.set(row, static_cast<int64_t>(v));
  });
}

Column not_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<int64_t> v = args[0].integer(row)) out.set(row, ~*v);
  });
}

Column count_ones_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<int64_t> v = args[0].integer(row))
      out.set(row, int64_t{std::popcount(static_cast<uint64_t>(*v))});
  });
}

constexpr auto kReal1 = fixed<Type::kReal, kNumberArg>;
constexpr auto kReal2 = fixed<Type::kReal, kNumberArg, kNumberArg>;
constexpr auto kBits = fixed<Type::kLong, kIntegerArg, kIntegerArg>;
constexpr auto kTest = fixed<Type::kBool, kNumberArg>;

constexpr Spec kSpecs[] = {
    {"abs", 1, 1, abs_typing, abs_kernel, "Magnitude."},
    {"acos", 1, 1, kReal1, real_kernel<acos_of>, "Arc cosine."},
    {"asin", 1, 1, kReal1, real_kernel<asin_of>, "Arc sine."},
    {"atan", 1, 1, kReal1, real_kernel<atan_of>, "Arc tangent."},
    {"atan2", 2, 2, kReal2, real2_kernel<atan2_of>, "Angle of a point (y, x)."},
    {"binary_and", 2, 2, kBits, bits_kernel<'&'>, "Bitwise and."},
    {"binary_not", 1, 1, fixed<Type::kLong, kIntegerArg>, not_kernel, "Bitwise negation."},
    {"binary_or", 2, 2, kBits, bits_kernel<'|'>, "Bitwise or."},
    {"binary_shift_left", 2, 2, kBits, bits_kernel<'<'>, "Shift left."},
    {"binary_shift_right", 2, 2, kBits, bits_kernel<'>'>, "Arithmetic shift right."},
    {"binary_xor", 2, 2, kBits, bits_kernel<'^'>, "Bitwise exclusive or."},
    {"bitset_count_ones", 1, 1, fixed<Type::kLong, kIntegerArg>, count_ones_kernel,
     "Number of bits that are set."},
    {"ceiling", 1, 1, kReal1, ceiling_kernel, "Least whole number not below."},
    {"cos", 1, 1, kReal1, real_kernel<cos_of>, "Cosine."},
    {"cot", 1, 1, kReal1, real_kernel<cot_of>, "Cotangent."},
    {"degrees", 1, 1, kReal1, real_kernel<degrees_of>, "Radians as degrees."},
    {"exp", 1, 1, kReal1, real_kernel<exp_of>, "e to the power."},
    {"exp10", 1, 1, kReal1, real_kernel<exp10_of>, "10 to the power."},
    {"exp2", 1, 1, kReal1, real_kernel<exp2_of>, "2 to the power."},
    {"isfinite", 1, 1, kTest, class_kernel<RealClass::kFinite>, "Neither infinite nor NaN."},
    {"isinf", 1, 1, kTest, class_kernel<RealClass::kInf>, "Infinite."},
    {"isnan", 1, 1, kTest, class_kernel<RealClass::kNan>, "Not a number."},
    {"log", 1, 1, kReal1, log_kernel<log_of>, "Natural logarithm."},
    {"log10", 1, 1, kReal1, log_kernel<log10_of>, "Logarithm to base 10."},
    {"log2", 1, 1, kReal1, log_kernel<log2_of>, "Logarithm to base 2."},
    {"pi", 0, 0, fixed<Type::kReal>, pi_kernel, "The number pi."},
    {"pow", 2, 2, kReal2, real2_kernel<pow_of>, "Power."},
    {"radians", 1, 1, kReal1, real_kernel<radians_of>, "Degrees as radians."},
    {"round", 1, 2, round_typing, round_kernel, "Rounds to digits, halves away from zero."},
    {"sign", 1, 1, kReal1, sign_kernel, "-1, 0 or 1."},
    {"sin", 1, 1, kReal1, real_kernel<sin_of>, "Sine."},
    {"sqrt", 1, 1, kReal1, real_kernel<sqrt_of>, "Square root."},
    {"tan", 1, 1, kReal1, real_kernel<tan_of>, "Tangent."},
};

}  // namespace

void register_math(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
