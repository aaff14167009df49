// Comparisons and tests of `eval` and `where`: case matters, numbers compare as numbers, null is
// unknown.
#include <functional>

#include "exec/functions/spl_value.h"
#include "match/ip.h"
#include "match/wildcard.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

/// One value with its number found once: constants are read again for every row.
struct Operand {
  std::string text;
  std::optional<SplNumber> number;
};

Operand operand(SplCells& cells, uint32_t row, uint32_t i) {
  return {std::string(cells.text(row, i)), cells.number(row, i)};
}

int compare_operands(std::string_view a_text, const std::optional<SplNumber>& a, const Operand& b) {
  if (a && b.number) return compare(*a, *b.number);
  return a_text.compare(b.text);
}

// A multivalue side holds when any of its values does.
template <class Holds>
Column compare_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  const bool constant = call.args[1].is_constant();
  Operand right;
  if (constant && b.valid(0)) right = operand(b, 0, 0);
  for (const uint32_t row : call.rows) {
    const uint32_t n = a.count(row);
    const uint32_t m = b.count(row);
    if (n == 0 || m == 0) continue;
    bool hit = false;
    for (uint32_t j = 0; j < m && !hit; ++j) {
      if (!constant || m > 1) right = operand(b, row, j);
      for (uint32_t i = 0; i < n && !hit; ++i) {
        const std::optional<SplNumber> number = right.number ? a.number(row, i) : std::nullopt;
        hit = Holds{}(compare_operands(a.text(row, i), number, right), 0);
      }
    }
    out.set(row, hit);
  }
  return out.finish();
}

Column xor_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  for (const uint32_t row : call.rows)
    if (a.valid(row) && b.valid(row))
      out.set(row, (a.text(row) == "true") != (std::string(b.text(row)) == "true"));
  return out.finish();
}

// in(x, a, b, …): equality without wildcards.
Column in_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells a(call.args[0]);
  std::vector<SplCells> list;
  for (size_t i = 1; i < call.args.size(); ++i)
    list.emplace_back(call.args[i]);
  for (const uint32_t row : call.rows) {
    const uint32_t n = a.count(row);
    if (n == 0) continue;
    bool hit = false;
    for (SplCells& candidate : list) {
      const uint32_t m = candidate.count(row);
      for (uint32_t j = 0; j < m && !hit; ++j) {
        const Operand right = operand(candidate, row, j);
        for (uint32_t i = 0; i < n && !hit; ++i)
          hit = compare_operands(a.text(row, i), right.number ? a.number(row, i) : std::nullopt,
                                 right) == 0;
      }
      if (hit) break;
    }
    out.set(row, hit);
  }
  return out.finish();
}

// ---- like
// -----------------------------------------------------------------------------------------

match::Wildcard like_pattern(std::string_view pattern) {
  return match::Wildcard::of_stars(pattern, false, '%', '_');
}

Result<std::shared_ptr<const void>> prepare_like(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  const auto pattern = spl_constant(constants, 1);
  if (!pattern) return std::shared_ptr<const void>();
  return std::shared_ptr<const void>(std::make_shared<match::Wildcard>(like_pattern(*pattern)));
}

Column like_kernel(const KernelCall& call) {
  if (const auto* pattern = static_cast<const match::Wildcard*>(call.state))
    return spl_any_value(call, 0, std::nullopt,
                         [&](std::string_view s) { return pattern->matches(s); });
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  for (const uint32_t row : call.rows)
    if (a.valid(row) && b.valid(row))
      out.set(row, like_pattern(std::string(b.text(row))).matches(a.text(row)));
  return out.finish();
}

// ---- cidrmatch(block, ip)
// --------------------------------------------------------------------------

Result<std::shared_ptr<const void>> prepare_cidr(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  const auto text = spl_constant(constants, 0);
  if (!text) return std::shared_ptr<const void>();
  const auto block = match::Cidr::parse(*text);
  if (!block) return Error{Code::kInvalid, "not a CIDR block: " + *text};
  return std::shared_ptr<const void>(std::make_shared<match::Cidr>(*block));
}

Column cidrmatch_kernel(const KernelCall& call) {
  const auto* fixed = static_cast<const match::Cidr*>(call.state);
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells blocks(call.args[0]);
  SplCells ips(call.args[1]);
  for (const uint32_t row : call.rows) {
    const uint32_t n = ips.count(row);
    if (n == 0 || !blocks.valid(row)) continue;
    std::optional<match::Cidr> block;
    if (!fixed) block = match::Cidr::parse(blocks.text(row));
    bool hit = false;
    for (uint32_t i = 0; i < n && !hit; ++i) {
      const auto ip = match::IpAddress::parse(ips.text(row, i));
      hit = ip && (fixed ? fixed->contains(*ip) : block && block->contains(*ip));
    }
    out.set(row, hit);
  }
  return out.finish();
}

// ---- what a value is
// ------------------------------------------------------------------------------

enum class Is : uint8_t { kNull, kNotNull, kNumber, kInteger, kString, kBool };

template <Is what>
Column is_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    const bool there = cells.valid(row);
    if constexpr (what == Is::kNull)
      out.set(row, !there);
    else if constexpr (what == Is::kNotNull)
      out.set(row, there);
    else if constexpr (what == Is::kBool)
      out.set(row, there && cells.type() == Type::kBool);
    else {
      const auto number = there ? cells.number(row) : std::nullopt;
      if constexpr (what == Is::kNumber)
        out.set(row, number.has_value());
      else if constexpr (what == Is::kInteger)
        out.set(row, number && number->whole);
      else
        out.set(row, there && !number && cells.type() != Type::kBool);
    }
  }
  return out.finish();
}

Column typeof_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    const char* name = "Invalid";
    if (cells.valid(row)) {
      if (cells.type() == Type::kBool)
        name = "Boolean";
      else
        name = cells.number(row) ? "Number" : "String";
    }
    out.set_copy(row, name);
  }
  return out.finish();
}

// A condition out of a value: what if() and case() gave when their branches were conditions.
Column truth_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!cells.valid(row)) continue;
    const std::string_view s = cells.text(row);
    if (s == "true" || s == "1")
      out.set(row, true);
    else if (s == "false" || s == "0")
      out.set(row, false);
  }
  return out.finish();
}

Typing two_bools(const TypeRequest& r) {
  for (const Type t : r.types)
    if (t != Type::kBool && t != Type::kNull) return Typing::wrong("XOR needs conditions");
  return Typing::ok(Type::kBool);
}

}  // namespace

void register_spl_comparisons(plan::FunctionCatalog& c) {
  c.add(spl_function("eq", 2, 2, spl_gives_bool, compare_kernel<std::equal_to<>>,
                     "Equal; case matters.", nullptr, "=="));
  c.add(spl_function("ne", 2, 2, spl_gives_bool, compare_kernel<std::not_equal_to<>>, "Different.",
                     nullptr, "!="));
  c.add(spl_function("lt", 2, 2, spl_gives_bool, compare_kernel<std::less<>>, "Below.", nullptr,
                     "<"));
  c.add(spl_function("le", 2, 2, spl_gives_bool, compare_kernel<std::less_equal<>>,
                     "Equal or below.", nullptr, "<="));
  c.add(spl_function("gt", 2, 2, spl_gives_bool, compare_kernel<std::greater<>>, "Above.", nullptr,
                     ">"));
  c.add(spl_function("ge", 2, 2, spl_gives_bool, compare_kernel<std::greater_equal<>>,
                     "Equal or above.", nullptr, ">="));
  c.add(spl_function("xor", 2, 2, two_bools, xor_kernel, "One condition but not both."));
  c.add(spl_function("in", 2, -1, spl_gives_bool, in_kernel, "Equal to one of the list.", nullptr,
                     "in"));
  c.add(spl_function("like", 2, 2, spl_gives_bool, like_kernel, "Pattern with % and _.",
                     prepare_like, "like"));
  c.add(spl_function("cidrmatch", 2, 2, spl_gives_bool, cidrmatch_kernel,
                     "Address is in the block.", prepare_cidr));
  c.add(
      spl_function("isnull", 1, 1, spl_gives_bool, is_kernel<Is::kNull>, "The field is missing."));
  c.add(spl_function("isnotnull", 1, 1, spl_gives_bool, is_kernel<Is::kNotNull>,
                     "The field is there."));
  c.add(spl_function("isnum", 1, 1, spl_gives_bool, is_kernel<Is::kNumber>,
                     "A number, or text that is one."));
  c.add(spl_function("isint", 1, 1, spl_gives_bool, is_kernel<Is::kInteger>, "A whole number."));
  c.add(spl_function("isstr", 1, 1, spl_gives_bool, is_kernel<Is::kString>,
                     "Text that is no number."));
  c.add(spl_function("isbool", 1, 1, spl_gives_bool, is_kernel<Is::kBool>, "A condition."));
  c.add(spl_function("typeof", 1, 1, spl_gives_string, typeof_kernel,
                     "Number, String, Boolean or Invalid."));
  c.add(spl_function("truth", 1, 1, spl_gives_bool, truth_kernel, "A value used as a condition."));
}

}  // namespace postern::exec
