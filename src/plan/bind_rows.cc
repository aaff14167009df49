// Binding of the operators that look at rows beside each other, or inside of one: Window, Apply;
// and getschema, whose rows are the columns.
#include <algorithm>

#include "plan/binder.h"

namespace postern::plan {

using data::Type;
using data::Value;

namespace {

bool named(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view dotnet_name(Type t) {
  switch (t) {
    case Type::kBool:
      return "System.SByte";
    case Type::kInt:
      return "System.Int32";
    case Type::kLong:
      return "System.Int64";
    case Type::kReal:
      return "System.Double";
    case Type::kDatetime:
      return "System.DateTime";
    case Type::kTimespan:
      return "System.TimeSpan";
    case Type::kDynamic:
      return "System.Object";
    default:
      return "System.String";
  }
}

}  // namespace

/// One column behind the input's per call, typed by the function's rule.
OpPtr Binder::bind_window(const Op& op, OpPtr input) {
  auto out = std::make_shared<Op>(op);
  out->schema = input->schema;
  for (AggregateItem& a : out->aggregates) {
    const ExprPtr bound = bind_call(call(a.function, a.args, a.span), input->schema);
    if (!bound) return nullptr;
    a.args = bound->args;
    out->schema.push_back({a.name, bound->type});
  }
  out->inputs = {std::move(input)};
  return out;
}

/// The inner query sees the elements under their names, beside the row's other columns; the output
/// is the row's columns and those that the query adds.
OpPtr Binder::bind_apply(const Op& op) {
  OpPtr rows = bind(op.inputs[0]);
  if (!rows) return nullptr;
  Schema elements;
  for (const ColumnInfo& c : rows->schema)
    if (!named(op.patterns, c.name) && !named(op.item_names, c.name)) elements.push_back(c);
  Schema result = elements;
  for (const std::string& name : op.item_names)
    elements.push_back({name, Type::kDynamic});
  if (!op.index_column.empty()) elements.push_back({op.index_column, Type::kLong});
  elements_.push_back(std::move(elements));
  OpPtr query = bind(op.inputs[1]);
  elements_.pop_back();
  if (!query) return nullptr;
  for (const ColumnInfo& c : query->schema)
    if (!find_column(result, c.name)) result.push_back(c);
  auto out = std::make_shared<Op>(op);
  out->schema = std::move(result);
  out->inputs = {std::move(rows), std::move(query)};
  return out;
}

/// One row per column, under the names that Kusto gives.
OpPtr Binder::bind_schema(const Op& op, const Schema& input) {
  auto out = std::make_shared<Op>();
  out->kind = OpKind::kValues;
  out->span = op.span;
  out->schema = {{"ColumnName", Type::kString},
                 {"ColumnOrdinal", Type::kLong},
                 {"DataType", Type::kString},
                 {"ColumnType", Type::kString}};
  for (size_t i = 0; i < input.size(); ++i)
    out->rows.push_back({Value::string(input[i].name), Value::integer(static_cast<int64_t>(i)),
                         Value::string(std::string(dotnet_name(input[i].type))),
                         Value::string(std::string(type_name(input[i].type)))});
  return out;
}

}  // namespace postern::plan
