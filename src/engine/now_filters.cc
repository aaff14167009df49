#include "engine/now_filters.h"

#include <algorithm>

#include "plan/bind.h"

namespace postern::engine {

using plan::Op;
using plan::OpKind;

namespace {

/// Of what an operator computes, its filter apart.
bool computes_with_now(const Op& op) {
  const auto asks = [](const plan::ExprPtr& e) { return e && plan::depends_on_run(*e); };
  const auto named = [&](const plan::NamedExpr& n) { return asks(n.expr); };
  return std::any_of(op.items.begin(), op.items.end(), named) ||
         std::any_of(op.keys.begin(), op.keys.end(), named) ||
         std::any_of(op.right_keys.begin(), op.right_keys.end(), asks) ||
         std::any_of(op.sort_keys.begin(), op.sort_keys.end(),
                     [&](const plan::SortKey& k) { return asks(k.expr); }) ||
         std::any_of(op.aggregates.begin(), op.aggregates.end(), [&](const plan::AggregateItem& a) {
           return std::any_of(a.args.begin(), a.args.end(), asks);
         });
}

bool asks_anywhere(const Op& op) {
  return computes_with_now(op) || (op.predicate && plan::depends_on_run(*op.predicate)) ||
         std::any_of(op.inputs.begin(), op.inputs.end(),
                     [](const plan::OpPtr& input) { return asks_anywhere(*input); });
}

}  // namespace

std::optional<NowFilters> NowFilters::of(const Op& root) {
  NowFilters out;
  if (!out.find(root)) return std::nullopt;
  return out;
}

bool NowFilters::find(const Op& op) {
  if (op.kind == OpKind::kScan || op.kind == OpKind::kElements) {
    filters_.emplace_back();
    return true;
  }
  // What windows of their own hold depends on more than the rows.
  if (op.window || computes_with_now(op)) return false;
  const bool asks = op.predicate && plan::depends_on_run(*op.predicate);
  if (op.kind == OpKind::kApply) {
    if (asks || asks_anywhere(*op.inputs[1])) return false;
    return find(*op.inputs[0]);
  }
  for (const plan::OpPtr& input : op.inputs)
    if (!find(*input)) return false;
  if (!asks) return true;
  const Op* below = op.inputs[0].get();
  while (below->kind == OpKind::kFilter)
    below = below->inputs[0].get();
  if (op.kind != OpKind::kFilter || below->kind != OpKind::kScan) return false;
  auto program = exec::compile(op.predicate, below->schema);
  if (!program) return false;
  filters_.back().push_back(std::move(*program));
  return true;
}

bool NowFilters::agree(size_t scan,
                       const exec::Chunk& chunk,
                       data::Rows rows,
                       const plan::RunContext& a,
                       const plan::RunContext& b) const {
  std::vector<uint32_t> at_a, at_b;
  return std::all_of(filters_[scan].begin(), filters_[scan].end(), [&](const auto& filter) {
    at_a.clear();
    at_b.clear();
    filter->select(chunk.columns, rows, chunk.num_rows, a, at_a);
    filter->select(chunk.columns, rows, chunk.num_rows, b, at_b);
    return at_a == at_b;
  });
}

}  // namespace postern::engine
