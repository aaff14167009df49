#include "plan/op.h"

#include <utility>

namespace postern::plan {

const ColumnInfo* find_column(const Schema& s, std::string_view name) {
  for (const ColumnInfo& c : s)
    if (c.name == name) return &c;
  return nullptr;
}

namespace {

std::shared_ptr<Op> make(OpKind kind, Span span, OpPtr input) {
  auto op = std::make_shared<Op>();
  op->kind = kind;
  op->span = span;
  if (input) op->inputs.push_back(std::move(input));
  return op;
}

}  // namespace

OpPtr scan(std::string vocabulary, std::string dataset, Span span) {
  auto op = make(OpKind::kScan, span, nullptr);
  op->vocabulary = std::move(vocabulary);
  op->dataset = std::move(dataset);
  return op;
}

OpPtr filter(OpPtr input, ExprPtr predicate, Span span) {
  auto op = make(OpKind::kFilter, span, std::move(input));
  op->predicate = std::move(predicate);
  return op;
}

OpPtr project(OpPtr input, std::vector<NamedExpr> items, Span span) {
  auto op = make(OpKind::kProject, span, std::move(input));
  op->items = std::move(items);
  return op;
}

OpPtr extend(OpPtr input, std::vector<NamedExpr> items, Span span) {
  auto op = make(OpKind::kExtend, span, std::move(input));
  op->items = std::move(items);
  return op;
}

OpPtr limit(OpPtr input, int64_t n, Span span) {
  auto op = make(OpKind::kLimit, span, std::move(input));
  op->limit = n;
  return op;
}

OpPtr with_inputs(const Op& op, std::vector<OpPtr> inputs) {
  auto copy = std::make_shared<Op>(op);
  copy->inputs = std::move(inputs);
  return copy;
}

void collect_columns(const OpPtr& op, std::set<std::string>& out) {
  collect_columns(op->predicate, out);
  for (const NamedExpr& i : op->items)
    collect_columns(i.expr, out);
  for (const NamedExpr& k : op->keys)
    collect_columns(k.expr, out);
  for (const ExprPtr& k : op->right_keys)
    collect_columns(k, out);
  for (const SortKey& k : op->sort_keys)
    collect_columns(k.expr, out);
  for (const AggregateItem& a : op->aggregates)
    for (const ExprPtr& arg : a.args)
      collect_columns(arg, out);
  if (op->kind == OpKind::kSelect || op->kind == OpKind::kDedup || op->kind == OpKind::kExpand ||
      op->kind == OpKind::kApply)
    for (const std::string& p : op->patterns)
      if (p.find('*') == std::string::npos) out.insert(p);
  if (op->window) out.insert(op->window->carried.begin(), op->window->carried.end());
  for (const OpPtr& input : op->inputs)
    collect_columns(input, out);
}

}  // namespace postern::plan
