// Functions of the catalog's own expressions, and the special forms that all languages share.
//
// Comparisons take null for an unknown: the answer is null. Text functions read any type by its
// text.
#include <charconv>
#include <functional>
#include <unordered_set>

#include "exec/functions/functions.h"
#include "exec/functions/kernel.h"
#include "match/ip.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::FunctionDef;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

Typing gives_bool(const TypeRequest&) {
  return Typing::ok(Type::kBool);
}

Typing gives_string(const TypeRequest&) {
  return Typing::ok(Type::kString);
}

bool logical(Type t) {
  return t == Type::kBool || t == Type::kNull;
}

Typing junction_typing(const TypeRequest& r) {
  for (const Type t : r.types)
    if (!logical(t))
      return Typing::wrong("a condition must be bool, not " + std::string(type_name(t)));
  return Typing::ok(Type::kBool);
}

// The type that can hold both: equal ones, the wider number, else dynamic.
Type common_type(Type a, Type b) {
  if (a == Type::kNull) return b;
  if (b == Type::kNull || a == b) return a;
  if (data::is_integer(a) && data::is_integer(b)) return Type::kLong;
  if (data::is_numeric(a) && data::is_numeric(b)) return Type::kReal;
  return Type::kDynamic;
}

Typing case_typing(const TypeRequest& r) {
  Type t = Type::kNull;
  for (size_t i = 0; i < r.types.size(); ++i) {
    const bool condition = i % 2 == 0 && i + 1 < r.types.size();
    if (condition && !logical(r.types[i]))
      return Typing::wrong("a condition must be bool, not " + std::string(type_name(r.types[i])));
    if (!condition) t = common_type(t, r.types[i]);
  }
  return Typing::ok(t);
}

Typing coalesce_typing(const TypeRequest& r) {
  Type t = Type::kNull;
  for (const Type a : r.types)
    t = common_type(t, a);
  return Typing::ok(t);
}

// ---- comparison ---------------------------------------------------------------------------------

bool ordered_as_int(Type t) {
  return data::physical(t) == data::Physical::kInt64 && t != Type::kNull;
}

enum class Compare : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe };

template <class T>
bool holds(Compare op, const T& a, const T& b) {
  switch (op) {
    case Compare::kEq:
      return a == b;
    case Compare::kNe:
      return !(a == b);
    case Compare::kLt:
      return a < b;
    case Compare::kLe:
      return !(b < a);
    case Compare::kGt:
      return b < a;
    case Compare::kGe:
      return !(a < b);
  }
  return false;
}

double number_at(const Column& c,
                 const data::ColumnView<int64_t>& i,
                 const data::ColumnView<double>& d,
                 uint32_t row) {
  return c.type() == Type::kReal ? d[row] : static_cast<double>(i[row]);
}

template <Compare op>
Column compare_kernel(const KernelCall& call) {
  const Column& a = call.args[0];
  const Column& b = call.args[1];
  ColumnBuilder out(Type::kBool, call.num_rows);
  if (a.type() == Type::kNull || b.type() == Type::kNull) return out.finish();
  if (ordered_as_int(a.type()) && ordered_as_int(b.type())) {
    const auto x = a.view<int64_t>();
    const auto y = b.view<int64_t>();
    for (const uint32_t row : call.rows)
      if (x.valid(row) && y.valid(row)) out.set(row, holds(op, x[row], y[row]));
    return out.finish();
  }
  if (data::is_numeric(a.type()) && data::is_numeric(b.type())) {
    const auto xi = a.view<int64_t>();
    const auto xd = a.view<double>();
    const auto yi = b.view<int64_t>();
    const auto yd = b.view<double>();
    for (const uint32_t row : call.rows)
      if (a.valid(row) && b.valid(row))
        out.set(row, holds(op, number_at(a, xi, xd, row), number_at(b, yi, yd, row)));
    return out.finish();
  }
  CellText x(a);
  CellText y(b);
  for (const uint32_t row : call.rows)
    if (x.valid(row) && y.valid(row)) out.set(row, holds(op, x[row], y[row]));
  return out.finish();
}

// ---- in -----------------------------------------------------------------------------------------

struct TextSet {
  std::unordered_set<std::string> values;
};

Result<std::shared_ptr<const void>> prepare_in(std::span<const Value* const> constants,
                                               std::span<const Type>) {
  auto set = std::make_shared<TextSet>();
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i]) return Error{Code::kInvalid, "`in` takes literals"};
    set->values.insert(constants[i]->text());
  }
  return std::shared_ptr<const void>(set);
}

Column in_kernel(const KernelCall& call) {
  const auto* set = static_cast<const TextSet*>(call.state);
  return test_text(call, call.args[0], std::nullopt,
                   [&](std::string_view s) { return set->values.count(std::string(s)) > 0; });
}

// ---- arithmetic ---------------------------------------------------------------------------------

Typing arithmetic_typing(const TypeRequest& r) {
  const Type t = common_type(r.types[0], r.types[1]);
  if (t == Type::kDynamic || t == Type::kString || t == Type::kBool)
    return Typing::wrong("arithmetic needs numbers");
  return Typing::ok(t);
}

template <char op>
Column arithmetic_kernel(const KernelCall& call) {
  const Column& a = call.args[0];
  const Column& b = call.args[1];
  ColumnBuilder out(call.type, call.num_rows);
  const auto xi = a.view<int64_t>();
  const auto xd = a.view<double>();
  const auto yi = b.view<int64_t>();
  const auto yd = b.view<double>();
  for (const uint32_t row : call.rows) {
    if (a.type() == Type::kNull || b.type() == Type::kNull || !a.valid(row) || !b.valid(row))
      continue;
    if (call.type == Type::kReal) {
      const double x = number_at(a, xi, xd, row);
      const double y = number_at(b, yi, yd, row);
      out.set(row, op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
    } else {
      const auto x = static_cast<uint64_t>(xi[row]);
      const auto y = static_cast<uint64_t>(yi[row]);
      if (op == '/' && (yi[row] == 0 || yi[row] == -1)) {
        if (yi[row] == -1) out.set(row, static_cast<int64_t>(0 - x));
        continue;
      }
      out.set(row, op == '+'   ? static_cast<int64_t>(x + y)
                   : op == '-' ? static_cast<int64_t>(x - y)
                   : op == '*' ? static_cast<int64_t>(x * y)
                               : xi[row] / yi[row]);
    }
  }
  return out.finish();
}

// ---- casts: text that does not fit becomes null
// ---------------------------------------------------

template <Type to>
Typing cast_typing(const TypeRequest&) {
  return Typing::ok(to);
}

void set_cast(ColumnBuilder& out, uint32_t row, std::string_view s, Type to) {
  switch (to) {
    case Type::kBool:
      if (equal_ignore_case(s, "true") || s == "1")
        out.set(row, true);
      else if (equal_ignore_case(s, "false") || s == "0")
        out.set(row, false);
      return;
    case Type::kInt:
    case Type::kLong:
      if (const auto i = parse_int(trim(s)))
        out.set(row, *i);
      else if (const auto r = parse_real(trim(s)); r && *r >= -9.2e18 && *r <= 9.2e18)
        out.set(row, static_cast<int64_t>(*r));
      return;
    case Type::kReal:
      if (const auto r = parse_real(trim(s))) out.set(row, *r);
      return;
    case Type::kDatetime:
      if (const auto t = parse_rfc3339(trim(s))) out.set(row, *t);
      return;
    case Type::kTimespan:
      if (const auto t = parse_timespan(trim(s))) out.set(row, *t);
      return;
    case Type::kDynamic: {
      data::DynamicWriter w;
      w.string(s);
      out.set_copy(row, w.take());
      return;
    }
    default:
      out.set_copy(row, s);
  }
}

Column cast_kernel(const KernelCall& call) {
  const Column& a = call.args[0];
  if (a.type() == call.type) return a;
  ColumnBuilder out(call.type, call.num_rows);
  if (a.type() == Type::kNull) return out.finish();
  const bool ints = ordered_as_int(a.type());
  const auto xi = a.view<int64_t>();
  const auto xd = a.view<double>();
  CellText text(a);
  for (const uint32_t row : call.rows) {
    if (!text.valid(row)) continue;
    if (ints && data::is_integer(call.type))
      out.set(row, xi[row]);
    else if (ints && call.type == Type::kReal)
      out.set(row, static_cast<double>(xi[row]));
    else if (a.type() == Type::kReal && data::is_integer(call.type)) {
      if (xd[row] > -9.2e18 && xd[row] < 9.2e18) out.set(row, static_cast<int64_t>(xd[row]));
    } else
      set_cast(out, row, text[row], call.type);
  }
  return out.finish();
}

// ---- text ---------------------------------------------------------------------------------------

/// A function of one text (and literal texts) to a text; nullopt is null.
template <class F>
Column map_text(const KernelCall& call, F&& f) {
  ColumnBuilder out(Type::kString, call.num_rows);
  if (call.args[0].type() == Type::kNull) return out.finish();
  CellText text(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!text.valid(row)) continue;
    if (const std::optional<std::string_view> s = f(text[row])) out.set_copy(row, *s);
  }
  return out.finish();
}

Column basename_kernel(const KernelCall& call) {
  return map_text(call, [](std::string_view s) -> std::optional<std::string_view> {
    const size_t slash = s.find_last_of("/\\");
    return slash == std::string_view::npos ? s : s.substr(slash + 1);
  });
}

Column dirname_kernel(const KernelCall& call) {
  return map_text(call, [](std::string_view s) -> std::optional<std::string_view> {
    const size_t slash = s.find_last_of("/\\");
    return slash == std::string_view::npos ? std::string_view() : s.substr(0, slash);
  });
}

// "CORP\bob" and "bob@corp.example": the account and its domain.
Column account_name_kernel(const KernelCall& call) {
  return map_text(call, [](std::string_view s) -> std::optional<std::string_view> {
    if (const size_t i = s.find('\\'); i != std::string_view::npos) return s.substr(i + 1);
    return s.substr(0, s.find('@'));
  });
}

Column account_domain_kernel(const KernelCall& call) {
  return map_text(call, [](std::string_view s) -> std::optional<std::string_view> {
    if (const size_t i = s.find('\\'); i != std::string_view::npos) return s.substr(0, i);
    if (const size_t i = s.find('@'); i != std::string_view::npos) return s.substr(i + 1);
    return std::nullopt;
  });
}

Column lower_kernel(const KernelCall& call) {
  std::string buffer;
  return map_text(call, [&](std::string_view s) -> std::optional<std::string_view> {
    buffer = fold(s);
    return buffer;
  });
}

Column upper_kernel(const KernelCall& call) {
  std::string buffer;
  return map_text(call, [&](std::string_view s) -> std::optional<std::string_view> {
    buffer.assign(s);
    for (char& c : buffer)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    return buffer;
  });
}

// hash_part("SHA1=AA,MD5=BB", "MD5") is "BB": Sysmon's Hashes.
Column hash_part_kernel(const KernelCall& call) {
  CellText name(call.args[1]);
  const std::string wanted(name.valid(0) ? name[0] : std::string_view());
  return map_text(call, [&](std::string_view s) -> std::optional<std::string_view> {
    for (const std::string_view part : split(s, ','))
      if (part.size() > wanted.size() && part[wanted.size()] == '=' &&
          equal_ignore_case(part.substr(0, wanted.size()), wanted))
        return part.substr(wanted.size() + 1);
    return std::nullopt;
  });
}

// "0x1fc" is 508: the Security log writes process and session ids so. Decimal text is taken too.
Column hex_to_long_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kLong, call.num_rows);
  if (call.args[0].type() == Type::kNull) return out.finish();
  CellText text(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!text.valid(row)) continue;
    std::string_view s = trim(text[row]);
    const bool hex = s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    if (hex) s.remove_prefix(2);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value, hex ? 16 : 10);
    if (error == std::errc() && end == s.data() + s.size()) out.set(row, value);
  }
  return out.finish();
}

Column none_if_dash_kernel(const KernelCall& call) {
  return map_text(call, [](std::string_view s) -> std::optional<std::string_view> {
    if (s.empty() || s == "-") return std::nullopt;
    return s;
  });
}

Column strcat_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  std::vector<CellText> parts;
  for (const Column& c : call.args)
    parts.emplace_back(c);
  std::string buffer;
  for (const uint32_t row : call.rows) {
    buffer.clear();
    bool valid = true;
    for (CellText& p : parts) {
      valid = valid && p.valid(row);
      if (valid) buffer += p[row];
    }
    if (valid) out.set_copy(row, buffer);
  }
  return out.finish();
}

Column is_null_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  const CellText text(call.args[0]);
  for (const uint32_t row : call.rows)
    out.set(row, !text.valid(row));
  return out.finish();
}

template <bool (*test)(std::string_view, std::string_view)>
Column text_test_kernel(const KernelCall& call) {
  CellText b(call.args[1]);
  if (call.args[1].is_constant()) {
    if (!b.valid(0)) return ColumnBuilder(Type::kBool, call.num_rows).finish();
    const std::string needle(b[0]);
    return test_text(call, call.args[0], std::nullopt,
                     [&](std::string_view s) { return test(s, needle); });
  }
  ColumnBuilder out(Type::kBool, call.num_rows);
  CellText a(call.args[0]);
  for (const uint32_t row : call.rows)
    if (a.valid(row) && b.valid(row)) out.set(row, test(a[row], b[row]));
  return out.finish();
}

bool contains_text(std::string_view s, std::string_view needle) {
  return find_ignore_case(s, needle) != std::string_view::npos;
}

Column ip_is_private_kernel(const KernelCall& call) {
  return test_text(call, call.args[0], std::nullopt, [](std::string_view s) {
    const auto ip = match::IpAddress::parse(s);
    return ip && ip->is_private();
  });
}

Column ip_is_v6_kernel(const KernelCall& call) {
  return test_text(call, call.args[0], std::nullopt, [](std::string_view s) {
    const auto ip = match::IpAddress::parse(s);
    return ip && !ip->v4;
  });
}

FunctionDef function(std::string name,
                     int min_args,
                     int max_args,
                     Typing (*typing)(const TypeRequest&),
                     plan::Kernel kernel,
                     std::string doc,
                     std::string symbol = "") {
  FunctionDef f;
  f.name = std::move(name);
  f.min_args = min_args;
  f.max_args = max_args;
  f.typing = typing;
  f.kernel = kernel;
  f.doc = std::move(doc);
  f.symbol = std::move(symbol);
  return f;
}

}  // namespace

void register_core_functions(plan::FunctionCatalog& c) {
  c.add(function("and", 1, -1, junction_typing, nullptr,
                 "True when all are; false decides over null."));
  c.add(
      function("or", 1, -1, junction_typing, nullptr, "True when one is; true decides over null."));
  c.add(function("not", 1, 1, junction_typing, nullptr, "The opposite; null stays null."));
  c.add(function("if", 3, 3, case_typing, nullptr,
                 "Second argument where the first is true, else the third."));
  c.add(function("case", 2, -1, case_typing, nullptr,
                 "Pairs of condition and value, then the default."));
  c.add(function("coalesce", 1, -1, coalesce_typing, nullptr,
                 "The first argument that is not null."));
  c.add(function("==", 2, 2, gives_bool, compare_kernel<Compare::kEq>, "Equal.", "=="));
  c.add(function("!=", 2, 2, gives_bool, compare_kernel<Compare::kNe>, "Not equal.", "!="));
  c.add(function("<", 2, 2, gives_bool, compare_kernel<Compare::kLt>, "Less.", "<"));
  c.add(function("<=", 2, 2, gives_bool, compare_kernel<Compare::kLe>, "Less or equal.", "<="));
  c.add(function(">", 2, 2, gives_bool, compare_kernel<Compare::kGt>, "Greater.", ">"));
  c.add(function(">=", 2, 2, gives_bool, compare_kernel<Compare::kGe>, "Greater or equal.", ">="));
  FunctionDef in =
      function("in", 2, -1, gives_bool, in_kernel, "Text equals one of the literals.", "in");
  in.prepare = prepare_in;
  in.any_of = true;
  in.literals_from = 1;
  c.add(std::move(in));
  c.add(function("+", 2, 2, arithmetic_typing, arithmetic_kernel<'+'>, "Sum.", "+"));
  c.add(function("-", 2, 2, arithmetic_typing, arithmetic_kernel<'-'>, "Difference.", "-"));
  c.add(function("*", 2, 2, arithmetic_typing, arithmetic_kernel<'*'>, "Product.", "*"));
  c.add(function("/", 2, 2, arithmetic_typing, arithmetic_kernel<'/'>,
                 "Quotient; null by zero for integers.", "/"));
  c.add(function("tobool", 1, 1, cast_typing<Type::kBool>, cast_kernel,
                 "true/false/1/0, else null."));
  c.add(function("toint", 1, 1, cast_typing<Type::kInt>, cast_kernel, "Integer, or null."));
  c.add(function("tolong", 1, 1, cast_typing<Type::kLong>, cast_kernel, "Integer, or null."));
  c.add(function("toreal", 1, 1, cast_typing<Type::kReal>, cast_kernel, "Number, or null."));
  c.add(function("todatetime", 1, 1, cast_typing<Type::kDatetime>, cast_kernel,
                 "RFC 3339 time, or null."));
  c.add(function("totimespan", 1, 1, cast_typing<Type::kTimespan>, cast_kernel,
                 "Timespan, or null."));
  c.add(function("tostring", 1, 1, cast_typing<Type::kString>, cast_kernel, "Text of any value."));
  c.add(function("todynamic", 1, 1, cast_typing<Type::kDynamic>, cast_kernel,
                 "The value as a dynamic string."));
  c.add(function("basename", 1, 1, gives_string, basename_kernel,
                 "After the last slash or backslash."));
  c.add(function("dirname", 1, 1, gives_string, dirname_kernel,
                 "Before the last slash or backslash."));
  c.add(function("account_name", 1, 1, gives_string, account_name_kernel,
                 "bob of CORP\\bob or bob@corp."));
  c.add(
      function("account_domain", 1, 1, gives_string, account_domain_kernel, "CORP of CORP\\bob."));
  c.add(function("lower", 1, 1, gives_string, lower_kernel, "Case-folded text."));
  c.add(function("upper", 1, 1, gives_string, upper_kernel, "ASCII upper case."));
  c.add(function("hash_part", 2, 2, gives_string, hash_part_kernel,
                 "One digest of Sysmon's Hashes."));
  c.add(function("hex_to_long", 1, 1, cast_typing<Type::kLong>, hex_to_long_kernel,
                 "Integer of 0x… or decimal text, or null."));
  c.add(function("none_if_dash", 1, 1, gives_string, none_if_dash_kernel,
                 "Null for \"\" and \"-\"."));
  c.add(function("strcat", 1, -1, gives_string, strcat_kernel,
                 "Texts joined; null when one is null."));
  c.add(function("is_null", 1, 1, gives_bool, is_null_kernel, "True for a missing value."));
  c.add(function("contains", 2, 2, gives_bool, text_test_kernel<contains_text>,
                 "Substring, ignoring case.", "contains"));
  c.add(function("startswith", 2, 2, gives_bool, text_test_kernel<starts_with_ignore_case>,
                 "Prefix, ignoring case.", "startswith"));
  c.add(function("endswith", 2, 2, gives_bool, text_test_kernel<ends_with_ignore_case>,
                 "Suffix, ignoring case.", "endswith"));
  c.add(function("ip_is_private", 1, 1, gives_bool, ip_is_private_kernel,
                 "RFC 1918, loopback, link-local, unique local."));
  c.add(function("ip_is_v6", 1, 1, gives_bool, ip_is_v6_kernel, "An IPv6 address."));
}

const plan::FunctionCatalog& all_functions() {
  static const plan::FunctionCatalog catalog = [] {
    plan::FunctionCatalog c;
    register_core_functions(c);
    register_sigma_functions(c);
    register_kql_functions(c);
    register_kql_aggregates(c);
    register_spl_functions(c);
    register_spl_aggregates(c);
    return c;
  }();
  return catalog;
}

}  // namespace postern::exec
