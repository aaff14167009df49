#include "exec/operators/keyed_query.h"

#include <memory>
#include <string>
#include <utility>

namespace postern::exec {

using plan::Op;
using plan::OpKind;
using plan::OpPtr;

namespace {

/// No query can name it.
const std::string kNumber = "\1row";

plan::ExprPtr number() {
  auto e = std::make_shared<plan::Expr>(*plan::column(kNumber));
  e->type = data::Type::kLong;
  return e;
}

/// Null where it cannot be done.
OpPtr keyed(const Op& op, bool& one_row_each) {
  auto out = std::make_shared<Op>(op);
  std::vector<plan::ColumnInfo>& columns = out->schema.edit();
  columns.insert(columns.begin(), {kNumber, data::Type::kLong});
  if (op.kind == OpKind::kElements) return out;
  if (op.inputs.size() != 1) return nullptr;
  out->inputs[0] = keyed(*op.inputs[0], one_row_each);
  if (!out->inputs[0]) return nullptr;
  switch (op.kind) {
    case OpKind::kProject:
    case OpKind::kExtend:
      return out;
    case OpKind::kFilter:
      // Which rows it took away could not be told from those that had no elements.
      return one_row_each ? nullptr : out;
    case OpKind::kSort:
      if (op.limit || one_row_each) return nullptr;
      out->sort_keys.insert(out->sort_keys.begin(), {number(), false, false, false});
      return out;
    case OpKind::kAggregate:
      if (one_row_each) return nullptr;
      one_row_each = op.keys.empty() && op.row_when_empty;
      out->keys.insert(out->keys.begin(), {kNumber, number(), {}});
      return out;
    default:
      return nullptr;
  }
}

}  // namespace

std::optional<KeyedQuery> keyed_query(const Op& query) {
  KeyedQuery out;
  out.plan = keyed(query, out.one_row_each);
  if (!out.plan) return std::nullopt;
  return out;
}

}  // namespace postern::exec
