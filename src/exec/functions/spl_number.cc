// Arithmetic and numeric functions of eval. What is no number, and a division by zero, is null.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

bool number_type(Type t) {
  return data::is_numeric(t) || t == Type::kDatetime || t == Type::kTimespan || t == Type::kNull;
}

bool all_integers(const TypeRequest& r) {
  for (const Type t : r.types)
    if (!data::is_integer(t) && t != Type::kNull) return false;
  return true;
}

// `+` of texts may join them, so that the result is then text (a number's text if both are
// numbers).
Typing add_typing(const TypeRequest& r) {
  for (const Type t : r.types)
    if (!number_type(t)) return Typing::ok(Type::kString);
  return Typing::ok(all_integers(r) ? Type::kLong : Type::kReal);
}

Typing number_typing(const TypeRequest& r) {
  return Typing::ok(all_integers(r) ? Type::kLong : Type::kReal);
}

void set_number(ColumnBuilder& out, uint32_t row, const SplNumber& n) {
  switch (out.type()) {
    case Type::kReal:
      out.set(row, n.real);
      return;
    case Type::kString:
      out.set_copy(row, spl_number_text(n));
      return;
    default:
      if (n.whole)
        out.set(row, n.integer);
      else if (std::fabs(n.real) < 9.2e18)
        out.set(row, static_cast<int64_t>(n.real));
  }
}

std::optional<SplNumber> calculate(char op, const SplNumber& a, const SplNumber& b) {
  if (a.whole && b.whole && op != '/') {
    int64_t result = 0;
    bool overflow = false;
    if (op == '+')
      overflow = __builtin_add_overflow(a.integer, b.integer, &result);
    else if (op == '-')
      overflow = __builtin_sub_overflow(a.integer, b.integer, &result);
    else if (op == '*')
      overflow = __builtin_mul_overflow(a.integer, b.integer, &result);
    else if (b.integer == 0)
      return std::nullopt;
    else
      result = b.integer == -1 ? 0 : a.integer % b.integer;
    if (!overflow) return SplNumber::of(result);
  }
  switch (op) {
    case '+':
      return SplNumber::of(a.real + b.real);
    case '-':
      return SplNumber::of(a.real - b.real);
    case '*':
      return SplNumber::of(a.real * b.real);
    case '/':
      if (b.real == 0) return std::nullopt;
      return SplNumber::of(a.real / b.real);
    default:
      if (b.real == 0) return std::nullopt;
      return SplNumber::of(std::fmod(a.real, b.real));
  }
}

template <char op>
Column arithmetic_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  for (const uint32_t row : call.rows) {
    if (!a.valid(row) || !b.valid(row)) continue;
    const auto x = a.number(row);
    const auto y = b.number(row);
    if (x && y) {
      if (const auto n = calculate(op, *x, *y)) set_number(out, row, *n);
    } else if (op == '+' && !x && !y) {
      std::string joined(a.text(row));
      joined += b.text(row);
      out.set_copy(row, joined);
    }
  }
  return out.finish();
}

// ---- functions of one or two numbers
// ---------------------------------------------------------------

using Unary = std::optional<double> (*)(double);

template <Unary f>
Column unary_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  for (const uint32_t row : call.rows) {
    const auto x = a.valid(row) ? a.number(row) : std::nullopt;
    if (!x) continue;
    if (const auto y = f(x->real); y && std::isfinite(*y)) set_number(out, row, SplNumber::of(*y));
  }
  return out.finish();
}

std::optional<double> do_abs(double x) {
  return std::fabs(x);
}

std::optional<double> do_ceil(double x) {
  return std::ceil(x);
}

std::optional<double> do_floor(double x) {
  return std::floor(x);
}

std::optional<double> do_exact(double x) {
  return x;
}

std::optional<double> do_exp(double x) {
  return std::exp(x);
}

std::optional<double> do_sqrt(double x) {
  return x < 0 ? std::nullopt : std::optional(std::sqrt(x));
}

std::optional<double> do_ln(double x) {
  return x <= 0 ? std::nullopt : std::optional(std::log(x));
}

// log(x[, base]), base 10.
Column log_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  std::vector<SplCells> base;
  if (call.args.size() > 1) base.emplace_back(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto x = a.valid(row) ? a.number(row) : std::nullopt;
    double b = 10;
    if (!base.empty()) {
      const auto given = base[0].valid(row) ? base[0].number(row) : std::nullopt;
      if (!given) continue;
      b = given->real;
    }
    if (!x || x->real <= 0 || b <= 0 || b == 1) continue;
    const double y = b == 10 ? std::log10(x->real) : std::log(x->real) / std::log(b);
    if (std::isfinite(y)) out.set(row, y);
  }
  return out.finish();
}

Column pow_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto x = a.valid(row) ? a.number(row) : std::nullopt;
    const auto y = b.valid(row) ? b.number(row) : std::nullopt;
    if (!x || !y) continue;
    const double z = std::pow(x->real, y->real);
    if (std::isfinite(z)) out.set(row, z);
  }
  return out.finish();
}

double round_to(double x, int digits) {
  if (digits > 15) return x;
  const double scale = std::pow(10.0, digits);
  const double scaled = x * scale;
  if (!std::isfinite(scaled) || std::fabs(scaled) > 9.007e15) return x;
  // 1.005 is stored a hair below: half a unit in the last place is given back before rounding.
  const double nudged = scaled + std::copysign(std::fabs(scaled) * 4.4e-16, scaled);
  return std::round(nudged) / scale;
}

Typing round_typing(const TypeRequest& r) {
  return Typing::ok(r.types.size() == 1 ||
                            all_integers(TypeRequest{r.types.first(1), r.constants.first(1)})
                        ? Type::kLong
                        : Type::kReal);
}

Column round_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  std::vector<SplCells> digits;
  if (call.args.size() > 1) digits.emplace_back(call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto x = a.valid(row) ? a.number(row) : std::nullopt;
    if (!x) continue;
    int places = 0;
    if (!digits.empty()) {
      const auto d = digits[0].valid(row) ? digits[0].number(row) : std::nullopt;
      if (!d) continue;
      places = static_cast<int>(std::clamp(d->real, -15.0, 15.0));
    }
    set_number(out, row, x->whole && places >= 0 ? *x : SplNumber::of(round_to(x->real, places)));
  }
  return out.finish();
}

// ---- sigfig: the digits that the way a number is written vouches for
// ---------------------------------

/// Significant digits of a number's text: "1.00" 3, "1111" 4, "0.0010" 2.
int significant_digits(std::string_view text) {
  std::string digits;
  bool point = false;
  for (const char c : text) {
    if (c == 'e' || c == 'E') break;
    if (c == '.')
      point = true;
    else if (ascii_digit(c))
      digits += c;
  }
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return 1;
  digits.erase(0, first);
  if (!point) {
    // Zeros at the end of a whole number hold its place only.
    const size_t last = digits.find_last_not_of('0');
    return static_cast<int>(last) + 1;
  }
  return static_cast<int>(digits.size());
}

// sigfig(x) of a value that stands as it was written; of a calculated one all digits count.
Column sigfig_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kReal, call.num_rows);
  SplCells a(call.args[0]);
  for (const uint32_t row : call.rows) {
    const auto x = a.valid(row) ? a.number(row) : std::nullopt;
    if (!x) continue;
    const int digits = significant_digits(a.text(row));
    if (x->real == 0) {
      out.set(row, 0.0);
      continue;
    }
    const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(x->real)))) + 1;
    out.set(row, round_to(x->real, digits - magnitude));
  }
  return out.finish();
}

// ---- min, max over arguments: numbers before texts for min, texts before numbers for max
// --------------

Typing extreme_typing(const TypeRequest& r) {
  return Typing::ok(spl_common_type(r.types));
}

template <bool largest>
Column extreme_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args;
  for (const Column& c : call.args)
    args.emplace_back(c);
  for (const uint32_t row : call.rows) {
    int best = -1;
    uint32_t best_value = 0;
    for (size_t i = 0; i < args.size(); ++i) {
      const uint32_t n = args[i].count(row);
      for (uint32_t v = 0; v < n; ++v) {
        bool better = best < 0;
        if (!better) {
          SplCells& held = args[static_cast<size_t>(best)];
          const auto x = args[i].number(row, v);
          const auto y = held.number(row, best_value);
          int c = 0;
          if (x && y)
            c = compare(*x, *y);
          else if (x || y)
            c = x ? -1 : 1;
          else
            c = std::string(args[i].text(row, v)).compare(held.text(row, best_value));
          better = largest ? c > 0 : c < 0;
        }
        if (better) {
          best = static_cast<int>(i);
          best_value = v;
        }
      }
    }
    if (best < 0) continue;
    SplCells& winner = args[static_cast<size_t>(best)];
    if (out.type() == Type::kDynamic)
      spl_set_values(out, row, {std::string(winner.text(row, best_value))});
    else
      spl_copy(winner, row, out);
  }
  return out.finish();
}

// ---- tonumber(x[, base])
// -----------------------------------------------------------------------------

Typing tonumber_typing(const TypeRequest& r) {
  if (r.types.size() > 1 || data::is_integer(r.types[0])) return Typing::ok(Type::kLong);
  return Typing::ok(Type::kReal);
}

std::optional<int64_t> in_base(std::string_view s, int base) {
  s = trim(s);
  const bool negative = !s.empty() && s[0] == '-';
  if (negative) s.remove_prefix(1);
  if (base == 16 && s.size() > 2 && s[0] == '0' && (s[1] | 32) == 'x') s.remove_prefix(2);
  if (s.empty()) return std::nullopt;
  int64_t out = 0;
  for (const char c : s) {
    int digit = 99;
    if (ascii_digit(c))
      digit = c - '0';
    else if (ascii_alpha(c))
      digit = ascii_lower(c) - 'a' + 10;
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(out, static_cast<int64_t>(base), &out) ||
        __builtin_add_overflow(out, static_cast<int64_t>(digit), &out))
      return std::nullopt;
  }
  return negative ? -out : out;
}

Column tonumber_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells a(call.args[0]);
  std::vector<SplCells> base;
  if (call.args.size() > 1) base.emplace_back(call.args[1]);
  for (const uint32_t row : call.rows) {
    if (!a.valid(row)) continue;
    if (base.empty()) {
      std::optional<SplNumber> n = a.number(row);
      if (!n) n = spl_number(trim(std::string(a.text(row))));
      if (n) set_number(out, row, *n);
      continue;
    }
    const auto b = base[0].valid(row) ? base[0].number(row) : std::nullopt;
    if (!b || b->real < 2 || b->real > 36) continue;
    if (const auto n = in_base(a.text(row), static_cast<int>(b->real))) out.set(row, *n);
  }
  return out.finish();
}

Column pi_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kReal, call.num_rows);
  for (const uint32_t row : call.rows)
    out.set(row, std::numbers::pi);
  return out.finish();
}

}  // namespace

void register_spl_numbers(plan::FunctionCatalog& c) {
  c.add(spl_function("add", 2, 2, add_typing, arithmetic_kernel<'+'>, "Sum, or two texts joined.",
                     nullptr, "+"));
  c.add(spl_function("sub", 2, 2, number_typing, arithmetic_kernel<'-'>, "Difference.", nullptr,
                     "-"));
  c.add(spl_function("mul", 2, 2, number_typing, arithmetic_kernel<'*'>, "Product.", nullptr, "*"));
  c.add(spl_function("div", 2, 2, spl_gives_real, arithmetic_kernel<'/'>, "Quotient; null by zero.",
                     nullptr, "/"));
  c.add(spl_function("mod", 2, 2, number_typing, arithmetic_kernel<'%'>, "Remainder; null by zero.",
                     nullptr, "%"));
  c.add(spl_function("abs", 1, 1, number_typing, unary_kernel<do_abs>, "Without its sign."));
  c.add(spl_function("ceil", 1, 1, spl_gives_long, unary_kernel<do_ceil>, "Rounded up."));
  c.add(spl_function("floor", 1, 1, spl_gives_long, unary_kernel<do_floor>, "Rounded down."));
  c.add(spl_function("exact", 1, 1, number_typing, unary_kernel<do_exact>, "The number itself."));
  c.add(spl_function("exp", 1, 1, spl_gives_real, unary_kernel<do_exp>, "e to the power of x."));
  c.add(spl_function("ln", 1, 1, spl_gives_real, unary_kernel<do_ln>, "Natural logarithm."));
  c.add(spl_function("log", 1, 2, spl_gives_real, log_kernel, "Logarithm, base 10 unless given."));
  c.add(spl_function("pi", 0, 0, spl_gives_real, pi_kernel, "3.14159…"));
  c.add(spl_function("pow", 2, 2, spl_gives_real, pow_kernel, "x to the power of y."));
  c.add(spl_function("round", 1, 2, round_typing, round_kernel, "Rounded half away from zero."));
  c.add(spl_function("sigfig", 1, 1, spl_gives_real, sigfig_kernel,
                     "Rounded to the digits it is written with."));
  c.add(spl_function("sqrt", 1, 1, spl_gives_real, unary_kernel<do_sqrt>, "Square root."));
  c.add(spl_function("max", 1, -1, extreme_typing, extreme_kernel<true>,
                     "Largest argument; texts above numbers."));
  c.add(spl_function("min", 1, -1, extreme_typing, extreme_kernel<false>,
                     "Smallest argument; numbers below texts."));
  c.add(spl_function("tonumber", 1, 2, tonumber_typing, tonumber_kernel,
                     "Text as a number, in a base of 2 to 36."));
}

}  // namespace postern::exec
