// Sigma's tests of a field's presence, its order as a number, and against another field.
#include <utility>

#include "exec/functions/kernel.h"
#include "exec/functions/sigma.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::Type;
using data::Value;
using plan::FunctionDef;
using plan::KernelCall;

namespace {

// ---- presence
// -------------------------------------------------------------------------------------

bool empty_member(Dynamic d) {
  return d.is_null() || (d.is_string() && d.as_string().empty());
}

// Of a multivalue field one empty member is enough, as for every other test.
bool empty_value(const CellText& text, uint32_t row) {
  const Dynamic d = text.dynamic(row);
  if (!d.is_array()) return empty_member(d);
  for (uint32_t i = 0; i < d.size(); ++i)
    if (empty_member(d.at(i))) return true;
  return d.size() == 0;
}

Column is_null_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  CellText text(call.args[0]);
  for (const uint32_t row : call.rows) {
    bool null = !text.valid(row);
    if (!null && text.type() == Type::kString) null = text[row].empty();
    if (!null && text.type() == Type::kDynamic) null = empty_value(text, row);
    out.set(row, null);
  }
  return out.finish();
}

// A JSON null is there; only what the event lacks does not exist.
Column exists_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  const Column& c = call.args[0];
  for (const uint32_t row : call.rows)
    out.set(row, c.type() != Type::kNull && c.valid(row));
  return out.finish();
}

// ---- order
// ----------------------------------------------------------------------------------------

enum class Order : uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };

template <Order order, class T>
bool ordered(T a, T b) {
  switch (order) {
    case Order::kLess:
      return a < b;
    case Order::kLessEqual:
      return a <= b;
    case Order::kGreater:
      return a > b;
    case Order::kGreaterEqual:
      return a >= b;
  }
  return false;
}

struct Bound {
  bool whole = false;
  int64_t integer = 0;
  double real = 0;
};

using Bounds = std::vector<Bound>;

Result<std::shared_ptr<const void>> prepare_bounds(std::span<const Value* const> constants,
                                                   std::span<const Type>) {
  auto bounds = std::make_shared<Bounds>();
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i] || !data::is_numeric(constants[i]->type()) || constants[i]->is_null())
      return Error{Code::kInvalid, "a Sigma comparison takes numbers"};
    const Value& v = *constants[i];
    bounds->push_back({v.type() != Type::kReal, v.as_int(), v.number()});
  }
  return std::shared_ptr<const void>(bounds);
}

// Whole numbers against whole bounds exactly, all else as doubles.
template <Order order>
bool within(const Bounds& bounds, int64_t n) {
  for (const Bound& b : bounds)
    if (b.whole ? ordered<order>(n, b.integer) : ordered<order>(static_cast<double>(n), b.real))
      return true;
  return false;
}

template <Order order>
bool within(const Bounds& bounds, double n) {
  for (const Bound& b : bounds)
    if (ordered<order>(n, b.real)) return true;
  return false;
}

template <Order order>
Column order_kernel(const KernelCall& call) {
  const auto& bounds = *static_cast<const Bounds*>(call.state);
  const Column& field = call.args[0];
  ColumnBuilder out(Type::kBool, call.num_rows);
  if (data::is_integer(field.type())) {
    const auto v = field.view<int64_t>();
    for (const uint32_t row : call.rows)
      out.set(row, v.valid(row) && within<order>(bounds, v[row]));
    return out.finish();
  }
  if (field.type() == Type::kReal) {
    const auto v = field.view<double>();
    for (const uint32_t row : call.rows)
      out.set(row, v.valid(row) && within<order>(bounds, v[row]));
    return out.finish();
  }
  return test_text(call, field, false, [&](std::string_view s) {
    const std::string_view number = trim(s);
    if (const auto i = parse_int(number)) return within<order>(bounds, *i);
    if (const auto r = parse_real(number)) return within<order>(bounds, *r);
    return false;
  });
}

// ---- another field
// --------------------------------------------------------------------------------

using TextTest = bool (*)(std::string_view, std::string_view);

bool equal_cased(std::string_view a, std::string_view b) {
  return a == b;
}

bool contains_cased(std::string_view a, std::string_view b) {
  return a.find(b) != std::string_view::npos;
}

bool starts_cased(std::string_view a, std::string_view b) {
  return a.substr(0, b.size()) == b;
}

bool ends_cased(std::string_view a, std::string_view b) {
  return a.size() >= b.size() && a.substr(a.size() - b.size()) == b;
}

bool contains_ignoring_case(std::string_view a, std::string_view b) {
  return find_ignore_case(a, b) != std::string_view::npos;
}

/// The texts of a cell: its members, or the one value.
void members(CellText& text, uint32_t row, std::vector<std::string>& out) {
  out.clear();
  if (text.type() == Type::kDynamic && text.dynamic(row).is_array()) {
    const Dynamic array = text.dynamic(row);
    for (uint32_t i = 0; i < array.size(); ++i)
      if (!array.at(i).is_null()) out.push_back(array.at(i).text());
  } else {
    out.emplace_back(text[row]);
  }
}

template <TextTest test>
Column field_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kBool, call.num_rows);
  CellText a(call.args[0]);
  CellText b(call.args[1]);
  const bool multivalue = a.type() == Type::kDynamic || b.type() == Type::kDynamic;
  std::vector<std::string> left;
  std::vector<std::string> right;
  for (const uint32_t row : call.rows) {
    bool hit = false;
    if (a.valid(row) && b.valid(row) && multivalue) {
      members(a, row, left);
      members(b, row, right);
      for (const std::string& x : left)
        for (const std::string& y : right)
          hit = hit || test(x, y);
    } else if (a.valid(row) && b.valid(row)) {
      hit = test(a[row], b[row]);
    }
    out.set(row, hit);
  }
  return out.finish();
}

template <Order order>
void add_order(plan::FunctionCatalog& c, std::string name, std::string symbol, std::string doc) {
  FunctionDef f = sigma_function("sigma." + name, 2, -1, order_kernel<order>, std::move(symbol),
                                 std::move(doc));
  f.prepare = prepare_bounds;
  f.any_of = true;
  f.literals_from = 1;
  c.add(std::move(f));
}

void add_field(plan::FunctionCatalog& c,
               const std::string& name,
               plan::Kernel kernel,
               std::string doc) {
  c.add(sigma_function("sigma." + name, 2, 2, kernel, name, std::move(doc)));
}

}  // namespace

void register_sigma_fields(plan::FunctionCatalog& c) {
  c.add(sigma_function("sigma.is_null", 1, 1, is_null_kernel, "",
                       "The field is missing, null or empty."));
  c.add(sigma_function("sigma.exists", 1, 1, exists_kernel, "",
                       "The event has the field, if only empty."));
  add_order<Order::kLess>(c, "lt", "<",
                          "Less than one of these numbers; false for what is no number.");
  add_order<Order::kLessEqual>(c, "lte",
                               "<=", "At most one of these numbers; false for what is no number.");
  add_order<Order::kGreater>(c, "gt", ">",
                             "Greater than one of these numbers; false for what is no number.");
  add_order<Order::kGreaterEqual>(
      c, "gte", ">=", "At least one of these numbers; false for what is no number.");
  add_field(c, "field_equals", field_kernel<equal_ignore_case>,
            "Both fields hold the same text, ignoring case.");
  add_field(c, "field_contains", field_kernel<contains_ignoring_case>,
            "The field contains the other's text, ignoring case.");
  add_field(c, "field_startswith", field_kernel<starts_with_ignore_case>,
            "The field begins with the other's text, ignoring case.");
  add_field(c, "field_endswith", field_kernel<ends_with_ignore_case>,
            "The field ends with the other's text, ignoring case.");
  add_field(c, "field_equals_cased", field_kernel<equal_cased>, "Both fields hold the same text.");
  add_field(c, "field_contains_cased", field_kernel<contains_cased>,
            "The field contains the other's text.");
  add_field(c, "field_startswith_cased", field_kernel<starts_cased>,
            "The field begins with the other's text.");
  add_field(c, "field_endswith_cased", field_kernel<ends_cased>,
            "The field ends with the other's text.");
}

}  // namespace postern::exec
