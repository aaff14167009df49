#include "exec/common_parts.h"

#include <functional>
#include <string>
#include <utility>

#include "plan/function.h"

namespace postern::exec {

using plan::Expr;
using plan::ExprPtr;

namespace {

size_t mixed(size_t h, size_t with) {
  return h ^ (with + 0x9E3779B97F4A7C15U + (h << 6) + (h >> 2));
}

/// A leaf as a whole; of a call what its arguments do not tell.
size_t hash_of(const Expr& e) {
  if (e.kind != Expr::Kind::kCall) return plan::hash(e);
  return mixed(std::hash<std::string>{}(e.name), static_cast<size_t>(e.type));
}

}  // namespace

bool CommonParts::Same::operator()(uint32_t a, uint32_t b) const {
  const Part& x = (*parts)[a];
  const Part& y = (*parts)[b];
  const Expr& e = *x.expr;
  const Expr& f = *y.expr;
  if (x.hash != y.hash || e.kind != f.kind || e.type != f.type || x.args != y.args) return false;
  return e.kind == Expr::Kind::kCall ? e.name == f.name : plan::same(e, f);
}

CommonParts::CommonParts(const ExprPtr& root) : known_(16, Hash{&parts_}, Same{&parts_}) {
  add(root);
  for (const Part& p : parts_)
    any_ = any_ || (p.uses > 1 && p.is_repeatable);
}

uint32_t CommonParts::add(const ExprPtr& e) {
  if (const auto it = numbers_.find(e.get()); it != numbers_.end()) return it->second;
  Part part;
  part.expr = e.get();
  part.hash = hash_of(*e);
  const bool is_call = e->kind == Expr::Kind::kCall;
  bool is_repeatable = !is_call || (e->function && e->function->deterministic);
  for (const ExprPtr& a : e->args) {
    part.args.push_back(add(a));
    part.hash = mixed(part.hash, part.args.back());
    const Part& arg = parts_[part.args.back()];
    if (arg.expr->kind == Expr::Kind::kCall) is_repeatable = is_repeatable && arg.is_repeatable;
  }
  part.is_repeatable = is_call && is_repeatable;
  const auto number = static_cast<uint32_t>(parts_.size());
  parts_.push_back(std::move(part));
  const auto [it, is_new] = known_.insert(number);
  if (!is_new) {
    parts_.pop_back();
  } else {
    for (const uint32_t a : parts_[number].args)
      ++parts_[a].uses;
  }
  const uint32_t found = is_new ? number : *it;
  numbers_.emplace(e.get(), found);
  return found;
}

}  // namespace postern::exec
