#include "lang/kql/names.h"

#include "lang/kql/function_names.h"

namespace postern::lang::kql {

using data::Type;

namespace {

std::string joined(const std::string& base, const std::string& part) {
  return base.empty() ? part : base + "_" + part;
}

/// `d["a b"]` is named after its key: `d_a b`.
std::string index_name(const Expr& e) {
  const Expr& key = *e.children[1];
  if (key.kind != ExprKind::kLiteral || key.value.is_null()) return "";
  return joined(automatic_name(*e.children[0]), key.value.text());
}

/// Calls are named after themselves, or after the column that they are about.
std::string call_name(const Expr& e) {
  const FunctionName f = find_function(e.name);
  const std::string argument = e.children.empty() ? "" : automatic_name(*e.children[0]);
  switch (f.result) {
    case ResultName::kNone:
      return "";
    case ResultName::kFirstArgument:
      return argument;
    case ResultName::kOwnAndArgument:
      return argument.empty() ? "" : e.name + "_" + argument;
    case ResultName::kPrefixed:
      return f.kind == FunctionKind::kAggregate || !argument.empty()
                 ? std::string(f.prefix) + "_" + argument
                 : "";
    case ResultName::kLiteral:
      return !e.children.empty() && e.children[0]->value.type() == Type::kString
                 ? e.children[0]->value.as_bytes()
                 : "";
  }
  return "";
}

}  // namespace

std::string automatic_name(const Expr& e) {
  switch (e.kind) {
    case ExprKind::kName:
      return e.name;
    case ExprKind::kMember:
      return joined(automatic_name(*e.children[0]), e.name);
    case ExprKind::kIndex:
      return index_name(e);
    case ExprKind::kCall:
      return call_name(e);
    default:
      return "";
  }
}

std::string NameSet::unique(const std::string& base) {
  std::string name = base;
  // The number goes on from the last one, so that many equal names cost no search each.
  for (int& number = last_number_[base]; !add(name);)
    name = base + std::to_string(++number);
  return name;
}

std::string NameSet::unnamed() {
  std::string name;
  do
    name = "Column" + std::to_string(++unnamed_);
  while (!add(name));
  return name;
}

}  // namespace postern::lang::kql
