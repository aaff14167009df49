// if, case, coalesce and the like: their branches may differ in type, which Splunk's values never
// mind.
#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

/// Type over the arguments for which `is_value(i, n)` holds.
template <class IsValue>
Typing common(const TypeRequest& r, IsValue&& is_value) {
  std::vector<Type> types;
  for (size_t i = 0; i < r.types.size(); ++i)
    if (is_value(i)) types.push_back(r.types[i]);
  return Typing::ok(spl_common_type(types));
}

bool condition(Type t) {
  return t == Type::kBool || t == Type::kNull;
}

Typing if_typing(const TypeRequest& r) {
  if (!condition(r.types[0])) return Typing::wrong("the first argument of if() is a condition");
  return common(r, [](size_t i) { return i > 0; });
}

Typing case_typing(const TypeRequest& r) {
  for (size_t i = 0; i < r.types.size(); i += 2)
    if (!condition(r.types[i])) return Typing::wrong("case() takes pairs of condition and value");
  return common(r, [](size_t i) { return i % 2 == 1; });
}

Typing coalesce_typing(const TypeRequest& r) {
  return common(r, [](size_t) { return true; });
}

Typing first_typing(const TypeRequest& r) {
  return common(r, [](size_t i) { return i == 0; });
}

std::vector<SplCells> cells_of(const KernelCall& call) {
  std::vector<SplCells> out;
  for (const Column& c : call.args)
    out.emplace_back(c);
  return out;
}

bool holds(SplCells& c, uint32_t row) {
  return c.valid(row) && c.text(row) == "true";
}

Column if_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args = cells_of(call);
  for (const uint32_t row : call.rows)
    spl_copy(args[holds(args[0], row) ? 1 : 2], row, out);
  return out.finish();
}

Column case_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args = cells_of(call);
  for (const uint32_t row : call.rows) {
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
      if (!holds(args[i], row)) continue;
      spl_copy(args[i + 1], row, out);
      break;
    }
  }
  return out.finish();
}

// validate(c1, v1, …): the value of the first condition that is false.
Column validate_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args = cells_of(call);
  for (const uint32_t row : call.rows) {
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
      if (holds(args[i], row)) continue;
      spl_copy(args[i + 1], row, out);
      break;
    }
  }
  return out.finish();
}

Column coalesce_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args = cells_of(call);
  for (const uint32_t row : call.rows) {
    for (SplCells& a : args) {
      if (!a.valid(row)) continue;
      spl_copy(a, row, out);
      break;
    }
  }
  return out.finish();
}

Column nullif_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  std::vector<SplCells> args = cells_of(call);
  for (const uint32_t row : call.rows) {
    if (!args[0].valid(row)) continue;
    bool same = false;
    if (args[1].valid(row)) {
      const auto a = args[0].number(row);
      const auto b = args[1].number(row);
      same = a && b ? compare(*a, *b) == 0 : std::string(args[0].text(row)) == args[1].text(row);
    }
    if (!same) spl_copy(args[0], row, out);
  }
  return out.finish();
}

}  // namespace

void register_spl_choices(plan::FunctionCatalog& c) {
  c.add(spl_function("if", 3, 3, if_typing, if_kernel,
                     "Second argument where the first is true, else the third."));
  c.add(spl_function("case", 2, -1, case_typing, case_kernel,
                     "Value of the first condition that is true."));
  c.add(spl_function("validate", 2, -1, case_typing, validate_kernel,
                     "Value of the first condition that is not true."));
  c.add(spl_function("coalesce", 1, -1, coalesce_typing, coalesce_kernel,
                     "First value that is there."));
  c.add(spl_function("nullif", 2, 2, first_typing, nullif_kernel, "Nothing where both are equal."));
}

}  // namespace postern::exec
